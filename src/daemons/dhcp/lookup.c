/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lookup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STRING_MAX 255 /* bytes of a string of a TXT record */

struct collector {
	struct dh_answer *answer;
	enum dh_kind kind;
	size_t n_text;
	bool no_memory;
};

static void take_address(struct collector *c, const struct iothdns_rr *rr, struct iothdns_pkt *pkt)
{
	struct dh_answer *a = c->answer;

	if (a->n == DH_ADDRS_MAX || rr->rdlength != (c->kind == DH_A ? 4 : 16))
		return;
	if (c->kind == DH_A)
		(void)iothdns_get_a(pkt, a->addrs[a->n]);
	else
		(void)iothdns_get_aaaa(pkt, a->addrs[a->n]);
	a->n++;
}

static void append(struct collector *c, const char *bytes, size_t n)
{
	if (c->n_text + n > DH_TEXT_MAX)
		return;
	if (c->answer->text == NULL && (c->answer->text = calloc(1, DH_TEXT_MAX + 1)) == NULL) {
		c->no_memory = true;
		return;
	}
	memcpy(c->answer->text + c->n_text, bytes, n);
	c->n_text += n;
}

/*
 * A string cannot be longer than what is left of the record: the library checks that. One that is as long as
 * a string can be goes on in the next. Else a setting ends with its string, as if there were a ','.
 */
static void take_text(struct collector *c, const struct iothdns_rr *rr, struct iothdns_pkt *pkt)
{
	char string[IOTHDNS_MAXSTRING];

	append(c, ",", 1);
	for (unsigned used = 0; used < rr->rdlength; used += 1 + (unsigned)strlen(string)) {
		errno = 0;
		if (iothdns_get_string(pkt, string) == NULL || errno != 0)
			break;
		append(c, string, strlen(string));
		if (strlen(string) < STRING_MAX)
			append(c, ",", 1);
	}
}

static int take(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	static const uint16_t types[] = {
		[DH_A] = IOTHDNS_TYPE_A, [DH_AAAA] = IOTHDNS_TYPE_AAAA, [DH_TXT] = IOTHDNS_TYPE_TXT
	};
	struct collector *c = arg;

	if (section != IOTHDNS_SEC_ANSWER)
		return 0;
	if (rr->ttl < c->answer->ttl_s)
		c->answer->ttl_s = rr->ttl;
	if (rr->type != types[c->kind])
		return 0;
	c->answer->outcome = DH_FOUND;
	if (c->kind == DH_TXT)
		take_text(c, rr, pkt);
	else
		take_address(c, rr, pkt);
	return 0;
}

void dh_lookup(struct iothdns *dns, const char *name, enum dh_kind kind, struct dh_answer *answer)
{
	static const int types[] = { IOTHDNS_TYPE_A, IOTHDNS_TYPE_AAAA, IOTHDNS_TYPE_TXT };
	struct collector c = { .answer = answer, .kind = kind };

	*answer = (struct dh_answer){ .outcome = DH_NONE, .ttl_s = UINT32_MAX };
	if (iothdns_lookup_cb(dns, name, types[kind], take, &c) == 0 && !c.no_memory)
		return;
	if (c.no_memory || (errno != ENOENT && answer->outcome != DH_FOUND)) {
		free(answer->text);
		*answer = (struct dh_answer){ .outcome = DH_FAILED };
	}
}
