/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What programs ask a lab: its stacks, addresses, seed, picture. */

#include <errno.h>
#include <string.h>

#include "draw.h"
#include "error.h"
#include "mistake.h"
#include "state.h"
#include <vdestack/lab.h>

struct vdestack *vdestack_lab_host(struct vdestack_lab *lab, const char *host)
{
	size_t index;
	int r = vs_lab_edge(vs_lab_look_up_host(lab, host, true, &index));

	return r == 0 ? lab->members[index].stack : NULL;
}

static const struct vs_lab_addr *find_addr(const struct vs_lab_host *h, size_t first, size_t end, int family)
{
	for (int f = 0; f < 2; f++)
		for (size_t i = first; i < end; i++)
			if (h->ports[i].addrs[f].family != 0 && (family == 0 || family == vs_lab_family(f)))
				return &h->ports[i].addrs[f];
	return NULL;
}

static int write_addr(struct vdestack_lab *lab, const char *where, int family, char *buf, size_t size)
{
	const struct vs_lab_addr *a;
	char text[VS_LAB_ADDR_TEXT];
	size_t host, first = 0, end;
	int r;

	if ((family != 0 && family != AF_INET && family != AF_INET6) || (buf == NULL && size > 0))
		return vs_lab_error(EINVAL,
				    "the family is not AF_INET, AF_INET6 or 0, or there is no buffer");
	if (where != NULL && strchr(where, ':') != NULL)
		r = vs_lab_look_up_port(lab, where, false, &host, &first);
	else
		r = vs_lab_look_up_host(lab, where, false, &host);
	if (r < 0)
		return r;
	end = strchr(where, ':') != NULL ? first + 1 : lab->t->hosts[host].n_ports;
	a = find_addr(&lab->t->hosts[host], first, end, family);
	if (a == NULL)
		return vs_lab_error(EADDRNOTAVAIL, "%s has no address of this family", vs_lab_shown(where));
	vs_lab_addr_text(a, text);
	if (strlen(text) >= size)
		return vs_lab_error(ERANGE, "the buffer is too small; %d bytes are enough", INET6_ADDRSTRLEN);
	(void)strcpy(buf, text);
	return (int)strlen(text);
}

int vdestack_lab_addr(struct vdestack_lab *lab, const char *where, int family, char *buf, size_t size)
{
	return vs_lab_edge(write_addr(lab, where, family, buf, size));
}

uint64_t vdestack_lab_seed(const struct vdestack_lab *lab)
{
	return lab != NULL ? lab->seed : 0;
}

const char *vdestack_lab_artefacts(const struct vdestack_lab *lab)
{
	return lab != NULL && lab->written != NULL ? lab->written : "";
}

char *vdestack_lab_draw(struct vdestack_lab *lab, enum vdestack_lab_format format)
{
	char *drawn = NULL;
	int r = vs_lab_check_phase(lab, false);

	if (r == 0)
		r = vs_lab_draw(lab->t, format, &drawn);
	if (r == -ENOMEM)
		(void)vs_lab_error(ENOMEM, "out of memory for a picture");
	(void)vs_lab_edge(r);
	return drawn;
}
