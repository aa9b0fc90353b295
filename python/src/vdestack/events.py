# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events of a stack: an iterator, and an async iterator, over one descriptor."""

from __future__ import annotations

import asyncio
import ctypes as c
import errno
import select
import time
from collections.abc import AsyncIterator, Iterator

from . import _abi, _lib, records
from ._descriptor import Descriptor
from .records import Event, EventType


class Events(Descriptor):
    """Receives each event that happens after it was made. After the stack's last event iteration ends.

    One reader at a time. `for` waits without a limit and Ctrl-C interrupts it; get() has a limit. Closed by close(),
    `with`, or when nothing refers to it.
    """

    _what = "these events are closed"

    def _read(self, timeout_ms: int) -> Event | None:
        """The next event; None: none in time. EOFError: the last one has been read."""
        raw = _abi.Event()
        n = _lib.core().vdestack_event_read(self.fileno(), c.byref(raw), timeout_ms)
        if n == -1:
            error = _lib.error()
            if error.errno == errno.EPIPE:
                raise EOFError("the stack has ended")
            raise error
        return records.event(raw) if n == 1 else None

    def get(self, timeout: float) -> Event | None:
        """The next event, or None when there is none within `timeout` seconds. EOFError: the stack has ended."""
        return self._read(_lib.ms(timeout))

    def wait_for(self, *types: EventType, timeout: float) -> Event:
        """The next event of one of these types; others are skipped. TimeoutError: none in time."""
        loop_end = time.monotonic() + timeout
        while (left := loop_end - time.monotonic()) > 0:
            event = self.get(left)
            if event is not None and event.type in types:
                return event
        raise TimeoutError(f"no event {', '.join(t.name for t in types)} within {timeout} s")

    def __iter__(self) -> Iterator[Event]:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        while True:
            try:
                event = self._read(0)
            except EOFError:
                return
            if event is None:
                poll.poll()
            else:
                yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            try:
                event = self._read(0)
            except EOFError:
                return
            if event is None:
                await readable(self.fileno())
            else:
                yield event


async def readable(fd: int) -> None:
    """Waits in the running loop until the descriptor is readable."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def ready() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_reader(fd, ready)
    try:
        await future
    finally:
        loop.remove_reader(fd)
