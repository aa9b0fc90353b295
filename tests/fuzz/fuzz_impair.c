/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: settings, then frames, each after two bytes: its length, and the time that passes before it. For
 * every input: settings are refused, or nothing is lost without being counted, frames come out in time, and
 * corrupted ones keep their length.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pump/impair.h"
#include "pump/impair_corrupt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_counters(const struct vs_impair *im)
{
	struct vdestack_impair_stats s;

	vs_impair_stats(im, &s);
	CHECK(s.seen + s.duplicated == s.passed + s.cut + s.blackholed + s.lost + s.overflowed + s.marked +
					       s.waiting + s.no_memory);
}

static void take_all(struct vs_impair *im, int64_t now)
{
	const struct vs_impair_frame *f;

	while ((f = vs_impair_next(im, now)) != NULL) {
		CHECK(f->due_ns <= now);
		CHECK(f->iov.iov_len <= UINT8_MAX);
		memset((uint8_t *)f->iov.iov_base - VS_IMPAIR_HEADROOM, 1, VS_IMPAIR_HEADROOM);
	}
	CHECK(vs_impair_due_ns(im) > now);
	vs_impair_done(im);
}

/* In a block of its own size, so that a sanitizer sees what is read beyond. */
static void put_copy(struct vs_impair *im, const uint8_t *bytes, size_t len, int64_t now)
{
	uint8_t *exact = malloc(len + 1);
	CHECK(exact != NULL);
	if (len > 0)
		memcpy(exact, bytes, len);
	struct iovec iov[2] = { { exact, len / 3 }, { exact + len / 3, len - len / 3 } };
	vs_impair_put(im, iov, 2, now);
	(void)vs_corrupt_valid(exact, len, (uint64_t)now);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vdestack_impairment settings = { .size = sizeof(settings) };
	size_t taken = size < sizeof(settings) - 8 ? size : sizeof(settings) - 8;
	const char *why = NULL;
	int64_t now = 1;

	memcpy((uint8_t *)&settings + 8, data, taken);
	if (vs_impair_check(&settings, &why) < 0) {
		CHECK(why != NULL);
		/* What is impossible is made possible, so that all inputs reach the frames. */
		settings = (struct vdestack_impairment){ .size = sizeof(settings),
							 .seed = settings.seed,
							 .loss = 0.1,
							 .corrupt_valid = 0.5,
							 .delay_ns = settings.delay_ns % 1000000,
							 .rate = settings.rate % 100000000,
							 .queue = settings.queue % 2 };
	}
	if (settings.seed == 0)
		settings.seed = 1;
	struct vs_impair *im = vs_impair_new();
	CHECK(im != NULL);
	vs_impair_set(im, &settings, now);
	for (size_t at = taken; at + 2 <= size;) {
		size_t len = data[at] < size - at - 2 ? data[at] : size - at - 2;
		now += (int64_t)data[at + 1] * 10000;
		put_copy(im, data + at + 2, len, now);
		take_all(im, now);
		check_counters(im);
		at += 2 + len;
	}
	take_all(im, INT64_MAX / 2);
	check_counters(im);
	if (size % 2)
		vs_impair_drop(im);
	check_counters(im);
	vs_impair_free(im);
	return 0;
}
