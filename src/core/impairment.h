/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_IMPAIRMENT_H
#define VS_CORE_IMPAIRMENT_H

/* Requests to the keeper about impairment. */

#include "config/impair.h"
#include "wire/impair.h"
#include <vdestack.h>

/* What words say, as a request has it. */
void vs_impairment_fill(const struct vs_conf_impair *impair, struct vs_wire_impair *out);
/* A change that takes this one back; before: the keeper's answer to it. */
void vs_impairment_reverse(const struct vs_wire_impair *change, const struct vs_wire_impaired *before,
			   struct vs_wire_impair *out);

/*
 * Changes the impairment of an interface, *state: as it was before. wanted NULL: reads it. 0, or -errno with
 * a message that lacks the step. ifname has been checked.
 */
int vs_impairment_ask(struct vdestack *stack, const char *ifname, const struct vs_wire_impair *wanted,
		      struct vs_wire_impaired *state);

#endif
