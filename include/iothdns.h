/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTHDNS_H
#define IOTHDNS_H

/*
 * libiothdns: names in stacks of any kind (ioth.h). A resolver, and calls that read and write DNS messages.
 *
 * Conventions, unless a declaration says otherwise:
 *  - on failure -1 or NULL is returned, with errno.
 *  - strings are NUL-terminated and only read; the library keeps copies.
 *  - names are text without the final dot; the root is "." when it is read, and "" or "." when it is
 * written.
 *    A byte that is not printable is \DDD, a dot inside a label "\.".
 *  - a resolver (struct iothdns) may be used by several threads at the same time. They do not wait for each
 *    other. A message (struct iothdns_pkt) is used by one thread at a time.
 */

#include <ioth.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* strict C99 hides it */

#define IOTHDNS_DEFAULT_PORT 53
#define IOTHDNS_MAXNS 3
#define IOTHDNS_TIMEOUT_MS 1000 /* of one try, without "options timeout:"; there are three */
#define IOTHDNS_DEFAULT_RESOLV_CONF "/etc/resolv.conf"
#define IOTHDNS_DEFAULT_HOSTS "/etc/hosts"
#define IOTHDNS_DEFAULT_SERVICES "/etc/services"

#define IOTHDNS_MAXNAME 256
#define IOTHDNS_MAXSTRING 256 /* a string of 255 bytes, and its NUL, for which 255 were too few */
#define IOTHDNS_UDP_MAXBUF 512
#define IOTHDNS_TCP_MAXBUF 65536

#define IOTHDNS_SECTIONS 4
#define IOTHDNS_SEC_QUERY 0
#define IOTHDNS_SEC_ANSWER 1
#define IOTHDNS_SEC_AUTH 2
#define IOTHDNS_SEC_ADDITIONAL 3

#define IOTHDNS_QUERY 0x0000
#define IOTHDNS_RESPONSE 0x8000
#define IOTHDNS_QR_MASK 0x8000
#define IOTHDNS_IS_QUERY(x) (((x)&IOTHDNS_QR_MASK) == IOTHDNS_QUERY)
#define IOTHDNS_IS_RESPONSE(x) (((x)&IOTHDNS_QR_MASK) == IOTHDNS_RESPONSE)
#define IOTHDNS_OP_MASK 0x7800
#define IOTHDNS_AA 0x0400
#define IOTHDNS_TRUNC 0x0200
#define IOTHDNS_RD 0x0100
#define IOTHDNS_RA 0x0080
#define IOTHDNS_Z 0x0040
#define IOTHDNS_AD 0x0020
#define IOTHDNS_CD 0x0010

#define IOTHDNS_RCODE_MASK 0x000F
#define IOTHDNS_GET_RCODE(x) ((x)&IOTHDNS_RCODE_MASK)
#define IOTHDNS_RCODE_OK 0
#define IOTHDNS_RCODE_EFMT 1
#define IOTHDNS_RCODE_EFAIL 2
#define IOTHDNS_RCODE_ENOENT 3
#define IOTHDNS_RCODE_ENOSUP 4
#define IOTHDNS_RCODE_EPERM 5

#define IOTHDNS_CLASS_IN 1
#define IOTHDNS_CLASS_ANY 255

#define IOTHDNS_TYPE_A 1
#define IOTHDNS_TYPE_NS 2
#define IOTHDNS_TYPE_CNAME 5
#define IOTHDNS_TYPE_SOA 6
#define IOTHDNS_TYPE_NULL 10
#define IOTHDNS_TYPE_PTR 12
#define IOTHDNS_TYPE_MX 15
#define IOTHDNS_TYPE_TXT 16
#define IOTHDNS_TYPE_AAAA 28
#define IOTHDNS_TYPE_OPT 41
#define IOTHDNS_TYPE_ANY 255

struct iothdns;
struct iothdns_pkt;

struct iothdns_header {
	uint16_t id;
	uint16_t flags;
	const char *qname;
	uint16_t qtype;
	uint16_t qclass;
};

