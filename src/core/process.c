/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "process.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static _Atomic(struct vs_process *) the_process;

void *vs_wiped_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, size, MADV_WIPEONFORK) < 0) {
		int saved = errno;
		(void)munmap(p, size);
		errno = saved;
		return NULL;
	}
	return p;
}

struct vs_process *vs_process(void)
{
	struct vs_process *p = atomic_load_explicit(&the_process, memory_order_acquire);

	if (p != NULL)
		return p;
	/* All fields, pthread_mutex_t too, start as zeros, now and in each child. */
	struct vs_process *fresh = vs_wiped_memory(sizeof(*fresh));
	if (fresh != NULL && !atomic_compare_exchange_strong(&the_process, &p, fresh))
		(void)munmap(fresh, sizeof(*fresh)); /* another thread was first; p is what it has made */
	else if (fresh != NULL)
		p = fresh;
	return p;
}

uint64_t vs_random(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n)) {
		struct timespec ts;
		/* early at boot; uniqueness is all that is needed */
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
		n = (uint64_t)ts.tv_nsec << 32 ^ (uint64_t)ts.tv_sec ^ (uint64_t)getpid() << 16;
	}
	return n > 2 ? n : n + 3;
}

uint64_t vs_process_token(struct vs_process *p)
{
	uint_fast64_t none = 0, token = atomic_load(&p->token);

	if (token != 0)
		return token;
	token = vs_random();
	return atomic_compare_exchange_strong(&p->token, &none, token) ? token : none;
}

void vs_signals_block(sigset_t *saved)
{
	sigset_t all;
	int err = errno;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, saved);
	errno = err;
}

void vs_signals_restore(const sigset_t *saved)
{
	int err = errno;

	(void)pthread_sigmask(SIG_SETMASK, saved, NULL);
	errno = err;
}
