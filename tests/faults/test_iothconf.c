/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of libc that libiothconf and libioth make fails once, and every one that can be is interrupted
 * once. sweep.h describes what must hold then. Besides: static items that could not be set leave the earlier
 * ones, on the interface and in what is remembered.
 */

#include "sweep.h"

#include <servers.h>

#include "../ioth/ioth_stacks.h"

#define OLD "10.9.9.1"
#define NEW "10.9.9.2"

static struct ioth *stack;
static const char *iface;

static void faults_begin(void)
{
	static struct inject_control control;

	inject_control = &control;
}

static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got)
{
	(void)side;
	(void)mode;
	(void)what;
	(void)got;
	return false;
}

/* For a bit that is missing. The message is there, errno is 0. */
static int missing(void)
{
	CHECK_EQ(errno, 0);
	CHECK(ioth_last_error()[0] != '\0');
	if (atomic_load(&inject_control->fired) == 0)
		FAIL("missing without a fault: %s", ioth_last_error());
	return -atomic_load(&inject_control->injected);
}

static int configured(const char *words, int bits)
{
	int r = ioth_config(stack, words);

	return r < 0 ? -errno : r != bits ? missing() : 0;
}

static void prepare(const char *words)
{
	MUST(setenv("IOTH_PATH", PLUGINS_DIR, 1));
	stack = new_ioth(words);
}

/* ------------------------------------------------------------------ a new stack */

static struct ioth *new;

static int run_new(void)
{
	new = ioth_newstackc("stack=vdestack,vnl=null://,eth,mac=02:00:00:00:00:0a,ip=10.0.0.1/24,"
			     "gw=10.0.0.254,dns=10.0.0.53,domain=a.test");
	if (new == NULL)
		return -errno;
	if (ioth_last_error()[0] == '\0')
		return 0;
	int r = missing();
	MUST(ioth_delstack(new));
	return r;
}

static void undo_new(void)
{
	MUST(ioth_delstack(new));
}

static void prepare_none(void)
{
	MUST(setenv("IOTH_PATH", PLUGINS_DIR, 1));
}

/* ------------------------------------------------------------------ other static items */

static void words_of(char *words, size_t size, const char *addr, const char *name)
{
	(void)snprintf(words, size, "iface=%s,ip=%s/32,ip=fc00:9::%s/128,dns=%s,domain=%s.test", iface, addr,
		       strrchr(addr, '.') + 1, addr, name);
}

static void check_old(void)
{
	char only[32], info[256];

	(void)snprintf(only, sizeof(only), "iface=%s", iface);
	(void)snprintf(info, sizeof(info),
		       "static: ip=%s/32\nstatic: ip=fc00:9::1/128\nstatic: dns=%s\nstatic: domain=old.test\n"
		       "search old.test\nnameserver %s\n",
		       OLD, OLD, OLD);
	char *text = ioth_confinfo(stack, only);
	CHECK_STR(text, info);
	free(text);
	CHECK(has_addr(stack, iface, OLD, false) && has_addr(stack, iface, "fc00:9::1", false));
	CHECK(!has_addr(stack, iface, NEW, false) && !has_addr(stack, iface, "fc00:9::2", false));
}

static int run_replace(void)
{
	char words[128];

	words_of(words, sizeof(words), NEW, "new");
	int r = configured(words, IOTHCONF_STATIC);
	if (r < 0)
		check_old();
	return r;
}

static void set_old(void)
{
	char words[128];

	words_of(words, sizeof(words), OLD, "old");
	CHECK_EQ(config(stack, words), IOTHCONF_STATIC);
}

static void prepare_replace(void)
{
	iface = "vde0";
	prepare("stack=vdestack,vnl=null://"); /* down: no time goes for duplicate address detection */
	set_old();
}

static void prepare_replace_lo(void)
{
	iface = "lo";
	prepare("stack=vdestack,iface=lo,eth");
	set_old();
}

/* ------------------------------------------------------------------ what is known */

static int run_texts(void)
{
	errno = 0;
	char *text = ioth_resolvconf(stack, NULL);
	if (text == NULL && errno != 0)
		return -errno;
	free(text);
	text = ioth_confinfo(stack, NULL);
	int r = text == NULL ? -errno : 0;
	free(text);
	return r;
}

static void prepare_texts(void)
{
	prepare("stack=vdestack,vnl=null://,eth,ip=10.0.0.1/24,dns=10.0.0.53,domain=a.test");
	CHECK_EQ(config(stack, "iface=lo,dns=127.0.0.53,domain=lo.test"), IOTHCONF_STATIC);
}

/* ------------------------------------------------------------------ a source */

static struct server_plan plan = {
	.subnet = "10.7.0.0/24", .first = "10.7.0.100", .last = "10.7.0.109", .lease_s = 600
};
static struct server server4 = { .kind = SERVER_UDHCPD, .plan = &plan };

static int run_source(void)
{
	int r = configured("dhcp,timeout=20", IOTHCONF_DHCP);

	if (r < 0)
		CHECK_EQ(config(stack, "-dhcp"), 0);
	return r;
}

static void undo_source(void)
{
	CHECK_EQ(config(stack, "-dhcp"), 0);
	CHECK(!has_addr(stack, "vde0", "10.7.0.1", true));
}

static void prepare_source(void)
{
	server4.stack = new_stack("vnl=inproc://lan nodad ip=10.7.0.1/24");
	server_start(&server4);
	prepare("stack=vdestack,vnl=inproc://lan,eth");
}

/* ------------------------------------------------------------------ the cases */

static const struct op op_new = { "newstackc", true, run_new, undo_new, prepare_none };
static const struct op op_replace = { "other static items", true, run_replace, set_old, prepare_replace };
static const struct op op_replace_lo = { "other items of lo", true, run_replace, set_old,
					 prepare_replace_lo };
static const struct op op_texts = { "texts", true, run_texts, undo_nothing, prepare_texts };
static const struct op op_source = { "dhcp", true, run_source, undo_source, prepare_source };

#define FAILS(op)                                                                                            \
	CASE(each_call_fails_in_##op)                                                                        \
	{                                                                                                    \
		sweep(&op_##op, INJECT_PROGRAM, INJECT_HARD);                                                \
	}
#define INTERRUPTED(op)                                                                                      \
	CASE(calls_are_interrupted_in_##op)                                                                  \
	{                                                                                                    \
		sweep(&op_##op, INJECT_PROGRAM, INJECT_INTR);                                                \
	}

FAILS(new)
FAILS(replace)
FAILS(texts)
FAILS(source)
INTERRUPTED(new)
INTERRUPTED(replace_lo)
INTERRUPTED(source)

/* All of them, for each leaves other items to restore: a reply that is lost says nothing of what was done. */
CASE(each_call_fails_in_replace_lo)
{
	MUST(setenv("VDESTACK_TESTS_FULL", "1", 1));
	sweep(&op_replace_lo, INJECT_PROGRAM, INJECT_HARD);
}
