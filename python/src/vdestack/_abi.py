# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structs and numbers of the C headers. tests/test_abi.py compares them with what a C compiler finds."""

from __future__ import annotations

import ctypes as c

IF_NAMESIZE = 16
INET6_ADDRSTRLEN = 46

# vdestack_opts.flags
NO_WAIT = 0x2
FORCE_MTU = 0x4
ALLOW_ABSENT = 0x8
NO_RECONNECT = 0x10
NODAD = 0x20
UNREGISTERED = 0x40

# Standard streams of a command
INHERIT, PIPE, NULL, AS_OUT = 0, -2, -3, -4


class Opts(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("flags", c.c_uint),
        ("timeout_ms", c.c_int),
        ("step_timeout_ms", c.c_int),
        ("no_offload", c.c_uint),
    ]


class CmdOpts(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("flags", c.c_uint),
        ("timeout_ms", c.c_int),
        ("caps", c.c_uint64),
        ("in", c.c_int),
        ("out", c.c_int),
        ("err", c.c_int),
        ("reserved", c.c_int),
        ("pipe_fds", c.POINTER(c.c_int)),
        ("cwd", c.c_char_p),
        ("envp", c.POINTER(c.c_char_p)),
    ]


class LinkStats(c.Structure):
    _fields_ = [("size", c.c_size_t), ("offloads", c.c_uint)] + [
        (name, c.c_uint64)
        for name in (
            "rx_frames",
            "rx_writes",
            "rx_dropped",
            "tx_frames",
            "tx_dropped",
            "tx_refused",
            "reconnects",
        )
    ] + [("captures", c.c_uint32), ("taps", c.c_uint32), ("captured", c.c_uint64), ("uncaptured", c.c_uint64)]


class KeeperStats(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("pid", c.c_int32),
        ("in_process", c.c_uint32),
        ("uptime_ms", c.c_uint64),
        ("requests", c.c_uint64),
        ("refused", c.c_uint64),
        ("sockets", c.c_uint64),
        ("lookups", c.c_uint64),
        ("lookups_refused", c.c_uint64),
        ("stacks", c.c_uint32),
        ("interfaces", c.c_uint32),
        ("captures", c.c_uint32),
        ("threads", c.c_uint32),
        ("descriptors", c.c_uint64),
        ("memory_bytes", c.c_uint64),
    ]


class Addr(c.Structure):
    _fields_ = [
        ("ifname", c.c_char * IF_NAMESIZE),
        ("ifindex", c.c_int),
        ("family", c.c_int),
        ("prefix_len", c.c_uint),
        ("flags", c.c_uint),
        ("addr", c.c_char * INET6_ADDRSTRLEN),
        ("reserved", c.c_char * 2),
    ]


class Route(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("dst", c.c_char * INET6_ADDRSTRLEN),
        ("gw", c.c_char * INET6_ADDRSTRLEN),
        ("ifname", c.c_char * IF_NAMESIZE),
        ("ifindex", c.c_int),
        ("family", c.c_int),
        ("prefix_len", c.c_uint),
        ("metric", c.c_uint),
        ("table", c.c_uint),
    ]


class Neigh(c.Structure):
    _fields_ = [
        ("ifname", c.c_char * IF_NAMESIZE),
        ("ifindex", c.c_int),
        ("family", c.c_int),
        ("state", c.c_uint),
        ("addr", c.c_char * INET6_ADDRSTRLEN),
        ("mac", c.c_ubyte * 6),
    ]


class Event(c.Structure):
    _fields_ = [
        ("type", c.c_uint32),
        ("error", c.c_int32),
        ("attempt", c.c_uint32),
        ("lost", c.c_uint32),
        ("time_ns", c.c_int64),
        ("ifname", c.c_char * IF_NAMESIZE),
        ("family", c.c_uint8),
        ("prefix_len", c.c_uint8),
        ("addr", c.c_char * INET6_ADDRSTRLEN),
        ("source", c.c_uint8),
        ("reserved1", c.c_uint8 * 3),
        ("valid_s", c.c_uint32),
        ("reserved", c.c_uint8 * 32),
    ]


class LearnedItem(c.Structure):
    _fields_ = [
        ("type", c.c_uint32),
        ("source", c.c_uint32),
        ("ifname", c.c_char * IF_NAMESIZE),
        ("family", c.c_uint8),
        ("prefix_len", c.c_uint8),
        ("reserved1", c.c_uint8 * 2),
        ("mtu", c.c_uint32),
        ("valid_ms", c.c_int64),
        ("preferred_ms", c.c_int64),
        ("addr", c.c_char * INET6_ADDRSTRLEN),
        ("gw", c.c_char * INET6_ADDRSTRLEN),
        ("text", c.c_char * 256),
        ("reserved", c.c_uint8 * 52),
    ]


