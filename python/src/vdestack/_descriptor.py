# SPDX-License-Identifier: LGPL-2.1-or-later
"""A descriptor of the library as an object."""

from __future__ import annotations

import os
import weakref
from types import TracebackType
from typing import Self


def _close(fd: int) -> None:
    os.close(fd)


class Descriptor:
    """Owns a descriptor; close(), `with`, and the end of the last reference close it."""

    _what = "it is closed"

    def __init__(self, fd: int):
        self._fd = fd
        self._closer = weakref.finalize(self, _close, fd)

    def fileno(self) -> int:
        if not self._closer.alive:
            raise ValueError(self._what)
        return self._fd

    def close(self) -> None:
        self._closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
