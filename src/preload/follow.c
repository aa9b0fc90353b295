/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "follow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mounts.h"
#include <vdestack.h>
#include <vdestack/events.h>
#include <vdestack/sources.h>

int vs_follow_start(struct vs_follow *f, struct vdestack *stack)
{
	f->stack = stack;
	f->resolv = -1;
	f->events = vdestack_events(stack);
	if (f->events < 0 || vdestack_resolvconf(stack, NULL, f->text, sizeof(f->text)) < 0)
		return -errno;
	return 0;
}

void vs_follow_update(struct vs_follow *f)
{
	char text[VS_FOLLOW_TEXT];

	if (f->resolv < 0 || vdestack_resolvconf(f->stack, NULL, text, sizeof(text)) < 0 ||
	    strcmp(text, f->text) == 0)
		return;
	(void)strcpy(f->text, text);
	(void)vs_mounts_update(f->resolv, text);
}

bool vs_follow_event(struct vs_follow *f)
{
	struct vdestack_event event;
	int r = vdestack_event_read(f->events, &event, 0);

	if (r < 0 ||
	    (r > 0 && (event.type == VDESTACK_EVENT_KEEPER_LOST || event.type == VDESTACK_EVENT_STACK_ENDED)))
		return false;
	if (r > 0 && (event.source != 0 || event.type == VDESTACK_EVENT_SOURCE_CHANGED ||
		      event.type == VDESTACK_EVENT_OVERRUN))
		vs_follow_update(f);
	return true;
}
