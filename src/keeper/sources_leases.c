/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lease files, in a directory that the program has opened:
 *
 *     duid                     the DUID of all that use the directory, drawn once
 *     secret                   of stable private interface ids, likewise
 *     STACK-INTERFACE.dhcp4    a lease; also .dhcp6. Without a name of the stack: INTERFACE.dhcp4
 *     STACK-INTERFACE.lock     locked while sources of that interface run
 *
 * A file is written under another name, synced, and renamed: it is there as a whole or not at all. A file
 * that is damaged is reported as a problem of its source, and is not used. Two programs do not use the files
 * of one interface at the same time: the second one has none, which is reported, too. It waits a moment
 * before: a stack that has been deleted may still have its last lease to write, and has the lock until then.
 * What else the worker has to do waits as long.
 *
 * The IAID is computed from the names, so it is the same whenever that stack has that interface.
 *
 * A worker (sources_work.c) does what is done for a source, in the order of the requests. A source that has
 * lease files waits until they are read. Of each source one write is on its way at a time. What changes
 * meanwhile is one more write after that. So a directory that does not answer costs a fixed amount of memory.
 *
 * One file is used by the networking thread itself: the secret, when a stack or an interface with stable ids
 * is made. The kernel needs it before the interface is up, for the link-local address. So that stack serves
 * no request until the directory has answered.
 *
 * Files keep times of CLOCK_REALTIME. That clock may be set while no program runs. A lease can become
 * shorter by that, not longer.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auto/lease.h"
#include "auto/ra.h"
#include "base/cleanup.h"
#include "sources_inside.h"

#define DUID_UUID 4 /* RFC 6355 */
#define SECRET_BYTES 16
#define LOCK_MS 1000 /* how long the lock of another stack is waited for */
#define LOCK_STEP_MS 20

/* What a source reports; compared by address. */
static const char in_use[] = "the lease files are in use by another stack";
static const char not_locked[] = "the lease files cannot be written"; /* and a cause, as the next one */
static const char not_written[] = "the lease file cannot be written";
static const char not_copied[] = "the lease file is not written: out of memory";
static const char duid_damaged[] = "the file of the DUID is damaged or cannot be written";
static const char lease_damaged[] = "the lease file is damaged; it is not used";

static int64_t real_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ files */

/* Its length; 0: there is no such file; -errno. */
static ssize_t read_file(int dir, const char *name, char text[VS_LEASE_TEXT_MAX])
{
	struct stat file;
	VS_AUTO_CLOSE fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
		return -EINVAL;
	if (file.st_uid != geteuid()) /* the directory may be one in which others write */
		return -EPERM;
	ssize_t n = read(fd, text, VS_LEASE_TEXT_MAX);
	return n < 0 ? -errno : n == 0 || n == VS_LEASE_TEXT_MAX ? -EBADMSG : n;
}

static int fill(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, text, n);
		if (written < 0 && errno != EINTR)
			return -errno;
		n -= written > 0 ? (size_t)written : 0;
		text += written > 0 ? written : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* replace: over a file that is there; else -EEXIST. The directory is synced, so the new name stays. */
static int write_file(int dir, const char *name, const char *text, size_t n, bool replace)
{
	char temporary[160];
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), 0);
	(void)snprintf(temporary, sizeof(temporary), ".%s.%08x", name, random);
	VS_AUTO_CLOSE fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int r = fill(fd, text, n);
	int named = r < 0     ? 0
		    : replace ? renameat(dir, temporary, dir, name)
			      : linkat(dir, temporary, dir, name, 0);
	if (named < 0)
		r = -errno;
	if (r < 0 || !replace)
		(void)unlinkat(dir, temporary, 0);
	VS_AUTO_CLOSE itself = r == 0 ? openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (itself >= 0)
		(void)fsync(itself); /* some file systems refuse that */
	return r;
}

/* ------------------------------------------------------------------ of an interface */

/* A directory. Counted: a stack has it, and so have the interfaces that began to use files there. */
struct vs_lease_dir {
	atomic_uint users;
	int fd;
};

/* The files of an interface. Counted: the interface has it, and so has each piece of work. */
struct vs_lease_files {
	atomic_uint users;
	struct vs_lease_dir *dir;
	char name[96]; /* "STACK-INTERFACE." */
	int lock;      /* of the worker; -1: not locked so far */
	bool waited;   /* of the worker: it has waited for the lock, in vain */
	bool held;     /* of the thread of the sources: the worker has locked them */
};

