# SPDX-License-Identifier: LGPL-2.1-or-later
"""Impairments: words for the library, and what is in force."""

from __future__ import annotations

import ctypes as c
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _abi, _lib


@dataclass(frozen=True)
class Direction:
    """One direction of an interface. The members of both are those of <vdestack/impair.h>."""

    settings: Mapping[str, int | float]  # struct vdestack_impairment
    counters: Mapping[str, int]  # struct vdestack_impair_stats

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])


@dataclass(frozen=True)
class Impaired:
    tx: Direction  # what the stack sends
    rx: Direction


def word(name: str, value: Any) -> str:
    """One word: ("loss_burst", "1%:20%") is loss-burst=1%:20%, ("rx_loss", "1%") is rx.loss=1%."""
    for direction in ("tx", "rx"):
        if name.startswith(direction + "_"):
            return f"{direction}.{word(name[3:], value)}"
    text = name.replace("_", "-")
    if value is True:
        return text
    if value is False or value is None:
        return f"-{text}"
    return f"{text}={value}"


def words(text: str, values: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [text, *(word(name, value) for name, value in values.items())]))


def _members(raw: c.Structure) -> dict[str, Any]:
    return {name: getattr(raw, name) for name, *_ in raw._fields_ if name != "size"}


def read(handle: int, ifname: str) -> Impaired:
    settings = [_abi.Impairment(size=c.sizeof(_abi.Impairment)) for _ in range(2)]
    counters = [_abi.ImpairStats(size=c.sizeof(_abi.ImpairStats)) for _ in range(2)]
    _lib.checked(
        _lib.core().vdestack_impair_get(
            handle, ifname.encode(), *(c.byref(item) for item in settings), *(c.byref(item) for item in counters)
        )
    )
    tx, rx = (Direction(_members(one), _members(two)) for one, two in zip(settings, counters))
    return Impaired(tx, rx)
