/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_FAIL_H
#define VS_LAB_FAIL_H

struct vdestack_lab;

/*
 * What vdestack_lab_fail() does, also for a lab whose start has failed half-way. 1: written, 0: nowhere,
 * -Exxx.
 */
int vs_lab_fail(struct vdestack_lab *lab, const char *why);

#endif
