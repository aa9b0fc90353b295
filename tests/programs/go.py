# SPDX-License-Identifier: LGPL-2.1-or-later
"""Go: net/http as server and client, and Go's own resolver. The program is static, so neither engine loads a
library: the supervisor makes its sockets with both."""

import os
import shutil
import subprocess
import sys

from dnsmasq import dnsmasq
from harness import SKIPPED, case, main

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "go_web.go")


def build(folder):
    """Compiles the program, once for all cases."""
    if shutil.which("go") is None:
        print("there is no go", file=sys.stderr)
        return SKIPPED
    here = os.getcwd()
    own = {"HOME": here, "GOCACHE": here + "/cache", "GOPATH": here + "/path", "GO111MODULE": "off", "GOFLAGS": "",
           "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    return subprocess.run(["go", "build", "-o", folder + "/go_web", SOURCE], env={**os.environ, **own}, check=False).returncode


def web(c, *words):
    program = os.path.join(c.built, "go_web")
    if not os.path.exists(program):
        c.skip("the program of Go is not compiled")
    return [program, *words]


@case
def a_server_and_many_clients_talk_http(c):
    net = c.network()
    server = c.start(net, "10.0.0.1", web(c, "serve", ":80"))
    c.listens(80)
    c.equal(c.client(net, web(c, "get", "http://10.0.0.1/", "50")), "10.0.0.201\n")
    c.terminate(server)


@case
def a_name_comes_from_the_stacks_name_server(c):
    net = c.network()
    c.start(net, "10.0.0.80", web(c, "serve", ":80"))
    c.listens(80)
    dnsmasq(c, net)
    config = f"vnl={net} ip=10.0.0.2/24 dns=10.0.0.53"
    options = ["--names=mounts"] if c.engine == "preload" else []
    text = c.client_run(config, web(c, "get", "http://web.test/", "1"), options=options)
    c.equal(text, "10.0.0.2\n")


if sys.argv[1] == "--build":
    sys.exit(build(sys.argv[2]))
main()
