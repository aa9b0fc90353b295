/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DNS_MESSAGE_H
#define VDESTACK_TESTS_DNS_MESSAGE_H

/* Writes DNS messages, well-formed or not, for tests of the resolver. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dns_message {
	uint8_t bytes[65536];
	size_t n;
};

__attribute__((unused)) static void dns_put16(struct dns_message *m, unsigned value)
{
	m->bytes[m->n++] = (uint8_t)(value >> 8);
	m->bytes[m->n++] = (uint8_t)value;
}

__attribute__((unused)) static void dns_put32(struct dns_message *m, uint32_t value)
{
	dns_put16(m, value >> 16);
	dns_put16(m, value & 0xffff);
}

/* A name, without compression. "" is the root. */
__attribute__((unused)) static void dns_put_name(struct dns_message *m, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");
		m->bytes[m->n++] = (uint8_t)len;
		memcpy(m->bytes + m->n, name, len);
		m->n += len;
		name += len + (name[len] == '.');
	}
	m->bytes[m->n++] = 0;
}

/* The head and a question. flags: 0x8180 is a usual reply; the lowest four bits are the RCODE. */
__attribute__((unused)) static void dns_begin(struct dns_message *m, unsigned id, unsigned flags,
					      const char *name, unsigned type)
{
	m->n = 0;
	dns_put16(m, id);
	dns_put16(m, flags);
	dns_put16(m, 1);
	dns_put16(m, 0);
	dns_put32(m, 0);
	dns_put_name(m, name);
	dns_put16(m, type);
	dns_put16(m, 1);
}

/* section 1: answers, 2: authorities, 3: additional. Adds a record. */
__attribute__((unused)) static void dns_record(struct dns_message *m, int section, const char *owner,
					       unsigned type, uint32_t ttl, const void *data, size_t n)
{
	uint8_t *count = m->bytes + 4 + 2 * section;

	if (++count[1] == 0)
		count[0]++;
	dns_put_name(m, owner);
	dns_put16(m, type);
	dns_put16(m, 1);
	dns_put32(m, ttl);
	dns_put16(m, (unsigned)n);
	memcpy(m->bytes + m->n, data, n);
	m->n += n;
}

__attribute__((unused)) static void dns_a(struct dns_message *m, const char *owner, uint32_t ttl,
					  uint32_t addr)
{
	const uint8_t bytes[4] = { (uint8_t)(addr >> 24), (uint8_t)(addr >> 16), (uint8_t)(addr >> 8),
				   (uint8_t)addr };

	dns_record(m, 1, owner, 1, ttl, bytes, 4);
}

__attribute__((unused)) static void dns_cname(struct dns_message *m, const char *owner, uint32_t ttl,
					      const char *to)
{
	struct dns_message name = { .n = 0 };

	dns_put_name(&name, to);
	dns_record(m, 1, owner, 5, ttl, name.bytes, name.n);
}

/* A SOA record among the authorities. */
__attribute__((unused)) static void dns_soa(struct dns_message *m, const char *owner, uint32_t ttl,
					    uint32_t minimum)
{
	struct dns_message data = { .n = 0 };

	dns_put_name(&data, "ns.example");
	dns_put_name(&data, "admin.example");
	for (int i = 0; i < 4; i++)
		dns_put32(&data, 3600);
	dns_put32(&data, minimum);
	dns_record(m, 2, owner, 6, ttl, data.bytes, data.n);
}

#endif
