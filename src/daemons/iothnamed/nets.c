/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96

bool nm_addr_read(struct in6_addr *addr, const char *text, bool *v4)
{
	struct in_addr four;
	bool is_v4 = strchr(text, ':') == NULL;

	if (!is_v4 && inet_pton(AF_INET6, text, addr) != 1)
		return false;
	if (is_v4) {
		if (inet_pton(AF_INET, text, &four) != 1)
			return false;
		*addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
		memcpy(&addr->s6_addr[12], &four, 4);
	}
	if (v4 != NULL)
		*v4 = is_v4;
	return true;
}

bool nm_range_read(struct nm_range *range, const char *text, bool *v4)
{
	char addr[INET6_ADDRSTRLEN], *end;
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct nm_range found;
	bool is_v4;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (!nm_addr_read(&found.addr, addr, &is_v4))
		return false;
	unsigned long most = is_v4 ? 32 : 128, bits = most;
	if (slash != NULL) {
		if (slash[1] < '0' || slash[1] > '9')
			return false;
		bits = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || bits > most)
			return false;
	}
	found.bits = (unsigned)bits + (is_v4 ? MAPPED_BITS : 0);
	*range = found;
	if (v4 != NULL)
		*v4 = is_v4;
	return true;
}

bool nm_range_has(const struct nm_range *range, const struct in6_addr *addr)
{
	unsigned bytes = range->bits / 8, rest = range->bits % 8;

	if (memcmp(&range->addr, addr, bytes) != 0)
		return false;
	return rest == 0 || (range->addr.s6_addr[bytes] ^ addr->s6_addr[bytes]) >> (8 - rest) == 0;
}

int nm_nets_find(const struct nm_nets *nets, const char *name)
{
	for (size_t i = 0; i < nets->n; i++)
		if (strcasecmp(nets->nets[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int add_net(struct nm_nets *nets, const char *name)
{
	struct nm_net *grown = reallocarray(nets->nets, nets->n + 1, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	nets->nets = grown;
	grown[nets->n] = (struct nm_net){ .name = strdup(name) };
	if (grown[nets->n].name == NULL)
		return -ENOMEM;
	return (int)nets->n++;
}

int nm_nets_add(struct nm_nets *nets, const char *name, const struct nm_range *range)
{
	int i = nm_nets_find(nets, name);

	if (i < 0)
		i = add_net(nets, name);
	if (i < 0)
		return i;
	struct nm_net *net = &nets->nets[i];
	struct nm_range *grown = reallocarray(net->ranges, net->n + 1, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	net->ranges = grown;
	grown[net->n++] = *range;
	return 0;
}

bool nm_net_has(const struct nm_net *net, const struct in6_addr *addr)
{
	for (size_t i = 0; i < net->n; i++)
		if (nm_range_has(&net->ranges[i], addr))
			return true;
	return false;
}

void nm_nets_free(struct nm_nets *nets)
{
	for (size_t i = 0; i < nets->n; i++) {
		free(nets->nets[i].name);
		free(nets->nets[i].ranges);
	}
	free(nets->nets);
	*nets = (struct nm_nets){ NULL, 0 };
}
