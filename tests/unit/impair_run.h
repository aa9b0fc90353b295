/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TESTS_IMPAIR_RUN_H
#define VS_TESTS_IMPAIR_RUN_H

/* An impairment on a clock of the test. Frames carry a number. */

#include <stdlib.h>

#include "pump/impair.h"
#include "unit.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define FRAME_LEN 100

#define NOTHING { .size = sizeof(struct vdestack_impairment), .seed = 1 }

static inline struct vs_impair *impair_with(const struct vdestack_impairment *settings)
{
	struct vs_impair *im = vs_impair_new();
	const char *why;

	assert_non_null(im);
	assert_int_equal(vs_impair_check(settings, &why), 0);
	vs_impair_set(im, settings, 0);
	return im;
}

static inline void put_len(struct vs_impair *im, uint32_t number, size_t len, int64_t now)
{
	static unsigned char frame[10000];
	struct iovec iov[2] = { { frame, 14 }, { frame + 14, len - 14 } };

	memcpy(frame + 14, &number, sizeof(number));
	vs_impair_put(im, iov, 2, now);
}

static inline void put(struct vs_impair *im, uint32_t number, int64_t now)
{
	put_len(im, number, FRAME_LEN, now);
}

static inline uint32_t number_of(const struct vs_impair_frame *f)
{
	uint32_t number;

	memcpy(&number, (const unsigned char *)f->iov.iov_base + 14, sizeof(number));
	return number;
}

#define NONE UINT32_MAX

/* The next frame at this time, or NONE. */
static inline uint32_t take(struct vs_impair *im, int64_t now)
{
	const struct vs_impair_frame *f = vs_impair_next(im, now);
	uint32_t number = f != NULL ? number_of(f) : NONE;

	if (f != NULL)
		assert_true(f->due_ns <= now);
	vs_impair_done(im);
	return number;
}

static inline struct vdestack_impair_stats stats_of(const struct vs_impair *im)
{
	struct vdestack_impair_stats s;

	vs_impair_stats(im, &s);
	assert_int_equal(s.seen + s.duplicated, s.passed + s.cut + s.blackholed + s.lost + s.overflowed +
							s.marked + s.waiting + s.no_memory);
	return s;
}

#endif
