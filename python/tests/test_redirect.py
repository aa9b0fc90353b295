# SPDX-License-Identifier: LGPL-2.1-or-later
"""`with stack:` - what is redirected, and what is not."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from socket import getaddrinfo as imported_getaddrinfo
from socket import socket as imported_socket

import pytest
from support import DEADLINE, WebServer

import vdestack
from vdestack.redirect import cookie


def where(make=socket.socket):
    """The network namespace in which `make` makes a socket."""
    with make() as sock:
        return cookie(sock)


@pytest.fixture
def places(pair):
    """The namespaces of the host and of both stacks."""
    return where(), where(pair[0].socket), where(pair[1].socket)


def test_only_inside_sockets_are_those_of_the_stack(pair, places):
    host, one, two = places
    assert len({host, one, two}) == 3
    with pair[0]:
        assert where() == one and vdestack.current() is pair[0]
        with pair[1]:
            assert where() == two
            with pair[0], pair[0]:
                assert where() == one
            assert where() == two
        assert where() == one
    assert where() == host and vdestack.current() is None


def test_an_exception_leaves_the_stack(pair, places):
    with pytest.raises(KeyError), pair[0]:
        raise KeyError
    assert where() == places[0]


def test_leaving_in_another_order_is_refused(pair):
    with pair[0], pytest.raises(RuntimeError):
        pair[1].__exit__(None, None, None)
    with pytest.raises(RuntimeError):
        pair[0].__exit__(None, None, None)


def test_names_that_were_imported_before_are_redirected(pair, places):
    with pair[0]:
        assert where(imported_socket) == places[1]
        with pytest.raises(socket.gaierror, match="no name server"):
            imported_getaddrinfo("web.secret.test", 80)


def test_classes_derived_from_socket_are_redirected(pair, places):
    class Own(socket.socket):
        pass

    with pair[0]:
        assert where(Own) == places[1]


def test_other_families_stay_in_the_host(pair):
    with pair[0], socket.socket(socket.AF_UNIX) as sock:
        assert cookie(sock) != where(pair[0].socket)
        left, right = socket.socketpair()
        left.close()
        right.close()


def test_a_socket_of_a_descriptor_is_not_made_anew(pair, places):
    with socket.socket() as outside, pair[0], socket.socket(fileno=os.dup(outside.fileno())) as same:
        assert cookie(same) == places[0]


@pytest.mark.parametrize("arguments", [(socket.AF_INET, 99), (socket.AF_INET, socket.SOCK_STREAM, 255)])
def test_what_socket_refuses_is_refused_alike(pair, arguments):
    with pytest.raises(OSError) as outside:
        socket.socket(*arguments)
    before = len(os.listdir("/proc/self/fd"))
    with pair[0], pytest.raises(OSError) as inside:
        socket.socket(*arguments)
    assert inside.value.errno == outside.value.errno
    assert len(os.listdir("/proc/self/fd")) == before


def test_other_threads_stay_outside(pair, places):
    seen = []
    with pair[0]:
        thread = threading.Thread(target=lambda: seen.append(where()))
        thread.start()
        thread.join(DEADLINE)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(where).result(DEADLINE))
    assert seen == [places[0], places[0]]


def test_two_threads_are_in_two_stacks_at_the_same_time(pair, places):
    barrier = threading.Barrier(2, timeout=DEADLINE)

    def inside(stack):
        with stack:
            barrier.wait()
            found = {where() for _ in range(100)}
            barrier.wait()
            return found

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(inside, pair)) == [{places[1]}, {places[2]}]


def test_tasks_are_in_their_own_stacks(pair, places):
    async def inside(stack):
        with stack:
            found = set()
            for _ in range(50):
                await asyncio.sleep(0)
                found.add(where())
            return found

    async def run():
        return await asyncio.gather(inside(pair[0]), inside(pair[1]), asyncio.to_thread(where))

    assert asyncio.run(run()) == [{places[1]}, {places[2]}, places[0]]


def test_what_is_begun_inside_stays_inside(pair, places):
    async def run():
        with pair[0]:
            task = asyncio.create_task(later())
            thread = await asyncio.to_thread(where)
        return thread, await task, where()

    async def later():
        await asyncio.sleep(0)
        return where()

    assert asyncio.run(run()) == (places[1], places[1], places[0])


def test_interfaces_are_those_of_the_stack(pair):
    with pair[0]:
        assert socket.if_nametoindex("vde0") == pair[0].if_nametoindex("vde0")
        assert [name for _, name in socket.if_nameindex()] == ["lo", "vde0"]
        assert socket.if_indextoname(socket.if_nametoindex("vde0")) == "vde0"
        with pytest.raises(OSError):
            socket.if_nametoindex("nothing")


def test_http_clients_use_the_network_and_the_names_of_the_stack(pair, name_server):
    with WebServer(pair[0]), pair[1]:
        url = "http://web.secret.test/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=DEADLINE) as answer:
            assert answer.read() == b"10.0.0.2"
        client = http.client.HTTPConnection("web.secret.test", timeout=DEADLINE)
        client.request("GET", "/")
        assert client.getresponse().read() == b"10.0.0.2"
        client.close()
        requests = pytest.importorskip("requests")
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(url, timeout=DEADLINE).text == "10.0.0.2"
    assert "web.secret.test" in name_server.asked


def test_names_are_looked_up_by_the_stack_alone(pair, name_server):
    """Python raises an audit event at each entry of the host's resolver. None has the name."""
    entries = []

    def hook(event, arguments):
        if event.startswith("socket."):
            entries.append((event, repr(arguments[1:] if event in ("socket.connect", "socket.bind", "socket.sendto") else arguments)))

    sys.addaudithook(hook)
    name = "web.secret.test"
    with pair[1]:
        assert socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0][4] == ("10.0.0.1", 80)
        assert socket.gethostbyname(name) == "10.0.0.1"
        assert socket.gethostbyname_ex(name)[2] == ["10.0.0.1"]
        assert socket.getnameinfo(("10.0.0.1", 80), socket.NI_NUMERICHOST)[0] == "10.0.0.1"
        with pytest.raises(OSError):
            socket.gethostbyaddr("10.0.0.1")
        assert socket.getfqdn(name) == name

    # A socket of the stack, used outside of it.
    with pair[0].create_server(("10.0.0.1", 80)) as server, pair[1].socket() as sock:
        sock.settimeout(DEADLINE)
        sock.connect((name, 80))
        assert sock.getpeername() == ("10.0.0.1", 80)
        server.accept()[0].close()
        with pair[1].socket() as again:
            assert again.connect_ex((name, 80)) == 0
    with pair[1].socket(type=socket.SOCK_DGRAM) as sock:
        assert sock.sendto(b"x", (name, 9)) == 1
        assert sock.sendto(b"x", 0, (name, 9)) == 1
        assert sock.sendmsg([b"x"], [], 0, (name, 9)) == 1
    with pair[0].socket() as sock:
        with pytest.raises(socket.gaierror):
            sock.bind(("unknown.secret.test", 0))
    context = ssl.create_default_context()
    with context.wrap_socket(pair[1].socket(), server_hostname=name, do_handshake_on_connect=False) as secure:
        with pytest.raises(ConnectionRefusedError):
            secure.connect((name, 443))

    async def run():
        loop = asyncio.get_running_loop()
        with pair[1]:
            assert (await loop.getaddrinfo(name, 80))[0][4][0] == "10.0.0.1"
            assert (await loop.getnameinfo(("10.0.0.1", 80), socket.NI_NUMERICHOST))[0] == "10.0.0.1"
        with pair[1].socket() as sock:
            sock.setblocking(False)
            with pytest.raises(ConnectionRefusedError):
                await loop.sock_connect(sock, (name, 81))

    asyncio.run(run())
    assert entries, "no audit event: nothing was tested"
    assert not [entry for entry in entries if "secret" in entry[1]]
    with pytest.raises(socket.gaierror):  # and the hook notices such an entry
        socket.getaddrinfo("web.secret.invalid", 80)
    assert [entry for entry in entries if "secret" in entry[1]]


