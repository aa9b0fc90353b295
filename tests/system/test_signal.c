/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals: the program's settings stay, signals do no harm, and cancelled threads leave nothing behind. */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define KEEPER "vdestack-keeper"
#define SOON_MS 20000
#define STORM_US 250
#define STORM_MS 1000 /* how long calls are made under it */

/* ------------------------------------------------------------------ helpers */

static struct vdestack *new_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, case_opts());

	if (stack == NULL)
		FAIL("no stack \"%s\": %s: %s", config, strerrorname_np(errno), vdestack_last_error());
	return stack;
}

static int run_shell(struct vdestack *stack, const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };

	return vdestack_run(stack, argv, NULL);
}

static pid_t keeper_of_this_case(void)
{
	pid_t pid = 0;
	int n = find_children(getppid(), KEEPER, &pid, 1);

	if (n != 1)
		FAIL("there are %d keepers", n);
	return pid;
}

static bool no_keeper(void *arg)
{
	(void)arg;
	return case_is_inprocess() ? count_tasks_of(getpid()) == 1
				   : find_children(getppid(), KEEPER, NULL, 0) == 0;
}

struct kind {
	int domain, type, protocol;
};

static const struct kind kinds[] = {
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP }, { AF_INET, SOCK_DGRAM, IPPROTO_UDP },
	{ AF_INET6, SOCK_STREAM, IPPROTO_TCP }, { AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	{ AF_UNIX, SOCK_SEQPACKET, 0 }, { AF_UNIX, SOCK_STREAM, 0 },
	{ AF_NETLINK, SOCK_RAW, 0 },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, SOL_SOCKET, name, &value, &len));
	return value;
}

/* One socket, which must be of the requested kind. */
static void ask_for(struct vdestack *stack, const struct kind *kind)
{
	int fd = vdestack_msocket(stack, kind->domain, kind->type | SOCK_CLOEXEC, kind->protocol);

	if (fd < 0)
		FAIL("msocket(%d, %d, %d): %s: %s", kind->domain, kind->type, kind->protocol,
		     strerrorname_np(errno), vdestack_last_error());
	CHECK_EQ(option(fd, SO_DOMAIN), kind->domain);
	CHECK_EQ(option(fd, SO_TYPE), kind->type);
	CHECK_EQ(option(fd, SO_PROTOCOL), kind->protocol);
	close(fd);
}

/* A call that must fail with its own errno. */
static void ask_for_nonsense(struct vdestack *stack)
{
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERRNO(vdestack_msocket(stack, 12345, SOCK_STREAM, 0), EAFNOSUPPORT);
}

/* More threads at once than the library has channels, so that a lock left behind would show. */
static void *ask_for_all(void *stack)
{
	for (size_t i = 0; i < 4 * N_KINDS; i++)
		ask_for(stack, &kinds[i % N_KINDS]);
	return NULL;
}

static void check_nothing_is_locked(struct vdestack *stack)
{
	pthread_t threads[16];

	for (size_t i = 0; i < 16; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_for_all, stack), 0);
	for (size_t i = 0; i < 16; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static bool fds_are(void *expected)
{
	return count_fds() == *(int *)expected;
}

/* ------------------------------------------------------------------ the storm */

static atomic_int storm_count;
static timer_t storm_timer;

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&storm_count, 1);
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler }; /* no SA_RESTART */

	MUST(sigaction(sig, &action, NULL));
}

static void set_timer(long us)
{
	struct itimerspec spec = { .it_interval.tv_nsec = us * 1000, .it_value.tv_nsec = us * 1000 };

	MUST(timer_settime(storm_timer, 0, &spec, NULL));
}

/* SIGALRM at 4 kHz, to whichever thread has it unblocked. */
static void storm_begin(void (*handler)(int))
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };

	handle(SIGALRM, handler);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &storm_timer));
	set_timer(STORM_US);
}

/* There must have been many signals; otherwise the case proves nothing. */
static void storm_end(void)
{
	set_timer(0);
	MUST(timer_delete(storm_timer));
	if (atomic_load(&storm_count) < 100)
		FAIL("only %d signals came", atomic_load(&storm_count));
}

struct asker {
	struct vdestack *stack;
	const struct kind *kind;
	long long end;
	long calls;
};

