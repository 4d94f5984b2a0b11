# SPDX-License-Identifier: LGPL-2.1-or-later
substitute = $(SED) \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' \
	$(NULL)

systemd_units = \
	systemd/ballast-release.service \
	systemd/ballastd.service \
	$(NULL)
nodist_systemdsystemunit_DATA = $(systemd_units)
nodist_sysusers_DATA = systemd/sysusers/ballast.conf
nodist_tmpfiles_DATA = systemd/tmpfiles/ballast.conf
dist_catalog_DATA = systemd/ballast.catalog
EXTRA_DIST += \
	systemd/ballast-release.service.in \
	systemd/ballast.sysusers \
	systemd/ballast.tmpfiles \
	systemd/ballastd.service.in \
	$(NULL)
CLEANFILES += $(systemd_units) systemd/sysusers/ballast.conf systemd/tmpfiles/ballast.conf

systemd/ballastd.service: systemd/ballastd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(substitute) $(srcdir)/systemd/ballastd.service.in >$@
systemd/ballast-release.service: systemd/ballast-release.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(substitute) $(srcdir)/systemd/ballast-release.service.in >$@
systemd/sysusers/ballast.conf: systemd/ballast.sysusers
	$(AM_V_GEN)$(MKDIR_P) systemd/sysusers && cp $(srcdir)/systemd/ballast.sysusers $@
systemd/tmpfiles/ballast.conf: systemd/ballast.tmpfiles
	$(AM_V_GEN)$(MKDIR_P) systemd/tmpfiles && cp $(srcdir)/systemd/ballast.tmpfiles $@

TESTS += tests/unit/test-services.sh
dist_check_SCRIPTS += tests/unit/test-services.sh
