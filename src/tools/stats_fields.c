/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stats_fields.h"

#include <inttypes.h>
#include <string.h>

#include "devices.h"
#include <vdestack/conf.h>
#include <vdestack/impair.h>

#define U32(of, member) VS_STATS_U32, offsetof(struct of, member)
#define U64(of, member) VS_STATS_U64, offsetof(struct of, member)
#define DOUBLE(of, member) VS_STATS_DOUBLE, offsetof(struct of, member)
#define NS 1000000000

const struct vs_stats_field vs_stats_keeper_fields[] = {
	{ "uptime_ms", "keeper_uptime_seconds", NULL, U64(vdestack_keeper_stats, uptime_ms), 1000,
	  "Time since the keeper was started." },
	{ "requests", "keeper_requests_total", NULL, U64(vdestack_keeper_stats, requests), 0,
	  "Requests of programs." },
	{ "refused", "keeper_refused_total", NULL, U64(vdestack_keeper_stats, refused), 0,
	  "Requests not served because of who sent them, or how." },
	{ "sockets", "keeper_sockets_total", NULL, U64(vdestack_keeper_stats, sockets), 0,
	  "Sockets made in stacks by request." },
	{ "lookups", "keeper_lookups_total", NULL, U64(vdestack_keeper_stats, lookups), 0,
	  "Requests of other programs that look for stacks." },
	{ "lookups_refused", "keeper_lookups_refused_total", NULL,
	  U64(vdestack_keeper_stats, lookups_refused), 0,
	  "Of these, not served because of who sent them, or how." },
	{ "stacks", "keeper_stacks", NULL, U32(vdestack_keeper_stats, stacks), 0, "Stacks that there are." },
	{ "interfaces", "keeper_interfaces", NULL, U32(vdestack_keeper_stats, interfaces), 0,
	  "Interfaces that there are." },
	{ "captures", "keeper_captures", NULL, U32(vdestack_keeper_stats, captures), 0,
	  "Captures and wire taps that there are." },
	{ "threads", "keeper_threads", NULL,
	  U32(vdestack_keeper_stats, threads), 0, "Threads of the keeper." },
	{ "descriptors", "keeper_descriptors", NULL, U64(vdestack_keeper_stats, descriptors), 0,
	  "Descriptors of the keeper in use." },
	{ "memory_bytes", "keeper_memory_bytes", NULL, U64(vdestack_keeper_stats, memory_bytes), 0,
	  "Resident memory of the keeper." },
	{ 0 },
};

const struct vs_stats_field vs_stats_kernel_fields[] = {
	{ "rx_bytes", "interface_bytes_total", "rx", U64(vs_device, rx_bytes), 0,
	  "Bytes that the kernel counts at the interface." },
	{ "tx_bytes", "interface_bytes_total", "tx", U64(vs_device, tx_bytes), 0, NULL },
	{ "rx_packets", "interface_packets_total", "rx", U64(vs_device, rx_packets), 0,
	  "Packets that the kernel counts at the interface; a super-frame is one." },
	{ "tx_packets", "interface_packets_total", "tx", U64(vs_device, tx_packets), 0, NULL },
	{ "rx_dropped", "interface_dropped_total", "rx", U64(vs_device, rx_dropped), 0,
	  "Packets that the kernel has dropped at the interface, those with errors included." },
	{ "tx_dropped", "interface_dropped_total", "tx", U64(vs_device, tx_dropped), 0, NULL },
	{ "rx_errors", "interface_errors_total", "rx", U64(vs_device, rx_errors), 0,
	  "Packets with errors at the interface." },
	{ "tx_errors", "interface_errors_total", "tx", U64(vs_device, tx_errors), 0, NULL },
	{ "rx_multicast", "interface_multicast_total", "rx", U64(vs_device, rx_multicast), 0,
	  "Packets to groups that the kernel counts at the interface." },
	{ 0 },
};

const struct vs_stats_field vs_stats_link_fields[] = {
	{ "offloads", NULL, NULL, U32(vdestack_link_stats, offloads), 0, NULL },
	{ "rx_frames", "link_frames_total", "rx",
	  U64(vdestack_link_stats, rx_frames), 0, "Frames on the network." },
	{ "tx_frames", "link_frames_total", "tx", U64(vdestack_link_stats, tx_frames), 0, NULL },
	{ "rx_dropped", "link_dropped_total", "rx", U64(vdestack_link_stats, rx_dropped), 0,
	  "Frames that were not taken by the interface (rx) or by the network (tx)." },
	{ "tx_dropped", "link_dropped_total", "tx", U64(vdestack_link_stats, tx_dropped), 0, NULL },
	{ "tx_refused", "link_refused_total", "tx", U64(vdestack_link_stats, tx_refused), 0,
	  "Packets that are malformed, or longer than the network carries." },
	{ "rx_writes", "link_writes_total", "rx", U64(vdestack_link_stats, rx_writes), 0,
	  "Packets that frames from the network became in the stack." },
	{ "reconnects", "link_reconnects_total", NULL, U64(vdestack_link_stats, reconnects), 0,
	  "How often the network came back." },
	{ 0 },
};

const struct vs_stats_field vs_stats_capture_fields[] = {
	{ "captures", "captures", NULL, U32(vdestack_link_stats, captures), 0, "Captures that are running." },
	{ "taps", "taps", NULL, U32(vdestack_link_stats, taps), 0, "Wire taps that are open." },
	{ "captured", "captured_frames_total", NULL, U64(vdestack_link_stats, captured), 0,
	  "Frames that captures have taken into files." },
	{ "uncaptured", "uncaptured_frames_total", NULL, U64(vdestack_link_stats, uncaptured), 0,
	  "Frames that captures have missed." },
	{ 0 },
};

