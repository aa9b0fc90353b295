/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Random traffic, coalesced by the library and by a naive implementation. That one joins a frame to a run if
 * the super-frame of both, cut by the description in frames.h, yields the same frames. Both must join the
 * same frames, and segmentation must return every frame.
 */

#include "gro_batch.h"
#include "pump/gso.h"

static uint64_t random_state;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(2685821657736338717)) >> 32) % below;
}

/* What was sent, and the result of the naive implementation. */
struct sent {
	struct frame f;
	size_t len;        /* without padding */
	bool other, stray; /* ARP; a fragment */
	size_t run;        /* index of the first frame of its write */
};
static struct sent sent[VS_GRO_FRAMES];

struct naive_run {
	size_t first, count;
	size_t members[VS_GRO_FRAMES];
};
static struct naive_run open_runs[VS_GRO_FLOWS + 1];
static size_t n_open;

static bool naive_able(const struct frame *f)
{
	if (f->payload == 0 || f->ip_options > 0 || f->ext_len > 0)
		return false;
	return f->udp ? !f->no_check : (f->flags & ~(PSH | CWR | ECE)) == ACK;
}

static bool naive_same_flow(const struct frame *a, const struct frame *b)
{
	return a->ipv6 == b->ipv6 && a->udp == b->udp && a->host == b->host && a->sport == b->sport &&
	       a->dport == b->dport;
}

/* Whether the super-frame of the run and one more frame is cut into the same frames again. */
static bool naive_joins(const struct naive_run *r, size_t next)
{
	struct frame super = sent[r->first].f;
	size_t size = super.payload, n = r->count + 1;

	super.payload = sent[next].f.payload;
	for (size_t i = 0; i < r->count; i++)
		super.payload += sent[r->members[i]].f.payload;
	super.flags |= (uint8_t)(sent[next].f.flags & PSH);
	struct layout at = frame_layout(&super);
	if (frame_segments(&super, size) != n || at.len - at.l3 > 65535 || (super.udp && n > 64))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t index = i < r->count ? r->members[i] : next;
		struct frame s = frame_segment(&super, size, i);
		if (super.df && sent[index].f.id == super.id)
			s.id = super.id; /* never counted */
		s.payload_from = sent[index].f.payload_from;
		if (frame_make(&s, expected) != sent[index].len ||
		    memcmp(expected, originals[index], sent[index].len) != 0)
			return false;
	}
	return true;
}

static void naive_close(size_t i)
{
	open_runs[i] = open_runs[--n_open];
}

static size_t naive_oldest(void)
{
	size_t oldest = 0;

	for (size_t i = 1; i < n_open; i++)
		if (open_runs[i].first < open_runs[oldest].first)
			oldest = i;
	return oldest;
}

static void naive_take(size_t index)
{
	struct sent *s = &sent[index];
	size_t i;

	s->run = index;
	if (s->stray)
		n_open = 0;
	if (s->stray || s->other)
		return;
	for (i = 0; i < n_open && !naive_same_flow(&sent[open_runs[i].first].f, &s->f); i++)
		;
	bool ends = !s->f.udp && (s->f.flags & PSH) != 0;
	if (i < n_open) {
		struct naive_run *r = &open_runs[i];
		if (naive_able(&s->f) && naive_joins(r, index)) {
			s->run = r->first;
			r->members[r->count++] = index;
			if (ends || s->f.payload < sent[r->first].f.payload || (s->f.udp && r->count == 64))
				naive_close(i);
			return;
		}
		naive_close(i);
	}
	if (!naive_able(&s->f) || ends)
		return;
	if (n_open == VS_GRO_FLOWS)
		naive_close(naive_oldest());
	open_runs[n_open].first = index;
	open_runs[n_open].count = 1;
	open_runs[n_open++].members[0] = index;
}

/* The frame differs in a detail from the one that the flow would send next. */
static void disturb(struct frame *f)
{
	switch (chance(16)) {
	case 0:
		f->seq += chance(3) - 1;
		break;
	case 1:
		f->ack += 1;
		break;
	case 2:
		f->window++;
		break;
	case 3:
		f->flags ^= (uint8_t)(1u << chance(8));
		break;
	case 4:
		f->ttl--;
		break;
	case 5:
		f->tos ^= 2;
		break;
	case 6:
		f->id = (uint16_t)(f->id + chance(3));
		break;
	case 7:
		f->payload = chance(120);
		break;
	case 8:
		f->payload = 0;
		break;
	case 9:
		f->tcp_options = f->udp ? 0 : 4 * (size_t)chance(11);
		break;
	case 10:
		f->option_fill ^= 3;
		break;
	case 11:
		f->tags = (int)chance(3);
		break;
	case 12:
		f->no_check = f->udp;
		break;
	case 13:
		f->ip_options = f->ipv6 ? 0 : 4;
		break;
	case 14:
		f->df = !f->df;
		break;
	default:
		f->flags |= PSH;
		break;
	}
}

