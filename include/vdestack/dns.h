/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_DNS_H
#define VDESTACK_DNS_H

/*
 * The resolver of a stack: names and addresses, asked for in the stack's network. It is a library of its
 * own, libvdestack-dns (CMake: vdestack::dns, pkg-config: vdestack-dns), built on c-ares.
 *
 * Nothing of the host is used: not /etc/resolv.conf, /etc/hosts or /etc/services unless an option names
 * them, not nscd, not systemd-resolved, and not the variables RES_OPTIONS, LOCALDOMAIN and HOSTALIASES.
 * Every socket is made in the stack.
 *
 * Conventions, besides those of <vdestack.h>:
 *  - getaddrinfo(3)-like functions return 0, or an error code EAI_... (all are negative; gai_strerror(3)).
 *    With EAI_SYSTEM errno is set.
 *  - vdestack_dns_last_error() returns the message of this thread's last failing call of this library.
 *  - every function may be called from any thread, and not from signal handlers. One lookup (struct
 *    vdestack_dns_lookup) is used by one thread at a time.
 *  - no function is a cancellation point.
 *  - after fork(2) the child may use its copies of resolvers. It begins with an empty cache. Lookups that are
 *    under way are the parent's.
 */

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* strict C99 hides the one of <netdb.h> */
struct ifaddrs;

/* ------------------------------------------------------------------ resolvers */

struct vdestack_dns;

/* Bits of vdestack_dns_opts.flags. */
#define VDESTACK_DNS_NO_EDNS  0x1u /* questions without EDNS (RFC 6891) */
#define VDESTACK_DNS_TCP      0x2u /* TCP only */
#define VDESTACK_DNS_NO_CACHE 0x4u /* every lookup asks a name server */
#define VDESTACK_DNS_NO_SEARCH 0x8u /* names are taken as they are: no search list */

/*
 * Options; zero means default everywhere. Set size. Strings are copied.
 *
 * Name servers are taken from the first of these that is given: servers, resolv_conf, the settings of the
 * stack (the words dns= and domain=, DHCP, router advertisements: vdestack_resolvconf(3)). The search list is
 * the first of: search, that of resolv_conf, that of the stack. With servers alone there is none. Files are
 * read again when they have changed.
 */
struct vdestack_dns_opts {
	size_t size;
	unsigned flags;          /* VDESTACK_DNS_... */
	int timeout_ms;          /* of one try at one server; 0 = 2000 */
	int tries;               /* of each server; 0 = 3 */
	int deadline_ms;         /* of a whole lookup; 0 = 10000, -1 = none */
	int cache_entries;       /* answers that are kept; 0 = 512 */
	const char *servers;     /* "10.0.0.53 10.0.0.54:5353 fc00::53 [fc00::53]:5353 fe80::1%vde0" */
	const char *search;      /* "example.org example.com"; "" = no search list */
	const char *resolv_conf; /* a file as resolv.conf(5). Loopback addresses in it are refused */
	const char *hosts;       /* a file as hosts(5) */
	const char *services;    /* a file as services(5); NULL = a built-in list of the usual ones */
};

/*
 * Makes a resolver of a stack. Waits for nothing. opts may be NULL.
 * errno: EINVAL (not a stack, an option that is malformed), E2BIG, ENOMEM.
 * The caller ends it with vdestack_dns_delete(), when no call and no lookup uses it. NULL is allowed there.
 */
struct vdestack_dns *vdestack_dns_new(struct vdestack *stack, const struct vdestack_dns_opts *opts)
	VDESTACK_NODISCARD;
void vdestack_dns_delete(struct vdestack_dns *dns);

/*
 * A network that is not a stack, as functions of the caller. A resolver of it makes and uses its sockets
 * through them. Set size. All but socket may be NULL; arg is passed to each.
 *
 *  - The descriptors are real ones: poll(2) and epoll(7) work. NULL: the system call of the same name.
 *    socket has SOCK_CLOEXEC in type, and for questions SOCK_NONBLOCK: no function may wait for the network.
 *  - if_nametoindex, if_indextoname: the interfaces that scopes name ("fe80::1%vde0"). They return 0 and NULL
 *    if there is none. NULL: the network has no names.
 *  - getifaddrs, freeifaddrs: the addresses of the network, for AI_ADDRCONFIG and RFC 6724. NULL: not known;
 *    AI_ADDRCONFIG leaves nothing out.
 *  - resolvconf: writes name servers and search list as the text of a resolv.conf(5), as
 *    vdestack_resolvconf(3): returns its length, or -1 with errno; ERANGE asks for a larger buffer, up to 64
 *    KiB. It counts as the settings of a stack do, and is read again after a second. NULL: none.
 *
 * They are called by the threads that call functions of the resolver, perhaps by several at the same time,
 * and never after vdestack_dns_delete() has returned. They must not call functions of the same resolver.
 */