struct iothdns_rr {
	const char *name;
	uint16_t type;
#ifdef __cplusplus
	uint16_t rrclass; /* class is a word of C++ */
#else
	uint16_t class;
#endif
	uint32_t ttl; /* seconds */
	uint16_t rdlength;
};

/* ------------------------------------------------------------------ resolvers */

/*
 * Makes a resolver of a stack; NULL: of the network of the process. The settings are a file as
 * resolv.conf(5), or a text of that form. Both NULL: /etc/resolv.conf. A text that has only hexadecimal
 * digits, dots, colons and commas is a list of name servers. The first three name servers count
 * (IOTHDNS_MAXNS). The search list is used as resolv.conf(5) says: a name with fewer dots than ndots is tried
 * with each domain, and then as it is.
 *
 * A reply that is truncated is asked for again by TCP. Questions have EDNS, a random identifier and a port of
 * their own each. Their letters are as the program wrote them (no "0x20"), and a reply may change their case.
 * Answers are kept for as long as their TTLs say. errno: ENOENT and others of open(2), EISDIR (a directory),
 * EINVAL (no regular file, or more than 65000 bytes), ENOMEM. The caller ends it with iothdns_fini(), when no
 * call uses it, and before its stack. NULL is allowed there.
 */
struct iothdns *iothdns_init(struct ioth *stack, char *path_config);
struct iothdns *iothdns_init_strcfg(struct ioth *stack, char *config);
void iothdns_fini(struct iothdns *iothdns);

/* Gives it other settings, for lookups that begin afterwards. Returns 0. On failure the old ones stay. */
int iothdns_update(struct iothdns *iothdns, char *path_config);
int iothdns_update_strcfg(struct iothdns *iothdns, char *config);

/*
 * Adds a name server (af AF_INET: struct in_addr, AF_INET6: struct in6_addr). Returns 0. ENOSPC: it has
 * three. EAFNOSUPPORT: another family.
 */
int iothdns_add_nameserver(struct iothdns *iothdns, int af, void *addr);

/*
 * The files that iothdns_getaddrinfo() and iothdns_getnameinfo() read. NULL: /etc/hosts, /etc/services.
 * setpath: out of memory leaves the old one. getpath writes it, cut if need be, with a NUL, and returns its
 * length; EINVAL: no such file.
 */
enum iothdns_pathtag { IOTHDNS_HOSTS, IOTHDNS_SERVICES, IOTHDNS_PATH_SIZE };
void iothdns_setpath(struct iothdns *iothdns, enum iothdns_pathtag pathtag, char *newvalue);
int iothdns_getpath(struct iothdns *iothdns, enum iothdns_pathtag pathtag, char *buf, size_t size);

/* ------------------------------------------------------------------ lookups */

/*
 * The addresses of a name. The first n are written. Returns how many there are, which may be more than n.
 * 0: the name has none of this kind. -1: ENOENT: there is no such name; EAGAIN: no name server has
 * answered usefully; others. An address as text is converted, and no server is asked. _compat: IPv6 first,
 * then those of IPv4 as ::ffff:a.b.c.d; both are asked for at the same time, and one of them is enough. Hosts
 * files are not read. Only names of hosts have addresses: letters, digits, '-', '_' and dots.
 */
int iothdns_lookup_a(struct iothdns *iothdns, const char *name, struct in_addr *a, int n);
int iothdns_lookup_aaaa(struct iothdns *iothdns, const char *name, struct in6_addr *aaaa, int n);
int iothdns_lookup_aaaa_compat(struct iothdns *iothdns, const char *name, struct in6_addr *aaaa, int n);