static void *ask_until(void *arg)
{
	struct asker *a = arg;

	while (now_us() < a->end) {
		ask_for(a->stack, a->kind);
		if (a->calls++ % 8 == 0)
			ask_for_nonsense(a->stack);
	}
	return NULL;
}

CASE_FLAGS(in_a_storm_of_signals_each_thread_gets_the_socket_it_asked_for,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_TSAN)
{
	struct vdestack *stack = new_stack("");
	struct asker askers[N_KINDS];
	pthread_t threads[N_KINDS];

	storm_begin(count_signal);
	for (size_t i = 0; i < N_KINDS; i++) {
		askers[i] = (struct asker){ stack, &kinds[i], now_us() + STORM_MS * 1000, 0 };
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_until, &askers[i]), 0);
	}
	for (size_t i = 0; i < N_KINDS; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		if (askers[i].calls < 10)
			FAIL("thread %zu got no further than %ld calls", i, askers[i].calls);
	}
	storm_end();
	MUST(vdestack_delete(stack));
}

CASE_BOTH(in_a_storm_of_signals_a_single_thread_gets_its_sockets)
{
	struct vdestack *stack = new_stack("");
	long calls = 0;

	storm_begin(count_signal);
	for (long long end = now_us() + STORM_MS * 1000; now_us() < end; calls++)
		ask_for(stack, &kinds[calls % (long)N_KINDS]);
	storm_end();
	if (calls < 100)
		FAIL("no more than %ld calls", calls);
	MUST(vdestack_delete(stack));
}

static void create_in_storm(const char *config, const char *other)
{
	struct vdestack *stays = new_stack(config); /* so the network and the keeper run */
	ask_for(stays, &kinds[0]);
	int fds = count_fds();
	storm_begin(count_signal);
	long long end = now_us() + STORM_MS * 1000;
	for (int i = 0; i < 3 || now_us() < end; i++) {
		struct vdestack *stack = new_stack(other);
		ask_for(stack, &kinds[0]);
		MUST(vdestack_delete(stack));
	}
	storm_end();
	ask_for(stays, &kinds[0]);
	if (!wait_until(fds_are, &fds, SOON_MS))
		FAIL("%d descriptors before, %d after", fds, count_fds());
}

CASE_BOTH(in_a_storm_of_signals_stacks_on_a_segment_are_made_and_deleted)
{
	create_in_storm("vnl=inproc://lan ip=10.0.0.9/24", "vnl=inproc://lan ip=10.0.0.1/24");
}

CASE_FLAGS(in_a_storm_of_signals_stacks_on_a_vde_network_are_made_and_deleted,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	char config[300], other[300];

	(void)snprintf(config, sizeof(config), "vnl=hub://%s ip=10.0.0.9/24", case_path("hub"));
	(void)snprintf(other, sizeof(other), "vnl=vde://%s ip=10.0.0.1/24", case_path("hub"));
	create_in_storm(config, other);
}

CASE_BOTH(in_a_storm_of_signals_interfaces_are_added_and_configured)
{
	struct vdestack *stack = new_stack("");

	storm_begin(count_signal);
	long long end = now_us() + STORM_MS * 1000;
	for (int i = 0; i < 3 || now_us() < end; i++) {
		struct vdestack_addr list[8];
		MUST(vdestack_iface_add(stack, "iface=eth0 vnl=inproc://lan ip=10.0.0.1/24", NULL));
		MUST(vdestack_addr_add(stack, "eth0", "10.0.0.2", 24));
		CHECK(MUST(vdestack_addr_list(stack, "eth0", list, 8, sizeof(struct vdestack_addr))) >= 2);
		MUST(vdestack_sysctl_set(stack, "ipv4.ip_forward", "1"));
		MUST(vdestack_iface_del(stack, "eth0"));
	}
	storm_end();
	MUST(vdestack_delete(stack));
}

CASE_BOTH(in_a_storm_of_signals_commands_run_and_return_their_status)
{
	struct vdestack *stack = new_stack("");
	char script[32];

	storm_begin(count_signal);
	long long end = now_us() + STORM_MS * 1000;
	for (int i = 0; i < 3 || now_us() < end; i++) {
		(void)snprintf(script, sizeof(script), "exit %d", i % 100);
		int status = run_shell(stack, script);
		if (status < 0)
			FAIL("run: %s: %s", strerrorname_np(errno), vdestack_last_error());
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), i % 100);
	}
	storm_end();
	MUST(vdestack_delete(stack));
}

