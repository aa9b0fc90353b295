/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks of other programs of this user.
 *
 * Their keepers have sockets in a directory of the user (wire/registry_dir.h). A list is made by asking all
 * of them at once, and waiting for the answers together, so several that are stopped cost no more time than
 * one. To attach, the keepers whose files name that program are asked first. A file whose socket nobody has
 * any more is removed.
 *
 *     this process                          keeper
 *       ├── VS_OP_LIST, reply channel ───────▶ registry socket
 *       │◀─ pid, stacks ────────────────────┤
 *       ├── VS_OP_ATTACH, id ────────────────▶
 *       │◀─ door ───────────────────────────┤
 *       ├── as a process that receives a stack (receive.c)
 *
 * What is believed: the kernel says who sends an answer. It must be this user. Another program of this user
 * can pretend to be a keeper. It could also trace this process.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/opts.h"
#include "keepers.h"
#include "receive.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"
#include "wire/registry_ask.h"
#include "wire/registry_dir.h"
#include <vdestack/registry.h>

#define LIST_MS 1000
#define ATTACH_MS 5000

/* A keeper's socket, and what it is asked. */
struct peer {
	int dir; /* borrowed */
	char file[VS_REGISTRY_NAME_MAX];
	pid_t pid, keeper; /* as the file's name says */
	int channel;       /* our end, -1 */
};

struct found {
	struct vdestack_registered shown;
	uint64_t id;
	size_t peer;
};

struct listing {
	pid_t only; /* keepers of that program, or with that number, as the files' names say; 0: all */
	int dirs[VS_REGISTRY_DIRS];
	struct peer *peers;
	size_t n_peers;
	struct found *found;
	size_t n_found;
};

/* The array with room for one more, or NULL; the old one stays valid then. It grows by doubling. */
static void *grow(void *array, size_t n, size_t size)
{
	bool full = (n & (n - 1)) == 0; /* 0 or a power of two */

	return full ? reallocarray(array, n > 0 ? 2 * n : 1, size) : array;
}

/* ------------------------------------------------------------------ requests to a keeper */

/* Sends a request. 0, and peer->channel is where the answer comes; or -errno. */
static int ask(struct peer *peer, struct vs_request *req, const void *text, size_t text_len)
{
	struct vs_fdmsg msg = { .iov = { { req, sizeof(*req) }, { (void *)text, text_len } },
				.n_iov = text_len > 0 ? 2 : 1,
				.n_fds = 1 };
	char path[sizeof("/proc/self/fd/2147483647/") + VS_REGISTRY_NAME_MAX];

	req->version = VS_WIRE_VERSION;
	req->seq = 1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", peer->dir, peer->file);
	return vs_registry_ask(path, &msg, &peer->channel);
}

/* Takes the answer. 0, *fd (-1: it has none) and text; or -errno, the keeper's with its text. */
static int take_answer(struct peer *peer, int64_t deadline, char text[VS_TEXT_MAX + 1], int *fd)
{
	struct vs_reply reply;
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) }, { text, VS_TEXT_MAX } }, .n_iov = 2 };
	VS_AUTO_CLOSE channel = vs_steal_fd(&peer->channel);
	struct pollfd word = { .fd = channel, .events = POLLIN };
	int n;

	text[0] = '\0';
	while ((n = poll(&word, 1, vs_left_ms(deadline))) < 0 && errno == EINTR)
		;
	if (n == 0)
		return -ETIMEDOUT;
	ssize_t len = vs_fdmsg_recv(channel, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (!vs_registry_is_reply(&reply, len, &msg)) {
		vs_fdmsg_drop(&msg);
		return len == -EAGAIN ? -ETIMEDOUT : -ENETDOWN;
	}
	text[(size_t)len - sizeof(reply)] = '\0';
	if (reply.result < 0 || fd == NULL || msg.n_fds != 1) {
		vs_fdmsg_drop(&msg);
		return reply.result < 0 ? reply.result : fd != NULL ? -EMFILE : 0;
	}
	*fd = msg.fds[0];
	return 0;
}

/* ------------------------------------------------------------------ finding keepers */

static int add_peer(struct listing *l, int dir, const char *file)
{
	struct peer peer = { .dir = dir, .channel = -1 };
	struct vs_request req = { .op = VS_OP_LIST };
	struct stat st;

	if (strlen(file) >= sizeof(peer.file) || !vs_registry_name_parse(file, &peer.pid, &peer.keeper) ||
	    fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode) ||
	    st.st_uid != geteuid() || (l->only != 0 && peer.pid != l->only && peer.keeper != l->only))
		return 0;
	memcpy(peer.file, file, strlen(file) + 1);
	struct peer *peers = grow(l->peers, l->n_peers, sizeof(*peers));
	if (peers == NULL)
		return -ENOMEM;
	l->peers = peers;
	int r = ask(&peer, &req, NULL, 0);
	if (r == -ECONNREFUSED)
		(void)unlinkat(dir, file, 0); /* names are not used twice */
	/* EAGAIN: its queue is full */
	if (r == 0 || r == -EAGAIN)
		l->peers[l->n_peers++] = peer;
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : 0;
}

