# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exim: a message goes from a client to a server, on to a second server, and into files. For each
delivery Exim executes itself, as a set-user-ID program and with an empty environment. That process does not load the
library, so the supervisor makes its sockets."""

import os
import pwd
import shutil
import subprocess

from harness import case, main

EXIM = "/usr/sbin/exim4"
# Both servers have this file. A message for far.test goes from 10.0.0.1 to 10.0.0.3.
CONF = """
primary_hostname = mail.test
spool_directory = {tmp}/spool
log_file_path = {tmp}/spool/log-%s
tls_advertise_hosts =
keep_environment =
host_lookup =
notifier_socket =
acl_smtp_rcpt = accept

begin routers
relay:
  driver = manualroute
  domains = far.test
  condition = ${{if eq{{$received_ip_address}}{{10.0.0.1}}}}
  route_list = far.test 10.0.0.3
  transport = smtp
here:
  driver = accept
  transport = mailbox

begin transports
smtp:
  driver = smtp
mailbox:
  driver = appendfile
  file = {tmp}/spool/mailbox-$received_ip_address
  user = Debian-exim

begin retry
* * F,1h,1m
"""


def configure(c):
    if not os.path.exists(EXIM):
        c.skip("there is no exim4")
    try:
        pwd.getpwnam("Debian-exim")
    except KeyError:
        c.skip("there is no user Debian-exim")
    # A file named by -C would cost Exim its privileges. The wrapper has given this case a mount namespace of its own.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/etc/exim4"], check=True)
    with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as f:
        f.write(CONF.format(tmp=c.tmp))
    os.chmod(c.tmp, 0o755)
    shutil.chown(c.folder("spool"), "Debian-exim", "Debian-exim")


def server(c, net, address):
    exim = c.start(net, address, [EXIM, "-bdf", "-oP", c.path("pid-" + address)])
    c.wait(lambda: exim.pid in c.listeners(25), f"exim at {address}")
    return exim


@case
def a_message_is_delivered_here_and_to_a_second_server(c):
    configure(c)
    net = c.network()
    servers = [server(c, net, "10.0.0.1"), server(c, net, "10.0.0.3")]
    c.write("message", "Subject: greeting\n\nhello\n")
    c.client(net, ["curl", "-sS", "--max-time", "20", "smtp://10.0.0.1/client.test", "--mail-from", "me@client.test",
                   "--mail-rcpt", "you@here.test", "--mail-rcpt", "you@far.test", "--upload-file", c.path("message")])
    for address, sender in (("10.0.0.1", "10.0.0.201"), ("10.0.0.3", "10.0.0.1")):
        name = f"spool/mailbox-{address}"
        c.wait(lambda n=name: "\nhello\n" in c.read(n), f"the message in {name}: {c.read('spool/log-main')}")
        c.contains(c.read(name), f"[{sender}]")
    for process in servers:
        c.terminate(process, status=0)


main()
