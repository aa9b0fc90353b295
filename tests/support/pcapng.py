#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a capture file independently of the library (draft-ietf-opsawg-pcapng), strictly: one line for each block.

    pcapng.py FILE...

Ends with 1 and a message at the first thing that the format does not allow.
"""

import struct
import sys


def options(data):
    at, found = 0, []
    while at < len(data):
        code, length = struct.unpack_from("=HH", data, at)
        at += 4
        if code == 0:
            assert length == 0 and at == len(data), "bytes behind the last option"
            return found
        assert at + length <= len(data), "an option is cut"
        found.append((code, data[at : at + length]))
        at += (length + 3) // 4 * 4
    assert not found, "no end of options"
    return found


def text(found, code):
    return [value.decode() for number, value in found if number == code]


def number(found, code, default=0):
    values = [value for n, value in found if n == code]
    assert len(values) <= 1
    return int.from_bytes(values[0], sys.byteorder) if values else default


def time(high, low):
    return (high << 32) + low


def section(body):
    magic, major, minor, length = struct.unpack_from("=IHHq", body)
    assert magic == 0x1A2B3C4D and (major, minor) == (1, 0) and length == -1
    o = options(body[16:])
    print(f"section hardware={text(o, 2)} os={text(o, 3)} program={text(o, 4)} comment={text(o, 1)}")


def interface(body):
    link, reserved, snaplen = struct.unpack_from("=HHI", body)
    assert link == 1 and reserved == 0
    o = options(body[8:])
    assert dict(o)[9] == b"\x09", "nanoseconds"
    print(f"interface {text(o, 2)[0]} snaplen={snaplen} description={text(o, 3)}")


def packet(body):
    index, high, low, held, length = struct.unpack_from("=IIIII", body)
    assert index == 0 and held <= length and 10**18 < time(high, low) < 10**19
    data = body[20 : 20 + held]
    assert len(data) == held
    o = options(body[20 + (held + 3) // 4 * 4 :])
    way = {1: "rx", 2: "tx"}[number(o, 2)]
    comments = "".join(f" comment={c}" for c in text(o, 1))
    kind = data[12:14].hex() if held >= 14 else "-"
    print(f"frame {way} {length} held={held} type={kind} dropped={number(o, 4)} tail={data[-8:].hex()}{comments}")
    return way


def statistics(body):
    index, high, low = struct.unpack_from("=III", body)
    assert index == 0 and time(high, low) > 10**18
    o = options(body[12:])
    comments = "".join(f" comment={c}" for c in text(o, 1))
    print(f"statistics received={number(o, 4)} dropped={number(o, 5)} os={number(o, 7)}{comments}")


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    at, blocks, frames = 0, [], 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        assert length % 4 == 0 and length >= 12 and at + length <= len(data), f"block at {at}: length {length}"
        assert struct.unpack_from("=I", data, at + length - 4)[0] == length
        body = data[at + 8 : at + length - 4]
        {0x0A0D0D0A: section, 1: interface, 5: statistics, 6: packet}[kind](body)
        frames += kind == 6
        blocks.append(kind)
        at += length
    assert blocks[:2] == [0x0A0D0D0A, 1] and blocks.count(1) == 1, "a file begins with section and interface"
    print(f"file frames={frames} bytes={len(data)} complete={int(blocks[-1] == 5)}")


for name in sys.argv[1:]:
    read(name)
