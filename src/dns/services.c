/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "services.h"

#include <stdlib.h>
#include <string.h>

/* What programs usually name. A line is one of services(5). */
static const char built_in[] =
	"echo 7/tcp\necho 7/udp\ndiscard 9/tcp\ndiscard 9/udp\ndaytime 13/tcp\ndaytime 13/udp\n"
	"ftp-data 20/tcp\nftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp mail\ntime 37/tcp\n"
	"whois 43/tcp\ndomain 53/tcp\ndomain 53/udp\nbootps 67/udp\nbootpc 68/udp\ntftp 69/udp\n"
	"finger 79/tcp\nhttp 80/tcp www\nkerberos 88/tcp\nkerberos 88/udp\npop3 110/tcp pop-3\nsunrpc "
	"111/tcp\n"
	"sunrpc 111/udp\nnntp 119/tcp\nntp 123/udp\nimap2 143/tcp imap\nsnmp 161/udp\nsnmp-trap 162/udp\n"
	"bgp 179/tcp\nldap 389/tcp\nldap 389/udp\nhttps 443/tcp\nhttps 443/udp\nsubmissions 465/tcp ssmtp\n"
	"syslog 514/udp\ndhcpv6-client 546/udp\ndhcpv6-server 547/udp\nrtsp 554/tcp\nsubmission 587/tcp\n"
	"ipp 631/tcp\nldaps 636/tcp\ndomain-s 853/tcp\nrsync 873/tcp\nimaps 993/tcp\npop3s 995/tcp\n"
	"socks 1080/tcp\nopenvpn 1194/udp\nmqtt 1883/tcp\nnfs 2049/tcp\nmysql 3306/tcp\nsip 5060/tcp\n"
	"sip 5060/udp\nsips 5061/tcp\nxmpp-client 5222/tcp\nxmpp-server 5269/tcp\nmdns 5353/udp\n"
	"postgresql 5432/tcp\ncoap 5683/udp\nx11 6000/tcp\nredis 6379/tcp\nhttp-alt 8080/tcp\nmqtts "
	"8883/tcp\n";

struct line {
	const char *name;   /* of the service */
	size_t name_len;
	long port;
	const char *aliases; /* the rest of the line */
};

static size_t word(const char **at)
{
	*at += strspn(*at, " \t\r");
	return strcspn(*at, " \t\r\n#");
}

/* Reads a line; false: it is none of this protocol. */
static bool read_line(const char *at, const char *protocol, struct line *out)
{
	char *end;
	size_t n;

	out->name = at;
	out->name_len = word(&out->name);
	at = out->name + out->name_len;
	n = word(&at);
	if (out->name_len == 0 || n == 0 || *at < '0' || *at > '9')
		return false;
	out->port = strtol(at, &end, 10);
	size_t proto_len = strlen(protocol);
	if (out->port < 1 || out->port > 65535 || *end != '/' || n != (size_t)(end - at) + 1 + proto_len ||
	    memcmp(end + 1, protocol, proto_len) != 0)
		return false;
	out->aliases = at + n;
	return true;
}

static bool has_name(const struct line *line, const char *name)
{
	size_t len = strlen(name), n;

	if (line->name_len == len && memcmp(line->name, name, len) == 0)
		return true;
	for (const char *at = line->aliases; (n = word(&at)) > 0; at += n)
		if (n == len && memcmp(at, name, n) == 0)
			return true;
	return false;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at == '\n' ? at + 1 : at;
}

int vs_services_port(const char *text, const char *name, const char *protocol)
{
	struct line line;

	for (const char *at = text != NULL ? text : built_in; *at != '\0'; at = next_line(at))
		if (read_line(at, protocol, &line) && has_name(&line, name))
			return (int)line.port;
	return -1;
}

bool vs_services_name(const char *text, uint16_t port, const char *protocol, char *name)
{
	struct line line;

	for (const char *at = text != NULL ? text : built_in; *at != '\0'; at = next_line(at)) {
		if (!read_line(at, protocol, &line) || line.port != port || line.name_len >= 64)
			continue;
		memcpy(name, line.name, line.name_len);
		name[line.name_len] = '\0';
		return true;
	}
	return false;
}
