/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTH_H
#define IOTH_H

/*
 * libioth: one set of socket calls for network stacks of any kind. ioth(7) is the introduction.
 *
 * A kind of stack is a plugin, which is loaded by its name when the first stack of that kind is made:
 *
 *  - kernel: the network of the process.
 *  - vdestack: a network namespace with interfaces on VDE networks (libvdestack).
 *  - picox, lwip: a TCP/IP stack in user space (lwIP), for places where namespaces are not to be had.
 *
 * A name followed by _n is the same plugin. In the family's earlier libraries it was loaded anew for each
 * stack, for plugins with variables. These have none, so it makes no difference.
 *
 * Conventions of this header, unless a declaration says otherwise:
 *  - functions return what the socket call of the same name returns, -1 with errno or NULL with errno
 *    on failure. Those that make, end or configure a stack, or list its interfaces, also record a message
 *    for ioth_last_error(). Socket calls and settings by netlink have errno only.
 *  - strings are NUL-terminated and only read; the library keeps nothing that is passed in.
 *  - a descriptor that ioth_msocket(), ioth_socket(), ioth_accept() or ioth_accept4() returns belongs
 *    to the caller, who closes it with ioth_close(). It is a real descriptor: poll(2), select(2) and
 *    epoll(7) work.
 *  - EBADF: the descriptor was not made by these calls. Copies by dup(2) and descriptors that were received
 *    by SCM_RIGHTS are not. A descriptor that was closed by close(2) is recognized by ioth_close() only:
 *    before, calls on its number go to the file that has the number then.
 *  - ENOSYS: this kind of stack has no such call. ENOMEM: no memory for the first call of a thread. ELOOP: a
 *    seventh call inside of calls of the same thread (signal handlers, plugins).
 *  - every function may be called from any thread. One stack is deleted by one thread.
 *  - after fork(2) the child may use its copies of stacks and descriptors. picox: until the parent, which
 *    made the stack, deletes it. A child that deletes its copy does not end the stack of its parent.
 */

#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h> /* sigset_t, in strict C99 too */
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo; /* strict C99 hides these */
struct mmsghdr;
struct pollfd;
struct timespec;
struct ioth;

/* ------------------------------------------------------------------ stacks */

/*
 * The licence of the program, as an SPDX identifier ("GPL-2.0-or-later"); "SPDX-License-Identifier: "
 * may stand before it. A plugin whose licence asks for a certain one is refused otherwise (EPERM).
 * NULL: unknown, as at first.
 */
void ioth_set_license(const char *license);

/*
 * Makes a stack. `stack` is the name of a plugin. Options of the plugin may follow after a comma.
 * NULL or "": the network of the process. The interfaces of the stack are vde0, vde1... on the networks
 * `vnl`, which may be written IFNAME:VNL to choose the name. Nothing else is configured: links are
 * down, except that the loopback interface lo is up.
 *
 * ioth_newstack() has one network or none (NULL), ioth_newstackl() a list that ends with (char *)NULL,
 * ioth_newstackv() an array that ends with NULL (NULL: no network).
 *
 * errno: EINVAL (the name has a '/' or is malformed), ENOTSUP (the plugin cannot be loaded; the
 * message says why, for each place where it was looked for, as far as it fits), ENOENT (a file that is
 * no such plugin),
 * EPERM (its licence does not fit), or the error of the plugin. The caller owns the stack and ends it
 * with ioth_delstack().
 */
struct ioth *ioth_newstack(const char *stack, const char *vnl);
struct ioth *ioth_newstackl(const char *stack, const char *vnl, ... /* (char *)NULL */);
struct ioth *ioth_newstackv(const char *stack, const char *vnlv[]);

