# SPDX-License-Identifier: LGPL-2.1-or-later
"""Multipath TCP: a connection over two networks goes on when one of them is lost.

The kernel's path manager belongs to the stack. `vdestack exec PID -- ip mptcp` configures it before the connection
exists: a socket takes its limits when it is made. The server's stack announces its second address, and the client's
stack connects to it too.
"""

import filecmp
import os
import signal
import socket
import subprocess

from harness import case, main

SIZE = 64 << 20

# Writes what it receives to a file, then sends the length. Its stack lives until the test ends the input.
SERVER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", 7))
    s.listen()
    with s.accept()[0] as c, open(sys.argv[1], "wb", 0) as out:
        c.sendall(b"hello\\n")
        while data := c.recv(1 << 16):
            out.write(data)
        c.sendall(b"%d\\n" % out.tell())
        sys.stdin.read()
"""
# Connects after the first line of its input, sends a file after the second, and prints each answer.
CLIENT = """
import socket, sys
sys.stdin.readline()
with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP) as s, open(sys.argv[1], "rb") as file:
    s.connect(("10.1.0.1", 7))
    answers = s.makefile("r")
    print(answers.readline(), end="", flush=True)
    sys.stdin.readline()
    s.sendfile(file)
    s.shutdown(socket.SHUT_WR)
    print(answers.readline(), end="", flush=True)
"""


def needs_mptcp(c):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP).close()
    except OSError as no:
        c.skip(f"the kernel has no MPTCP: {no}")


def start_both(c, server, client):
    """A server and a client in two networks. The client starts, and its socket is made, after the configuration."""
    c.need("ip", "ss", server[0], client[0])
    needs_mptcp(c)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    nets = [c.network(), c.network()]
    server = c.start(nets, "10.1.0.1 10.2.0.1", server, **pipes)
    c.listens(7)
    c.exec_in(server, ["ip", "mptcp", "endpoint", "add", "10.2.0.1", "dev", "vde1", "signal"])
    waiting = ["sh", "-c", 'echo ready; read -r go; exec "$@"', "sh", *client]
    client = c.start(nets, "10.1.0.2 10.2.0.2", waiting, **pipes)
    c.equal(c.line(client), "ready")
    c.exec_in(client, ["ip", "mptcp", "limits", "set", "subflows", "2", "add_addr_accepted", "2"])
    client.stdin.write(b"go\n")
    return server, client


def has_two_paths(c, client):
    """Waits until the connection has a path in each network."""

    def peers():
        rows = c.exec_in(client, ["ss", "-Htn", "state", "established"]).splitlines()
        return sorted(row.split()[3] for row in rows)

    c.wait(lambda: peers() == ["10.1.0.1:7", "10.2.0.1:7"], "a path in each network")
    c.not_on_the_host()


@case
def a_transfer_survives_the_loss_of_one_network(c):
    with open(c.path("sent"), "wb") as sent:
        for number in range(SIZE >> 10):
            sent.write(b"%1023d\n" % number)
    server, client = start_both(c, ["python3", "-c", SERVER, c.path("received")],
                                ["python3", "-c", CLIENT, c.path("sent")])
    client.stdin.write(b"connect\n")
    c.equal(c.line(client), "hello")
    has_two_paths(c, client)

    client.stdin.write(b"send\n")
    c.wait(lambda: os.path.getsize(c.path("received")) > 0, "the first bytes")
    server.send_signal(signal.SIGSTOP)  # the file is longer than all buffers
    c.unplug(0)
    c.check(os.path.getsize(c.path("received")) < SIZE // 2, "the network is lost before the end")
    server.send_signal(signal.SIGCONT)
    c.equal(c.line(client), str(SIZE))
    c.ends(client)
    server.stdin.close()
    c.ends(server)
    c.check(filecmp.cmp(c.path("sent"), c.path("received"), shallow=False), "all bytes in their order")


@case
def mptcpize_gives_socat_a_second_path(c):
    server, client = start_both(c, ["mptcpize", "run", "socat", "TCP-LISTEN:7,fork,reuseaddr", "EXEC:cat"],
                                ["mptcpize", "run", "socat", "-", "TCP:10.1.0.1:7"])
    client.stdin.write(b"one\n")
    c.equal(c.line(client), "one")
    has_two_paths(c, client)
    c.unplug(0)
    client.stdin.write(b"two\n")
    c.equal(c.line(client), "two")
    for process in (client, server):
        c.terminate(process)


# Reads slowly, so most of what the client has sent is still at the client when that ends.
SLOW_SERVER = """
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.bind(("", 7))
    s.listen()
    with s.accept()[0] as c:
        received = 0
        while data := c.recv(20000):
            received += len(data)
            time.sleep(0.005)
    print(received, flush=True)
"""


@case
def what_a_client_sends_before_its_end_arrives(c):
    needs_mptcp(c)
    c.need("mptcpize", "socat")
    net = c.network()
    server = c.start(net, "10.0.0.1", ["python3", "-c", SLOW_SERVER], stdout=subprocess.PIPE, bufsize=0)
    c.listens(7)
    c.client(net, ["mptcpize", "run", "socat", "-u", "-", "TCP:10.0.0.1:7"], input="x" * 2000000)
    c.equal(c.line(server), "2000000")
    c.ends(server)


main()
