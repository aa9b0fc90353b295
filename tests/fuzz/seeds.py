#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the first inputs of the targets stream, ingress, container, egress, netlink, dhcp6 and dns: one file for each kind of
hostility.

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
    write("container", name, b"\1" + b"".join(struct.pack(">HH", len(f) - 12, 0) + f[12:] for f in frames if len(f) > 12))
    write("container", "super-" + name, b"\1" + b"".join(struct.pack(">HH", len(f) - 12, 100) + f[12:] for f in frames if len(f) > 12))
write("container", "pieces", b"\1" + b"".join(struct.pack(">HH", len(f) - 12, 500) + f[12:] for f in [ip4(6, tcp(1 + i * 2000, bytes(2000), flags=0x10)) for i in range(4)]))
write("container", "lengths", b"\0" + b"".join(struct.pack(">HH", n, 100) + ip4(6, tcp(1, bytes(300)))[12:] for n in (0, 1, 2, 14, 400, 65535)))
for name, supers in SUPERS.items():
    write("egress", "super-" + name, b"\1" + behind_lengths(supers))
write("stream", "frames", b"\7" + behind_lengths(FRAMES["run-of-segments"]))
write("stream", "length-too-long", b"\1" + behind_lengths(run(2)) + b"\xff\xff" + bytes(100))
write("stream", "garbage", b"\0" + random.Random(9).randbytes(400))
write("stream", "cut-short", b"\3" + behind_lengths(run(2))[:-20])
write("stream", "empty-frames", b"\3" + bytes(40))


# ---- netlink: native byte order, as the kernel's