struct vdestack_dns_net {
	size_t size;
	void *arg;
	int (*socket)(void *arg, int domain, int type, int protocol);
	int (*close)(void *arg, int fd);
	int (*connect)(void *arg, int fd, const struct sockaddr *addr, socklen_t len);
	int (*getsockname)(void *arg, int fd, struct sockaddr *addr, socklen_t *len);
	ssize_t (*recvfrom)(void *arg, int fd, void *buf, size_t size, int flags, struct sockaddr *from,
			    socklen_t *from_len);
	ssize_t (*sendmsg)(void *arg, int fd, const struct msghdr *message, int flags);
	unsigned (*if_nametoindex)(void *arg, const char *ifname);
	char *(*if_indextoname)(void *arg, unsigned index, char *ifname); /* of IF_NAMESIZE bytes */
	int (*getifaddrs)(void *arg, struct ifaddrs **list);
	void (*freeifaddrs)(void *arg, struct ifaddrs *list);
	int (*resolvconf)(void *arg, char *buf, size_t size);
};

/*
 * Makes a resolver of such a network. The functions are copied. errno: EINVAL (size or socket is missing, an
 * option that is malformed), E2BIG, ENOMEM. Otherwise as vdestack_dns_new().
 */
struct vdestack_dns *vdestack_dns_new_net(const struct vdestack_dns_net *net,
					  const struct vdestack_dns_opts *opts)
	VDESTACK_NODISCARD VDESTACK_NONNULL(1);

/*
 * The resolver that a stack has by itself: the one of vdestack_getaddrinfo() and its relatives. It is made at
 * the first use and belongs to the library. It is valid until the stack is deleted, or until
 * vdestack_dns_set() replaces it. NULL with errno: EINVAL (not a stack), ENOMEM.
 */
struct vdestack_dns *vdestack_dns_of(struct vdestack *stack);

/*
 * Gives the stack's own resolver other options. Call it before that resolver is used, or when no call and no
 * lookup uses it. errno as for vdestack_dns_new().
 */
int vdestack_dns_set(struct vdestack *stack, const struct vdestack_dns_opts *opts);

/* Forgets all answers that the resolver has kept. The library does this when the stack's network changes. */
void vdestack_dns_flush(struct vdestack_dns *dns);

/* ------------------------------------------------------------------ getaddrinfo and getnameinfo */

/*
 * getaddrinfo(3) in the stack. The order of the addresses is that of RFC 6724, by the stack's own addresses
 * and routes. AI_ADDRCONFIG looks at the stack's addresses. "localhost" and names that end in ".localhost"
 * are the loopback addresses. A scope ("fe80::1%vde0") names an interface of the stack. Free *res with
 * vdestack_freeaddrinfo() (NULL is allowed), not with freeaddrinfo(3). *res is written on success only.
 *
 * EAI_AGAIN: no name server has answered usefully; the message says which one failed how. EAI_NONAME: there
 * is no such name. EAI_NODATA (-5): it exists, and has no address of this kind.
 */
int vdestack_getaddrinfo(struct vdestack *stack, const char *node, const char *service,
			 const struct addrinfo *hints, struct addrinfo **res)
	VDESTACK_NODISCARD VDESTACK_NONNULL(5);
int vdestack_dns_getaddrinfo(struct vdestack_dns *dns, const char *node, const char *service,
			     const struct addrinfo *hints, struct addrinfo **res)
	VDESTACK_NODISCARD VDESTACK_NONNULL(5);
void vdestack_freeaddrinfo(struct addrinfo *res);

/* getnameinfo(3) in the stack. */
int vdestack_getnameinfo(struct vdestack *stack, const struct sockaddr *addr, socklen_t addrlen, char *host,
			 socklen_t hostlen, char *service, socklen_t servicelen, int flags)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