/*
 * Ends a stack. EBUSY: descriptors of it are open (one that was closed by close(2) is not, and copies by
 * dup(2) do not count), or a call of another thread is inside it, also of <iothconf.h>, and did not return in
 * 5 seconds. Meanwhile calls of this stack fail with EINVAL. EINVAL: NULL, or it has been ended. Or the error
 * of the plugin. After a failure the stack lives on. If it is the default stack, there is none afterwards.
 *
 * Bytes that were sent on a TCP connection before its ioth_close() still go out: the call waits until the
 * peer has acknowledged them, at most one second without progress and one minute in all. (kernel: the
 * kernel sends them later, and the call waits for nothing. picox: so does its process, within these times. A
 * child of the process that made a stack of kind vdestack does not wait: the stack goes on in its parent.)
 *
 * In the network of the process, address sources that <iothconf.h> has started by this handle are stopped,
 * and what they have set goes: two seconds at most for each interface, six if many sources end at the same
 * time. Static items stay. A child of the process that made the handle stops nothing.
 */
int ioth_delstack(struct ioth *iothstack);

/*
 * The default stack of the process, in which ioth_socket() makes its sockets. NULL: the network of the
 * process, which is also so at first.
 */
void ioth_set_defstack(struct ioth *iothstack);
struct ioth *ioth_get_defstack(void);

/*
 * The message of this thread's last failure to make, end or configure a stack or to list its interfaces: one
 * line, which is cut at 2047 bytes; "": none has failed. Making and ending a stack leave it as it is when
 * they succeed. Valid until the next of these calls of the thread.
 */
const char *ioth_last_error(void);

/* ------------------------------------------------------------------ sockets */

/* socket(2) in a stack. NULL: in the default stack. */
int ioth_msocket(struct ioth *iothstack, int domain, int type, int protocol);
int ioth_socket(int domain, int type, int protocol);

int ioth_close(int fd);
int ioth_bind(int fd, const struct sockaddr *addr, socklen_t addrlen);
int ioth_connect(int fd, const struct sockaddr *addr, socklen_t addrlen);
int ioth_listen(int fd, int backlog);
int ioth_accept(int fd, struct sockaddr *addr, socklen_t *addrlen);
int ioth_getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen);
int ioth_getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen);
int ioth_setsockopt(int fd, int level, int optname, const void *optval, socklen_t optlen);
int ioth_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen);
int ioth_shutdown(int fd, int how);
int ioth_ioctl(int fd, unsigned long cmd, void *argp);
int ioth_fcntl(int fd, int cmd, long val);
ssize_t ioth_read(int fd, void *buf, size_t len);
ssize_t ioth_readv(int fd, const struct iovec *iov, int iovcnt);
ssize_t ioth_recv(int fd, void *buf, size_t len, int flags);
ssize_t ioth_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen);
ssize_t ioth_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t ioth_write(int fd, const void *buf, size_t size);
ssize_t ioth_writev(int fd, const struct iovec *iov, int iovcnt);
ssize_t ioth_send(int fd, const void *buf, size_t size, int flags);
ssize_t ioth_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *to,
		    socklen_t tolen);
ssize_t ioth_sendmsg(int fd, const struct msghdr *msg, int flags);

/* Not in the family's earlier libraries. */
int ioth_accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags);
int ioth_recvmmsg(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags, struct timespec *timeout);
int ioth_sendmmsg(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags);
int ioth_ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask);
int ioth_socketpair(struct ioth *iothstack, int domain, int type, int protocol, int sv[2]);

/* ------------------------------------------------------------------ interfaces and addresses */

/*
 * getifaddrs(3) of a stack (NULL: of the default one). For each interface an AF_PACKET entry, then its
 * addresses. The list is the caller's, freed by ioth_freeifaddrs() (NULL is allowed), also after the end of
 * the stack.
 */
int ioth_getifaddrs(struct ioth *stack, struct ifaddrs **ifap);
void ioth_freeifaddrs(struct ifaddrs *ifa);

/*
 * Settings of a stack (NULL: of the default one), by a netlink socket that is made for the call in the
 * stack. -1 with errno: the stack's own, ETIMEDOUT (it did not answer in 5 seconds), EPROTO (a malformed
 * answer), ECONNRESET (no answer), EINVAL, ENODEV, EADDRNOTAVAIL (no hardware address), ENOMEM. family is
 * AF_INET or AF_INET6, and an address 4 or 16 bytes in network order.
 */
