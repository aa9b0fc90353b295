/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests about address sources, and the directory of their lease files. */

#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "handle.h"
#include "long_call.h"
#include "regain.h"
#include "stack.h"
#include "wire/changes.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

_Static_assert(VS_CONF_DHCP4 == VS_SOURCES_DHCP4 && VS_CONF_RA == VS_SOURCES_RA &&
	       VS_CONF_SLAAC == VS_SOURCES_SLAAC && VS_CONF_DHCP6 == VS_SOURCES_DHCP6, "the same bits");
_Static_assert(VS_CONF_DNS_MAX == VS_SOURCES_DNS_MAX && VS_CONF_DOMAINS_MAX == VS_SOURCES_DOMAINS_BYTES &&
	       VS_CONF_FQDN_MAX == VS_SOURCES_FQDN_BYTES, "the same sizes");

bool vs_sources_any(const struct vs_config *config)
{
	for (size_t i = 0; i < config->n_ifaces; i++)
		if (config->ifaces[i].sources != NULL)
			return true;
	return false;
}

bool vs_sources_has_to_wait(const struct vs_conf_iface *iface)
{
	return iface->sources != NULL && (iface->sources->required | iface->sources->one_of) != 0;
}

/* ------------------------------------------------------------------ lease files */

static int fail_leases(int err, const char *path, const char *cause)
{
	return vs_fail(err, "cannot use the directory leases=%.200s: %s", path, cause);
}

/* A user that may write in the directory could give the stack an address. */
static bool is_private(const struct stat *dir)
{
	return (dir->st_uid == geteuid() || dir->st_uid == 0) && (dir->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int vs_sources_open_leases(const char *path)
{
	struct stat dir;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail_leases(errno, path, strerror(errno));
	VS_AUTO_CLOSE fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_leases(errno, path, vs_cause_text(vs_diagnose_limit(errno), errno));
	if (fstat(fd, &dir) < 0)
		return fail_leases(errno, path, strerror(errno));
	if (!is_private(&dir))
		return fail_leases(EPERM, path,
				   "it belongs to another user, or other users may write in it; give a "
				   "directory of this user with mode 0700");
	return vs_steal_fd(&fd);
}

/* ------------------------------------------------------------------ what is wanted */

static uint32_t fill_names(const struct vs_conf_names *names, struct vs_wire_ip *dns, char *domains)
{
	for (size_t i = 0; i < names->n_dns; i++) {
		dns[i].family = (uint8_t)names->dns[i].family;
		memcpy(dns[i].bytes, names->dns[i].bytes, sizeof(dns[i].bytes));
	}
	memcpy(domains, names->domains, sizeof(names->domains));
	return (uint32_t)names->n_dns;
}

static uint32_t wire_flags(const struct vs_conf_iface *iface)
{
	unsigned options = iface->sources->options;

	return (iface->nodad ? VS_SOURCES_NODAD : 0) | (options & VS_CONF_RAPID ? VS_SOURCES_RAPID : 0) |
	       (options & VS_CONF_IPV6_ONLY ? VS_SOURCES_IPV6_ONLY : 0) |
	       (options & VS_CONF_STABLE ? VS_SOURCES_STABLE : 0) |
	       (options & VS_CONF_NO_RELEASE ? VS_SOURCES_NO_RELEASE : 0);
}

void vs_sources_fill(const struct vs_conf_iface *iface, const char *stack_name, bool has_leases,
		     struct vs_wire_sources *out)
{
	const struct vs_conf_sources *sources = iface->sources;

	memset(out, 0, sizeof(*out)); /* its gaps are sent, too */
	memcpy(out->ifname, iface->name, sizeof(out->ifname));
	memcpy(out->name, stack_name, strnlen(stack_name, sizeof(out->name) - 1));
	out->start = sources->start;
	out->stop = sources->stop;
	out->required = sources->required;
	out->one_of = sources->one_of;
	out->flags = wire_flags(iface);
	out->pd_len = sources->pd_len;
	out->n_dns = fill_names(&sources->add, out->dns, out->domains);
	out->n_del_dns = fill_names(&sources->remove, out->del_dns, out->del_domains);
	memcpy(out->fqdn, sources->fqdn, sizeof(out->fqdn));
	out->clear_static = (uint8_t)((sources->clear_dns ? VS_SOURCES_CLEAR_DNS : 0) |
				      (sources->clear_domains ? VS_SOURCES_CLEAR_DOMAINS : 0));
	out->has_leases = has_leases;
}

/* ------------------------------------------------------------------ waiting and asking */

static void set_ifname(struct vs_long_call *call, const char *ifname)
{
	if (ifname != NULL)
		memcpy(call->req.iface.name, ifname, strnlen(ifname, sizeof(call->req.iface.name) - 1));
}

bool vs_sources_possible(struct vdestack *stack)
{
	struct vs_slot *slot = vs_slot_acquire(stack);

	if (slot == NULL)
		return false; /* what comes next says why */
	struct vs_changes *changes = vs_changes_of(atomic_load(&slot->keeper)->changes, slot->id);
	bool possible = changes == NULL || atomic_load(&changes->sources) != 0;
	vs_slot_release(slot);
	return possible;
}

int vs_sources_wait(struct vdestack *stack, const char *ifname, int timeout_ms)
{
	struct vs_long_call call = { .req = { .op = VS_OP_SOURCES_WAIT }, .timeout_ms = timeout_ms };

	set_ifname(&call, ifname);
	int r = vs_stack_ask_within(stack, &call);
	return r < 0 ? r : 0;
}

int vs_learned_ask(struct vdestack *stack, const char *ifname, struct vs_learned *out)
{
	VS_NO_CANCEL;
	struct vs_long_call call = { .req = { .op = VS_OP_LEARNED } };

	set_ifname(&call, ifname);
	int r = vs_stack_ask(stack, &call);
	if (r < 0)
		return r;
	if (call.n_got < 1)
		return vs_fail(EPROTO, "cannot read what was learned: the keeper sent no descriptor");
	return vs_learned_read(call.got[0], out);
}

/*
 * The keeper takes the requests of a stack in order. So when the records have come, the reply to the request
 * before has been sent too, if the sources are ready.
 */
int vs_sources_look(struct vdestack *stack, struct vs_learned *out)
{
	VS_NO_CANCEL;
	struct vs_slot *slot = vs_slot_acquire(stack);

	if (slot == NULL)
		return vs_fail(EINVAL, "not a stack, or one that has been deleted");
	struct vs_long_call call = {
		.door = vs_regain_door(slot),
		.kept = vs_slot_kept(slot),
		.keeper = slot->keeper,
		.req = { .op = VS_OP_SOURCES_WAIT },
		.timeout_ms = VS_NO_LIMIT_MS,
	};
	int r = vs_long_call_begin(&call);
	if (r == 0) {
		r = vs_learned_ask(stack, NULL, out);
		if (r == 0)
			r = vs_long_call_step(&call);
		vs_long_call_end(&call);
	}
	vs_slot_release(slot);
	return r > 0 ? 0 : r;
}