def attr(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nlmsg(kind, body, flags=2, length=None):
    return struct.pack("=IHHII", 16 + len(body) if length is None else length, kind, flags, 0, 0) + body + bytes(-len(body) % 4)


def link(index, name, mac=bytes(6), flags=0x11043, stats=b""):
    return nlmsg(16, struct.pack("=BBHiII", 0, 0, 1, index, flags, 0) + attr(3, name) + attr(4, struct.pack("=I", 1500)) +
                 attr(1, mac) + attr(2, b"\xff" * 6) + (attr(7, stats) if stats else b""))


def addr(family, index, bits, value, label=b"", flags=0x80):
    return nlmsg(20, struct.pack("=BBBBI", family, bits, flags, 0, index) + attr(1, value) + attr(2, value) +
                 (attr(3, label) if label else b"") + attr(8, struct.pack("=I", flags)))


def route(family, bits, *attrs):
    return nlmsg(24, struct.pack("=BBBBBBBBI", family, bits, 0, 0, 254, 4, 0, 1, 0) + b"".join(attrs))


def neigh(family, index, value, mac):
    return nlmsg(28, struct.pack("=BBHiHBB", family, 0, 0, index, 2, 0, 1) + attr(1, value) + attr(2, mac))


def error(code, words=b""):
    body = struct.pack("=i", code) + struct.pack("=IHHII", 16, 0, 0, 0, 0)
    return nlmsg(2, body + (attr(1, words) if words else b""), flags=0x300 if words else 0x100)


def ours(*datagrams, flags=1):
    return b"".join(struct.pack(">BH", flags, len(d)) + d for d in datagrams)


DONE = nlmsg(3, struct.pack("=i", 0))
V6 = bytes.fromhex("fd000000000000000000000000000001")
LINKS = link(1, b"lo\0", flags=0x10049) + link(2, b"vde0\0", mac=bytes(range(6)), stats=bytes(92))
ADDRS = addr(2, 1, 8, b"\x7f\0\0\1", b"lo\0") + addr(2, 2, 24, b"\x0a\0\0\1", b"vde0:1\0") + addr(10, 2, 64, V6)
ROUTES = route(2, 24, attr(1, b"\x0a\0\0\0"), attr(4, struct.pack("=i", 2)), attr(7, b"\x0a\0\0\1")) + \
    route(10, 0, attr(5, V6), attr(4, struct.pack("=i", 2)), attr(6, struct.pack("=I", 1024)))
ANSWERS = {
    "interfaces": (0, ours(LINKS, DONE, ADDRS, DONE)),
    "interfaces-disturbed": (0, ours(link(1, b"lo\0"), nlmsg(3, bytes(4), flags=0x12), LINKS, DONE, ADDRS, DONE)),
    "interfaces-lost": (0, ours(LINKS) + ours(b"", flags=4) + ours(DONE, LINKS, DONE, ADDRS, DONE)),
    "interfaces-of-strangers": (0, ours(LINKS, flags=3) + ours(LINKS, flags=0) + ours(DONE, DONE)),
    "name-without-end": (0, ours(link(2, b"vde0vde0vde0vde0vde0"), DONE, ADDRS, DONE)),
    "name-without-end-to-wait-for": (6, ours(link(2, b"vde0vde0vde0vde0", flags=0x1), DONE, ADDRS, DONE)),
    "hardware-addresses": (0, ours(link(2, b"ib0\0", mac=bytes(20)), link(3, b"x\0", mac=bytes(40)), link(4, b"y\0", mac=b""), DONE, DONE)),
    "short-headers": (0, ours(nlmsg(16, b"\0\0\0"), DONE, nlmsg(20, b"\2"), DONE)),
    "short-headers-to-wait-for": (6, ours(nlmsg(16, b""), nlmsg(16, bytes(15)), DONE, nlmsg(20, b"\x0a"), DONE)),
    "lengths": (0, b"".join(ours(nlmsg(16, bytes(16), length=n)) for n in (0, 15, 17, 31, 33, 0x7fffffff, 0xffffffff)) + ours(DONE, DONE)),
    "addresses": (1, ours(ADDRS + DONE)),
    "addresses-of-wrong-lengths": (1, ours(addr(2, 1, 8, V6), addr(10, 1, 200, b"\1\2"), addr(99, 1, 8, b""), DONE)),
    "routes": (2, ours(ROUTES, DONE)),
    "routes-of-wrong-lengths": (2, ours(route(2, 255, attr(1, b""), attr(5, V6)), route(10, 129, attr(1, V6), attr(4, b"")), DONE)),
    "neighbours": (3, ours(neigh(2, 2, b"\x0a\0\0\2", bytes(6)), neigh(10, 2, V6, bytes(8)), neigh(2, 2, b"", b""), DONE)),
    "link": (4, ours(link(2, b"vde0\0"), error(0))),
    "refused": (5, ours(error(-17))),
    "refused-with-words": (5, ours(error(-22, b"no such thing\0"))),
    "refused-with-words-without-end": (5, ours(error(-22, b"x" * 300))),
    "refused-with-words-behind-the-end": (5, ours(nlmsg(2, struct.pack("=iIHHII", -22, 0xfffffff0, 0, 0, 0, 0) + attr(1, b"x\0"), flags=0x200))),
    "ends-with-no-errno": (6, ours(LINKS, nlmsg(3, struct.pack("=i", -1 << 31)))),
    "accepted": (5, ours(error(0))),
    "ready": (6, ours(LINKS, DONE, ADDRS, DONE)),
    "not-ready": (6, ours(link(2, b"vde0\0", flags=1), DONE, addr(10, 2, 64, V6, flags=0x40), DONE)),
    "never-ready": (6, ours(LINKS, DONE, addr(10, 2, 64, V6, flags=0x08), DONE)),
}
for name, (call, datagrams) in ANSWERS.items():
    write("netlink", name, bytes([call]) + datagrams)


# ---- dhcp6: see fuzz_dhcp6.c for the events

CLIENT, SERVER = bytes.fromhex("00030001020000000001"), bytes.fromhex("00030001020000000101")
ADVERTISE, REPLY = 2, 7
TIMER, DUPLICATE, DOWN, UP, STOP = b"\2", b"\6", b"\5", b"\x0d", b"\xff"
RAPID, PREFIX, INFORMATION, RELEASE, LEASE, NAME = 1, 2, 4, 8, 16, 32


def opt(code, data):
    return struct.pack(">HH", code, len(data)) + data


def status(code):
    return opt(13, struct.pack(">H", code) + b"why")


def ia(*inside, t1=0, t2=0, code=3):
    return opt(code, struct.pack(">III", 7, t1, t2) + b"".join(inside))


def iaaddr(last, preferred=1800, valid=3600, inside=b""):
    return opt(5, bytes.fromhex("20010db8") + bytes(11) + bytes([last]) + struct.pack(">II", preferred, valid) + inside)


def iaprefix(length, preferred=1800, valid=3600):
    return opt(26, struct.pack(">IIB", preferred, valid, length) + bytes.fromhex("20010db810") + bytes(11))


def message(kind, *options, client=CLIENT, server=SERVER):
    m = bytes([kind, 0, 0, 0]) + opt(1, client) + opt(2, server) + b"".join(options)
    return b"\0" + struct.pack(">H", len(m)) + m


def wait(ms, doublings=0):
    return bytes([4 + 8 * doublings]) + struct.pack(">H", ms)


def stopped(ms, doublings=0):
    return bytes([7 + 8 * doublings]) + struct.pack(">H", ms)


DNS = opt(23, bytes.fromhex("20010db8") + bytes(11) + b"\x35")
SEARCH = opt(24, b"\3sub\7example\3org\0\3org\0")
NTP = opt(56, opt(1, bytes.fromhex("20010db8") + bytes(12)) + opt(3, b"\3ntp\3org\0"))
BOUND6 = TIMER + message(ADVERTISE, opt(7, b"\xff"), ia(iaaddr(1))) + message(REPLY, ia(iaaddr(1)), DNS, SEARCH, NTP)
DHCP6 = {
    "bound-and-renewed": (0, BOUND6 + TIMER + message(REPLY, ia(iaaddr(1)))),
    "two-advertise": (NAME, TIMER + message(ADVERTISE, ia(iaaddr(1))) + message(ADVERTISE, opt(7, b"\5"), ia(iaaddr(2))) + TIMER +
                      message(REPLY, ia(iaaddr(2), t1=10, t2=20))),
    "rapid": (RAPID, TIMER + message(REPLY, opt(14, b""), ia(iaaddr(1)), DNS)),
    "prefix": (PREFIX, TIMER + message(ADVERTISE, opt(7, b"\xff"), ia(iaaddr(1)), ia(iaprefix(56), code=25)) +
               message(REPLY, ia(iaaddr(1)), ia(iaprefix(56), code=25)) + TIMER + message(REPLY, ia(iaaddr(1)), ia(iaprefix(56, 0, 0), code=25))),
    "information": (INFORMATION, TIMER + message(REPLY, DNS, SEARCH, NTP, opt(32, struct.pack(">I", 600)), opt(83, struct.pack(">I", 60))) + TIMER),
    "confirmed": (LEASE, TIMER + message(REPLY) + message(REPLY, ia(iaaddr(1)))),
    "not-on-link": (LEASE, TIMER + message(REPLY, status(4)) + BOUND6),
    "no-binding": (0, BOUND6 + TIMER + message(REPLY, ia(status(3))) + message(REPLY, ia(iaaddr(2)))),
    "no-addresses": (0, TIMER + message(ADVERTISE, ia(status(2)), opt(82, struct.pack(">I", 60))) + TIMER + TIMER),
    "address-changed": (0, BOUND6 + TIMER + message(REPLY, ia(iaaddr(1, 0, 0), iaaddr(2)))),
    "address-ended": (0, BOUND6 + TIMER + message(REPLY, ia(iaaddr(1, 0, 0)))),
    "four-addresses": (0, TIMER + message(ADVERTISE, opt(7, b"\xff"), ia(*[iaaddr(i) for i in range(9)])) +
                       message(REPLY, ia(*[iaaddr(i) for i in range(9)])) + b"\x0e" + message(REPLY)),
    "duplicate": (0, BOUND6 + DUPLICATE + message(REPLY) + TIMER),
    "released": (RELEASE, BOUND6 + STOP + TIMER + message(REPLY) + TIMER),
    "cable": (RELEASE, BOUND6 + DOWN + wait(60000, 6) + UP + TIMER + message(REPLY)),
    "late": (0, BOUND6 + wait(60000, 4) + TIMER + TIMER),
    "expired": (0, BOUND6 + wait(60000, 10) + TIMER + TIMER),
    "answer-waited": (0, BOUND6 + TIMER + stopped(30000, 4) + message(REPLY, ia(iaaddr(1))) + TIMER),
    "answer-waited-too-long": (LEASE, TIMER + stopped(60000, 8) + message(REPLY) + TIMER),
    "nested-status": (0, TIMER + message(ADVERTISE, ia(iaaddr(1, inside=status(4)), status(2)), status(1))),
    "lengths": (0, TIMER + b"".join(message(ADVERTISE, struct.pack(">HH", c, n) + bytes(20)) for c in (1, 2, 3, 5, 13, 25) for n in (0, 1, 11, 21, 65535))),
}
for name, (how, events) in DHCP6.items():
    write("dhcp6", name, bytes([how]) + events)


# ---------------------------------------------------------------- dns

def labels(name):
    return b"".join(bytes([len(word)]) + word.encode() for word in name.split(".") if word) + b"\0"


def rr(owner, kind, data, ttl=300):
    return (owner if isinstance(owner, bytes) else labels(owner)) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def reply(name, kind, answers=(), authorities=(), flags=0x8180):
    return struct.pack(">HHHHHH", 1, flags, 1, len(answers), len(authorities), 0) + labels(name) + struct.pack(">HH", kind, 1) + \
        b"".join(answers) + b"".join(authorities)


SOA = rr("example", 6, labels("ns.example") + labels("admin.example") + struct.pack(">IIIII", 1, 2, 3, 4, 60))
A = rr(b"\xc0\x0c", 1, b"\x0a\0\0\1")
REPLIES = {
    "address": (0, reply("a.example", 1, [A, A])),
    "six": (1, reply("a.example", 28, [rr("a.example", 28, V6)])),
    "aliases": (0, reply("a.example", 1, [rr(b"\xc0\x0c", 5, labels("b.example")), rr("b.example", 1, b"\x0a\0\0\1")])),
    "circle": (0, reply("a.example", 1, [rr(b"\xc0\x0c", 5, labels("b.example")), rr("b.example", 5, b"\xc0\x0c")])),
    "pointers": (0, reply("a.example", 1, [rr(b"\xc0\x1b", 5, b"\xc0\x27\xc0\x25")])),
    "nxdomain": (0, reply("a.example", 1, (), [SOA], 0x8183)),
    "nodata": (1, reply("a.example", 28, (), [SOA])),
    "refused": (0, reply("a.example", 1, (), (), 0x8185)),
    "text": (4, reply("a.example", 16, [rr("a.example", 16, b"\5hello\0\3abc")])),
    "service": (5, reply("a.example", 33, [rr("a.example", 33, struct.pack(">HHH", 1, 2, 80) + b"\xc0\x0c")])),
    "resolv.conf": (0xc1, b"nameserver 10.0.0.1\nnameserver fe80::1%vde0\nsearch a.example b\noptions ndots:2 timeout:3\n"),
    "servers": (0xc3, b"10.0.0.1:53 [fc00::1]:54 fe80::1%vde0"),
    "hosts": (0xc0, b"10.0.0.1 a.example a # x\nfc00::1 a.example\n"),
    "services": (0xc2, b"http 80/tcp www # x\nweb 81/udp\n"),
}
for name, (kind, message) in REPLIES.items():
    write("dns", name, bytes([kind]) + message)


# ---------------------------------------------------------------- iothdns_server: by UDP or TCP, part, records / 4

def question(name, kind, size=None, flags=0x0100):
    opt_record = b"" if size is None else b"\0" + struct.pack(">HHIH", 41, size, 0, 0)
    return struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 0 if size is None else 1) + labels(name) + struct.pack(">HH", kind, 1) + opt_record


REQUESTS = {
    "datagram": (0, 1, question("www.example", 1)),
    "datagram-truncated": (0, 30, question("www.example", 1)),
    "datagram-edns": (0, 30, question("www.example", 1, 4096)),
    "datagram-edns-too-large": (0, 255, question("www.example", 1, 65535)),
    "datagram-reply": (0, 1, question("www.example", 1, None, 0x8180)),
    "stream": (1, 10, behind_lengths([question("www.example", 28), question("a.b.c.d.example", 16, 1232)])),
    "stream-in-parts": (7, 1, behind_lengths([question("www.example", 255)] * 3)),
    "stream-cut": (1, 1, behind_lengths([question("www.example", 1)])[:-3]),
    "stream-half-a-length": (1, 1, b"\0"),
    "stream-length-0": (1, 1, behind_lengths([b"", question("www.example", 1)])),
    "stream-length-65535": (1, 1, b"\xff\xff" + question("www.example", 1)),
    "pointer-to-itself": (0, 1, struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"),
}
for name, (how, records, message) in REQUESTS.items():
    write("iothdns_server", name, bytes([how, records]) + message)
