/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "state.h"
#include <vdestack/conf.h>
#include <vdestack/events.h>
#include <vdestack/impair.h>

#define MOST 1024 /* records of a list; what is left out is said */

/* Ends a list: how many are missing, or why it could not be read. */
static void end_list(FILE *out, int n)
{
	if (n < 0)
		(void)fprintf(out, "  not read: %s\n", vdestack_last_error());
	else if (n > MOST)
		(void)fprintf(out, "  and %d more\n", n - MOST);
}

static int shown(int n)
{
	return n > MOST ? MOST : n;
}

/* ------------------------------------------------------------------ lists */

static void report_addresses(FILE *out, struct vdestack *stack, void *room)
{
	struct vdestack_addr *list = room;
	int n = vdestack_addr_list(stack, NULL, list, MOST, sizeof(*list));

	(void)fputs("\naddresses\n", out);
	for (int i = 0; i < shown(n); i++)
		(void)fprintf(out, "  %-15s %s/%u flags %#x\n", list[i].ifname, list[i].addr,
			      list[i].prefix_len, list[i].flags);
	end_list(out, n);
}

static void report_routes(FILE *out, struct vdestack *stack, void *room)
{
	struct vdestack_route *list = room;
	int n = vdestack_route_list(stack, NULL, list, MOST, sizeof(*list));

	(void)fputs("\nroutes\n", out);
	for (int i = 0; i < shown(n); i++)
		(void)fprintf(out, "  %-15s %s/%u%s%s metric %u\n", list[i].ifname,
			      list[i].dst[0] != '\0'      ? list[i].dst
			      : list[i].family == AF_INET ? "0.0.0.0"
							  : "::",
			      list[i].prefix_len, list[i].gw[0] != '\0' ? " via " : "", list[i].gw,
			      list[i].metric);
	end_list(out, n);
}

static const char *state_name(unsigned state)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = { { NUD_PERMANENT, "permanent" }, { NUD_REACHABLE, "reachable" },
		      { NUD_STALE, "stale" },         { NUD_DELAY, "delay" },
		      { NUD_PROBE, "probe" },         { NUD_INCOMPLETE, "incomplete" },
		      { NUD_FAILED, "failed" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((state & names[i].bit) != 0)
			return names[i].name;
	return "none";
}

static void report_neighbours(FILE *out, struct vdestack *stack, void *room)
{
	struct vdestack_neigh *list = room;
	int n = vdestack_neigh_list(stack, NULL, list, MOST, sizeof(*list));

	(void)fputs("\nneighbours\n", out);
	for (int i = 0; i < shown(n); i++)
		(void)fprintf(out, "  %-15s %s %02x:%02x:%02x:%02x:%02x:%02x %s\n", list[i].ifname,
			      list[i].addr, list[i].mac[0], list[i].mac[1], list[i].mac[2], list[i].mac[3],
			      list[i].mac[4], list[i].mac[5], state_name(list[i].state));
	end_list(out, n);
}

/* ------------------------------------------------------------------ interfaces */

/* The settings that are not 0: names as in <vdestack/impair.h>. */
static void report_settings(FILE *out, const struct vdestack_impairment *d)
{
	const struct {
		const char *name;
		double value;
	} list[] = {
		{ "cut", d->cut },
		{ "blackhole", d->blackhole },
		{ "loss", d->loss },
		{ "burst_enter", d->burst_enter },
		{ "burst_leave", d->burst_leave },
		{ "burst_loss", d->burst_loss },
		{ "burst_base", d->burst_base },
		{ "loss_every", d->loss_every },
		{ "reorder", d->reorder },
		{ "reorder_gap", d->reorder_gap },
		{ "duplicate", d->duplicate },
		{ "corrupt", d->corrupt },
		{ "corrupt_valid", d->corrupt_valid },
		{ "delay_ns", (double)d->delay_ns },
		{ "jitter_ns", (double)d->jitter_ns },
		{ "distribution", d->distribution },
		{ "keep_order", d->keep_order },
		{ "rate", (double)d->rate },
		{ "queue_bytes", d->queue_bytes },
		{ "queue", d->queue },
		{ "codel_target_ns", (double)d->codel_target_ns },
		{ "codel_interval_ns", (double)d->codel_interval_ns },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i].value > 0)
			(void)fprintf(out, " %s %.15g", list[i].name, list[i].value);
}

static void report_direction(FILE *out, const char *name, const struct vdestack_impairment *d,
			     const struct vdestack_impair_stats *s)
{
	(void)fprintf(out, "  impaired %s: seed %" PRIu64, name, d->seed);
	report_settings(out, d);
	(void)fprintf(out,
		      "; seen %" PRIu64 " passed %" PRIu64 " lost %" PRIu64 " cut %" PRIu64
		      " overflowed %" PRIu64 " marked %" PRIu64 " reordered %" PRIu64 " duplicated %" PRIu64
		      " corrupted %" PRIu64 " blackholed %" PRIu64 " no_memory %" PRIu64 " waiting %" PRIu64
		      "\n",
		      s->seen, s->passed, s->lost, s->cut, s->overflowed, s->marked, s->reordered,
		      s->duplicated, s->corrupted, s->blackholed, s->no_memory, s->waiting);
}

