# SPDX-License-Identifier: LGPL-2.1-or-later
"""A laboratory: networks, hosts, routers and servers from a few lines of text, by libvdestack-lab."""

from __future__ import annotations

import ctypes as c
import enum
import os
import select
import signal
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from . import _abi, _lib, impairment, process
from .errors import VdestackError
from .process import Argument, Process, Stream
from .stack import Stack

_END_MS = 5000  # that the end of a killed server may take


class Format(enum.IntEnum):
    """What Lab.draw() draws."""

    TEXT = 0  # with all addresses; Lab() takes it
    DOT = 1  # Graphviz
    SVG = 2


def _error() -> VdestackError:
    code = c.get_errno()
    message: bytes = _lib.lab().vdestack_lab_last_error()
    return VdestackError(code, message.decode(errors="replace") or os.strerror(code))


def _checked(result: int | None) -> int:
    if result is None or result == -1:
        raise _error()
    return result


def _delete(handle: int) -> None:
    _lib.lab().vdestack_lab_delete(handle)


class Lab:
    """The lab of a text: vdestack_lab(7). `with Lab(text) as lab:` starts it, and ends it with all that runs in it.

        with Lab("network lan 10.0.0.0/24\\nhost web on lan\\nhost client on lan") as lab:
            lab.host("client").create_connection((lab.address("web"), 80))

    Used by one thread at a time. Stacks of its hosts belong to it: they end with it.
    """

    def __init__(
        self,
        text: str = "",
        *,
        timeout: float | None = None,
        seed: int = 0,
        artefacts: str | os.PathLike[str] | None = None,
        capture: bool = False,
    ):
        """seed: of all impairments, 0: a random one. artefacts: a directory for what is written on failure."""
        self._hosts: dict[str, Stack] = {}
        self._started = False
        opts = _abi.LabOpts(size=c.sizeof(_abi.LabOpts), flags=int(capture), seed=seed)
        opts.timeout_ms = 0 if timeout is None else max(1, _lib.ms(timeout))
        opts.artefacts = None if artefacts is None else _lib.whole(os.fsencode(artefacts))
        self._handle = _checked(_lib.lab().vdestack_lab_new(text.encode(), c.byref(opts)))
        self._closer = weakref.finalize(self, _delete, self._handle)

    def _use(self) -> int:
        if not self._closer.alive:
            raise ValueError("this lab is closed")
        return self._handle

    def add(self, lines: str) -> None:
        """Adds lines before the start."""
        _checked(_lib.lab().vdestack_lab_add(self._use(), lines.encode()))

    def start(self) -> Self:
        """Returns when addresses can be used and servers are ready."""
        _checked(_lib.lab().vdestack_lab_start(self._use()))
        self._started = True
        return self

    @property
    def closed(self) -> bool:
        return not self._closer.alive

    def close(self) -> None:
        for stack in self._hosts.values():
            stack.close()
        self._hosts.clear()
        self._closer()

    def __enter__(self) -> Self:
        try:
            self._use()
            return self if self._started else self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def host(self, name: str) -> Stack:
        """The stack of a host: the same object each time, until it is closed."""
        if name not in self._hosts or self._hosts[name].closed:
            handle = _checked(_lib.lab().vdestack_lab_host(self._use(), name.encode()))
            self._hosts[name] = Stack._borrowed(handle, self)
        return self._hosts[name]

    __getitem__ = host

    def address(self, where: str, family: int = 0) -> str:
        """An address of a host ("web") or of a port ("web:lan")."""
        buffer = c.create_string_buffer(64)
        _checked(_lib.lab().vdestack_lab_addr(self._use(), where.encode(), family, buffer, len(buffer)))
        return buffer.value.decode()

    def popen(
        self,
        host: str,
        args: Sequence[Argument],
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        text: bool = False,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        capabilities: int = 0,
    ) -> Process:
        """As Stack.popen(). The command knows the names of all hosts of the lab."""

        def spawn(argv: Any, opts: Any, status_fd: Any) -> int:
            return _checked(_lib.lab().vdestack_lab_spawn(self._use(), host.encode(), argv, opts, status_fd))

        return Process(
            spawn,
            args,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=text,
            cwd=cwd,
            env=env,
            timeout=timeout,
            capabilities=capabilities,
        )

    def run(
        self,
        host: str,
        args: Sequence[Argument],
        *,
        input: str | bytes | None = None,
        capture_output: bool = False,
        text: bool = False,
        timeout: float | None = None,
        check: bool = False,
        **options: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """As Stack.run()."""
        if input is not None:
            options["stdin"] = process.PIPE
        if capture_output:
            options["stdout"] = options["stderr"] = process.PIPE
        return process.run(self.popen(host, args, text=text, **options), input, timeout, check)

    def server(self, host: str) -> int:
        """The pidfd of a host's server. It belongs to the lab."""
        return _checked(_lib.lab().vdestack_lab_server(self._use(), host.encode()))

    def kill(self, host: str, number: int = signal.SIGKILL) -> None:
        """Sends a signal to the server of a host. With SIGKILL it returns when the server has ended."""
        pidfd = self.server(host)
        try:
            signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:  # it has ended already
            return
        if number == signal.SIGKILL:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll(_END_MS):
                raise TimeoutError(f"the server of {host} does not end, though it was killed")

    def start_server(self, host: str) -> None:
        """Starts the server of a host again, and waits until it is ready."""
        _checked(_lib.lab().vdestack_lab_server_start(self._use(), host.encode()))

    def impair(self, port: str, words: str = "", /, **values: Any) -> None:
        """As Stack.impair(), for a port ("web:lan"). Random choices come from the lab's seed."""
        text = impairment.words(words, values)
        _checked(_lib.lab().vdestack_lab_impair(self._use(), port.encode(), text.encode()))

    def cut(self, port: str) -> None:
        """Pulls the cable of a port."""
        _checked(_lib.lab().vdestack_lab_cut(self._use(), port.encode()))

    def restore(self, port: str) -> None:
        _checked(_lib.lab().vdestack_lab_restore(self._use(), port.encode()))

    def partition(self, network: str, *groups: Sequence[str]) -> None:
        """Splits a network: partition("lan", ["a", "b"], ["c"])."""
        text = "|".join(",".join(group) for group in groups)
        _checked(_lib.lab().vdestack_lab_partition(self._use(), network.encode(), text.encode()))

    def heal(self, network: str) -> None:
        _checked(_lib.lab().vdestack_lab_heal(self._use(), network.encode()))

    def capture(self, port: str, file: str | os.PathLike[str]) -> None:
        """Captures a port into a file of pcapng until the lab ends."""
        _checked(_lib.lab().vdestack_lab_capture(self._use(), port.encode(), os.fsencode(file)))

    def fail(self, why: str = "") -> str:
        """Writes all that is known to a new directory, and returns it; "": no directory is configured."""
        _checked(_lib.lab().vdestack_lab_fail(self._use(), why.encode()))
        return self.artefacts

    @property
    def artefacts(self) -> str:
        """What fail() has returned last."""
        return os.fsdecode(_lib.lab().vdestack_lab_artefacts(self._use()))

    @property
    def seed(self) -> int:
        return int(_lib.lab().vdestack_lab_seed(self._use()))

    def draw(self, format: Format = Format.SVG) -> str:
        text = _checked(_lib.lab().vdestack_lab_draw(self._use(), int(format)))
        free = c.CDLL(None).free
        free.argtypes = [c.c_void_p]
        try:
            return c.string_at(text).decode()
        finally:
            free(text)