/*
 * Asks for records of one type, of the name as it is (no search list), and calls lookup_cb for each record of
 * the reply, those of its authority and additional sections too: the data is read with the iothdns_get calls.
 * The scan ends when lookup_cb does not return 0. rr and vpkt are valid inside lookup_cb only; vpkt is a copy
 * of this call, which it may change. A reply that was kept has the TTLs that are left.
 *
 * _tcp: by TCP only. IOTHDNS_TYPE_ANY, the records of all types, is always asked for by TCP; a server may
 * give a few of them (RFC 8482). Returns 0, also if the name has no such records: lookup_cb is not called
 * then, not even for the SOA record of that reply. -1: as above; EBADMSG or ERANGE: the reply is malformed
 * behind the records that were shown.
 */
typedef int lookup_cb_t(int section, struct iothdns_rr *rr, struct iothdns_pkt *vpkt, void *arg);
int iothdns_lookup_cb(struct iothdns *iothdns, const char *name, int qtype, lookup_cb_t *lookup_cb,
		      void *arg);
int iothdns_lookup_cb_tcp(struct iothdns *iothdns, const char *name, int qtype, lookup_cb_t *lookup_cb,
			  void *arg);

/* getaddrinfo(3), getnameinfo(3) and their relatives. *res is written on success only. */
int iothdns_getaddrinfo(struct iothdns *iothdns, const char *node, const char *service,
			const struct addrinfo *hints, struct addrinfo **res);
void iothdns_freeaddrinfo(struct addrinfo *res);
const char *iothdns_gai_strerror(int errcode);
int iothdns_getnameinfo(struct iothdns *iothdns, const struct sockaddr *addr, socklen_t addrlen, char *host,
			socklen_t hostlen, char *serv, socklen_t servlen, int flags);

/*
 * The same by the name servers that a stack has: those of ioth_config() (<iothconf.h>), DHCP and router
 * advertisements. There is no hosts file. NULL: the default stack, and if that is the network of the
 * process, /etc/resolv.conf and /etc/hosts. Nothing is kept from one call to the next: who looks up many
 * names makes a resolver. EAI_SYSTEM with errno ENOSYS: this kind of stack does not tell its name servers. A
 * stack that is the network of the process (kind kernel), and has no name server of its own, uses
 * /etc/resolv.conf and /etc/hosts. Free *res with ioth_freeaddrinfo(). Not in the
 * family's earlier libraries.
 */
int ioth_getaddrinfo(struct ioth *stack, const char *node, const char *service, const struct addrinfo *hints,
		     struct addrinfo **res);
void ioth_freeaddrinfo(struct addrinfo *res);
int ioth_getnameinfo(struct ioth *stack, const struct sockaddr *addr, socklen_t addrlen, char *host,
		     socklen_t hostlen, char *serv, socklen_t servlen, int flags);

/* ------------------------------------------------------------------ reading messages */

/*
 * Reads header and question. The message stays the caller's, who keeps it until iothdns_free(). h->qname is
 * qnamebuf (IOTHDNS_MAXNAME bytes). NULL with errno EBADMSG: it is no message, or has not one question;
 * ERANGE: its name as text has more than 255 bytes; ENOMEM.
 */
struct iothdns_pkt *iothdns_get_header(struct iothdns_header *h, void *buf, size_t bufsize, char *qnamebuf);

/*
 * Reads the head of the next record. Returns its section. 0: there is none, or, with errno EBADMSG or ERANGE,
 * it is malformed, as is all that follows. A good end leaves errno alone: set it to 0 before. namebuf has
 * IOTHDNS_MAXNAME bytes.
 */
int iothdns_get_rr(struct iothdns_pkt *vpkt, struct iothdns_rr *rr, char *namebuf);

/*
 * Read the data of that record, in order. A read beyond its end returns 0 or NULL, with errno EBADMSG, and
 * writes an empty string. name has IOTHDNS_MAXNAME bytes, string IOTHDNS_MAXSTRING.
 */
