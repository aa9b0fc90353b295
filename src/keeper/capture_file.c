/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define BUFFER_BYTES (512 * 1024)
#define WRITE_FROM (64 * 1024) /* a regular file is written when so much is there */

static int64_t now_since_1970(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int vs_capture_file_prepare(struct vs_capture_file *f)
{
	f->out.size = BUFFER_BYTES + VS_PCAPNG_BLOCK_MAX + f->snaplen;
	f->out.bytes = malloc(f->out.size);
	return f->out.bytes == NULL ? -ENOMEM : 0;
}

/* ------------------------------------------------------------------ descriptors */

/* Other kinds (eventfd(2), say) may wait in write(2) although poll(2) says that they can be written. */
static bool has_kind(mode_t mode)
{
	return S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode);
}

static bool can_be_written(int fd, int flags, const struct stat *st)
{
	return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY && has_kind(st->st_mode) &&
	       !isatty(fd);
}

int vs_capture_file_add(struct vs_capture_file *f, int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL), r = 0; /* EBADF if there is none */

	if (flags < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (f->n == VS_CAPTURE_FILES_MAX)
		r = -EMFILE;
	else if (!can_be_written(fd, flags, &st) || (f->n > 0 && (!f->regular || !S_ISREG(st.st_mode))))
		r = -EINVAL;
	if (r < 0) {
		vs_close(fd);
		return r;
	}
	f->regular = S_ISREG(st.st_mode);
	f->is_socket = S_ISSOCK(st.st_mode);
	f->fds[f->n++] = fd;
	return 0;
}

void vs_capture_file_end(struct vs_capture_file *f)
{
	while (f->n > 0)
		vs_close(f->fds[--f->n]);
	free(f->out.bytes);
	f->out.bytes = NULL;
}

/* ------------------------------------------------------------------ writing */

/*
 * What a pipe or device takes at once. Writing to a pipe can be asked not to wait from Linux 6.4 on. Before
 * that poll(2) shows whether it takes anything (pipe(7)), which holds unless others write there, too.
 */
static ssize_t write_some(struct vs_capture_file *f, int fd, const unsigned char *bytes, size_t n)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };

	if (f->regular)
		return write(fd, bytes, n);
	if (f->is_socket)
		return send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	ssize_t done = pwritev2(fd, &iov, 1, -1, RWF_NOWAIT);
	if (done >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
		return done;
	if (poll(&room, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, n < PIPE_BUF ? n : PIPE_BUF);
}

/* The file must end with a whole block: takes back the part of one that was written last. */
static void cut_file(struct vs_capture_file *f, int fd)
{
	size_t whole = vs_pcapng_whole(f->out.bytes, f->sent);
	off_t at = f->regular ? lseek(fd, 0, SEEK_CUR) : -1;

	if (at < 0 || f->sent == whole)
		return;
	at -= (off_t)(f->sent - whole);
	if (ftruncate(fd, at) == 0)
		(void)lseek(fd, at, SEEK_SET);
}

int vs_capture_file_write(struct vs_capture_file *f)
{
	int fd = f->fds[f->at];

	while (f->sent < f->out.len) {
		ssize_t n = write_some(f, fd, f->out.bytes + f->sent, f->out.len - f->sent);
		if (n > 0) {
			f->sent += (size_t)n;
			f->in_all += (uint64_t)n;
		} else if (n < 0 && errno == EAGAIN && !f->regular) {
			return VS_NOT_YET;
		} else if (n == 0 || errno != EINTR) {
			int err = n == 0 ? EIO : errno;
			cut_file(f, fd);
			f->out.len = f->sent = 0;
			return -err;
		}
	}
	f->out.len = f->sent = 0;
	return 0;
}

/* ------------------------------------------------------------------ blocks */

static void put_head(struct vs_capture_file *f)
{
	struct utsname machine = { 0 };
	char os[2 * sizeof(machine.sysname) + 2];
	size_t len = f->out.len;

	(void)uname(&machine);
	(void)snprintf(os, sizeof(os), "%s %s", machine.sysname, machine.release);
	(void)vs_pcapng_section(&f->out, machine.machine, os, "libvdestack " VS_VERSION, f->comment);
	(void)vs_pcapng_interface(&f->out, f->name, f->description, f->snaplen);
	f->in_file = f->out.len - len;
	f->before = f->counts;
	f->counts.start_ns = now_since_1970();
}

void vs_capture_file_finish(struct vs_capture_file *f, const struct vs_pcapng_comments *comments)
{
	const struct vs_pcapng_counts since = {
		.start_ns = f->counts.start_ns,
		.end_ns = now_since_1970(),
		.received = f->counts.received - f->before.received,
		.dropped = f->counts.dropped - f->before.dropped,
		.os_dropped = f->counts.os_dropped - f->before.os_dropped,
	};

	(void)vs_pcapng_statistics(&f->out, &since, comments);
}

int vs_capture_file_begin(struct vs_capture_file *f)
{
	int r = f->n == 0 ? -EBADF : 0;

	for (f->at = f->n; r == 0 && f->at > 0;) { /* the first one last: it is the one that is written */
		f->at--;
		put_head(f);
		r = f->regular ? vs_capture_file_write(f) : 0;
	}
	return r;
}

/* Ends this file and empties the next one. Only regular files, so all is written at once. */
static int next_file(struct vs_capture_file *f)
{
	vs_capture_file_finish(f, NULL);
	int r = vs_capture_file_write(f);
	if (r < 0)
		return r;
	unsigned next = (f->at + 1) % f->n;
	if (ftruncate(f->fds[next], 0) < 0 || lseek(f->fds[next], 0, SEEK_SET) < 0)
		return -errno;
	f->at = next;
	f->turns++;
	put_head(f);
	return 0;
}

bool vs_capture_file_has_room(const struct vs_capture_file *f, size_t frame_bytes)
{
	return f->out.size - f->out.len >= frame_bytes + 2 * VS_PCAPNG_BLOCK_MAX;
}

int vs_capture_file_put(struct vs_capture_file *f, const struct vs_pcapng_frame *frame)
{
	size_t len = f->out.len;

	(void)vs_pcapng_frame(&f->out, frame);
	size_t block = f->out.len - len;
	bool over = f->file_bytes > 0 && f->in_file + block > f->file_bytes;
	if (over && f->n > 1) {
		f->out.len = len;
		int r = next_file(f);
		if (r < 0)
			return r;
		len = f->out.len;
		(void)vs_pcapng_frame(&f->out, frame);
		block = f->out.len - len;
	} else if (over) {
		f->out.len = len;
		f->full = true;
		return 0;
	}
	f->in_file += block;
	return f->regular && f->out.len >= WRITE_FROM ? vs_capture_file_write(f) : 0;
}
