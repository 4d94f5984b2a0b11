/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ballastctl simulate` alone, without the client's libraries: for tests and for trying things
 * out. */
#include "simulate/simulate.h"

int main(int argc, char **argv)
{
	return cmd_simulate(argc, argv);
}
