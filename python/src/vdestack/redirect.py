# SPDX-License-Identifier: LGPL-2.1-or-later
"""`with stack:` - Python's own socket module works in a stack.

What is where is decided by a context variable, so it holds for the thread, or for the asyncio task, that has
entered the stack, and for nothing else:

 - a new thread starts outside; asyncio.to_thread() and tasks made inside start inside, and stay there after the
   `with` block has ended, because they have a copy of the context;
 - loop callbacks run where they were registered, so the handlers of a server that was started inside are inside.

The first Stack of a process puts functions of this file in front of some of Python's, once and for all. They look
at the context variable; outside of every stack they only call what was there before:

 - socket.socket.__init__: sockets of the families that the C library redirects (AF_INET, AF_INET6, AF_PACKET and
   AF_NETLINK with NETLINK_ROUTE). It is the class's own method, so "from socket import socket", ssl.SSLSocket and
   other classes derived from it are included;
 - _socket.getaddrinfo and its relatives, of which socket.getaddrinfo is made, and the functions of interfaces;
 - socket.socket.connect, connect_ex, bind, sendto, sendmsg: a *name* in an address is looked up by the stack that
   the socket belongs to, wherever the call is made. The C code behind them would ask the host's resolver. A socket
   is recognised by the cookie of its network namespace (SO_NETNS_COOKIE, Linux 5.14); before that by the context;
 - asyncio's getaddrinfo, getnameinfo and sock_connect, which hand lookups to a thread that has no context.

What is not redirected: C code that calls socket(2) by itself (libcurl, libpq, gRPC, uvloop), and subprocess.
LD_PRELOAD is not used. A name is never looked up by the host for a stack: when that is impossible it fails.
"""

from __future__ import annotations

import _socket
import asyncio
import asyncio.base_events
import asyncio.selector_events
import contextvars
import functools
import os
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Any

from . import names

if TYPE_CHECKING:
    from .stack import Stack

SO_NETNS_COOKIE = 71

_entered: contextvars.ContextVar[tuple[Stack, ...]] = contextvars.ContextVar("vdestack", default=())
# The stack of each cookie that was seen. An entry, some 200 bytes, stays when its stack has gone, because sockets of it
# may still be there: no name is looked up for them then.
_stack_of: dict[int, weakref.ref[Stack]] = {}
_installed = False
_lock = threading.Lock()


def current() -> Stack | None:
    """The stack in which this thread or task is; None: the host network."""
    entered = _entered.get()
    return entered[-1] if entered else None


def enter(stack: Stack) -> None:
    _entered.set((*_entered.get(), stack))


def leave(stack: Stack) -> None:
    entered = _entered.get()
    if not entered or entered[-1] is not stack:
        raise RuntimeError("stacks are left in the reverse order, in the thread or task that has entered them")
    _entered.set(entered[:-1])


def cookie(sock: _socket.socket) -> int | None:
    try:
        raw = sock.getsockopt(_socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)
    except OSError:  # an old kernel, or a closed socket
        return None
    return int.from_bytes(raw, "little") if isinstance(raw, bytes) else None


def know(sock: _socket.socket, stack: Stack) -> None:
    """Remembers to which stack the network namespace of this socket belongs."""
    number = cookie(sock)
    if number is not None:
        _stack_of[number] = stack._reference
        stack._cookie_known = True


def _redirected(family: int, proto: int) -> bool:
    if family == _socket.AF_NETLINK:
        return proto in (-1, 0)
    return family in (-1, _socket.AF_INET, _socket.AF_INET6, _socket.AF_PACKET)


def _is_name(host: object) -> bool:
    """Whether a host needs a resolver."""
    if isinstance(host, bytearray):
        host = bytes(host)
    return isinstance(host, (str, bytes)) and host not in ("", b"", "<broadcast>") and not names.is_address(host)


def _owner(sock: Any) -> Stack | None:
    """The stack of a socket. gaierror: it was of a stack that is gone."""
    number = cookie(sock)
    if number is None:
        return current()
    reference = _stack_of.get(number)
    if reference is None:
        return None
    stack = reference()
    if stack is None or stack.closed:
        raise socket.gaierror(socket.EAI_FAIL, "the stack of this socket has been deleted, and its resolver with it")
    return stack


def _resolver(sock: Any, address: Any) -> Stack | None:
    """The stack that has to look up the name in `address`; None: there is none to look up, or no stack."""
    if not isinstance(address, tuple) or len(address) < 2 or not _is_name(address[0]):
        return None
    return _owner(sock) if sock.family in (_socket.AF_INET, _socket.AF_INET6) else None


def _merged(address: tuple[Any, ...], found: list[Any]) -> tuple[Any, ...]:
    """The first address that was found, with the port, flow and scope that were given."""
    result: tuple[Any, ...] = found[0][4]
    given = (result[0], *address[1:])
    if len(result) == 4 and len(given) < 4 and result[3]:
        given = (given[0], given[1], given[2] if len(given) > 2 else 0, result[3])
    return given


def _resolved(sock: Any, address: Any) -> Any:
    stack = _resolver(sock, address)
    if stack is None:
        return address
    return _merged(address, stack.getaddrinfo(address[0], None, sock.family, sock.type))


# ---------------------------------------------------------------- the methods of sockets


