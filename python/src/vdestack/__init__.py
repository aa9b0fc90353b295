# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network stacks of a program's own: the Python face of libvdestack. docs/python.md is the guide.

    from contextlib import closing
    from vdestack import Stack

    with closing(Stack("vnl=inproc://lan ip=10.0.0.1/24")) as stack:
        sock = stack.socket()              # a socket.socket of the stack
        with stack:                        # this thread's own sockets are the stack's, too
            ...
"""

from __future__ import annotations

from . import _lib
from .errors import LibraryMissing, VdestackError
from .events import Events
from .impairment import Direction, Impaired
from .lab import Format, Lab
from .process import Process
from .records import (
    Address,
    Event,
    EventType,
    KeeperStats,
    Learned,
    LearnedType,
    Link,
    Neighbour,
    Route,
    Stats,
)
from .redirect import current
from .stack import Stack
from .wire import Capture, CaptureStats, Tap

__all__ = [
    "Address",
    "Capture",
    "CaptureStats",
    "Direction",
    "Event",
    "EventType",
    "Events",
    "Format",
    "Impaired",
    "KeeperStats",
    "Lab",
    "Learned",
    "LearnedType",
    "LibraryMissing",
    "Link",
    "Neighbour",
    "Process",
    "Route",
    "Stack",
    "Stats",
    "Tap",
    "VdestackError",
    "current",
    "version",
]


def version() -> str:
    """The version of the C library that is loaded."""
    text: bytes = _lib.core().vdestack_version()
    return text.decode()
