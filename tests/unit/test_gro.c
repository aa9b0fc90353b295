/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which frames are coalesced, into what, and which are not. */

#include "gro_batch.h"

static void check_all_single(void)
{
	assert_int_equal(gro.n_writes, n_frames);
	for (size_t i = 0; i < n_frames; i++)
		check_single(&gro.writes[i], i);
}

/* How many frames each write has. */
static void check_counts(size_t n, ...)
{
	va_list ap;

	assert_int_equal(gro.n_writes, n);
	va_start(ap, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(gro.writes[i].n_frames, va_arg(ap, int));
	va_end(ap);
}

/* ------------------------------------------------------------ runs */

/* The segments of a super-frame become that super-frame. */
static void check_whole(const struct frame *super, uint16_t size)
{
	size_t n = frame_segments(super, size);
	struct frame partial = *super;
	struct virtio_net_hdr vnet = frame_vnet(super, size);

	begin();
	for (size_t i = 0; i < n; i++) {
		struct frame s = frame_segment(super, size, i);
		add(&s);
	}
	run(ALL);
	assert_int_equal(gro.n_writes, 1);
	if (n == 1) {
		check_single(&gro.writes[0], 0);
		return;
	}
	assert_int_equal(gro.writes[0].n_frames, n);
	assert_memory_equal(&gro.writes[0].vnet, &vnet, sizeof(vnet));
	partial.partial = true;
	size_t len = frame_make(&partial, expected);
	assert_int_equal(join(&gro.writes[0]), len);
	assert_memory_equal(joined, expected, len);
}

static void segments_become_the_super_frame(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (f.payload = 1; f.payload <= 120; f.payload++)
			for (uint16_t size = (uint16_t)(f.udp ? (f.payload + 63) / 64 : 1); size <= 122;
			     size++)
				check_whole(&f, size);
	}
}

static void segments_of_real_sizes(void **state)
{
	static const uint16_t sizes[] = { 536, 1220, 1448, 1460, 8948 };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (size_t n = 2; n <= 5; n++)
				for (size_t near = 0; near <= 4; near++) {
					f.payload = n * sizes[i] + near - 2;
					check_whole(&f, sizes[i]);
				}
	}
}

static void the_longest_run(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		struct layout at = frame_layout(&f);
		size_t room = 65535 - (at.payload - at.l3);
		f.flags &= (uint8_t)~PSH;
		f.payload = room;
		check_whole(&f, 9000);
		/* One byte more does not fit. */
		f.payload = room + 1;
		begin();
		for (size_t i = 0; i < frame_segments(&f, 9000); i++) {
			struct frame s = frame_segment(&f, 9000, i);
			add(&s);
		}
		run(ALL);
		check_counts(2, 7, 1);
		check_single(&gro.writes[1], 7);
	}
}

static void a_run_has_no_more_datagrams_than_a_kernel_accepts(void **state)
{
	struct frame f = kind(9);

	(void)state;
	f.payload = 200 * 10;
	begin();
	for (size_t i = 0; i < 200; i++) {
		struct frame s = frame_segment(&f, 10, i);
		add(&s);
	}
	run(ALL);
	check_counts(4, 64, 64, 64, 8);
}

static void only_protocols_that_the_tap_accepts_are_joined(void **state)
{
	static const unsigned bits[] = { VS_GRO_TCP4, VS_GRO_TCP6, VS_GRO_UDP, VS_GRO_VLAN };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		unsigned needs = f.udp ? VS_GRO_UDP : f.ipv6 ? VS_GRO_TCP6 : VS_GRO_TCP4;
		needs |= f.tags > 0 ? VS_GRO_VLAN : 0;
		for (unsigned set = 0; set < 16; set++) {
			unsigned may = 0;
			for (int i = 0; i < 4; i++)
				may |= set >> i & 1 ? bits[i] : 0;
			begin();
			for (size_t i = 0; i < 3; i++) {
				struct frame s = frame_segment(&f, 40, i);
				add(&s);
			}
			run(may);
			if ((may & needs) == needs)
				check_counts(1, 3);
			else
				check_all_single();
		}
	}
}

/* ------------------------------------------------------------ two frames that differ */

struct deviation {
	const char *what;
	void (*change)(struct frame *second);
	bool joins;
};

#define DEVIATION(name, ...)                                                                                 \
	static void name(struct frame *f)                                                                    \
	{                                                                                                    \
		__VA_ARGS__;                                                                                 \
	}

