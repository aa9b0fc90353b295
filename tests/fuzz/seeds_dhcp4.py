#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the first inputs of the target dhcp4, one file each for the ways through the client's states.

    tests/fuzz/seeds_dhcp4.py        into tests/fuzz/corpus/dhcp4/
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))

# Steps, see fuzz_dhcp4.c
DEADLINE = b"\0\0"
LINK = b"\7"
STOP = b"\10\0\0"
OFFER, ACK, NAK = 2, 5, 6
NODAD, RAPID, IPV6_ONLY, RELEASE, FQDN, DUID = 1, 2, 4, 8, 16, 32


def wait(ms):
    return b"\1" + ms.to_bytes(4, "big") + b"\0"


def message(kind, extra=b"", server=1, host=50, lease=0x20):
    return bytes([4, kind, server, host, lease, len(extra)]) + extra


def arp(kind):
    return bytes([6, kind])


def start(address=True, ago=1000, valid=3600):
    return bytes([8, 1 if address else 0, 4]) + ago.to_bytes(4, "big") + b"\x18" + valid.to_bytes(4, "big") + b"\x32"


BOUND = message(OFFER) + message(ACK) + DEADLINE * 5
OPTIONS = (b"\x03\x08\xc0\0\2\1\x0a\0\0\1" b"\x06\x04\x0a\0\0\3" b"\x0f\x08lab.test" b"\x1a\x02\x05\xdc" b"\x2a\x04\x0a\0\0\4"
           b"\x77\x0a\3lab\4test\0" b"\x77\x04\1b\xc0\4" b"\x79\x0e\x0c\xac\x10\xc0\0\2\1\x20\xc0\0\2\1\0\0\0" b"\x79\x01\0")

SEEDS = {
    "renewed": bytes([RELEASE]) + BOUND + (DEADLINE * 2 + message(ACK)) * 4,
    "renewed-with-options": bytes([RELEASE | FQDN]) + message(OFFER) + message(ACK, OPTIONS) + DEADLINE * 7 + message(ACK, OPTIONS[:40]),
    "expired": bytes([DUID]) + BOUND + DEADLINE * 20,
    "late": bytes([NODAD]) + BOUND + wait(10**9) + message(ACK) + DEADLINE + message(OFFER),
    "refused": bytes([0]) + message(OFFER) + message(NAK, b"\x38\2no") + message(OFFER) + message(NAK) + DEADLINE * 4,
    "changed-address": bytes([NODAD]) + BOUND + DEADLINE * 2 + message(ACK, host=51) + DEADLINE * 3,
    "second-offer": bytes([0]) + message(OFFER) + message(OFFER, server=2, host=60) + DEADLINE * 2 + message(ACK, server=2, host=60),
    "conflict-probing": bytes([0]) + message(OFFER) + message(ACK) + DEADLINE * 2 + arp(2) + DEADLINE + message(OFFER),
    "conflict-bound": bytes([RELEASE]) + BOUND + arp(3) + wait(20000) + arp(2) + arp(2) + DEADLINE,
    "link": bytes([0]) + BOUND + LINK + wait(100) + LINK + message(ACK) + LINK + DEADLINE * 2 + LINK + message(OFFER),
    "reboot": bytes([RELEASE]) + STOP + start() + message(ACK) + DEADLINE * 6 + STOP,
    "reboot-silent": bytes([0]) + STOP + start() + DEADLINE * 4 + message(OFFER) + message(ACK),
    "rapid": bytes([RAPID | NODAD]) + message(ACK, b"\x50\0") + DEADLINE * 3,
    "ipv6-only": bytes([IPV6_ONLY]) + message(OFFER, b"\x6c\4\0\0\1\0") + DEADLINE * 2 + LINK + LINK,
}


def main():
    folder = os.path.join(HERE, "corpus", "dhcp4")
    os.makedirs(folder, exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    # one that is a message
    options = b"\x35\1\2\x36\4\x0a\0\0\1\x33\4\0\0\x0e\x10\x34\1\3" + OPTIONS + b"\xff"
    header = b"\2\1\6\0" + b"xid0" + bytes(8) + b"\x0a\0\0\x32" + bytes(8) + b"\2\0\0\0\0\2" + bytes(10)
    with open(os.path.join(folder, "message"), "wb") as f:
        f.write(header + b"\x0c\3abc\xff".ljust(64, b"\0") + b"\x0f\3lab\xff".ljust(128, b"\0") + b"\x63\x82\x53\x63" + options)


main()
