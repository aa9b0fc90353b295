/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvdestack-preload.so, the shim: what LD_PRELOAD puts before libc in the programs of `vdestack run`.
 *
 * The ground of a run is the supervisor. It answers every socket(2) of every process of the run, because the
 * kernel sends it there. So the shim never has to be complete. It does three things that the supervisor
 * cannot:
 *
 *   - it is fast. Sockets come from the stack's door, without the supervisor;
 *   - names and interfaces are those of the stack, by the library of lookups. The C library's own functions
 *     for them open sockets that are right, but read files of the host (resolv.conf, hosts) and ask its
 *     services (nscd, resolved);
 *   - it knows names. A rule with name= needs to know which name gave an address.
 *
 *     program ── socket() ──▶ shim ── door of the stack ──▶ keeper           the usual way
 *                               └─── system call ──▶ supervisor ──▶ keeper   whenever anything is missing
 *
 * The second way is always right. On any failure of its own the shim takes it, and returns what it returns.
 *
 * Life cycle. The constructor asks once (ask.h). A program that is not in a run gets the functions of libc,
 * and nothing else happens. A forked child has all that its parent has. An executed program starts anew,
 * because the variable LD_PRELOAD and the filter are inherited. A program that has closed all descriptors
 * has closed the doors as well. The next socket notices, and asks for a new door.
 *
 * What must hold:
 *
 *   - socket, bind, connect, sendto, sendmsg and sendmmsg may run in a signal handler and in a child of
 *     vfork(2): no locks, no memory from malloc, no dlsym(3). To make a handle takes these, so that is
 *     not done there.
 *   - No thread is started. The only descriptors are those of the handles. Nothing is printed, with two
 *     exceptions: decisions, when the user asks for them (VDESTACK_DEBUG), and one line when the program was
 *     to be in a run and is not (VDESTACK_RUN).
 *   - Its own thread-local storage is four bytes, of the initial-exec model. The library's message of an
 *     error, half a kilobyte, is beside it.
 *   - It needs libc only. What needs more is in the library of lookups, see lookups.c.
 *   - Memory that libc frees has the layout that libc frees: the results of getaddrinfo(3), getifaddrs(3) and
 *     if_nameindex(3) are those blocks of malloc(3) that freeaddrinfo(3), freeifaddrs(3) and
 *     if_freenameindex(3) of glibc expect. So results of the shim and of libc can be mixed, and glibc frees
 *     both. A library loaded with RTLD_DEEPBIND calls libc's functions on both.
 *   - What the shim does for itself is not decided by rules: the sockets of its resolver are in the right
 *     stack from the beginning. A counter of the thread says that it is inside.
 *
 * Rejected: to answer fopen("/proc/net/..."), res_query(3) and syscall(2). docs/preload.md says why, and
 * lists every function of libc that concerns sockets.
 */

#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ask.h"
#include "shim_lookups.h"

struct vs_shim_run vs_shim_run;
__thread unsigned vs_shim_inside __attribute__((tls_model("initial-exec")));

static _Atomic(enum vs_shim_state) state;

void *vs_shim_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* The answer, mapped for reading, or NULL with errno. */
static const struct vs_ask_run *map_answer(size_t *size)
{
	int fd = vs_ask(VS_ASK_RUN, 0, 0, 0, 0);
	const struct vs_ask_run *run = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*run)) {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		run = map != MAP_FAILED ? map : NULL;
		*size = (size_t)st.st_size;
	} else {
		errno = EBADMSG;
	}
	int err = errno;
	(void)close(fd);
	errno = err;
	return run;
}

/* Takes the answer over. False: a version or rules that this shim does not know. */
static bool take_answer(const struct vs_ask_run *run, size_t size)
{
	struct vs_shim_run *to = &vs_shim_run;
	char message[200];

	if (run->version != VS_ASK_VERSION || run->rules_len > size - sizeof(*run))
		return false;
	to->flags = run->flags;
	to->pass[0] = (long)run->pass[0];
	to->pass[1] = (long)run->pass[1];
	to->n_stacks = 1;
	if (run->rules_len == 0) /* no rules: everything is of the only stack */
		return true;
	if (vs_rules_parse((const char *)(run + 1), run->rules_len, "", &to->rules, message,
			   sizeof(message)) < 0)
		return false;
	to->needs = vs_rules_needs(to->rules);
	to->n_stacks = vs_rules_n_stacks(to->rules);
	return to->n_stacks > 0;
}

/*
 * Without a run: loud only if the environment says that there is one. VDESTACK_RUN=require means that
 * a socket of the host's network must not be given out.
 */
static enum vs_shim_state without_run(void)
{
	const char *word = getenv("VDESTACK_RUN");

	if (word == NULL)
		return VS_SHIM_NO_RUN;
	if (strcmp(word, "require") == 0) {
		vs_shim_complain(
			"libvdestack-preload.so: VDESTACK_RUN=require, and no supervisor answers: this "
			"program gets no sockets; start it by `vdestack run --require`\n");
		return VS_SHIM_CLOSED;
	}
	vs_shim_complain(
		"libvdestack-preload.so: VDESTACK_RUN is set, and no supervisor answers: this program "
		"uses the host's network; start it by `vdestack run`\n");
	return VS_SHIM_NO_RUN;
}

static enum vs_shim_state ask(void)
{
	size_t size = 0;
	const struct vs_ask_run *run = map_answer(&size);

	if (run == NULL && errno == EAFNOSUPPORT)
		return without_run();
	if (run == NULL)
		return VS_SHIM_RAW; /* the supervisor has ended, or there is no memory: the kernel answers */
	bool taken = take_answer(run, size);
	(void)munmap((void *)(uintptr_t)run, size);
	if (!taken)
		return VS_SHIM_RAW;
	if (vs_shim_run.flags & VS_ASK_DEBUG)
		vs_shim_log_start();
	vs_shim_rules_start(vs_shim_run.needs);
	return VS_SHIM_IN_RUN;
}

enum vs_shim_state vs_shim_state(void)
{
	enum vs_shim_state now = atomic_load_explicit(&state, memory_order_acquire);
	int saved = errno;

	if (now != VS_SHIM_UNKNOWN || !atomic_compare_exchange_strong(&state, &now, VS_SHIM_ASKING))
		return now;
	now = ask();
	atomic_store_explicit(&state, now, memory_order_release);
	errno = saved;
	return now;
}

/* Constructors of other libraries may run before, and call functions of the shim: they ask then. */
__attribute__((constructor)) static void start(void)
{
	if (vs_shim_state() == VS_SHIM_NO_RUN)
		return;
	vs_shim_socket_start();
	vs_shim_lookups_start();
}