PROGRAM = """
import asyncio, socket, sys, threading, urllib.request
sys.path.insert(0, sys.argv[1])
from support import NameServer, WebServer
from vdestack import Stack
one, two = Stack("vnl=inproc://lan ip=10.0.0.1/24"), Stack("vnl=inproc://lan ip=10.0.0.2/24 dns=10.0.0.1")
async def stream():
    reader, writer = await two.open_connection("web.secret.test", 80)
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    assert (await reader.read()).endswith(b"10.0.0.2")
    writer.close()
with NameServer(one, {"web.secret.test": "10.0.0.1"}), WebServer(one):
    asyncio.run(stream())
    with two:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert opener.open("http://web.secret.test", timeout=20).read() == b"10.0.0.2"
        try:
            socket.create_connection(("unknown.secret.test", 80))
        except socket.gaierror:
            pass
if sys.argv[2] == "leak":
    try:
        socket.getaddrinfo("web.secret.invalid", 80)
    except socket.gaierror:
        pass
print("done")
"""


@pytest.mark.parametrize("mode", ["clean", "leak"])
def test_the_hosts_resolver_is_not_even_opened(mode, tmp_path):
    """glibc reads nsswitch.conf before it looks any name up; strace would see it."""
    log = tmp_path / "log"
    done = subprocess.run(
        ["strace", "-f", "-o", log, "-e", "trace=openat,connect"]
        + [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), mode],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stdout == "done\n", done.stderr
    text = log.read_text()
    touched = [line for line in text.splitlines() if "/etc/nsswitch.conf" in line or "nscd" in line or "/etc/resolv.conf" in line]
    assert bool(touched) == (mode == "leak"), touched


def test_without_the_resolver_addresses_work_and_names_fail(pair, monkeypatch):
    def missing():
        raise vdestack.LibraryMissing("libvdestack-dns is not here")

    monkeypatch.setattr(vdestack._lib, "dns", missing)
    with pair[0].create_server(("10.0.0.1", 80)), pair[1].create_connection(("10.0.0.1", 80), DEADLINE):
        pass
    with pair[1]:
        with pytest.raises(socket.gaierror, match="libvdestack-dns is not here"):
            socket.create_connection(("localhost", 80))


def test_a_socket_of_a_deleted_stack_looks_no_name_up(pair):
    with pair[0].socket() as sock:
        pair[0].close()
        with pytest.raises(socket.gaierror, match="deleted"):
            sock.connect(("localhost", 80))


def test_outside_everything_is_as_before(pair):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
        with socket.socket() as by_name:
            by_name.connect(("localhost", server.getsockname()[1]))
        with pytest.raises(TypeError):
            client.connect("text")
        with pytest.raises(TypeError):
            client.sendto(b"x")


def test_a_scope_names_an_interface_of_the_stack(pair):
    one, two = pair
    one.wait_ready(DEADLINE)
    local = next(a.address for a in one.addresses("vde0") if a.address.startswith("fe80"))
    with one.socket(socket.AF_INET6, socket.SOCK_DGRAM) as here, two.socket(socket.AF_INET6, socket.SOCK_DGRAM) as there:
        two.wait_ready(DEADLINE)
        here.settimeout(DEADLINE)
        here.bind(("::", 9))
        there.sendto(b"hello", (f"{local}%vde0", 9))
        assert here.recv(10) == b"hello"