CASE_BOTH(the_interval_timer_of_setitimer_disturbs_nothing)
{
	const struct itimerval fast = { { 0, STORM_US }, { 0, STORM_US } }, off = { { 0, 0 }, { 0, 0 } };

	handle(SIGALRM, count_signal);
	MUST(setitimer(ITIMER_REAL, &fast, NULL));
	for (int i = 0; i < 5 || atomic_load(&storm_count) < 500; i++) {
		struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
		ask_for(stack, &kinds[i % (int)N_KINDS]);
		CHECK_EQ(run_shell(stack, "exit 7"), 7 << 8);
		MUST(vdestack_delete(stack));
	}
	MUST(setitimer(ITIMER_REAL, &off, NULL));
}

/* ------------------------------------------------------------------ handlers that use the library */

static struct vdestack *handlers_stack;
static atomic_int handled;

static void ask_in_handler(int sig)
{
	int saved = errno, i = atomic_fetch_add(&handled, 1);

	(void)sig;
	atomic_fetch_add(&storm_count, 1);
	ask_for(handlers_stack, &kinds[i % (int)N_KINDS]);
	errno = saved;
}

CASE_BOTH(msocket_works_in_a_handler_that_interrupts_msocket)
{
	long calls = 0;

	handlers_stack = new_stack("");
	storm_begin(ask_in_handler);
	for (long long end = now_us() + STORM_MS * 1000; now_us() < end; calls++)
		ask_for(handlers_stack, &kinds[(size_t)calls % N_KINDS]);
	storm_end();
	if (calls < 20)
		FAIL("no more than %ld calls outside the handler", calls);
	MUST(vdestack_delete(handlers_stack));
}

CASE_BOTH(msocket_works_in_a_handler_that_interrupts_any_other_call)
{
	int status = 0;

	handlers_stack = new_stack("");
	storm_begin(ask_in_handler);
	long long end = now_us() + STORM_MS * 1000;
	for (int i = 0; i < 3 || now_us() < end; i++) {
		struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
		close((int)MUST(vdestack_netns(stack)));
		status |= (int)MUST(run_shell(stack, "exit 0"));
		MUST(vdestack_delete(stack));
	}
	storm_end();
	CHECK_EQ(status, 0);
	MUST(vdestack_delete(handlers_stack));
}

static void redirected_in_handler(int sig)
{
	int saved = errno;
	(void)sig;
	atomic_fetch_add(&storm_count, 1);
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK(vdestack_get_default() == handlers_stack);
	close(fd);
	errno = saved;
}

CASE_BOTH(the_default_stack_serves_socket_in_handlers)
{
	handlers_stack = new_stack("");
	MUST(vdestack_set_default(handlers_stack));
	storm_begin(redirected_in_handler);
	for (long long end = now_us() + STORM_MS * 500; now_us() < end;)
		close((int)MUST(socket(AF_INET, SOCK_STREAM, 0)));
	storm_end();
	MUST(vdestack_set_default(NULL));
	MUST(vdestack_delete(handlers_stack));
}

static sigjmp_buf way_out;
static volatile sig_atomic_t may_jump;

static void jump_out(int sig)
{
	(void)sig;
	atomic_fetch_add(&storm_count, 1);
	if (may_jump)
		siglongjmp(way_out, 1);
}

CASE_FLAGS(a_jump_out_of_a_handler_in_msocket_does_no_harm,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)
{
	struct vdestack *stack = new_stack("");
	long long end = now_us() + STORM_MS * 1000;
	volatile long jumps = 0;

	ask_for(stack, &kinds[0]);
	storm_begin(jump_out);
	if (sigsetjmp(way_out, 1) != 0)
		jumps++;
	may_jump = 1;
	while (now_us() < end) {
		int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		/* A socket whose call was left by a jump is lost, as with socket(2). */
		if (fd < 0 && errno == EMFILE)
			break;
		CHECK(fd >= 0);
		close(fd);
	}
	may_jump = 0;
	storm_end();
	if (jumps < 20)
		FAIL("only %ld jumps", jumps);
	for (int fd = 3; fd < 1024; fd++) {
		int domain = 0;
		socklen_t len = sizeof(domain);
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_INET)
			close(fd);
	}
	check_nothing_is_locked(stack);
	MUST(vdestack_delete(stack));
	if (!wait_until(no_keeper, NULL, SOON_MS))
		FAIL("the stack is still in use after its deletion");
}