DEVIATION(none, (void)f)
DEVIATION(earlier, f->seq--)
DEVIATION(later, f->seq++)
DEVIATION(again, f->seq -= 100)
DEVIATION(other_ack, f->ack++)
DEVIATION(other_window, f->window++)
DEVIATION(urgent_pointer, f->urgent = 1)
DEVIATION(fin, f->flags |= FIN)
DEVIATION(syn, f->flags |= SYN)
DEVIATION(rst, f->flags |= RST)
DEVIATION(urg, f->flags |= URG)
DEVIATION(ece, f->flags |= ECE)
DEVIATION(cwr, f->flags |= CWR)
DEVIATION(psh, f->flags |= PSH)
DEVIATION(no_ack, f->flags = 0)
DEVIATION(option_bytes, f->option_fill = 2)
DEVIATION(option_length, f->tcp_options += 4)
DEVIATION(ttl, f->ttl--)
DEVIATION(tos, f->tos ^= 1)
DEVIATION(label, f->label = 2)
DEVIATION(longer, f->payload++)
DEVIATION(shorter, f->payload--)
DEVIATION(empty, f->payload = 0)
DEVIATION(from_other_host, f->host++)
DEVIATION(from_other_port, f->sport++)
DEVIATION(to_other_port, f->dport++)
DEVIATION(one_more_tag, f->tags++)
DEVIATION(other_df, f->df = !f->df)
DEVIATION(ip_options, f->ip_options = 4)
DEVIATION(id_same, f->id--)
DEVIATION(id_skipped, f->id++)
DEVIATION(id_backwards, f->id -= 2)

static const struct deviation tcp_deviations[] = {
	{ "nothing", none, true },
	{ "sequence number less", earlier, false },
	{ "sequence number more", later, false },
	{ "sent again", again, false },
	{ "ack", other_ack, false },
	{ "window", other_window, false },
	{ "urgent pointer", urgent_pointer, false },
	{ "FIN", fin, false },
	{ "SYN", syn, false },
	{ "RST", rst, false },
	{ "URG", urg, false },
	{ "ECE", ece, false },
	{ "CWR", cwr, false },
	{ "PSH", psh, true },
	{ "no ACK", no_ack, false },
	{ "option bytes", option_bytes, false },
	{ "option length", option_length, false },
};

static const struct deviation any_deviations[] = {
	{ "TTL", ttl, false },
	{ "TOS", tos, false },
	{ "longer", longer, false },
	{ "shorter", shorter, true },
	{ "empty", empty, false },
	{ "host", from_other_host, false },
	{ "source port", from_other_port, false },
	{ "destination port", to_other_port, false },
	{ "tag", one_more_tag, false },
};

static const struct deviation ip4_deviations[] = {
	{ "DF", other_df, false },
	{ "IP options", ip_options, false },
	{ "id skipped", id_skipped, false },
	{ "id backwards", id_backwards, false },
	{ "id kept without DF", id_same, false },
};

static const struct deviation ip6_deviations[] = {
	{ "flow label", label, false },
};

static void check_deviations(const struct frame *first, const struct deviation *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct frame second = *first;
		second.id++;
		second.seq += (uint32_t)first->payload;
		second.payload_from += first->payload;
		d[i].change(&second);
		begin();
		add(first);
		add(&second);
		run(ALL);
		if ((gro.n_writes == 1) != d[i].joins)
			fail_msg("%s: %zu writes", d[i].what, gro.n_writes);
		if (!d[i].joins)
			check_all_single();
	}
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void every_difference_counts(void **state)
{
	(void)state;
	for (int bits = 0; bits < 8; bits++) {
		struct frame f = kind(bits & 1 ? 6 : 0);
		f.flags = ACK;
		f.tcp_options = 12;
		f.df = false;
		if (bits & 2) {
			f.udp = true;
			f.tcp_options = 0;
		}
		f.tags = bits & 4 ? 1 : 0;
		check_deviations(&f, any_deviations, COUNT(any_deviations));
		if (!f.udp)
			check_deviations(&f, tcp_deviations, COUNT(tcp_deviations));
		if (f.ipv6)
			check_deviations(&f, ip6_deviations, COUNT(ip6_deviations));
		else
			check_deviations(&f, ip4_deviations, COUNT(ip4_deviations));
	}
}

/* Each single bit changed after the checksums were made. */
static void every_bit_counts(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		f.flags &= (uint8_t)~PSH;
		f.payload = 40;
		size_t len = frame_layout(&f).len - 20;
		for (size_t which = 0; which < 2; which++) {
			for (size_t bit = 0; bit < 8 * len; bit++) {
				begin();
				for (size_t i = 0; i < 2; i++) {
					struct frame s = frame_segment(&f, 20, i);
					add(&s);
				}
				slots[which][bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
				run(ALL);
				check_all_single();
			}
		}
	}
}

