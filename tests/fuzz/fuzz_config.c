/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any string is either refused with a message or results in a configuration that meets every
 * rule of config.h: as one that makes interfaces, and as one that changes them. The first byte of the input
 * chooses which names are in use.
 */

#include <errno.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/config.h"
#include "config/units.h"

/* Takes vde0 to vde7 as the bits of *arg say. */
static bool taken(void *arg, const char *name)
{
	unsigned bits = *(const uint8_t *)arg;

	return strncmp(name, "vde", 3) == 0 && name[3] >= '0' && name[3] <= '7' && name[4] == '\0' &&
	       (bits >> (name[3] - '0') & 1) != 0;
}

static void check_addr(const struct vs_conf_addr *addr)
{
	CHECK(addr->family == AF_INET || addr->family == AF_INET6);
	CHECK(addr->prefixlen <= (addr->family == AF_INET ? 32u : 128u));
}

static bool check_routes(const struct vs_conf_iface *iface)
{
	bool ip6 = false;

	for (size_t i = 0; i < iface->n_routes; i++) {
		const struct vs_conf_route *route = &iface->routes[i];
		check_addr(&route->dst);
		CHECK(!route->has_gw || route->gw.family == route->dst.family);
		for (unsigned bit = route->dst.prefixlen; bit < 128; bit++)
			CHECK((route->dst.bytes[bit / 8] & (0x80u >> (bit % 8))) == 0);
		ip6 = ip6 || route->dst.family == AF_INET6;
	}
	return ip6;
}

static bool check_addrs(const struct vs_conf_iface *iface)
{
	bool ip6 = false;

	for (size_t i = 0; i < iface->n_addrs; i++) {
		check_addr(&iface->addrs[i]);
		ip6 = ip6 || iface->addrs[i].family == AF_INET6;
		for (size_t j = 0; j < i; j++)
			CHECK(iface->addrs[i].family != iface->addrs[j].family ||
			      memcmp(iface->addrs[i].bytes, iface->addrs[j].bytes, 16) != 0);
	}
	return ip6;
}

static void check_iface(const struct vs_conf_iface *iface)
{
	bool segment = strncmp(iface->vnl, "inproc://", 9) == 0;
	const struct vs_locator *locator = &iface->locator;
	bool ip6 = check_addrs(iface);

	ip6 = check_routes(iface) || ip6;
	CHECK(vs_ifname_valid(iface->name));
	CHECK(iface->vnl[0] != '\0' && strcmp(iface->vnl, "none") != 0 && strlen(iface->vnl) <= 4000);
	CHECK(iface->mtu == 0 || (iface->mtu >= 68 && iface->mtu <= (segment ? 65535u : 9216u)));
	CHECK(iface->mtu == 0 || iface->mtu >= 1280 || !ip6);
	CHECK(locator->text == iface->vnl && segment == (locator->kind == VS_KIND_SEGMENT));
	CHECK(locator->rest >= iface->vnl + locator->scheme_bytes &&
	      locator->rest <= iface->vnl + strlen(iface->vnl));
	CHECK(locator->verdict == vs_locator_judge(iface->vnl));
	CHECK(!iface->has_mac || (iface->mac[0] & 1) == 0);
}

static void check_names(const struct vs_conf_names *names)
{
	CHECK(names->n_dns <= VS_CONF_DNS_MAX);
	CHECK(strnlen(names->domains, sizeof(names->domains)) < sizeof(names->domains));
	CHECK(names->domains[0] != ' ' && strstr(names->domains, "  ") == NULL);
	for (size_t i = 0; i < names->n_dns; i++)
		check_addr(&names->dns[i]);
}

/* change: words with '-' are allowed. */
static void check_sources(const struct vs_conf_sources *sources, bool change)
{
	if (sources == NULL)
		return;
	CHECK(((sources->required | sources->one_of) & ~sources->start) == 0);
	CHECK((sources->start & VS_CONF_SLAAC) == 0 || (sources->start & VS_CONF_RA) != 0);
	CHECK(sources->pd_len <= 128);
	CHECK(strnlen(sources->fqdn, sizeof(sources->fqdn)) < sizeof(sources->fqdn));
	check_names(&sources->add);
	check_names(&sources->remove);
	CHECK(change || (sources->stop == 0 && sources->remove.n_dns == 0 && !sources->clear_dns &&
			 sources->remove.domains[0] == '\0' && !sources->clear_domains));
}