/* ------------------------------------------------------------------ what the program has set */

struct surroundings {
	struct sigaction actions[NSIG];
	sigset_t mask, pending;
	struct itimerval timers[3];
	struct rlimit limits[RLIM_NLIMITS];
	mode_t mask_of_files;
	char directory[4096];
	struct termios terminal;
	pid_t group, session, foreground;
	int no_new_privs, subreaper, dumpable;
};

static void look_around(struct surroundings *s, int tty)
{
	memset(s, 0, sizeof(*s));
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, NULL, &s->actions[sig]); /* EINVAL for those of libc */
	MUST(sigprocmask(SIG_SETMASK, NULL, &s->mask));
	MUST(sigpending(&s->pending));
	for (int i = 0; i < 3; i++)
		MUST(getitimer((enum __itimer_which)i, &s->timers[i]));
	for (int i = 0; i < RLIM_NLIMITS; i++)
		MUST(getrlimit((enum __rlimit_resource)i, &s->limits[i]));
	s->mask_of_files = umask(027);
	umask(s->mask_of_files);
	CHECK(getcwd(s->directory, sizeof(s->directory)) != NULL);
	MUST(tcgetattr(tty, &s->terminal));
	s->group = getpgrp();
	s->session = getsid(0);
	s->foreground = tcgetpgrp(tty);
}

static void compare(const struct surroundings *a, const struct surroundings *b, const char *after)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (a->actions[sig].sa_handler != b->actions[sig].sa_handler ||
		    a->actions[sig].sa_flags != b->actions[sig].sa_flags ||
		    memcmp(&a->actions[sig].sa_mask, &b->actions[sig].sa_mask, 8) != 0)
			FAIL("%s has changed the disposition of signal %d", after, sig);
	if (memcmp(&a->mask, &b->mask, sizeof(a->mask)) != 0)
		FAIL("%s has changed the signal mask", after);
	if (memcmp(&a->pending, &b->pending, sizeof(a->pending)) != 0)
		FAIL("%s has changed the pending signals", after);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(b->timers[i].it_interval.tv_sec, a->timers[i].it_interval.tv_sec);
		CHECK_EQ(b->timers[i].it_interval.tv_usec, a->timers[i].it_interval.tv_usec);
		/* It has run, no longer than the time limit of the case. */
		if (b->timers[i].it_value.tv_sec > a->timers[i].it_value.tv_sec ||
		    b->timers[i].it_value.tv_sec < a->timers[i].it_value.tv_sec - 300)
			FAIL("%s has set timer %d from %ld s to %ld s", after, i,
			     a->timers[i].it_value.tv_sec, b->timers[i].it_value.tv_sec);
	}
	if (memcmp(a->limits, b->limits, sizeof(a->limits)) != 0)
		FAIL("%s has changed a limit", after);
	CHECK_EQ(a->mask_of_files, b->mask_of_files);
	CHECK_STR(a->directory, b->directory);
	if (memcmp(&a->terminal, &b->terminal, sizeof(a->terminal)) != 0)
		FAIL("%s has changed the terminal", after);
	CHECK_EQ(a->group, b->group);
	CHECK_EQ(a->session, b->session);
	CHECK_EQ(a->foreground, b->foreground);
}

static void nothing(int sig)
{
	(void)sig;
}

/* A pseudo-terminal that becomes the controlling one of this process, which must lead its session. */
static int own_terminal(int *master)
{
	*master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	MUST(grantpt(*master));
	MUST(unlockpt(*master));
	CHECK_EQ(getsid(0), getpid());
	int tty = (int)MUST(open(ptsname(*master), O_RDWR | O_CLOEXEC | O_NOCTTY));
	MUST(ioctl(tty, TIOCSCTTY, 0));
	CHECK_EQ(tcgetpgrp(tty), getpid());
	return tty;
}