static void ids_of_ipv4(void **state)
{
	static const struct {
		bool df;
		uint16_t ids[3];
		size_t writes;
	} table[] = {
		{ true, { 5, 6, 7 }, 1 },
		{ true, { 0, 0, 0 }, 1 },
		{ true, { 0xffff, 0, 1 }, 1 },
		{ true, { 5, 7, 9 }, 3 },
		{ true, { 5, 4, 3 }, 3 },
		{ false, { 5, 6, 7 }, 1 },
		{ false, { 0xfffe, 0xffff, 0 }, 1 },
		{ false, { 5, 5, 5 }, 3 },
		{ false, { 5, 6, 6 }, 2 },
		{ false, { 5, 6, 5 }, 2 },
		{ true, { 0x8000, 0x8001, 0x8002 }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct frame f = kind(0);
		f.payload = 60;
		begin();
		for (size_t j = 0; j < 3; j++) {
			struct frame s = frame_segment(&f, 20, j);
			s.df = table[i].df;
			s.id = table[i].ids[j];
			add(&s);
		}
		run(ALL);
		if (gro.n_writes != table[i].writes)
			fail_msg("row %zu: %zu writes", i, gro.n_writes);
	}
}

/* ------------------------------------------------------------ order */

/* A wrong checksum anywhere in a run: that frame is written alone, unchanged, at its place. */
static void a_bad_checksum_is_passed_on(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		f.flags &= (uint8_t) ~(PSH | CWR);
		f.payload = 9 * 30;
		for (size_t bad = 0; bad < 9; bad++) {
			begin();
			for (size_t i = 0; i < 9; i++) {
				struct frame s = frame_segment(&f, 30, i);
				uint8_t *slot = add(&s);
				if (i == bad)
					slot[frame_layout(&s).len - 1] ^= 1;
			}
			run(ALL);
			size_t at = bad > 0 ? 1 : 0;
			assert_int_equal(gro.n_writes, 1 + (bad > 0) + (bad < 8));
			check_single(&gro.writes[at], bad);
			if (bad > 0)
				assert_int_equal(gro.writes[0].n_frames, bad);
			if (bad < 8)
				assert_int_equal(gro.writes[at + 1].n_frames, 8 - bad);
		}
	}
}

static void datagrams_without_checksum_stay_alone(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		if (!f.udp)
			continue;
		f.no_check = true;
		begin();
		for (size_t i = 0; i < 4; i++) {
			struct frame s = frame_segment(&f, 25, i);
			add(&s);
		}
		run(ALL);
		check_all_single();
	}
}

static void extension_headers_stay_alone(void **state)
{
	static uint8_t options[8] = { 6, 0, 1, 4 };
	struct frame f = kind(6);

	(void)state;
	f.ext = options;
	f.ext_len = 8;
	f.ext_first = 60;
	begin();
	for (size_t i = 0; i < 4; i++) {
		struct frame s = frame_segment(&f, 25, i);
		add(&s);
	}
	run(ALL);
	check_all_single();
}

/* PSH ends a run, and so does a shorter segment; no frame is joined after it. */
static void what_ends_a_run(void **state)
{
	struct frame f = kind(0);

	(void)state;
	for (int push = 0; push < 2; push++) {
		begin();
		f.payload = 8 * 50;
		for (size_t i = 0; i < 8; i++) {
			struct frame s = frame_segment(&f, 50, i);
			if (i == 3 && push)
				s.flags |= PSH;
			add(&s);
		}
		if (!push) { /* the fourth is shorter, and the others come after it */
			begin();
			for (size_t i = 0; i < 8; i++) {
				struct frame s = frame_segment(&f, 50, i);
				s.payload -= i == 3 ? 1 : 0;
				s.seq -= i > 3 ? 1 : 0;
				add(&s);
			}
		}
		run(ALL);
		check_counts(2, 4, 4);
	}
}

static void an_ack_between_is_not_overtaken(void **state)
{
	struct frame f = kind(0), pure;

	(void)state;
	begin();
	f.payload = 200;
	for (size_t i = 0; i < 4; i++) {
		struct frame s = frame_segment(&f, 50, i);
		if (i == 2) {
			pure = s;
			pure.payload = 0;
			add(&pure);
		}
		add(&s);
	}
	run(ALL);
	check_counts(3, 2, 1, 2);
	check_single(&gro.writes[1], 2);
}

static void a_fragment_closes_all_runs(void **state)
{
	struct frame a = kind(0), b = kind(9);

	(void)state;
	begin();
	for (size_t i = 0; i < 4; i++) {
		struct frame s = frame_segment(&a, 25, i), t = frame_segment(&b, 25, i);
		add(&s);
		if (i == 2) {
			uint8_t *slot = add(&t);
			frame_put(slot + 20, 0x2000, 2);
		} else {
			add(&t);
		}
	}
	run(ALL); /* a0 b0 a1 b1 a2 fragment a3 b3 */
	check_counts(5, 3, 2, 1, 1, 1);
	check_single(&gro.writes[2], 5);
}

