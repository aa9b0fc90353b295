# SPDX-License-Identifier: LGPL-2.1-or-later
"""busybox, a static program, as server and client, and started by a dynamic shell."""

import os
import shutil
import signal

from harness import case, main


def httpd(c, net, shell=False):
    c.write("page", "hello\n")
    argv = ["busybox", "httpd", "-f", "-p", "80", "-h", c.tmp]
    server = c.start(net, "10.0.0.1", ["bash", "-c", " ".join(argv) + "; :"] if shell else argv)
    c.listens(80)
    return server


def need_static(c):
    c.need("busybox")
    with open(shutil.which("busybox"), "rb") as program:
        if b"/ld-linux" in program.read(4096):  # the name of its interpreter
            c.skip("busybox is dynamic: the package busybox-static is needed")


@case
def a_static_server_has_a_static_client(c):
    need_static(c)
    net = c.network()
    httpd(c, net)
    c.equal(c.client(net, ["busybox", "wget", "-q", "-O", "-", "http://10.0.0.1/page"]), "hello\n")


@case
def static_children_of_a_dynamic_shell_are_in_the_stack(c):
    need_static(c)
    net = c.network()
    shell = httpd(c, net, shell=True)
    text = c.client(net, ["bash", "-c", "busybox wget -q -O - http://10.0.0.1/page; :"])
    c.equal(text, "hello\n")
    os.kill(c.named("busybox")[0].pid, signal.SIGTERM)
    c.ends(shell)


main()