int vdestack_dns_getnameinfo(struct vdestack_dns *dns, const struct sockaddr *addr, socklen_t addrlen,
			     char *host, socklen_t hostlen, char *service, socklen_t servicelen, int flags)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);

/* ------------------------------------------------------------------ records of any type */

/* A record of an answer. data and size are its RDATA; names in it may be compressed. */
struct vdestack_dns_record {
	const unsigned char *data;
	size_t size;
	uint32_t ttl_s;
};

/* An answer. Everything belongs to it. */
struct vdestack_dns_answer {
	const char *name;             /* the name that owns the records, after aliases (CNAME) */
	const unsigned char *message; /* the whole reply, for names in records: vdestack_dns_expand(). Its
					 TTLs are those that are left, too */
	size_t message_size;
	uint32_t ttl_s;               /* for which the answer holds: the smallest of records and aliases */
	size_t n;
	const struct vdestack_dns_record *records;
};

/*
 * Asks for records of one type (a number from <arpa/nameser.h>: ns_t_srv, ns_t_txt...). The name is taken as
 * it is, without search list and hosts file; those that end in .onion or .invalid do not exist. EAI_NONAME,
 * EAI_NODATA: as above. EAI_NONAME also for types that no record has (OPT, AXFR...). ns_t_any: the records of
 * all types that the server gives (RFC 8482: it may be a few of them), aliases too; which type a record has
 * is read from the message. Free *answer with vdestack_dns_free_answer(); NULL is allowed there.
 */
int vdestack_dns_query(struct vdestack_dns *dns, const char *name, int type,
		       const struct vdestack_dns_answer **answer) VDESTACK_NODISCARD VDESTACK_NONNULL(2, 4);
void vdestack_dns_free_answer(const struct vdestack_dns_answer *answer);

/*
 * Writes the domain name at `at` of the answer's message as text, without a final dot ("." = the root).
 * Returns how many bytes it has in the message, or -1 with errno EBADMSG (malformed) or ERANGE (buf is too
 * small; 1025 bytes are enough). Bytes that are not printable are \DDD; a dot in a label is "\.".
 */
int vdestack_dns_expand(const struct vdestack_dns_answer *answer, const unsigned char *at, char *buf,
			size_t size) VDESTACK_NONNULL(1, 2, 3);

/* ------------------------------------------------------------------ services and texts */

/* A place where a service is offered (RFC 2782). A list, in the order in which they are to be tried. */
struct vdestack_dns_srv {
	struct vdestack_dns_srv *next;
	const char *target; /* the host, without a final dot: its addresses are looked up next */
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
	uint32_t ttl_s;
};

/*
 * Looks up the places of a service, for example "_ldap._tcp.example.org". Lower priorities come first. Among
 * places of one priority the order is chosen anew in each call, at random, by their weights.
 * EAI_SERVICE: the domain says that it does not offer this service (its only target is "."). EAI_FAIL: a
 * record is malformed. Else as vdestack_dns_query(). Free *list with vdestack_dns_free_srv(); NULL is
 * allowed there.
 */
int vdestack_dns_lookup_srv(struct vdestack_dns *dns, const char *name, struct vdestack_dns_srv **list)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);
void vdestack_dns_free_srv(struct vdestack_dns_srv *list);

/* A TXT record: strings of up to 255 bytes each. They may hold any bytes; a NUL follows each. */
struct vdestack_dns_string {
	const char *text;
	size_t size; /* without that NUL */
};
struct vdestack_dns_txt {
	struct vdestack_dns_txt *next;
	const char *text; /* all strings of the record, one after the other, and a NUL */
	size_t size;      /* without that NUL */
	size_t n;
	const struct vdestack_dns_string *strings;
	uint32_t ttl_s;
};

/* Looks up the TXT records of a name, in the order of the reply. EAI_FAIL: a record is malformed. */
int vdestack_dns_lookup_txt(struct vdestack_dns *dns, const char *name, struct vdestack_dns_txt **list)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);
void vdestack_dns_free_txt(struct vdestack_dns_txt *list);

/* The same for an answer that is there already: of vdestack_dns_query() or vdestack_dns_finish_type(). */
int vdestack_dns_read_srv(const struct vdestack_dns_answer *answer, struct vdestack_dns_srv **list)
	VDESTACK_NODISCARD VDESTACK_NONNULL(1, 2);
