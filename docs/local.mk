# SPDX-License-Identifier: LGPL-2.1-or-later
# What speaks to Ballast is installed; what is about its inside stays with the sources.
dist_doc_DATA += \
	docs/API.md \
	docs/agent-protocol.md \
	$(NULL)
EXTRA_DIST += \
	docs/ARCHITECTURE.md \
	docs/BENCHMARKS.md \
	docs/screens \
	$(NULL)