uint8_t iothdns_get_int8(struct iothdns_pkt *vpkt);
uint16_t iothdns_get_int16(struct iothdns_pkt *vpkt);
uint32_t iothdns_get_int32(struct iothdns_pkt *vpkt);
void *iothdns_get_data(struct iothdns_pkt *vpkt, void *data, uint16_t len);
char *iothdns_get_name(struct iothdns_pkt *vpkt, char *name);
char *iothdns_get_string(struct iothdns_pkt *vpkt, char *string);
void *iothdns_get_a(struct iothdns_pkt *vpkt, void *addr_ipv4);
void *iothdns_get_aaaa(struct iothdns_pkt *vpkt, void *addr_ipv6);

/* ------------------------------------------------------------------ writing messages */

/* A message with this header and question; qname NULL: without a question. EINVAL: not a name. */
struct iothdns_pkt *iothdns_put_header(struct iothdns_header *h);

/*
 * Add a record, and data to the last record. Counters and lengths are written by the library, rdlength is
 * not read. A record of an earlier section than the last one's is left out with its data (errno EINVAL).
 * What cannot be written (not a name, more than 65535 bytes in all, out of memory) spoils the message: it
 * has no bytes any more.
 */
void iothdns_put_rr(int section, struct iothdns_pkt *vpkt, struct iothdns_rr *rr);
void iothdns_put_int8(struct iothdns_pkt *vpkt, uint8_t data);
void iothdns_put_int16(struct iothdns_pkt *vpkt, uint16_t data);
void iothdns_put_int32(struct iothdns_pkt *vpkt, uint32_t data);
void iothdns_put_data(struct iothdns_pkt *vpkt, void *data, uint16_t len);
void iothdns_put_name(struct iothdns_pkt *vpkt, const char *name);
void iothdns_put_name_uncompressed(struct iothdns_pkt *vpkt, const char *name);
void iothdns_put_string(struct iothdns_pkt *vpkt, char *string);
void iothdns_put_a(struct iothdns_pkt *vpkt, void *addr_ipv4);
void iothdns_put_aaaa(struct iothdns_pkt *vpkt, void *addr_ipv6);

/* ------------------------------------------------------------------ both */

/*
 * The bytes of a message. They belong to it, and are valid until it is changed or freed. NULL and 0 with
 * errno (EMSGSIZE, EINVAL, ENOMEM): it is spoilt.
 */
struct iovec iothdns_getbuf(struct iothdns_pkt *vpkt);
void *iothdns_buf(struct iothdns_pkt *vpkt);
size_t iothdns_buflen(struct iothdns_pkt *vpkt);
void iothdns_free(struct iothdns_pkt *vpkt); /* NULL is allowed */

/* Read and change id and flags in place. */
void iothdns_retrieve_header(struct iothdns_pkt *vpkt, uint16_t *id, uint16_t *flags);
void iothdns_rewrite_header(struct iothdns_pkt *vpkt, uint16_t id, uint16_t flags);

/* ------------------------------------------------------------------ servers */

/*
 * Receive a question from a descriptor of ioth_msocket(), call parse_request, send the message that it
 * returns, and free it. NULL: no answer is sent. Malformed requests and replies are dropped, and
 * parse_request is not called. An answer larger than the client takes by UDP (512 bytes, or what its EDNS
 * option says, 4096 at most) becomes one with the bit TC and without records. A client that uses EDNS gets an
 * OPT record. A message of iothdns_get_header() may be returned, too; its bytes must live until the call
 * returns. A reply by UDP leaves from the address that was asked: IP_PKTINFO and IPV6_RECVPKTINFO are set on
 * the descriptor where the stack has them (picox has not).
 *
 * Both return the size of the request, -1 with errno, or 0: an empty datagram, or the end of the connection.
 * By UDP the call waits as the descriptor does. By TCP a request may come in parts; ETIMEDOUT: request and
 * answer did not pass within ten seconds. Close the connection then, and after other failures.
 */
typedef struct iothdns_pkt *parse_request_t(struct iothdns_header *h, void *arg);
int iothdns_udp_process_request(int fd, parse_request_t *parse_request, void *arg);
int iothdns_tcp_process_request(int fd, parse_request_t *parse_request, void *arg);

#ifdef __cplusplus
}
#endif
#endif