struct vs_lease_dir *vs_sources_leases_dir(int fd)
{
	struct vs_lease_dir *dir = calloc(1, sizeof(*dir));

	if (dir == NULL) {
		vs_close(fd);
		return NULL;
	}
	dir->fd = fd;
	atomic_init(&dir->users, 1);
	return dir;
}

void vs_sources_leases_drop_dir(struct vs_lease_dir *dir)
{
	if (dir == NULL || atomic_fetch_sub(&dir->users, 1) > 1)
		return;
	vs_close(dir->fd);
	free(dir);
}

static struct vs_lease_files *use(struct vs_lease_files *files)
{
	(void)atomic_fetch_add(&files->users, 1);
	return files;
}

static void drop(struct vs_lease_files *files)
{
	if (files == NULL || atomic_fetch_sub(&files->users, 1) > 1)
		return;
	vs_close(files->lock);
	vs_sources_leases_drop_dir(files->dir);
	free(files);
}

static bool is_being_read(const struct vs_source_iface *iface)
{
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL && vs_sources_leases_reading(iface->sources[i]))
			return true;
	return false;
}

/* A leading dot would hide the file. An interface with sources keeps its directory. */
void vs_sources_leases_open(struct vs_source_iface *iface)
{
	struct vs_sources_stack *stack = iface->stack;
	const char *first = stack->name[0] != '\0' ? stack->name : iface->name;

	if (stack->leases == NULL || is_being_read(iface))
		return;
	bool same = iface->files != NULL && iface->files->dir == stack->leases;
	if (vs_sources_leases_held(iface) && (same || vs_sources_stack_has_sources(iface)))
		return;
	struct vs_lease_files *files = calloc(1, sizeof(*files));
	if (files == NULL)
		return; /* as without a directory */
	atomic_init(&files->users, 1);
	files->lock = -1;
	files->dir = stack->leases;
	(void)atomic_fetch_add(&files->dir->users, 1);
	(void)snprintf(files->name, sizeof(files->name), "%s%s%s%s.", first[0] == '.' ? "_" : "", stack->name,
		       stack->name[0] != '\0' ? "-" : "", iface->name);
	drop(iface->files);
	iface->files = files;
}

void vs_sources_leases_close(struct vs_source_iface *iface)
{
	drop(iface->files);
}

bool vs_sources_leases_held(const struct vs_source_iface *iface)
{
	return iface->files != NULL && iface->files->held;
}

static void file_name(const struct vs_lease_files *files, const char *kind, char name[128])
{
	(void)snprintf(name, 128, "%s%s", files->name, kind);
}

