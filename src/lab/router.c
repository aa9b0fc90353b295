/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Routers. Forwarding is two sysctls. Translation needs nft(8), which runs inside the router with a table
 * of its own, "vdestack_lab".
 */

#include "router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "directory.h"
#include "error.h"
#include "files.h"
#include "state.h"
#include "text.h"
#include <vdestack/conf.h>

static int set_forwarding(struct vdestack *stack, const char *name)
{
	if (vdestack_sysctl_set(stack, "ipv4.ip_forward", "1") < 0)
		return vs_lab_error_below("router %s: forwarding of IPv4", name);
	/* without IPv6 in the kernel there is nothing to forward */
	if (vdestack_sysctl_set(stack, "ipv6.conf.all.forwarding", "1") < 0 && errno != ENOENT)
		return vs_lab_error_below("router %s: forwarding of IPv6", name);
	return 0;
}

/* ------------------------------------------------------------------ translation */

static char *rules_of(const struct vdestack_lab *lab, size_t host)
{
	const struct vs_lab_host *h = &lab->t->hosts[host];
	struct vs_lab_text text;

	if (vs_lab_text_begin(&text) < 0)
		return NULL;
	for (int f = 0; f < 2; f++) {
		const char *family = f == 0 ? "ip" : "ip6";
		(void)fprintf(text.out,
			      "add table %s vdestack_lab; add chain %s vdestack_lab post "
			      "{ type nat hook postrouting priority 100; }; ",
			      family, family);
		for (size_t i = 0; i < h->n_ports; i++)
			if (h->ports[i].nat && h->ports[i].addrs[f].family != 0)
				(void)fprintf(text.out,
					      "add rule %s vdestack_lab post oifname \"%s\" masquerade; ",
					      family, vs_lab_ifname(lab, host, i));
	}
	return vs_lab_text_end(&text);
}

/* Runs nft with its output in a file of the lab. */
static int run_nft(struct vdestack_lab *lab, size_t host, char *rules, int64_t deadline)
{
	static char path[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin";
	char *argv[] = { "nft", rules, NULL }, *env[] = { path, NULL };
	const char *name = lab->t->hosts[host].name;
	char message[256] = "";
	int left = vs_lab_left_ms(deadline), out = vs_lab_open_output(lab, "nft.out");

	if (out < 0)
		return out;
	struct vdestack_cmd_opts opts = { .size = sizeof(opts),
					  .timeout_ms = left == 0 ? 1 : left,
					  .envp = env };
	opts.in = VDESTACK_NULL;
	opts.out = out;
	opts.err = VDESTACK_AS_OUT;
	int status = vdestack_run(lab->members[host].stack, argv, &opts), err = errno;
	vs_lab_read_end(lab, "nft.out", message, sizeof(message));
	(void)close(out);
	if (status < 0 && err == ENOENT)
		return vs_lab_error(ENOENT,
				    "router %s: nat needs nft, which is not installed; install nftables",
				    name);
	errno = err;
	if (status < 0)
		return vs_lab_error_below("router %s: nft", name);
	return status == 0 ? 0
			   : vs_lab_error(EOPNOTSUPP, "router %s: nft refuses to translate addresses: %s",
					  name, message[0] != '\0' ? message : "it says nothing");
}

static int set_nat(struct vdestack_lab *lab, size_t host, int64_t deadline)
{
	int r = vs_lab_directory_make(lab);

	if (r < 0)
		return r;
	char *rules = rules_of(lab, host);
	r = rules != NULL ? run_nft(lab, host, rules, deadline)
			  : vs_lab_error(ENOMEM, "out of memory for the rules of a router");
	free(rules);
	return r;
}

int vs_lab_routers_start(struct vdestack_lab *lab, int64_t deadline)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < lab->t->n_hosts; i++) {
		const struct vs_lab_host *h = &lab->t->hosts[i];
		bool nat = false;
		if (h->kind != VS_LAB_ROUTER)
			continue;
		for (size_t j = 0; j < h->n_ports; j++)
			nat = nat || h->ports[j].nat;
		r = set_forwarding(lab->members[i].stack, h->name);
		if (r == 0 && nat)
			r = set_nat(lab, i, deadline);
	}
	return r;
}
