# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of tests/bench/run have in common that measure servers."""

import os
import signal
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu(pid):
    """Seconds of the process and of its children that have ended: dnsmasq forks for TCP."""
    with open("/proc/%d/stat" % pid) as f:
        return sum(map(int, f.read().rpartition(")")[2].split()[11:15])) / TICKS
