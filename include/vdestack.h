/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_H
#define VDESTACK_H

/*
 * libvdestack: network stacks of a program's own. vdestack(7) is the introduction.
 *
 * A stack is a Linux network namespace with its own interfaces, addresses, routes and ports.
 * vdestack_msocket() makes ordinary kernel sockets inside it, while the program itself stays in the
 * host network.
 *
 * A program that links the library calls the library's socket(2) instead of libc's. Without a default
 * stack that is the system call. With one it makes sockets in that stack. A library that uses stacks
 * must not change the programs that load it. It links vdestack::nointerpose (CMake) or
 * vdestack-nointerpose (pkg-config): the same library without socket(2), in which a default stack
 * cannot be set (ENOTSUP). See vdestack(7).
 *
 * Conventions of this header, unless a declaration says otherwise:
 *  - int functions return 0 (or the value they name) on success, -1 with errno on failure; pointer
 *    functions return NULL with errno. vdestack_last_error() then returns the message.
 *  - strings are NUL-terminated and only read; the library keeps nothing that is passed in.
 *  - a descriptor that is returned belongs to the caller and is close-on-exec. A socket is close-on-exec
 *    only if SOCK_CLOEXEC is given, as with socket(2).
 *  - times are in milliseconds. A time-out that is an argument: -1 waits for ever, 0 does not wait, a greater
 *    one is the longest wait. In a struct of options 0 means the default and -1 no limit. Other negative
 *    values: EINVAL.
 *  - every function may be called from any thread. vdestack_msocket(), vde_msocket(), socket(2) and the
 *    default-stack functions may also be called from signal handlers.
 *  - after fork(2) the child may use its copies of the handles: what it does with them, deletion included,
 *    concerns only the child.
 *  - a handle that has been deleted, or was never valid, is refused with EINVAL.
 *  - ENETDOWN: the keeper (the process that holds the stacks) has died, or the program has closed the
 *    library's descriptors and the stack has never been a default stack.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. vdestack_version_number() returns that of the library that is loaded. */
#define VDESTACK_VERSION_MAJOR 1
#define VDESTACK_VERSION_MINOR 0
#define VDESTACK_VERSION_PATCH 0
#define VDESTACK_VERSION_NUMBER                                                                              \
	(VDESTACK_VERSION_MAJOR * 10000 + VDESTACK_VERSION_MINOR * 100 + VDESTACK_VERSION_PATCH)

/*
 * Warnings, from compilers that know them. NODISCARD: a result that is ignored is a leak, or hides
 * that something is in the wrong network. NONNULL: these arguments, counted from 1, must not be
 * NULL. The library itself refuses NULL with EINVAL, so it is built without. Define
 * VDESTACK_DEPRECATED_LEGACY for warnings about the five vde_* calls.
 */
#if defined(__GNUC__) || defined(__clang__)
#define VDESTACK_NODISCARD __attribute__((warn_unused_result))
#else
#define VDESTACK_NODISCARD
#endif
#if (defined(__GNUC__) || defined(__clang__)) && !defined(VDESTACK_BUILDING)
#define VDESTACK_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#else
#define VDESTACK_NONNULL(...)
#endif
#if (defined(__GNUC__) || defined(__clang__)) && defined(VDESTACK_DEPRECATED_LEGACY)
#define VDESTACK_LEGACY __attribute__((deprecated("vdestack_new(3) and its relatives replace this call")))
#else
#define VDESTACK_LEGACY
#endif

struct vdestack;

/* ------------------------------------------------------------------ making stacks */

/* Bits of vdestack_opts.flags. */
/* Threads of this process serve the stack. Needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW. */
#define VDESTACK_INPROCESS 0x1u
#define VDESTACK_NO_WAIT   0x2u /* do not wait for IPv6 addresses to pass duplicate address detection */
#define VDESTACK_FORCE_MTU 0x4u /* accept mtu= also where the network is known to drop such packets */
#define VDESTACK_ALLOW_ABSENT 0x8u /* absent network: no failure, the interface connects later */
#define VDESTACK_NO_RECONNECT 0x10u /* an interface that has lost its network does not reconnect */
#define VDESTACK_NODAD 0x20u /* IPv6 addresses are used without duplicate address detection: nodad */
#define VDESTACK_UNREGISTERED 0x40u /* other programs of this user do not find it (<vdestack/registry.h>) */
/* An interface stays down unless it is given an address, a route, an address source or the word eth. */
#define VDESTACK_LINKS_DOWN 0x80u

