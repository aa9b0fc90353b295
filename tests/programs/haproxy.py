# SPDX-License-Identifier: LGPL-2.1-or-later
"""haproxy: between clients and a server of other stacks, and its reload by executing itself."""

import os
import signal

from harness import case, main

CONF = """
global
  stats socket {tmp}/stats
defaults
  mode http
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend front
  bind :{port}
  default_backend back
backend back
  option httpchk GET /page
  http-response set-header x-by {text}
  server a 10.0.0.1:80 check inter 100ms
"""


def configure(c, port, text):
    return c.write("haproxy.cfg", CONF.format(tmp=c.tmp, port=port, text=text))


def proxy(c, net):
    """A server, and haproxy in front of it, which knows that the server is there."""
    c.write("page", "hello\n")
    c.start(net, "10.0.0.1", ["python3", "-m", "http.server", "--directory", c.tmp, "80"])
    c.listens(80)
    master = c.start(net, "10.0.0.2", ["haproxy", "-W", "-p", c.path("pid"), "-f", configure(c, 8080, "first")])
    c.listens(8080)
    return master


def get(c, net, port):
    c.need("curl")
    return c.client(net, ["curl", "-sSi", "--max-time", "20", "--retry", "9", f"http://10.0.0.2:{port}/page"])


@case
def a_worker_relays_between_stacks(c):
    net = c.network()
    master = proxy(c, net)
    page = get(c, net, 8080)
    c.contains(page, "x-by: first")
    c.contains(page, "hello")
    c.terminate(master)


def waits(pid):
    """The master has executed itself a second time, which it does after each start, and handles SIGUSR2."""
    with open(f"/proc/{pid}/environ", "rb") as f:
        again = b"HAPROXY_MWORKER_WAIT_ONLY" in f.read()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        caught = next(int(line.split()[1], 16) for line in f if line.startswith("SigCgt"))
    return again and caught & 1 << signal.SIGUSR2 - 1


@case
def a_reload_executes_the_master_again(c):
    net = c.network()
    master = proxy(c, net)
    c.wait(lambda: waits(master.pid), "a master that waits for signals")
    workers = c.listeners(8080)
    configure(c, 8081, "second")
    os.kill(master.pid, signal.SIGUSR2)
    c.wait(lambda: c.listeners(8081) - workers, "a worker with the new port")
    c.contains(get(c, net, 8081), "x-by: second")
    c.terminate(master)


main()
