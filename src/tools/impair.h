/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_IMPAIR_H
#define VS_TOOLS_IMPAIR_H

/* `vdestack impair`. argv[0] is "impair". Returns the exit status. */
int vs_impair_main(int argc, char *argv[]);

#endif