/* Waits once for each record: two sources of an interface do not wait twice. 0 or -errno. */
static int lock(struct vs_lease_files *files)
{
	char name[128];
	int left = files->waited ? 0 : LOCK_MS, r = 0;

	file_name(files, "lock", name);
	VS_AUTO_CLOSE fd =
		openat(files->dir->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while ((r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0) == -EWOULDBLOCK && left > 0) {
		(void)poll(NULL, 0, LOCK_STEP_MS);
		left -= LOCK_STEP_MS;
	}
	files->waited |= left <= 0;
	if (r == 0)
		files->lock = vs_steal_fd(&fd);
	return r;
}

/* ------------------------------------------------------------------ identities */

/*
 * The bytes in a file that are drawn once. n: how many, new ones in `bytes`. Another program may draw them
 * at the same time: what is in the file counts. Returns how many; 0: they cannot be stored.
 */
static size_t drawn_once(int dir, const char *name, uint8_t *bytes, size_t n, size_t max)
{
	char text[VS_LEASE_TEXT_MAX];
	ssize_t len = read_file(dir, name, text);

	if (len == 0) {
		size_t length = vs_lease_write_bytes(bytes, n, name, text);
		int r = write_file(dir, name, text, length, false);
		if (r == 0)
			return n;
		len = r == -EEXIST ? read_file(dir, name, text) : r;
	}
	return len > 0 ? vs_lease_read_bytes(text, (size_t)len, name, bytes, max) : 0;
}

bool vs_sources_leases_secret(int leases, const char *stack, const char *ifname,
			      uint8_t secret[SECRET_BYTES])
{
	(void)!getrandom(secret, SECRET_BYTES, 0);
	bool known = leases < 0 || drawn_once(leases, "secret", secret, SECRET_BYTES, SECRET_BYTES) ==
					   SECRET_BYTES;
	vs_ra_derive_secret(secret, stack, ifname);
	return known;
}

/* ------------------------------------------------------------------ reading */

struct vs_lease_reading {
	struct vs_work work;
	struct vs_source *source; /* of the thread of the sources; NULL: it is gone */
	struct vs_lease_files *files;
	const char *kind;
	bool wants_duid, wants_secret, wants_lease;
	/* What comes out: */
	bool finished;            /* of the thread of the sources */
	bool locked;
	const char *problem;
	int err;                  /* of the problem */
	uint8_t duid[VS_AUTO_DUID_MAX];
	size_t duid_len;
	uint32_t iaid;
	uint8_t secret[SECRET_BYTES];
	bool known; /* there is a lease */
	struct vs_auto_lease lease;
	int64_t obtained;
};

/* The first problem is the one that is reported. */
static void fail(struct vs_lease_reading *r, const char *problem, int err)
{
	if (r->problem != NULL)
		return;
	r->problem = problem;
	r->err = err;
}

static void read_duid(struct vs_lease_reading *r)
{
	uint8_t *duid = r->duid;

	memset(duid, 0, sizeof(r->duid));
	duid[1] = DUID_UUID;
	(void)!getrandom(duid + 2, 16, 0);
	r->duid_len = drawn_once(r->files->dir->fd, "duid", duid, 18, sizeof(r->duid));
	if (r->duid_len == 0)
		fail(r, duid_damaged, EBADMSG);
	r->iaid = UINT32_C(0x811c9dc5); /* FNV-1a */
	for (const char *c = r->files->name; *c != '\0'; c++)
		r->iaid = (r->iaid ^ (uint8_t)*c) * UINT32_C(0x01000193);
}

static void read_lease(struct vs_lease_reading *r)
{
	char name[128], text[VS_LEASE_TEXT_MAX];

	file_name(r->files, r->kind, name);
	ssize_t n = read_file(r->files->dir->fd, name, text);
	r->known = n > 0 && vs_lease_read(text, (size_t)n, r->kind, &r->lease, &r->obtained);
	if (n != 0 && !r->known)
		fail(r, lease_damaged, EBADMSG);
}

static void read_all(struct vs_lease_reading *r)
{
	int error = r->files->lock < 0 ? lock(r->files) : 0;

	r->locked = error == 0;
	if (error == -EWOULDBLOCK)
		fail(r, in_use, EBUSY);
	else if (error < 0)
		fail(r, not_locked, -error);
	if (!r->locked)
		return;
	if (r->wants_duid)
		read_duid(r);
	if (r->wants_secret && drawn_once(r->files->dir->fd, "secret", r->secret, SECRET_BYTES,
					  SECRET_BYTES) != SECRET_BYTES)
		fail(r, "the file of the secret is damaged or cannot be written", EBADMSG);
	if (r->wants_lease)
		read_lease(r);
}

/* Drops its use at once: the next work may be another stack's that wants the lock. */
static void run_reading(struct vs_work *work)
{
	struct vs_lease_reading *r = VS_OF(struct vs_lease_reading, work, work);

	read_all(r);
	drop(vs_steal_ptr(r->files));
}

static void done_reading(struct vs_work *work)
{
	struct vs_lease_reading *r = VS_OF(struct vs_lease_reading, work, work);
	struct vs_source *s = r->source;

	r->finished = true;
	if (s == NULL) {
		free(r);
		return;
	}
	s->iface->files->held |= r->locked;
	memcpy(s->config.secret, r->secret, SECRET_BYTES);
	if (r->wants_secret)
		vs_ra_derive_secret(s->config.secret, s->iface->stack->name, s->iface->name);
	memcpy(s->config.duid, r->duid, sizeof(r->duid));
	s->config.duid_len = (uint8_t)r->duid_len;
	s->config.iaid = r->iaid;
	vs_source_storage(s, r->problem, r->err);
	s->no_duid = r->locked && r->wants_duid && r->duid_len == 0;
	struct vs_sources_stack *stack = s->iface->stack;
	vs_source_begin(s);
	vs_sources_stack_settle(stack);
}

void vs_sources_leases_read(struct vs_source *s)
{
	bool stable = s->kind->source == VS_SOURCE_RA && s->config.iid == VS_IID_STABLE;

	(void)!getrandom(s->config.secret, SECRET_BYTES, 0);
	if (s->iface->files == NULL || (s->kind->source == VS_SOURCE_RA && !stable))
		return;
	struct vs_lease_reading *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		s->storage = "the lease files are not used: out of memory";
		return;
	}
	r->work = (struct vs_work){ .run = run_reading, .done = done_reading };
	r->source = s;
	r->files = use(s->iface->files);
	r->kind = s->kind->name;
	r->wants_secret = stable;
	r->wants_duid = !stable;
	r->wants_lease = !stable && !s->config.information;
	memcpy(r->secret, s->config.secret, SECRET_BYTES);
	s->reading = r;
	vs_sources_work(s->iface->stack->sources, VS_WORK_FILES, &r->work);
}

