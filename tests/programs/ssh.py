# SPDX-License-Identifier: LGPL-2.1-or-later
"""sshd, which executes itself for each client and separates privileges, and ssh with a forwarded port."""

import os
import signal
import subprocess

from harness import case, main

CONF = """
ListenAddress 10.0.0.1
Port 22
HostKey {tmp}/host
AuthorizedKeysFile {tmp}/key.pub
PidFile {tmp}/pid
StrictModes no
UsePAM no
PermitRootLogin yes
LogLevel VERBOSE
"""
SSHD = "/usr/sbin/sshd"


def start(c, net):
    c.need("ssh", "ssh-keygen")
    if not os.path.exists(SSHD):
        c.skip("there is no sshd")
    # The wrapper has given this case a mount namespace of its own.
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    os.mkdir("/run/sshd", 0o755)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", c.path(name)], check=True)
    conf = c.write("sshd.conf", CONF.format(tmp=c.tmp))
    server = c.start(net, "10.0.0.1", [SSHD, "-D", "-e", "-f", conf])
    c.listens(22)
    return server


def ssh(c, *words):
    return ["ssh", "-F", "none", "-i", c.path("key"), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "root@10.0.0.1", *words]


@case
def a_command_of_a_login_knows_its_client(c):
    net = c.network()
    server = start(c, net)
    text = c.client(net, ssh(c, "echo $SSH_CONNECTION")).split()
    c.equal((text[0], text[2], text[3]), ("10.0.0.201", "10.0.0.1", "22"))
    c.terminate(server, signal.SIGTERM)


@case
def a_login_and_its_forwarded_port_are_in_the_stack(c):
    net = c.network()
    server = start(c, net)
    c.write("page", "hello\n")
    c.start(net, "10.0.0.3", ["python3", "-m", "http.server", "--directory", c.tmp, "80"])
    c.listens(80)
    tunnel = c.start(net, "10.0.0.2", ssh(c, "-N", "-L", "10.0.0.2:8080:10.0.0.3:80"))
    c.listens(8080)
    c.equal(c.client(net, ["curl", "-sS", "--max-time", "20", "http://10.0.0.2:8080/page"]), "hello\n")
    c.equal(c.client(net, ssh(c, "curl -sS --max-time 20 http://10.0.0.3/page")), "hello\n")
    c.terminate(tunnel)
    c.terminate(server, signal.SIGTERM)


main()
