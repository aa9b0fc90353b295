/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_REPORT_H
#define VS_LAB_REPORT_H

/* What is known of a host that runs, as text for people. What cannot be read is said in the text. */

#include <stddef.h>
#include <stdio.h>

struct vdestack_lab;

/* Interfaces with counters and impairments, addresses, routes, neighbours. */
void vs_lab_report_state(FILE *out, struct vdestack_lab *lab, size_t host);

/* The events that wait in a subscription; they are read. */
void vs_lab_report_events(FILE *out, int events);

#endif
