#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the first inputs of the targets stream, ingress and egress: one file for each kind of hostility.

    tests/fuzz/seeds.py        into tests/fuzz/corpus/NAME/
"""

import os
import random
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
MACS = bytes.fromhex("020000000002020000000001")


def total(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def ip4(proto, payload, length=None, ihl=5, flags=0x4000, ident=1, csum=True):
    h = struct.pack(">BBHHHBBH4s4s", 0x40 | ihl, 0, len(payload) + ihl * 4 if length is None else length, ident, flags, 64, proto, 0,
                    b"\x0a\0\0\1", b"\x0a\0\0\2") + bytes(max(0, ihl * 4 - 20))
    c = ~total(h) & 0xffff if csum else 0x1234
    return MACS + b"\x08\0" + h[:10] + struct.pack(">H", c) + h[12:] + payload


def ip6(next_header, payload, length=None):
    return MACS + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(payload) if length is None else length, next_header, 64) + \
        bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def tcp(seq, payload, flags=0x10, offset=5, good=True):
    h = struct.pack(">HHIIBBHHH", 1000, 2000, seq, 1, offset << 4, flags, 500, 0, 0)
    pseudo = b"\x0a\0\0\1\x0a\0\0\2\0\6" + struct.pack(">H", len(h) + len(payload))
    c = ~total(pseudo + h + payload) & 0xffff if good else 0xbad
    return h[:16] + struct.pack(">H", c) + h[18:] + payload


def udp(payload, length=None):
    return struct.pack(">HHHH", 1000, 2000, 8 + len(payload) if length is None else length, 0) + payload


def vnet(frame, gso=0, hdr_len=54, size=100, start=34, offset=16, flags=1):
    return struct.pack("<BBHHHH", flags, gso, hdr_len, size, start, offset) + frame


def run(n, good=True):
    return [ip4(6, tcp(1 + i * 100, bytes([i]) * 100, good=good), ident=i) for i in range(n)]


FRAMES = {
    "nothing-one-thirteen": [b"", b"x", bytes(13), bytes(14)],
    "oversize": [bytes(9216 - 18), bytes(3000)],
    "run-of-segments": run(5),
    "run-with-a-bad-checksum": run(2) + run(1, good=False) + run(2),
    "lengths-of-ip4": [ip4(6, tcp(1, b"abc"), length=n) for n in (0, 19, 20, 30, 65535)],
    "headers-of-ip4": [ip4(6, tcp(1, b"abc"), ihl=n) for n in (0, 4, 6, 15)],
    "sums-of-ip4": [ip4(6, tcp(1, b"abc"), csum=False)],
    "fragments": [ip4(17, udp(b"abc"), flags=f) for f in (0x2000, 0x2001, 1, 0x1fff)],
    "headers-of-tcp": [ip4(6, tcp(1, b"abc", offset=n)) for n in (0, 4, 6, 15)],
    "lengths-of-udp": [ip4(17, udp(b"abcdef", length=n)) for n in (0, 7, 8, 13, 15, 65535)],
    "lengths-of-ip6": [ip6(6, tcp(1, b"abc"), length=n) for n in (0, 19, 22, 24, 65535)],
    "extensions-of-ip6": [ip6(0, bytes([60, 0]) + bytes(6) + bytes([43, 0]) + bytes(6) + bytes([44, 0]) + bytes(6) + bytes([6, 0]) + bytes(6)
                              + tcp(1, b"x")), ip6(0, bytes([0, 255]) + bytes(6)), ip6(60, (bytes([60, 0]) + bytes(6)) * 20)],
    "fragments-of-ip6": [ip6(44, bytes([17, 0, 0, 1]) + bytes(4) + udp(b"abc"))],
    "tags": [MACS + b"\x81\0\0\1" * n + b"\x08\0" + ip4(6, tcp(1, b"abc"))[14:] for n in (1, 2, 3)],
    "random": [random.Random(7).randbytes(n) for n in (20, 60, 200)],
}

SUPERS = {
    "whole": [vnet(ip4(6, tcp(1, bytes(1000))), gso=1)],
    "wrong-header-lengths": [vnet(ip4(6, tcp(1, bytes(300))), gso=1, hdr_len=n) for n in (0, 14, 53, 65535)],
    "wrong-starts": [vnet(ip4(6, tcp(1, bytes(300))), gso=1, start=s, offset=o) for s, o in ((0, 0), (34, 6), (33, 16), (65535, 65535))],
    "sizes": [vnet(ip4(6, tcp(1, bytes(300))), gso=1, size=n) for n in (0, 1, 299, 300, 65535)],
    "kinds": [vnet(ip4(6, tcp(1, bytes(300))), gso=g) for g in (1, 3, 4, 5, 0x81, 255)],
    "not-to-be-finished": [vnet(ip4(6, tcp(1, bytes(300))), gso=1, flags=0)],
    "datagrams": [vnet(ip4(17, udp(bytes(600))), gso=5, offset=6)],
    "only-a-header": [vnet(b""), b"", bytes(9)],
}


def behind_lengths(items):
    return b"".join(struct.pack(">H", len(i)) + i for i in items)


def write(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


for name, frames in FRAMES.items():
    write("ingress", name, behind_lengths(frames))
    write("egress", name, b"\3" + behind_lengths([vnet(f, flags=0, size=0) for f in frames]))
for name, supers in SUPERS.items():
    write("egress", "super-" + name, b"\1" + behind_lengths(supers))
write("stream", "frames", b"\7" + behind_lengths(FRAMES["run-of-segments"]))
write("stream", "length-too-long", b"\1" + behind_lengths(run(2)) + b"\xff\xff" + bytes(100))
write("stream", "garbage", b"\0" + random.Random(9).randbytes(400))
write("stream", "cut-short", b"\3" + behind_lengths(run(2))[:-20])
write("stream", "empty-frames", b"\3" + bytes(40))