static int read_dir(struct listing *l, int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (entries == NULL) {
		vs_close(fd);
		return fd < 0 ? 0 : -ENOMEM;
	}
	while (r == 0 && (e = readdir(entries)) != NULL)
		r = add_peer(l, dir, e->d_name);
	(void)closedir(entries);
	return r;
}

static bool same_dir(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static int find_peers(struct listing *l)
{
	int r = 0;

	for (int i = 0; i < VS_REGISTRY_DIRS && r == 0; i++) {
		bool again = false;
		l->dirs[i] = vs_registry_dir_open(i, false);
		for (int j = 0; j < i; j++)
			again = again || same_dir(l->dirs[j], l->dirs[i]);
		if (l->dirs[i] >= 0 && !again)
			r = read_dir(l, l->dirs[i]);
	}
	return r;
}

/* ------------------------------------------------------------------ what they answer */

static void read_comm(pid_t pid, char comm[16])
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, comm, 15) : -1;
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

static int add_found(struct listing *l, const struct found *f)
{
	struct found *all = grow(l->found, l->n_found, sizeof(*all));

	if (all == NULL)
		return -ENOMEM;
	l->found = all;
	l->found[l->n_found++] = *f;
	return 0;
}

static int add_silent(struct listing *l, size_t i)
{
	struct found f = { .shown = { .pid = l->peers[i].pid, .keeper = l->peers[i].keeper,
				      .flags = VDESTACK_REGISTERED_SILENT, .index = -1 },
			   .peer = i };

	read_comm(f.shown.pid, f.shown.comm);
	return add_found(l, &f);
}

/* One line: "ID NAME". The end of the line, or NULL. */
static const char *read_line(const char *at, struct found *f)
{
	const char *end = strchr(at, '\n');
	int n = 0;

	memset(f->shown.name, 0, sizeof(f->shown.name));
	if (end == NULL || sscanf(at, "%" SCNu64 "%n", &f->id, &n) != 1 || at + n >= end || at[n] != ' ')
		return NULL;
	size_t len = (size_t)(end - at) - (size_t)n - 1;
	if (len >= sizeof(f->shown.name))
		return NULL;
	memcpy(f->shown.name, at + n + 1, len);
	return end + 1;
}

/* Adds the stacks of one answer; f has what they have in common. Returns how many, or -ENOMEM. */
static int read_answer(struct listing *l, const char *text, struct found *f)
{
	const char *at = strchr(text, '\n');
	int pid, n = 0, n_stacks;

	if (at == NULL || sscanf(text, "%d %d", &pid, &n_stacks) != 2 || n_stacks < 0 ||
	    n_stacks > VS_LIST_MOST)
		return 0;
	f->shown.pid = pid;
	f->shown.n_stacks = n_stacks;
	read_comm(pid, f->shown.comm);
	for (at++; f->shown.index < n_stacks && (at = read_line(at, f)) != NULL; n++) {
		int r = add_found(l, f);
		if (r < 0)
			return r;
		f->shown.index++;
		if (*at == '\0')
			return n + 1;
	}
	return n;
}

static int ask_for_more(struct peer *peer, int first)
{
	struct vs_request req = { .op = VS_OP_LIST, .arg = { first } };

	return ask(peer, &req, NULL, 0);
}

/* A keeper of many stacks answers in several parts. */
static int hear(struct listing *l, size_t i, int64_t deadline)
{
	struct found f = { .shown = { .keeper = l->peers[i].keeper }, .peer = i };
	char text[VS_TEXT_MAX + 1];
	int r, n;

	do {
		r = l->peers[i].channel >= 0 ? take_answer(&l->peers[i], deadline, text, NULL) : -ETIMEDOUT;
		n = r == 0 ? read_answer(l, text, &f) : 0;
	} while (n > 0 && f.shown.index < f.shown.n_stacks && ask_for_more(&l->peers[i], f.shown.index) == 0);
	if (n < 0)
		return n;
	return r == -ETIMEDOUT && f.shown.index == 0 ? add_silent(l, i) : 0;
}

static void listing_end(struct listing *l)
{
	for (size_t i = 0; i < l->n_peers; i++)
		vs_close(l->peers[i].channel);
	for (int i = 0; i < VS_REGISTRY_DIRS; i++)
		vs_close(l->dirs[i]);
	free(l->peers);
	free(l->found);
}

