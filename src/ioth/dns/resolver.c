/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A resolver is a text of settings, two paths, and a set of resolvers of libvdestack-dns whose network is the
 * stack. They ask for the text when they need it. Other paths need another set: a lookup keeps the one it has
 * begun with, and the last user ends it.
 *
 * One lock for all resolvers is held for work in memory only, never during a lookup, so threads do not wait
 * for each other. fork(2) takes it, so a child does not find it locked by a thread that it does not have.
 * text, paths, version and set are read and changed under the lock; users of a set, too. A new set is made
 * without it: version tells whether another thread has changed the paths meanwhile.
 */

#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ioth/lib/internal.h"
#include "settings.h"

struct vs_iothdns_set {
	unsigned users; /* the resolver is one */
	struct vdestack_dns *dns[VS_IOTHDNS_KINDS];
};

struct iothdns {
	struct ioth *stack;
	bool of_stack; /* the settings are the stack's: text is NULL, and there is one kind */
	char *text;
	char *paths[IOTHDNS_PATH_SIZE]; /* NULL: the usual one */
	unsigned long version;          /* of paths */
	struct vs_iothdns_set *set;
};

/* ------------------------------------------------------------------ the lock */

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
	pthread_mutex_lock(&the_lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&the_lock);
}

static int fork_error;

static void follow_forks(void)
{
	fork_error = pthread_atfork(lock, unlock, unlock);
}

/* 0 or an errno. */
static int follow_forks_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, follow_forks);
	return fork_error;
}

/* ------------------------------------------------------------------ the network */

static int net_socket(void *arg, int domain, int type, int protocol)
{
	const struct iothdns *d = arg;

	return d->stack != NULL ? ioth_msocket(d->stack, domain, type, protocol)
				: socket(domain, type, protocol);
}

static int net_close(void *arg, int fd)
{
	(void)arg;
	return ioth_close(fd);
}

static int net_connect(void *arg, int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)arg;
	return ioth_connect(fd, addr, len);
}

static int net_getsockname(void *arg, int fd, struct sockaddr *addr, socklen_t *len)
{
	(void)arg;
	return ioth_getsockname(fd, addr, len);
}

