/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes are a configuration of iothnamed. It is read or refused, and one that is read can answer
 * questions.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemons/iothnamed/config.h"
#include "daemons/iothnamed/decide.h"

static struct nm_config *read_bytes(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];

	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		CHECK(fd >= 0 && freopen("/dev/null", "w", stderr) != NULL); /* messages */
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return nm_config_read(path);
}

static void ask(struct nm_mind *mind, const char *name, uint16_t type)
{
	const struct in6_addr client = { .s6_addr = { 0xfc } };
	struct nm_request r = { .type = type, .class = LDNS_RR_CLASS_IN, .rd = true, .has_question = true };
	struct nm_answer a;
	uint8_t *bytes;
	size_t n;

	r.udp_size = NM_UDP_MIN;
	CHECK(nm_name_read(&r.name, name));
	if (nm_decide(mind, 0, &client, &r, &a) == NM_FORWARDED)
		return;
	CHECK(nm_answer_write(&a, &r, false, &bytes, &n) == 0 && n <= NM_UDP_MIN);
	free(bytes);
	nm_answer_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nm_cache *cache;
	struct nm_config *config = read_bytes(data, size);

	if (cache == NULL)
		cache = nm_cache_new(10, 100000);
	CHECK(cache != NULL);
	if (config == NULL)
		return 0;
	struct nm_mind mind = { .config = config, .cache = cache, .hrev = cache };
	ask(&mind, "a.test", LDNS_RR_TYPE_ANY);
	ask(&mind, "a.test", LDNS_RR_TYPE_AAAA);
	ask(&mind, "1.0.0.10.in-addr.arpa", LDNS_RR_TYPE_PTR);
	nm_config_free(config);
	return 0;
}