bool vs_sources_leases_reading(const struct vs_source *s)
{
	return s->reading != NULL && !s->reading->finished;
}

bool vs_sources_leases_take(struct vs_source *s, struct vs_auto_lease *lease)
{
	struct vs_lease_reading *r = vs_steal_ptr(s->reading);
	bool known = r != NULL && r->known;

	if (known) {
		int64_t age = vs_lease_age_ms(r->obtained, real_ms()), now = vs_sources_now();
		*lease = r->lease;
		lease->obtained = age < INT64_MAX ? now - age : INT64_MIN / 2;
	}
	free(r);
	return known;
}

/* ------------------------------------------------------------------ writing */

struct vs_lease_writing {
	struct vs_work work;
	struct vs_source *source; /* of the thread of the sources; NULL: it is gone */
	struct vs_lease_files *files;
	const char *kind;
	int result; /* 0 or -errno */
	size_t n;   /* 0: the file is removed */
	char text[];
};

static void run_writing(struct vs_work *work)
{
	struct vs_lease_writing *w = VS_OF(struct vs_lease_writing, work, work);
	char name[128];

	file_name(w->files, w->kind, name);
	if (w->n > 0)
		w->result = write_file(w->files->dir->fd, name, w->text, w->n, true);
	else
		(void)unlinkat(w->files->dir->fd, name, 0);
	drop(vs_steal_ptr(w->files));
}

static void done_writing(struct vs_work *work)
{
	struct vs_lease_writing *w = VS_OF(struct vs_lease_writing, work, work);
	struct vs_source *s = w->source;
	int result = w->result;

	free(w);
	if (s == NULL)
		return;
	s->writing = NULL;
	if (result < 0)
		vs_source_storage(s, not_written, -result);
	else
		vs_source_storage(s, s->no_duid ? duid_damaged : NULL, EBADMSG);
	if (s->must_save) { /* it has changed meanwhile */
		s->must_save = false;
		vs_sources_leases_save(s, false);
	}
}

void vs_sources_leases_save(struct vs_source *s, bool last)
{
	struct vs_auto_lease lease = { 0 };
	char text[VS_LEASE_TEXT_MAX];

	if (!vs_sources_leases_held(s->iface) || s->kind->source == VS_SOURCE_RA || s->config.information)
		return;
	s->must_save = !last && s->writing != NULL;
	if (s->must_save)
		return;
	size_t n = 0;
	if (s->kind->lease(s->machine, &lease)) {
		int64_t obtained = real_ms() - (vs_sources_now() - lease.obtained);
		n = vs_lease_write(&lease, s->kind->name, obtained > 0 ? obtained : 0, text);
	}
	struct vs_lease_writing *w = malloc(sizeof(*w) + n);
	if (w == NULL) {
		vs_source_storage(s, not_copied, ENOMEM);
		return;
	}
	*w = (struct vs_lease_writing){ .work = { .run = run_writing, .done = done_writing },
					.source = last ? NULL : s, .files = use(s->iface->files),
					.kind = s->kind->name, .n = n };
	memcpy(w->text, text, n);
	if (!last)
		s->writing = w;
	vs_sources_work(s->iface->stack->sources, VS_WORK_FILES, &w->work);
}

void vs_sources_leases_problem(const struct vs_source *s, char *to, size_t size)
{
	bool with_cause = s->storage == not_locked || s->storage == not_written;

	(void)snprintf(to, size, "%s%s%s", s->storage, with_cause ? ": " : "",
		       with_cause ? strerror(s->storage_err) : "");
}

void vs_sources_leases_forget(struct vs_source *s)
{
	if (s->writing != NULL)
		s->writing->source = NULL;
	if (vs_sources_leases_reading(s))
		s->reading->source = NULL; /* it is freed when it comes back */
	else
		free(s->reading);
	s->reading = NULL;
	s->writing = NULL;
}