/* listing_end() ends it in any case. */
static int listing_make(struct listing *l, pid_t only, const char *step)
{
	int64_t deadline = vs_deadline_ms(LIST_MS);

	*l = (struct listing){ .only = only, .dirs = { -1, -1, -1 } };
	int r = find_peers(l);
	for (size_t i = 0; i < l->n_peers && r == 0; i++)
		r = hear(l, i, deadline);
	return r < 0 ? vs_fail(-r, "%s: %s", step, vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}

static int list_all(struct vdestack_registered *list, size_t n)
{
	VS_NO_CANCEL;
	struct listing l;
	int r = listing_make(&l, 0, "cannot list stacks");

	for (size_t i = 0; r == 0 && list != NULL && i < n && i < l.n_found; i++)
		list[i] = l.found[i].shown;
	if (r == 0)
		r = (int)l.n_found;
	listing_end(&l);
	return r;
}

int vdestack_registry_list(struct vdestack_registered *list, size_t n)
{
	return vs_edge(list_all(list, n));
}

/* ------------------------------------------------------------------ attaching */

static bool is_wanted(const struct vdestack_registered *s, const char *name, bool by_index)
{
	char index[16];

	if (name == NULL)
		return s->index == 0;
	if (!by_index)
		return s->name[0] != '\0' && strcmp(s->name, name) == 0;
	(void)snprintf(index, sizeof(index), "%d", s->index);
	return strcmp(index, name) == 0;
}

/* A name comes before an index. */
static const struct found *choose(const struct listing *l, pid_t pid, const char *name, bool *known,
				  bool *silent)
{
	for (int by_index = 0; by_index < 2; by_index++)
		for (size_t i = 0; i < l->n_found; i++) {
			const struct vdestack_registered *s = &l->found[i].shown;
			if (s->pid != pid && s->keeper != pid)
				continue;
			*known = true;
			*silent = *silent || (s->flags & VDESTACK_REGISTERED_SILENT) != 0;
			if (s->index >= 0 && is_wanted(s, name, by_index != 0))
				return &l->found[i];
		}
	return NULL;
}

static int not_found(pid_t pid, const char *name, bool known, bool silent)
{
	if (silent)
		return vs_fail(ETIMEDOUT, "cannot attach to the stacks of process %d: its keeper does not "
					  "answer in time; is it stopped?", (int)pid);
	if (!known)
		return vs_fail(ESRCH, "cannot attach to the stacks of process %d: no program of this user "
				      "with that process id is registered; vdestack list shows those that "
				      "are", (int)pid);
	return vs_fail(ENOENT, "cannot attach: process %d has no stack \"%.63s\"; vdestack list shows those "
			       "that it has", (int)pid, name != NULL ? name : "0");
}

static int attach_to(struct listing *l, const struct found *f, int timeout_ms, struct vdestack **out)
{
	static const char step[] = "cannot attach";
	struct vs_request req = { .op = VS_OP_ATTACH };
	struct peer *peer = &l->peers[f->peer];
	char text[VS_TEXT_MAX + 1] = "";
	int door = -1;
	int r = ask(peer, &req, &f->id, sizeof(f->id));

	if (r == 0)
		r = take_answer(peer, vs_deadline_ms(timeout_ms), text, &door);
	if (r == 0)
		return vs_receive(door, step, timeout_ms, out);
	if (r == -ETIMEDOUT || r == -EAGAIN)
		return vs_fail(ETIMEDOUT, "%s: the keeper does not answer in time; is it stopped?", step);
	if (r == -EPERM)
		return vs_fail(EPERM, "%s: %.300s", step, text);
	if (r == -ENETDOWN || r == -ECONNREFUSED)
		return vs_fail(ENETDOWN, "%s: the stack has ended", step);
	if (r == -EBUSY)
		return vs_fail(EBUSY, "%s: too many handles of other programs lead to the stack", step);
	return vs_fail(-r, "%s: %s", step, vs_cause_text(vs_diagnose_limit(-r), -r));
}

static int read_options(const struct vdestack_attach_opts *opts, int *timeout_ms)
{
	struct vdestack_attach_opts known;
	int r = vs_opts_read(opts, sizeof(opts->size), &known, sizeof(known));

	if (r < 0)
		return vs_opts_fail(r, "attach", "vdestack_attach_opts");
	if (known.flags != 0 || !vs_timeout_valid(known.timeout_ms))
		return vs_fail(EINVAL, "cannot attach: vdestack_attach_opts.flags must be 0, and timeout_ms "
				       "at least -1");
	*timeout_ms = known.timeout_ms == 0 ? ATTACH_MS : known.timeout_ms;
	return vs_keepers_sealed("cannot attach");
}

static int attach(pid_t pid, const char *name, const struct vdestack_attach_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	bool known = false, silent = false;
	struct listing l;
	int timeout_ms = 0;
	int r = read_options(opts, &timeout_ms);

	if (r < 0)
		return r;
	r = listing_make(&l, pid, "cannot attach");
	const struct found *f = r == 0 ? choose(&l, pid, name, &known, &silent) : NULL;
	if (r == 0 && !known) { /* a program that has become a daemon since, for example */
		listing_end(&l);
		r = listing_make(&l, 0, "cannot attach");
		f = r == 0 ? choose(&l, pid, name, &known, &silent) : NULL;
	}
	if (r == 0)
		r = f != NULL ? attach_to(&l, f, timeout_ms, out) : not_found(pid, name, known, silent);
	listing_end(&l);
	return r;
}

struct vdestack *vdestack_attach(pid_t pid, const char *stack, const struct vdestack_attach_opts *opts)
{
	struct vdestack *handle = NULL;
	int r = attach(pid, stack, opts, &handle);

	return r < 0 ? vs_edge_null(r) : handle;
}
