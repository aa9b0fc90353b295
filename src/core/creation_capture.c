/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The word capture=FILE: the interface is captured from its first frame, before it is set up. The capture
 * ends with the interface.
 */

#include "creation_steps.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "capture.h"
#include "numbers.h"
#include "regain.h"
#include "wire/fdmsg.h"

#define ANSWER_MS 5000

static const struct vs_conf_iface *next_captured(struct vs_creation *c)
{
	while (c->n_captures < c->config->n_ifaces && c->config->ifaces[c->n_captures].capture == NULL)
		c->n_captures++;
	return c->n_captures < c->config->n_ifaces ? &c->config->ifaces[c->n_captures] : NULL;
}

int vs_creation_step_capture(struct vs_creation *c)
{
	static const struct vs_wire_capture want = { .buffer_bytes = VS_CAPTURE_BUFFER_DEFAULT,
						     .snaplen = VS_CAPTURE_SNAP_MAX,
						     .flags = VS_CAPTURE_KEPT };
	const struct vs_conf_iface *iface = next_captured(c);

	if (iface == NULL) {
		c->state = VS_CREATION_APPLY;
		return 0;
	}
	vs_creation_prepare(c, vs_regain_door(c->slot), VS_OP_CAPTURE);
	memcpy(c->call.req.iface.name, iface->name, sizeof(iface->name));
	c->call.text = (const char *)&want;
	c->call.text_len = sizeof(want);
	int r = vs_creation_send(c);
	return r < 0 ? r : vs_creation_now_await(c, VS_CREATION_CAPTURING);
}

int vs_creation_step_capturing(struct vs_creation *c)
{
	const char *path = c->config->ifaces[c->n_captures].capture;
	int r = vs_creation_await(c);

	if (r < 0)
		return r;
	if (c->call.n_got < 1)
		return vs_fail(EPROTO, "cannot capture: the keeper sent no descriptor");
	c->control = c->call.got[0];
	VS_AUTO_CLOSE file = vs_capture_open_file(path, false);
	if (file < 0)
		return file;
	if (!c->may_wait && (r = vs_fd_raise(&c->control, vs_numbers_floor())) < 0)
		return vs_fail(-r, "cannot capture: %s", strerror(-r));
	/* If the capture has ended, its answer says why. */
	(void)vs_capture_ask(c->control, VS_CAPTURE_FILE, &file);
	(void)vs_capture_ask(c->control, VS_CAPTURE_START, NULL);
	c->state = VS_CREATION_CAPTURED;
	return vs_creation_wait_for(c, (struct pollfd){ .fd = c->control, .events = POLLIN },
				    vs_deadline_ms(ANSWER_MS));
}

int vs_creation_step_captured(struct vs_creation *c)
{
	const char *ifname = c->config->ifaces[c->n_captures].name;
	struct vs_wire_capture_answer answer;
	int r = vs_capture_hear(c->control, &answer, 0);

	if (r == -EAGAIN && vs_left_ms(c->due_ms) > 0)
		return VS_NOT_YET;
	if (r < 0)
		return vs_fail(r == -EAGAIN ? ETIMEDOUT : ENETDOWN, "cannot capture on interface %s: %s",
			       ifname, r == -EAGAIN ? "the keeper does not answer" : "the keeper has ended");
	vs_close(vs_steal_fd(&c->control)); /* it is kept */
	c->n_captures++;
	c->state = VS_CREATION_CAPTURE;
	return vs_capture_started(&answer, ifname);
}