/* Bits of vdestack_opts.no_offload, see vdestack_offload(7). */
#define VDESTACK_OFFLOAD_CSUM 0x01u /* checksums of what the stack sends (needed by the next two) */
#define VDESTACK_OFFLOAD_TSO  0x02u /* segmentation of TCP that the stack sends */
#define VDESTACK_OFFLOAD_USO  0x04u /* segmentation of UDP that the stack sends */
#define VDESTACK_OFFLOAD_GRO  0x08u /* coalescing of TCP that the stack receives */
#define VDESTACK_OFFLOAD_UGRO 0x10u /* coalescing of UDP that the stack receives */
#define VDESTACK_OFFLOAD_SUPER 0x20u /* several frames in one, between interfaces of this library */
#define VDESTACK_OFFLOAD_ALL  0x3fu

/* Options; zero means default everywhere. Set size to sizeof(struct vdestack_opts). */
struct vdestack_opts {
	size_t size;
	unsigned flags;      /* VDESTACK_... */
	int timeout_ms;      /* of the whole creation or addition; 0 or -1 = only the limits of the steps */
	int step_timeout_ms; /* of each step; 0 = 5000, and 15000 for address sources; -1 = no limit */
	unsigned no_offload; /* VDESTACK_OFFLOAD_... that are off on VDE networks */
};

/*
 * Makes a stack and configures it as `config` says (vdestack_config(7) has the grammar; NULL or ""
 * = a stack with only lo, up). One or more interfaces:
 *
 *     "vnl=vde:///tmp/net ip=10.0.0.1/24 gw=10.0.0.254"
 *     "iface=eth0 vnl=inproc://lan ip=fc00::1/64  iface=eth1 vnl=inproc://wan mtu=9000"
 *
 * The stack that is returned works: its interfaces are up, connected and have their addresses. Words like
 * dhcp and slaac start address sources (<vdestack/sources.h>), which have their addresses then, too.
 * On failure nothing is left behind. opts may be NULL.
 *
 * errno: EINVAL (a word of config; the message names it and its position), ENOTSUP (a
 * word reserved for later), E2BIG (a string or options too long for this version), EEXIST (an
 * interface of that name, or another stack with that name=), EMSGSIZE (mtu= is more than the network
 * carries), EADDRNOTAVAIL (an address is in use by another host), ETIMEDOUT (of an address source: the
 * message says what is missing), EPERM, ENOSPC (the limit of namespaces, not the disk), EAGAIN (the limit
 * of processes and threads), EMFILE, ENOMEM, EIO (the keeper ended at its start), ENETDOWN, or the error of
 * the step that failed; for a network, the error of its libvdeplug plugin. The caller owns the handle and
 * ends it with vdestack_delete().
 */
struct vdestack *vdestack_new(const char *config, const struct vdestack_opts *opts) VDESTACK_NODISCARD;

/*
 * The same without waiting, for programs with an event loop: start, then finish whenever the
 * descriptor is readable. vdestack_new_start(3) has an example.
 *
 *  - vdestack_new_start() begins. NULL: it has failed already, with the errno of vdestack_new().
 *  - vdestack_new_fd() returns a descriptor that is readable (POLLIN) when vdestack_new_finish() has
 *    something to do: a reply has come, or a time limit has passed. It stays the same, belongs to
 *    the creation, and must not be read or closed.
 *  - vdestack_new_finish() does what can be done without waiting. 1: *stack is the stack. 0: the creation
 *    goes on. -1: it has failed. Unless it goes on, the creation is freed.
 *  - vdestack_new_cancel() ends it and leaves nothing behind. NULL is allowed.
 *
 * None of them waits for a network. Start, and sometimes finish, may have to start a keeper process
 * (some milliseconds, once) or the command of a "=command" network. No thread is started, no signal
 * is used.
 *
 * The calls may come from different threads, but only one at a time. After fork(2) the creation is
 * the parent's. In the child finish fails with ECANCELED; finish and cancel free the child's copy and
 * change nothing for the parent.
 */
struct vdestack_creation;
struct vdestack_creation *vdestack_new_start(const char *config, const struct vdestack_opts *opts)
	VDESTACK_NODISCARD;