static void send_one(struct frame *flow, uint32_t trouble)
{
	struct sent *s = &sent[n_frames];

	memset(s, 0, sizeof(*s));
	s->f = *flow;
	if (chance(1000) < trouble)
		disturb(&s->f);
	s->len = frame_layout(&s->f).len;
	uint8_t *slot = add(&s->f);
	if (chance(1000) < trouble / 4 && s->f.payload > 0)
		slot[s->len - 1 - chance((uint32_t)s->f.payload)] ^= (uint8_t)(1u << chance(8));
	if (chance(1000) < trouble / 8) {
		s->other = true;
		frame_put(slot + frame_layout(&s->f).l3 - 2, 0x0806, 2);
	} else if (!s->f.ipv6 && chance(1000) < trouble / 8) {
		s->stray = true;
		frame_put(slot + frame_layout(&s->f).l3 + 6, 0x2000, 2);
	}
	if (s->len < 60 && chance(4) == 0) {
		memset(slot + s->len, 0xee, 60 - s->len);
		frames[n_frames - 1].iov_len = 60;
	}
	flow->seq = s->f.seq + (uint32_t)s->f.payload;
	flow->ack = s->f.ack;
	flow->id = flow->df && chance(2) ? flow->id : (uint16_t)(s->f.id + 1);
	flow->payload_from += s->f.payload;
}

/* The writes have the frames that the naive implementation puts together, in its order. */
static void compare_with_naive(void)
{
	size_t w = 0;

	n_open = 0;
	for (size_t i = 0; i < n_frames; i++)
		naive_take(i);
	for (size_t i = 0; i < n_frames; i++) {
		size_t at = 0;
		if (sent[i].run != i)
			continue;
		assert_true(w < gro.n_writes);
		struct vs_gro_write *write = &gro.writes[w++];
		for (size_t j = i; j < n_frames; j++) {
			if (sent[j].run != i)
				continue;
			if (at >= write->n_frames || vs_gro_frame(write, at).iov_base != slots[j])
				fail_msg("frame %zu is not number %zu of the write that begins with %zu", j,
					 at, i);
			at++;
		}
		assert_int_equal(at, write->n_frames);
		if (at == 1)
			check_single(write, i);
	}
	assert_int_equal(w, gro.n_writes);
}

/* Cut again, each write yields the frames it was made of. */
static void segment_again(void)
{
	for (size_t w = 0; w < gro.n_writes; w++) {
		const struct vs_gro_write *write = &gro.writes[w];
		struct vs_gso gso;
		struct iovec iov[2];
		uint8_t header[VS_GSO_HEADER_MAX];
		size_t len = join(write), n = 0;
		if (write->n_frames == 1)
			continue;
		assert_int_equal(vs_gso_start(&gso, &write->vnet, joined, len), VS_GSO_OK);
		for (int pieces; (pieces = vs_gso_next(&gso, header, iov)) > 0; n++) {
			size_t index = (size_t)((uint8_t *)vs_gro_frame(write, n).iov_base - slots[0]) / SLOT;
			struct layout at = frame_layout(&sent[index].f);
			if (!sent[index].f.ipv6) { /* except for an id that was never counted up */
				memcpy(header + at.l3 + 4, originals[index] + at.l3 + 4, 2);
				memcpy(header + at.l3 + 10, originals[index] + at.l3 + 10, 2);
			}
			assert_memory_equal(header, originals[index], at.payload);
			assert_int_equal(pieces, 2);
			assert_int_equal(iov[1].iov_len, sent[index].len - at.payload);
			assert_memory_equal(iov[1].iov_base, originals[index] + at.payload, iov[1].iov_len);
		}
		assert_int_equal(n, write->n_frames);
	}
}

static void random_traffic(uint32_t n_flows, uint32_t trouble, size_t rounds)
{
	struct frame flows[40];

	random_state = UINT64_C(0x9e3779b97f4a7c15) + n_flows * 1000 + trouble;
	for (size_t round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i < n_flows; i++) {
			flows[i] = kind(chance(KINDS));
			flows[i].flags &= (uint8_t) ~(PSH | CWR);
			flows[i].sport = (uint16_t)i;
			flows[i].payload = 1 + chance(100);
		}
		begin();
		for (size_t n = 1 + chance(VS_GRO_FRAMES); n > 0; n--)
			send_one(&flows[chance(n_flows)], trouble);
		run(ALL);
		compare_with_naive();
		segment_again();
	}
}

static void quiet_traffic(void **state)
{
	(void)state;
	random_traffic(1, 0, 10);
	random_traffic(8, 0, 50);
	random_traffic(16, 20, 50);
}

static void disturbed_traffic(void **state)
{
	(void)state;
	random_traffic(1, 100, 100);
	random_traffic(3, 200, 100);
	random_traffic(8, 500, 100);
	random_traffic(3, 1000, 50);
}

static void more_flows_than_the_table(void **state)
{
	(void)state;
	random_traffic(17, 0, 50);
	random_traffic(24, 50, 50);
	random_traffic(40, 100, 50);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_traffic),
		cmocka_unit_test(disturbed_traffic),
		cmocka_unit_test(more_flows_than_the_table),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
