/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_IMPAIR_H
#define VDESTACK_IMPAIR_H

/*
 * Networks that misbehave on purpose: what happens to the frames of an interface, in each direction. The
 * conventions of <vdestack.h> hold. vdestack_impair(3) has examples, docs/impairment.md how exact it is.
 */

#include <stdint.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How delays spread around their mean. */
enum vdestack_distribution {
	VDESTACK_UNIFORM = 0, /* delay - jitter to delay + jitter */
	VDESTACK_NORMAL = 1,  /* jitter is the standard deviation */
	VDESTACK_PARETO = 2   /* a long tail: Pareto with shape 3, jitter is the standard deviation */
};

enum vdestack_queue {
	VDESTACK_TAIL_DROP = 0, /* a frame that does not fit into the queue is dropped */
	VDESTACK_CODEL = 1      /* RFC 8289, besides tail drop */
};

/*
 * What happens to the frames of one direction. All zero: nothing. A frame passes in this order: cut,
 * blackhole, loss, corruption, duplication, rate, delay, reordering. Probabilities are from 0 to 1, of each
 * frame as it is on the network: a super-frame counts as the frames that it stands for.
 */
struct vdestack_impairment {
	size_t size;           /* sizeof(struct vdestack_impairment) */
	uint64_t seed;         /* of all random choices of this direction; 0: one is chosen */

	uint32_t cut;          /* != 0: no frame passes */
	uint32_t blackhole;    /* frames with longer packets (bytes, no Ethernet header) vanish; 0: none */

	double loss;           /* probability of each frame */
	/* Bursts by Gilbert and Elliott: two states, in each a probability of loss. enter, base 0: none. */
	double burst_enter;    /* probability, with each frame, to change from good to bad */
	double burst_leave;    /* from bad to good */
	double burst_loss;     /* loss in the bad state */
	double burst_base;     /* loss in the good state */
	uint32_t loss_every;   /* each n-th frame is lost; 0: none */

	uint32_t reorder_gap;  /* a frame that is held back follows so many later frames; 0 = 1 */
	double reorder;        /* probability of being held back */
	double duplicate;      /* probability of being passed twice */
	double corrupt;        /* probability of one wrong bit behind the Ethernet header */
	double corrupt_valid;  /* the same in the payload, with IP, TCP, UDP, ICMP checksums that fit again */

	uint64_t delay_ns;
	uint64_t jitter_ns;
	uint32_t distribution; /* enum vdestack_distribution; of jitter_ns */
	uint32_t keep_order;   /* != 0: no frame overtakes another one by its jitter */

	uint64_t rate;         /* bit/s, of Ethernet frames, no preamble and check sequence; 0: no limit */
	uint32_t queue_bytes;  /* that wait for the rate; 0: what the rate sends in 100 ms, from 3000 up */
	uint32_t queue;        /* enum vdestack_queue */
	uint64_t codel_target_ns;   /* 0 = 5 ms */
	uint64_t codel_interval_ns; /* 0 = 100 ms */
};

/* What has happened to the frames of one direction, since the interface was first impaired. */
struct vdestack_impair_stats {
	size_t size;           /* set it to sizeof(struct vdestack_impair_stats) */
	uint64_t seen;         /* frames that came */
	uint64_t passed;       /* frames that went on, duplicates included */
	uint64_t cut, blackholed, lost, overflowed, marked; /* marked: dropped by CoDel */
	uint64_t reordered, duplicated, corrupted;
	uint64_t waiting;      /* frames that are delayed or queued now */
	uint64_t no_memory;    /* dropped, as more frames waited than there may be (64 MiB) */
};

/*
 * Impairs an interface. tx is what the stack sends, rx what it receives; NULL leaves that direction as it is.
 * The change holds for frames that come after it; those that are delayed keep their times, and those that
 * wait for a rate are sent at the new one. Traffic goes on. An interface that has never been impaired pays
 * nothing. A seed of 0 is replaced by a random one, which vdestack_impair_get() returns: the same seed,
 * settings and frames make the same choices.
 *
 * An interface on a segment (inproc://, local://) gets a forwarder of its own in front of its port with the
 * first impairment, and loses it with the last; frames under way at that moment may be lost.
 *
 * errno: EINVAL (a value out of its range: nothing is changed), E2BIG (a member is set that this library does
 * not know), ENODEV, EPERM (this process has given up the privileges that the stack was made with, or has
 * been sealed, or the handle cannot change the stack), ENOMEM, ENETDOWN.
 */
int vdestack_impair(struct vdestack *stack, const char *ifname, const struct vdestack_impairment *tx,
		    const struct vdestack_impairment *rx) VDESTACK_NONNULL(2);

/*
 * The same by words, which add to what is in force: "delay=20ms loss=1% rx.rate=10mbit". Words of
 * vdestack_config(7); "unimpaired" ends everything. errno: as above; EINVAL: vdestack_last_error() names the
 * word and nothing is changed.
 */
int vdestack_impair_words(struct vdestack *stack, const char *ifname, const char *words)
	VDESTACK_NONNULL(2, 3);

/*
 * What is in force, and counters. Each pointer may be NULL; its size must be set. errno: EINVAL, ENODEV,
 * ENETDOWN.
 */
int vdestack_impair_get(struct vdestack *stack, const char *ifname, struct vdestack_impairment *tx,
			struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			struct vdestack_impair_stats *rx_stats) VDESTACK_NONNULL(2);

/*
 * Splits a segment. Frames pass only between interfaces of the same group, 0 to 65535; all begin in group 0.
 * What a bridge has learned is forgotten. errno: ENOTSUP (the interface is not on a segment), and as above.
 */
int vdestack_segment_group(struct vdestack *stack, const char *ifname, unsigned group) VDESTACK_NONNULL(2);

/*
 * Makes the segment believe that the MAC address of this interface is at the port of another one, until the
 * interface sends again: what a loop or a moved machine does to a switch. Frames for it go astray meanwhile.
 * errno: ENOTSUP (not on a segment, or there is no other port whose cable is plugged in), and as above.
 */
int vdestack_segment_flap(struct vdestack *stack, const char *ifname) VDESTACK_NONNULL(2);

#ifdef __cplusplus
}
#endif
#endif
