/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes of another server go to iothnamed, as the reply to a question for a.example. Whatever they are,
 * only records of the question's chain are taken, and they can be kept and passed on.
 *
 * Input: a byte for the type of the question; then the reply.
 */

#include <fuzz.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/iothnamed/cache.h"
#include "daemons/iothnamed/reply.h"

/* Each record is of the name where the chain is, and a CNAME leads on. */
static void check_chain(const struct nm_asked *q, const struct nm_answer *a)
{
	struct nm_name at = q->name, owner;

	for (size_t i = 0; a->answer != NULL && i < ldns_rr_list_rr_count(a->answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(a->answer, i);
		nm_name_take(&owner, ldns_rr_owner(rr));
		CHECK(nm_name_equal(&owner, &at));
		if (ldns_rr_get_type(rr) == (ldns_rr_type)q->type)
			continue;
		CHECK(ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME);
		nm_name_take(&at, ldns_rr_rdf(rr, 0));
	}
	CHECK(a->authority == NULL || ldns_rr_list_rr_count(a->authority) == 1);
}

static void check_kept(const struct nm_asked *q, const struct nm_answer *a, uint32_t ttl_s)
{
	static struct nm_cache *cache;
	const struct nm_request r = {
		.type = q->type, .class = 1, .has_question = true, .name = q->name, .udp_size = NM_UDP_MIN
	};
	struct nm_answer copy;
	uint8_t *bytes;
	size_t n;

	if (cache == NULL)
		cache = nm_cache_new(10, 1000000);
	CHECK(cache != NULL);
	nm_cache_put(cache, 0, &q->name, q->type, a, ttl_s);
	if (nm_cache_get(cache, 0, &q->name, q->type, &copy)) {
		CHECK(ttl_s > 0);
		CHECK(nm_answer_write(&copy, &r, false, &bytes, &n) == 0 && n <= NM_UDP_MIN);
		free(bytes);
		nm_answer_clear(&copy);
	}
	CHECK(nm_answer_write(a, &r, true, &bytes, &n) == 0 && n <= NM_TCP_MAX);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nm_asked q = { .edns = true };
	struct nm_answer a = { .rcode = -1 };
	uint32_t ttl_s = 0;

	if (size < 3 || size > 65000)
		return 0;
	q.type = data[0];
	q.id = (uint16_t)(data[1] << 8 | data[2]); /* that of the reply */
	CHECK(nm_name_read(&q.name, "a.example"));
	if (nm_reply_read(&q, data + 1, size - 1, &a, &ttl_s) != NM_REPLY_GOOD) {
		CHECK(a.rcode == -1); /* nothing has been written */
		return 0;
	}
	check_chain(&q, &a);
	check_kept(&q, &a, ttl_s);
	nm_answer_clear(&a);
	return 0;
}
