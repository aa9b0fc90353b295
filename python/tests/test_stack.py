# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stacks: their life, what they report, and what is refused."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from support import DEADLINE

import vdestack
from vdestack import EventType, Stack, VdestackError


def namespaces():
    """The network namespaces that sockets of this process are in, by the number of its descriptors."""
    return len(os.listdir("/proc/self/fd"))


def test_two_hosts_talk_by_tcp(pair):
    one, two = pair
    with one.create_server(("10.0.0.1", 80)) as server, two.create_connection(("10.0.0.1", 80)) as client:
        assert type(client) is socket.socket
        client.settimeout(DEADLINE)
        accepted, peer = server.accept()
        with accepted:
            assert peer[0] == "10.0.0.2"
            accepted.sendall(b"hello")
            assert client.recv(5) == b"hello"


def test_sockets_are_close_on_exec_and_have_what_was_asked_for(pair):
    with pair[0].socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        assert (sock.family, sock.type, sock.gettimeout()) == (socket.AF_INET6, socket.SOCK_DGRAM, 0)
        assert not sock.get_inheritable()


def test_it_reports_links_addresses_and_routes(pair):
    one, _ = pair
    assert one.interfaces() == ["lo", "vde0"]
    assert one.if_nameindex() == [(one.if_nametoindex("lo"), "lo"), (one.if_nametoindex("vde0"), "vde0")]
    link = one.links()[1]
    assert link.mtu == 1500 and link.locator.startswith("inproc://") and len(link.mac) == 17
    assert {("10.0.0.1", 24), ("fc00::1", 64)} <= {(a.address, a.prefix_len) for a in one.addresses("vde0")}
    assert ("10.0.0.0", 24, "vde0") in {(r.destination, r.prefix_len, r.ifname) for r in one.routes()}
    assert one.stats("vde0").reconnects == 0
    assert one.learned() == []


def test_it_reports_its_keeper(stack):
    one = stack("vnl=inproc://lan")
    before = one.keeper_stats()
    assert before.pid > 0 and before.in_process is False and before.threads > 0
    assert before.stacks >= 1 and before.interfaces >= 1 and before.captures == 0
    stack("vnl=inproc://lan")
    after = one.keeper_stats()
    assert (after.stacks, after.interfaces) == (before.stacks + 1, before.interfaces + 1)
    assert after.requests > before.requests and after.uptime_ms >= before.uptime_ms


def test_long_lists_are_complete(stack):
    words = " ".join(f"ip=10.0.{i}.1/24" for i in range(40))
    host = stack(f"vnl=inproc://long {words}")
    assert len(host.addresses("vde0")) >= 40


def test_it_is_configured_while_it_lives(pair):
    one, two = pair
    one.configure("ip=10.1.0.1/24 -ip=10.0.0.1/24")
    assert "10.1.0.1" in {a.address for a in one.addresses()}
    assert "10.0.0.1" not in {a.address for a in one.addresses()}
    two.sysctl("ipv4.ip_forward", 1)
    assert two.sysctl("ipv4/ip_forward") == "1"
    two.add_interface("iface=second vnl=inproc://another")
    assert "second" in two.interfaces()
    two.remove_interface("second")
    assert "second" not in two.interfaces()


def test_a_name_is_that_of_the_configuration(stack):
    assert stack("name=here").name == "here"
    assert stack().name == ""


@pytest.mark.parametrize(
    "config", ["ip=10.0.0.1/33", "vnl=inproc://", "what=is this", "iface=x iface=x", "ip=fc00::1"]
)
def test_a_wrong_configuration_is_refused_with_the_librarys_message(config):
    with pytest.raises(VdestackError) as caught:
        Stack(config)
    assert caught.value.errno == errno.EINVAL
    assert len(caught.value.strerror) > 20


@pytest.mark.parametrize("timeout", [-1, 1e9, float("nan")])
def test_an_impossible_time_out_is_refused(timeout):
    with pytest.raises(ValueError):
        Stack(timeout=timeout)


def test_a_closed_stack_is_refused_and_its_sockets_stay(pair):
    one, _ = pair
    sock = one.socket()
    one.close()
    one.close()
    assert one.closed
    for call in (one.socket, one.addresses, one.netns, one.events, lambda: one.run(["true"])):
        with pytest.raises(VdestackError) as caught:
            call()
        assert caught.value.errno == errno.EINVAL
    with sock:
        assert sock.fileno() >= 0
    with one, pytest.raises(VdestackError):  # and no socket of the host instead
        socket.socket()


def test_it_is_deleted_when_nothing_refers_to_it():
    one = Stack()
    handle = one._handle
    del one
    gc.collect()
    assert vdestack._lib.core().vdestack_netns(handle) == -1


def test_closing_deletes_it():
    with closing(Stack()) as one:
        assert not one.closed
    assert one.closed


def test_many_stacks_leave_no_descriptors(stack):
    stack()
    before = namespaces()
    for _ in range(50):
        with closing(Stack("vnl=inproc://many ip=10.0.0.1/24")) as one:
            one.socket().close()
            one.events().close()
            one.run(["true"], check=True)
    gc.collect()
    assert namespaces() <= before


