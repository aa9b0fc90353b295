/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_CAPTURE_H
#define VDESTACK_CAPTURE_H

/*
 * What passes on the wire of an interface: captures in files that Wireshark reads, and wire taps for tests.
 * The conventions of <vdestack.h> hold. vdestack_capture_start(3) and vdestack_tap_open(3) have examples.
 *
 * Both show complete frames, as the network sees them: super-frames are cut, checksums are finished. What an
 * impairment does to frames that are sent has been done; what it does to frames that are received has not.
 */

#include <stdint.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* It goes on when its descriptor is closed, until the interface ends. */
#define VDESTACK_CAPTURE_KEPT 0x1u
/* No file of these names may exist. */
#define VDESTACK_CAPTURE_NEW 0x2u

/* All zero but size and path (or fd): whole frames, one file without a limit. */
struct vdestack_capture_opts {
	size_t size;           /* sizeof(struct vdestack_capture_opts) */
	const char *path;      /* file, made with mode 0600 or emptied; NULL: fd */
	int fd;                /* a file, pipe, or stream socket that can be written; it stays the caller's */
	uint32_t snaplen;      /* bytes of each frame that are kept, up to 262144; 0 = 262144 */
	uint64_t file_bytes;   /* of each file, from 4096 up; 0: no limit. A single full file ends it */
	uint32_t files;        /* a ring of so many, up to 64: PATH.00, PATH.01; 0, 1: the file PATH alone */
	uint32_t flags;        /* VDESTACK_CAPTURE_... */
	uint64_t frames;       /* the capture ends after so many; 0: no limit */
	uint64_t buffer_bytes; /* for frames that are not written yet, 64 KiB to 256 MiB; 0 = 8 MiB */
	const char *comment;   /* text in the file, up to 511 bytes; NULL: none */
};

struct vdestack_capture_stats {
	size_t size;           /* set it to sizeof(struct vdestack_capture_stats) */
	uint32_t ended;        /* != 0: the capture has ended, and all of it is in the file */
	int32_t error;         /* why it has ended: an errno; 0: it was stopped, or is complete */
	uint64_t seen;         /* frames that passed */
	uint64_t written;      /* frames in the file, or on their way to it */
	uint64_t dropped;      /* frames that the file was too slow for */
	uint64_t os_dropped;   /* on segments: frames that the kernel had no room for */
	uint64_t bytes;        /* written */
	uint32_t file;         /* of a ring: the number of the file that is written */
	uint32_t turns;        /* of a ring: how often another file was begun */
};

/*
 * Starts a capture of an interface that this library has made. Frames that pass after this call are in the
 * file. Returns a descriptor, close-on-exec, which stands for the capture. It becomes readable when the
 * capture has ended by itself. When its last copy is closed the capture ends (see VDESTACK_CAPTURE_KEPT); the
 * last frames are written a moment later. Several captures of an interface do not disturb each other.
 *
 * The files are opened by this call, with the rights of the calling thread. Those of a ring with the path
 * web.pcapng are web.00.pcapng, web.01.pcapng, …. The last component of the path may not be a symbolic link.
 *
 * errno: EINVAL (a value out of its range; the descriptor cannot be written, or is a terminal), ENODEV,
 * EPERM (as for vdestack_link_set_carrier(); a handle of vdestack_attach() may capture, one of
 * vdestack_receive() may not), EBUSY (16 captures and wire taps), ENOMEM, EMFILE, ENETDOWN, and those of
 * open(2).
 */
int vdestack_capture_start(struct vdestack *stack, const char *ifname,
			   const struct vdestack_capture_opts *opts)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);

/*
 * Counters so far. The descriptor belongs to one thread at a time. errno: EBADF, EINVAL, EPIPE (its keeper
 * has ended), ETIMEDOUT.
 */
int vdestack_capture_get_stats(int fd, struct vdestack_capture_stats *stats) VDESTACK_NONNULL(2);

/*
 * Ends a capture, waits until all of it is written, for five seconds at most (then ETIMEDOUT, and the rest is
 * written later), and closes the descriptor in any case.
 * stats: the last counters; may be NULL. 0; or -1: the capture has ended before with the errno that is set;
 * or as above.
 */
int vdestack_capture_stop(int fd, struct vdestack_capture_stats *stats);

/* ---- wire taps ---- */

/* The frames that the stack receives, too. Each message that is read begins with a header. */
#define VDESTACK_TAP_BOTH 0x1u
/* Each message that is read begins with a header. */
#define VDESTACK_TAP_HEADER 0x2u
/* Frames that are written go to the network, as if the stack had sent them. */
#define VDESTACK_TAP_TO_NETWORK 0x4u
/* The caller is the network: no frame passes between the stack and its network while the wire tap is open. */
#define VDESTACK_TAP_ALONE 0x8u
/* Reading and writing does not wait. */
#define VDESTACK_TAP_NONBLOCK 0x10u

enum vdestack_tap_direction { VDESTACK_TAP_SENT = 1, VDESTACK_TAP_RECEIVED = 2 }; /* by the stack */

struct vdestack_tap_header {
	uint32_t direction; /* enum vdestack_tap_direction */
	uint32_t lost;      /* frames before this one that the reader was too slow for */
	int64_t time_ns;    /* since 1970 */
};

struct vdestack_tap_opts {
	size_t size;    /* sizeof(struct vdestack_tap_opts) */
	uint32_t flags; /* VDESTACK_TAP_... */
};

/*
 * Returns a descriptor (SOCK_SEQPACKET, close-on-exec) on which each read(2) returns a frame that the stack
 * has sent, and each write(2) gives the stack a frame, as if it came from the network. Frames have no
 * preamble and no check sequence. Other wire taps and captures see what is written; so does this one with
 * VDESTACK_TAP_BOTH. The last close(2) ends it. At end of file the interface has ended. opts may be NULL.
 *
 * errno: as vdestack_capture_start(). EINVAL: VDESTACK_TAP_ALONE with VDESTACK_TAP_TO_NETWORK.
 */
int vdestack_tap_open(struct vdestack *stack, const char *ifname, const struct vdestack_tap_opts *opts)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);

#ifdef __cplusplus
}
#endif

#endif
