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
polkitactionsdir = $(datadir)/polkit-1/actions
dist_polkitactions_DATA = polkit/org.ballast.policy
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

# What it took of guests goes back while it still can: by the unit that is about to be removed, as its user. Only where systemd runs the very
# unit of this installation, and before what it needs goes; RELEASE=no is for who has given up.
RELEASE = yes
uninstall-release:
	@unit="$(systemdsystemunitdir)/ballast-release.service"; \
	if test -n "$(DESTDIR)" || test "$(RELEASE)" = no || \
		! test "$$(systemctl show -p FragmentPath --value ballast-release.service 2>/dev/null)" -ef "$$unit"; then exit 0; fi; \
	systemctl disable --now ballastd.service; \
	systemctl start ballast-release.service || { \
		echo "The guests could not be given back what Ballast took of them: journalctl -u ballast-release" >&2; \
		echo "To uninstall all the same: make uninstall RELEASE=no" >&2; exit 1; }
# (A variable, because automake gives way to a rule that has the name of its own.)
needed_by_release = \
	uninstall-nodist_systemdsystemunitDATA \
	uninstall-nodist_sysusersDATA \
	uninstall-nodist_tmpfilesDATA \
	uninstall-sbinPROGRAMS \
	$(NULL)
$(needed_by_release): uninstall-release
.PHONY: uninstall-release

TESTS += tests/unit/test-services.sh tests/unit/test-network.sh tests/unit/test-polkit.sh
dist_check_SCRIPTS += tests/unit/test-services.sh tests/unit/test-network.sh tests/unit/test-polkit.sh
