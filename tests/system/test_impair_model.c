/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many frames through an impaired interface: what arrives, and what is counted, follows the model that the
 * words describe.
 *
 *     packet socket ──▶ vde0 ── tx impaired ──▶ network ── rx impaired ──▶ vde0 ──▶ packet socket
 *
 * Each frame has its number many times, so the receiver knows it although a bit is wrong. The sender sends a
 * batch only when all that the counters say of the one before has arrived, so no queue on the way overflows:
 * each frame that is missing has been lost on purpose.
 *
 * The seeds are fixed. The stacks have no IPv6 and know each other, so they send nothing of their own. So
 * each run makes the same choices. A count is right within four standard deviations of the model.
 */

#define _GNU_SOURCE
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sched.h>

#include "segment.h"
#include <vdestack/conf.h>

#define TYPE 0x88b5 /* IEEE 802: for experiments */
#define BATCH 128   /* frames under way at most, but for duplicates */
#define MARK 0xfffffffeu
#define WORDS_OF_FRAME 12
#define HUNDRED_THOUSAND 100000u
#define MILLION 1000000u
#define CASE_OF_TRAFFIC (CASE_F_USER | CASE_F_VDE)

struct frame {
	unsigned char to[6], from[6];
	uint16_t type;
	uint16_t pad;
	uint32_t number[WORDS_OF_FRAME]; /* the same, so that the receiver can vote */
};

struct wire {
	struct vdestack *a, *b;
	bool at_receiver; /* impaired there: what b receives */
	int tx, rx;
};

/* What has become of n frames. */
struct tally {
	unsigned n;
	unsigned char *copies;                         /* of each */
	unsigned arrived, missing, runs, twice, wrong; /* runs of missing ones; frames with one wrong bit */
	struct vdestack_impair_stats stats;
};

/* ------------------------------------------------------------------ the way of frames */

