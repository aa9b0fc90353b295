# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds and loads the C libraries, and declares their functions.

VDESTACK_LIBRARY in the environment names a file of libvdestack-nointerpose, or the directory that has it; the
resolver and the laboratory are looked for beside it. Without it the dynamic linker finds the installed ones. A
program that has libvdestack linked already uses that one: two copies would not know each other's stacks.

ctypes releases Python's lock during each call, so other threads go on.
"""

from __future__ import annotations

import ctypes as c
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _abi
from .errors import LibraryMissing, VdestackError


def whole(text: bytes) -> bytes:
    """A text for C, which would end at a NUL: half of what was asked for would be done."""
    if b"\0" in text:
        raise ValueError("embedded null byte")
    return text


class _Argument:
    """A text, or a buffer for one."""

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return c.c_char_p.from_param(whole(value) if isinstance(value, bytes) else value)


_handle, _int, _size = c.c_void_p, c.c_int, c.c_size_t
_text, _result = _Argument, c.c_char_p
_pointer = c.POINTER

# name: (result, arguments...)
_CORE: dict[str, tuple[Any, ...]] = {
    "vdestack_new": (_handle, _text, _pointer(_abi.Opts)),
    "vdestack_new_start": (_handle, _text, _pointer(_abi.Opts)),
    "vdestack_new_fd": (_int, _handle),
    "vdestack_new_finish": (_int, _handle, _pointer(_handle)),
    "vdestack_new_cancel": (None, _handle),
    "vdestack_adopt_fd": (_handle, _int, _text, _pointer(_abi.Opts)),
    "vdestack_receive": (_handle, _int),
    "vdestack_pass": (_int, _handle, c.c_uint),
    "vdestack_attach": (_handle, _int, _text, _handle),
    "vdestack_delete": (_int, _handle),
    "vdestack_name": (_int, _handle, _text, _size),
    "vdestack_iface_add": (_int, _handle, _text, _pointer(_abi.Opts)),
    "vdestack_iface_del": (_int, _handle, _text),
    "vdestack_wait_ready": (_int, _handle, _int),
    "vdestack_msocket": (_int, _handle, _int, _int, _int),
    "vdestack_netns": (_int, _handle),
    "vdestack_spawn": (_int, _handle, _pointer(_result), _pointer(_abi.CmdOpts), _pointer(_int)),
    "vdestack_cmd_wait": (_int, _int, _pointer(_int), _int),
    "vdestack_last_error": (_result,),
    "vdestack_version": (_result,),
    "vdestack_if_nametoindex": (_int, _handle, _text),
    "vdestack_if_indextoname": (_int, _handle, _int, _text),
    "vdestack_link_set_up": (_int, _handle, _text, _int),
    "vdestack_link_get_flags": (_int, _handle, _text),
    "vdestack_link_get_mtu": (_int, _handle, _text),
    "vdestack_link_get_mac": (_int, _handle, _text, _pointer(c.c_ubyte * 6)),
    "vdestack_link_get_stats": (_int, _handle, _text, _pointer(_abi.LinkStats)),
    "vdestack_link_get_locator": (_int, _handle, _text, _text, _size),
    "vdestack_link_set_carrier": (_int, _handle, _text, _int),
    "vdestack_addr_list": (_int, _handle, _text, _pointer(_abi.Addr), _size, _size),
    "vdestack_route_list": (_int, _handle, _text, _pointer(_abi.Route), _size, _size),
    "vdestack_neigh_list": (_int, _handle, _text, _pointer(_abi.Neigh), _size, _size),
    "vdestack_getifaddrs": (_int, _handle, _pointer(_pointer(_abi.Ifaddrs))),
    "vdestack_freeifaddrs": (None, _pointer(_abi.Ifaddrs)),
    "vdestack_sysctl_set": (_int, _handle, _text, _text),
    "vdestack_sysctl_get": (_int, _handle, _text, _text, _size),
    "vdestack_configure": (_int, _handle, _text, _pointer(_abi.Opts)),
    "vdestack_learned": (_int, _handle, _text, _pointer(_abi.LearnedItem), _size),
    "vdestack_resolvconf": (_int, _handle, _text, _text, _size),
    "vdestack_events": (_int, _handle),
    "vdestack_event_read": (_int, _int, _pointer(_abi.Event), _int),
}

# What a library that is older than this package may not have: its absence is noticed when it is called.
_LATER: dict[str, tuple[Any, ...]] = {
    "vdestack_keeper_get_stats": (_int, _handle, _pointer(_abi.KeeperStats)),
    "vdestack_impair": (_int, _handle, _text, _pointer(_abi.Impairment), _pointer(_abi.Impairment)),
    "vdestack_impair_words": (_int, _handle, _text, _text),
    "vdestack_impair_get": (
        _int,
        _handle,
        _text,
        _pointer(_abi.Impairment),
        _pointer(_abi.Impairment),
        _pointer(_abi.ImpairStats),
        _pointer(_abi.ImpairStats),
    ),
    "vdestack_segment_group": (_int, _handle, _text, c.c_uint),
    "vdestack_segment_flap": (_int, _handle, _text),
    "vdestack_capture_start": (_int, _handle, _text, _pointer(_abi.CaptureOpts)),
    "vdestack_capture_get_stats": (_int, _int, _pointer(_abi.CaptureStats)),
    "vdestack_capture_stop": (_int, _int, _pointer(_abi.CaptureStats)),
    "vdestack_tap_open": (_int, _handle, _text, _pointer(_abi.TapOpts)),
}

_DNS: dict[str, tuple[Any, ...]] = {
    "vdestack_getaddrinfo": (
        _int,
        _handle,
        _text,
        _text,
        _pointer(_abi.Addrinfo),
        _pointer(_pointer(_abi.Addrinfo)),
    ),
    "vdestack_freeaddrinfo": (None, _pointer(_abi.Addrinfo)),
    "vdestack_getnameinfo": (_int, _handle, c.c_char_p, c.c_uint32, _text, c.c_uint32, _text, c.c_uint32, _int),
    "vdestack_dns_last_error": (_result,),
}

_LAB: dict[str, tuple[Any, ...]] = {
    "vdestack_lab_new": (_handle, _text, _pointer(_abi.LabOpts)),
    "vdestack_lab_add": (_int, _handle, _text),
    "vdestack_lab_start": (_int, _handle),
    "vdestack_lab_delete": (None, _handle),
    "vdestack_lab_host": (_handle, _handle, _text),
    "vdestack_lab_addr": (_int, _handle, _text, _int, _text, _size),
    "vdestack_lab_spawn": (_int, _handle, _text, _pointer(_result), _pointer(_abi.CmdOpts), _pointer(_int)),
    "vdestack_lab_server": (_int, _handle, _text),
    "vdestack_lab_server_start": (_int, _handle, _text),
    "vdestack_lab_impair": (_int, _handle, _text, _text),
    "vdestack_lab_cut": (_int, _handle, _text),
    "vdestack_lab_restore": (_int, _handle, _text),
    "vdestack_lab_partition": (_int, _handle, _text, _text),
    "vdestack_lab_heal": (_int, _handle, _text),
    "vdestack_lab_capture": (_int, _handle, _text, _text),
    "vdestack_lab_fail": (_int, _handle, _text),
    "vdestack_lab_artefacts": (_result, _handle),
    "vdestack_lab_seed": (c.c_uint64, _handle),
    "vdestack_lab_draw": (_handle, _handle, _int),
    "vdestack_lab_last_error": (_result,),
}


class Functions:
    """The functions of one library, by their C names."""

    def __init__(self, library: c.CDLL, needed: dict[str, tuple[Any, ...]], later: dict[str, tuple[Any, ...]]):
        self._library = library
        for name, (result, *arguments) in (needed | later).items():
            try:
                function = getattr(library, name)
            except AttributeError:
                if name in later:
                    continue
                raise LibraryMissing(f"{library._name} has no function {name}: it is too old") from None
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise LibraryMissing(f"{self._library._name} has no function {name}: it is too old")


def _folder() -> Path | None:
    given = os.environ.get("VDESTACK_LIBRARY")
    if not given:
        return None
    path = Path(given).resolve()
    return path if path.is_dir() else path.parent


def candidates(stem: str, subfolder: str) -> list[str]:
    """The names to try for a library, in their order. `subfolder` is its place in a build tree."""
    folder = _folder()
    if folder is None:
        return [f"{stem}.so.0"]
    places = [folder, folder / subfolder]
    return [str(place / f"{stem}.so.0") for place in places if (place / f"{stem}.so.0").exists()]


def load(stem: str, subfolder: str) -> c.CDLL:
    given = os.environ.get("VDESTACK_LIBRARY")
    tried = candidates(stem, subfolder)
    problem = f"not beside VDESTACK_LIBRARY={given}"
    for name in tried:
        try:
            return c.CDLL(name, use_errno=True)
        except OSError as error:
            problem = str(error)
    raise LibraryMissing(f"{stem} is not here ({problem}); install it, or set VDESTACK_LIBRARY to its file")


def _load_core() -> Functions:
    program = c.CDLL(None, use_errno=True)
    if hasattr(program, "vdestack_new"):
        return Functions(program, _CORE, _LATER)
    given = os.environ.get("VDESTACK_LIBRARY")
    if given and Path(given).is_file():
        try:
            return Functions(c.CDLL(given, use_errno=True), _CORE, _LATER)
        except OSError as error:
            raise LibraryMissing(f"VDESTACK_LIBRARY={given}: {error}") from None
    return Functions(load("libvdestack-nointerpose", "."), _CORE, _LATER)


_core: Functions | None = None
_dns: Functions | None = None
_lab: Functions | None = None


def core() -> Functions:
    global _core
    if _core is None:
        _core = _load_core()
    return _core


def dns() -> Functions:
    """libvdestack-dns. Loaded after the core, so that both use one copy of it."""
    global _dns
    if _dns is None:
        core()
        _dns = Functions(load("libvdestack-dns", "dns"), _DNS, {})
    return _dns


def lab() -> Functions:
    """libvdestack-lab. Loaded after the core, so that both use one copy of it."""
    global _lab
    if _lab is None:
        core()
        _lab = Functions(load("libvdestack-lab", "lab"), _LAB, {})
    return _lab


def error() -> VdestackError:
    """The error of the call that has just failed in this thread."""
    code = c.get_errno()
    message = core().vdestack_last_error()
    return VdestackError(code, message.decode(errors="replace") if message else os.strerror(code))


def checked(result: int | None) -> int:
    """`result`, unless it stands for a failure: -1, or NULL."""
    if result is None or result == -1:
        raise error()
    return result


def ms(seconds: float | None) -> int:
    """A time-out in the library's terms: None is no limit."""
    if seconds is None:
        return -1
    if not 0 <= seconds < 2_000_000:
        raise ValueError(f"a time-out of {seconds} seconds")
    return int(-(-seconds * 1000 // 1))
