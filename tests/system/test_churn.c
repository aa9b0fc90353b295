/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Segments and interfaces that change all the time: stacks come and go, ports are impaired, moved, flapped,
 * cut, captured and tapped in random order, while frames pass and while interfaces are removed. The seed is
 * printed; VDESTACK_TEST_SEED repeats it.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "local.h"
#include "segment.h"
#include <vdestack/capture.h>

#define STACKS 5
#define STEPS 1000

static unsigned seed;

static void start_random(void)
{
	const char *given = getenv("VDESTACK_TEST_SEED");

	seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL) ^ (unsigned)getpid();
	(void)fprintf(stderr, "VDESTACK_TEST_SEED=%u\n", seed);
}

/* ------------------------------------------------------------------ one step */

static const char *const words[] = {
	"delay=2ms",
	"delay=5ms jitter=4ms:normal",
	"loss=20%",
	"duplicate=30% reorder=10%",
	"unimpaired",
	"rate=1mbit queue=4k",
	"rate=64kbit codel",
	"tx.corrupt=5% rx.corrupt-valid=5%",
	"rx.cut",
	"unimpaired",
	"loss-burst=10%:50%",
	"blackhole=600",
	"unimpaired",
	"rate=8bit",
	"keep-order jitter=1ms",
};

struct churn {
	const char *locator;
	const char *ifname;
	struct vdestack *s[STACKS];
	int opened[STACKS][4]; /* captures and wire taps */
	char file[256];
	bool races; /* another thread removes the interface */
	unsigned random;
};

static int below(struct churn *c, int n)
{
	return rand_r(&c->random) % n;
}

/* It has worked, or failed for a reason that there may be. */
static int allowed(const struct churn *c, int r, const char *what)
{
	if (r >= 0 || errno == ENOTSUP || errno == EBUSY ||
	    (c->races && (errno == ENODEV || errno == EEXIST)))
		return r;
	FAIL("%s: %s (%s)", what, vdestack_last_error(), strerror(errno));
}

static int open_capture(struct churn *c, struct vdestack *s)
{
	struct vdestack_capture_opts o = { .size = sizeof(o), .path = c->file };

	if (below(c, 3) == 0) {
		o.files = 3;
		o.file_bytes = 4096;
	}
	return allowed(c, vdestack_capture_start(s, c->ifname, &o), "capture");
}

static int open_tap(struct churn *c, struct vdestack *s)
{
	static const uint32_t flags[] = { 0, VDESTACK_TAP_BOTH, VDESTACK_TAP_ALONE, VDESTACK_TAP_TO_NETWORK };
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = flags[below(c, 4)] };

	return allowed(c, vdestack_tap_open(s, c->ifname, &o), "wire tap");
}

