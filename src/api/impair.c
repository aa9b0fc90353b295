/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that misbehave on purpose: the public calls. The keeper checks the values and changes them. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/opts.h"
#include "config/config.h"
#include "core/impairment.h"
#include "core/long_call.h"
#include "core/stack.h"
#include <vdestack/impair.h>

static int check_name(const char *ifname, const char *step)
{
	return ifname == NULL || !vs_ifname_valid(ifname)
		       ? vs_fail(EINVAL, "cannot %s: not the name of an interface", step)
		       : 0;
}

static int change(struct vdestack *stack, const char *ifname, const struct vs_wire_impair *wanted)
{
	struct vs_wire_impaired before;
	int r = vs_impairment_ask(stack, ifname, wanted, &before);

	return r < 0 ? vs_fail_step(-r, "cannot impair interface %s", ifname) : 0;
}

/* ------------------------------------------------------------------ typed */

static int read_settings(const struct vdestack_impairment *given, struct vs_wire_impair_change *out)
{
	if (given == NULL)
		return 0;
	int r = vs_opts_read(given, sizeof(given->size), &out->to, sizeof(out->to));
	out->fields = VS_IMPAIR_ALL;
	return r < 0 ? vs_opts_fail(r, "impair an interface", "vdestack_impairment") : 0;
}

static int impair(struct vdestack *stack, const char *ifname, const struct vdestack_impairment *tx,
		  const struct vdestack_impairment *rx)
{
	struct vs_wire_impair wanted = { .group = VS_WIRE_GROUP_KEEP };
	int r = check_name(ifname, "impair an interface");

	if (r == 0)
		r = read_settings(tx, &wanted.tx);
	if (r == 0)
		r = read_settings(rx, &wanted.rx);
	return r == 0 ? change(stack, ifname, &wanted) : r;
}

int vdestack_impair(struct vdestack *stack, const char *ifname, const struct vdestack_impairment *tx,
		    const struct vdestack_impairment *rx)
{
	return vs_edge(impair(stack, ifname, tx, rx));
}

static bool has_no_size(const size_t *size)
{
	return size != NULL && *size < sizeof(*size);
}

/* Into a struct of any version. Its size stays. */
static void write_back(void *given, const void *known, size_t known_bytes)
{
	size_t size;

	if (given == NULL)
		return;
	memcpy(&size, given, sizeof(size));
	vs_opts_write(given, size, known, known_bytes);
	memcpy(given, &size, sizeof(size));
}

static int impair_get(struct vdestack *stack, const char *ifname, struct vdestack_impairment *tx,
		      struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
		      struct vdestack_impair_stats *rx_stats)
{
	struct vs_wire_impaired state;
	int r = check_name(ifname, "read an impairment");

	if (r < 0)
		return r;
	if ((tx != NULL && has_no_size(&tx->size)) || (rx != NULL && has_no_size(&rx->size)))
		return vs_opts_fail(-EINVAL, "read an impairment", "vdestack_impairment");
	if ((tx_stats != NULL && has_no_size(&tx_stats->size)) ||
	    (rx_stats != NULL && has_no_size(&rx_stats->size)))
		return vs_opts_fail(-EINVAL, "read an impairment", "vdestack_impair_stats");
	r = vs_impairment_ask(stack, ifname, NULL, &state);
	if (r < 0)
		return vs_fail_step(-r, "cannot read the impairment of interface %s", ifname);
	write_back(tx, &state.tx, sizeof(state.tx));
	write_back(rx, &state.rx, sizeof(state.rx));
	write_back(tx_stats, &state.tx_stats, sizeof(state.tx_stats));
	write_back(rx_stats, &state.rx_stats, sizeof(state.rx_stats));
	return 0;
}

int vdestack_impair_get(struct vdestack *stack, const char *ifname, struct vdestack_impairment *tx,
			struct vdestack_impairment *rx, struct vdestack_impair_stats *tx_stats,
			struct vdestack_impair_stats *rx_stats)
{
	return vs_edge(impair_get(stack, ifname, tx, rx, tx_stats, rx_stats));
}

/* ------------------------------------------------------------------ words */

static int impair_words(struct vdestack *stack, const char *ifname, const char *words)
{
	struct vs_config_error error;
	struct vs_conf_impair said;
	struct vs_wire_impair wanted;
	int r = check_name(ifname, "impair an interface");

	if (r == 0 && words == NULL)
		r = vs_fail(EINVAL, "cannot impair interface %s: the words are NULL", ifname);
	if (r < 0)
		return r;
	r = vs_impair_parse(words, &error, &said);
	if (r < 0)
		return vs_fail(error.err, "%s",
			       error.text[0] != '\0' ? error.text : "cannot impair an interface: no memory");
	vs_impairment_fill(&said, &wanted);
	return change(stack, ifname, &wanted);
}

int vdestack_impair_words(struct vdestack *stack, const char *ifname, const char *words)
{
	return vs_edge(impair_words(stack, ifname, words));
}

/* ------------------------------------------------------------------ segments */

static int segment_group(struct vdestack *stack, const char *ifname, unsigned group)
{
	struct vs_wire_impair wanted = { .group = group };
	int r = check_name(ifname, "change the group of an interface");

	if (r == 0 && group > VS_WIRE_GROUP_MAX)
		r = vs_fail(EINVAL, "cannot move interface %s into group %u: the highest is %d", ifname,
			    group, VS_WIRE_GROUP_MAX);
	if (r < 0)
		return r;
	struct vs_wire_impaired before;
	r = vs_impairment_ask(stack, ifname, &wanted, &before);
	return r < 0 ? vs_fail_step(-r, "cannot move interface %s into group %u", ifname, group) : 0;
}

int vdestack_segment_group(struct vdestack *stack, const char *ifname, unsigned group)
{
	return vs_edge(segment_group(stack, ifname, group));
}

static int segment_flap(struct vdestack *stack, const char *ifname)
{
	struct vs_long_call call = { .req = { .op = VS_OP_FLAP } };
	int r = check_name(ifname, "flap an interface");

	if (r < 0)
		return r;
	memcpy(call.req.iface.name, ifname, strlen(ifname));
	r = vs_stack_ask(stack, &call);
	return r < 0 ? vs_fail_step(-r, "cannot flap interface %s", ifname) : 0;
}

int vdestack_segment_flap(struct vdestack *stack, const char *ifname)
{
	return vs_edge(segment_flap(stack, ifname));
}
