/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The records of a reply to VS_OP_LEARNED, out of a memory file. They are checked like all that comes from
 * a keeper: what the network has sent to it may be in them.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto/auto.h"
#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "sources.h"
#include "wire/messages.h"

#define RECORDS_MAX 65536

void vs_learned_free(struct vs_learned *learned)
{
	int saved = errno;

	free(learned->list);
	learned->list = NULL;
	learned->n = 0;
	errno = saved;
}

/* 0 or -errno: -EPROTO when the file is shorter. */
static int read_all(int fd, void *bytes, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (char *)bytes + done, n - done, at + (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		done += (size_t)got;
	}
	return 0;
}

static bool known_family(const struct vs_wire_ip *ip)
{
	return ip->family == 0 || ip->family == AF_INET || ip->family == AF_INET6;
}

static int check_records(struct vs_learned *learned)
{
	for (size_t i = 0; i < learned->n; i++) {
		struct vs_wire_learned *record = &learned->list[i];
		if (!known_family(&record->addr) || !known_family(&record->gw))
			return -EPROTO;
		record->ifname[sizeof(record->ifname) - 1] = '\0';
		record->state[sizeof(record->state) - 1] = '\0';
		record->text[sizeof(record->text) - 1] = '\0';
	}
	return 0;
}

static int read_records(int fd, struct vs_learned *out)
{
	struct vs_wire_learned_head head;
	struct stat file;
	int r = read_all(fd, &head, sizeof(head), 0);

	if (r == 0 && fstat(fd, &file) < 0)
		r = -errno;
	if (r == 0 && (head.version != VS_WIRE_VERSION || head.n > RECORDS_MAX ||
		       file.st_size != (off_t)(sizeof(head) + head.n * sizeof(*out->list))))
		r = -EPROTO;
	if (r < 0)
		return r;
	out->list = malloc((head.n + 1) * sizeof(*out->list)); /* never 0 bytes */
	if (out->list == NULL)
		return -ENOMEM;
	out->n = head.n;
	out->generation = head.generation;
	r = read_all(fd, out->list, out->n * sizeof(*out->list), sizeof(head));
	return r < 0 ? r : check_records(out);
}

int vs_learned_read(int fd, struct vs_learned *out)
{
	VS_AUTO_CLOSE file = fd;
	struct vs_learned learned = { 0 };
	int r = read_records(file, &learned);

	if (r < 0) {
		vs_learned_free(&learned);
		return vs_fail(-r, "cannot read what was learned: %s",
			       r == -EPROTO ? "the keeper's records are malformed"
					    : vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	*out = learned;
	return 0;
}

/* ------------------------------------------------------------------ what is missing */

/* The bits of a source, and its name in messages. */
static const struct {
	unsigned bits;
	const char *name;
} kinds[] = {
	[VS_SOURCE_STATIC] = { 0, "static" },
	[VS_SOURCE_DHCP4] = { VS_CONF_DHCP4, "dhcp4" },
	[VS_SOURCE_RA] = { VS_CONF_RA | VS_CONF_SLAAC, "rd" },
	[VS_SOURCE_DHCP6] = { VS_CONF_DHCP6, "dhcp6" },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

unsigned vs_learned_bits(const struct vs_wire_learned *record)
{
	return record->source < N_KINDS ? kinds[record->source].bits : 0;
}

static unsigned bits_of(const struct vs_wire_learned *record)
{
	return record->kind == VS_LEARNED_SOURCE ? vs_learned_bits(record) : 0;
}

static bool one_is_ready(const struct vs_learned *learned, const char *ifname, unsigned one_of)
{
	for (size_t i = 0; i < learned->n; i++) {
		const struct vs_wire_learned *record = &learned->list[i];
		if (record->ready && (bits_of(record) & one_of) != 0 && strcmp(record->ifname, ifname) == 0)
			return true;
	}
	return false;
}

/* Whether a source keeps its interface from being ready. */
static bool is_missing(const struct vs_learned *learned, const struct vs_wire_learned *record)
{
	unsigned bits = bits_of(record);

	if (bits == 0 || record->ready)
		return false;
	return (bits & record->required) != 0 ||
	       ((bits & record->one_of) != 0 && !one_is_ready(learned, record->ifname, record->one_of));
}

static bool has_iface(const struct vs_config *config, const char *ifname)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (strcmp(config->ifaces[i].name, ifname) == 0)
			return true;
	return false;
}

/* As snprintf(3). */
static size_t describe(const struct vs_wire_learned *record, char *text, size_t size)
{
	const char *name = kinds[record->source].name;

	if (record->text[0] != '\0')
		return (size_t)snprintf(text, size, "%s on %s: %s", name, record->ifname, record->text);
	return (size_t)snprintf(text, size, "%s on %s: in state %s, %u packets sent, %u received", name,
				record->ifname, record->state, record->sent, record->received);
}

void vs_learned_missing(const struct vs_learned *learned, const struct vs_config *config, char *text,
			size_t size)
{
	size_t used = 0;

	(void)snprintf(text, size, "an address source is not ready yet");
	for (size_t i = 0; i < learned->n && used < size; i++) {
		const struct vs_wire_learned *record = &learned->list[i];
		if (!is_missing(learned, record) || (config != NULL && !has_iface(config, record->ifname)))
			continue;
		if (used > 0)
			used += (size_t)snprintf(text + used, size - used, "; ");
		if (used < size)
			used += describe(record, text + used, size - used);
	}
}