static bool is_probability(double p)
{
	return p >= 0 && p <= 1;
}

static void check_settings(const struct vs_conf_impair_change *change)
{
	const struct vdestack_impairment *to = &change->to;

	CHECK((change->fields & ~VS_IMPAIR_ALL) == 0 && (change->said & ~change->fields) == 0);
	CHECK(is_probability(to->loss) && is_probability(to->burst_enter) && is_probability(to->burst_leave));
	CHECK(is_probability(to->burst_loss) && is_probability(to->burst_base));
	CHECK(is_probability(to->reorder));
	CHECK(is_probability(to->duplicate) && is_probability(to->corrupt));
	CHECK(is_probability(to->corrupt_valid));
	CHECK(to->blackhole <= 65535 && to->distribution <= VDESTACK_PARETO && to->queue <= VDESTACK_CODEL);
	CHECK(to->delay_ns <= VS_UNITS_TIME_MAX_NS && to->jitter_ns <= VS_UNITS_TIME_MAX_NS);
	CHECK(to->rate <= VS_UNITS_RATE_MAX);
}

static void check_impairment(const struct vs_conf_impair *impair)
{
	if (impair == NULL)
		return;
	check_settings(&impair->tx);
	check_settings(&impair->rx);
	CHECK(impair->has_group ? impair->group <= VS_CONF_GROUP_MAX : impair->group == 0);
}

/* A change of interfaces that exist. */
static void check_change(const struct vs_config *config)
{
	CHECK(config->name[0] == '\0');
	for (size_t i = 0; i < config->n_ifaces; i++) {
		const struct vs_conf_iface *iface = &config->ifaces[i];
		CHECK(vs_ifname_valid(iface->name));
		CHECK(iface->vnl == NULL && iface->mtu == 0 && !iface->has_mac);
		(void)check_addrs(iface);
		(void)check_routes(iface);
		check_sources(iface->sources, true);
		check_impairment(iface->impair);
		for (size_t j = 0; j < iface->removals.n_addrs; j++)
			check_addr(&iface->removals.addrs[j]);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(iface->name, config->ifaces[j].name) != 0);
	}
}

static void check_config(const struct vs_config *config, uint8_t *bits)
{
	CHECK(config->n_ifaces <= 4096);
	for (size_t i = 0; i < config->n_ifaces; i++) {
		check_iface(&config->ifaces[i]);
		check_sources(config->ifaces[i].sources, false);
		check_impairment(config->ifaces[i].impair);
		CHECK(!taken(bits, config->ifaces[i].name));
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(config->ifaces[i].name, config->ifaces[j].name) != 0);
	}
}

static void check_failure(int result, const struct vs_config_error *error, size_t length)
{
	const char *text = error->text;

	CHECK(result == -EINVAL || result == -ENOTSUP || result == -E2BIG || result == -ENAMETOOLONG);
	CHECK(error->err == -result);
	CHECK(strstr(text, "position ") != NULL || result == -E2BIG);
	CHECK(error->position <= length && (error->position > 0 || result == -E2BIG));
	CHECK(text[0] != '\0' && strlen(text) < VS_CONFIG_ERROR_MAX - 1); /* none is cut */
	for (; *text != '\0'; text++)
		CHECK(*text >= ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bits = size > 0 ? data[0] : 0;
	struct vs_config *config = NULL;
	struct vs_config_error error;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data + 1, size - 1);
	text[size > 0 ? size - 1 : 0] = '\0';
	int result = vs_config_parse(text, taken, &bits, &error, &config);
	if (result == 0)
		check_config(config, &bits);
	else
		check_failure(result, &error, strlen(text));
	CHECK(result == 0 || config == NULL);
	vs_config_free(config);
	config = NULL;
	result = vs_config_parse_change(text, &error, &config);
	if (result == 0)
		check_change(config);
	else
		check_failure(result, &error, strlen(text));
	CHECK(result == 0 || config == NULL);
	vs_config_free(config);
	free(text);
	return 0;
}
