/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t aged(uint32_t ttl_s, uint32_t age_s)
{
	return ttl_s > age_s ? ttl_s - age_s : 0;
}

/* One block: the struct, the records, the message, the name. */
static struct vs_answer *allocate(const struct vs_message *m, const uint8_t *message, size_t n)
{
	char name[VS_NAME_TEXT_MAX];
	int len = vs_name_text(m->owner, m->owner_len, name, sizeof(name));
	size_t records = m->n * sizeof(struct vdestack_dns_record);
	struct vs_answer *a;

	if (len < 0) {
		errno = EBADMSG;
		return NULL;
	}
	a = malloc(sizeof(*a) + records + n + (size_t)len + 1);
	if (a == NULL)
		return NULL;
	unsigned char *copy = (unsigned char *)(a + 1) + records;
	memcpy(copy, message, n);
	memcpy(copy + n, name, (size_t)len + 1);
	*a = (struct vs_answer){
		.face = { .name = (char *)copy + n, .message = copy, .message_size = n, .n = m->n,
			  .records = (void *)(a + 1) },
		.kind = m->kind,
		.rcode = m->rcode,
		.refs = 1,
	};
	return a;
}

struct vs_answer *vs_answer_new(const uint8_t *message, size_t n, int type, uint32_t age_s)
{
	struct vs_message_record few[64], *records = few;
	struct vs_answer *a = NULL;
	struct vs_message m;
	int err = vs_message_read(message, n, type, &m, few, 64);

	if (err == 0 && m.n > 64) {
		records = malloc(m.n * sizeof(*records));
		if (records == NULL)
			return NULL;
		err = vs_message_read(message, n, type, &m, records, m.n);
	}
	if (err < 0)
		errno = -err;
	else
		a = allocate(&m, message, n);
	if (a != NULL) {
		struct vdestack_dns_record *out = (void *)(a + 1);
		for (size_t i = 0; i < m.n; i++)
			out[i] = (struct vdestack_dns_record){ a->face.message + records[i].at,
							       records[i].size,
							       aged(records[i].ttl_s, age_s) };
		a->face.ttl_s = aged(m.ttl_s, age_s);
		if (age_s > 0)
			vs_message_age((uint8_t *)(out + m.n), n, age_s);
	}
	if (records != few)
		free(records);
	return a;
}

struct vs_answer *vs_answer_ref(struct vs_answer *answer)
{
	atomic_fetch_add_explicit(&answer->refs, 1, memory_order_relaxed);
	return answer;
}

void vs_answer_unref(struct vs_answer *answer)
{
	if (answer != NULL && atomic_fetch_sub_explicit(&answer->refs, 1, memory_order_acq_rel) == 1)
		free(answer);
}
