# SPDX-License-Identifier: LGPL-2.1-or-later
"""unbound in two networks: it answers on one and forwards through the other, by rules."""

import socket

from harness import case, main

CONF = """
server:
  chroot: ""
  username: ""
  directory: "{tmp}"
  pidfile: "{tmp}/pid"
  use-syslog: no
  logfile: ""
  do-daemonize: no
  interface: 10.1.0.53
  access-control: 10.1.0.0/24 allow
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 2
  local-zone: test. nodefault
forward-zone:
  name: "."
  forward-addr: 10.2.0.53
remote-control:
  control-enable: no
"""

ASK = (
    "import socket\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "s.settimeout(20)\n"
    "s.sendto(b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3web\\4test\\0\\0\\1\\0\\1', ('10.1.0.53', 53))\n"
    "print(socket.inet_ntoa(s.recv(512)[-4:]))\n"
)


def packets(c, log):
    return [line for line in c.read(log).splitlines() if " > " in line]


@case
def it_answers_on_one_network_and_forwards_only_through_another(c):
    c.need("unbound", "tcpdump", "dnsmasq")
    c.private_host()
    front, back = c.network("-hub"), c.network("-hub")
    user = ["-u", "root", "-g", "root"] if c.root else []
    c.start(back, "10.2.0.53", ["dnsmasq", "-k", "-C", "/dev/null", "-x", c.path("pid2"), "-R", "-h",
                                "--log-facility=-", "--address=/web.test/10.2.0.80", *user])
    c.listens_udp(53)
    rules = c.write(
        "rules",
        f"stack front vnl={front} ip=10.1.0.53/24\n"
        f"stack back vnl={back} ip=10.2.0.1/24\n"
        "local=10.1.0.53 use front\n"
        "remote=10.1.0.0/24 use front\n"
        "default back\n",
    )
    conf = c.write("unbound.conf", CONF.format(tmp=c.tmp))
    server = c.start_run("", ["unbound", "-d", "-c", conf], ["--rules", rules])
    c.wait(lambda: server.pid in c.listeners(53, socket.SOCK_DGRAM), "unbound")
    on_front, on_back = c.capture(front, "10.1.0.99"), c.capture(back, "10.2.0.99")
    on_host = c.host_capture()
    c.equal(c.client(front, ["python3", "-c", ASK], address="10.1.0.7"), "10.2.0.80\n")
    c.logged("10.1.0.53.53 > 10.1.0.7", on_front)
    c.logged("10.2.0.53.53 > 10.2.0.1", on_back)
    c.check(not [p for p in packets(c, on_front) if "10.2.0.53" in p], f"nothing is forwarded here: {packets(c, on_front)}")
    c.check(not [p for p in packets(c, on_back) if "10.1.0." in p], f"nothing is asked here: {packets(c, on_back)}")
    c.equal(c.captured(on_host, 53), [], "what the host's lo has seen")
    c.terminate(server, status=0)


main()
