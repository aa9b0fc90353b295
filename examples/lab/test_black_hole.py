# SPDX-License-Identifier: LGPL-2.1-or-later
"""A path MTU black hole: a link that drops packets above 1400 bytes, and no ICMP message says so.

A small page arrives, a large one does not. With tcp_mtu_probing=1 the server's TCP finds out, and it does. Captures on
both sides of the link show what was sent and what got through.
"""

import subprocess

from common import need, nginx, until

LAB = """
network lan 10.0.0.0/24
network wan 10.1.0.0/24
router r on lan on wan
server web on wan 10.1.0.80 run "WEB" ready tcp 80
host client on lan
link r:wan rx.blackhole=1400
"""


def lengths(file):
    """The lengths of the IPv4 packets with payload from the web server in a capture."""
    words = ["tshark", "-n", "-r", str(file), "-Y", "tcp.srcport == 80 && tcp.len > 0", "-T", "fields", "-e", "ip.len"]
    # The last block of a file that is still being written may be cut: tshark says so, and shows what is before it.
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return [int(line) for line in done.stdout.split()]


def test_tcp_stalls_in_a_black_hole_until_it_probes(lab_factory, tmp_path):
    need("curl", "tshark")
    pages = {"small": bytes(500), "large": bytes(100_000)}
    lab = lab_factory(LAB.replace("WEB", nginx(tmp_path / "web", pages)))
    sent, received = tmp_path / "sent.pcapng", tmp_path / "received.pcapng"
    lab.capture("web:wan", sent)
    lab.capture("r:lan", received)

    def download(page, limit):
        """curl's exit status, and how many bytes it got."""
        url = f"http://{lab.address('web')}/{page}"
        words = ["curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", "--max-time", str(limit), url]
        done = lab.run("client", words, capture_output=True, text=True, timeout=60)
        return f"exit {done.returncode}, {done.stdout} bytes"

    print("a small page:", download("small", 20))
    print("a large page:", download("large", 2))
    until("the capture has packets that are sent again", lambda: lengths(sent).count(1500) >= 2, pause=0.2)
    print("longest packet sent:", max(lengths(sent)))
    print("longest packet that got through is the small page:", max(lengths(received)) < 1000)

    lab.host("web").sysctl("ipv4.tcp_mtu_probing", 1)
    print("a large page, with tcp_mtu_probing=1:", download("large", 30))
    until("the capture has the large page", lambda: sum(lengths(received)) > 100_000, pause=0.2)
    print("longest packet that got through is at most 1400:", max(lengths(received)) <= 1400)
    assert lab.host("r").impairment("wan").rx.counters["blackholed"] >= 2
