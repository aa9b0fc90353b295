#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What otip_rproxy costs beside other proxies of TCP.

    rproxy.py OTIP_RPROXY [--before OTIP_RPROXY] [--rounds N] [--bytes N]

A client asks a server for messages of one size, over one connection through the proxy. All are on the loopback of a
network namespace of this run. Sides: otip_rproxy; another build of it, if given; socat; haproxy in TCP mode without
and with splice(2). In each round every side is measured once, and the order rotates. For each size and side it prints
the median of the processor time that the proxy takes for a byte, of the throughput, and their ratios to the first.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SIZES = (16000, 64000, 1000000, 64000000)
NAME, BASE, PERIOD, PORT, INSIDE = "www.example.org", "2001:db8::", "100000", 80, 8001
HAPROXY = """global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
{splice}
listen all
  bind :::{port}
  server one 127.0.0.1:{inside}
"""
DEADLINE_S = 20


def serve(listener):
    block = memoryview(bytes(1000000))
    while True:
        c, _ = listener.accept()
        with c:
            while ask := c.recv(16, socket.MSG_WAITALL):
                left = int(ask)
                while left > 0:
                    left -= c.send(block[: min(left, len(block))])


def tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for p in pids:
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children", encoding="ascii") as f:
                    pids += [int(child) for child in f.read().split()]
        except FileNotFoundError:
            pass
    return pids


def cpu_ns(pids):
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total


class Side:
    def __init__(self, name, command, address):
        self.name, self.command, self.address = name, command, address

    def connect(self):
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                return socket.create_connection((self.address, PORT), 5)
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def measure(self, size, total):
        """Seconds of the processor and of the clock for each byte."""
        buffer = bytearray(1 << 20)
        proxy = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        try:
            with self.connect() as s:
                s.settimeout(DEADLINE_S)
                n = max(1, total // size)

                def exchange():
                    s.sendall(b"%16d" % size)
                    left = size
                    while left > 0:
                        got = s.recv_into(buffer, min(left, len(buffer)))
                        if got == 0:
                            raise EOFError(self.name)
                        left -= got

                exchange()
                pids = tree(proxy.pid)
                cpu, clock = cpu_ns(pids), time.monotonic()
                for _ in range(n):
                    exchange()
                clock = time.monotonic() - clock
                return (cpu_ns(pids) - cpu) / (n * size) / 1e9, clock / (n * size)
        finally:
            proxy.send_signal(signal.SIGTERM)
            try:
                proxy.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                proxy.kill()
                proxy.wait()


def haproxy(tmp, name, splice):
    path = os.path.join(tmp, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(HAPROXY.format(splice=splice, port=PORT, inside=INSIDE))
    return ["haproxy", "-db", "-q", "-f", path]


def sides(args, tmp):
    otipaddr = os.path.join(os.path.dirname(args.rproxy), "otipaddr")
    address = subprocess.check_output([otipaddr, "-b", BASE, "-T", PERIOD, NAME, "secret"], text=True).strip()
    password = os.path.join(tmp, "password")
    with open(password, "w", encoding="ascii") as f:
        f.write("secret\n")

    def ours(program):
        return [program, "-e", "iface=ext0", "-b", BASE, "-n", NAME, "--passwdfile", password, "-t",
                f"{PORT},127.0.0.1,{INSIDE}", "--otip_period", PERIOD]

    yield Side("otip_rproxy", ours(args.rproxy), address)
    if args.before:
        yield Side("otip_rproxy before", ours(args.before), address)
    if shutil.which("socat"):
        yield Side("socat", ["socat", f"TCP6-LISTEN:{PORT},fork,reuseaddr,nodelay", f"TCP4:127.0.0.1:{INSIDE},nodelay"], "::1")
    if shutil.which("haproxy"):
        yield Side("haproxy", haproxy(tmp, "copy", ""), "::1")
        yield Side("haproxy with splice", haproxy(tmp, "splice", "  option splice-auto"), "::1")


def report(size, results):
    first = None
    for name, pairs in results.items():
        cpu = statistics.median(p[0] for p in pairs) * 1e9
        rate = 8e-9 / statistics.median(p[1] for p in pairs)
        first = first or (cpu, rate)
        print(f"{size:9} bytes  {name:20} {cpu:7.3f} ns/byte ({cpu / first[0]:5.2f})  "
              f"{rate:7.2f} Gbit/s ({rate / first[1]:5.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rproxy")
    parser.add_argument("--before")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=400000000)
    args = parser.parse_args()
    if "INSIDE" not in os.environ:
        os.environ["INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-B"] + sys.argv)
    subprocess.run("ip link set lo up && ip link add ext0 type veth peer name ext1 && ip link set ext1 up",
                   shell=True, check=True)
    listener = socket.create_server(("127.0.0.1", INSIDE))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    with tempfile.TemporaryDirectory() as tmp:
        all_sides = list(sides(args, tmp))
        for size in SIZES:
            results = {s.name: [] for s in all_sides}
            for i in range(args.rounds):
                for k in range(len(all_sides)):
                    side = all_sides[(i + k) % len(all_sides)]
                    results[side.name].append(side.measure(size, min(args.bytes, size * 2000)))
            report(size, results)


main()
