/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <arpa/inet.h>

#include "txt.h"

static int set_serverid(void *to, const char *value, struct dm_where *where)
{
	struct in_addr in;

	if (inet_pton(AF_INET, value, &in) != 1 || in.s_addr == 0 || ntohl(in.s_addr) >> 28 >= 14)
		return dm_wrong(where, "serverid: %s is no address of a host", value);
	((struct n4_settings *)to)->serverid = ntohl(in.s_addr);
	return 0;
}

static int set_mask(void *to, const char *value, struct dm_where *where)
{
	uint32_t mask = n4_txt_mask(value);

	if (mask == 0)
		return dm_wrong(where, "mask: %s is no mask and no length of a prefix", value);
	((struct n4_settings *)to)->mask = mask;
	return 0;
}

static int set_hostname(void *to, const char *value, struct dm_where *where)
{
	(void)value;
	(void)where;
	((struct n4_settings *)to)->hostname = true;
	return 0;
}

const struct dm_option n4_options[] = {
	DH_OPTION_ROWS,
	{ "serverid", 'I', "ADDR", "the server identifier (the address of the interface)", 0, set_serverid },
	{ "mask", '\0', "MASK", "the network mask of clients whose TXT record has none", 0, set_mask },
	{ "hostname", '\0', NULL, "serves clients that send option 12 and not 81, too", 0, set_hostname },
};
const size_t n4_n_options = sizeof(n4_options) / sizeof(n4_options[0]);
