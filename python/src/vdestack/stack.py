# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network stack of this program's own."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes as c
import os
import socket as _sockets
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from . import _abi, _lib, impairment, names, process, records, redirect, wire
from .events import Events, readable
from .impairment import Impaired
from .names import AddressInfo, Host
from .process import Argument, Process, Stream


def _opts(timeout: float | None, flags: int) -> Any:
    milliseconds = 0 if timeout is None else max(1, _lib.ms(timeout))
    return c.byref(_abi.Opts(size=c.sizeof(_abi.Opts), flags=flags, timeout_ms=milliseconds))


def _flags(wait: bool, nodad: bool, allow_absent: bool, registered: bool) -> int:
    return (
        (0 if wait else _abi.NO_WAIT)
        | (_abi.NODAD if nodad else 0)
        | (_abi.ALLOW_ABSENT if allow_absent else 0)
        | (0 if registered else _abi.UNREGISTERED)
    )


def _delete(handle: int) -> None:
    _lib.core().vdestack_delete(handle)


class Stack:
    """One network namespace with interfaces, addresses and routes. vdestack_config(7) describes `config`.

        lan = Stack("vnl=inproc://lan ip=10.0.0.1/24")

    The call returns when the stack works, or fails with a message and leaves nothing behind. It is deleted by
    close(), by contextlib.closing(), or when nothing refers to it any more; its sockets stay open descriptors.

    `with stack:` does not delete it: it moves this thread, or this asyncio task, into the stack until the block
    ends. Sockets that Python's code makes there are the stack's, names are looked up there. It can be entered again
    and again, and nested. Module redirect says exactly what holds.

    Methods may be called from any thread. After fork the child has a copy of its own: what it deletes, the parent
    keeps.
    """

    _handle: int
    _owner: object = None

    def __init__(
        self,
        config: str = "",
        *,
        timeout: float | None = None,
        wait: bool = True,
        nodad: bool = False,
        allow_absent: bool = False,
        registered: bool = True,
    ):
        """timeout: seconds, of the whole creation; None: each of its steps has its own limit.
        wait=False: do not wait for duplicate address detection and address sources."""
        flags = _flags(wait, nodad, allow_absent, registered)
        self._own(_lib.core().vdestack_new(config.encode(), _opts(timeout, flags)))

    def _own(self, handle: int | None) -> None:
        self._handle = _lib.checked(handle)
        self._closer = weakref.finalize(self, _delete, self._handle)
        self._reference = weakref.ref(self)
        self._cookie_known = False
        redirect.install()

    @classmethod
    def _of(cls, handle: int | None) -> Self:
        stack = cls.__new__(cls)
        stack._own(handle)
        return stack

    @classmethod
    def _borrowed(cls, handle: int, owner: object) -> Self:
        """A stack that belongs to `owner`, which lives as long as this refers to it. close() ends this object only."""
        stack = cls._of(handle)
        stack._closer.detach()
        stack._closer = weakref.finalize(stack, int)
        stack._owner = owner
        return stack

    @classmethod
    async def create(
        cls,
        config: str = "",
        *,
        timeout: float | None = None,
        wait: bool = True,
        nodad: bool = False,
        allow_absent: bool = False,
        registered: bool = True,
    ) -> Self:
        """The same without blocking the event loop."""
        lib = _lib.core()
        flags = _flags(wait, nodad, allow_absent, registered)
        creation = _lib.checked(lib.vdestack_new_start(config.encode(), _opts(timeout, flags)))
        handle = c.c_void_p()
        try:
            while (done := lib.vdestack_new_finish(creation, c.byref(handle))) == 0:
                await readable(lib.vdestack_new_fd(creation))
        except BaseException:
            lib.vdestack_new_cancel(creation)
            raise
        if done == -1:
            raise _lib.error()
        return cls._of(handle.value)

    @classmethod
    def adopt(cls, netns_fd: int, config: str = "", *, timeout: float | None = None) -> Self:
        """A stack on a network namespace that exists already. Its descriptor stays open."""
        return cls._of(_lib.core().vdestack_adopt_fd(netns_fd, config.encode(), _opts(timeout, 0)))

    @classmethod
    def attach(cls, pid: int, stack: str | None = None) -> Self:
        """A stack of another program of this user, by its name or number. See vdestack_registry_list(3)."""
        name = None if stack is None else stack.encode()
        return cls._of(_lib.core().vdestack_attach(pid, name, None))

    @classmethod
    def receive(cls, fd: int) -> Self:
        """The stack that a descriptor of passed() stands for. The descriptor stays open."""
        return cls._of(_lib.core().vdestack_receive(fd))

    def passed(self, *, apart: bool = False) -> int:
        """A descriptor that stands for the stack, to send to another process. The caller closes it."""
        return _lib.checked(_lib.core().vdestack_pass(self._handle, int(apart)))

    # ------------------------------------------------------------ life

    @property
    def closed(self) -> bool:
        return not self._closer.alive

    def close(self) -> None:
        """Deletes the stack for this process. Twice is no error; every other call fails afterwards."""
        self._closer()

    def __enter__(self) -> Self:
        redirect.enter(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        redirect.leave(self)

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        redirect.enter(self)
        try:
            yield
        finally:
            redirect.leave(self)

    @property
    def name(self) -> str:
        """The word name= of its configuration; "": it has none."""
        return records.filled(64, lambda buffer, n: _lib.core().vdestack_name(self._handle, buffer, n))

    def __repr__(self) -> str:
        return f"<vdestack.Stack {'closed' if self.closed else hex(self._handle)}>"

    # ------------------------------------------------------------ sockets

    def _descriptor(self, family: int, type: int, proto: int) -> int:
        fd: int = _lib.core().vdestack_msocket(self._handle, family, type | _sockets.SOCK_CLOEXEC, proto)
        if fd == -1:
            raise _lib.error()
        return fd

    def socket(
        self, family: int = _sockets.AF_INET, type: int = _sockets.SOCK_STREAM, proto: int = 0
    ) -> _sockets.socket:
        """A socket.socket of this stack. It is as good as any: select, asyncio, ssl, os.sendfile work."""
        fd = self._descriptor(family, type, proto)
        try:
            sock = _sockets.socket(family, type, proto, fileno=fd)
        except BaseException:
            os.close(fd)
            raise
        if not self._cookie_known:
            redirect.know(sock, self)
        return sock

    def create_connection(self, address: tuple[str, int], timeout: float | None = 30, **kwargs: Any) -> _sockets.socket:
        """socket.create_connection() in the stack, names included."""
        with self._inside():
            return _sockets.create_connection(address, timeout, **kwargs)

    def create_server(self, address: tuple[str, int], **kwargs: Any) -> _sockets.socket:
        """socket.create_server() in the stack."""
        with self._inside():
            return _sockets.create_server(address, **kwargs)

    def netns(self) -> int:
        """A descriptor of the network namespace. The caller closes it."""
        return _lib.checked(_lib.core().vdestack_netns(self._handle))

    # ------------------------------------------------------------ asyncio

    async def open_connection(self, host: str, port: int, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """asyncio.open_connection() in the stack."""
        with self._inside():
            return await asyncio.open_connection(host, port, **kwargs)

    async def start_server(
        self, client_connected_cb: Callable[..., Any], host: str | None = None, port: int | None = None, **kwargs: Any
    ) -> asyncio.Server:
        """asyncio.start_server() in the stack. The handlers are inside the stack, too."""
        with self._inside():
            return await asyncio.start_server(client_connected_cb, host, port, **kwargs)

    async def create_datagram_endpoint(
        self, protocol_factory: Callable[[], asyncio.DatagramProtocol], **kwargs: Any
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """The event loop's create_datagram_endpoint() in the stack."""
        with self._inside():
            return await asyncio.get_running_loop().create_datagram_endpoint(protocol_factory, **kwargs)

    # ------------------------------------------------------------ names

    def getaddrinfo(
        self, host: Host, port: str | bytes | int | None, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[AddressInfo]:
        """As socket.getaddrinfo(), by the stack's name servers. socket.gaierror has the resolver's message."""
        return names.getaddrinfo(self._handle, host, port, family, type, proto, flags)

    def getnameinfo(self, sockaddr: tuple[Any, ...], flags: int = 0) -> tuple[str, str]:
        return names.getnameinfo(self._handle, sockaddr, flags)

    def resolvconf(self, ifname: str | None = None) -> str:
        """The name servers and the search list of the stack, as a resolv.conf."""
        encoded = None if ifname is None else ifname.encode()
        return records.filled(
            65536, lambda buffer, n: _lib.core().vdestack_resolvconf(self._handle, encoded, buffer, n)
        )

    # ------------------------------------------------------------ commands

    def _spawn(self, argv: Any, opts: Any, status_fd: Any) -> int:
        return _lib.checked(_lib.core().vdestack_spawn(self._handle, argv, opts, status_fd))

    def popen(
        self,
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
        """Starts a command inside the stack. It is killed when this program deletes the stack or ends, and after
        `timeout` seconds. capabilities: VDESTACK_CAP bits; 0: those of networks."""
        return Process(
            self._spawn,
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
        args: Sequence[Argument],
        *,
        input: str | bytes | None = None,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        capture_output: bool = False,
        text: bool = False,
        timeout: float | None = None,
        check: bool = False,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        capabilities: int = 0,
    ) -> subprocess.CompletedProcess[Any]:
        """subprocess.run() inside the stack, with its results and exceptions."""
        if input is not None:
            stdin = process.PIPE
        if capture_output:
            stdout = stderr = process.PIPE
        command = self.popen(
            args, stdin=stdin, stdout=stdout, stderr=stderr, text=text, cwd=cwd, env=env, capabilities=capabilities
        )
        return process.run(command, input, timeout, check)

    # ------------------------------------------------------------ configuration

    def configure(self, words: str, *, timeout: float | None = None, wait: bool = True) -> None:
        """Adds and removes addresses, routes, name servers, address sources: vdestack_configure(3)."""
        flags = 0 if wait else _abi.NO_WAIT
        _lib.checked(_lib.core().vdestack_configure(self._handle, words.encode(), _opts(timeout, flags)))

    def add_interface(self, config: str, *, timeout: float | None = None, nodad: bool = False) -> None:
        flags = _abi.NODAD if nodad else 0
        _lib.checked(_lib.core().vdestack_iface_add(self._handle, config.encode(), _opts(timeout, flags)))

    def remove_interface(self, ifname: str) -> None:
        _lib.checked(_lib.core().vdestack_iface_del(self._handle, ifname.encode()))

    def wait_ready(self, timeout: float | None) -> None:
        """Waits until all addresses can be used. VdestackError with ETIMEDOUT says what is missing."""
        _lib.checked(_lib.core().vdestack_wait_ready(self._handle, _lib.ms(timeout)))

    def set_carrier(self, ifname: str, on: bool) -> None:
        """Pulls the cable of an interface, or plugs it in again."""
        _lib.checked(_lib.core().vdestack_link_set_carrier(self._handle, ifname.encode(), int(on)))

    def set_up(self, ifname: str, up: bool) -> None:
        _lib.checked(_lib.core().vdestack_link_set_up(self._handle, ifname.encode(), int(up)))

    def sysctl(self, name: str, value: str | int | None = None) -> str:
        """Reads a sysctl below net ("ipv4.ip_forward", without "net."), after it has been set to `value` if that is given."""
        if value is not None:
            _lib.checked(_lib.core().vdestack_sysctl_set(self._handle, name.encode(), str(value).encode()))
        return records.filled(
            4096, lambda buffer, n: _lib.core().vdestack_sysctl_get(self._handle, name.encode(), buffer, n)
        )

    # ------------------------------------------------------------ what is there

    def if_nametoindex(self, ifname: str, /) -> int:
        return _lib.checked(_lib.core().vdestack_if_nametoindex(self._handle, os.fsencode(ifname)))

    def if_indextoname(self, index: int, /) -> str:
        buffer = c.create_string_buffer(_abi.IF_NAMESIZE)
        _lib.checked(_lib.core().vdestack_if_indextoname(self._handle, index, buffer))
        return records.text(buffer.value)

    def if_nameindex(self) -> list[tuple[int, str]]:
        return [(self.if_nametoindex(name), name) for name in self.interfaces()]

    def interfaces(self) -> list[str]:
        """The names of all interfaces, lo included."""
        lib = _lib.core()
        first = c.POINTER(_abi.Ifaddrs)()
        _lib.checked(lib.vdestack_getifaddrs(self._handle, c.byref(first)))
        found = []
        try:
            item = first
            while item:
                entry = item.contents
                if entry.ifa_addr and _family(entry.ifa_addr) == _sockets.AF_PACKET:
                    found.append(records.text(entry.ifa_name))
                item = entry.ifa_next
        finally:
            lib.vdestack_freeifaddrs(first)
        return found

    def links(self) -> list[records.Link]:
        return [self._link(ifname.encode()) for ifname in self.interfaces()]

    def _link(self, ifname: bytes) -> records.Link:
        lib = _lib.core()
        mac = (c.c_ubyte * 6)()
        if lib.vdestack_link_get_mac(self._handle, ifname, c.byref(mac)) == -1:  # lo has none
            mac = (c.c_ubyte * 6)()
        locator = c.create_string_buffer(4096)
        known = lib.vdestack_link_get_locator(self._handle, ifname, locator, len(locator)) >= 0
        return records.Link(
            ifname=records.text(ifname),
            mtu=_lib.checked(lib.vdestack_link_get_mtu(self._handle, ifname)),
            mac=records.mac_text(mac),
            flags=_lib.checked(lib.vdestack_link_get_flags(self._handle, ifname)),
            locator=records.text(locator.value) if known else "",
        )

    def stats(self, ifname: str) -> records.Stats:
        raw = _abi.LinkStats(size=c.sizeof(_abi.LinkStats))
        _lib.checked(_lib.core().vdestack_link_get_stats(self._handle, ifname.encode(), c.byref(raw)))
        return records.Stats(**{name: getattr(raw, name) for name in records.Stats.__dataclass_fields__})

    def keeper_stats(self) -> records.KeeperStats:
        """What the keeper process of this stack has done, and what it uses."""
        raw = _abi.KeeperStats(size=c.sizeof(_abi.KeeperStats))
        _lib.checked(_lib.core().vdestack_keeper_get_stats(self._handle, c.byref(raw)))
        values = {name: getattr(raw, name) for name in records.KeeperStats.__dataclass_fields__}
        return records.KeeperStats(**values | {"in_process": bool(raw.in_process)})

    def addresses(self, ifname: str = "") -> list[records.Address]:
        raw = records.listed(
            _abi.Addr,
            lambda items, n: _lib.core().vdestack_addr_list(
                self._handle, ifname.encode(), items, n, c.sizeof(_abi.Addr)
            ),
        )
        return [
            records.Address(records.text(r.ifname), records.text(r.addr), r.prefix_len, r.family, r.flags) for r in raw
        ]

    def routes(self, ifname: str = "") -> list[records.Route]:
        raw = records.listed(
            _abi.Route,
            lambda items, n: _lib.core().vdestack_route_list(
                self._handle, ifname.encode(), items, n, c.sizeof(_abi.Route)
            ),
        )
        return [
            records.Route(
                records.text(r.dst), r.prefix_len, records.text(r.gw), records.text(r.ifname), r.family, r.metric
            )
            for r in raw
        ]

    def neighbours(self, ifname: str = "") -> list[records.Neighbour]:
        raw = records.listed(
            _abi.Neigh,
            lambda items, n: _lib.core().vdestack_neigh_list(
                self._handle, ifname.encode(), items, n, c.sizeof(_abi.Neigh)
            ),
        )
        return [
            records.Neighbour(records.text(r.ifname), records.text(r.addr), records.mac_text(r.mac), r.state)
            for r in raw
        ]

    def learned(self, ifname: str = "") -> list[records.Learned]:
        """What DHCP and router advertisements have said."""
        raw = records.listed(
            _abi.LearnedItem,
            lambda items, n: _lib.core().vdestack_learned(self._handle, ifname.encode(), items, n),
        )
        return [records.learned(r) for r in raw]

    def events(self) -> Events:
        """What happens from now on. Eight may be open for a stack."""
        return Events(_lib.checked(_lib.core().vdestack_events(self._handle)))

    # ------------------------------------------------------------ networks that misbehave

    def impair(self, ifname: str, words: str = "", /, **values: Any) -> None:
        """Impairs an interface: impair("vde0", "delay=20ms rx.loss=1%"), or impair("vde0", delay="20ms", cut=True).

        It adds to what is in force. "unimpaired" ends all. vdestack_impair(3) has the words.
        """
        text = impairment.words(words, values)
        _lib.checked(_lib.core().vdestack_impair_words(self._handle, ifname.encode(), text.encode()))

    def impairment(self, ifname: str) -> Impaired:
        """What is in force, and what has happened to frames."""
        return impairment.read(self._handle, ifname)

    def set_group(self, ifname: str, group: int) -> None:
        """Splits a segment: frames pass only between interfaces of the same group."""
        _lib.checked(_lib.core().vdestack_segment_group(self._handle, ifname.encode(), group))

    def flap(self, ifname: str) -> None:
        """The segment believes that the MAC address of this interface is at another port."""
        _lib.checked(_lib.core().vdestack_segment_flap(self._handle, ifname.encode()))

    # ------------------------------------------------------------ the wire

    def capture(
        self,
        ifname: str,
        file: str | os.PathLike[str],
        *,
        snaplen: int = 0,
        file_bytes: int = 0,
        files: int = 0,
        frames: int = 0,
        comment: str | None = None,
        new: bool = False,
        kept: bool = False,
    ) -> wire.Capture:
        """Captures an interface into a file of pcapng, until the Capture is stopped: vdestack_capture_start(3)."""
        opts = _abi.CaptureOpts(
            size=c.sizeof(_abi.CaptureOpts),
            path=_lib.whole(os.fsencode(file)),
            snaplen=snaplen,
            file_bytes=file_bytes,
            files=files,
            flags=(wire.NEW if new else 0) | (wire.KEPT if kept else 0),
            frames=frames,
            comment=None if comment is None else _lib.whole(comment.encode()),
        )
        return wire.Capture(self._handle, ifname, opts)

    def tap_open(self, ifname: str, flags: int = 0) -> wire.Tap:
        """Reads and writes raw frames of an interface: vdestack_tap_open(3). flags: wire.BOTH, HEADER, TO_NETWORK,
        ALONE; with BOTH or HEADER what is read begins with the 16 bytes of struct vdestack_tap_header."""
        return wire.Tap(self._handle, ifname, flags)


def _family(address: int) -> int:
    return int.from_bytes(c.string_at(address, 2), sys.byteorder)