static void others_do_not_disturb(void **state)
{
	struct frame f = kind(0);

	(void)state;
	begin();
	for (size_t i = 0; i < 4; i++) {
		struct frame s = frame_segment(&f, 25, i), ping = kind(9);
		add(&s);
		uint8_t *slot = add(&ping);
		if (i % 2)
			frame_put(slot + 12, 0x0806, 2); /* ARP */
		else
			slot[23] = 1; /* ICMP */
	}
	run(ALL);
	check_counts(5, 4, 1, 1, 1, 1);
	for (size_t i = 0; i < 4; i++)
		check_single(&gro.writes[i + 1], 2 * i + 1);
}

static void flows_are_told_apart(void **state)
{
	struct frame f = kind(0);

	(void)state;
	f.payload = 4 * 25;
	for (size_t flows = 1; flows <= 40; flows++) {
		begin();
		for (size_t i = 0; i < 4; i++) {
			for (size_t j = 0; j < flows; j++) {
				struct frame s = frame_segment(&f, 25, i);
				s.sport = (uint16_t)(s.sport + j);
				add(&s);
			}
		}
		run(ALL);
		if (flows > VS_GRO_FLOWS) {
			assert_true(gro.n_writes > flows);
			continue;
		}
		assert_int_equal(gro.n_writes, flows);
		for (size_t j = 0; j < flows; j++) {
			assert_int_equal(gro.writes[j].n_frames, 4);
			join(&gro.writes[j]);
			assert_int_equal(frame_get(joined + 34, 2), f.sport + j);
		}
	}
}

/* Short frames are padded to 60 bytes on an Ethernet; padding is not payload. */
static void padding_is_not_payload(void **state)
{
	struct frame f = kind(0), partial;

	(void)state;
	f.payload = 9;
	begin();
	for (size_t i = 0; i < 3; i++) {
		struct frame s = frame_segment(&f, 4, i);
		size_t len = frame_layout(&s).len;
		memset(add(&s) + len, 0xee, 60 - len);
		frames[n_frames - 1].iov_len = 60;
	}
	run(ALL);
	check_counts(1, 3);
	partial = f;
	partial.partial = true;
	size_t len = frame_make(&partial, expected);
	assert_int_equal(join(&gro.writes[0]), len);
	assert_memory_equal(joined, expected, len);
}

static void odd_batches(void **state)
{
	(void)state;
	begin();
	run(ALL);
	assert_int_equal(gro.n_writes, 0);
	for (size_t len = 0; len < 60; len++)
		memset(add_bytes(len), 0x45, len);
	run(ALL);
	check_all_single();
	begin();
	for (size_t i = 0; i < VS_GRO_FRAMES; i++) {
		struct frame f = kind(0);
		f.sport = (uint16_t)i;
		add(&f);
	}
	run(ALL);
	check_all_single();
	begin();
	for (size_t i = 0; i < VS_GRO_FRAMES; i++) {
		struct frame f = kind(0);
		f.payload = VS_GRO_FRAMES * 100;
		f = frame_segment(&f, 100, i);
		add(&f);
	}
	run(0);
	check_all_single();
	run(ALL);
	check_counts(1, VS_GRO_FRAMES);
}

static void undo_returns_the_original_frames(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct frame f = kind(k);
		f.payload = 95;
		for (uint16_t size = 2; size <= 100; size++) {
			check_whole(&f, size);
			struct vs_gro_write *write = &gro.writes[0];
			vs_gro_undo(write);
			for (size_t i = 0; i < write->n_frames; i++) {
				struct iovec frame = vs_gro_frame(write, i);
				assert_ptr_equal(frame.iov_base, slots[i]);
				assert_int_equal(frame.iov_len, frames[i].iov_len);
				assert_memory_equal(slots[i], originals[i], frame.iov_len);
			}
		}
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_become_the_super_frame),
		cmocka_unit_test(segments_of_real_sizes),
		cmocka_unit_test(the_longest_run),
		cmocka_unit_test(a_run_has_no_more_datagrams_than_a_kernel_accepts),
		cmocka_unit_test(only_protocols_that_the_tap_accepts_are_joined),
		cmocka_unit_test(every_difference_counts),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(ids_of_ipv4),
		cmocka_unit_test(a_bad_checksum_is_passed_on),
		cmocka_unit_test(datagrams_without_checksum_stay_alone),
		cmocka_unit_test(extension_headers_stay_alone),
		cmocka_unit_test(what_ends_a_run),
		cmocka_unit_test(an_ack_between_is_not_overtaken),
		cmocka_unit_test(a_fragment_closes_all_runs),
		cmocka_unit_test(others_do_not_disturb),
		cmocka_unit_test(flows_are_told_apart),
		cmocka_unit_test(padding_is_not_payload),
		cmocka_unit_test(odd_batches),
		cmocka_unit_test(undo_returns_the_original_frames),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
