/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which names have given which addresses in this process, for rules with name=.
 *
 * A table of fixed size: the oldest entries are forgotten. connect(2) reads it, perhaps in a signal handler
 * that has interrupted a writer, or in a child that was forked during a write. So there is no lock. An
 * entry has a number that is odd while it is written. A writer that finds it odd takes the next entry. A
 * reader that finds it odd, or changed after its copy, skips the entry.
 */

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include "shim.h"

#define ENTRIES 256
#define WORDS (VS_SHIM_NAME_MAX / sizeof(uint64_t))

/* Words, so that a reader beside a writer is no data race. */
struct entry {
	atomic_uint turn;
	_Atomic uint64_t addr[2];
	_Atomic uint64_t name[WORDS];
};

static struct entry entries[ENTRIES];
static atomic_uint next_entry;

/* The address as IPv6, an IPv4 one mapped. False: another family. */
static bool take_address(const struct sockaddr *addr, uint64_t out[2])
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (addr->sa_family == AF_INET)
		memcpy(bytes + 12, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
	else if (addr->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
	else
		return false;
	memcpy(out, bytes, 16);
	return true;
}

/* Copies what the entry has. False: it is empty, or being written. */
static bool read_entry(struct entry *e, uint64_t addr[2], uint64_t name[WORDS])
{
	unsigned turn = atomic_load_explicit(&e->turn, memory_order_acquire);

	if (turn == 0 || turn % 2 != 0)
		return false;
	for (size_t i = 0; i < 2; i++)
		addr[i] = atomic_load_explicit(&e->addr[i], memory_order_relaxed);
	for (size_t i = 0; i < WORDS; i++)
		name[i] = atomic_load_explicit(&e->name[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->turn, memory_order_relaxed) == turn;
}

static bool is_known(const char *name, const uint64_t addr[2])
{
	uint64_t its_addr[2], its_name[WORDS];

	for (size_t i = 0; i < ENTRIES; i++)
		if (read_entry(&entries[i], its_addr, its_name) && memcmp(addr, its_addr, 16) == 0 &&
		    strcmp(name, (const char *)its_name) == 0)
			return true;
	return false;
}

static bool write_entry(struct entry *e, const uint64_t addr[2], const uint64_t name[WORDS])
{
	unsigned turn = atomic_load_explicit(&e->turn, memory_order_relaxed);

	if (turn % 2 != 0 || !atomic_compare_exchange_strong(&e->turn, &turn, turn + 1))
		return false;
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < 2; i++)
		atomic_store_explicit(&e->addr[i], addr[i], memory_order_relaxed);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&e->name[i], name[i], memory_order_relaxed);
	atomic_store_explicit(&e->turn, turn + 2 != 0 ? turn + 2 : 2, memory_order_release);
	return true;
}

void vs_shim_known_add(const char *name, const struct sockaddr *addr)
{
	uint64_t words[WORDS] = { 0 }, bytes[2];
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--; /* the root's dot */
	if (len == 0 || len >= VS_SHIM_NAME_MAX || !take_address(addr, bytes))
		return;
	memcpy(words, name, len);
	if (is_known((const char *)words, bytes))
		return;
	for (unsigned tries = 0; tries < 8; tries++)
		if (write_entry(&entries[atomic_fetch_add(&next_entry, 1) % ENTRIES], bytes, words))
			return;
}

size_t vs_shim_known_find(const struct sockaddr *addr, char names[VS_SHIM_NAMES_MAX][VS_SHIM_NAME_MAX])
{
	uint64_t wanted[2], its_addr[2], name[WORDS];
	size_t n = 0;

	if (!take_address(addr, wanted))
		return 0;
	for (size_t i = 0; i < ENTRIES && n < VS_SHIM_NAMES_MAX; i++)
		if (read_entry(&entries[i], its_addr, name) && memcmp(wanted, its_addr, 16) == 0)
			memcpy(names[n++], name, VS_SHIM_NAME_MAX);
	return n;
}