const struct vs_stats_field vs_stats_setting_fields[] = {
	{ "cut", "impairment_cut", NULL, U32(vdestack_impairment, cut), 0, "1: no frame passes." },
	{ "blackhole_bytes", "impairment_blackhole_bytes", NULL, U32(vdestack_impairment, blackhole), 0,
	  "Longer packets vanish; 0: none." },
	{ "loss", "impairment_loss_ratio", NULL,
	  DOUBLE(vdestack_impairment, loss), 0, "Probability of loss." },
	{ "burst_enter", "impairment_burst_enter_ratio", NULL, DOUBLE(vdestack_impairment, burst_enter), 0,
	  "Probability to change into the bad state." },
	{ "burst_leave", "impairment_burst_leave_ratio", NULL, DOUBLE(vdestack_impairment, burst_leave), 0,
	  "Probability to leave the bad state." },
	{ "burst_loss", "impairment_burst_loss_ratio", NULL, DOUBLE(vdestack_impairment, burst_loss), 0,
	  "Probability of loss in the bad state." },
	{ "burst_base", "impairment_burst_base_ratio", NULL, DOUBLE(vdestack_impairment, burst_base), 0,
	  "Probability of loss in the good state." },
	{ "loss_every", "impairment_loss_every_frames", NULL, U32(vdestack_impairment, loss_every), 0,
	  "Each n-th frame is lost; 0: none." },
	{ "reorder", "impairment_reorder_ratio", NULL, DOUBLE(vdestack_impairment, reorder), 0,
	  "Probability of being held back." },
	{ "duplicate", "impairment_duplicate_ratio", NULL, DOUBLE(vdestack_impairment, duplicate), 0,
	  "Probability of being passed twice." },
	{ "corrupt", "impairment_corrupt_ratio", NULL, DOUBLE(vdestack_impairment, corrupt), 0,
	  "Probability of a wrong bit." },
	{ "corrupt_valid", "impairment_corrupt_valid_ratio", NULL,
	  DOUBLE(vdestack_impairment, corrupt_valid), 0,
	  "Probability of a wrong bit with checksums that fit." },
	{ "delay_ns", "impairment_delay_seconds", NULL, U64(vdestack_impairment, delay_ns), NS, "Delay." },
	{ "jitter_ns", "impairment_jitter_seconds", NULL,
	  U64(vdestack_impairment, jitter_ns), NS, "Jitter." },
	{ "rate", "impairment_rate_bits_per_second", NULL, U64(vdestack_impairment, rate), 0,
	  "Limit of the rate; 0: none." },
	{ "queue_bytes", "impairment_queue_bytes", NULL, U32(vdestack_impairment, queue_bytes), 0,
	  "What may wait for the rate; 0: the default." },
	{ 0 },
};

#define IMPAIRED(name, help) \
	{ #name, "impairment_" #name "_total", NULL, U64(vdestack_impair_stats, name), 0, help }

const struct vs_stats_field vs_stats_impaired_fields[] = {
	IMPAIRED(seen, "Frames that came to the impairment."),
	IMPAIRED(passed, "Frames that went on, duplicates included."),
	IMPAIRED(cut, "Frames that a cut has stopped."),
	IMPAIRED(blackholed, "Frames that were too long."),
	IMPAIRED(lost, "Frames that were lost by chance or number."),
	IMPAIRED(overflowed, "Frames that the queue had no room for."),
	IMPAIRED(marked, "Frames that CoDel has dropped."),
	IMPAIRED(reordered, "Frames that were held back."),
	IMPAIRED(duplicated, "Frames that were passed twice."),
	IMPAIRED(corrupted, "Frames with a wrong bit."),
	IMPAIRED(no_memory, "Frames that were dropped as too many waited."),
	{ "waiting", "impairment_waiting", NULL, U64(vdestack_impair_stats, waiting), 0,
	  "Frames that are delayed or queued." },
	{ 0 },
};

/* Nine digits behind the point are enough for milliseconds and nanoseconds. */
static void write_quotient(FILE *out, uint64_t n, uint64_t divisor)
{
	(void)fprintf(out, "%" PRIu64 ".%09" PRIu64, n / divisor, n % divisor * (NS / divisor));
}

/* From 0 to 1, without the locale's point. */
static void write_probability(FILE *out, double p)
{
	uint64_t units = p > 0 && p <= 1 ? (uint64_t)(p * 1e15 + 0.5) : 0;

	(void)fprintf(out, "%" PRIu64 ".%015" PRIu64, units / 1000000000000000, units % 1000000000000000);
}

void vs_stats_write_number(FILE *out, const struct vs_stats_field *field, const void *of, bool as_metric)
{
	const char *at = (const char *)of + field->offset;
	uint64_t n = 0;
	uint32_t n32;
	double p;

	if (field->type == VS_STATS_DOUBLE) {
		memcpy(&p, at, sizeof(p));
		write_probability(out, p);
		return;
	}
	if (field->type == VS_STATS_U32) {
		memcpy(&n32, at, sizeof(n32));
		n = n32;
	} else {
		memcpy(&n, at, sizeof(n));
	}
	if (as_metric && field->divisor > 1)
		write_quotient(out, n, field->divisor);
	else
		(void)fprintf(out, "%" PRIu64, n);
}
