# SPDX-License-Identifier: LGPL-2.1-or-later
"""A slow link, and the time-outs of an HTTP client: curl, and nginx behind 64 kbit/s with a delay.

Each time limit of curl is met, and what curl reports is what its user would read.
"""

import re

from common import need, nginx

LAB = """
network lan 10.0.0.0/24
server web on lan 10.0.0.80 run "WEB" ready tcp 80
host client on lan
"""
BIG = 1_000_000
SLACK = 0.02  # seconds: curl counts its time limits in milliseconds, from clocks of its own


def test_each_time_limit_of_the_client_is_met(lab_factory, tmp_path):
    need("curl")
    pages = {"page": bytes(16_000), "big": bytes(BIG)}
    lab = lab_factory(LAB.replace("WEB", nginx(tmp_path / "web", pages)))

    def curl(page, *options):
        """The exit status, curl's message and the times that it measured."""
        times = "%{time_connect} %{time_total}"
        words = ["curl", "-sS", "-o", "/dev/null", "-w", times, *options, f"http://10.0.0.80/{page}"]
        done = lab.run("client", words, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr.strip(), *map(float, done.stdout.split())

    status, _, _, total = curl("page")
    print(f"the link is fast, 16 kB: exit {status}")
    fast = total

    lab.impair("web:lan", "rate=64kbit delay=100ms")
    status, _, connect, total = curl("page")
    # A connection takes a round trip of 200 ms. 16000 bytes at 8000 bytes/s take 2 s, with headers a little more.
    assert connect >= 0.2 - SLACK and total >= 2.2 - SLACK and total > fast
    print(f"64 kbit/s and 100 ms, 16 kB: exit {status}, in more than 2 s: {total > 2}")

    status, message, _, total = curl("big", "--max-time", "1.5")
    received = int(re.search(r"with (\d+) out of 1000000 bytes", message)[1])
    assert total >= 1.5 - SLACK and received <= 8000 * total
    print(f"--max-time 1.5: exit {status},", re.sub(r"\d+ mill.*? with \d+", "N milliseconds with N", message))

    status, message, _, total = curl("big", "--speed-limit", "20000", "--speed-time", "2")
    assert total >= 2 - SLACK
    print(f"--speed-limit 20000 --speed-time 2: exit {status},", message)

    lab.impair("web:lan", "delay=1500ms")
    status, message, _, total = curl("page", "--connect-timeout", "1")
    assert total >= 1 - SLACK
    print(f"--connect-timeout 1, a round trip of 3 s: exit {status},", re.sub(r"\d+ ms", "N ms", message))

    lab.impair("web:lan", "unimpaired")
    status, _, _, total = curl("big")
    print(f"the link is fast again, 1 MB: exit {status}")
