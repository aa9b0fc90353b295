/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* iothnamed: what answers change in the rules whose bases and hosts other servers know. */

#include "unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/iothnamed/refresh.h"

static struct nm_config *config;
static struct nm_refresh refresh;

static int begin(void **state)
{
	static const char text[] = "net all ::/0\nauth hash all .a Base.test\nauth otip all .b base.test pw\n"
				   "auth hrev all host.test/64\nauth hash all .c fc00::\n";
	char file[] = "/tmp/named-XXXXXX";
	int fd = mkstemp(file);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	config = nm_config_read(file);
	unlink(file);
	assert_non_null(config);
	config->rules.rules[0].base_asked = config->rules.rules[1].base_asked = true;
	config->rules.rules[2].host_asked = true;
	nm_refresh_set(&refresh, config);
	return 0;
}

static int end(void **state)
{
	(void)state;
	nm_refresh_free(&refresh);
	nm_config_free(config);
	return 0;
}

/* An answer with these addresses, up to NULL. */
static void take(const char *text, uint32_t ttl_s, const char *const *addresses)
{
	struct nm_answer a = { .ra = true };
	struct nm_name name;
	char line[200];

	assert_true(nm_name_read(&name, text));
	for (; *addresses != NULL; addresses++) {
		ldns_rr *rr = NULL;
		(void)snprintf(line, sizeof(line), "%s. 60 IN AAAA %s", text, *addresses);
		assert_int_equal(ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL), LDNS_STATUS_OK);
		assert_int_equal(nm_answer_add(&a, rr), 0);
	}
	nm_refresh_take(&refresh, config, 1000, &name, LDNS_RR_TYPE_AAAA, &a, ttl_s);
	nm_answer_clear(&a);
}

static void check_base(size_t rule, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, &config->rules.rules[rule].base, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void a_base_is_the_one_address_of_its_name(void **state)
{
	(void)state;
	take("BASE.test", 60, (const char *const[]){ "fc01::", NULL });
	check_base(0, "fc01::");
	check_base(1, "fc01::"); /* one question for both */
	check_base(3, "fc00::");
	take("base.test", 60, (const char *const[]){ "fc02::", "fc03::", NULL });
	check_base(0, "fc01::");
	take("base.test", 60, (const char *const[]){ NULL });
	check_base(0, "fc01::");
	take("other.test", 60, (const char *const[]){ "fc04::", NULL });
	check_base(0, "fc01::");
	assert_int_equal(refresh.n, 2);
}

static void check_zone(const char *expected)
{
	char text[NM_TEXT_MAX];

	assert_string_equal(nm_name_text(&config->rules.rules[2].name, text), expected);
}

/* Servers change the order of addresses. */
static void a_zone_stays_while_its_host_has_an_address_in_it(void **state)
{
	(void)state;
	take("host.test", 60, (const char *const[]){ "fc01::1", "fc02::1", NULL });
	check_zone("0.0.0.0.0.0.0.0.0.0.0.0.1.0.c.f.ip6.arpa");
	take("host.test", 60, (const char *const[]){ "fc02::1", "fc01::2", NULL });
	check_zone("0.0.0.0.0.0.0.0.0.0.0.0.1.0.c.f.ip6.arpa");
	take("host.test", 60, (const char *const[]){ "fc02::1", "fc03::1", NULL });
	check_zone("0.0.0.0.0.0.0.0.0.0.0.0.2.0.c.f.ip6.arpa");
	take("host.test", 60, (const char *const[]){ NULL });
	check_zone("0.0.0.0.0.0.0.0.0.0.0.0.2.0.c.f.ip6.arpa");
}

/* Without servers each question fails, and the times are those of the answers and of failures. */
static void names_are_asked_for_when_their_answers_expire(void **state)
{
	struct nm_upstream upstream = { .loop = -1 };

	(void)state;
	take("base.test", 60, (const char *const[]){ "fc01::", NULL });
	take("host.test", 0, (const char *const[]){ "fc01::1", NULL });
	upstream.n = 1000000;                                               /* no question can be asked */
	assert_int_equal(nm_refresh_tick(&refresh, &upstream, 1000), 3000); /* a TTL of 0 is two seconds */
	assert_int_equal(nm_refresh_tick(&refresh, &upstream, 3000), 33000);
	take("host.test", 100, (const char *const[]){ "fc01::1", NULL });
	assert_int_equal(nm_refresh_tick(&refresh, &upstream, 3000), 61000);
	take("base.test", 1, (const char *const[]){ NULL });
	assert_int_equal(nm_refresh_tick(&refresh, &upstream, 3000), 31000);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_base_is_the_one_address_of_its_name, begin, end),
	cmocka_unit_test_setup_teardown(a_zone_stays_while_its_host_has_an_address_in_it, begin, end),
	cmocka_unit_test_setup_teardown(names_are_asked_for_when_their_answers_expire, begin, end),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