int vdestack_dns_read_txt(const struct vdestack_dns_answer *answer, struct vdestack_dns_txt **list)
	VDESTACK_NODISCARD VDESTACK_NONNULL(1, 2);

/* ------------------------------------------------------------------ without waiting */

/*
 * The same for programs with an event loop, as vdestack_new_start(3):
 *
 *  - vdestack_dns_start() begins a vdestack_dns_getaddrinfo(), vdestack_dns_start_type() a
 *    vdestack_dns_query(). NULL with errno: EINVAL, ENOMEM, EMFILE. A name that cannot be looked up is
 *    reported by finish.
 *  - vdestack_dns_fd() returns a descriptor that is readable (POLLIN) when finish has something to do. It
 *    stays the same, belongs to the lookup, and must not be read or closed.
 *  - finish does what can be done without waiting. 1: *res or *answer is the result. 0: the lookup goes on.
 *    Negative: an error code EAI_.... Unless it goes on, the lookup is freed.
 *  - vdestack_dns_cancel() ends a lookup. NULL is allowed.
 *
 * After fork(2) finish fails in the child with EAI_CANCELED (-101); finish and cancel free the child's copy
 * and change nothing for the parent.
 *
 * Each such lookup has descriptors and sockets of its own. For many at the same time there are groups.
 */
struct vdestack_dns_lookup;
struct vdestack_dns_lookup *vdestack_dns_start(struct vdestack_dns *dns, const char *node,
					       const char *service,
					       const struct addrinfo *hints) VDESTACK_NODISCARD;
struct vdestack_dns_lookup *vdestack_dns_start_type(struct vdestack_dns *dns, const char *name, int type)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
int vdestack_dns_fd(const struct vdestack_dns_lookup *lookup);
int vdestack_dns_finish(struct vdestack_dns_lookup *lookup, struct addrinfo **res)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
int vdestack_dns_finish_type(struct vdestack_dns_lookup *lookup, const struct vdestack_dns_answer **answer)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
void vdestack_dns_cancel(struct vdestack_dns_lookup *lookup);

/*
 * Many lookups with one descriptor. The lookups of a group share sockets, and questions that are the same, so
 * they cost a tenth of what they cost alone.
 *
 *  - vdestack_dns_group_new() makes a group. NULL with errno: EINVAL, ENOMEM, EMFILE.
 *  - vdestack_dns_group_start() and vdestack_dns_group_start_type() begin a lookup in it, as the functions
 *    above. data is for the program.
 *  - vdestack_dns_group_fd() returns a descriptor that is readable (POLLIN) when next has something to do.
 *    It belongs to the group, and must not be read or closed. vdestack_dns_fd() of a lookup is the same one.
 *  - vdestack_dns_group_next() does what can be done without waiting, and returns a lookup that has ended;
 *    *data becomes its data (data may be NULL). Each is returned once. The program calls finish for its
 *    result. NULL with errno EAGAIN: none has ended.
 *  - vdestack_dns_cancel() ends a single lookup, vdestack_dns_group_delete() all of the group, and the group.
 *    NULL is allowed.
 *
 * A group and its lookups are used by one thread at a time. After fork(2) the child may only end its copy;
 * other calls fail with ECANCELED. To be ended before the resolver.
 */
struct vdestack_dns_group;
struct vdestack_dns_group *vdestack_dns_group_new(struct vdestack_dns *dns) VDESTACK_NODISCARD;
struct vdestack_dns_lookup *vdestack_dns_group_start(struct vdestack_dns_group *group, const char *node,
						     const char *service, const struct addrinfo *hints,
						     void *data) VDESTACK_NODISCARD;
struct vdestack_dns_lookup *vdestack_dns_group_start_type(struct vdestack_dns_group *group, const char *name,
							  int type, void *data)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
int vdestack_dns_group_fd(const struct vdestack_dns_group *group);
struct vdestack_dns_lookup *vdestack_dns_group_next(struct vdestack_dns_group *group, void **data)
	VDESTACK_NODISCARD;
void vdestack_dns_group_delete(struct vdestack_dns_group *group);

/* ------------------------------------------------------------------ errors */

/*
 * The message of this thread's last failing call of this library: one line. For EAI_AGAIN it says which name
 * server failed how ("10.0.0.53: timed out; 10.0.0.54: connection refused"). "" if nothing has failed yet.
 * Valid until the thread's next failing call.
 */
const char *vdestack_dns_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
