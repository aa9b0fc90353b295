/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the resolver parses: replies, and the texts of resolv.conf, hosts, services and addresses. Every
 * record that is returned is inside the message. Nothing is read beyond the end. The first byte of the input
 * chooses the parser, and the type that was asked for.
 */

#include <fuzz.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/answer.h"
#include "dns/endpoint.h"
#include "dns/hosts.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/services.h"
#include "dns/settings.h"

static const int types[8] = { 1, 28, 5, 12, 16, 33, 6, 255 };

static void check_name(const uint8_t *message, size_t n, size_t at)
{
	uint8_t wire[VS_NAME_WIRE_MAX], again[VS_NAME_WIRE_MAX];
	char text[VS_NAME_TEXT_MAX];
	size_t len;
	int used = vs_name_unpack(message, n, at, wire, &len);

	if (used < 0)
		return;
	CHECK(used > 0 && (size_t)used <= n - at && len >= 1 && len <= sizeof(wire));
	int text_len = vs_name_text(wire, len, text, sizeof(text));
	CHECK(text_len > 0 && (size_t)text_len == strlen(text));
	int packed = vs_name_pack(text, again);
	CHECK(packed > 0 && (size_t)packed == len && memcmp(wire, again, len) == 0);
}

/* The lists for callers: what they hold is as long as the records say, and ends with a NUL. */
static void check_lists(const struct vdestack_dns_answer *answer)
{
	struct vdestack_dns_srv *srv = NULL;
	struct vdestack_dns_txt *txt = NULL;
	size_t n = 0;

	if (vdestack_dns_read_srv(answer, &srv) == 0) {
		for (const struct vdestack_dns_srv *at = srv; at != NULL; at = at->next, n++) {
			CHECK(strlen(at->target) > 0);
			CHECK(at->next == NULL || at->next->priority >= at->priority);
		}
		CHECK(n == answer->n);
	}
	n = 0;
	if (vdestack_dns_read_txt(answer, &txt) == 0) {
		for (const struct vdestack_dns_txt *at = txt; at != NULL; at = at->next, n++) {
			size_t size = 0;

			for (size_t i = 0; i < at->n; size += at->strings[i++].size) {
				CHECK(at->strings[i].text[at->strings[i].size] == '\0');
				CHECK(memcmp(at->text + size, at->strings[i].text, at->strings[i].size) == 0);
			}
			CHECK(size == at->size && at->text[size] == '\0');
		}
		CHECK(n == answer->n);
	}
	vdestack_dns_free_srv(srv);
	vdestack_dns_free_txt(txt);
}

static void check_reply(const uint8_t *message, size_t n, int type)
{
	struct vs_answer *a = vs_answer_new(message, n, type, 0);

	for (size_t at = 0; at < n; at += 1 + n / 64)
		check_name(message, n, at);
	if (a == NULL)
		return;
	CHECK(a->face.ttl_s <= 86400);
	CHECK((a->kind == VS_MESSAGE_FOUND) == (a->face.n > 0));
	for (size_t i = 0; i < a->face.n; i++) {
		const struct vdestack_dns_record *r = &a->face.records[i];
		CHECK(r->data >= a->face.message &&
		      r->data + r->size <= a->face.message + a->face.message_size);
		CHECK(type != 1 || r->size == 4);
		CHECK(type != 28 || r->size == 16);
	}
	check_lists(&a->face);
	struct vs_answer *b = vs_answer_new(message, n, type, 10);
	CHECK(b != NULL && b->face.n == a->face.n && b->face.ttl_s <= a->face.ttl_s);
	vs_answer_unref(a);
	vs_answer_unref(b);
}

static void check_settings(const char *text)
{
	struct vs_settings s;
	char name[96];

	vs_settings_init(&s);
	vs_settings_resolv_conf(&s, text, text[0] & 1);
	CHECK(s.n_servers <= VS_SERVERS_MAX && s.n_search <= VS_SEARCH_MAX);
	for (size_t i = 0; i < s.n_search; i++)
		CHECK(s.domains[i] + strlen(s.search + s.domains[i]) < sizeof(s.search));
	for (size_t i = 0; i < s.n_servers; i++) {
		vs_server_text(&s.servers[i], name, sizeof(name));
		CHECK(s.servers[i].port > 0 && name[0] != '\0');
	}
	vs_settings_init(&s);
	(void)vs_settings_servers(&s, text);
	(void)vs_settings_search(&s, text);
}

static void check_files(const char *text)
{
	struct vs_host hosts[4];
	char name[256];

	CHECK(vs_hosts_find(text, "a.example", AF_UNSPEC, hosts, 4, name) <= 4);
	(void)vs_hosts_name(text, 2, (const uint8_t[]){ 10, 0, 0, 1 }, name);
	int port = vs_services_port(text, "http", "tcp");
	CHECK(port == -1 || (port >= 1 && port <= 65535));
	if (vs_services_name(text, 80, "tcp", name))
		CHECK(strlen(name) < 64);
	struct vs_endpoint to;
	if (vs_endpoint_read("tcp", text, &to) == NULL)
		CHECK(strlen(text) - strlen(to.host) - strlen(to.service) == (text[0] == '[' ? 3 : 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	/* In memory of exactly that length. */
	size_t n = size - 1;
	uint8_t *exact = malloc(n > 0 ? n : 1);
	char *text = malloc(n + 1);
	if (exact == NULL || text == NULL)
		abort();
	memcpy(exact, data + 1, n);
	memcpy(text, data + 1, n);
	text[n] = '\0';
	if (data[0] < 0xc0)
		check_reply(exact, n, types[data[0] % 8]);
	else if (data[0] & 1)
		check_settings(text);
	else
		check_files(text);
	free(exact);
	free(text);
	return 0;
}
