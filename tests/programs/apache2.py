# SPDX-License-Identifier: LGPL-2.1-or-later
"""apache2 with prefork: children accept, and a graceful restart makes new sockets."""

import os
import signal

from harness import case, main

CONF = """
ServerRoot {tmp}
ServerName web.test
PidFile {tmp}/pid
DefaultRuntimeDir {tmp}
Mutex file:{tmp}
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule authz_core_module {modules}/mod_authz_core.so

StartServers 3
MinSpareServers 3
MaxSpareServers 3
{listen}
ErrorLog {tmp}/error.log
DocumentRoot {tmp}/pages
"""
MODULES = "/usr/lib/apache2/modules"
APACHE = "/usr/sbin/apache2"


def configure(c, *ports):
    pages = c.folder("pages")
    c.write("pages/page", "hello\n")
    os.chmod(pages, 0o755)
    listen = "\n".join(f"Listen {port}" for port in ports)
    return c.write("apache.conf", CONF.format(tmp=c.tmp, modules=MODULES, listen=listen))


def start(c, net):
    if not os.path.exists(APACHE) or not os.path.exists(MODULES + "/mod_mpm_prefork.so"):
        c.skip("there is no apache2 with prefork")
    web = c.start(net, "10.0.0.1", [APACHE, "-DFOREGROUND", "-f", configure(c, 80)])
    c.wait(lambda: len(c.listeners(80)) >= 4, "a parent and three children")
    return web


def get(c, net, url):
    c.need("curl")
    return c.client(net, ["curl", "-sS", "--max-time", "20", url])


@case
def children_serve_clients(c):
    net = c.network()
    web = start(c, net)
    for _ in range(3):
        c.equal(get(c, net, "http://10.0.0.1/page"), "hello\n")
    c.terminate(web, signal.SIGTERM, 0)


@case
def a_graceful_restart_adds_a_port_in_the_stack(c):
    net = c.network()
    web = start(c, net)
    configure(c, 80, 8080)
    web.send_signal(signal.SIGUSR1)
    c.wait(lambda: len(c.listeners(8080)) >= 4, "a parent and three children with the new port")
    c.equal(get(c, net, "http://10.0.0.1:8080/page"), "hello\n")
    c.equal(get(c, net, "http://10.0.0.1/page"), "hello\n")
    c.terminate(web, signal.SIGTERM, 0)


main()
