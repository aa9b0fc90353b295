/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_LAB_H
#define VS_TOOLS_LAB_H

/* vdestack lab */
int vs_lab_main(int argc, char *argv[]);

#endif