int vdestack_new_fd(const struct vdestack_creation *creation);
int vdestack_new_finish(struct vdestack_creation *creation, struct vdestack **stack) VDESTACK_NODISCARD;
void vdestack_new_cancel(struct vdestack_creation *creation);

/*
 * The same on a network namespace that exists already: by descriptor (not consumed) or by
 * path ("/run/netns/NAME", "/proc/PID/ns/net"). `config` may add interfaces; interfaces
 * that were there stay when the stack is deleted, and lo and the sysctls are left as they are.
 * Needs the right to enter the namespace: EPERM otherwise; EBADF: not open; EINVAL: not a
 * network namespace.
 */
struct vdestack *vdestack_adopt_fd(int netns_fd, const char *config, const struct vdestack_opts *opts)
	VDESTACK_NODISCARD;
struct vdestack *vdestack_adopt_path(const char *path, const char *config, const struct vdestack_opts *opts)
	VDESTACK_NODISCARD VDESTACK_NONNULL(1);

/*
 * Ends the stack for this process. It returns at once, and the kernel cleans up afterwards. Only where
 * orphans are not reaped, or are reaped by this process (PID 1, PR_SET_CHILD_SUBREAPER), it waits for the
 * end of a keeper without stacks, some milliseconds, at most half a second. Calls under way in other threads
 * fail.
 * Sockets made in the stack stay valid descriptors. Commands started by this process in the stack are
 * killed.
 */
int vdestack_delete(struct vdestack *stack);

/*
 * Names are given by the word name= of a configuration and are unique in a process. vdestack_name()
 * copies that of a stack into buf and returns its length, 0 if it has none; ERANGE: buf is too small
 * (64 bytes are enough). vdestack_by_name() returns the stack of that name; ENOENT: there is none.
 * vdestack_list() stores up to n stacks of this process in list, and returns how many there are.
 *
 * A stack is found from the end of its creation to its deletion. Another thread may delete it right
 * after it was found; its handle is refused then. A forked child finds its copies.
 */
int vdestack_name(struct vdestack *stack, char *buf, size_t size);
struct vdestack *vdestack_by_name(const char *name);
int vdestack_list(struct vdestack **list, size_t n);

/* Adds the interfaces that `config` describes to a stack (all of them or none). */
int vdestack_iface_add(struct vdestack *stack, const char *config, const struct vdestack_opts *opts);

/*
 * Removes one interface that vdestack_new() or vdestack_iface_add() made; on return its name and its place in
 * the network (ptp://'s path) are free, unless a plugin is stuck. ENODEV: there is no such interface.
 */
int vdestack_iface_del(struct vdestack *stack, const char *ifname) VDESTACK_NONNULL(2);

/*
 * Waits until the stack is ready: the address sources that its configuration asks for have what they were
 * asked for, every interface of the namespace (adopted ones too) that is up has its carrier, every address is
 * past duplicate address detection. ETIMEDOUT after timeout_ms; the message says what is missing.
 * EADDRNOTAVAIL when an address is in use by another host.
 */
int vdestack_wait_ready(struct vdestack *stack, int timeout_ms);

/* ------------------------------------------------------------------ using stacks */

/*
 * socket(2) inside the stack: same arguments, same result, same errno, same flags in type
 * (SOCK_CLOEXEC, SOCK_NONBLOCK). Valid in signal handlers and, after fork, in the child.
 * Besides socket(2)'s errors: EINVAL (handle), ENETDOWN, ETIMEDOUT (the keeper is stopped).
 */
int vdestack_msocket(struct vdestack *stack, int domain, int type, int protocol) VDESTACK_NODISCARD;

/*
 * The default stack: the plain socket(2) of the program makes its sockets there, for AF_INET, AF_INET6,
 * AF_PACKET and AF_NETLINK with NETLINK_ROUTE. Every other family stays in the host network.
 * The thread's own default, if set, comes before the one of the process. NULL removes a default.
 * Deleting a stack that is the default of the process removes that default. When the own default of a thread
 * has been deleted, socket(2) fails with EINVAL in that thread, and never makes a socket of another network.
 * ENOTSUP: a default would have no effect, because the program's socket(2) is not the library's. It was
 * loaded after libc, or it is libvdestack-nointerpose.
 */
int vdestack_set_default(struct vdestack *stack) VDESTACK_NODISCARD;
struct vdestack *vdestack_get_default(void);
int vdestack_set_thread_default(struct vdestack *stack) VDESTACK_NODISCARD;
/*
 * Sets the thread's own default. *old is the one before (NULL: none), so that it can be restored. To restore
 * one that has been deleted meanwhile is no error: socket(2) then fails, as above.
 */
