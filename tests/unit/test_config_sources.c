/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words about address sources, names and removals: what each means, and what is refused. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/addr_text.h"
#include "config/config.h"
#include "unit.h"

#define DHCP4 VS_CONF_DHCP4
#define DHCP6 VS_CONF_DHCP6
#define RA VS_CONF_RA
#define SLAAC VS_CONF_SLAAC

static struct vs_config_error error;

static int parse_as(bool change, const char *text, struct vs_config **config)
{
	return change ? vs_config_parse_change(text, &error, config)
		      : vs_config_parse(text, NULL, NULL, &error, config);
}

static struct vs_config *parse(bool change, const char *text)
{
	struct vs_config *config = NULL;

	if (parse_as(change, text, &config) != 0)
		fail_msg("\"%s\" was refused: %s", text, error.text);
	assert_non_null(config);
	return config;
}

struct refusal {
	const char *text;
	size_t position;
	const char *says;
};

static void check_refused(bool change, const struct refusal *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct vs_config *config = NULL;
		if (parse_as(change, list[i].text, &config) != -EINVAL)
			fail_msg("\"%s\" was not refused", list[i].text);
		assert_null(config);
		if (error.position != list[i].position || strstr(error.text, list[i].says) == NULL)
			fail_msg("\"%s\" at position %zu: the message is\n  %s", list[i].text,
				 list[i].position, error.text);
	}
}

#define CHECK_REFUSED(change, list) check_refused(change, list, sizeof(list) / sizeof((list)[0]))

/* ------------------------------------------------------------------ sources */

static void each_source_has_its_words(void **state)
{
	static const struct {
		const char *word;
		unsigned start, required, one_of;
	} list[] = {
		{ "dhcp", DHCP4, DHCP4, 0 },
		{ "dhcp4", DHCP4, DHCP4, 0 },
		{ "dhcpv4", DHCP4, DHCP4, 0 },
		{ "dhcp6", DHCP6, DHCP6, 0 },
		{ "dhcpv6", DHCP6, DHCP6, 0 },
		{ "rd", RA, RA, 0 },
		{ "rd6", RA, RA, 0 },
		{ "slaac", RA | SLAAC, RA | SLAAC, 0 },
		{ "slaac=eui64", RA | SLAAC, RA | SLAAC, 0 },
		{ "slaac=stable", RA | SLAAC, RA | SLAAC, 0 },
		{ "auto", DHCP4 | DHCP6 | RA | SLAAC, 0, DHCP4 | DHCP6 | SLAAC },
		{ "auto4", DHCP4, 0, DHCP4 },
		{ "autov4", DHCP4, 0, DHCP4 },
		{ "auto6", DHCP6 | RA | SLAAC, 0, DHCP6 | SLAAC },
		{ "autov6", DHCP6 | RA | SLAAC, 0, DHCP6 | SLAAC },
		{ "dhcp dhcp6", DHCP4 | DHCP6, DHCP4 | DHCP6, 0 },
		{ "auto rd", DHCP4 | DHCP6 | RA | SLAAC, RA, DHCP4 | DHCP6 | SLAAC },
		{ "auto slaac", DHCP4 | DHCP6 | RA | SLAAC, RA | SLAAC, DHCP4 | DHCP6 | SLAAC },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(list) / sizeof(list[0]); i++) {
		bool change = i % 2 != 0;
		(void)snprintf(text, sizeof(text), "%s %s", change ? "eth" : "vnl=a", list[i / 2].word);
		struct vs_config *config = parse(change, text);
		const struct vs_conf_sources *sources = config->ifaces[0].sources;
		assert_non_null(sources);
		if (sources->start != list[i / 2].start || sources->required != list[i / 2].required ||
		    sources->one_of != list[i / 2].one_of)
			fail_msg("%s: start %#x, required %#x, one of %#x", text, sources->start,
				 sources->required, sources->one_of);
		assert_int_equal(sources->stop, 0);
		assert_int_equal(sources->options, strstr(text, "stable") != NULL ? VS_CONF_STABLE : 0);
		vs_config_free(config);
	}
}

static void sources_belong_to_their_interface(void **state)
{
	struct vs_config *config = parse(false, "vnl=a dhcp vnl=b rd dns=10.0.0.1 vnl=c ip=10.0.0.1/24");

	(void)state;
	assert_int_equal(config->n_ifaces, 3);
	assert_int_equal(config->ifaces[0].sources->start, DHCP4);
	assert_int_equal(config->ifaces[0].sources->add.n_dns, 0);
	assert_int_equal(config->ifaces[1].sources->start, RA);
	assert_int_equal(config->ifaces[1].sources->add.n_dns, 1);
	assert_null(config->ifaces[2].sources);
	vs_config_free(config);
}

