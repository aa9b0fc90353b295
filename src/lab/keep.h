/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_KEEP_H
#define VS_LAB_KEEP_H

/*
 * Keeps the keeper process of this program between labs, by one stack without interfaces that is made
 * before the first lab and never deleted. A test program makes many labs: to start a keeper for each, and
 * to wait for the end of the last one, takes longer than the lab. If the stack cannot be made, labs work
 * without it.
 */
void vs_lab_keep(void);

#endif
