/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_CAPTURE_H
#define VS_TOOLS_CAPTURE_H

/* `vdestack capture`. argv[0] is "capture". Returns the exit status. */
int vs_capture_main(int argc, char *argv[]);

#endif
