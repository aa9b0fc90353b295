/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_START_H
#define VS_LAB_START_H

struct vdestack_lab;

/* Ends all that runs and removes the temporary files. The lab stays, with its text. */
void vs_lab_stop(struct vdestack_lab *lab);

#endif