/* The kernel's counters, since segments have no others: /sys would be that of the host. */
static void report_kernel_counters(FILE *out, struct vdestack *stack, const char *ifname)
{
	struct ifaddrs *list = NULL;

	if (vdestack_getifaddrs(stack, &list) < 0)
		return;
	for (const struct ifaddrs *a = list; a != NULL; a = a->ifa_next) {
		const uint32_t *c = a->ifa_data; /* struct rtnl_link_stats: packets, bytes, errors, dropped */
		if (c == NULL || a->ifa_addr == NULL || a->ifa_addr->sa_family != AF_PACKET ||
		    strcmp(a->ifa_name, ifname) != 0)
			continue;
		(void)fprintf(out,
			      "  kernel: rx %u packets %u bytes %u errors %u dropped; tx %u packets %u bytes "
			      "%u errors "
			      "%u dropped\n",
			      c[0], c[2], c[4], c[6], c[1], c[3], c[5], c[7]);
	}
	vdestack_freeifaddrs(list);
}

static void report_port(FILE *out, struct vdestack_lab *lab, size_t host, size_t port)
{
	struct vdestack *stack = lab->members[host].stack;
	const char *ifname = vs_lab_ifname(lab, host, port);
	struct vdestack_link_stats s = { .size = sizeof(s) };
	struct vdestack_impairment d[2];
	struct vdestack_impair_stats counted[2];
	int flags = vdestack_link_get_flags(stack, ifname);

	(void)fprintf(out, "\ninterface %s: %s, %s, mtu %d\n", ifname,
		      flags >= 0 && (flags & IFF_UP) ? "up" : "down",
		      flags >= 0 && (flags & IFF_RUNNING) ? "carrier" : "no carrier",
		      vdestack_link_get_mtu(stack, ifname));
	report_kernel_counters(out, stack, ifname);
	if (vdestack_link_get_stats(stack, ifname, &s) == 0)
		(void)fprintf(out,
			      "  network: rx %" PRIu64 " frames %" PRIu64 " dropped; tx %" PRIu64
			      " frames %" PRIu64 " dropped %" PRIu64 " refused; reconnects %" PRIu64 "\n",
			      s.rx_frames, s.rx_dropped, s.tx_frames, s.tx_dropped, s.tx_refused,
			      s.reconnects);
	for (int i = 0; i < 2; i++) {
		d[i] = (struct vdestack_impairment){ .size = sizeof(d[i]) };
		counted[i] = (struct vdestack_impair_stats){ .size = sizeof(counted[i]) };
	}
	if (vdestack_impair_get(stack, ifname, &d[0], &d[1], &counted[0], &counted[1]) == 0 &&
	    (d[0].seed != 0 || d[1].seed != 0)) {
		report_direction(out, "tx", &d[0], &counted[0]);
		report_direction(out, "rx", &d[1], &counted[1]);
	}
}

void vs_lab_report_state(FILE *out, struct vdestack_lab *lab, size_t host)
{
	size_t largest = sizeof(struct vdestack_addr);
	struct vdestack *stack = lab->members[host].stack;
	void *room;

	if (largest < sizeof(struct vdestack_route))
		largest = sizeof(struct vdestack_route);
	if (largest < sizeof(struct vdestack_neigh))
		largest = sizeof(struct vdestack_neigh);
	room = calloc(MOST, largest);
	(void)fprintf(out, "host %s\n", lab->t->hosts[host].name);
	for (size_t i = 0; i < lab->t->hosts[host].n_ports; i++)
		report_port(out, lab, host, i);
	if (room == NULL) {
		(void)fputs("\nno memory for more\n", out);
		return;
	}
	report_addresses(out, stack, room);
	report_routes(out, stack, room);
	report_neighbours(out, stack, room);
	free(room);
}

/* ------------------------------------------------------------------ events */

static const char *event_name(uint32_t type)
{
	static const char *const names[] = { "",
					     "link up",
					     "link down",
					     "link retry",
					     "carrier cut",
					     "carrier restored",
					     "address ready",
					     "address lost",
					     "overrun",
					     "stack ended",
					     "keeper lost",
					     "source gained",
					     "source renewed",
					     "source changed",
					     "source lost",
					     "source conflict",
					     "source refused",
					     "source silent",
					     "source ipv6 only",
					     "source storage",
					     "impaired" };

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

void vs_lab_report_events(FILE *out, int events)
{
	struct vdestack_event e;

	(void)fprintf(out, "now %" PRId64 ".%09" PRId64 " (CLOCK_MONOTONIC)\n",
		      vs_lab_deadline(0) / 1000000000, vs_lab_deadline(0) % 1000000000);
	while (vdestack_event_read(events, &e, 0) == 1)
		(void)fprintf(out, "%" PRId64 ".%09" PRId64 " %s %.*s %.*s%s%s\n", e.time_ns / 1000000000,
			      e.time_ns % 1000000000, event_name(e.type), IFNAMSIZ, e.ifname,
			      INET6_ADDRSTRLEN, e.addr, e.error != 0 ? " error: " : "",
			      e.error != 0 ? strerror(e.error) : "");
}
