/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state.h"

#include <errno.h>
#include <string.h>

#include "error.h"
#include "mistake.h"
#include "parse.h"

int vs_lab_state_parse(const char *text, size_t len, bool partial, struct vs_lab_topology **t)
{
	struct vs_lab_mistake mistake;
	int r;

	if (len > VS_LAB_TEXT_MAX)
		return vs_lab_error(E2BIG, "the text of a lab is longer than %u bytes; write a shorter one",
				    VS_LAB_TEXT_MAX);
	r = vs_lab_parse(text, len, partial, t, &mistake);
	if (r == -EINVAL)
		return vs_lab_error(EINVAL, "%u:%u: %s", mistake.place.line, mistake.place.column,
				    mistake.why);
	return r < 0 ? vs_lab_error(-r, "out of memory for the text of a lab") : 0;
}

int vs_lab_resolve(struct vdestack_lab *lab)
{
	return lab->t != NULL ? 0 : vs_lab_state_parse(lab->text, lab->len, false, &lab->t);
}

int vs_lab_check_phase(struct vdestack_lab *lab, bool running)
{
	if (lab == NULL)
		return vs_lab_error(EINVAL, "no lab");
	if (running && lab->phase != VS_LAB_RUNNING)
		return vs_lab_error(ENOTCONN, "the lab does not run; call vdestack_lab_start()");
	return vs_lab_resolve(lab);
}

int vs_lab_look_up_host(struct vdestack_lab *lab, const char *name, bool running, size_t *host)
{
	int r = vs_lab_check_phase(lab, running);

	if (r < 0)
		return r;
	r = name != NULL ? vs_lab_find_host(lab->t, name) : -ENOENT;
	if (r < 0)
		return vs_lab_error(ENOENT, "the lab has no host \"%s\"",
				    name != NULL ? vs_lab_shown(name) : "");
	*host = (size_t)r;
	return 0;
}

int vs_lab_look_up_port(struct vdestack_lab *lab, const char *name, bool running, size_t *host, size_t *port)
{
	const char *colon = name != NULL ? strchr(name, ':') : NULL;
	char part[VS_LAB_NAME_MAX + 1] = "";

	if (lab == NULL || colon == NULL || (size_t)(colon - name) >= sizeof(part))
		return vs_lab_error(EINVAL, "\"%s\" is no port; write HOST:NETWORK",
				    name != NULL ? vs_lab_shown(name) : "");
	memcpy(part, name, (size_t)(colon - name));
	int r = vs_lab_look_up_host(lab, part, running, host);
	if (r < 0)
		return r;
	r = vs_lab_find_network(lab->t, colon + 1);
	if (r >= 0)
		r = vs_lab_find_port(lab->t, *host, (size_t)r);
	if (r < 0)
		return vs_lab_error(ENOENT, "host %s is not on a network \"%s\"", part,
				    vs_lab_shown(colon + 1));
	*port = (size_t)r;
	return 0;
}