static void watch(struct churn *c, int i)
{
	int *place = &c->opened[i][below(c, 4)];

	if (*place >= 0) {
		close(*place);
		*place = -1;
	} else {
		*place = below(c, 2) ? open_capture(c, c->s[i]) : open_tap(c, c->s[i]);
		if (*place >= 0 && below(c, 2)) /* a frame, as from a test */
			(void)send(*place, "\377\377\377\377\377\377\2\0\0\0\0\11\10\6any", 18,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void change(struct churn *c, struct vdestack *s)
{
	struct impaired {
		struct vdestack_impairment d[2];
		struct vdestack_impair_stats n[2];
	} now;
	const char *w = words[below(c, (int)(sizeof(words) / sizeof(words[0])))];

	memset(&now, 0, sizeof(now));
	now.d[0].size = now.d[1].size = sizeof(now.d[0]);
	now.n[0].size = now.n[1].size = sizeof(now.n[0]);
	switch (below(c, 6)) {
	case 0:
		(void)allowed(c, vdestack_segment_group(s, c->ifname, (unsigned)below(c, 3)), "group");
		break;
	case 1:
		(void)allowed(c, vdestack_segment_flap(s, c->ifname), "flap");
		break;
	case 2:
		(void)allowed(c, vdestack_link_set_carrier(s, c->ifname, below(c, 2)), "carrier");
		break;
	case 3:
		(void)allowed(c,
			      vdestack_impair_get(s, c->ifname, &now.d[0], &now.d[1], &now.n[0], &now.n[1]),
			      "impairment");
		break;
	default:
		(void)allowed(c, vdestack_impair_words(s, c->ifname, w), w);
	}
}

static void talk(struct vdestack *s)
{
	struct sockaddr_in to = address("10.9.0.255", 9);
	char bytes[1400] = "";
	int on = 1, fd = vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	for (int i = 0; i < 20; i++) /* the carrier may be cut */
		(void)sendto(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

/* ------------------------------------------------------------------ a segment */

static void leave(struct churn *c, int i)
{
	for (int k = 0; k < 4; k++) {
		if (c->opened[i][k] >= 0 && below(c, 2)) {
			close(c->opened[i][k]);
			c->opened[i][k] = -1;
		}
	}
	MUST(vdestack_delete(c->s[i]));
	c->s[i] = NULL;
	for (int k = 0; k < 4; k++) { /* that have outlived the stack */
		if (c->opened[i][k] >= 0)
			close(c->opened[i][k]);
		c->opened[i][k] = -1;
	}
}

static void step(struct churn *c)
{
	int i = below(c, STACKS);

	if (c->s[i] == NULL)
		c->s[i] = new_stack("vnl=%s nodad ip=10.9.0.%d/24", c->locator, i + 1);
	else if (below(c, 12) == 0)
		leave(c, i);
	else if (below(c, 4) == 0)
		watch(c, i);
	else if (below(c, 3) == 0)
		talk(c->s[i]);
	else
		change(c, c->s[i]);
}

static struct churn new_churn(const char *locator)
{
	struct churn c = { .locator = locator, .ifname = "vde0", .random = seed };

	memset(c.opened, -1, sizeof(c.opened));
	(void)snprintf(c.file, sizeof(c.file), "%s", case_path("churn.pcapng"));
	return c;
}

/* The stack that stays has the network: the others come to it. */
static void churn_network(const char *first, const char *locator, int steps)
{
	struct vdestack *kept = new_stack("vnl=%s ip=10.9.0.77/24", first);

	start_random();
	struct churn c = new_churn(locator);
	struct resources before = resources_now();
	for (int i = 0; i < steps; i++)
		step(&c);
	for (int i = 0; i < STACKS; i++)
		if (c.s[i] != NULL)
			leave(&c, i);
	check_resources(&before);
	struct vdestack *other = new_stack("vnl=%s ip=10.9.0.78/24", locator);
	check_udp(kept, other, "10.9.0.78");
	check_udp(other, kept, "10.9.0.77");
}

CASE_TIMED(a_segment_survives_a_thousand_random_steps, EACH_SEGMENT | CASE_F_TSAN, 120)
{
	churn_network("inproc://lan", "inproc://lan", STEPS);
}

CASE_TIMED(a_shared_segment_survives_random_steps, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN, 120)
{
	MUST(setenv("VDESTACK_LOCAL", "1", 1));
	MUST(setenv("XDG_RUNTIME_DIR", case_tmp(), 1));
	churn_network("local://lan", "local://lan", STEPS / 2);
}

CASE_TIMED(an_interface_with_a_pump_survives_random_steps, EACH_SEGMENT | CASE_F_VDE | CASE_F_TSAN, 120)
{
	char first[300], locator[300];

	(void)snprintf(first, sizeof(first), "hub://%s", case_path("hub"));
	(void)snprintf(locator, sizeof(locator), "vde://%s", case_path("hub"));
	churn_network(first, locator, STEPS / 2);
}

/* ------------------------------------------------------------------ requests that race with a removal */

struct race {
	struct churn churn;
	struct vdestack *stack;
	atomic_bool over;
};

static void *keep_asking(void *arg)
{
	struct race *r = arg;
	struct churn *c = &r->churn;

	while (!atomic_load(&r->over)) {
		c->s[0] = r->stack;
		if (below(c, 3) == 0)
			watch(c, 0);
		else
			change(c, r->stack);
		sleep_ms(below(c, 8)); /* else everybody waits for the kernel's lock of interfaces */
	}
	for (int k = 0; k < 4; k++)
		if (c->opened[0][k] >= 0)
			close(c->opened[0][k]);
	return NULL;
}

static void race_with_removal(const char *first, const char *locator)
{
	struct vdestack *kept = new_stack("vnl=%s ip=10.9.0.77/24", first);
	struct vdestack *stack = new_stack("%s", "");
	static struct race races[3];
	pthread_t threads[3];
	char words_of_it[400];

	(void)snprintf(words_of_it, sizeof(words_of_it), "iface=vde1 vnl=%s nodad ip=10.9.0.1/24", locator);
	start_random();
	talk(stack);                                    /* makes a channel for replies, which stays */
	int events = (int)MUST(vdestack_events(stack)); /* the keeper's route socket stays, too */
	struct resources before = resources_now();
	for (unsigned i = 0; i < 3; i++) {
		races[i] = (struct race){ .churn = new_churn(locator), .stack = stack };
		races[i].churn.ifname = "vde1";
		races[i].churn.races = true;
		races[i].churn.random += i;
		(void)snprintf(races[i].churn.file, sizeof(races[i].churn.file), "%s/%u.pcapng", case_tmp(),
			       i);
		CHECK_EQ(pthread_create(&threads[i], NULL, keep_asking, &races[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		MUST(vdestack_iface_add(stack, words_of_it, case_opts()));
		talk(stack);
		sleep_ms(rand_r(&seed) % 20);
		MUST(vdestack_iface_del(stack, "vde1"));
	}
	for (unsigned i = 0; i < 3; i++) {
		atomic_store(&races[i].over, true);
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
	check_resources(&before);
	close(events);
	MUST(vdestack_iface_add(stack, words_of_it, case_opts()));
	check_udp(kept, stack, "10.9.0.1");
}

CASE_TIMED(requests_race_with_the_removal_of_a_port, EACH_SEGMENT | CASE_F_TSAN, 120)
{
	race_with_removal("inproc://lan", "inproc://lan");
}

CASE_TIMED(requests_race_with_the_removal_of_an_interface_with_a_pump,
	   EACH_SEGMENT | CASE_F_VDE | CASE_F_TSAN, 120)
{
	char first[300], locator[300];

	(void)snprintf(first, sizeof(first), "hub://%s", case_path("hub"));
	(void)snprintf(locator, sizeof(locator), "vde://%s", case_path("hub"));
	race_with_removal(first, locator);
}

/* ------------------------------------------------------------------ members that are killed */

CASE_TIMED(a_shared_segment_survives_members_that_are_killed_at_any_time, CASE_F_ROOT | CASE_F_USER, 120)
{
	enum { MEMBERS = 24 };
	struct member m[MEMBERS];

	prepare_members(MEMBERS);
	MUST(setenv("VDESTACK_LOCAL", "1", 1));
	struct vdestack *kept = new_stack(LOCAL(1));
	start_random();
	struct churn c = new_churn("local://lan");
	c.s[0] = kept;
	for (int i = 0; i < MEMBERS; i++) {
		m[i] = begin_member(LOCAL(2)); /* some are killed while they join */
		sleep_ms(below(&c, 30));
		for (int k = 0; k < 5; k++)
			change(&c, kept);
		kill_member(&m[i]);
	}
	MUST(vdestack_impair_words(kept, "vde0", "unimpaired"));
	MUST(vdestack_segment_group(kept, "vde0", 0));
	MUST(vdestack_link_set_carrier(kept, "vde0", 1));
	struct vdestack *other = new_stack(LOCAL(3));
	check_udp(kept, other, "10.9.0.3");
}
