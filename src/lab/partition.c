/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks that are split into groups, and joined again. All groups are checked before the first port
 * moves.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mistake.h"
#include "state.h"
#include <vdestack/impair.h>
#include <vdestack/lab.h>

#define NOT_NAMED (-1)

static int find_network(struct vdestack_lab *lab, const char *name, size_t *network)
{
	int r = lab == NULL || lab->phase != VS_LAB_RUNNING ? -ENOTCONN : 0;

	if (r < 0)
		return vs_lab_error(ENOTCONN, "the lab does not run; call vdestack_lab_start()");
	r = name != NULL ? vs_lab_find_network(lab->t, name) : -ENOENT;
	if (r < 0)
		return vs_lab_error(ENOENT, "the lab has no network \"%s\"",
				    name != NULL ? vs_lab_shown(name) : "");
	*network = (size_t)r;
	return 0;
}

/* One name of a list; groups: the group of each host. */
static int put(struct vdestack_lab *lab, size_t network, const char *name, int group, int *groups)
{
	int host = vs_lab_find_host(lab->t, name);

	if (host < 0 || vs_lab_find_port(lab->t, (size_t)host, network) < 0)
		return vs_lab_error(ENOENT, "no host \"%s\" is on this network", vs_lab_shown(name));
	if (groups[host] != NOT_NAMED)
		return vs_lab_error(EINVAL, "host %s is named twice; name it in one group", name);
	groups[host] = group;
	return 0;
}

/* "a,b|c,d,e", which is changed. */
static int read_groups(struct vdestack_lab *lab, size_t network, char *text, int *groups)
{
	int group = 0, r = 0;

	for (char *part, *parts = text; r == 0 && (part = strsep(&parts, "|")) != NULL; group++)
		for (char *name; r == 0 && (name = strsep(&part, ",")) != NULL;) {
			name += strspn(name, " ");
			name[strcspn(name, " ")] = '\0';
			r = name[0] == '\0' ? vs_lab_error(EINVAL, "an empty name or group; write a,b|c")
					    : put(lab, network, name, group, groups);
		}
	return r;
}

static int move(struct vdestack_lab *lab, size_t network, const int *groups)
{
	for (size_t i = 0; i < lab->t->n_hosts; i++) {
		unsigned group = groups == NULL || groups[i] == NOT_NAMED ? 0 : (unsigned)groups[i];
		const char *ifname = lab->t->networks[network].name;
		if (vs_lab_find_port(lab->t, i, network) < 0)
			continue;
		if (vdestack_segment_group(lab->members[i].stack, ifname, group) < 0)
			return vs_lab_error_below("group %u of %s:%s", group, lab->t->hosts[i].name, ifname);
	}
	return 0;
}

static int partition(struct vdestack_lab *lab, size_t network, const char *text)
{
	int *groups = calloc(lab->t->n_hosts + 1, sizeof(*groups)), r = -ENOMEM;
	char *copy = strdup(text);

	for (size_t i = 0; groups != NULL && i < lab->t->n_hosts; i++)
		groups[i] = NOT_NAMED;
	if (groups != NULL && copy != NULL)
		r = read_groups(lab, network, copy, groups);
	else
		(void)vs_lab_error(ENOMEM, "out of memory for a partition");
	if (r == 0)
		r = move(lab, network, groups);
	free(groups);
	free(copy);
	return r;
}

int vdestack_lab_partition(struct vdestack_lab *lab, const char *name, const char *groups)
{
	size_t network;
	int r = find_network(lab, name, &network);

	if (r == 0 && groups == NULL)
		r = vs_lab_error(EINVAL, "there are no groups");
	return vs_lab_edge(r == 0 ? partition(lab, network, groups) : r);
}

int vdestack_lab_heal(struct vdestack_lab *lab, const char *name)
{
	size_t network;
	int r = find_network(lab, name, &network);

	return vs_lab_edge(r == 0 ? move(lab, network, NULL) : r);
}
