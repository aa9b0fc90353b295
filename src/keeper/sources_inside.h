/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SOURCES_INSIDE_H
#define VS_KEEPER_SOURCES_INSIDE_H

/*
 * What the files sources*.c share; see the essay in sources.c. Everything belongs to the thread of the
 * sources, except where another owner is named.
 */

#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto/auto.h"
#include "wire/sources.h"

struct vs_call;
struct vs_events;
struct vs_job;
struct vs_keeper;
struct vs_net;
struct vs_lease_dir;
struct vs_lease_files;
struct vs_lease_reading;
struct vs_lease_writing;
struct vs_source;
struct vs_source_closing;
struct vs_sources;
struct vs_sources_stack;
struct vs_work;
struct vs_worker;

/* A descriptor in the epoll set. `ready` may free what it is part of. */
struct vs_watch {
	void (*ready)(struct vs_watch *w);
	int fd; /* -1: none */
};

#define VS_OF(type, member, pointer) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* The sockets of an interface's sources, made in its namespace. -1: none. */
struct vs_source_sockets {
	int ip;    /* packet socket: IPv4 */
	int arp;   /* packet socket: ARP */
	int udp4;  /* not bound yet */
	int udp6;  /* not bound yet */
	int icmp6; /* raw socket: router advertisements */
};

/* An address or a route that a source has set. */
struct vs_source_addr {
	struct vs_auto_addr addr;
	vs_auto_ms set; /* when: the lifetimes count from there */
	bool missing;   /* the kernel has removed it */
	bool seen;      /* in the list of addresses that is on its way */
};

struct vs_source_route {
	struct vs_auto_route route;
	vs_auto_ms set;
};

enum vs_source_phase {
	VS_SOURCE_WAITING,  /* for its lease files, or DHCPv6 for a link-local address that can be used */
	VS_SOURCE_RUNNING,
	VS_SOURCE_PARTING,  /* stopped; its last packets leave, or wait for their turn; then it is freed */
};

/* What may take long; see sources_work.c. */
enum vs_sources_worker { VS_WORK_FILES, VS_WORK_SOCKETS, VS_WORKERS };

struct vs_source {
	const struct vs_auto_kind *kind;
	struct vs_source_iface *iface;
	struct vs_auto_config config;
	char *fqdn;         /* NULL: none */
	enum vs_source_phase phase;
	bool by_ra;         /* started by a flag of a router advertisement */
	bool must_save;     /* the machine has a new lease */
	vs_auto_ms sent_at; /* when it has last sent a packet of IPv6, */
	bool unsent;        /* which the kernel has refused */
	bool new_facts;     /* other name servers and the like, and no event has said so yet */
	bool said_news;     /* an event has been sent that makes readers look at them */
	bool ready;
	int flag;           /* of a router advertisement, to be acted on; 0: none */
	bool listens;       /* the IPv4 packet socket gets packets, when its worker has done its work */
	bool by_worker;     /* that socket has been given to the worker before */
	struct vs_source_closing *closing; /* made before, so that it cannot fail */
	bool udp_bound;
	struct vs_watch rx; /* IPv4 packets, UDP over IPv6, or ICMPv6 */
	struct vs_watch arp;
	int udp4;           /* sends, and receives nothing; -1: none */
	uint8_t arp_for[4]; /* the address that the ARP filter is for; 0: it drops all */
	vs_auto_ms deadline, parting_until;
	bool awaits_turn;   /* PARTING: its machine goes on until its release may be sent */
	size_t heap_at;     /* its place in the heap */
	struct vs_source_addr *addrs;
	struct vs_source_route *routes;
	size_t n_addrs, n_routes;
	struct vs_auto_facts *facts; /* NULL: none yet */
	vs_auto_ms facts_at;
	const char *storage; /* what is wrong with its lease file; NULL: nothing */
	int storage_err;     /* the errno of that */
	bool no_duid;        /* there is no DUID in a file; that a lease can be written does not end this */
	struct vs_lease_reading *reading; /* of its lease files; NULL: none, or used */
	struct vs_lease_writing *writing; /* of its lease, on its way; NULL: none */
	_Alignas(max_align_t) unsigned char machine[];
};

