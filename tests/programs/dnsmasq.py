# SPDX-License-Identifier: LGPL-2.1-or-later
"""dnsmasq: names and addresses for other stacks. Its netlink socket sees the interfaces of its stack."""

import signal

from harness import case, main


def dnsmasq(c, net, *options):
    user = ["-u", "root", "-g", "root"] if c.root else []
    server = c.start(net, "10.0.0.53", ["dnsmasq", "-k", "-C", "/dev/null", "-x", c.path("pid"), "-R", "-h",
                                        "--log-facility=-", "--address=/web.test/10.0.0.80", *user, *options])
    c.listens_udp(53)
    return server


@case
def names_are_answered(c):
    net = c.network()
    server = dnsmasq(c, net)
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.settimeout(20)\n"
        "s.sendto(b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3web\\4test\\0\\0\\1\\0\\1', ('10.0.0.53', 53))\n"
        "print(socket.inet_ntoa(s.recv(512)[-4:]))\n"
    )
    c.equal(c.client(net, ["python3", "-c", script]), "10.0.0.80\n")
    c.terminate(server, signal.SIGTERM, 0)


@case
def a_stack_gets_its_address_from_it(c):
    net = c.network()
    dnsmasq(c, net, "--dhcp-range=10.0.0.100,10.0.0.100,1h", f"--dhcp-leasefile={c.path('leases')}")
    c.listens_udp(67)
    script = "import socket\nprint(socket.create_connection(('10.0.0.53', 53), 20).getsockname()[0])"
    c.equal(c.client_run(f"vnl={net} dhcp", ["python3", "-c", script]), "10.0.0.100\n")


if __name__ == "__main__":
    main()
