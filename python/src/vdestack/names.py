# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names in a stack, by libvdestack-dns: what Python's socket module has, with the stack's name servers.

Nothing of the host is asked. Without libvdestack-dns a name that needs a lookup fails with socket.gaierror.
"""

from __future__ import annotations

import _socket
import ctypes as c
import os
import socket
import sys
from typing import Any

from . import _abi, _lib
from .errors import LibraryMissing

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
Host = str | bytes | None


def encoded(host: Host) -> bytes | None:
    """As Python's socket module: text is IDNA."""
    if host is None or isinstance(host, bytes):
        return host
    return host.encode("idna") if not host.isascii() else host.encode("ascii")


def _functions() -> _lib.Functions:
    try:
        return _lib.dns()
    except LibraryMissing as error:
        raise socket.gaierror(socket.EAI_FAIL, str(error)) from None


def _failure(code: int) -> OSError:
    if code == socket.EAI_SYSTEM:
        number = c.get_errno()
        return OSError(number, os.strerror(number))
    message = _functions().vdestack_dns_last_error()
    return socket.gaierror(code, message.decode(errors="replace") or f"error {code}")


def _address(raw: bytes, family: int) -> tuple[Any, ...]:
    """A sockaddr as Python's socket module has it."""
    port = int.from_bytes(raw[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(family, raw[4:8]), port
    flow, scope = int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[24:28], sys.byteorder)
    return socket.inet_ntop(family, raw[8:24]), port, flow, scope


# Of the C library, before redirect.py puts a function in front of it.
_host_getaddrinfo = _socket.getaddrinfo


def is_address(host: Host) -> bool:
    """Whether a host is an address that needs no resolver. A scope is an interface, which only its stack knows."""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not host:
        return False
    try:
        socket.inet_pton(socket.AF_INET6, host)
        return True
    except (OSError, ValueError):
        pass
    try:
        socket.inet_aton(host)
        return True
    except (OSError, ValueError):
        return False


def getaddrinfo(
    handle: int, host: Host, port: str | bytes | int | None, family: int, type: int, proto: int, flags: int
) -> list[AddressInfo]:
    if isinstance(port, int) and is_address(host):
        # Only text becomes an address here; no resolver is asked, and libvdestack-dns is not needed.
        flags = flags & ~socket.AI_ADDRCONFIG | socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return list(_host_getaddrinfo(host, port, family, type, proto, flags))
    lib = _functions()
    service = str(port).encode() if isinstance(port, int) else port.encode() if isinstance(port, str) else port
    hints = _abi.Addrinfo(ai_flags=flags, ai_family=family, ai_socktype=type, ai_protocol=proto)
    first = c.POINTER(_abi.Addrinfo)()
    code = lib.vdestack_getaddrinfo(handle, encoded(host), service, c.byref(hints), c.byref(first))
    if code:
        raise _failure(code)
    found: list[AddressInfo] = []
    try:
        item = first
        while item:
            info = item.contents
            raw = c.string_at(info.ai_addr, info.ai_addrlen)
            canonical = info.ai_canonname.decode() if info.ai_canonname else ""
            found.append(
                (info.ai_family, info.ai_socktype, info.ai_protocol, canonical, _address(raw, info.ai_family))
            )
            item = info.ai_next
    finally:
        lib.vdestack_freeaddrinfo(first)
    return found


def _sockaddr(address: tuple[Any, ...]) -> bytes:
    host: str = address[0]
    port: int = address[1]
    try:
        raw = socket.inet_pton(socket.AF_INET, host)
        return socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + raw + bytes(8)
    except OSError:
        pass
    host, _, scope = host.partition("%")
    flow: int = address[2] if len(address) > 2 else 0
    number: int = address[3] if len(address) > 3 else int(scope) if scope.isdigit() else 0
    try:
        raw = socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is no address") from None
    head = socket.AF_INET6.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + flow.to_bytes(4, "big")
    return head + raw + number.to_bytes(4, sys.byteorder)


def getnameinfo(handle: int, address: tuple[Any, ...], flags: int) -> tuple[str, str]:
    lib = _functions()
    raw = _sockaddr(address)
    host, service = c.create_string_buffer(1025), c.create_string_buffer(64)
    code = lib.vdestack_getnameinfo(handle, raw, len(raw), host, len(host), service, len(service), flags)
    if code:
        raise _failure(code)
    return host.value.decode(), service.value.decode()