/* The words dns= and domain=. */
struct vs_source_names {
	struct vs_wire_ip dns[VS_SOURCES_DNS_MAX];
	uint32_t n_dns;
	char domains[VS_SOURCES_DOMAINS_BYTES];
};

struct vs_source_iface {
	struct vs_sources_stack *stack;
	struct vs_source_iface *next;
	char name[IF_NAMESIZE];
	int ifindex;
	uint8_t mac[6];
	bool up;         /* as the kernel has reported */
	bool seen;       /* in the list of links that is on its way */
	bool carrier_known;
	uint32_t carrier_losses; /* how often */
	bool link_local; /* there is a link-local address that can be used */
	bool ip6;        /* the interface has IPv6 */
	bool mtu_fixed;  /* by the word mtu= */
	uint32_t mtu_before, mtu_set; /* set: what DHCPv4 has given and is applied; 0: nothing */
	uint32_t active;           /* VS_SOURCES_..., as requested */
	uint32_t required, one_of;
	uint32_t flags, pd_len;    /* of the last request that started something */
	char *fqdn;                /* NULL: none */
	struct vs_source *sources[VS_SOURCE_N];
	int udp6;        /* kept for DHCPv6 that a router may ask for; -1 */
	struct vs_lease_files *files; /* NULL: none are used */
	struct vs_source_names *names; /* NULL: none */
	bool information; /* DHCPv6 is started for information only */
	bool gone;        /* the device has been deleted */
	struct vs_job *removal; /* to be submitted when the last source is gone */
};

/* A call that is answered when the sources are ready, or when those that it has stopped are gone. */
struct vs_sources_wait {
	struct vs_watch hangup; /* of its reply channel, which belongs to the call */
	struct vs_sources_stack *stack;
	struct vs_sources_wait *next;
	struct vs_call *call;
	int stopped_on; /* index of the interface; 0: the call waits until sources are ready */
};

/* What another thread wants. Owned by the queue, then by the thread of the sources. */
enum vs_order_kind { VS_ORDER_REQUEST, VS_ORDER_REMOVE, VS_ORDER_END };

struct vs_order {
	enum vs_order_kind kind;
	struct vs_sources_stack *stack;
	struct vs_order *next;
	struct vs_call *call;         /* REQUEST */
	struct vs_wire_sources *want; /* of VS_OP_SOURCES, checked; owned */
	struct vs_source_sockets sockets;
	int ifindex;
	uint8_t mac[6];
	bool ip6, mtu_fixed;          /* of the interface */
	char ifname[IF_NAMESIZE];     /* REMOVE */
	struct vs_job *job;           /* REMOVE */
};

struct vs_sources_stack {
	struct vs_keeper *keeper;   /* constant */
	struct vs_sources *sources; /* constant once the first order has been taken */
	struct vs_events *events;   /* a counted use; constant */
	int cmd;                    /* rtnetlink socket for requests */
	struct vs_watch notes;      /* rtnetlink socket for notifications and lists */
	bool listing;               /* a list is on its way there */
	bool list_again;
	bool list_torn;             /* it was changed while the kernel wrote it */
	struct vs_source_iface *ifaces;
	struct vs_sources_wait *waits;
	unsigned n_waits;
	uint64_t generation;
	char name[64];
	struct vs_lease_dir *leases; /* NULL: none */
	bool ending;
	struct vs_work *late;       /* sockets that are closed with this record */
	struct vs_order end;        /* made before, so that it cannot fail */
	/* Under the keeper's lock: */
	unsigned users;             /* the networking thread, and the thread of the sources */
	bool ended;
	pthread_cond_t over;        /* it has */
};

/* The bits of a request that stand for a source. */
struct vs_sources_kind {
	enum vs_auto_source source;
	uint32_t bits; /* VS_SOURCES_... */
};

