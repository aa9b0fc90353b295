# SPDX-License-Identifier: LGPL-2.1-or-later
"""socat: a server that forks, datagrams, a relay between a unix socket of the host and a stack."""

import socket

from harness import case, main


@case
def a_forked_child_serves_each_client(c):
    net = c.network()
    c.start(net, "10.0.0.1", ["socat", "TCP-LISTEN:7,fork,reuseaddr", "EXEC:/bin/cat"])
    c.listens(7)
    for text in ("one", "two"):
        c.equal(c.client(net, ["socat", "-t20", "-", "TCP:10.0.0.1:7"], input=text), text)


@case
def datagrams_are_answered(c):
    net = c.network()
    c.start(net, "10.0.0.1", ["socat", "UDP-RECVFROM:7,fork", "EXEC:/bin/cat"])
    c.listens_udp(7)
    done = c.client(net, ["sh", "-c", "socat -T20 UDP:10.0.0.1:7 'SYSTEM:echo hello; head -n 1 >&2' 2>&1"])
    c.equal(done, "hello\n")


@case
def a_unix_socket_of_the_host_leads_into_a_stack(c):
    net = c.network()
    c.start(net, "10.0.0.1", ["socat", "TCP-LISTEN:7,fork,reuseaddr", "EXEC:/bin/cat"])
    c.listens(7)
    c.start(net, "10.0.0.2", ["socat", "UNIX-LISTEN:" + c.path("door") + ",fork", "TCP:10.0.0.1:7"])
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(20)
        c.wait(lambda: door.connect_ex(c.path("door")) == 0, "the unix socket")
        door.sendall(b"hello")
        c.equal(door.recv(100), b"hello")
        c.not_on_the_host()


@case
def what_a_client_sends_before_its_end_arrives(c):
    net = c.network()
    text = "".join(f"line {n}\n" for n in range(300000))
    c.write("sent", text)
    server = c.start(net, "10.0.0.1", ["socat", "-u", "TCP-LISTEN:7", "CREATE:" + c.path("received")])
    c.listens(7)
    c.client(net, ["socat", "-u", "OPEN:" + c.path("sent"), "TCP:10.0.0.1:7"])
    c.ends(server)
    c.check(c.read("received") == text, "all has arrived")


main()