int vdestack_swap_thread_default(struct vdestack *stack, struct vdestack **old)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);
struct vdestack *vdestack_get_thread_default(void);

/*
 * A descriptor of the stack's network namespace, for setns(2), nsenter --net=/proc/PID/fd/N
 * or NS_GET_USERNS. The namespace exists as long as the descriptor is open.
 */
int vdestack_netns(struct vdestack *stack) VDESTACK_NODISCARD;

/* ------------------------------------------------------------------ stacks in other processes */

/*
 * Returns a descriptor that stands for the stack. Another process that gets it, by SCM_RIGHTS, by
 * inheritance, or in any other way, makes a handle of it with vdestack_receive(). The stack lives as long as
 * one of its handles or of these descriptors is open, in any process.
 *
 * Who has the descriptor can make sockets in the stack, and read its settings, counters and events, whatever
 * its user, root directory and namespaces are. What changes the stack fails with EPERM, as do
 * vdestack_netns(), vdestack_spawn() and vdestack_run(). As in a forked child, a process that means harm can
 * also remove interfaces and end the stack. With VDESTACK_PASS_APART it cannot, and such a handle can pass
 * the stack on only in the same way; each socket then takes the keeper a little longer, as long as the
 * descriptor or a handle of it is there.
 * errno: EINVAL (handle, flags), EPERM (the handle is an attached one), EBUSY (the stack has more than 40
 * such descriptors), ENETDOWN, EMFILE.
 */
#define VDESTACK_PASS_APART 0x1u
int vdestack_pass(struct vdestack *stack, unsigned flags) VDESTACK_NODISCARD;

/*
 * Makes a handle of such a descriptor, which stays open and belongs to the caller. It can be closed then.
 * Each handle is deleted by itself. A process that closes descriptors it does not know needs another one
 * afterwards: also a default stack is not kept for it.
 * errno: EBADF, EINVAL (the descriptor stands for no stack), ENETDOWN (the stack has ended), ETIMEDOUT (its
 * keeper is stopped), EPROTO (it is of another version), EMFILE, ENOMEM.
 */
struct vdestack *vdestack_receive(int fd) VDESTACK_NODISCARD;

/* ------------------------------------------------------------------ commands */

/* Bits of vdestack_cmd_opts.caps: ambient capabilities of the command inside the stack. */
#define VDESTACK_CAP(number) (UINT64_C(1) << (number))                 /* number from <linux/capability.h> */
#define VDESTACK_CAPS_NETWORK                                                                                \
	(VDESTACK_CAP(10) | VDESTACK_CAP(11) | VDESTACK_CAP(12) | VDESTACK_CAP(13)) /* ports to raw */
#define VDESTACK_CAPS_NONE VDESTACK_CAP(63)                            /* no capability at all */
#define VDESTACK_CAPS_ALL  VDESTACK_CAP(62)                            /* all that the program has there */

/* Standard streams of a command, besides descriptors of the program. -1 is refused: a call has failed. */
#define VDESTACK_INHERIT 0    /* that of the program; for `in` it is the same as descriptor 0 */
#define VDESTACK_PIPE    (-2) /* a pipe; the program's end is in pipe_fds. Not for vdestack_run() */
#define VDESTACK_NULL    (-3) /* /dev/null */
#define VDESTACK_AS_OUT  (-4) /* err only: the same as out */

struct vdestack_cmd_opts {
	size_t size;
	unsigned flags;      /* none yet, 0 */
	int timeout_ms;      /* the command is killed after this long; 0 or -1 = no limit */
	uint64_t caps;       /* 0 = VDESTACK_CAPS_NETWORK */
	int in, out, err;    /* a descriptor from 1 up, which stays open here, or one of the names above */
	int reserved;        /* 0 */
	int *pipe_fds;       /* int[3]: becomes the program's ends of pipes, -1 where there is none */
	const char *cwd;     /* working directory; NULL = the program's */
	char *const *envp;   /* environment; argv[0] is looked up in its PATH; NULL = the program's */
};