#define VS_SOURCES_KINDS 3
extern const struct vs_sources_kind vs_sources_kinds[VS_SOURCES_KINDS];

/* Milliseconds of CLOCK_BOOTTIME. */
vs_auto_ms vs_sources_now(void);

/* ---- sources.c ---- */

/* Closes its sockets and frees it, if it is not a part of the stack's record. */
void vs_sources_order_free(struct vs_order *order);
/* Networking thread: gives the order to the thread of the sources, which is started if need be. */
void vs_sources_post(struct vs_order *order);
/* Networking thread: counts a new stack. 0 or -errno. */
int vs_sources_join(struct vs_keeper *k, struct vs_sources_stack *stack);
/* The stack has no sources any more, and is not used after this call. */
void vs_sources_ended(struct vs_sources_stack *stack);
/* Any thread: drops one use, and frees it after the last. */
void vs_sources_unref(struct vs_sources_stack *stack);

int vs_sources_watch(struct vs_sources *all, struct vs_watch *w, int fd, void (*ready)(struct vs_watch *),
		     uint32_t events);
void vs_sources_unwatch(struct vs_watch *w); /* closes it */
/* Takes it out of the set. Returns the descriptor; -1: there was none. */
int vs_sources_pause(struct vs_sources *all, struct vs_watch *w);
/* Reserves a place in the heap of deadlines. 0 or -ENOMEM. */
int vs_sources_enlist(struct vs_sources *all, struct vs_source *s);
void vs_sources_delist(struct vs_sources *all, struct vs_source *s);
void vs_sources_deadline(struct vs_sources *all, struct vs_source *s, vs_auto_ms deadline);
/* When a source that has been stopped may send its release: now, or later. */
vs_auto_ms vs_sources_turn(struct vs_sources *all);
/* Gives work to the thread for lease files, or to the one for packet sockets. Takes it. */
void vs_sources_work(struct vs_sources *all, enum vs_sources_worker which, struct vs_work *work);

/* ---- source.c: one source ---- */

/*
 * Makes a source and starts it, or lets it wait. Takes the sockets that it needs out of *sockets. 0 or
 * -errno.
 */
int vs_source_start(struct vs_source_iface *iface, enum vs_auto_source source, bool by_ra,
		    struct vs_source_sockets *sockets);
/*
 * Stops it. It frees itself when its last packets are sent. release: its server is informed, unless the
 * configuration forbids it; without, it is freed at once.
 */
void vs_source_stop(struct vs_source *s, bool release);
/* The same without release, and its lease file stays: another source takes its place at once. */
void vs_source_replace(struct vs_source *s);
/* A new request has options for it. False: it has to begin anew to have them. */
bool vs_source_take_options(struct vs_source *s);
/* Stops it without a word to its server, and frees it: its interface is gone. */
void vs_source_drop(struct vs_source *s);
/* Its deadline has passed. */
void vs_source_timer(struct vs_source *s);
/* A packet for the machine. */
void vs_source_input(struct vs_source *s, const struct vs_auto_packet *packet);
void vs_source_link(struct vs_source *s, bool up);
/* Sends the event that the words dns= and domain= of an interface have changed. */
void vs_source_tell_static(const struct vs_source_iface *iface);
void vs_source_detected(struct vs_source *s, const struct vs_auto_ip *ip, bool duplicate);
/* A source that waits starts now, if nothing is missing any more. */
void vs_source_begin(struct vs_source *s);
/* problem: constant, with its lease files; NULL: none any more. A new one is an event with that errno. */
void vs_source_storage(struct vs_source *s, const char *problem, int err);
/* NULL: there is no such kind in this build. */
const struct vs_auto_kind *vs_source_kind(enum vs_auto_source source);

/* ---- sources_stack.c: interfaces and requests ---- */

void vs_sources_stack_order(struct vs_order *order);
/* A source has changed whether it is ready, or is gone. May free the interface and the stack. */
void vs_sources_stack_settle(struct vs_sources_stack *stack);
void vs_sources_stack_flag(struct vs_source_iface *iface, bool managed);
/* A source that has been stopped is gone. */
void vs_sources_stack_forget(struct vs_source *s);
struct vs_source_iface *vs_sources_stack_iface(struct vs_sources_stack *stack, int ifindex);
bool vs_sources_stack_has_sources(const struct vs_source_iface *iface);