static int packet_socket(struct vdestack *s)
{
	int fd = (int)MUST(vdestack_msocket(s, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
	int room = 1 << 20;

	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	at.sll_ifindex = (int)MUST(vdestack_if_nametoindex(s, "vde0"));
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

static void wire_end(struct wire *w)
{
	close(w->tx);
	close(w->rx);
	MUST(vdestack_delete(w->a));
	MUST(vdestack_delete(w->b));
}

static struct vdestack_impair_stats counters(const struct wire *w)
{
	struct vdestack_impair_stats st = { .size = sizeof(st) };

	if (w->at_receiver)
		MUST(vdestack_impair_get(w->b, "vde0", NULL, NULL, NULL, &st));
	else
		MUST(vdestack_impair_get(w->a, "vde0", NULL, NULL, &st, NULL));
	return st;
}

static void send_batch(const struct wire *w, uint32_t first, unsigned n)
{
	static struct frame frames[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		memset(frames[i].to, 0xff, 6);
		memcpy(frames[i].from, "\2\0\0\0\0\1", 6);
		frames[i].type = htons(TYPE);
		for (int k = 0; k < WORDS_OF_FRAME; k++)
			frames[i].number[k] = first + i;
		iov[i] = (struct iovec){ &frames[i], sizeof(frames[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	for (unsigned done = 0; done < n;)
		done += (unsigned)MUST(sendmmsg(w->tx, m + done, n - done, 0));
}

/* No frame of the kernel's own follows, and none is on its way when the mark has arrived. */
static void make_quiet(const struct wire *w)
{
	struct frame f;

	MUST(vdestack_sysctl_set(w->a, "ipv6/conf/vde0/disable_ipv6", "1"));
	MUST(vdestack_sysctl_set(w->b, "ipv6/conf/vde0/disable_ipv6", "1"));
	check_udp(w->a, w->b, "10.9.0.2");
	send_batch(w, MARK, 1);
	CHECK(wait_readable(w->rx, SOON_MS));
	CHECK_EQ(recv(w->rx, &f, sizeof(f), MSG_DONTWAIT), sizeof(f));
	CHECK_EQ(f.number[0], MARK);
}

/* network: "inproc" or "ptp". words: without a direction, which `side` is: "tx" or "rx". */
static struct wire new_wire(const char *network, const char *side, const char *words)
{
	static unsigned count;
	struct wire w = { .at_receiver = side[0] == 'r' };
	char name[32], locator[300], text[200];

	(void)snprintf(name, sizeof(name), "n%u", ++count);
	(void)snprintf(locator, sizeof(locator), "%s://%s", network,
		       strcmp(network, "ptp") == 0 ? case_path(name) : name);
	w.a = new_stack("vnl=%s ip=10.9.0.1/24", locator);
	w.b = new_stack("vnl=%s ip=10.9.0.2/24", locator);
	w.tx = packet_socket(w.a);
	w.rx = packet_socket(w.b);
	(void)snprintf(text, sizeof(text), "%s.%s %s.seed=4711", side, words, side);
	make_quiet(&w);
	impair(w.at_receiver ? w.b : w.a, text);
	return w;
}

/* The number that most words have; of three, as at most one bit is wrong. */
static uint32_t vote(const struct frame *f)
{
	return f->number[0] == f->number[1] ? f->number[0] : f->number[2];
}

static unsigned wrong_bits(const struct frame *f, uint32_t number)
{
	unsigned n = (unsigned)__builtin_popcount(f->pad);

	for (int i = 0; i < WORDS_OF_FRAME; i++)
		n += (unsigned)__builtin_popcount(f->number[i] ^ number);
	return n;
}

static void receive_all(const struct wire *w, struct tally *t)
{
	struct frame f;
	ssize_t len;

	while ((len = recv(w->rx, &f, sizeof(f), MSG_DONTWAIT)) >= 0) {
		CHECK_EQ(len, sizeof(f));
		uint32_t number = vote(&f);
		unsigned wrong = wrong_bits(&f, number);
		CHECK(number < t->n && wrong <= 1);
		CHECK(t->copies[number] < 2);
		t->copies[number]++;
		t->arrived++;
		t->wrong += wrong;
	}
	CHECK_EQ(errno, EAGAIN);
}

struct progress {
	const struct wire *w;
	struct tally *t;
	uint64_t seen;
};

/* All that was sent has been seen, and all that passed has arrived. */
static bool is_through(void *arg)
{
	struct progress *p = arg;

	receive_all(p->w, p->t);
	struct vdestack_impair_stats st = counters(p->w);
	/* A frame is counted as seen before it is decided what happens to it. */
	bool decided = st.passed + st.lost >= st.seen + st.duplicated;
	return st.seen >= p->seen && decided && p->t->arrived >= st.passed;
}

static void count_missing(struct tally *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		bool missing = t->copies[i] == 0;
		t->missing += missing;
		t->runs += missing && (i == 0 || t->copies[i - 1] != 0);
		t->twice += t->copies[i] == 2;
	}
}

/* Sends n frames, and looks whether the counters say what has happened to them. The caller frees copies. */
static struct tally send_many(const struct wire *w, unsigned n)
{
	struct tally t = { .n = n, .copies = calloc(n, 1) };

	CHECK(t.copies != NULL);
	CHECK_EQ(counters(w).seen, 0);
	for (unsigned sent = 0; sent < n;) {
		unsigned more = n - sent < BATCH ? n - sent : BATCH;
		send_batch(w, sent, more);
		sent += more;
		struct progress p = { w, &t, sent };
		bool through = false;
		for (int i = 0; i < 100 && !through; i++) /* mostly at once; wait_until() sleeps */
			if (!(through = is_through(&p)))
				(void)sched_yield();
		if (!through && !wait_until(is_through, &p, SOON_MS))
			FAIL("of %u frames %u have arrived", sent, t.arrived);
	}
	receive_all(w, &t);
	t.stats = counters(w);
	count_missing(&t);
	printf("%u frames: %u missing in %u runs, %u twice, %u with a wrong bit\n", n, t.missing, t.runs,
	       t.twice, t.wrong);
	CHECK_EQ(t.stats.seen, n);
	CHECK_EQ(t.stats.passed, t.arrived);
	CHECK_EQ(t.stats.lost, t.missing);
	CHECK_EQ(t.stats.duplicated, t.twice);
	return t;
}

/* ------------------------------------------------------------------ the models */

static void check_within(const char *what, double got, double mean, double variance)
{
	double off = got - mean;

	if (off * off > 16 * variance)
		FAIL("%s: %.0f, should be %.0f; the variance is %.0f", what, got, mean, variance);
}

static void check_binomial(const char *what, unsigned got, double n, double p)
{
	check_within(what, got, n * p, n * p * (1 - p));
}

static struct tally run(const char *network, const char *side, const char *words, unsigned n)
{
	struct wire w = new_wire(network, side, words);

	printf("%s, %s.%s\n", network, side, words);
	struct tally t = send_many(&w, n);
	wire_end(&w);
	return t;
}

static void check_losses(const char *network, const char *side, const char *words, double p, unsigned n)
{
	struct tally t = run(network, side, words, n);

	check_binomial("lost", t.missing, n, p);
	/* A run begins where a frame is missing and the one before is not: never at two places in a row. */
	double begins = p * (1 - p);
	check_within("runs", t.runs, n * begins, n * begins * (1 - 3 * begins));
	CHECK(t.twice == 0 && t.wrong == 0);
	free(t.copies);
}

/*
 * Two states, in the bad one all is lost. The share of the bad state has the variance of a sum over a Markov
 * chain; the number of bursts is that of renewals, each after a stay in both states.
 */
static void check_bursts(const char *network, const char *side, unsigned n)
{
	const double enter = 0.01, leave = 0.2, share = enter / (enter + leave), memory = 1 - enter - leave;
	const double cycle = 1 / enter + 1 / leave;
	const double spread = (1 - enter) / (enter * enter) + (1 - leave) / (leave * leave);
	struct tally t = run(network, side, "loss-burst=1%:20%", n);

	check_within("lost", t.missing, n * share, n * share * (1 - share) * (1 + memory) / (1 - memory));
	check_within("bursts", t.runs, n / cycle, n * spread / (cycle * cycle * cycle));
	CHECK(t.twice == 0 && t.wrong == 0);
	free(t.copies);
}

static void check_copies(const char *network, const char *side, unsigned n)
{
	struct tally t = run(network, side, "duplicate=5%", n);

	check_binomial("duplicated", t.twice, n, 0.05);
	CHECK(t.missing == 0 && t.wrong == 0);
	free(t.copies);
}

static void check_wrong_bits(const char *network, const char *side, unsigned n)
{
	struct tally t = run(network, side, "corrupt=2%", n);

	check_binomial("corrupted", t.wrong, n, 0.02);
	CHECK(t.missing == 0 && t.twice == 0 && t.stats.corrupted == t.wrong);
	free(t.copies);
}

CASE_TIMED(losses_on_a_segment_follow_the_model, CASE_OF_TRAFFIC, 180)
{
	check_losses("inproc", "tx", "loss=1%", 0.01, HUNDRED_THOUSAND);
	check_losses("inproc", "rx", "loss=10%", 0.1, HUNDRED_THOUSAND);
}

CASE_TIMED(losses_of_a_pump_follow_the_model, CASE_OF_TRAFFIC, 180)
{
	check_losses("ptp", "tx", "loss=10%", 0.1, HUNDRED_THOUSAND);
	check_losses("ptp", "rx", "loss=1%", 0.01, HUNDRED_THOUSAND);
}

CASE_TIMED(bursts_of_losses_follow_the_model, CASE_OF_TRAFFIC, 180)
{
	check_bursts("inproc", "tx", HUNDRED_THOUSAND);
	check_bursts("ptp", "rx", HUNDRED_THOUSAND);
}

CASE_TIMED(duplicates_and_wrong_bits_follow_the_model, CASE_OF_TRAFFIC, 240)
{
	check_copies("inproc", "rx", HUNDRED_THOUSAND);
	check_wrong_bits("ptp", "tx", HUNDRED_THOUSAND);
}

CASE_TIMED(a_seed_loses_the_same_frames_on_each_kind_of_network,
	   CASE_OF_TRAFFIC | CASE_F_ROOT | CASE_F_NO_TUN, 180)
{
	struct tally ptp = run("ptp", "tx", "loss=10%", MILLION / 50);
	struct tally segment = run("inproc", "rx", "loss=10%", MILLION / 50);
	struct tally other = run("inproc", "rx", "loss=11%", MILLION / 50);

	CHECK(memcmp(ptp.copies, segment.copies, ptp.n) == 0);
	CHECK(memcmp(segment.copies, other.copies, segment.n) != 0);
	free(ptp.copies);
	free(segment.copies);
	free(other.copies);
}

CASE_TIMED(a_million_frames_follow_the_model, CASE_OF_TRAFFIC | CASE_F_ROOT | CASE_F_SLOW, 1200)
{
	static const char *const networks[] = { "inproc", "ptp" };

	for (int i = 0; i < 2; i++) {
		const char *side = i == 0 ? "tx" : "rx";
		check_losses(networks[i], side, "loss=1%", 0.01, MILLION);
		check_losses(networks[i], side, "loss=10%", 0.1, MILLION);
		check_bursts(networks[i], side, MILLION);
		check_copies(networks[i], side, MILLION);
		check_wrong_bits(networks[i], side, MILLION);
	}
}
