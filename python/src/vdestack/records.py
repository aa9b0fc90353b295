# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a stack reports, as frozen dataclasses, and how it is read from the C records."""

from __future__ import annotations

import ctypes as c
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _abi, _lib


@dataclass(frozen=True)
class Address:
    ifname: str
    address: str
    prefix_len: int
    family: int
    flags: int  # IFA_F_... of <linux/if_addr.h>


@dataclass(frozen=True)
class Route:
    destination: str  # "" is the default route
    prefix_len: int
    gateway: str  # "" is on link
    ifname: str
    family: int
    metric: int


@dataclass(frozen=True)
class Neighbour:
    ifname: str
    address: str
    mac: str  # "" while it is not known
    state: int  # NUD_... of <linux/neighbour.h>


@dataclass(frozen=True)
class Stats:
    """Frames as they are on the network. rx: into the stack."""

    rx_frames: int
    rx_writes: int
    rx_dropped: int
    tx_frames: int
    tx_dropped: int
    tx_refused: int
    reconnects: int
    captures: int
    taps: int
    captured: int
    uncaptured: int


@dataclass(frozen=True)
class KeeperStats:
    """The keeper of a stack, since it was started: vdestack_keeper_get_stats(3)."""

    pid: int
    in_process: bool  # threads of this program, whose threads, descriptors and memory are counted then
    uptime_ms: int
    requests: int
    refused: int  # of these: not served because of who sent them, or how
    sockets: int
    lookups: int  # of other programs, which look for stacks
    lookups_refused: int
    stacks: int
    interfaces: int
    captures: int  # and taps
    threads: int  # 0: /proc cannot be read
    descriptors: int
    memory_bytes: int


@dataclass(frozen=True)
class Link:
    ifname: str
    mtu: int
    mac: str  # "" without Ethernet address
    flags: int  # IFF_... of netdevice(7)
    locator: str  # "" if the library has not made the interface


class EventType(enum.IntEnum):
    """enum vdestack_event_type of <vdestack/events.h>."""

    LINK_UP = 1
    LINK_DOWN = 2
    LINK_RETRY = 3
    CARRIER_CUT = 4
    CARRIER_RESTORED = 5
    ADDR_READY = 6
    ADDR_LOST = 7
    OVERRUN = 8
    STACK_ENDED = 9
    KEEPER_LOST = 10
    SOURCE_GAINED = 11
    SOURCE_RENEWED = 12
    SOURCE_CHANGED = 13
    SOURCE_LOST = 14
    SOURCE_CONFLICT = 15
    SOURCE_REFUSED = 16
    SOURCE_SILENT = 17
    SOURCE_IPV6_ONLY = 18
    SOURCE_STORAGE = 19
    IMPAIRED = 20


@dataclass(frozen=True)
class Event:
    type: EventType | int  # a number: a later version of the library
    ifname: str
    address: str
    prefix_len: int
    error: int  # an errno, 0: none
    attempt: int
    lost: int
    time_ns: int
    source: int
    valid_s: int


class LearnedType(enum.IntEnum):
    """enum vdestack_learned_type of <vdestack/sources.h>."""

    ADDRESS = 1
    ROUTE = 2
    DNS = 3
    SEARCH = 4
    NTP = 5
    MTU = 6
    PREFIX = 7


@dataclass(frozen=True)
class Learned:
    type: LearnedType | int
    source: int  # enum vdestack_source_kind
    ifname: str
    address: str
    prefix_len: int
    gateway: str
    text: str
    mtu: int
    valid_ms: int  # -1: for ever
    preferred_ms: int


def text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def mac_text(raw: Any) -> str:
    return ":".join(f"{byte:02x}" for byte in raw) if any(raw) else ""


def listed(record: type[Any], call: Callable[[Any, int], Any]) -> list[Any]:
    """All records of a list call, which returns how many there are. The list may grow between two calls."""
    room = 16
    while True:
        items = (record * room)()
        n = _lib.checked(call(items, room))
        if n <= room:
            return list(items[:n])
        room = n + 16


def filled(size: int, call: Callable[[Any, int], Any]) -> str:
    """The text of a call that writes into a buffer and returns a length."""
    buffer = c.create_string_buffer(size)
    _lib.checked(call(buffer, size))
    return text(buffer.value)


def event(raw: _abi.Event) -> Event:
    try:
        kind: EventType | int = EventType(raw.type)
    except ValueError:
        kind = int(raw.type)
    return Event(
        type=kind,
        ifname=text(raw.ifname),
        address=text(raw.addr),
        prefix_len=raw.prefix_len,
        error=raw.error,
        attempt=raw.attempt,
        lost=raw.lost,
        time_ns=raw.time_ns,
        source=raw.source,
        valid_s=raw.valid_s,
    )


def learned(raw: _abi.LearnedItem) -> Learned:
    try:
        kind: LearnedType | int = LearnedType(raw.type)
    except ValueError:
        kind = int(raw.type)
    return Learned(
        type=kind,
        source=raw.source,
        ifname=text(raw.ifname),
        address=text(raw.addr),
        prefix_len=raw.prefix_len,
        gateway=text(raw.gw),
        text=text(raw.text),
        mtu=raw.mtu,
        valid_ms=raw.valid_ms,
        preferred_ms=raw.preferred_ms,
    )