/* ---- sources_sockets.c: by the networking thread ---- */

/* Makes what the sources in `start` need. 0 or -errno with a message. */
int vs_sources_sockets_make(struct vs_source_sockets *s, uint32_t start, const char *ifname, int ifindex,
			    const uint8_t mac[6]);
void vs_sources_sockets_close(struct vs_source_sockets *s);
/*
 * Fills in *ifindex and mac. starts: it must be an Ethernet interface. 0 or -errno with a message.
 */
int vs_sources_sockets_find(int netlink, const char *ifname, bool starts, int *ifindex, uint8_t mac[6]);
/* Any thread: the ARP filter passes what shows another host with this address. Four zeros: nothing. */
void vs_sources_sockets_arp_for(struct vs_source *s, const uint8_t ip[4]);

/* ---- sources_packets.c: by the thread of the sources ---- */

void vs_sources_packets_send(struct vs_source *s, const struct vs_auto_packet *packet);
/* Reads some packets from a watched socket of s and passes them on. Returns at once. */
void vs_sources_packets_read(struct vs_source *s, bool arp);
/* Whether the IPv4 packet socket gets packets. */
void vs_sources_packets_listen(struct vs_source *s, bool on);
/* Binds the socket of DHCPv6. 0 or -errno. */
int vs_sources_packets_bind6(int fd);
/* 0 or -ENOMEM. */
int vs_sources_packets_prepare(struct vs_source *s);
/* Closes the sockets. */
void vs_sources_packets_close(struct vs_source *s);
/* The last user of a stack that ends: closes what is left. */
void vs_sources_packets_close_late(struct vs_sources_stack *stack);
/* Whether packets that were sent still wait for a neighbour's address. */
bool vs_sources_packets_pending(const struct vs_source *s);

/* ---- sources_apply.c: addresses and routes in the kernel ---- */

/* They set the kernel's state and the source's lists. */
void vs_sources_apply_addr(struct vs_source *s, const struct vs_auto_addr *addr, bool set);
void vs_sources_apply_route(struct vs_source *s, const struct vs_auto_route *route, bool set);
/* Removes all that s has set. gone: with the device, so only from the lists. */
void vs_sources_apply_remove_all(struct vs_source *s, bool gone);
/* Sets it all again: the kernel has removed it while the interface was down. */
void vs_sources_apply_again(struct vs_source *s);
/* The record of an address in the list. NULL: s has not set it. */
struct vs_source_addr *vs_sources_apply_find(const struct vs_source *s, const struct vs_auto_ip *ip);

/* ---- sources_notes.c: what the kernel reports ---- */

/* Subscribes. 0 or -errno. */
int vs_sources_notes_subscribe(int fd);
/* Asks for lists of links and addresses, which come like notifications. */
void vs_sources_notes_list(struct vs_sources_stack *stack);
/* Reads notifications. */
void vs_sources_notes_read(struct vs_watch *w);

/* ---- sources_waits.c: calls that wait until sources are ready ---- */

/* The VS_SOURCES_... of a source. */
uint32_t vs_sources_waits_bits(enum vs_auto_source source);
/* Whether the sources of an interface are ready; name "": of all. */
bool vs_sources_waits_ready(const struct vs_sources_stack *stack, const char *name);
/* Whether sources of an interface have been stopped and are not gone yet. */
bool vs_sources_waits_parting(const struct vs_sources_stack *stack, int ifindex);
/* Takes the call on success, and answers it later. stopped_on: see above. 0 or -errno with a message. */
int vs_sources_waits_add(struct vs_sources_stack *stack, struct vs_call *call, int stopped_on);
/* Answers the calls whose sources are ready, or all if the stack ends. */
void vs_sources_waits_answer(struct vs_sources_stack *stack);

