# SPDX-License-Identifier: LGPL-2.1-or-later
"""curl: over IPv4 and IPv6, at an interface, from a server of python3, by a name."""

from harness import case, main


def pages(c, net, config=None):
    """python3 -m http.server, with the file "page", whose text is returned."""
    c.write("page", "hello\n")
    argv = ["python3", "-m", "http.server", "--bind", "::", "--directory", c.tmp, "80"]
    server = c.start_run(config, argv) if config else c.start(net, "10.0.0.1", argv)
    c.listens(80)
    return server


def curl(*words):
    return ["curl", "-sS", "--max-time", "20", *words]


@case
def a_page_comes_from_another_stack(c):
    net = c.network()
    pages(c, net)
    c.equal(c.client(net, curl("http://10.0.0.1/page")), "hello\n")
    c.equal(c.client(net, curl("--interface", "10.0.0.202", "http://10.0.0.1/page")), "hello\n")
    c.equal(c.client(net, curl("--interface", "vde0", "http://10.0.0.1/page")), "hello\n")


@case
def a_page_comes_over_ipv6(c):
    net = c.network()
    pages(c, net, f"vnl={net} ip=fd00::1/64")
    text = c.client_run(f"vnl={net} ip=fd00::2/64", curl("http://[fd00::1]/page"))
    c.equal(text, "hello\n")


@case
def the_hosts_loopback_is_out_of_reach(c):
    net = c.network()
    with c.host_listener() as (port, accepted):
        c.client(net, curl(f"http://127.0.0.1:{port}/"), status=7)
        c.check(not accepted(), "nothing has reached the host")


@case
def a_name_comes_from_the_stacks_name_server(c):
    net = c.network()
    pages(c, net)
    c.start(net, "10.0.0.53", ["dnsmasq", "-k", "-C", "/dev/null", "-u", "root" if c.root else "", "-x", c.path("pid"),
                               "-R", "-h", "--address=/web.test/10.0.0.1", "--log-facility=-"])
    c.listens_udp(53)
    config = f"vnl={net} ip=10.0.0.2/24 dns=10.0.0.53"
    c.equal(c.client_run(config, curl("http://web.test/page")), "hello\n")


main()
