#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whether each bug of tests/mutants/planted can still be planted where the code is now: minutes before tests/mutants/run, which plants them and looks
# whether they are found.
exec "$srcdir/tests/mutants/run" --lines