/* c-ares would take EINTR for a failure of the server. */
static ssize_t net_recvfrom(void *arg, int fd, void *buf, size_t size, int flags, struct sockaddr *from,
			    socklen_t *from_len)
{
	ssize_t n;

	(void)arg;
	do {
		n = ioth_recvfrom(fd, buf, size, flags, from, from_len);
	} while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t net_sendmsg(void *arg, int fd, const struct msghdr *message, int flags)
{
	ssize_t n;

	(void)arg;
	do {
		n = ioth_sendmsg(fd, message, flags);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int ask_interface(void *arg, unsigned long request, struct ifreq *r)
{
	int fd = net_socket(arg, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	int result =
		((struct iothdns *)arg)->stack != NULL ? ioth_ioctl(fd, request, r) : ioctl(fd, request, r);
	(void)(((struct iothdns *)arg)->stack != NULL ? ioth_close(fd) : close(fd));
	return result;
}

static unsigned net_index(void *arg, const char *ifname)
{
	struct ifreq r = { .ifr_ifindex = 0 };

	if (strlen(ifname) >= sizeof(r.ifr_name))
		return 0;
	memcpy(r.ifr_name, ifname, strlen(ifname));
	return ask_interface(arg, SIOCGIFINDEX, &r) == 0 ? (unsigned)r.ifr_ifindex : 0;
}

static char *net_name(void *arg, unsigned index, char *ifname)
{
	struct ifreq r = { .ifr_ifindex = (int)index };

	return ask_interface(arg, SIOCGIFNAME, &r) == 0 ? memcpy(ifname, r.ifr_name, IF_NAMESIZE) : NULL;
}

static int net_getifaddrs(void *arg, struct ifaddrs **list)
{
	const struct iothdns *d = arg;

	return d->stack != NULL ? ioth_getifaddrs(d->stack, list) : getifaddrs(list);
}

static void net_freeifaddrs(void *arg, struct ifaddrs *list)
{
	const struct iothdns *d = arg;

	if (d->stack != NULL)
		ioth_freeifaddrs(list);
	else
		freeifaddrs(list);
}

/* What the plugin knows: from libiothconf, DHCP and router advertisements. */
static int stack_resolvconf(struct ioth *stack, char *buf, size_t size)
{
	struct ioth_inside inside;
	void *data;
	const struct ioth_functions *f = ioth_internal_enter(&inside, stack, &data);
	int r = -1;

	if (f == NULL)
		return -1;
	errno = ENOSYS;
	if (f->resolvconf != NULL)
		r = f->resolvconf(data, NULL, buf, size);
	ioth_internal_leave(&inside);
	return r;
}

bool vs_iothdns_stack_names_server(struct ioth *stack)
{
	bool names = true;

	for (size_t size = 4096; size <= 65536; size *= 16) {
		char *text = malloc(size);
		int n = text != NULL ? stack_resolvconf(stack, text, size) : -1;
		if (n >= 0)
			names = vs_iothdns_names_server(text);
		free(text);
		if (n >= 0 || errno != ERANGE)
			break;
	}
	return names;
}

/* The text, behind a line with the time limit of this library. A limit in the text counts instead. */
static int net_resolvconf(void *arg, char *buf, size_t size)
{
	static const char limit[] = "options timeout:1\n";
	const size_t before = sizeof(limit) - 1;
	struct iothdns *d = arg;
	int n = 0;

	_Static_assert(IOTHDNS_TIMEOUT_MS == 1000, "the line above says it in seconds");
	if (size > before) {
		memcpy(buf, limit, before);
		buf += before;
		size -= before;
	} else {
		size = 0;
	}
	if (d->of_stack && size > 0) {
		n = stack_resolvconf(d->stack, buf, size);
		return n < 0 ? -1 : (int)before + n;
	}
	lock();
	n = d->text != NULL ? (int)strlen(d->text) : 0;
	if ((size_t)n < size)
		memcpy(buf, d->text, (size_t)n + 1);
	unlock();
	if ((size_t)n >= size) {
		errno = ERANGE;
		return -1;
	}
	return (int)before + n;
}

/* ------------------------------------------------------------------ sets */

static void free_set(struct vs_iothdns_set *set)
{
	for (int i = 0; set != NULL && i < VS_IOTHDNS_KINDS; i++)
		vdestack_dns_delete(set->dns[i]);
	free(set);
}

static struct vs_iothdns_set *new_set(struct iothdns *d, char *const paths[IOTHDNS_PATH_SIZE])
{
	struct vdestack_dns_net net = { .size = sizeof(net),
					.arg = d,
					.socket = net_socket,
					.if_nametoindex = net_index,
					.if_indextoname = net_name,
					.getifaddrs = net_getifaddrs,
					.freeifaddrs = net_freeifaddrs,
					.resolvconf = net_resolvconf };
	const char *services = paths[IOTHDNS_SERVICES];
	struct vs_iothdns_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	if (d->stack != NULL) { /* else the system calls */
		net.close = net_close;
		net.connect = net_connect;
		net.getsockname = net_getsockname;
		net.recvfrom = net_recvfrom;
		net.sendmsg = net_sendmsg;
	}
	if (services == NULL && access(IOTHDNS_DEFAULT_SERVICES, R_OK) == 0)
		services = IOTHDNS_DEFAULT_SERVICES; /* else the list that the resolver has */
	set->users = 1;
	for (int kind = 0; kind < (d->of_stack ? 1 : VS_IOTHDNS_KINDS); kind++) {
		struct vdestack_dns_opts opts = { .size = sizeof(opts), .services = services };
		if (kind == VS_IOTHDNS_FILES && !d->of_stack)
			opts.hosts =
				paths[IOTHDNS_HOSTS] != NULL ? paths[IOTHDNS_HOSTS] : IOTHDNS_DEFAULT_HOSTS;
		if (kind == VS_IOTHDNS_TCP)
			opts.flags = VDESTACK_DNS_TCP;
		set->dns[kind] = vdestack_dns_new_net(&net, &opts);
		if (set->dns[kind] == NULL) {
			int err = errno;
			free_set(set);
			errno = err;
			return NULL;
		}
	}
	return set;
}

struct vs_iothdns_set *vs_iothdns_get(struct iothdns *iothdns)
{
	if (iothdns == NULL) {
		errno = EINVAL;
		return NULL;
	}
	lock();
	struct vs_iothdns_set *set = iothdns->set;
	set->users++;
	unlock();
	return set;
}

void vs_iothdns_put(struct vs_iothdns_set *set)
{
	int err = errno;

	lock();
	bool last = --set->users == 0;
	unlock();
	if (last)
		free_set(set);
	errno = err;
}

struct vdestack_dns *vs_iothdns_of(struct vs_iothdns_set *set, enum vs_iothdns_kind kind)
{
	return set->dns[kind];
}

/* ------------------------------------------------------------------ beginning and end */

static struct iothdns *without_set(struct ioth *stack)
{
	int err = follow_forks_once();
	struct iothdns *d = err == 0 ? calloc(1, sizeof(*d)) : NULL;

	if (d == NULL)
		errno = err != 0 ? err : ENOMEM;
	else
		d->stack = stack;
	return d;
}

static struct iothdns *new_resolver(struct ioth *stack, const char *path, const char *config)
{
	struct iothdns *d = without_set(stack);

	if (d == NULL)
		return NULL;
	d->text = vs_iothdns_read_settings(path, config);
	d->set = d->text != NULL ? new_set(d, d->paths) : NULL;
	if (d->set == NULL) {
		int err = errno;
		iothdns_fini(d);
		errno = err;
		return NULL;
	}
	return d;
}

struct iothdns *iothdns_init(struct ioth *stack, char *path_config)
{
	return new_resolver(stack, path_config, NULL);
}

struct iothdns *iothdns_init_strcfg(struct ioth *stack, char *config)
{
	return new_resolver(stack, NULL, config);
}

struct iothdns *vs_iothdns_of_stack(struct ioth *stack)
{
	struct iothdns *d = without_set(stack);

	if (d == NULL)
		return NULL;
	d->of_stack = true;
	d->set = new_set(d, d->paths);
	if (d->set == NULL) {
		int err = errno;
		free(d);
		errno = err;
		return NULL;
	}
	return d;
}

static void free_paths(char *paths[IOTHDNS_PATH_SIZE])
{
	for (int i = 0; i < IOTHDNS_PATH_SIZE; i++)
		free(paths[i]);
}

void iothdns_fini(struct iothdns *iothdns)
{
	if (iothdns == NULL)
		return;
	free_set(iothdns->set);
	free(iothdns->text);
	free_paths(iothdns->paths);
	free(iothdns);
}

/* The resolvers of the set read the new text at their next lookup. */
static void flush(struct iothdns *d)
{
	struct vs_iothdns_set *set = vs_iothdns_get(d);

	for (int i = 0; i < VS_IOTHDNS_KINDS; i++)
		vdestack_dns_flush(set->dns[i]);
	vs_iothdns_put(set);
}

static int update(struct iothdns *d, const char *path, const char *config)
{
	if (d == NULL) {
		errno = EINVAL;
		return -1;
	}
	char *text = vs_iothdns_read_settings(path, config);
	if (text == NULL)
		return -1;
	lock();
	char *old = d->text;
	d->text = text;
	unlock();
	free(old);
	flush(d);
	return 0;
}

int iothdns_update(struct iothdns *iothdns, char *path_config)
{
	return update(iothdns, path_config, NULL);
}

int iothdns_update_strcfg(struct iothdns *iothdns, char *config)
{
	return update(iothdns, NULL, config);
}

static int add_locked(struct iothdns *d, const char *address)
{
	char *more = NULL;
	size_t n;
	char *text = asprintf(&more, "%snameserver %s\n", d->text, address) >= 0
			     ? vs_iothdns_copy_settings(more, &n)
			     : NULL;

	free(more);
	if (text == NULL)
		return ENOMEM;
	if (n > IOTHDNS_MAXNS) {
		free(text);
		return ENOSPC;
	}
	free(d->text);
	d->text = text;
	return 0;
}

int iothdns_add_nameserver(struct iothdns *iothdns, int af, void *addr)
{
	char address[INET6_ADDRSTRLEN];

	if (iothdns == NULL || addr == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (inet_ntop(af, addr, address, sizeof(address)) == NULL)
		return -1;
	lock();
	int err = add_locked(iothdns, address);
	unlock();
	if (err != 0) {
		errno = err;
		return -1;
	}
	flush(iothdns);
	return 0;
}

/* ------------------------------------------------------------------ files */

/* The paths with another value for one of them. False: out of memory. */
static bool copy_paths_locked(const struct iothdns *d, enum iothdns_pathtag changed, const char *value,
			      char *paths[IOTHDNS_PATH_SIZE])
{
	for (int i = 0; i < IOTHDNS_PATH_SIZE; i++) {
		const char *from = i == (int)changed ? value : d->paths[i];
		paths[i] = from != NULL ? strdup(from) : NULL;
		if (from != NULL && paths[i] == NULL)
			return false;
	}
	return true;
}

/* 0, an errno, or -1: another thread has changed the paths meanwhile. */
static int change_path(struct iothdns *d, enum iothdns_pathtag pathtag, const char *value)
{
	char *paths[IOTHDNS_PATH_SIZE] = { NULL };
	struct vs_iothdns_set *set, *unused;

	lock();
	unsigned long version = d->version;
	bool copied = copy_paths_locked(d, pathtag, value, paths);
	unlock();
	unused = set = copied ? new_set(d, paths) : NULL;
	int err = !copied ? ENOMEM : set == NULL ? errno : -1;
	lock();
	if (set != NULL && d->version == version) {
		unused = d->set;
		d->set = set;
		d->version++;
		for (int i = 0; i < IOTHDNS_PATH_SIZE; i++) {
			char *old = d->paths[i];
			d->paths[i] = paths[i];
			paths[i] = old;
		}
		err = 0;
	}
	unlock();
	free_paths(paths);
	if (unused != NULL)
		vs_iothdns_put(unused);
	return err;
}

void iothdns_setpath(struct iothdns *iothdns, enum iothdns_pathtag pathtag, char *newvalue)
{
	int err = iothdns == NULL || (unsigned)pathtag >= IOTHDNS_PATH_SIZE ? EINVAL : -1;

	while (err < 0)
		err = change_path(iothdns, pathtag, newvalue);
	if (err != 0)
		errno = err;
}

int iothdns_getpath(struct iothdns *iothdns, enum iothdns_pathtag pathtag, char *buf, size_t size)
{
	static const char *const usual[IOTHDNS_PATH_SIZE] = { IOTHDNS_DEFAULT_HOSTS,
							      IOTHDNS_DEFAULT_SERVICES };

	if (iothdns == NULL || (unsigned)pathtag >= IOTHDNS_PATH_SIZE) {
		errno = EINVAL;
		return -1;
	}
	lock();
	const char *path = iothdns->paths[pathtag] != NULL ? iothdns->paths[pathtag] : usual[pathtag];
	int n = snprintf(buf, size, "%s", path);
	unlock();
	return n;
}