static void options_of_sources_are_read(void **state)
{
	struct vs_config *config = parse(
		false, "leases=/var/x vnl=a dhcp dhcp6 fqdn=Host.Example.org. rapid v6only pd=56 norelease");
	const struct vs_conf_sources *sources = config->ifaces[0].sources;

	(void)state;
	assert_string_equal(config->leases, "/var/x");
	assert_string_equal(sources->fqdn, "Host.Example.org");
	assert_int_equal(sources->options, VS_CONF_RAPID | VS_CONF_IPV6_ONLY | VS_CONF_NO_RELEASE);
	assert_int_equal(sources->pd_len, 56);
	vs_config_free(config);
	config = parse(false, "vnl=a auto6 pd fqdn=a");
	assert_int_equal(config->ifaces[0].sources->pd_len, 64);
	assert_string_equal(config->ifaces[0].sources->fqdn, "a");
	assert_null(config->leases);
	vs_config_free(config);
}

static void names_are_read_once_each_and_in_order(void **state)
{
	struct vs_config *config =
		parse(false, "vnl=a dns=10.0.0.53 dns=fe80::1 dns=10.0.0.53 domain=b.example domain=a "
			     "domain=B.EXAMPLE. domain=_x.c-d");
	const struct vs_conf_names *names = &config->ifaces[0].sources->add;
	char text[VS_ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(names->n_dns, 2);
	vs_addr_to_text(&names->dns[0], text);
	assert_string_equal(text, "10.0.0.53");
	vs_addr_to_text(&names->dns[1], text);
	assert_string_equal(text, "fe80::1");
	assert_string_equal(names->domains, "b.example a _x.c-d");
	vs_config_free(config);
}

/* A name of labels of n characters, and its total length. */
static const char *long_name(const char *word, size_t label, size_t total)
{
	static char text[600];
	size_t n = strlen(word);

	memcpy(text, word, n);
	for (size_t i = 1; i <= total; i++)
		text[n++] = i % (label + 1) == 0 ? '.' : 'a';
	text[n] = '\0';
	return text;
}

static void names_have_the_lengths_of_rfc_1035(void **state)
{
	const struct refusal label = { long_name("vnl=a fqdn=", 64, 64), 7, "labels of 1 to 63" };

	(void)state;
	check_refused(false, &label, 1);
	vs_config_free(parse(false, long_name("vnl=a fqdn=", 63, 63)));
	vs_config_free(parse(false, long_name("vnl=a fqdn=", 63, 253)));
	vs_config_free(parse(false, long_name("vnl=a domain=", 63, 253)));
	const struct refusal name = { long_name("vnl=a domain=", 63, 254), 7, "253 characters at most" };
	check_refused(false, &name, 1);
}

static void wrong_values_are_refused(void **state)
{
	static const struct refusal list[] = {
		{ "vnl=a dhcp=1", 7, "takes no value; write dhcp" },
		{ "vnl=a auto6=", 7, "takes no value; write auto6" },
		{ "vnl=a slaac=", 7, "value is missing" },
		{ "vnl=a slaac=random", 7, "slaac=stable (RFC 7217) or slaac=eui64" },
		{ "vnl=a slaac=stable slaac=eui64", 20, "already, at position 7" },
		{ "vnl=a slaac=stable fqdn=a.b", 7, "fqdn= at position 20 chooses" },
		{ "vnl=a fqdn", 7, "needs '=' and a value" },
		{ "vnl=a fqdn=.", 7, "not a domain name" },
		{ "vnl=a fqdn=a..b", 7, "not a domain name" },
		{ "vnl=a fqdn=a_b.c%d", 7, "not a domain name" },
		{ "vnl=a 'fqdn=a b'", 7, "not a domain name" },
		{ "vnl=a fqdn=a\nb fqdn=c", 14, "unknown word" },
		{ "vnl=a fqdn=a fqdn=b", 14, "has a name already, at position 7" },
		{ "vnl=a dns=", 7, "value is missing" },
		{ "vnl=a dns=10.0.0.1/24", 7, "without a prefix length" },
		{ "vnl=a dns=fe80::1%vde0", 7, "not an address" },
		{ "vnl=a dns=ff02::1", 7, "multicast" },
		{ "vnl=a dns=0.0.0.0", 7, "unspecified" },
		{ "vnl=a dhcp6 pd=0", 13, "1 to 128" },
		{ "vnl=a dhcp6 pd=129", 13, "1 to 128" },
		{ "vnl=a dhcp6 pd=/56", 13, "1 to 128" },
		{ "vnl=a dhcp6 pd pd=56", 16, "already, at position 13" },
		{ "vnl=a dhcp pd", 12, "an option of dhcp6" },
		{ "vnl=a rd rapid", 10, "an option of dhcp or dhcp6" },
		{ "vnl=a dhcp6 v6only", 13, "an option of dhcp, which interface vde0 does not start" },
		{ "vnl=a ip=10.0.0.1/24 norelease", 22, "an option of dhcp or dhcp6" },
		{ "vnl=a leases=", 7, "value is missing" },
		{ "leases=x vnl=none", 1, "no interface here" },
		{ "leases=a vnl=a leases=b", 16, "directory of leases already" },
		{ "vnl=none dhcp", 10, "no interface is made" },
		{ "vnl=none dns=10.0.0.1", 10, "no interface is made" },
		{ "vnl=a mtu=1000 slaac", 7, "IPv6 needs an MTU" },
		{ "vnl=a mtu=1000 dhcp6", 7, "IPv6 needs an MTU" },
	};

	(void)state;
	CHECK_REFUSED(false, list);
	vs_config_free(parse(false, "vnl=a mtu=1000 auto"));
}

static void an_interface_has_eight_name_servers_and_511_characters_of_domains(void **state)
{
	char text[2048] = "vnl=a";
	size_t n = strlen(text);

	(void)state;
	for (int i = 1; i <= 8; i++)
		n += (size_t)sprintf(text + n, " dns=10.0.0.%d", i);
	for (int i = 0; i < 8; i++)
		n += (size_t)sprintf(text + n, " domain=%d%.62s", i, long_name("", 63, 62));
	struct vs_config *config = parse(false, text);
	assert_int_equal(strlen(config->ifaces[0].sources->add.domains), 511);
	vs_config_free(config);
	strcpy(text + n, " dns=10.0.0.9");
	const struct refusal dns = { text, n + 2, "8 name servers at most" };
	check_refused(false, &dns, 1);
	strcpy(text + n, " domain=b");
	const struct refusal domain = { text, n + 2, "511 characters at most" };
	check_refused(false, &domain, 1);
}

/* ------------------------------------------------------------------ changes */

static void a_change_is_about_vde0_until_iface(void **state)
{
	struct vs_config *config = parse(true, "ip=10.0.0.1/24 iface=eth1 dhcp leases=x iface=eth2 -dhcp");

	(void)state;
	assert_int_equal(config->n_ifaces, 3);
	assert_string_equal(config->ifaces[0].name, "vde0");
	assert_int_equal(config->ifaces[0].n_addrs, 1);
	assert_null(config->ifaces[0].sources);
	assert_null(config->ifaces[0].vnl);
	assert_string_equal(config->ifaces[1].name, "eth1");
	assert_int_equal(config->ifaces[1].sources->start, DHCP4);
	assert_string_equal(config->ifaces[2].name, "eth2");
	assert_int_equal(config->ifaces[2].sources->stop, DHCP4);
	assert_string_equal(config->leases, "x");
	vs_config_free(config);
	config = parse(true, "# nothing");
	assert_int_equal(config->n_ifaces, 0);
	vs_config_free(config);
}

static void words_with_a_minus_stop_sources(void **state)
{
	static const struct {
		const char *word;
		unsigned stop;
	} list[] = {
		{ "-dhcp", DHCP4 },         { "-dhcp4", DHCP4 },        { "-dhcpv4", DHCP4 },
		{ "-dhcp6", DHCP6 },        { "-dhcpv6", DHCP6 },       { "-rd", RA | SLAAC },
		{ "-rd6", RA | SLAAC },     { "-slaac", SLAAC },        { "-auto4", DHCP4 },
		{ "-autov4", DHCP4 },       { "-auto6", DHCP6 | RA | SLAAC },
		{ "-autov6", DHCP6 | RA | SLAAC }, { "-auto", DHCP4 | DHCP6 | RA | SLAAC },
		{ "-all", DHCP4 | DHCP6 | RA | SLAAC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct vs_config *config = parse(true, list[i].word);
		assert_int_equal(config->ifaces[0].sources->stop, list[i].stop);
		assert_int_equal(config->ifaces[0].sources->start, 0);
		vs_config_free(config);
	}
}

static void words_with_a_minus_remove(void **state)
{
	struct vs_config *config =
		parse(true, "-ip=10.0.0.1 -ip=fc00::1/64 -gw=10.0.0.2 -route=10.1.0.0/16 -dns=10.0.0.3 "
			    "-domain=a.b -eth");
	const struct vs_conf_iface *iface = &config->ifaces[0];

	(void)state;
	assert_int_equal(iface->removals.n_addrs, 2);
	assert_int_equal(iface->removals.addrs[0].prefixlen, 0); /* any */
	assert_int_equal(iface->removals.addrs[1].prefixlen, 64);
	assert_int_equal(iface->removals.n_routes, 2);
	assert_int_equal(iface->removals.routes[0].dst.prefixlen, 0);
	assert_true(iface->removals.routes[0].has_gw);
	assert_false(iface->removals.routes[1].has_gw);
	assert_int_equal(iface->sources->remove.n_dns, 1);
	assert_string_equal(iface->sources->remove.domains, "a.b");
	assert_false(iface->sources->clear_dns || iface->sources->clear_domains);
	assert_false(iface->removals.all_addrs || iface->removals.all_gws || iface->removals.all_routes);
	assert_int_equal(iface->updown, VS_CONF_DOWN);
	vs_config_free(config);
	config = parse(true, "-ip -gw -route -dns -domain eth");
	iface = &config->ifaces[0];
	assert_true(iface->removals.all_addrs && iface->removals.all_gws && iface->removals.all_routes);
	assert_true(iface->sources->clear_dns && iface->sources->clear_domains);
	assert_int_equal(iface->updown, VS_CONF_UP);
	vs_config_free(config);
	config = parse(true, "-static");
	iface = &config->ifaces[0];
	assert_true(iface->removals.all_addrs && iface->removals.all_gws && iface->removals.all_routes);
	assert_true(iface->sources->clear_dns && iface->sources->clear_domains);
	assert_int_equal(iface->sources->stop, 0);
	assert_int_equal(iface->updown, VS_CONF_AS_IT_IS);
	vs_config_free(config);
}

static void words_are_refused_in_the_wrong_call(void **state)
{
	static const struct refusal creation[] = {
		{ "vnl=a -dhcp", 7, "only vdestack_configure() takes it" },
		{ "vnl=a -ip=10.0.0.1", 7, "only vdestack_configure() takes it" },
		{ "vnl=a -static", 7, "only vdestack_configure() takes it" },
		{ "-all", 1, "only vdestack_configure() takes it" },
		{ "vnl=a -fqdn", 7, "unknown word" },
	};
	static const struct refusal change[] = {
		{ "vnl=a", 1, "only when a stack or an interface is made" },
		{ "name=x", 1, "only when a stack or an interface is made" },
		{ "mtu=1500", 1, "only when a stack or an interface is made" },
		{ "iface=x mac=02:00:00:00:00:01", 9, "only when a stack or an interface is made" },
		{ "ip=10.0.0.1 iface=vde0", 13, "stands in this configuration already" },
		{ "-ip=", 1, "value is missing" },
		{ "-ip=x", 1, "not an address" },
		{ "-gw=10.0.0.1/24", 1, "without a prefix length" },
		{ "-route=10.0.0.1/8", 1, "bits set below" },
		{ "-dns=x", 1, "not an address" },
		{ "-domain=..", 1, "not a domain name" },
		{ "-dhcp=1", 1, "takes no value" },
		{ "-rapid", 1, "unknown word" },
		{ "nodad gw=10.0.0.1", 1, "gets no address here" },
		{ "leases=x", 1, "no interface here" },
	};

	(void)state;
	CHECK_REFUSED(false, creation);
	CHECK_REFUSED(true, change);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_source_has_its_words),
	cmocka_unit_test(sources_belong_to_their_interface),
	cmocka_unit_test(options_of_sources_are_read),
	cmocka_unit_test(names_are_read_once_each_and_in_order),
	cmocka_unit_test(names_have_the_lengths_of_rfc_1035),
	cmocka_unit_test(wrong_values_are_refused),
	cmocka_unit_test(an_interface_has_eight_name_servers_and_511_characters_of_domains),
	cmocka_unit_test(a_change_is_about_vde0_until_iface),
	cmocka_unit_test(words_with_a_minus_stop_sources),
	cmocka_unit_test(words_with_a_minus_remove),
	cmocka_unit_test(words_are_refused_in_the_wrong_call),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
