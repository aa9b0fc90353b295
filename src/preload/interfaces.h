/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_INTERFACES_H
#define VS_PRELOAD_INTERFACES_H

/* What the supervisor answers to questions about interfaces: ioctl(2) with a request of questions.h. */

struct vs_answer;

/* Answers a->notify.request. */
void vs_interfaces(struct vs_answer *a);

#endif
