/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SRV and TXT records of an answer, as lists. */

#include <arpa/nameser.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "error.h"
#include "no_cancel.h"
#include "srv_order.h"
#include <vdestack/dns.h>

#define TARGET_MAX 1025
#define SRV_FIXED 6 /* bytes of priority, weight and port */

static int out_of_memory(void)
{
	return vs_dns_fail_errno(ENOMEM, "cannot read an answer");
}

static int malformed(const struct vdestack_dns_answer *answer, const char *type)
{
	return vs_dns_fail(EAI_FAIL, "the answer for %.200s has a malformed %s record",
			   answer->name != NULL ? answer->name : "a name", type);
}

/* ------------------------------------------------------------------ SRV */

void vdestack_dns_free_srv(struct vdestack_dns_srv *list)
{
	while (list != NULL) {
		struct vdestack_dns_srv *next = list->next;

		free(list);
		list = next;
	}
}

static uint16_t get16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The target stands behind the record, in the same memory. */
static int read_srv(const struct vdestack_dns_answer *answer, const struct vdestack_dns_record *record,
		    struct vdestack_dns_srv **out)
{
	char target[TARGET_MAX];
	int n = record->size > SRV_FIXED ?
			vdestack_dns_expand(answer, record->data + SRV_FIXED, target, sizeof(target)) :
			-1;

	if (n < 0 || (size_t)n != record->size - SRV_FIXED)
		return malformed(answer, "SRV");
	size_t size = strlen(target) + 1;
	struct vdestack_dns_srv *srv = malloc(sizeof(*srv) + size);
	if (srv == NULL)
		return out_of_memory();
	*srv = (struct vdestack_dns_srv){
		.target = memcpy(srv + 1, target, size),
		.priority = get16(record->data),
		.weight = get16(record->data + 2),
		.port = get16(record->data + 4),
		.ttl_s = record->ttl_s,
	};
	*out = srv;
	return 0;
}

/* Numbers that would make some more likely than others are drawn again. */
static uint32_t draw(void *arg, uint32_t most)
{
	uint32_t n = most + 1, number;

	(void)arg;
	if (n <= 1) /* most is a sum of 16-bit weights of one message: it is far below the maximum */
		return 0;
	do {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return 0; /* cannot happen once the kernel has started */
	} while (number >= UINT32_MAX - UINT32_MAX % n);
	return number % n;
}

/* RFC 2782: the target "." alone says that there is no such service. */
static int check_offered(const struct vdestack_dns_answer *answer, const struct vdestack_dns_srv *list)
{
	if (list == NULL || list->next != NULL || strcmp(list->target, ".") != 0)
		return 0;
	return vs_dns_fail(EAI_SERVICE, "%.200s: the domain does not offer this service",
			   answer->name != NULL ? answer->name : "");
}

int vdestack_dns_read_srv(const struct vdestack_dns_answer *answer, struct vdestack_dns_srv **list)
{
	VS_DNS_NO_CANCEL;
	struct vdestack_dns_srv *head = NULL, **end = &head;
	int r = 0;

	if (answer == NULL || list == NULL)
		return vs_dns_fail_errno(EINVAL, "cannot read an answer");
	for (size_t i = 0; i < answer->n && r == 0; i++) {
		r = read_srv(answer, &answer->records[i], end);
		if (r == 0)
			end = &(*end)->next;
	}
	if (r == 0)
		r = check_offered(answer, head);
	if (r == 0)
		*list = vs_srv_order(head, draw, NULL);
	else
		vdestack_dns_free_srv(head);
	return r;
}

int vdestack_dns_lookup_srv(struct vdestack_dns *dns, const char *name, struct vdestack_dns_srv **list)
{
	VS_DNS_NO_CANCEL;
	const struct vdestack_dns_answer *answer;

	if (list == NULL)
		return vs_dns_fail_errno(EINVAL, "cannot look up a service");
	int r = vdestack_dns_query(dns, name, ns_t_srv, &answer);
	if (r == 0) {
		r = vdestack_dns_read_srv(answer, list);
		vdestack_dns_free_answer(answer);
	}
	return r;
}

/* ------------------------------------------------------------------ TXT */

void vdestack_dns_free_txt(struct vdestack_dns_txt *list)
{
	while (list != NULL) {
		struct vdestack_dns_txt *next = list->next;

		free(list);
		list = next;
	}
}

/* How many strings the record has; -1: they do not fill it exactly. */
static int count_strings(const struct vdestack_dns_record *record)
{
	size_t at = 0;
	int n = 0;

	for (; at < record->size; n++)
		at += 1u + record->data[at];
	return at == record->size && n > 0 ? n : -1;
}

/* One block of memory: the record, the table of its strings, the strings with a NUL each, all joined. */
static int read_txt(const struct vdestack_dns_answer *answer, const struct vdestack_dns_record *record,
		    struct vdestack_dns_txt **out)
{
	int n = count_strings(record);

	if (n < 0)
		return malformed(answer, "TXT");
	size_t size = record->size - (size_t)n, table = (size_t)n * sizeof(struct vdestack_dns_string);
	struct vdestack_dns_txt *txt = malloc(sizeof(*txt) + table + record->size + size + 1);
	if (txt == NULL)
		return out_of_memory();
	struct vdestack_dns_string *strings = (void *)(txt + 1);
	char *text = (char *)(strings + n), *joined = text + record->size;
	*txt = (struct vdestack_dns_txt){
		.text = joined, .size = size, .n = (size_t)n, .strings = strings, .ttl_s = record->ttl_s,
	};
	const unsigned char *from = record->data;
	for (int i = 0; i < n; i++) {
		size_t length = *from++;

		strings[i] = (struct vdestack_dns_string){ .text = text, .size = length };
		memcpy(text, from, length);
		memcpy(joined, from, length);
		text[length] = '\0';
		text += length + 1;
		joined += length;
		from += length;
	}
	*joined = '\0';
	*out = txt;
	return 0;
}

int vdestack_dns_read_txt(const struct vdestack_dns_answer *answer, struct vdestack_dns_txt **list)
{
	struct vdestack_dns_txt *head = NULL, **end = &head;
	int r = 0;

	if (answer == NULL || list == NULL)
		return vs_dns_fail_errno(EINVAL, "cannot read an answer");
	for (size_t i = 0; i < answer->n && r == 0; i++) {
		r = read_txt(answer, &answer->records[i], end);
		if (r == 0)
			end = &(*end)->next;
	}
	if (r == 0)
		*list = head;
	else
		vdestack_dns_free_txt(head);
	return r;
}

int vdestack_dns_lookup_txt(struct vdestack_dns *dns, const char *name, struct vdestack_dns_txt **list)
{
	VS_DNS_NO_CANCEL;
	const struct vdestack_dns_answer *answer;

	if (list == NULL)
		return vs_dns_fail_errno(EINVAL, "cannot look up texts");
	int r = vdestack_dns_query(dns, name, ns_t_txt, &answer);
	if (r == 0) {
		r = vdestack_dns_read_txt(answer, list);
		vdestack_dns_free_answer(answer);
	}
	return r;
}