/* A thread that has just been made has not set its name yet. */
static bool two_threads_block_signals(void *arg)
{
	char path[300], status[8192];
	int n = 0;

	(void)arg;
	DIR *d = opendir("/proc/self/task");
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t len = fd >= 0 ? read(fd, status, sizeof(status) - 1) : -1;
		if (fd >= 0)
			close(fd);
		if (len <= 0)
			continue; /* a job that has ended, or not a task */
		status[len] = '\0';
		if (strncmp(status, "Name:\tvdestack-net\n", 19) != 0 &&
		    strncmp(status, "Name:\tvdestack-pump\n", 20) != 0)
			continue;
		const char *blocked = strstr(status, "SigBlk:");
		CHECK(blocked != NULL);
		const uint64_t some = 1u << (SIGTERM - 1) | 1u << (SIGUSR1 - 1) | 1u << (SIGALRM - 1);
		if ((strtoull(blocked + 7, NULL, 16) & some) != some)
			FAIL("signals that a thread takes:\n%s", status);
		n++;
	}
	closedir(d);
	return n == 2;
}

/* Those of the in-process variant; a signal to the program is for its own threads. */
CASE_FLAGS(threads_of_the_library_have_all_signals_blocked,
	   CASE_F_ROOT | CASE_F_INPROCESS | CASE_F_ONLY_INPROCESS | CASE_F_VDE)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=ptp://%s", case_path("net"));
	(void)new_stack(config);
	CHECK(wait_until(two_threads_block_signals, NULL, SOON_MS));
}

CASE_FLAGS(signals_timers_limits_and_terminal_are_not_changed,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_VDE)
{
	static struct surroundings before, after;
	const int handled_signals[] = { SIGUSR1, SIGALRM, SIGTERM, SIGIO, SIGRTMIN, SIGRTMIN + 3, SIGSEGV };
	const struct itimerval slow = { { 1000, 5 }, { 2000, 7 } };
	int master, tty = own_terminal(&master);
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]); i++) {
		struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_NODEFER };
		sigaddset(&action.sa_mask, SIGUSR2);
		MUST(sigaction(handled_signals[i], &action, NULL));
	}
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGRTMIN + 1);
	MUST(sigprocmask(SIG_SETMASK, &blocked, NULL));
	MUST(raise(SIGUSR2));
	for (int i = 0; i < 3; i++)
		MUST(setitimer((enum __itimer_which)i, &slow, NULL));
	look_around(&before, tty);
	CHECK_EQ(sigismember(&before.pending, SIGUSR2), 1);

	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
	look_around(&after, tty);
	compare(&before, &after, "creation");
	ask_for(stack, &kinds[0]);
	ask_for_nonsense(stack);
	look_around(&after, tty);
	compare(&before, &after, "msocket");
	CHECK_EQ(run_shell(stack, "exit 3"), 3 << 8);
	look_around(&after, tty);
	compare(&before, &after, "a command");
	CHECK_ERRNO(vdestack_iface_add(stack, "vnl=inproc://lan iface=vde0", NULL), EEXIST);
	CHECK_ERRNO(vdestack_iface_add(stack, "vnl=/nonexistent/switch", NULL), ENOENT);
	look_around(&after, tty);
	compare(&before, &after, "a failing call");
	MUST(vdestack_delete(stack));
	look_around(&after, tty);
	compare(&before, &after, "deletion");
}

/* ------------------------------------------------------------------ the keys of the terminal */

static atomic_int keys[NSIG];

static void count_key(int sig)
{
	atomic_fetch_add(&keys[sig], 1);
}

static bool key_arrived(void *sig)
{
	return atomic_load(&keys[*(int *)sig]) > 0;
}

CASE_BOTH(the_stack_lives_on_when_ctrl_c_ctrl_z_and_ctrl_backslash_are_handled)
{
	static const struct {
		char byte;
		int sig;
	} typed[] = { { 3, SIGINT }, { 26, SIGTSTP }, { 28, SIGQUIT } };
	int master;

	(void)own_terminal(&master);
	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
	for (size_t i = 0; i < 3; i++) {
		int sig = typed[i].sig;
		handle(sig, count_key);
		CHECK_EQ(write(master, &typed[i].byte, 1), 1);
		if (!wait_until(key_arrived, &sig, SOON_MS))
			FAIL("the terminal sent no signal %d", sig);
		ask_for(stack, &kinds[0]);
		CHECK_EQ(run_shell(stack, "exit 4"), 4 << 8);
	}
	MUST(vdestack_delete(stack));
}

