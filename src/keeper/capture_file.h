/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CAPTURE_FILE_H
#define VS_KEEPER_CAPTURE_FILE_H

/*
 * The files of a capture: what is written and when the next one begins. Belongs to the thread of the capture.
 *
 * The descriptors come from the program, which has opened the files with its own rights. So nothing is opened
 * here. There may be several regular files, which are written in turn; each is a complete file by itself. Or
 * there is one descriptor of any kind that can be written. On a pipe, a socket or a device nothing waits:
 * what it does not take stays in the buffer.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pump/pcapng.h"
#include "wire/capture.h"

struct vs_capture_file {
	int fds[VS_CAPTURE_FILES_MAX];
	unsigned n, at;         /* files; the one that is written */
	unsigned turns;         /* how often another one was begun */
	bool regular;           /* so writing does not wait for another process */
	bool is_socket;
	bool full;              /* the only file has file_bytes: the capture ends */
	uint64_t file_bytes;    /* 0: no limit */
	uint64_t in_file;       /* bytes put for this file */
	uint64_t in_all;        /* bytes written */
	uint32_t snaplen;
	const char *name, *description, *comment;
	struct vs_pcapng_counts counts, before; /* of all; what they were when this file began */
	struct vs_pcapng out;   /* what is not written yet begins at `sent` */
	size_t sent;
};

/* The file is all zero, and n is 0. vs_capture_file_end() frees what there is. */
int vs_capture_file_prepare(struct vs_capture_file *f);
/* Takes the descriptor, also on failure. -EINVAL: it cannot be written, or not with others; -EMFILE. */
int vs_capture_file_add(struct vs_capture_file *f, int fd);
/* Makes each file a complete one without frames. 0, -EBADF: there is no file, or -errno. */
int vs_capture_file_begin(struct vs_capture_file *f);

/* A frame fits into the buffer. */
bool vs_capture_file_has_room(const struct vs_capture_file *f, size_t frame_bytes);
/* There is room. 0, or -errno of the file that had to be finished before. */
int vs_capture_file_put(struct vs_capture_file *f, const struct vs_pcapng_frame *frame);
/* Writes what can be written now. 0: all; VS_NOT_YET: the file takes no more at the moment; -errno. */
int vs_capture_file_write(struct vs_capture_file *f);
/* Puts the end of the file. */
void vs_capture_file_finish(struct vs_capture_file *f, const struct vs_pcapng_comments *comments);
void vs_capture_file_end(struct vs_capture_file *f);

/* To be polled for, after VS_NOT_YET. */
static inline int vs_capture_file_fd(const struct vs_capture_file *f)
{
	return f->fds[f->at];
}

#endif
