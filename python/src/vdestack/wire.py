# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wire of an interface: captures into files, and taps on which a test reads and writes frames."""

from __future__ import annotations

import ctypes as c
import os
import select
from dataclasses import dataclass
from types import TracebackType

from . import _abi, _lib
from ._descriptor import Descriptor

KEPT, NEW = 0x1, 0x2
BOTH, HEADER, TO_NETWORK, ALONE = 0x1, 0x2, 0x4, 0x8
LARGEST_FRAME = 65536 + 64  # with the header of a tap


@dataclass(frozen=True)
class CaptureStats:
    """Counters of a capture. dropped: the file was too slow; os_dropped: the kernel had no room."""

    ended: int
    error: int
    seen: int
    written: int
    dropped: int
    os_dropped: int
    bytes: int
    file: int
    turns: int


def _stats(raw: _abi.CaptureStats) -> CaptureStats:
    return CaptureStats(**{name: getattr(raw, name) for name in CaptureStats.__dataclass_fields__})


class Capture(Descriptor):
    """Frames of an interface in a file of pcapng, until stop(), the end of `with`, or close().

    close() and the garbage collector do not wait for the last frames; stop() does.
    """

    def __init__(self, handle: int, ifname: str, opts: _abi.CaptureOpts):
        super().__init__(
            _lib.checked(_lib.core().vdestack_capture_start(handle, ifname.encode(), c.byref(opts)))
        )

    def stats(self) -> CaptureStats:
        raw = _abi.CaptureStats(size=c.sizeof(_abi.CaptureStats))
        _lib.checked(_lib.core().vdestack_capture_get_stats(self.fileno(), c.byref(raw)))
        return _stats(raw)

    def stop(self) -> CaptureStats:
        """Ends it, and returns when all frames are in the file."""
        fd = self.fileno()
        self._closer.detach()
        raw = _abi.CaptureStats(size=c.sizeof(_abi.CaptureStats))
        _lib.checked(_lib.core().vdestack_capture_stop(fd, c.byref(raw)))
        return _stats(raw)

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._closer.alive:
            if kind is None:
                self.stop()
            else:
                self.close()


class Tap(Descriptor):
    """Reads the frames that a stack sends, and gives it frames as if they came from its network."""

    def __init__(self, handle: int, ifname: str, flags: int):
        opts = _abi.TapOpts(size=c.sizeof(_abi.TapOpts), flags=flags)
        super().__init__(_lib.checked(_lib.core().vdestack_tap_open(handle, ifname.encode(), c.byref(opts))))

    def read(self, timeout: float) -> bytes | None:
        """The next frame; None: there was none in time. EOFError: the interface has ended."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        if not poll.poll(_lib.ms(timeout)):
            return None
        frame = os.read(self.fileno(), LARGEST_FRAME)
        if not frame:
            raise EOFError("the interface has ended")
        return frame

    def write(self, frame: bytes) -> None:
        os.write(self.fileno(), frame)