CASE_BOTH(the_stack_lives_on_when_signals_to_the_process_group_are_handled)
{
	const int sigs[] = { SIGINT,  SIGTSTP, SIGTERM, SIGHUP,  SIGQUIT,
			     SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGTTIN };
	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");

	CHECK_EQ(getpgrp(), getpid());
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		int sig = sigs[i];
		handle(sig, count_key);
		MUST(kill(0, sig));
		CHECK(wait_until(key_arrived, &sig, SOON_MS));
		ask_for(stack, &kinds[0]);
	}
	CHECK_EQ(run_shell(stack, "exit 4"), 4 << 8);
	MUST(vdestack_delete(stack));
}

/* What an administrator or a service manager sends to all processes of a service on its way down. */
CASE(termination_signals_to_the_keeper_do_not_end_the_stack)
{
	const int sigs[] = { SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2,
			     SIGPIPE, SIGALRM, SIGTSTP, SIGCONT, SIGRTMIN };
	struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
	pid_t keeper = keeper_of_this_case();

	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
			/* In a user namespace of its own it still has our uid, so we may. */
			MUST(kill(keeper, sigs[i]));
			ask_for(stack, &kinds[i % N_KINDS]);
		}
	struct vdestack *second = new_stack("vnl=inproc://lan ip=10.0.0.2/24");
	CHECK_EQ(keeper_of_this_case(), keeper);
	CHECK_EQ(run_shell(second, "exit 4"), 4 << 8);
	MUST(vdestack_delete(second));
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

CASE(a_keeper_that_was_stopped_continues)
{
	struct vdestack *stack = new_stack("");
	pid_t keeper = keeper_of_this_case();
	pthread_t thread;
	struct asker asker = { stack, &kinds[0], 0, 0 };

	ask_for(stack, &kinds[0]);
	MUST(kill(keeper, SIGSTOP));
	asker.end = now_us() + 200000;
	CHECK_EQ(pthread_create(&thread, NULL, ask_until, &asker), 0);
	sleep_ms(100); /* the thread makes its call meanwhile; the checks hold whether it has begun or not */
	MUST(kill(keeper, SIGCONT));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(asker.calls > 0);
	MUST(vdestack_delete(stack));
}

/* ------------------------------------------------------------------ SIGPIPE */

CASE(calls_to_a_dead_keeper_fail_with_ENETDOWN_and_raise_no_SIGPIPE)
{
	/* SIGPIPE is SIG_DFL here: one would end the case. */
	struct vdestack *used = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *fresh = new_stack("");
	struct sigaction pipe_action;
	pid_t keeper = keeper_of_this_case();
	char *argv[] = { "true", NULL };
	char value[16];

	MUST(sigaction(SIGPIPE, NULL, &pipe_action));
	CHECK(pipe_action.sa_handler == SIG_DFL);
	ask_for(used, &kinds[0]);
	MUST(kill(keeper, SIGKILL));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	for (int i = 0; i < 20; i++) {
		CHECK_ERRNO(vdestack_msocket(used, AF_INET, SOCK_STREAM, 0), ENETDOWN);
		CHECK_ERRNO(vdestack_msocket(fresh, AF_INET, SOCK_STREAM, 0), ENETDOWN);
	}
	CHECK_CONTAINS(vdestack_last_error(), "keeper");
	CHECK_ERRNO(vdestack_netns(used), ENETDOWN);
	CHECK_ERRNO(vdestack_run(used, argv, NULL), ENETDOWN);
	CHECK_ERRNO(vdestack_iface_add(used, "iface=eth1 vnl=inproc://lan", NULL), ENETDOWN);
	CHECK_ERRNO(vdestack_iface_del(used, "vde0"), ENETDOWN);
	CHECK_ERRNO(vdestack_sysctl_get(used, "ipv4.ip_forward", value, sizeof(value)), ENETDOWN);
	MUST(vdestack_delete(used));
	struct vdestack *next = new_stack("");
	ask_for(next, &kinds[0]);
	MUST(vdestack_delete(fresh));
	MUST(vdestack_delete(next));
}

/* ------------------------------------------------------------------ cancellation */

static struct vdestack *cancel_stack;
static atomic_int cancel_rounds;

static void *cancel_msocket(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = vdestack_msocket(cancel_stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK(fd >= 0);
		/* close() is a cancellation point and would leave the descriptor open */
		(void)syscall(SYS_close, fd);
		atomic_fetch_add(&cancel_rounds, 1);
		pthread_testcancel();
	}
	return NULL;
}

