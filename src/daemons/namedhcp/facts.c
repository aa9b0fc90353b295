/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A search goes on when a lookup is not there yet, so that all lookups are on their way at the same time. It
 * is done anew, from the beginning, until nothing is missing.
 */

#include "facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemons/dhcp/words.h"

struct search {
	const struct nd_lookup *lookup;
	enum dh_got got; /* DH_KNOWN as long as nothing is missing */
	uint64_t ticket; /* of the first lookup that is missing */
	bool failed;     /* one has no answer of a name server */
};

struct list {
	uint8_t n;
	uint8_t addrs[VS_DHCP6_SERVERS_MAX][16];
};

/* What is known, or NULL, which is noted. */
static const struct dh_answer *look_up(struct search *s, const char *name, enum dh_kind kind)
{
	const struct dh_answer *answer = NULL;
	uint64_t ticket = 0;
	enum dh_got got = s->lookup->get(s->lookup->arg, name, kind, &answer, &ticket);

	if (got == DH_KNOWN) {
		s->failed = s->failed || answer->outcome == DH_FAILED;
		return answer;
	}
	if (got == DH_WAIT && s->got != DH_WAIT)
		s->ticket = ticket;
	if (s->got != DH_WAIT) /* behind a lookup that is on its way there may be room for others */
		s->got = got;
	return NULL;
}

/* What a host can have: it makes its link-local address itself. */
static bool is_host(const uint8_t bytes[16])
{
	struct in6_addr addr;

	memcpy(&addr, bytes, sizeof(addr));
	return !IN6_IS_ADDR_UNSPECIFIED(&addr) && !IN6_IS_ADDR_LOOPBACK(&addr) &&
	       !IN6_IS_ADDR_MULTICAST(&addr) && !IN6_IS_ADDR_LINKLOCAL(&addr) && !IN6_IS_ADDR_V4MAPPED(&addr);
}

static void add_address(struct list *list, const void *addr)
{
	for (uint8_t i = 0; i < list->n; i++)
		if (memcmp(list->addrs[i], addr, 16) == 0)
			return;
	if (list->n < VS_DHCP6_SERVERS_MAX)
		memcpy(list->addrs[list->n++], addr, 16);
}

static void add_server(struct search *s, struct list *list, const char *word)
{
	const struct dh_answer *answer;
	struct in6_addr addr;

	if (inet_pton(AF_INET6, word, &addr) == 1) {
		add_address(list, &addr);
		return;
	}
	if (inet_pton(AF_INET, word, &addr) == 1 || !vs_dns_name_valid(word))
		return;
	answer = look_up(s, word, DH_AAAA);
	for (unsigned i = 0; answer != NULL && i < answer->n; i++)
		add_address(list, answer->addrs[i]);
}

/* A record comes from another server: of its words no more are looked up than an answer has addresses. */
static void read_servers(struct search *s, const char *text, struct list *list)
{
	char word[VS_DNS_NAME_TEXT + 1];

	*list = (struct list){ .n = 0 };
	for (unsigned n = 0; text != NULL && n < VS_DHCP6_SERVERS_MAX && dh_word(&text, word, sizeof(word));
	     n++)
		add_server(s, list, word);
}

/* The first record with such a tag. */
struct record {
	char dns[1024], ntp[1024], domname[1024];
};

static void read_record(const char *text, struct record *record)
{
	char word[sizeof(record->dns)], *value;

	*record = (struct record){ .dns = "" };
	while (text != NULL && dh_tag(&text, word, sizeof(word), &value)) {
		char *to = value == NULL                  ? NULL
			   : strcmp(word, "dns") == 0     ? record->dns
			   : strcmp(word, "ntp") == 0     ? record->ntp
			   : strcmp(word, "domname") == 0 ? record->domname
							  : NULL;
		if (to != NULL && *to == '\0')
			(void)snprintf(to, sizeof(record->dns), "%s", value);
	}
}

/*
 * The servers of the record; the option's if it has none that clients of IPv6 can use. A name without an
 * answer of a name server is left out if there is another server. A client without any would not come back.
 */
static void choose_servers(struct search *s, const char *record, const char *option, uint8_t *n,
			   uint8_t (*addrs)[16])
{
	bool failed = s->failed;
	struct list list;

	s->failed = false;
	read_servers(s, record, &list);
	if (list.n == 0 && !s->failed)
		read_servers(s, option, &list);
	s->failed = failed || (s->failed && list.n == 0);
	*n = list.n;
	memcpy(addrs, list.addrs, sizeof(list.addrs));
}

static void find_settings(struct search *s, struct nd_facts *facts, const struct vs_dhcp6_request *request,
			  const struct nd_settings *settings)
{
	bool dns = vs_dhcp6_request_wants(request, VS_DHCP6_DNS);
	bool search = vs_dhcp6_request_wants(request, VS_DHCP6_SEARCH);
	bool ntp = vs_dhcp6_request_wants(request, VS_DHCP6_NTP) ||
		   vs_dhcp6_request_wants(request, VS_DHCP6_SNTP);
	struct record record;

	if (!dns && !search && !ntp)
		return;
	const struct dh_answer *txt = facts->name[0] == '\0' ? NULL : look_up(s, facts->name, DH_TXT);
	read_record(txt == NULL ? NULL : txt->text, &record); /* before the next lookup */
	if (dns)
		choose_servers(s, record.dns, settings->dh.dns, &facts->n_dns, facts->dns);
	if (ntp)
		choose_servers(s, record.ntp, settings->dh.ntp, &facts->n_ntp, facts->ntp);
	facts->search.n = 0;
	if (search)
		(void)nd_search_add(&facts->search, record.domname); /* what is no domain is left out */
	if (search && facts->search.n == 0)
		facts->search = settings->search;
}

bool nd_facts_name(const struct vs_dhcp6_request *request, const char *domain, char name[VS_DNS_NAME_TEXT])
{
	char text[VS_DNS_NAME_TEXT];
	uint8_t wire[VS_DNS_NAME_WIRE];

	if (request->fqdn.n < 2)
		return false;
	if (vs_dns_name_decode(request->fqdn.bytes, request->fqdn.n, 1, VS_DNS_PARTIAL, text) == 0 ||
	    text[0] == '\0')
		return false;
	bool short_name = strchr(text, '.') == NULL && domain != NULL;
	int n = snprintf(name, VS_DNS_NAME_TEXT, "%s%s%s", text, short_name ? "." : "",
			 short_name ? domain : "");
	return n > 0 && n < VS_DNS_NAME_TEXT && vs_dns_name_encode(name, wire) != 0;
}

enum dh_got nd_facts_find(struct nd_facts *facts, const struct vs_dhcp6_request *request, bool addresses,
			  const struct nd_settings *settings, const struct nd_lookup *lookup,
			  uint64_t *ticket)
{
	struct search s = { .lookup = lookup, .got = DH_KNOWN };

	if (addresses) {
		const struct dh_answer *answer = look_up(&s, facts->name, DH_AAAA);
		facts->n_addrs = 0;
		for (unsigned i = 0; answer != NULL && i < answer->n; i++)
			if (is_host(answer->addrs[i]))
				memcpy(facts->addrs[facts->n_addrs++], answer->addrs[i], 16);
	}
	/* A client that gets no address needs no settings. */
	if (!addresses || s.got != DH_KNOWN || facts->n_addrs > 0)
		find_settings(&s, facts, request, settings);
	facts->failed = s.failed;
	*ticket = s.ticket;
	return s.got;
}