int ioth_if_nametoindex(struct ioth *stack, const char *ifname);                 /* > 0 */
int ioth_linksetupdown(struct ioth *stack, unsigned ifindex, int updown);        /* 0: down */
int ioth_linksetaddr(struct ioth *stack, unsigned ifindex, const void *macaddr); /* 6 bytes */
int ioth_linkgetaddr(struct ioth *stack, unsigned ifindex, void *macaddr);
int ioth_linksetmtu(struct ioth *stack, unsigned ifindex,
		    unsigned mtu); /* bytes, without the Ethernet header */
int ioth_ipaddr_add(struct ioth *stack, int family, const void *addr, int prefixlen, int ifindex);
int ioth_ipaddr_del(struct ioth *stack, int family, const void *addr, int prefixlen, int ifindex);
/*
 * dst NULL or length 0: the default route; type and scope of the prefixlen count. gw NULL: on the link.
 * ifindex 0: the stack finds it.
 */
int ioth_iproute_add(struct ioth *stack, int family, const void *dst, int dst_prefixlen, const void *gw,
		     int ifindex);
int ioth_iproute_del(struct ioth *stack, int family, const void *dst, int dst_prefixlen, const void *gw,
		     int ifindex);

/*
 * prefixlen of an address with IFA_F_... flags (8 bits) and an RT_SCOPE_..., and of a route with an RTN_...
 * type.
 */
#define nl_addrdata2prefix(prefixlen, flags, scope)                                                          \
	((0x70 << 24) | (((flags)&0xff) << 16) | (((scope)&0xff) << 8) | ((prefixlen)&0xff))
#define nl_routedata2prefix(prefixlen, type, scope)                                                          \
	((0x60 << 24) | (((type)&0xff) << 16) | (((scope)&0xff) << 8) | ((prefixlen)&0xff))

/* One attribute of IFLA_INFO_DATA. */
struct nl_iplink_data {
	int tag;
	const void *data;
	int datalen;
};
#define nl_iplink_strdata(tag, s)                                                                            \
	{                                                                                                    \
		(tag), (s), (int)strlen(s) + 1                                                               \
	}              /* needs <string.h> */
#define IFLA_VDE_VNL 1 /* of a link of type "vde": its network */

/*
 * Adds a link of this type ("dummy", "vde"...), with this name (NULL: the stack chooses one) and index (0:
 * the stack chooses one). -1 as the index: returns the index that the stack has chosen, and needs a name.
 * Else 0.
 */
int ioth_iplink_add(struct ioth *stack, const char *ifname, unsigned ifindex, const char *type,
		    const struct nl_iplink_data *ifd, int nifd);
/* By name, or by index if ifname is NULL. */
int ioth_iplink_del(struct ioth *stack, const char *ifname, unsigned ifindex);

/* Sends a message (struct nlmsghdr) that asks for an acknowledgement, and waits for that. 0 or -1. */
int ioth_nldialog(struct ioth *stack, void *msg);

#define MAC_ADDRSTRLEN 18 /* "80:00:01:02:03:04" and a NUL */

/*
 * Writes the six bytes at src as text, and returns dst. NULL with errno ENOSPC: size is less than
 * MAC_ADDRSTRLEN.
 */
const char *ioth_ntomac(const void *src, char *dst, size_t size);
/*
 * Reads such text, with ':' or '-', into the six bytes at dst. 1, or 0: it is no hardware address; dst is as
 * before.
 */
int ioth_macton(const char *src, void *dst);

/* ------------------------------------------------------------------ for the libraries above */

