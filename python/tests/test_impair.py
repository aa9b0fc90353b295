# SPDX-License-Identifier: LGPL-2.1-or-later
"""Impairments of a living stack."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from vdestack import VdestackError
from vdestack.impairment import words


def test_words_are_made_of_keywords():
    assert words("delay=1ms", {}) == "delay=1ms"
    assert words("cut", {"rx_loss_every": 3, "keep_order": True, "loss": None}) == "cut rx.loss-every=3 keep-order -loss"


def datagrams(one, two, n):
    """Sends n datagrams from two to one; returns how many arrive."""
    with one.socket(type=socket.SOCK_DGRAM) as here, two.socket(type=socket.SOCK_DGRAM) as there:
        here.bind(("10.0.0.1", 9))
        for _ in range(n):
            there.sendto(b"x", ("10.0.0.1", 9))
        here.settimeout(0.5)
        got = 0
        try:
            while got < n:
                here.recv(10)
                got += 1
        except TimeoutError:
            pass
        return got


def test_frames_are_lost_and_counted_and_pass_again(pair):
    one, two = pair
    assert datagrams(one, two, 30) == 30  # neighbours are known now
    two.impair("vde0", tx_loss_every=3, seed=7)
    state = two.impairment("vde0")
    assert (state.tx.settings["loss_every"], state.rx.settings["loss_every"]) == (3, 0)
    assert state.tx.seed == 7
    assert 15 <= datagrams(one, two, 30) <= 25
    assert two.impairment("vde0").tx.counters["lost"] >= 5
    two.impair("vde0", "unimpaired")
    assert datagrams(one, two, 30) == 30


def test_a_delay_is_seen(pair):
    one, two = pair
    two.impair("vde0", delay="30ms")
    with one.create_server(("10.0.0.1", 80)):
        start = time.monotonic()
        two.create_connection(("10.0.0.1", 80), 20).close()
        assert time.monotonic() - start >= 0.06


@pytest.mark.parametrize("text", ["loss=101%", "delay=20", "what=1", "loss-every=x", "rate=0mbit"])
def test_a_wrong_word_is_refused_and_changes_nothing(pair, text):
    two = pair[1]
    two.impair("vde0", "loss-every=7")
    with pytest.raises(VdestackError) as caught:
        two.impair("vde0", f"delay=5ms {text}")
    assert caught.value.errno == errno.EINVAL and len(caught.value.strerror) > 10
    settings = two.impairment("vde0").tx.settings
    assert (settings["loss_every"], settings["delay_ns"]) == (7, 0)


@pytest.mark.impair("loss-every=4", "unimpaired")
def test_the_marker_impairs_each_stack(pair, impairment):
    lost = pair[1].impairment("vde0").tx.settings["loss_every"]
    assert lost == (4 if impairment == "loss-every=4" else 0)


def test_a_segment_is_split_and_healed(pair):
    one, two = pair
    assert datagrams(one, two, 3) == 3
    two.set_group("vde0", 1)
    assert datagrams(one, two, 3) == 0
    two.set_group("vde0", 0)
    assert datagrams(one, two, 3) == 3