def test_a_stack_is_passed_on_by_a_descriptor(stack):
    one = stack()
    fd = one.passed()
    try:
        with closing(Stack.receive(fd)) as copy, copy.socket() as here, one.socket() as there:
            assert vdestack.redirect.cookie(here) == vdestack.redirect.cookie(there)
    finally:
        os.close(fd)
    with pytest.raises(VdestackError):
        Stack.receive(0)


def test_a_namespace_that_exists_is_adopted(stack):
    one = stack("vnl=inproc://adopted ip=10.0.0.1/24")
    fd = one.netns()
    try:
        with closing(Stack.adopt(fd)) as same:
            assert "10.0.0.1" in {a.address for a in same.addresses()}
    except VdestackError as error:
        assert error.errno == errno.EPERM and os.geteuid() != 0
    finally:
        os.close(fd)
    one.socket().close()


def test_the_stack_of_another_program_is_attached(stack):
    stack("name=other vnl=inproc://attached ip=10.0.0.1/24")
    program = f"""if 1:
        from vdestack import Stack
        stack = Stack.attach({os.getpid()}, "other")
        print([a.address for a in stack.addresses("vde0")][0])
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout == "10.0.0.1\n", done.stderr


def test_after_fork_the_childs_close_does_not_end_the_parents_stack(stack):
    one = stack()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            one.socket().close()
            one.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    one.socket().close()


def test_threads_share_a_stack(stack):
    one = stack("vnl=inproc://threads ip=10.0.0.1/24")
    problems = []

    def use():
        try:
            for _ in range(50):
                one.socket().close()
                assert one.addresses()
        except BaseException as error:  # noqa: BLE001 - reported by the test
            problems.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert not problems


def test_errors_of_threads_have_their_own_messages(stack):
    one = stack()
    found = {}
    barrier = threading.Barrier(2, timeout=DEADLINE)

    def fail(name):
        barrier.wait()
        for _ in range(50):
            try:
                one.configure(f"iface={name} ip=10.0.0.1/24")
            except VdestackError as error:
                found.setdefault(name, set()).add(name in error.strerror)

    threads = [threading.Thread(target=fail, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert found == {"first": {True}, "second": {True}}


def test_events_come_in_order_and_end_with_the_stack(pair):
    one, _ = pair
    with one.events() as events:
        assert events.get(0) is None
        one.set_carrier("vde0", False)
        one.set_carrier("vde0", True)
        assert events.wait_for(EventType.CARRIER_CUT, timeout=DEADLINE).ifname == "vde0"
        events.wait_for(EventType.CARRIER_RESTORED, timeout=DEADLINE)
        with pytest.raises(TimeoutError):
            events.wait_for(EventType.OVERRUN, timeout=0.05)
        one.close()
        assert [event.type for event in events][-1] in (EventType.STACK_ENDED, EventType.KEEPER_LOST)
    with pytest.raises(ValueError):
        events.get(0)


def test_ctrl_c_interrupts_the_iteration_over_events(pair):
    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    with pair[0].events() as events, pytest.raises(KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        for _ in events:
            pass


def test_a_missing_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("VDESTACK_LIBRARY", str(tmp_path))
    with pytest.raises(vdestack.LibraryMissing, match="VDESTACK_LIBRARY"):
        vdestack._lib.load("libvdestack-nointerpose", ".")
    monkeypatch.setenv("VDESTACK_LIBRARY", __file__)
    with pytest.raises(vdestack.LibraryMissing, match="test_stack"):
        vdestack._lib._load_core()


def test_a_call_that_an_older_library_lacks_is_named():
    with pytest.raises(vdestack.LibraryMissing, match="vdestack_of_tomorrow"):
        vdestack._lib.core().vdestack_of_tomorrow(1)


def test_texts_with_a_null_byte_are_refused_and_nothing_is_done(stack, tmp_path):
    one = stack("vnl=inproc://null ip=10.0.0.1/24")
    refused = (ValueError, ctypes.ArgumentError)
    for call in (
        lambda: Stack("vnl=inproc://null\0 ip=10.0.0.2/24"),
        lambda: one.impair("vde0", "loss=100%\0 delay=1ms"),
        lambda: one.configure("ip=10.0.0.3/24\0"),
        lambda: one.capture("vde0", f"{tmp_path}/file\0.pcapng"),
        lambda: one.run(["touch", f"{tmp_path}/file\0"]),
        lambda: one.run(["true"], env={"A": "b\0"}),
        lambda: one.run(["true"], cwd=f"{tmp_path}\0"),
    ):
        with pytest.raises(refused, match="embedded null byte"):
            call()
    assert not one.impairment("vde0").tx.settings["loss"]
    assert not list(tmp_path.iterdir())
    assert [address.address for address in one.addresses("vde0") if address.family == socket.AF_INET] == ["10.0.0.1"]