/* ---- sources_sysctls.c: by the networking thread ---- */

/*
 * Writes the sysctls that the sources to be started need, or writes the old values again after the last of
 * them has been stopped. leases: a directory, or -1.
 */
void vs_sources_sysctls_write(struct vs_net *n, const struct vs_wire_sources *want, int ifindex, int leases);
/* Forgets the old values of an interface that goes; NULL: of all. */
void vs_sources_sysctls_drop(struct vs_net *n, const char *ifname);
/* Whether the interface has IPv6. */
bool vs_sources_sysctls_ip6(const char *ifname);

/* ---- sources_mtu.c ---- */

/* Sets the MTU that DHCPv4 has given, or the one from before, as the state of the sources says. */
void vs_sources_mtu_update(struct vs_source_iface *iface);
/* What is wrong with the MTU that the server has given; NULL: nothing. */
const char *vs_sources_mtu_problem(const struct vs_source_iface *iface);

/* ---- sources_turns.c: when releases are sent ---- */

#define VS_SOURCES_TURNS_MS 4000 /* no turn is later */

/* *next: 0 at first; shared by all that must not send at once. Returns the turn, not before now. */
vs_auto_ms vs_sources_turns_take(vs_auto_ms *next, vs_auto_ms now);

/* ---- sources_work.c: threads for what may take long ---- */

/* A worker's thread calls run(). Then the thread of the sources calls done(), which frees the work. */
struct vs_work {
	void (*run)(struct vs_work *work);
	void (*done)(struct vs_work *work);
	struct vs_work *next;
};

/* wake: an eventfd, written to when something is finished. NULL: out of memory or descriptors. */
struct vs_worker *vs_worker_new(const char *name, int wake, bool drops_caps);
/* Takes the work. done() is not called from here. */
void vs_worker_submit(struct vs_worker *w, struct vs_work *work);
/* Calls done() for what is finished. */
void vs_worker_finish(struct vs_worker *w);
bool vs_worker_pending(const struct vs_worker *w);
/* Frees it, or leaves it to its thread. */
void vs_worker_leave(struct vs_worker *w);

/* ---- sources_leases.c ---- */

/*
 * Any thread: the secret of stable interface ids, of this interface of a stack. leases: a directory, or -1:
 * the secret is drawn anew. False: the file cannot be used, and the secret is a new one.
 */
bool vs_sources_leases_secret(int leases, const char *stack, const char *ifname, uint8_t secret[16]);

/* Takes the descriptor. NULL: out of memory. */
struct vs_lease_dir *vs_sources_leases_dir(int fd);
void vs_sources_leases_drop_dir(struct vs_lease_dir *dir);
/* Names the lease files of an interface, if its stack has a directory. */
void vs_sources_leases_open(struct vs_source_iface *iface);
void vs_sources_leases_close(struct vs_source_iface *iface);
/* Whether an interface has lease files that are its own. */
bool vs_sources_leases_held(const struct vs_source_iface *iface);
/* Begins to read the DUID or the secret, and the lease. */
void vs_sources_leases_read(struct vs_source *s);
/* Whether that is still going on. */
bool vs_sources_leases_reading(const struct vs_source *s);
/* The lease that was read, once. False: there is no lease to be used. */
bool vs_sources_leases_take(struct vs_source *s, struct vs_auto_lease *lease);
/*
 * Stores the machine's lease, or removes the file if there is none. Without `last` a source has one write at
 * a time; s->must_save stands for the next one.
 */
void vs_sources_leases_save(struct vs_source *s, bool last);
/* The text of s->storage, which is not NULL, with its cause. */
void vs_sources_leases_problem(const struct vs_source *s, char *to, size_t size);
/* The source goes. */
void vs_sources_leases_forget(struct vs_source *s);

/* ---- sources_facts.c ---- */

/* Answers VS_OP_LEARNED. stack NULL: there are no sources. */
void vs_sources_facts_reply(struct vs_keeper *k, struct vs_call *call, const struct vs_sources_stack *stack);

#endif
