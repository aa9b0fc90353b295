/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any string of ioth_config() and its sisters is either refused with a message, or becomes words that the
 * parser of vdestack_configure() takes, for one interface. The first byte of the input chooses the call.
 */

#include <errno.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ioth/conf/plan.h"
#include "ioth/conf/words.h"

static void check_words(char *words, bool none, const char *ifname)
{
	struct vs_config_error error;
	struct vs_config *config;

	CHECK((words == NULL) == none);
	if (words == NULL)
		return;
	int r = vs_config_parse_change(words, &error, &config);
	/* A plan near the limits of a string may be longer as words, and the stack refuses it. */
	CHECK(r == 0 || r == -E2BIG);
	if (r == 0) {
		CHECK(config->n_ifaces == 1 && strcmp(config->ifaces[0].name, ifname) == 0);
		vs_config_free(config);
	}
	free(words);
}

static void check_plan(const struct vs_plan *plan)
{
	bool named = plan->ifname[0] != '\0' && strcmp(plan->ifname, "lo") != 0;
	const char *ifname = named ? plan->ifname : "vde0";
	char *words;
	bool none;

	CHECK((plan->want & VS_PLAN_SLAAC) == 0 || (plan->want & VS_PLAN_RD) != 0);
	CHECK(((plan->want & VS_PLAN_STATIC) != 0) == (plan->add.n > 0));
	CHECK(plan->timeout_ms >= 1000 && plan->timeout_ms <= 3600000);
	CHECK(!plan->has_mac || (plan->mac[0] & 1) == 0);
	words = vs_words_start(plan, ifname, VS_PLAN_SOURCES, &none);
	check_words(words, none, ifname);
	words = vs_words_stop(plan, ifname, &none);
	check_words(words, none, ifname);
	words = vs_words_static(ifname, &plan->remove, &plan->add, &none);
	check_words(words, none, ifname);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum vs_plan_call calls[] = { VS_CALL_CONFIG, VS_CALL_NEWSTACK, VS_CALL_RESOLVCONF };
	struct vs_config_error error;
	struct vs_plan plan;

	if (size == 0)
		return 0;
	char *text = calloc(1, size);
	CHECK(text != NULL);
	memcpy(text, data + 1, size - 1);
	int r = vs_plan_read(text, calls[data[0] % 3], &error, &plan);
	if (r == 0) {
		check_plan(&plan);
		vs_plan_free(&plan);
	} else {
		CHECK((r == -EINVAL || r == -E2BIG) && error.text[0] != '\0');
		CHECK(!vs_plan_needs_iface(&plan));
	}
	free(text);
	return 0;
}
