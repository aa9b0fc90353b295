/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of libc and libioth that libiothdns and the resolver inside it make in an operation fails once.
 * The operation then succeeds with the right result, or fails with the injected errno or with one of its
 * contract. It works again afterwards. Descriptors stay as they were, and memory does not grow.
 *
 * By default about SAMPLE faults of each kind are injected, with VDESTACK_TESTS_FULL=1 all of them.
 */

#include "iothdns_ground.h"

#include <malloc.h>

#include "inject.h"

#define SAMPLE 12
#define ROUNDS 4 /* memory that libc keeps stays the same after the first ones */

static struct inject_control control;
static struct name_server server;
static struct iothdns_header question = {
	.id = 7, .flags = 0x0100, .qname = "one.example", .qtype = 1, .qclass = 1
};
static int asked = -1, client = -1; /* the sockets of a server by UDP and of its client */

struct op {
	const char *name;
	int (*run)(void); /* 0 or -errno */
};

static bool answer(const struct question *q, struct dns_message *m)
{
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	if (q->type == 1)
		dns_a(m, q->name, 60, 0x0a090007);
	return true;
}

/* ------------------------------------------------------------------ operations */

static struct iothdns *resolver(void)
{
	char config[] = "nameserver 10.9.0.2\noptions timeout:1 attempts:1";

	return iothdns_init_strcfg(home, config);
}

static int run_lookup(void)
{
	struct iothdns *dns = resolver();
	struct in_addr a = { 0 };

	if (dns == NULL)
		return -errno;
	int n = iothdns_lookup_a(dns, "one.example", &a, 1), r = n < 0 ? -errno : 0;
	iothdns_fini(dns);
	CHECK(r < 0 || (n == 1 && a.s_addr == htonl(0x0a090007)));
	return r;
}

static int count(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	(void)pkt;
	*(int *)arg += section == IOTHDNS_SEC_ANSWER && rr->type == IOTHDNS_TYPE_A;
	return 0;
}

static int run_tcp(void)
{
	struct iothdns *dns = resolver();
	int n = 0;

	if (dns == NULL)
		return -errno;
	int r = iothdns_lookup_cb_tcp(dns, "one.example", IOTHDNS_TYPE_A, count, &n) < 0 ? -errno : 0;
	iothdns_fini(dns);
	CHECK(r < 0 || n == 1);
	return r;
}

static int run_getaddrinfo(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *res = NULL;
	struct iothdns *dns = resolver();

	if (dns == NULL)
		return -errno;
	int code = iothdns_getaddrinfo(dns, "one.example", "80", &hints, &res);
	int r = code == EAI_MEMORY ? -ENOMEM : code == EAI_SYSTEM ? -errno : code != 0 ? -EAGAIN : 0;
	if (code != 0 && code != EAI_MEMORY && code != EAI_SYSTEM && code != EAI_AGAIN)
		FAIL("%s", iothdns_gai_strerror(code));
	CHECK((r == 0) == (res != NULL));
	iothdns_freeaddrinfo(res);
	iothdns_fini(dns);
	return r;
}

static int run_update(void)
{
	struct iothdns *dns = resolver();

	if (dns == NULL)
		return -errno;
	int r = iothdns_update_strcfg(dns, (char[]){ "10.9.0.2" }) < 0 ? -errno : 0;
	iothdns_setpath(dns, IOTHDNS_HOSTS, (char[]){ "/nonexistent" });
	iothdns_fini(dns);
	return r;
}

static struct iothdns_pkt *message(struct iothdns_header *h, void *arg)
{
	struct iothdns_rr rr = { .name = "one.example", .type = 15, .class = 1, .ttl = 60 };

	(void)arg;
	h->flags |= IOTHDNS_RESPONSE;
	struct iothdns_pkt *p = iothdns_put_header(h);
	for (int i = 0; p != NULL && i < 40; i++) {
		iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
		iothdns_put_int16(p, 10);
		iothdns_put_name(p, "mail.one.example");
	}
	return p;
}

static int run_message(void)
{
	struct iothdns_header h = question;
	char name[IOTHDNS_MAXNAME];
	struct iothdns_pkt *p = message(&h, NULL), *q = NULL;
	struct iovec whole = { 0 };

	if (p != NULL)
		whole = iothdns_getbuf(p);
	if (whole.iov_base != NULL)
		q = iothdns_get_header(&h, whole.iov_base, whole.iov_len, name);
	int r = q == NULL ? -errno : 0;
	iothdns_free(q);
	iothdns_free(p);
	return r;
}