def _patch_sockets() -> None:
    base = _socket.socket
    original = socket.socket.__init__

    @functools.wraps(original)
    def __init__(self: Any, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        stack = current() if fileno is None else None
        if stack is None or not _redirected(family, proto):
            original(self, family, type, proto, fileno)
            return
        family = _socket.AF_INET if family == -1 else family
        type = _socket.SOCK_STREAM if type == -1 else type
        proto = 0 if proto == -1 else proto
        fd = stack._descriptor(family, type, proto)
        try:
            original(self, family, type, proto, fd)
        except BaseException:
            os.close(fd)
            raise
        if not stack._cookie_known:
            know(self, stack)

    def connect(self: Any, address: Any, /) -> None:
        base.connect(self, _resolved(self, address))

    def connect_ex(self: Any, address: Any, /) -> int:
        return base.connect_ex(self, _resolved(self, address))

    def bind(self: Any, address: Any, /) -> None:
        base.bind(self, _resolved(self, address))

    def sendto(self: Any, data: Any, *rest: Any) -> int:
        if rest:
            rest = (*rest[:-1], _resolved(self, rest[-1]))
        return base.sendto(self, data, *rest)

    def sendmsg(self: Any, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /) -> int:
        if address is None:
            return base.sendmsg(self, buffers, ancdata, flags)
        return base.sendmsg(self, buffers, ancdata, flags, _resolved(self, address))

    for function in (connect, connect_ex, bind, sendto, sendmsg):
        function.__doc__ = getattr(base, function.__name__).__doc__
        setattr(socket.socket, function.__name__, function)
    setattr(socket.socket, "__init__", __init__)


# ---------------------------------------------------------------- names and interfaces


def _names_in(stack: Stack) -> dict[str, Any]:
    """The functions of the socket module, in a stack."""

    def getaddrinfo(
        host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        return stack.getaddrinfo(host, port, family, type, proto, flags)

    def gethostbyname(hostname: Any, /) -> str:
        return str(stack.getaddrinfo(hostname, None, _socket.AF_INET, _socket.SOCK_STREAM)[0][4][0])

    def gethostbyname_ex(hostname: Any, /) -> tuple[str, list[str], list[str]]:
        found = stack.getaddrinfo(
            hostname, None, _socket.AF_INET, _socket.SOCK_STREAM, flags=_socket.AI_CANONNAME
        )
        return found[0][3] or str(hostname), [], [item[4][0] for item in found]

    def gethostbyaddr(address: Any, /) -> tuple[str, list[str], list[str]]:
        found = stack.getaddrinfo(address, None, 0, _socket.SOCK_STREAM)
        numeric = found[0][4]
        return stack.getnameinfo(numeric, _socket.NI_NAMEREQD)[0], [], [numeric[0]]

    return {
        "getaddrinfo": getaddrinfo,
        "gethostbyname": gethostbyname,
        "gethostbyname_ex": gethostbyname_ex,
        "gethostbyaddr": gethostbyaddr,
        "getnameinfo": stack.getnameinfo,
        "if_nametoindex": stack.if_nametoindex,
        "if_indextoname": stack.if_indextoname,
        "if_nameindex": stack.if_nameindex,
    }


def _patch_names() -> None:
    for name in (
        "getaddrinfo",
        "gethostbyname",
        "gethostbyname_ex",
        "gethostbyaddr",
        "getnameinfo",
        "if_nametoindex",
        "if_indextoname",
        "if_nameindex",
    ):
        original = getattr(_socket, name)

        def function(*args: Any, _name: str = name, _original: Any = original, **kwargs: Any) -> Any:
            stack = current()
            return _original(*args, **kwargs) if stack is None else _names_in(stack)[_name](*args, **kwargs)

        functools.update_wrapper(function, original)
        setattr(_socket, name, function)
        if getattr(socket, name) is original:  # socket.getaddrinfo is Python's own, on top of that of _socket
            setattr(socket, name, function)


# ---------------------------------------------------------------- asyncio


def _patch_asyncio() -> None:
    base: Any = asyncio.base_events.BaseEventLoop
    selector: Any = asyncio.selector_events.BaseSelectorEventLoop
    getaddrinfo0, getnameinfo0, sock_connect0 = base.getaddrinfo, base.getnameinfo, selector.sock_connect

    async def getaddrinfo(
        self: Any, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        stack = current()
        if stack is None:
            return await getaddrinfo0(self, host, port, family=family, type=type, proto=proto, flags=flags)
        return await self.run_in_executor(None, stack.getaddrinfo, host, port, family, type, proto, flags)

    async def getnameinfo(self: Any, sockaddr: Any, flags: int = 0) -> Any:
        stack = current()
        if stack is None:
            return await getnameinfo0(self, sockaddr, flags)
        return await self.run_in_executor(None, stack.getnameinfo, sockaddr, flags)

    async def sock_connect(self: Any, sock: Any, address: Any) -> Any:
        stack = _resolver(sock, address)
        if stack is not None:
            found = await self.run_in_executor(None, stack.getaddrinfo, address[0], None, sock.family, sock.type)
            address = _merged(address, found)
        return await sock_connect0(self, sock, address)

    base.getaddrinfo, base.getnameinfo, selector.sock_connect = getaddrinfo, getnameinfo, sock_connect


def install() -> None:
    global _installed
    with _lock:
        if not _installed:
            _patch_sockets()
            _patch_names()
            _patch_asyncio()
            _installed = True