/*
 * What a plugin fills in: the functions of a stack. Those that it exports as ioth_NAME_FUNCTION are
 * entered before ioth_NAME_newstack() is called, which may change the table. ioth_plugin(7) describes
 * each.
 *
 * getstackdata() is libioth's: inside a call it returns what newstack() has returned for the stack of
 * the call. In newstack() itself, and in the members for libiothconf, it returns NULL or what another
 * stack has. errno: a plugin whose file does not end with -r.so has a libc of its own, and so an errno
 * of its own. libioth copies that to the program's when a call has failed.
 */
struct vdestack_source; /* <vdestack/sources.h> */
struct ioth_functions {
	void *(*getstackdata)(void);
	void *(*newstack)(const char *vnlv[], const char *options, struct ioth_functions *functions);
	int (*delstack)(void *stackdata);
	int (*socket)(int domain, int type, int protocol);
	int (*close)(int fd);
	int (*bind)(int fd, const struct sockaddr *addr, socklen_t addrlen);
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t addrlen);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *addr, socklen_t *addrlen);
	int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *addrlen);
	int (*getpeername)(int fd, struct sockaddr *addr, socklen_t *addrlen);
	int (*setsockopt)(int fd, int level, int optname, const void *optval, socklen_t optlen);
	int (*getsockopt)(int fd, int level, int optname, void *optval, socklen_t *optlen);
	int (*shutdown)(int fd, int how);
	int (*ioctl)(int fd, unsigned long cmd, void *argp);
	int (*fcntl)(int fd, int cmd, long val);
	ssize_t (*read)(int fd, void *buf, size_t len);
	ssize_t (*readv)(int fd, const struct iovec *iov, int iovcnt);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
			    socklen_t *fromlen);
	ssize_t (*recvmsg)(int fd, struct msghdr *msg, int flags);
	ssize_t (*write)(int fd, const void *buf, size_t size);
	ssize_t (*writev)(int fd, const struct iovec *iov, int iovcnt);
	ssize_t (*send)(int fd, const void *buf, size_t size, int flags);
	ssize_t (*sendto)(int fd, const void *buf, size_t size, int flags, const struct sockaddr *to,
			  socklen_t tolen);
	ssize_t (*sendmsg)(int fd, const struct msghdr *msg, int flags);
	/* The members below are not in the family's earlier libraries. */
	int (*accept4)(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags);
	int (*recvmmsg)(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags, struct timespec *timeout);
	int (*sendmmsg)(int fd, struct mmsghdr *msgvec, unsigned vlen, int flags);
	int (*socketpair)(int domain, int type, int protocol, int sv[2]);
	/* libioth copies the list and frees it by freeifaddrs. Both are there, or neither is used. */
	int (*getifaddrs)(void *stackdata, struct ifaddrs **list);
	void (*freeifaddrs)(struct ifaddrs *list);
	/* For libiothconf. words: vdestack_config(7). The results are those of vdestack_configure() etc. */
	int (*configure)(void *stackdata, const char *words, unsigned flags, int timeout_ms);
	int (*sources)(void *stackdata, const char *ifname, struct vdestack_source *list, size_t n);
	int (*resolvconf)(void *stackdata, const char *ifname, char *buf, size_t size);
	/*
	 * libioth's, for newstack(), delstack() and the members for libiothconf: records the message of
	 * ioth_last_error(), sets the caller's errno to err and returns -1. Plugins do not link libioth.
	 */
	int (*fail)(int err, const char *message);
	/*
	 * For libiothconf: a descriptor that becomes readable when what sources() tells may be other than at
	 * the time of this call. What is read from it has no meaning. It never blocks, is close-on-exec, and
	 * the caller closes it by close(2). At end of file the stack has ended. -1 after fail(). NULL, or a
	 * failure: libiothconf asks sources() again and again.
	 */
	int (*events)(void *stackdata);
	/*
	 * For ioth_delstack(), when no descriptor is open and a call of another thread still waits: makes
	 * such calls return, with any error. Then delstack() follows, or the stack stays and its calls fail.
	 * NULL: they are waited for.
	 */
	void (*wake)(void *stackdata);
	void *reserved[13]; /* NULL */
};

#ifdef __cplusplus
}
#endif
#endif
