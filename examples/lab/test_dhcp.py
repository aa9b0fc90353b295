# SPDX-License-Identifier: LGPL-2.1-or-later
"""A DHCP server vanishes: the client renews at T1, asks everybody at T2, loses its address, and gets one again.

The server is udhcpd with leases of 8 s, the client is the address source of a stack.
"""

import subprocess

from common import need, until

from vdestack import EventType

LAB = """
network lan
server dhcpd on lan config ip=10.0.0.1/24 run "udhcpd -f CONFIG" ready output "started"
host client on lan
"""
UDHCPD = """
start 10.0.0.100
end 10.0.0.100
interface lan
lease_file FOLDER/leases
pidfile FOLDER/pid
min_lease 5
option subnet 255.255.255.0
option lease 8
"""
KINDS = {"1": "discover", "3": "request"}


def messages(file):
    """The client's DHCP messages in a capture. The same one several times in a row is one."""
    fields = ["-T", "fields", "-e", "dhcp.option.dhcp", "-e", "ip.dst"]
    words = ["tshark", "-n", "-r", str(file), "-Y", "dhcp.type == 1 && !icmp", *fields]
    found = []
    for line in subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.splitlines():
        kind, to = line.split("\t")
        text = f"{KINDS[kind]} to {'all' if to == '255.255.255.255' else 'the server'}"
        if found[-1:] != [text]:
            found.append(text)
    return found


def test_the_lease_is_renewed_lost_and_gained_again(lab_factory, tmp_path):
    need("udhcpd", "tshark")
    (tmp_path / "leases").touch()
    config, file = tmp_path / "udhcpd.conf", tmp_path / "dhcp.pcapng"
    config.write_text(UDHCPD.replace("FOLDER", str(tmp_path)))
    lab = lab_factory(LAB.replace("CONFIG", str(config)))
    lab.capture("client:lan", file)
    client = lab.host("client")

    with client.events() as events:
        client.configure("iface=lan dhcp", wait=False)
        gained = events.wait_for(EventType.SOURCE_GAINED, timeout=20)
        print("gained:", gained.address, "for", gained.valid_s, "s")
        renewed = events.wait_for(EventType.SOURCE_RENEWED, timeout=20)
        lab.kill("dhcpd")
        print("renewed for", renewed.valid_s, "s, and the server is killed")
        lost = events.wait_for(EventType.SOURCE_LOST, timeout=20)
        # A lease counts from the sending of the request, and the event follows the answer.
        assert lost.time_ns - renewed.time_ns > 6e9, "the address must stay as long as the lease"
        assert not [a for a in client.addresses("lan") if a.address == gained.address]
        print("lost when the lease has ended:", lost.address)

        lab.start_server("dhcpd")
        print("the server is back, gained:", events.wait_for(EventType.SOURCE_GAINED, timeout=60).address)
    until("the capture has it all", lambda: len(messages(file)) >= 6, pause=0.2)
    print("what the client has sent:", *messages(file)[:6], sep="\n  ")
