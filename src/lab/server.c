/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Servers: their start, and when they are ready. What a server writes goes to a file of the lab, so nothing
 * has to read it meanwhile and the server never waits for a reader.
 *
 * Readiness is looked for again and again, less and less often, since no event says that another process
 * listens or has written. The end of the server is an event, and ends the wait.
 */

#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "deadline.h"
#include "directory.h"
#include "error.h"
#include "files.h"
#include "line.h"
#include "state.h"
#include <vdestack/lab.h>

#define LONGEST_PAUSE_MS 20
#define END_MS 5000 /* that the end of a killed server may take */

/* ------------------------------------------------------------------ TCP */

/* A connection within the host: it is there at once, or refused. */
static bool accepts(struct vdestack *stack, const struct sockaddr *addr, socklen_t len)
{
	int fd = vdestack_msocket(stack, addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0;
	socklen_t size = sizeof(err);

	if (fd < 0)
		return false;
	bool done = connect(fd, addr, len) == 0;
	if (!done && errno == EINPROGRESS && poll(&p, 1, LONGEST_PAUSE_MS) == 1)
		done = getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 && err == 0;
	(void)close(fd);
	return done;
}

static bool accepts_at(struct vdestack *stack, const struct vs_lab_addr *a, unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	if (a->family == AF_INET) {
		memcpy(&in.sin_addr, a->bytes, 4);
		return accepts(stack, (const struct sockaddr *)&in, sizeof(in));
	}
	memcpy(&in6.sin6_addr, a->bytes, 16);
	return a->family == AF_INET6 && accepts(stack, (const struct sockaddr *)&in6, sizeof(in6));
}

/* At one of its addresses, or at that of lo. */
static bool host_accepts(struct vdestack *stack, const struct vs_lab_host *h)
{
	static const struct vs_lab_addr lo[2] = { { .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
						  { .family = AF_INET6, .bytes = { [15] = 1 } } };

	for (size_t i = 0; i < h->n_ports; i++)
		for (int f = 0; f < 2; f++)
			if (accepts_at(stack, &h->ports[i].addrs[f], h->ready_port))
				return true;
	return accepts_at(stack, &lo[0], h->ready_port) || accepts_at(stack, &lo[1], h->ready_port);
}

/* ------------------------------------------------------------------ readiness */

struct watch {
	struct vdestack_lab *lab;
	size_t host;
	int output;
	long from;                      /* in the output */
	char name[VS_LAB_NAME_MAX + 8]; /* of the file with the output */
};

static bool is_ready(struct watch *w)
{
	const struct vs_lab_host *h = &w->lab->t->hosts[w->host];
	struct stat st;

	switch (h->ready) {
	case VS_LAB_READY_TCP:
		return host_accepts(w->lab->members[w->host].stack, h);
	case VS_LAB_READY_FILE:
		return stat(h->ready_text, &st) == 0;
	case VS_LAB_READY_OUTPUT:
		return vs_lab_find_in_file(w->output, h->ready_text, &w->from) > 0;
	default:
		return true;
	}
}

/* The server has ended before it was ready. */
static int report_end(const struct watch *w, int status_fd)
{
	const char *name = w->lab->t->hosts[w->host].name;
	char text[300];
	int status = 0;

	vs_lab_read_end(w->lab, w->name, text, sizeof(text));
	if (vdestack_cmd_wait(status_fd, &status, 0) < 0)
		return vs_lab_error(ECHILD, "server %s has been killed before it was ready", name);
	return vs_lab_error(ECHILD, "server %s has ended with %s %d before it was ready%s%s", name,
			    WIFSIGNALED(status) ? "signal" : "status",
			    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			    text[0] != '\0' ? "; it wrote: " : ", and wrote nothing", text);
}

static int report_time(const struct watch *w)
{
	static const char *const waited[] = { "", "no TCP port accepts", "its file is not there",
					      "it has not written the text" };
	const struct vs_lab_host *h = &w->lab->t->hosts[w->host];
	char text[300];

	vs_lab_read_end(w->lab, w->name, text, sizeof(text));
	return vs_lab_error(ETIMEDOUT,
			    "server %s is not ready in time: %s%s%s; change \"ready\", \"within\" or the "
			    "command",
			    h->name, waited[h->ready], text[0] != '\0' ? "; it wrote: " : "", text);
}

static int wait_ready(struct watch *w, int64_t deadline)
{
	struct pollfd end = { .fd = w->lab->members[w->host].status, .events = POLLIN };

	for (int pause = 1;; pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS) {
		int left = vs_lab_left_ms(deadline);
		if (is_ready(w))
			return 0;
		if (left == 0)
			return report_time(w);
		if (poll(&end, 1, left >= 0 && left < pause ? left : pause) > 0)
			return is_ready(w) ? 0 : report_end(w, end.fd);
	}
}

/* ------------------------------------------------------------------ start and end */

static int spawn(struct watch *w)
{
	struct vs_lab_member *m = &w->lab->members[w->host];
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts), .in = VDESTACK_NULL, .out = w->output, .err = VDESTACK_AS_OUT
	};
	int r;
	char **argv = vs_lab_line_argv(w->lab->t->hosts[w->host].run, &r);

	if (argv == NULL)
		return vs_lab_error(-r, "server %s: the command cannot be split",
				    w->lab->t->hosts[w->host].name);
	r = vs_lab_spawn(w->lab, w->host, argv, &opts, &m->server, &m->status);
	free(argv);
	return r;
}