class Impairment(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("seed", c.c_uint64),
        ("cut", c.c_uint32),
        ("blackhole", c.c_uint32),
        ("loss", c.c_double),
        ("burst_enter", c.c_double),
        ("burst_leave", c.c_double),
        ("burst_loss", c.c_double),
        ("burst_base", c.c_double),
        ("loss_every", c.c_uint32),
        ("reorder_gap", c.c_uint32),
        ("reorder", c.c_double),
        ("duplicate", c.c_double),
        ("corrupt", c.c_double),
        ("corrupt_valid", c.c_double),
        ("delay_ns", c.c_uint64),
        ("jitter_ns", c.c_uint64),
        ("distribution", c.c_uint32),
        ("keep_order", c.c_uint32),
        ("rate", c.c_uint64),
        ("queue_bytes", c.c_uint32),
        ("queue", c.c_uint32),
        ("codel_target_ns", c.c_uint64),
        ("codel_interval_ns", c.c_uint64),
    ]


class ImpairStats(c.Structure):
    _fields_ = [("size", c.c_size_t)] + [
        (name, c.c_uint64)
        for name in (
            "seen",
            "passed",
            "cut",
            "blackholed",
            "lost",
            "overflowed",
            "marked",
            "reordered",
            "duplicated",
            "corrupted",
            "waiting",
            "no_memory",
        )
    ]


class CaptureOpts(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("path", c.c_char_p),
        ("fd", c.c_int),
        ("snaplen", c.c_uint32),
        ("file_bytes", c.c_uint64),
        ("files", c.c_uint32),
        ("flags", c.c_uint32),
        ("frames", c.c_uint64),
        ("buffer_bytes", c.c_uint64),
        ("comment", c.c_char_p),
    ]


class CaptureStats(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("ended", c.c_uint32),
        ("error", c.c_int32),
        ("seen", c.c_uint64),
        ("written", c.c_uint64),
        ("dropped", c.c_uint64),
        ("os_dropped", c.c_uint64),
        ("bytes", c.c_uint64),
        ("file", c.c_uint32),
        ("turns", c.c_uint32),
    ]


class TapOpts(c.Structure):
    _fields_ = [("size", c.c_size_t), ("flags", c.c_uint32)]


class LabOpts(c.Structure):
    _fields_ = [
        ("size", c.c_size_t),
        ("flags", c.c_uint),
        ("timeout_ms", c.c_int),
        ("seed", c.c_uint64),
        ("artefacts", c.c_char_p),
    ]


class Addrinfo(c.Structure):
    """struct addrinfo of <netdb.h>."""


Addrinfo._fields_ = [
    ("ai_flags", c.c_int),
    ("ai_family", c.c_int),
    ("ai_socktype", c.c_int),
    ("ai_protocol", c.c_int),
    ("ai_addrlen", c.c_uint32),
    ("ai_addr", c.c_void_p),
    ("ai_canonname", c.c_char_p),
    ("ai_next", c.POINTER(Addrinfo)),
]


class Ifaddrs(c.Structure):
    """struct ifaddrs of <ifaddrs.h>."""


Ifaddrs._fields_ = [
    ("ifa_next", c.POINTER(Ifaddrs)),
    ("ifa_name", c.c_char_p),
    ("ifa_flags", c.c_uint),
    ("ifa_addr", c.c_void_p),
    ("ifa_netmask", c.c_void_p),
    ("ifa_ifu", c.c_void_p),
    ("ifa_data", c.c_void_p),
]

# The C name of each struct, for the test.
STRUCTS: dict[str, type[c.Structure]] = {
    "struct vdestack_opts": Opts,
    "struct vdestack_cmd_opts": CmdOpts,
    "struct vdestack_link_stats": LinkStats,
    "struct vdestack_keeper_stats": KeeperStats,
    "struct vdestack_addr": Addr,
    "struct vdestack_route": Route,
    "struct vdestack_neigh": Neigh,
    "struct vdestack_event": Event,
    "struct vdestack_learned_item": LearnedItem,
    "struct vdestack_impairment": Impairment,
    "struct vdestack_impair_stats": ImpairStats,
    "struct vdestack_capture_opts": CaptureOpts,
    "struct vdestack_capture_stats": CaptureStats,
    "struct vdestack_tap_opts": TapOpts,
    "struct vdestack_lab_opts": LabOpts,
    "struct addrinfo": Addrinfo,
    "struct ifaddrs": Ifaddrs,
}
