/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The public calls that make stacks and change their interfaces, and wait until that is done. */

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "config/config.h"
#include "configuration.h"
#include "creation.h"
#include "handle.h"
#include "iface_request.h"
#include "keepers.h"
#include <vdestack.h>

static int make(const char *text, const struct vdestack_opts *opts, struct vdestack **out)
{
	struct vs_create_opts read;
	struct vs_config *config = NULL;
	int r = vs_create_opts_read(opts, "make a stack", &read);

	if (r == 0)
		r = vs_configuration_read(text, read.flags, NULL, NULL, &config);
	if (r == 0)
		r = vs_create(config, &read, out);
	vs_config_free(config);
	return r;
}

struct vdestack *vdestack_new(const char *config, const struct vdestack_opts *opts)
{
	struct vdestack *stack = NULL;
	int r = make(config, opts, &stack);

	return r < 0 ? vs_edge_null(r) : stack;
}

static int adopt(int fd, const char *text, const struct vdestack_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	struct vs_create_opts read;
	int r = vs_create_opts_read(opts, "adopt a namespace", &read);

	read.adopt = fd;
	if (r == 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		r = vs_fail(EINVAL, "cannot adopt a namespace: the descriptor or path is no network "
				    "namespace; give /run/netns/NAME or /proc/PID/ns/net");
	if (r < 0)
		return r;
	VS_AUTO_FREE struct vs_creation *c = malloc(sizeof(*c)); /* threads may have small stacks */
	if (c == NULL)
		return vs_fail(ENOMEM, "cannot adopt a namespace: %s",
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_creation_begin_adoption(c, &read, text);
	r = vs_creation_run(c);
	if (r == 0)
		*out = c->stack;
	vs_creation_end(c);
	return r;
}

struct vdestack *vdestack_adopt_fd(int netns_fd, const char *config, const struct vdestack_opts *opts)
{
	struct vdestack *stack = NULL;

	if (netns_fd < 0 || fcntl(netns_fd, F_GETFD) < 0)
		return vs_edge_null(vs_fail(EBADF, "cannot adopt descriptor %d: it is not open", netns_fd));
	int r = adopt(netns_fd, config, opts, &stack);
	return r < 0 ? vs_edge_null(r) : stack;
}

static int adopt_path(const char *path, const char *config, const struct vdestack_opts *opts,
		      struct vdestack **out)
{
	VS_NO_CANCEL;
	/* a pipe has no writer to wait for */
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return vs_fail(errno, "cannot adopt \"%s\": %s; give the path of a network namespace, "
				      "/run/netns/NAME or /proc/PID/ns/net", path, strerror(errno));
	return adopt(fd, config, opts, out);
}

struct vdestack *vdestack_adopt_path(const char *path, const char *config, const struct vdestack_opts *opts)
{
	struct vdestack *stack = NULL;

	if (path == NULL)
		return vs_edge_null(vs_fail(EINVAL, "cannot adopt a namespace: no path given"));
	int r = adopt_path(path, config, opts, &stack);
	return r < 0 ? vs_edge_null(r) : stack;
}

static int add(struct vdestack *stack, const char *text, const struct vdestack_opts *opts)
{
	VS_NO_CANCEL;
	struct vs_create_opts read;
	int r = vs_create_opts_read(opts, "add interfaces", &read);

	if (r == 0)
		r = vs_keepers_sealed("cannot add interfaces");
	if (r < 0)
		return r;
	VS_AUTO_FREE struct vs_creation *c = malloc(sizeof(*c)); /* threads may have small stacks */
	if (c == NULL)
		return vs_fail(ENOMEM, "cannot add interfaces: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_creation_begin_addition(c, &read, stack, text);
	r = vs_creation_run(c);
	vs_creation_end(c);
	return r;
}

int vdestack_iface_add(struct vdestack *stack, const char *config, const struct vdestack_opts *opts)
{
	return vs_edge(add(stack, config, opts));
}

static int remove_iface(struct vdestack *stack, const char *ifname)
{
	if (ifname == NULL || !vs_ifname_valid(ifname))
		return vs_fail(EINVAL, "cannot remove an interface: \"%.32s\" is no name of one",
			       ifname != NULL ? ifname : "");
	struct vs_slot *slot = vs_slot_acquire(stack);
	if (slot == NULL)
		return vs_fail(EINVAL, "cannot remove interface %s: not a stack, or one that has been "
				       "deleted", ifname);
	int r = vs_iface_request_remove(slot, ifname, 0);
	vs_slot_release(slot);
	return r < 0 ? r : 0;
}

int vdestack_iface_del(struct vdestack *stack, const char *ifname)
{
	return vs_edge(remove_iface(stack, ifname));
}