int vs_lab_server_begin(struct vdestack_lab *lab, size_t host, int64_t deadline)
{
	const struct vs_lab_host *h = &lab->t->hosts[host];
	struct watch w = { .lab = lab, .host = host };
	int r = vs_lab_directory_make(lab);

	if (r < 0)
		return r;
	(void)snprintf(w.name, sizeof(w.name), "%s.out", h->name);
	w.output = vs_lab_open_output(lab, w.name);
	if (w.output < 0)
		return w.output;
	w.from = lseek(w.output, 0, SEEK_END); /* behind what it wrote before it was started again */
	if (h->within_ms > 0)
		deadline = vs_lab_sooner(deadline, vs_lab_deadline(h->within_ms));
	r = spawn(&w);
	if (r == 0)
		r = wait_ready(&w, deadline);
	(void)close(w.output);
	return r;
}

void vs_lab_server_forget(struct vs_lab_member *m)
{
	if (m->server >= 0)
		(void)close(m->server);
	if (m->status >= 0)
		(void)close(m->status);
	m->server = m->status = -1;
}

static int kill_server(struct vdestack_lab *lab, size_t host)
{
	struct vs_lab_member *m = &lab->members[host];
	int status;

	if (m->server < 0)
		return 0;
	(void)pidfd_send_signal(m->server, SIGKILL, NULL, 0);
	if (vdestack_cmd_wait(m->status, &status, END_MS) < 0 && errno == ETIMEDOUT)
		return vs_lab_error(ETIMEDOUT, "server %s does not end, though it was killed",
				    lab->t->hosts[host].name);
	vs_lab_server_forget(m);
	return 0;
}

/* A host with a command, in a lab that runs. */
static int look_up(struct vdestack_lab *lab, const char *name, size_t *host)
{
	int r = vs_lab_look_up_host(lab, name, true, host);

	if (r == 0 && lab->t->hosts[*host].run == NULL)
		r = vs_lab_error(ENOENT, "host %s has no server; write run \"PROGRAM\"",
				 lab->t->hosts[*host].name);
	return r;
}

int vdestack_lab_server(struct vdestack_lab *lab, const char *name)
{
	size_t host;
	int r = look_up(lab, name, &host);

	if (r == 0 && lab->members[host].server < 0)
		r = vs_lab_error(ENOENT, "the server of host %s does not run", lab->t->hosts[host].name);
	return r < 0 ? vs_lab_edge(r) : lab->members[host].server;
}

int vdestack_lab_server_start(struct vdestack_lab *lab, const char *name)
{
	size_t host;
	int r = look_up(lab, name, &host);

	if (r == 0)
		r = kill_server(lab, host);
	if (r == 0)
		r = vs_lab_server_begin(lab, host, vs_lab_deadline(lab->timeout_ms));
	return vs_lab_edge(r);
}
