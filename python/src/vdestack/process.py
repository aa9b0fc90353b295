# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in a stack.

A command is no child of this process: wait(2) and subprocess do not see it. It has a pidfd for signals and a
status descriptor that is readable when it has ended. Both belong to the Process. Waits are polls of the status
descriptor in Python, so Ctrl-C interrupts them.
"""

from __future__ import annotations

import ctypes as c
import errno
import os
import select
import selectors
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from . import _abi, _lib

PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT
Stream = int | IO[Any] | None
Argument = str | bytes | os.PathLike[Any]


def _stream(value: Stream, number: int, keep: list[int]) -> int:
    """The library's number for what subprocess calls `value`. `keep` are descriptors to close afterwards."""
    if value is None:
        return _abi.INHERIT if number == 0 else number
    if value == PIPE:
        return _abi.PIPE
    if value == DEVNULL:
        return _abi.NULL
    if value == STDOUT:
        if number != 2:
            raise ValueError("STDOUT is for stderr only")
        return _abi.AS_OUT
    fd = value if isinstance(value, int) else value.fileno()
    if fd == 0 and number != 0:  # the library's name for "inherit"
        fd = os.dup(0)
        keep.append(fd)
    return fd


def _environment(env: Mapping[str, str]) -> Any:
    words = (_lib.whole(os.fsencode(name) + b"=" + os.fsencode(value)) for name, value in env.items())
    return (c.c_char_p * (len(env) + 1))(*words, None)


def _close(fds: tuple[int, ...]) -> None:
    for fd in fds:
        os.close(fd)


class Process:
    """A command that runs in a stack, with the methods of subprocess.Popen that make sense for it."""

    def __init__(
        self,
        spawn: Callable[..., int],
        args: Sequence[Argument],
        *,
        stdin: Stream,
        stdout: Stream,
        stderr: Stream,
        text: bool,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str] | None,
        timeout: float | None,
        capabilities: int,
    ):
        if isinstance(args, (str, bytes)) or not args:
            raise TypeError("args is a list of words and not empty")
        self.args = args
        self.returncode: int | None = None
        argv = (c.c_char_p * (len(args) + 1))(*(_lib.whole(os.fsencode(word)) for word in args), None)
        keep: list[int] = []
        pipes = (c.c_int * 3)(-1, -1, -1)
        opts = _abi.CmdOpts(size=c.sizeof(_abi.CmdOpts), caps=capabilities)
        opts.timeout_ms = 0 if timeout is None else max(1, _lib.ms(timeout))
        opts.pipe_fds = pipes
        opts.envp = None if env is None else _environment(env)
        opts.cwd = None if cwd is None else _lib.whole(os.fsencode(cwd))
        status_fd = c.c_int(-1)
        try:
            setattr(opts, "in", _stream(stdin, 0, keep))
            opts.out = _stream(stdout, 1, keep)
            opts.err = _stream(stderr, 2, keep)
            pidfd = spawn(argv, c.byref(opts), c.byref(status_fd))
        finally:
            _close(tuple(keep))
        self._pidfd, self._status_fd = pidfd, status_fd.value
        self._closer = weakref.finalize(self, _close, (pidfd, status_fd.value))
        self.stdin = self._pipe(pipes[0], "w", text)
        self.stdout = self._pipe(pipes[1], "r", text)
        self.stderr = self._pipe(pipes[2], "r", text)
        self._text = text

    @staticmethod
    def _pipe(fd: int, mode: str, text: bool) -> IO[Any] | None:
        if fd == -1:
            return None
        return open(fd, mode, encoding="utf-8") if text else open(fd, mode + "b")

    @property
    def pid(self) -> int:
        """Its process number in this process's pid namespace; -1 when it has been reaped."""
        with open(f"/proc/self/fdinfo/{self.fileno()}", encoding="ascii") as info:
            for line in info:
                if line.startswith("Pid:"):
                    return int(line.split()[1])
        return -1

    def fileno(self) -> int:
        """The pidfd."""
        if not self._closer.alive:
            raise ValueError("this process is closed")
        return self._pidfd

    def _finish(self) -> int:
        status = c.c_int()
        _lib.checked(_lib.core().vdestack_cmd_wait(self._status_fd, c.byref(status), 1000))
        self.returncode = os.waitstatus_to_exitcode(status.value)
        return self.returncode

    def poll(self) -> int | None:
        if self.returncode is None and self._closer.alive:
            poll = select.poll()
            poll.register(self._status_fd, select.POLLIN)
            if poll.poll(0):
                self._finish()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The return code, as that of subprocess. subprocess.TimeoutExpired: it still runs."""
        if self.returncode is not None:
            return self.returncode
        self.fileno()
        poll = select.poll()
        poll.register(self._status_fd, select.POLLIN)
        if not poll.poll(None if timeout is None else _lib.ms(timeout)):
            raise subprocess.TimeoutExpired(list(map(os.fsdecode, self.args)), timeout or 0)
        return self._finish()

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended already."""
        if self.returncode is None:
            try:
                signal.pidfd_send_signal(self.fileno(), number)
            except ProcessLookupError:
                pass

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Writes `input`, reads both outputs to their ends, and waits. TimeoutExpired: it still runs."""
        end = None if timeout is None else time.monotonic() + timeout
        gathered: dict[Any, list[bytes]] = {self.stdout: [], self.stderr: []}
        data = memoryview((input.encode() if isinstance(input, str) else input) or b"")
        with selectors.DefaultSelector() as selector:
            if self.stdin is not None:
                self.stdin.flush()
                os.set_blocking(self.stdin.fileno(), False)
                selector.register(self.stdin, selectors.EVENT_WRITE)
            for stream in (self.stdout, self.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise subprocess.TimeoutExpired(list(map(os.fsdecode, self.args)), timeout or 0)
                for key, _ in selector.select(left):
                    if key.fileobj is self.stdin:
                        data = self._write(data, selector)
                    else:
                        chunk = os.read(key.fd, 65536)
                        gathered[key.fileobj].append(chunk)
                        if not chunk:
                            selector.unregister(key.fileobj)
        self.wait(None if end is None else max(0, end - time.monotonic()))
        return self._result(self.stdout, gathered), self._result(self.stderr, gathered)

    def _write(self, data: memoryview, selector: selectors.BaseSelector) -> memoryview:
        assert self.stdin is not None
        try:
            if data:
                data = data[os.write(self.stdin.fileno(), data[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            data = data[:0]
        except BlockingIOError:
            return data
        if not data:
            selector.unregister(self.stdin)
            self.stdin.close()
        return data

    def _result(self, stream: IO[Any] | None, gathered: dict[Any, list[bytes]]) -> Any:
        if stream is None:
            return None
        whole = b"".join(gathered[stream])
        return whole.decode(errors="replace") if self._text else whole

    def close(self) -> None:
        """Kills it if it runs, waits for its end, and closes its streams."""
        if not self._closer.alive:
            return
        try:
            if self.poll() is None:
                self.kill()
                self.wait(5)
        except OSError as error:
            if error.errno != errno.ECANCELED:  # killed with the stack
                raise
        finally:
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    try:
                        stream.close()
                    except BrokenPipeError:
                        pass
            self._closer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def run(process: Process, input: Any, timeout: float | None, check: bool) -> subprocess.CompletedProcess[Any]:
    """subprocess.run() on a started command."""
    with process:
        try:
            out, err = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    code = process.returncode
    assert code is not None
    if check and code:
        raise subprocess.CalledProcessError(code, list(map(os.fsdecode, process.args)), out, err)
    return subprocess.CompletedProcess(process.args, code, out, err)
