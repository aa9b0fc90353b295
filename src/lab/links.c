/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to the frames of ports: impairments, cables, captures. */

#include "links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "error.h"
#include "seeds.h"
#include "state.h"
#include <vdestack/capture.h>
#include <vdestack/events.h>
#include <vdestack/impair.h>
#include <vdestack/lab.h>

/* ------------------------------------------------------------------ impairment */

static int impair(struct vdestack_lab *lab, size_t host, size_t port, const char *words)
{
	bool *seeded = &lab->members[host].seeded[port];
	struct vs_lab_seed_words found = vs_lab_seeds_read(words);
	bool needed = found.anew ? found.works : !*seeded;
	const char *name = lab->t->hosts[host].name, *ifname = vs_lab_ifname(lab, host, port);
	char *all = needed ? vs_lab_seeds_add(lab->seed, name, ifname, words) : strdup(words);

	if (all == NULL)
		return vs_lab_error(ENOMEM, "out of memory for an impairment");
	int r = vdestack_impair_words(lab->members[host].stack, ifname, all);
	free(all);
	if (r < 0)
		return vs_lab_error_below("link %s:%s", name, ifname);
	*seeded = needed || (found.anew ? found.tx && found.rx : *seeded);
	return 0;
}

int vdestack_lab_impair(struct vdestack_lab *lab, const char *port_name, const char *words)
{
	size_t host, port;
	int r = vs_lab_look_up_port(lab, port_name, true, &host, &port);

	if (r == 0 && words == NULL)
		r = vs_lab_error(EINVAL, "there are no words");
	return vs_lab_edge(r == 0 ? impair(lab, host, port, words) : r);
}

/* ------------------------------------------------------------------ cables */

static int set_carrier(struct vdestack_lab *lab, const char *port_name, int on)
{
	size_t host, port;
	int r = vs_lab_look_up_port(lab, port_name, true, &host, &port);

	if (r == 0 &&
	    vdestack_link_set_carrier(lab->members[host].stack, vs_lab_ifname(lab, host, port), on) < 0)
		r = vs_lab_error_below("link %s", port_name);
	return vs_lab_edge(r);
}

int vdestack_lab_cut(struct vdestack_lab *lab, const char *port)
{
	return set_carrier(lab, port, 0);
}

int vdestack_lab_restore(struct vdestack_lab *lab, const char *port)
{
	return set_carrier(lab, port, 1);
}

/* ------------------------------------------------------------------ captures */

/* Returns the descriptor of the capture. */
static int capture(struct vdestack_lab *lab, size_t host, size_t port, const char *file, uint32_t flags)
{
	const char *ifname = vs_lab_ifname(lab, host, port);
	struct vdestack_capture_opts opts = { .size = sizeof(opts), .path = file, .flags = flags };
	int fd = vdestack_capture_start(lab->members[host].stack, ifname, &opts);

	return fd >= 0 ? fd : vs_lab_error_below("capture of %s:%s", lab->t->hosts[host].name, ifname);
}

static int capture_kept(struct vdestack_lab *lab, size_t host, size_t port, const char *file)
{
	int fd = capture(lab, host, port, file, VDESTACK_CAPTURE_KEPT);

	if (fd >= 0)
		(void)close(fd);
	return fd < 0 ? fd : 0;
}

int vdestack_lab_capture(struct vdestack_lab *lab, const char *port_name, const char *file)
{
	size_t host, port;
	int r = vs_lab_look_up_port(lab, port_name, true, &host, &port);

	if (r == 0 && (file == NULL || file[0] == '\0'))
		r = vs_lab_error(EINVAL, "there is no file");
	return vs_lab_edge(r == 0 ? capture_kept(lab, host, port, file) : r);
}

/* Into the lab's directory, from which a failure copies it. */
static int capture_port(struct vdestack_lab *lab, size_t host, size_t port)
{
	struct vs_lab_member *m = &lab->members[host];
	char name[80];
	int r = vs_lab_directory_make(lab);

	if (r < 0)
		return r;
	/* "a-b" on "c" and "a" on "b-c" must not share a file; no name has a plus. */
	for (const char *between = "-+"; *between != '\0'; between++) {
		(void)snprintf(name, sizeof(name), "%s%c%s.pcapng", lab->t->hosts[host].name, *between,
			       vs_lab_ifname(lab, host, port));
		char *path = vs_lab_directory_path(lab, name);
		r = path != NULL ? capture(lab, host, port, path, VDESTACK_CAPTURE_NEW)
				 : vs_lab_error(ENOMEM, "out of memory for a capture");
		free(path);
		if (r != -EEXIST)
			break;
	}
	if (r < 0)
		return r;
	m->captures[port] = r;
	return 0;
}

/* A forked child has copies of the descriptors: what it sends there would end the captures of its parent. */
static void stop_capture(const struct vdestack_lab *lab, int fd)
{
	if (lab->maker == getpid())
		(void)vdestack_capture_stop(fd, NULL);
	else
		(void)close(fd);
}

void vs_lab_links_stop_captures(struct vdestack_lab *lab)
{
	for (size_t i = 0; lab->members != NULL && i < lab->t->n_hosts; i++)
		for (size_t j = 0; lab->members[i].captures != NULL && j < lab->t->hosts[i].n_ports; j++)
			if (lab->members[i].captures[j] >= 0) {
				stop_capture(lab, lab->members[i].captures[j]);
				lab->members[i].captures[j] = -1;
			}
}

int vs_lab_links_start(struct vdestack_lab *lab)
{
	bool captures = (lab->flags & VDESTACK_LAB_CAPTURE) != 0 && lab->artefacts != NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < lab->t->n_hosts; i++)
		for (size_t j = 0; r == 0 && j < lab->t->hosts[i].n_ports; j++) {
			if (captures)
				r = capture_port(lab, i, j);
			if (r == 0 && lab->t->hosts[i].ports[j].impair != NULL)
				r = impair(lab, i, j, lab->t->hosts[i].ports[j].impair);
		}
	return r;
}
