# SPDX-License-Identifier: LGPL-2.1-or-later
# Configuration goes to /etc/ballast (a file that is there is kept); the same file and example policies to the documentation.
ballastconfdir = $(sysconfdir)/ballast
policydir = $(sysconfdir)/ballast/policy.d
exampledir = $(docdir)/examples
libvirthookdir = $(sysconfdir)/libvirt/hooks/qemu.d

dist_doc_DATA += etc/ballast.conf
dist_example_DATA = \
	etc/policy/10-defaults.policy \
	etc/policy/20-important.policy \
	etc/policy/40-office-hours.policy \
	etc/policy/60-night-backup.policy \
	etc/policy/90-host.policy \
	$(NULL)

grafanadir = $(docdir)/grafana
prometheusdir = $(docdir)/prometheus
dist_grafana_DATA = etc/grafana/ballast.json
dist_prometheus_DATA = etc/prometheus/ballast.rules.yml
EXTRA_DIST += \
	tests/prometheus/ballast.rules.test.yml \
	tests/prometheus/dashboard.py \
	tests/prometheus/grafana/dashboard.ts \
	tests/prometheus/grafana/package-lock.json \
	tests/prometheus/grafana/package.json \
	$(NULL)
dist_check_SCRIPTS += tests/unit/test-grafana.sh
TESTS += tests/unit/test-grafana.sh

EXTRA_DIST += etc/libvirt/ballast-hook.in
CLEANFILES += etc/libvirt/ballast-hook
etc/libvirt/ballast-hook: etc/libvirt/ballast-hook.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/libvirt && $(substitute) $< >$@ && chmod +x $@
all-local: etc/libvirt/ballast-hook

install-data-hook:
	$(MKDIR_P) $(DESTDIR)$(ballastconfdir) $(DESTDIR)$(policydir) $(DESTDIR)$(prefix)/lib/ballast/policy.d $(DESTDIR)$(libvirthookdir)
	test -e $(DESTDIR)$(ballastconfdir)/ballast.conf || $(INSTALL_DATA) $(srcdir)/etc/ballast.conf $(DESTDIR)$(ballastconfdir)/ballast.conf
	$(INSTALL_SCRIPT) etc/libvirt/ballast-hook $(DESTDIR)$(libvirthookdir)/ballast

# A configuration that was edited is the administrator's; folders that are empty and ours go.
uninstall-hook:
	rm -f $(DESTDIR)$(libvirthookdir)/ballast
	! cmp -s $(srcdir)/etc/ballast.conf $(DESTDIR)$(ballastconfdir)/ballast.conf || rm -f $(DESTDIR)$(ballastconfdir)/ballast.conf
	for d in $(policydir) $(ballastconfdir) $(prefix)/lib/ballast/policy.d $(prefix)/lib/ballast \
		$(exampledir) $(grafanadir) $(prometheusdir) $(docdir) $(pkglibexecdir); do \
		rmdir $(DESTDIR)$$d 2>/dev/null || :; done
