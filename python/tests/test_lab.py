# SPDX-License-Identifier: LGPL-2.1-or-later
"""Laboratories, by libvdestack-lab."""

from __future__ import annotations

import errno
import gc
import select
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest
from support import DEADLINE

from vdestack import Format, Lab, VdestackError

TEXT = """
network lan 10.0.0.0/24
network far 10.1.0.0/24
host a on lan
host b on far
router r on lan on far
"""


@pytest.mark.lab(TEXT)
def test_hosts_talk_through_a_router(lab):
    with lab.host("b").create_server((lab.address("b"), 80)) as server:
        with lab["a"].create_connection((lab.address("b"), 80), DEADLINE):
            assert server.accept()[1][0] == lab.address("a:lan")


def test_a_lab_is_drawn_and_its_text_makes_the_same_lab():
    lab = Lab(TEXT)
    assert lab.draw(Format.SVG).count("<svg") == 1 and "graph" in lab.draw(Format.DOT)
    text = lab.draw(Format.TEXT)
    same = Lab(text)
    assert same.draw(Format.TEXT) == text
    assert same.address("a") == lab.address("a")
    lab.close()
    same.close()


def test_mistakes_have_a_place():
    with pytest.raises(VdestackError, match="1:") as caught:
        Lab("nonsense")
    assert caught.value.errno == errno.EINVAL


def test_after_its_end_a_lab_is_refused_and_its_hosts_too():
    with Lab(TEXT) as lab:
        host = lab.host("a")
        assert lab.host("a") is host
        with pytest.raises(VdestackError) as caught:
            lab.host("nobody")
        assert caught.value.errno == errno.ENOENT
    with pytest.raises(VdestackError):
        host.socket()
    for call in (lab.start, lambda: lab.address("a"), lambda: lab.host("a")):
        with pytest.raises(ValueError):
            call()
    lab.close()


def test_a_host_keeps_its_lab(segment):
    lab = Lab(TEXT).start()
    host = lab.host("a")
    del lab
    gc.collect()
    host.socket().close()
    owner = host._owner
    assert isinstance(owner, Lab)
    owner.close()


def test_a_lab_that_has_been_started_is_entered():
    with Lab(TEXT).start() as lab:
        lab.host("a").socket().close()
    assert lab.closed


def test_a_host_that_was_closed_is_there_again(lab_factory):
    lab = lab_factory(TEXT)
    with closing(lab.host("a")) as host:
        assert lab.host("a") is host
    assert host.closed
    lab.host("a").socket().close()


def test_commands_know_the_names_of_hosts(lab_factory):
    lab = lab_factory(TEXT)
    done = lab.run("a", ["sh", "-c", "echo $VDESTACK_LAB_HOST; cat $VDESTACK_LAB_HOSTS"], capture_output=True, text=True)
    assert done.stdout.startswith("a\n") and lab.address("b") in done.stdout


def test_a_server_is_killed_and_started_again(lab_factory):
    lab = lab_factory(TEXT + 'server s on lan run "nc -l -k 7000" ready tcp 7000\n')
    at = (lab.address("s"), 7000)
    lab.kill("s")
    with pytest.raises(ConnectionRefusedError):
        lab.host("a").create_connection(at, DEADLINE)
    lab.kill("s")  # it has ended already
    lab.start_server("s")
    lab.host("a").create_connection(at, DEADLINE).close()
    lab.kill("s", signal.SIGTERM)
    assert select.select([lab.server("s")], [], [], DEADLINE)[0]
    with pytest.raises(VdestackError, match="no server") as caught:
        lab.kill("a")
    assert caught.value.errno == errno.ENOENT


def test_a_cable_is_pulled_and_put_back(lab_factory):
    lab = lab_factory(TEXT)
    server = lab.host("r").create_server((lab.address("r:lan"), 80))
    lab.cut("a:lan")
    with lab.host("a").socket() as sock:
        sock.settimeout(0.2)
        with pytest.raises(OSError):
            sock.connect((lab.address("r:lan"), 80))
    lab.restore("a:lan")
    lab.host("a").wait_ready(DEADLINE)
    lab.host("a").create_connection((lab.address("r:lan"), 80), DEADLINE).close()
    server.close()


def test_a_failure_writes_the_artefacts(tmp_path):
    with Lab(TEXT, artefacts=tmp_path, seed=5) as lab:
        assert lab.seed == 5
        folder = lab.fail("on purpose")
        assert folder.startswith(str(tmp_path)) and folder == lab.artefacts
    why = (Path(folder) / "why.txt").read_text()
    assert why.startswith("on purpose") and "the seed 5 in the options" in why


def test_names_of_families(lab_factory):
    lab = lab_factory("network lan 10.0.0.0/24 fd00::/64\nhost a on lan\n")
    assert lab.address("a", socket.AF_INET).startswith("10.0.0.")
    assert lab.address("a", socket.AF_INET6).startswith("fd00::")
    assert lab.address("a") == lab.address("a", socket.AF_INET)