static void *cancel_creation(void *arg)
{
	(void)arg;
	for (;;) {
		struct vdestack *stack = new_stack("vnl=inproc://lan ip=10.0.0.1/24");
		MUST(vdestack_delete(stack));
		atomic_fetch_add(&cancel_rounds, 1);
		pthread_testcancel();
	}
	return NULL;
}

static void *cancel_configuration(void *arg)
{
	(void)arg;
	for (;;) {
		struct vdestack_addr list[4];
		char value[16];
		int fd = (int)MUST(vdestack_netns(cancel_stack));
		(void)syscall(SYS_close, fd);
		MUST(vdestack_addr_list(cancel_stack, NULL, list, 4, sizeof(struct vdestack_addr)));
		MUST(vdestack_sysctl_get(cancel_stack, "ipv4.ip_forward", value, sizeof(value)));
		MUST(vdestack_sysctl_set(cancel_stack, "ipv4.ip_forward", value));
		MUST(vdestack_wait_ready(cancel_stack, 1000));
		CHECK_ERRNO(vdestack_adopt_path("/dev/null", "", case_opts()), EINVAL);
		CHECK_ERRNO(vdestack_iface_del(cancel_stack, "nobody"), ENODEV);
		atomic_fetch_add(&cancel_rounds, 1);
		pthread_testcancel();
	}
	return NULL;
}

static void *cancel_command(void *arg)
{
	char *argv[] = { "sleep", "1000", NULL };

	(void)arg;
	atomic_fetch_add(&cancel_rounds, 1);
	(void)!vdestack_run(cancel_stack, argv, NULL);
	return NULL;
}

static bool no_runner(void *arg)
{
	(void)arg;
	return find_children(getppid(), "vdestack-runner", NULL, 0) == 0;
}

static void cancel_many(void *(*fn)(void *), int rounds)
{
	cancel_stack = new_stack("");
	ask_for(cancel_stack, &kinds[0]);
	check_nothing_is_locked(cancel_stack); /* every channel is open from here on */
	CHECK_EQ(run_shell(cancel_stack, "exit 0"), 0); /* and so is the leash of commands */
	int fds = count_fds();

	srand(1);
	for (int i = 0; i < rounds; i++) {
		pthread_t threads[3];
		for (int j = 0; j < 3; j++)
			CHECK_EQ(pthread_create(&threads[j], NULL, fn, NULL), 0);
		struct timespec pause = { 0, 1000L * (rand() % 4000) };
		(void)nanosleep(&pause, NULL);
		for (int j = 0; j < 3; j++)
			CHECK_EQ(pthread_cancel(threads[j]), 0);
		for (int j = 0; j < 3; j++) {
			void *result;
			CHECK_EQ(pthread_join(threads[j], &result), 0);
			CHECK(result == PTHREAD_CANCELED);
		}
	}
	CHECK(atomic_load(&cancel_rounds) >= rounds);
	check_nothing_is_locked(cancel_stack);
	CHECK(wait_until(no_runner, NULL, SOON_MS));
	if (!wait_until(fds_are, &fds, SOON_MS))
		FAIL("%d descriptors before, %d after", fds, count_fds());
	MUST(vdestack_delete(cancel_stack));
	if (!wait_until(no_keeper, NULL, SOON_MS))
		FAIL("the stack is still in use after its deletion");
}

/* The address sanitizer reports false errors at the end of a cancelled thread. */
#define CANCELLING (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS | CASE_F_NO_SANITIZER)

CASE_FLAGS(threads_cancelled_in_msocket_leave_nothing_locked_or_open, CANCELLING)
{
	cancel_many(cancel_msocket, 200);
}

CASE_FLAGS(threads_cancelled_in_creation_leave_nothing_locked_or_open, CANCELLING)
{
	cancel_many(cancel_creation, 10);
}

CASE_FLAGS(threads_cancelled_in_configuration_leave_nothing_locked_or_open, CANCELLING)
{
	cancel_many(cancel_configuration, 60);
}

CASE_FLAGS(threads_cancelled_in_commands_leave_nothing_locked_open_or_running, CANCELLING)
{
	cancel_many(cancel_command, 15);
}
