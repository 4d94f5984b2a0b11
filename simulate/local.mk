# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += simulate/libsimulate.a
simulate_libsimulate_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
simulate_libsimulate_a_SOURCES = \
	simulate/agent-model.c \
	simulate/agent-model.h \
	simulate/balloon.c \
	simulate/channel-model.c \
	simulate/channel-model.h \
	simulate/cmd.c \
	simulate/cpu.c \
	simulate/driver.c \
	simulate/driver.h \
	simulate/fields.c \
	simulate/fields.h \
	simulate/guest.c \
	simulate/judge-expect.c \
	simulate/judge-flips.c \
	simulate/judge-parts.h \
	simulate/judge-promise.c \
	simulate/judge-rules.c \
	simulate/judge.c \
	simulate/judge.h \
	simulate/output-json.c \
	simulate/output-table.c \
	simulate/output.c \
	simulate/output.h \
	simulate/rng.c \
	simulate/rng.h \
	simulate/scenario-read.c \
	simulate/scenario.c \
	simulate/scenario.h \
	simulate/simulate.h \
	simulate/view.c \
	simulate/view.h \
	simulate/world-parts.h \
	simulate/world.c \
	simulate/world.h \
	$(NULL)
simulate_libs = simulate/libsimulate.a policy/libpolicy.a common/libcommon.a $(JANSSON_LIBS)

