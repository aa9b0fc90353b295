#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the first inputs of the target namedhcp4: messages of each kind, and texts of TXT records.

    tests/fuzz/seeds_namedhcp4.py        into tests/fuzz/corpus/namedhcp4/
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN, UNICAST = 1, 2
FULL = (b"mask=24,router=dns1,broadcast=10.0.0.255,dns='10.0.0.2 g1',domname='a.test b.test',ntp=z9,lease=60,mtu=1400,"
        b"routes='10.0.0.0/8/10.0.0.9 0.0.0.0/0/f'")
NAME = b"\x51\x0d\5\0\0\4host\3lab\0"
ASKS = b"\x37\x0a\1\x79\3\6\x0f\x77\x1a\x2a\x1c\xff"


def message(kind, options=b"", ciaddr=bytes(4), giaddr=bytes(4), flags=b"\0\0", sname=b"", file=b""):
    head = b"\1\1\6\0" + b"xid0" + b"\0\0" + flags + ciaddr + bytes(8) + giaddr + b"\2\0\0\0\0\2" + bytes(10)
    return (head + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options +
            b"\xff")


def seed(msg, text=b"", flags=0):
    text = text.ljust((len(text) + 3) // 4 * 4, b",")
    return bytes([flags, len(text) // 4]) + text + msg


MINE, OURS = b"\x0a\0\0\5", b"\x36\4\x0a\0\0\1"
SEEDS = {
    "discover": seed(message(1, NAME + ASKS + b"\x3d\7\1\2\0\0\0\0\2"), FULL),
    "discover-ascii": seed(message(1, b"\x51\7\1\0\0host", flags=b"\x80\0"), b"mask=255.255.255.0", DOMAIN),
    "rapid": seed(message(1, NAME + b"\x50\0\x39\2\5\xdc"), b"lease=infinite"),
    "selecting": seed(message(3, NAME + OURS + b"\x32\4" + MINE + ASKS), FULL),
    "nak": seed(message(3, NAME + b"\x32\4\x0a\0\0\x63")),
    "renewing": seed(message(3, NAME + ASKS, ciaddr=MINE), FULL, UNICAST),
    "inform": seed(message(8, NAME + ASKS, ciaddr=MINE), b"v=spf1,dns=a"),
    "release": seed(message(7, OURS, ciaddr=MINE)),
    "decline": seed(message(4, OURS + b"\x32\4" + MINE + b"\x38\2no")),
    "relayed": seed(message(1, NAME + b"\x52\7\1\2ab\2\1x", giaddr=b"\x0a\0\0\xfe"), FULL),
    "overloaded": seed(message(1, b"\x34\1\3\x51\6\0\0\0hos", file=b"\0\0\x51\2t.\xff", sname=b"\x51\4lab\0\xff")),
    "host-name": seed(message(1, b"\x0c\5host\0"), b"", DOMAIN),
}


def main():
    folder = os.path.join(HERE, "corpus", "namedhcp4")
    os.makedirs(folder, exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


main()
