# SPDX-License-Identifier: LGPL-2.1-or-later
# From a tarball too one can look at Ballast, and test it.
EXTRA_DIST += \
	quickstart \
	scripts/deps \
	scripts/page.sh \
	scripts/cli-screens scripts/screen-svg \
	scripts/story.sh \
	test \
	$(NULL)

# Whether all that is kept in git is in the tarball, and what an installation leaves when it goes.
dist_check_SCRIPTS += tests/unit/test-dist.sh tests/unit/test-install.sh tests/unit/test-npm.sh
TESTS += tests/unit/test-dist.sh tests/unit/test-install.sh tests/unit/test-npm.sh

# What tests put into the build folder beside their own logs: packages from npm, and what they are run in.
clean-local:
	rm -rf tests/api/node* tests/browser/node* tests/prometheus/grafana*
