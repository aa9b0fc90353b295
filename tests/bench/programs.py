# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part "programs" of tests/bench/run: what `vdestack run` costs programs that do not know the library.

Four sides, all with server and clients on the loopback of one network:

  host            a new network namespace without a name, by unshare(1)
  ip netns exec   a new network namespace by ip(8)
  preload         vdestack run --engine=preload, a new stack
  supervise       vdestack run --engine=supervise, a new stack

So what differs is who makes the sockets, and not the network. "host" is not the machine's own loopback: connections
of the measurement before would be in TIME_WAIT there, and the machine's packet filter would take part.

In each round every side is measured once, and the order rotates. Both engines are compared with both others of the
same round. "ip netns exec" beside "host", which should be equal, shows what the noise is.
"""

import os
import socket
import subprocess
import sys

PACKAGES = "nginx redis-server redis-tools apache2-bin apache2-utils wrk"
PROGRAMS = {"nginx": "nginx", "redis": "redis-server", "apache2": "apache2-bin", "ab": "apache2-utils", "wrk": "wrk"}
HOST, NETNS, PRELOAD, SUPERVISE = "host", "ip netns exec", "preload", "supervise"
SO_NETNS_COOKIE = 71

ESTABLISHED, CONNECTIONS, NONE = {PRELOAD: 0.97, SUPERVISE: 0.95}, {PRELOAD: 0.8, SUPERVISE: 0.4}, {}
REQUESTS, RATE = (("requests.rate", "more"), ("requests.cpu", "less")), (("connections.rate", "more"),)
# name, workload, figures and what is better, its amount and a quick one, targets of the engines for the first figure
MEASURED = (
    ("nginx keep-alive", "nginx", REQUESTS, (4, 1), ESTABLISHED),
    ("redis", "redis", REQUESTS, (200000, 30000), ESTABLISHED),
    ("forking server", "forking", RATE, (12000, 2000), CONNECTIONS),
    ("apache2 prefork", "apache", RATE, (12000, 2000), CONNECTIONS),
    ("nginx connections", "nginx-connections", RATE, (12000, 2000), CONNECTIONS),
    ("client", "sockets", (("connected.median", "less"), ("opened.median", "less")), (40000, 5000), NONE),
    ("start", "start", (("start.median", "less"),), (1000, 200), NONE),
)
EXPECTED = { # what each side proves, so that nothing else is measured by mistake
    HOST: "seccomp none, shim absent", NETNS: "seccomp none, shim absent",
    PRELOAD: "seccomp filter, shim loaded", SUPERVISE: "seccomp filter, shim absent",
}


def cookie():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), sys.byteorder)


class Programs:
    def __init__(self, bench):
        self.bench = bench
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.cookie = cookie()

    def prefix(self, side, namespace):
        tool = os.path.join(self.bench.build, "bin", "vdestack")
        return {
            HOST: ["unshare", "-n", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"],
            NETNS: ["ip", "netns", "exec", namespace],
            PRELOAD: [tool, "run", "--engine=preload", "--require", "vnl=null://", "--"],
            SUPERVISE: [tool, "run", "--engine=supervise", "vnl=null://", "--"],
        }[side]

    def measure(self, side, workload, amount):
        namespace = "vsp-%d" % os.getpid()
        bench = self.bench
        try:
            if side == NETNS:
                subprocess.run("ip netns add {n} && ip -n {n} link set lo up".format(n=namespace), shell=True, check=True)
            figures = bench.run_in(self.prefix(side, namespace), bench.ours, "/usr/bin/python3", "-B", os.path.join(self.here, "inside.py"),
                                   workload, amount, os.path.join(bench.build, "connections"), self.cookie)
        finally:
            if side == NETNS:
                subprocess.run(["ip", "netns", "del", namespace], capture_output=True)
        proofs = bench.proofs.get(bench.now, set())
        if "error" not in figures and not any("in another network, " + EXPECTED[side] in p for p in proofs):
            return {"error": "%s is not what was measured: %s" % (side, sorted(proofs))}
        return figures

    def compare(self, name, rounds, figure, a, b, target, better):
        sides, name = (a, b), "programs %s: %s beside %s" % (name, a, b)
        pairs = [(r[a][figure], r[b][figure]) for r in rounds if figure in r[a] and figure in r[b]]
        if pairs:
            self.bench.compare(name, figure, pairs, target, better, sides)
        else:
            self.bench.record(name, figure, sides=sides, error=str([r[s].get("error") for r in rounds for s in sides]))

    def workload(self, name, workload, figures, amounts, targets):
        bench, sides = self.bench, [HOST, NETNS, PRELOAD, SUPERVISE]
        rounds = []
        for i in range(bench.args.rounds):
            turn = sides[i % 4:] + sides[:i % 4]
            results = {}
            for side in turn:
                bench.now = "programs %s, %s" % (name, side)
                results[side] = bench.attempt(lambda: self.measure(side, workload, amounts[1 if bench.args.quick else 0]))
            rounds.append(results)
        for figure, better in figures:
            for engine in (PRELOAD, SUPERVISE):
                for other in (HOST, NETNS):
                    self.compare(name, rounds, figure, engine, other,
                                 targets.get(engine) if figure == figures[0][0] else None, better)
            self.compare(name, rounds, figure, NETNS, HOST, None, better)

    def everything(self):
        for name, *rest in MEASURED:
            if self.bench.wanted("programs " + name):
                self.workload(name, *rest)
