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
 * of one interface at the same time: the second one has none, which is reported, too.
 *
 * The IAID is computed from the names, so it is the same whenever that stack has that interface.
 *
 * Files keep times of CLOCK_REALTIME. That clock may be set while no program runs. A lease can become
 * shorter by that, not longer.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* "STACK-INTERFACE.KIND". Neither name has a '/'. A leading dot would hide the file. */
static void file_name(const struct vs_source_iface *iface, const char *kind, char name[128])
{
	const char *stack = iface->stack->name;
	const char *first = stack[0] != '\0' ? stack : iface->name;

	(void)snprintf(name, 128, "%s%s%s%s.%s", first[0] == '.' ? "_" : "", stack,
		       stack[0] != '\0' ? "-" : "", iface->name, kind);
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

static void identify(struct vs_source *s)
{
	int dir = s->iface->stack->leases;
	uint8_t duid[VS_AUTO_DUID_MAX] = { 0, DUID_UUID };
	char name[128];

	(void)!getrandom(duid + 2, 16, 0);
	size_t n = drawn_once(dir, "duid", duid, 18, sizeof(duid));
	if (n == 0) {
		s->storage = "the file of the DUID is damaged or cannot be written";
		return;
	}
	memcpy(s->config.duid, duid, n);
	s->config.duid_len = (uint8_t)n;
	file_name(s->iface, "", name);
	s->config.iaid = UINT32_C(0x811c9dc5); /* FNV-1a */
	for (const char *c = name; *c != '\0'; c++)
		s->config.iaid = (s->config.iaid ^ (uint8_t)*c) * UINT32_C(0x01000193);
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

void vs_sources_leases_identity(struct vs_source *s)
{
	(void)!getrandom(s->config.secret, SECRET_BYTES, 0);
	if (s->iface->stack->leases < 0)
		return;
	if (s->iface->lock < 0) {
		s->storage = "the lease files are in use by another stack, or cannot be written";
		return;
	}
	if (s->kind->source != VS_SOURCE_RA)
		identify(s);
	else if (s->config.iid == VS_IID_STABLE &&
		 !vs_sources_leases_secret(s->iface->stack->leases, s->iface->stack->name, s->iface->name,
					   s->config.secret))
		s->storage = "the file of the secret is damaged or cannot be written";
}

/* ------------------------------------------------------------------ leases */

void vs_sources_leases_open(struct vs_source_iface *iface)
{
	int dir = iface->stack->leases;
	char name[128];

	if (dir < 0 || iface->lock >= 0)
		return;
	file_name(iface, "lock", name);
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		vs_close(vs_steal_fd(&fd));
	iface->lock = fd;
}

static bool uses_files(const struct vs_source *s)
{
	return s->iface->lock >= 0 && s->kind->source != VS_SOURCE_RA && !s->config.information;
}

bool vs_sources_leases_load(struct vs_source *s, struct vs_auto_lease *lease)
{
	char name[128], text[VS_LEASE_TEXT_MAX];
	int64_t obtained;

	if (!uses_files(s))
		return false;
	file_name(s->iface, s->kind->name, name);
	ssize_t n = read_file(s->iface->stack->leases, name, text);
	if (n == 0)
		return false;
	if (n < 0 || !vs_lease_read(text, (size_t)n, s->kind->name, lease, &obtained)) {
		s->storage = "the lease file is damaged; it is not used";
		return false;
	}
	int64_t age = vs_lease_age_ms(obtained, real_ms()), now = vs_sources_now();
	lease->obtained = age < INT64_MAX ? now - age : INT64_MIN / 2;
	return true;
}

void vs_sources_leases_save(struct vs_source *s)
{
	struct vs_auto_lease lease = { 0 };
	char name[128], text[VS_LEASE_TEXT_MAX];

	if (!uses_files(s))
		return;
	file_name(s->iface, s->kind->name, name);
	if (!s->kind->lease(s->machine, &lease)) {
		(void)unlinkat(s->iface->stack->leases, name, 0);
		return;
	}
	int64_t obtained = real_ms() - (vs_sources_now() - lease.obtained);
	size_t n = vs_lease_write(&lease, s->kind->name, obtained > 0 ? obtained : 0, text);
	int r = write_file(s->iface->stack->leases, name, text, n, true);
	s->storage = r < 0 ? "the lease file cannot be written" : NULL;
}