/* A request lies there. No answer is no failure if the program's function had none. */
static int run_server(void)
{
	static struct dns_message m;
	uint8_t bytes[2000];

	dns_begin(&m, 7, 0x0100, "one.example", 1);
	CHECK_EQ(send(client, m.bytes, m.n, 0), m.n);
	CHECK(wait_readable(asked, SOON_MS));
	int r = iothdns_udp_process_request(asked, message, NULL) < 0 ? -errno : 0;
	while (ioth_recv(asked, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	while (recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return r;
}

/* ------------------------------------------------------------------ the sweep */

static void arm(int target, enum inject_mode mode)
{
	atomic_store(&control.mode, (int)mode);
	atomic_store(&control.target, target);
	atomic_store(&control.count, 0);
	atomic_store(&control.fired, 0);
	atomic_store(&control.side, INJECT_PROGRAM);
}

static int run_armed(const struct op *op, int target, enum inject_mode mode)
{
	arm(target, mode);
	int r = op->run();
	atomic_store(&control.side, INJECT_NONE);
	return r;
}

static bool has_fds(void *n)
{
	return count_fds() == *(int *)n;
}

/* The server is in this process. It closes its end of a connection a moment after the client. */
static bool has_no_connection(void *arg)
{
	(void)arg;
	return atomic_load(&server.connections) == 0;
}

static void one_fault(const struct op *op, int target, enum inject_mode mode, int fds)
{
	int r = run_armed(op, target, mode);
	int injected = atomic_load(&control.injected);
	bool fired = atomic_load(&control.fired) != 0;

	if (r < 0 && (!fired || (-r != injected && -r != EAGAIN && -r != ENOMEM)))
		FAIL("%s: fault %d in %s (%s): %s", op->name, target, control.what, strerrorname_np(injected),
		     strerrorname_np(-r));
	if (mode == INJECT_INTR && r < 0)
		FAIL("%s: %s was interrupted: %s", op->name, control.what, strerrorname_np(-r));
	r = op->run();
	if (r < 0)
		FAIL("%s: fails after fault %d in %s: %s", op->name, target, control.what,
		     strerrorname_np(-r));
	if (!wait_until(has_fds, &fds, SOON_MS))
		FAIL("%s: fault %d in %s: %d descriptors, were %d", op->name, target, control.what,
		     count_fds(), fds);
}

static void prepare(void)
{
	struct sockaddr_in a = address("10.9.0.9", 53);

	ground_begin();
	name_server_start(&server, far, answer);
	asked = (int)MUST(ioth_msocket(home, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(ioth_bind(asked, (struct sockaddr *)&a, sizeof(a)));
	client = (int)MUST(vdestack_msocket(far, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(connect(client, (struct sockaddr *)&a, sizeof(a)));
	inject_control = &control;
}

static void finish(void)
{
	close(client);
	MUST(ioth_close(asked));
	name_server_stop(&server);
	ground_end();
}

static void sweep(const struct op *op, enum inject_mode mode)
{
	const char *full = getenv("VDESTACK_TESTS_FULL");
	size_t used[ROUNDS];

	prepare();
	for (int i = 0; i < 3; i++)
		CHECK_EQ(op->run(), 0);
	CHECK_EQ(run_armed(op, 0, mode), 0);
	CHECK(wait_until(has_no_connection, NULL, SOON_MS));
	int calls = atomic_load(&control.count), fds = count_fds();
	int step = full != NULL && *full == '1' ? 1 : 1 + calls / SAMPLE;
	CHECK(calls > 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int target = 1; target <= calls; target += step)
			one_fault(op, target, mode, fds);
		used[round] = mallinfo2().uordblks;
	}
	printf("%-12s calls %4d, memory %zu %zu %zu %zu\n", op->name, calls, used[0], used[1], used[2],
	       used[3]);
	CHECK(used[ROUNDS - 1] <= used[ROUNDS - 2] || used[ROUNDS - 2] <= used[ROUNDS - 3]);
	finish();
}

#define SWEEP(what)                                                                                          \
	CASE(each_call_fails_in_##what)                                                                      \
	{                                                                                                    \
		sweep(&(struct op){ #what, run_##what }, INJECT_HARD);                                       \
	}

SWEEP(lookup)
SWEEP(tcp)
SWEEP(getaddrinfo)
SWEEP(update)
SWEEP(message)
SWEEP(server)

CASE(a_lookup_goes_on_after_signals)
{
	sweep(&(struct op){ "lookup", run_lookup }, INJECT_INTR);
}

CASE(a_server_goes_on_after_signals)
{
	prepare();
	(void)run_armed(&(struct op){ "server", run_server }, 1, INJECT_INTR);
	CHECK_EQ(run_server(), 0);
	finish();
}
