# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx: workers, a reload, an upgrade of the binary, two servers with the same port."""

import os
import shutil
import signal

from harness import case, main

CONF = """
{user} worker_processes 2; daemon {daemon}; pid {tmp}/pid; error_log {tmp}/error.log notice;
events {{}}
http {{
 access_log off; default_type text/plain;
 client_body_temp_path {tmp}/1; proxy_temp_path {tmp}/2; fastcgi_temp_path {tmp}/3;
 uwsgi_temp_path {tmp}/4; scgi_temp_path {tmp}/5;
 {servers}
}}
"""
SERVER = 'server {{ listen {port}; listen [::]:{port}; location / {{ return 200 "{text}"; }} }}\n'
WHO = "{text} $remote_addr $pid"


def configure(c, folder, ports, text="hello", daemon="off"):
    tmp = c.folder(folder)
    servers = "".join(SERVER.format(port=port, text=WHO.format(text=text)) for port in ports)
    user = "user root;" if c.root else ""
    return c.write(f"{folder}/nginx.conf", CONF.format(user=user, tmp=tmp, servers=servers, daemon=daemon))


def nginx(conf):
    # An upgrade executes this path.
    return [shutil.which("nginx") or "nginx", "-e", os.path.join(os.path.dirname(conf), "error.log"), "-c", conf]


def get(c, net, url):
    """The words of the page: a text, the address of the client, the process number of the worker."""
    c.need("curl")
    return c.client(net, ["curl", "-s", "--max-time", "20", url]).split()


@case
def workers_serve_a_client_of_another_stack(c):
    net = c.network()
    web = c.start(net, "10.0.0.1", nginx(configure(c, "web", [80])))
    c.wait(lambda: len(c.listeners(80)) == 3, "a master and two workers")
    text, client, worker = get(c, net, "http://10.0.0.1/")
    c.equal((text, client), ("hello", "10.0.0.201"))
    c.check(int(worker) in c.listeners(80) and int(worker) != web.pid, "a worker has answered")
    c.terminate(web, signal.SIGQUIT, 0)


@case
def workers_of_a_reload_are_in_the_stack(c):
    net = c.network()
    web = c.start(net, "10.0.0.1", nginx(configure(c, "web", [80])))
    c.wait(lambda: len(c.listeners(80)) == 3, "a master and two workers")
    old = c.listeners(80)
    configure(c, "web", [80, 8080], "again")
    web.send_signal(signal.SIGHUP)
    c.wait(lambda: len(c.listeners(8080)) == 3, "workers with the new port")
    c.wait(lambda: c.listeners(80) & old == {web.pid}, "the end of the old workers")
    c.equal(get(c, net, "http://10.0.0.1:8080/")[:2], ["again", "10.0.0.201"])
    c.equal(get(c, net, "http://10.0.0.1/")[:2], ["again", "10.0.0.202"])
    c.terminate(web, signal.SIGQUIT, 0)


@case
def an_upgrade_of_the_binary_inherits_stack_and_listeners(c):
    net = c.network()
    # nginx takes this signal as a daemon only.
    web = c.start(net, "10.0.0.1", nginx(configure(c, "web", [80], daemon="on")))
    c.ends(web)
    c.wait(lambda: len(c.listeners(80)) == 3, "a master and two workers")
    old = c.listeners(80)
    first = c.number("web/pid")
    os.kill(first, signal.SIGUSR2)
    c.wait(lambda: len(c.listeners(80) - old) == 3, "a second master with two workers")
    new = c.number("web/pid")
    c.check(new not in (0, first), "the second master has the file")
    os.kill(first, signal.SIGQUIT)
    c.wait(lambda: not c.listeners(80) & old, "the end of the old workers")
    text, client, worker = get(c, net, "http://10.0.0.1/")
    c.equal((text, client), ("hello", "10.0.0.201"))
    c.check(int(worker) not in old, "a new worker has answered")
    configure(c, "web", [80, 8080], "upgraded")  # it makes a socket of its own
    os.kill(new, signal.SIGHUP)
    c.wait(lambda: len(c.listeners(8080)) == 3, "workers with the new port")
    c.equal(get(c, net, "http://10.0.0.1:8080/")[0], "upgraded")
    os.kill(new, signal.SIGQUIT)
    c.gone(new)


@case
def a_daemon_keeps_the_stack(c):
    net = c.network()
    web = c.start(net, "10.0.0.1", nginx(configure(c, "web", [80], daemon="on")))
    c.ends(web)
    c.wait(lambda: len(c.listeners(80)) == 3, "a master and two workers")
    c.equal(get(c, net, "http://10.0.0.1/")[0], "hello")
    master = c.number("web/pid")
    os.kill(master, signal.SIGQUIT)
    c.gone(master)


@case
def two_servers_have_port_80_on_one_machine(c):
    net = c.network()
    first = c.start(net, "10.0.0.1", nginx(configure(c, "first", [80], "first")))
    second = c.start(net, "10.0.0.2", nginx(configure(c, "second", [80], "second")))
    c.wait(lambda: len(c.listeners(80)) == 6, "two masters, four workers")
    c.equal(get(c, net, "http://10.0.0.1/")[0], "first")
    c.equal(get(c, net, "http://10.0.0.2/")[0], "second")
    c.terminate(first, signal.SIGQUIT, 0)
    c.equal(get(c, net, "http://10.0.0.2/")[0], "second")
    c.terminate(second, signal.SIGQUIT, 0)


main()