/*
 * Starts argv[0] (looked up in PATH when it has no '/') inside the stack, with the caller's current
 * credentials, umask and signal mask and, unless opts has others, the caller's environment, directory and
 * standard streams. It has the chosen capabilities, and can gain no others. wait(2) does not see it. It and
 * its descendants are killed when this process deletes the stack or ends, and when the keeper ends.
 *
 * The capabilities in caps must be available, or the call fails with EPERM. Of the default ones the
 * command gets those that are available. A command of root has only these too: to read the files of
 * other users it needs CAP_DAC_OVERRIDE in caps.
 *
 * Returns a pidfd (poll(2), pidfd_send_signal(2)). *status_fd, if status_fd is not NULL, becomes a descriptor
 * that is readable when the command has ended, for vdestack_cmd_wait(). The ends of pipes in pipe_fds are
 * close-on-exec and blocking.
 * errno: EBADF (a stream is not open), ENOENT/EACCES/... of execve(2), EPERM (this process may not enter the
 * stack).
 */
int vdestack_spawn(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts,
		   int *status_fd) VDESTACK_NODISCARD VDESTACK_NONNULL(2);

/*
 * Waits for a command's end: *status is as from waitpid(2) (WIFEXITED, WIFSIGNALED).
 * ETIMEDOUT: still running. The descriptor stays open.
 * EINVAL: not a status_fd of vdestack_spawn().
 * ECANCELED: the process that watched over the command was killed, and the command with it.
 */
int vdestack_cmd_wait(int status_fd, int *status, int timeout_ms);

/*
 * vdestack_spawn() and vdestack_cmd_wait() in one. Returns the wait status
 * (so 0 is success), or -1. ETIMEDOUT: opts->timeout_ms passed and the command was killed.
 */
int vdestack_run(struct vdestack *stack, char *const argv[], const struct vdestack_cmd_opts *opts)
	VDESTACK_NODISCARD VDESTACK_NONNULL(2);

/* ------------------------------------------------------------------ privileges */

/*
 * Gives up, for this process and the children it makes from now on, everything the library could do
 * for them, except to make sockets, to read settings and events, to remove interfaces and to delete
 * stacks. From then on vdestack_new(), _new_start(), _adopt_*(), _iface_add(), _configure(), _sysctl_set(),
 * _link_set_carrier(), _netns(), _spawn() and _run() fail with EPERM. So does a request that an
 * attacker who controls the process makes by hand. It cannot be undone. Stacks, interfaces and sockets
 * go on, and interfaces reconnect as before. Processes that were forked before keep what they have.
 *
 * For programs that confine themselves (seccomp, Landlock, no_new_privs): the process that serves
 * their stacks is not confined. Call it when the stacks are made, with no other call of the library
 * under way: such a call may still succeed. A stack of VDESTACK_INPROCESS has its keeper in this
 * process: sealing protects it from children only. errno: ENOMEM.
 */
int vdestack_seal(void) VDESTACK_NODISCARD;

/* ------------------------------------------------------------------ errors and log */

/*
 * The message of this thread's last failing call: one line with the step that failed, the cause and
 * the remedy. "" if nothing has failed yet. Valid until the thread's next failing call.
 */
const char *vdestack_last_error(void);

/* Levels as in syslog(3): 3 error, 4 warning, 6 info, 7 debug. */
typedef void vdestack_log_fn(void *arg, int level, const char *message);

/*
 * Sets a function that receives messages about failures and about what the library notices (NULL: none, the
 * default). It is called in the thread that is inside a call of this library, with no lock held; never from
 * vdestack_msocket().
 */
void vdestack_set_log(vdestack_log_fn *callback, void *arg);

/* The version of the library that is loaded, "major.minor.patch". */
const char *vdestack_version(void);
/* The same as a number, to compare with VDESTACK_VERSION_NUMBER. */
unsigned vdestack_version_number(void);

/* ------------------------------------------------------------------ the five calls of libvdestack 0.1 */

/* For programs written for 0.1. vde_addstack(3) lists the differences. */
struct vdestack *vde_addstack(const char *vdenet, const char *ifname) VDESTACK_LEGACY;
void vde_delstack(struct vdestack *stack) VDESTACK_LEGACY;
void vde_default_stack(struct vdestack *stack) VDESTACK_LEGACY;
int vde_stackcmd(struct vdestack *stack, const char *stackcmd) VDESTACK_LEGACY;
int vde_msocket(struct vdestack *stack, int domain, int type, int protocol) VDESTACK_LEGACY;

#ifdef __cplusplus
}
#endif
#endif
