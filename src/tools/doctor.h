/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_DOCTOR_H
#define VS_TOOLS_DOCTOR_H

/*
 * `vdestack doctor`. Returns the exit status: a severity; 64: usage; 71: no process for a check; 74: the
 * output could not be written.
 */
int vs_doctor_main(int argc, char *argv[]);

#endif
