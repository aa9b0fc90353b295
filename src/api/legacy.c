/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The calls of libvdestack 0.1, by calls of this library. vde_msocket() and vde_default_stack() are where the
 * sockets are, in core/.
 *
 * A stack made here has one interface, which is down and has no address. Programs of 0.1 expect that, and
 * configure it by commands or netlink.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "config/argv.h"
#include "config/config.h"
#include "core/creation.h"
#include "core/deletion.h"
#include <vdestack.h>

#define COULD_NOT_EXECUTE 2 /* what 0.1 returns for a command that cannot be executed */

static int add_stack(const char *vdenet, const char *ifname, struct vdestack **out)
{
	struct vs_conf_iface iface = { .vnl = (char *)vdenet };
	struct vs_config config = { .ifaces = &iface, .n_ifaces = 1 };
	struct vs_create_opts opts;

	(void)vs_create_opts_read(NULL, "make a stack", &opts);
	opts.bare = true;
	if (vdenet == NULL || vdenet[0] == '\0' || strcmp(vdenet, "none") == 0)
		config.n_ifaces = 0;
	if (config.n_ifaces > 0 && strlen(vdenet) > VS_VNL_MAX)
		return vs_fail(ENAMETOOLONG,
			       "cannot make a stack: the network \"%.60s...\" has more than %d bytes; use a "
			       "shorter locator",
			       vdenet, VS_VNL_MAX);
	if (ifname == NULL)
		ifname = "vde0";
	if (!vs_ifname_valid(ifname))
		return vs_fail(EINVAL,
			       "cannot make a stack: \"%.32s\" cannot be an interface; use 1 to 15 letters, "
			       "digits, '-', '_', '.'",
			       ifname);
	memcpy(iface.name, ifname, strlen(ifname) + 1);
	if (config.n_ifaces > 0)
		vs_locator_parse(vdenet, &iface.locator);
	return vs_create(&config, &opts, out);
}

struct vdestack *vde_addstack(const char *vdenet, const char *ifname)
{
	struct vdestack *stack = NULL;
	int r = add_stack(vdenet, ifname, &stack);

	return r < 0 ? vs_edge_null(r) : stack;
}

void vde_delstack(struct vdestack *stack)
{
	int saved = errno;

	(void)vs_delete(stack);
	errno = saved;
}

/* One command by its full path. Returns its exit status; 128 + signal; -1: it could not be tried. */
static int run_one(struct vdestack *stack, char **argv)
{
	if (argv[0][0] != '/' && strchr(argv[0], '/') == NULL) {
		(void)vs_fail(
			ENOENT,
			"cannot run \"%.100s\": commands are named by their full path here; write /bin/...",
			argv[0]);
		return COULD_NOT_EXECUTE;
	}
	int status = vdestack_run(stack, argv, NULL);
	if (status < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOEXEC || errno == ENOTDIR ||
				       errno == EISDIR
			       ? COULD_NOT_EXECUTE
			       : -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int vde_stackcmd(struct vdestack *stack, const char *stackcmd)
{
	int status = 0;

	if (stackcmd == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot run a command: there is none"));
	VS_AUTO_FREE char **all = vs_argv_split(stackcmd);
	if (all == NULL)
		return vs_edge(vs_fail(errno, "cannot run \"%.100s\": %s", stackcmd,
				       errno == EINVAL ? "a quote is not closed" : strerror(errno)));
	if (all[0] == NULL)
		return 0;
	for (char **argv = all; argv != NULL && status == 0; argv = vs_argv_next(argv))
		status = run_one(stack, argv);
	return status;
}

/* Exported by 0.1, but not declared in its header: runs one command, already split. */
int vde_stack_onecmd(char **argv, void *stack);
__attribute__((visibility("default"))) int vde_stack_onecmd(char **argv, void *stack)
{
	if (argv == NULL || argv[0] == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot run a command: there is none"));
	return run_one(stack, argv);
}
