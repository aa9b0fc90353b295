# SPDX-License-Identifier: LGPL-2.1-or-later
"""Java: a server with a selector of NIO and a client. A socket is one of IPv6 that IPv4 reaches too."""

import os
import shutil
import subprocess
import sys

from dnsmasq import dnsmasq
from harness import SKIPPED, case, main

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "JavaEcho.java")


def build(folder):
    """Compiles the program, once for all cases."""
    if shutil.which("javac") is None:
        print("there is no javac", file=sys.stderr)
        return SKIPPED
    return subprocess.run(["javac", "-d", folder, SOURCE], check=False).returncode


def java(c, *words):
    if not os.path.exists(os.path.join(c.built, "JavaEcho.class")):
        c.skip("the program of Java is not compiled")
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", c.built, "JavaEcho", *words]


def serve(c, net):
    server = c.start_run(f"vnl={net} ip=10.0.0.80/24 ip=fd00::80/64 nodad", java(c, "serve", "7"))
    c.listens(7)
    return server


@case
def a_server_answers_clients_of_ipv4_and_ipv6(c):
    net = c.network()
    server = serve(c, net)
    config = f"vnl={net} ip=10.0.0.2/24 ip=fd00::2/64 nodad"
    c.equal(c.client_run(config, java(c, "ask", "10.0.0.80", "7", "hello")), "10.0.0.2 hello\n")
    c.equal(c.client_run(config, java(c, "ask", "fd00::80", "7", "hello")), "fd00:0:0:0:0:0:0:2 hello\n")
    c.terminate(server, status=143)  # the machine of Java ends by itself at SIGTERM


@case
def a_name_comes_from_the_stacks_name_server(c):
    net = c.network()
    serve(c, net)
    dnsmasq(c, net)
    config = f"vnl={net} ip=10.0.0.2/24 dns=10.0.0.53"
    c.equal(c.client_run(config, java(c, "ask", "web.test", "7", "hello")), "10.0.0.2 hello\n")


@case
def its_list_of_interfaces_has_those_of_the_stack(c):
    config = "iface=planet0 vnl=inproc://lan ip=10.0.0.9/24"
    text = c.client_run(config, java(c, "interfaces"))
    c.check(any(line.startswith("planet0 ") and "/10.0.0.9/24" in line for line in text.splitlines()), text)


if sys.argv[1] == "--build":
    sys.exit(build(sys.argv[2]))
main()
