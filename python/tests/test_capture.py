# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures and taps."""

from __future__ import annotations

import errno
import socket

import pytest
from support import DEADLINE

from vdestack import VdestackError


def test_a_capture_has_the_frames_and_is_a_pcapng_file(pair, tmp_path):
    one, two = pair
    file = tmp_path / "one.pcapng"
    with one.capture("vde0", file, comment="of a test") as capture, one.create_server(("10.0.0.1", 80)):
        two.create_connection(("10.0.0.1", 80), DEADLINE).close()
        assert not capture.stats().ended
        stats = capture.stop()
    assert stats.written >= 3 and stats.dropped == 0 and stats.ended
    data = file.read_bytes()
    assert data[:4] == b"\n\r\r\n" and b"of a test" in data
    with pytest.raises(ValueError):
        capture.stats()


def test_a_capture_that_cannot_be_is_refused(pair, tmp_path):
    with pytest.raises(VdestackError) as caught:
        pair[0].capture("nothing", tmp_path / "x")
    assert caught.value.errno == errno.ENODEV
    (tmp_path / "there").write_text("")
    with pytest.raises(VdestackError) as caught:
        pair[0].capture("vde0", tmp_path / "there", new=True)
    assert caught.value.errno == errno.EEXIST


def test_a_tap_reads_and_writes_frames(pair):
    one, _ = pair
    with one.tap_open("vde0") as tap, one.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("10.0.0.1", 9))
        sock.settimeout(DEADLINE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"hello from the stack", ("10.0.0.255", 7))
        while b"hello from the stack" not in (frame := tap.read(DEADLINE)):
            pass
        # The same packet from another host: its source and ports changed, no checksum of UDP.
        mac = bytes.fromhex(one.links()[1].mac.replace(":", ""))
        packet = bytearray(frame[14:])
        packet[12:16], packet[16:20] = socket.inet_aton("10.0.0.9"), socket.inet_aton("10.0.0.1")
        packet[20:22], packet[22:24], packet[26:28] = b"\0\7", b"\0\x09", b"\0\0"
        packet[10:12] = b"\0\0"
        total = sum(int.from_bytes(packet[i : i + 2], "big") for i in range(0, 20, 2))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        packet[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
        tap.write(mac + b"\x02\0\0\0\0\x09" + b"\x08\0" + packet)
        assert sock.recvfrom(100) == (b"hello from the stack", ("10.0.0.9", 7))
        one.remove_interface("vde0")
        with pytest.raises(EOFError):
            while tap.read(DEADLINE) is not None:
                pass
