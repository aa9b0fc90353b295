#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the first inputs of the target dhcp6_server, one file each for the messages of clients and relays.

    tests/fuzz/seeds_dhcp6_server.py        into tests/fuzz/corpus/dhcp6_server/
"""

import ipaddress
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


def ia(code, iaid, *addrs):
    head = struct.pack("!I", iaid) + (b"" if code == 4 else bytes(8))
    return option(code, head + b"".join(option(5, ipaddress.ip_address(a).packed + bytes(8)) for a in addrs))


def message(kind, *options):
    return bytes([kind, 1, 2, 3]) + option(1, b"\0\3\0\1\2\0\0\0\0\x09") + b"".join(options)


def relayed(hops, inner, *options):
    return bytes([12, hops]) + bytes(32) + b"".join(options) + option(9, inner)


SERVER = option(2, b"\0\3\0\1\2\0\0\0\0\1")
NAME = option(39, b"\1\3one\4test\0")
WANTS = option(6, struct.pack("!6H", 23, 24, 31, 39, 56, 65000))
TXT = b"dns='fd00::1,ns.test',domname=lab.test,ntp=fd00::2,mask=255.0.0.0"
solicit = message(1, NAME, WANTS, ia(3, 1), ia(3, 2, "::4"), ia(25, 3), ia(4, 4, "::5"))
SEEDS = {
    "solicit": (0, TXT, solicit),
    "solicit_rapid": (0, b"", message(1, option(39, b"\0\3one"), option(14), ia(3, 1))),
    "solicit_later": (8, TXT, solicit),
    "solicit_no_address": (2, b"", solicit),
    "request": (0, TXT, message(3, SERVER, NAME, WANTS, ia(3, 1, "::9"))),
    "renew": (0, b"", message(5, SERVER, NAME, ia(3, 1, "::a", "::b", "::1", "::2"))),
    "renew_unicast": (1, b"", message(5, SERVER, NAME, ia(3, 1, "::a"))),
    "rebind_no_server": (4, b"", message(6, NAME, ia(3, 1, "::a"))),
    "confirm": (0, b"", message(4, NAME, ia(3, 1, "::8"))),
    "release": (0, b"", message(8, SERVER, ia(3, 1, "::8"))),
    "decline": (0, b"", message(9, SERVER, ia(3, 1, "::8"))),
    "inform": (0, TXT, message(11, WANTS, NAME)),
    "relayed": (0, TXT, relayed(1, relayed(0, solicit, option(18, b"port"), option(37, b"\0\0\0\1x")))),
}

for seed, (flags, text, bytes_) in SEEDS.items():
    with open(os.path.join(HERE, "corpus", "dhcp6_server", seed), "wb") as f:
        f.write(bytes([flags, len(text)]) + text + bytes_)
