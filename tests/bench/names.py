# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part "names" of tests/bench/run: iothnamed beside unbound and dnsmasq.

Two namespaces, joined by veth. In one the server that is measured, on the first processor; in the other dnsperf and
the server that forwarding goes to, an unbound with local-data, on the second processor.

  hash           AAAA of 20000 names. iothnamed computes them, the others have them in their files
  hash expiring  the same; iothnamed keeps a PTR record of each for a second, and there are more than it can keep
  static         A of 20000 names of the file
  cached         A of 2000 names of the other server, each of which has been asked for before
  misses         A of names of the other server, none of which has been asked for before
  hash tcp       as hash, over 10 connections

Each round starts each server once for each load, and the order rotates. Figures: answers a second; processor time of
the server for an answer, which varies less than the rate if the machine has other work; latency at 2000 questions a
second; growth of the memory from the first quarter of the run to the end. A load whose questions are not answered, or
with another code than NOERROR, is an error.
"""

import os
import re
import statistics
import subprocess
import threading
import time

from servers import cpu, end

PACKAGES = "dnsperf unbound dnsmasq-base"
PROGRAMS = {"dnsperf": "dnsperf", "unbound": "unbound", "dnsmasq": "dnsmasq-base"}
OURS, UNBOUND, DNSMASQ = "iothnamed", "unbound", "dnsmasq"
SERVER, OTHER = "10.9.0.1", "10.9.0.2"
NAMES, CACHED, MISSES = 20000, 2000, 400000
FIGURES = {"names.rate": "more", "names.cpu": "less", "names.median": "less", "names.p99": "less", "names.growth": "less"}
# load -> its file of questions, and words for dnsperf. The targets are those beside unbound.
LOADS = {
    "hash": ("hash", []), "hash expiring": ("hash", []), "static": ("static", []), "cached": ("cached", []),
    "misses": ("misses", []), "hash tcp": ("hash", ["-m", "tcp", "-c", "10"]),
}
TARGETS = {("hash", "names.rate"): 0.5}
CPU_AT_MOST = {"hash": 20} # µs: 50 000 answers a second on one processor


def address(i):
    return "%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255)


class Names:
    def __init__(self, bench):
        self.bench = bench
        self.quick = bench.args.quick
        self.seconds = 1 if self.quick else 4
        self.dir = bench.fresh("names")
        self.here, self.there = "vsn-%d" % os.getpid(), "vsu-%d" % os.getpid()

    # -------------------------------------------------------------- files

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, lines):
        with open(self.path(name), "w") as f:
            f.write("\n".join(lines) + "\n")
        return self.path(name)

    def questions(self):
        self.write("hash", ("h%x.hash.lab AAAA" % i for i in range(NAMES)))
        self.write("static", ("s%x.static.lab A" % i for i in range(NAMES)))
        self.write("cached", ("c%x.up.lab A" % i for i in range(CACHED)))
        self.write("misses", ("m%x.up.lab A" % i for i in range(MISSES)))
        self.write("one", ["h0.hash.lab AAAA"])

    def iothnamed_file(self, load):
        lines = ["net all ::/0", "dns " + OTHER, "auth accept all", "auth hash all .hash.lab fd00:1::",
                 "auth static all .static.lab", "auth cache all .", "auth fwd all .", "option staticttl 3600",
                 "option hrevmode " + ("always" if load == "hash expiring" else "never"), "option hashttl 1", "option tcplistenbacklog 100"]
        return self.write("iothnamed.conf", lines + ["static A s%x.static.lab 10.%s" % (i, address(i)) for i in range(NAMES)])

    def unbound_file(self, name, at, lines):
        return self.write(name, [
            "server:", " interface: " + at, " do-ip6: no", " do-daemonize: no", ' username: ""', ' chroot: ""', ' pidfile: ""', " use-syslog: no",
            " directory: " + self.dir, " logfile: " + self.path(name + ".log"), " num-threads: 1", " access-control: 0.0.0.0/0 allow",
            ' module-config: "iterator"', " incoming-num-tcp: 100", " local-zone: hash.lab. static", " local-zone: static.lab. static"] + lines)

    def local_data(self):
        for i in range(NAMES):
            yield ' local-data: "h%x.hash.lab. 600 AAAA fd00:1::%x"' % (i, i)
            yield ' local-data: "s%x.static.lab. 3600 A 10.%s"' % (i, address(i))

    def dnsmasq_file(self):
        return self.write("dnsmasq.conf", [
            "no-resolv", "no-hosts", "bind-interfaces", "listen-address=" + SERVER, "server=" + OTHER, "cache-size=10000", "dns-forward-max=1000",
            "user=root", "pid-file", "local-ttl=600"] +
            ["host-record=h%x.hash.lab,fd00:1::%x" % (i, i) for i in range(NAMES)] +
            ["host-record=s%x.static.lab,10.%s" % (i, address(i)) for i in range(NAMES)])

    def files(self):
        os.mkdir(self.dir)
        self.questions()
        self.unbound_file("other.conf", OTHER, [" local-zone: up.lab. redirect", ' local-data: "up.lab. 3600 A 10.1.2.3"'])
        self.unbound_file("unbound.conf", SERVER, list(self.local_data()) + ["forward-zone:", ' name: "."', " forward-addr: " + OTHER])
        self.dnsmasq_file()

    # -------------------------------------------------------------- programs

    def command(self, side, load):
        return {
            OURS: lambda: [os.path.join(self.bench.build, "bin", "iothnamed"), self.iothnamed_file(load)],
            UNBOUND: lambda: ["unbound", "-c", self.path("unbound.conf")],
            DNSMASQ: lambda: ["dnsmasq", "-k", "-C", self.path("dnsmasq.conf")],
        }[side]()

    def start(self, namespace, processor, command):
        """The process itself: ip and taskset execute it."""
        with open(self.path("log"), "a") as log:
            return subprocess.Popen(["ip", "netns", "exec", namespace, "taskset", "-c", str(processor)] + command,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def dnsperf(self, file, *words):
        command = ["ip", "netns", "exec", self.there, "taskset", "-c", str(min(1, os.cpu_count() - 1)), "dnsperf", "-e", "-T", "1"]
        return subprocess.run(command + ["-d", self.path(file), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120, check=True).stdout

    def wait_for(self, address):
        deadline = time.monotonic() + 20
        while "Queries completed:    1 " not in self.dnsperf("one", "-s", address, "-n", 1, "-t", 1):
            if time.monotonic() > deadline:
                raise OSError("no name server answers at %s: %s" % (address, open(self.path("log")).read()[-300:]))
            time.sleep(0.1)

    # -------------------------------------------------------------- measurements

    @staticmethod
    def memory_kib(pid):
        with open("/proc/%d/status" % pid) as f:
            return int(re.search(r"^VmRSS:\s*(\d+)", f.read(), re.M).group(1))

    def memories(self, pid, stop, to):
        while not stop.wait(self.seconds / 20):
            to.append(self.memory_kib(pid))

    def rate(self, pid, file, words):
        stop, samples = threading.Event(), []
        sampler = threading.Thread(target=self.memories, args=(pid, stop, samples))
        before = cpu(pid)
        sampler.start()
        try:
            out = self.dnsperf(file, "-s", SERVER, "-l", self.seconds, *words)
        finally:
            stop.set()
            sampler.join()
        used = cpu(pid) - before
        answered = int(re.search(r"Queries completed:\s+(\d+)", out).group(1))
        lost = int(re.search(r"Queries lost:\s+(\d+)", out).group(1))
        codes = re.search(r"Response codes:\s+(.*)", out).group(1)
        if not re.fullmatch(r"NOERROR \d+ \(100\.00%\)", codes) or lost * 100 > answered:
            raise OSError("%d answers are missing, and codes are %s" % (lost, codes))
        return {"names.rate": float(re.search(r"Queries per second:\s+([0-9.]+)", out).group(1)), "names.cpu": used / answered * 1e6,
                "names.growth": max(samples[len(samples) // 4:]) - samples[len(samples) // 4]}

    def latency(self, file, words):
        out = self.dnsperf(file, "-s", SERVER, "-l", self.seconds / 2, "-Q", 2000, "-v", *words)
        times = sorted(float(m) * 1e6 for m in re.findall(r"^> NOERROR \S+ \S+ ([0-9.]+)$", out, re.M))
        if len(times) < 100:
            raise OSError("only %d answers have a time" % len(times))
        return {"names.median": statistics.median(times), "names.p99": times[len(times) * 99 // 100]}

    def measure(self, side, load):
        file, words = LOADS[load]
        process = self.start(self.here, 0, self.command(side, load))
        try:
            self.wait_for(SERVER)
            if load == "cached": # the first time each is asked for
                self.dnsperf(file, "-s", SERVER, "-n", 1, "-q", 20)
            figures = self.latency(file, words)
            if load == "misses": # the part of the file that has not been asked for
                with open(self.path(file)) as f:
                    lines = f.read().splitlines()
                file, words = "rest", ["-n", 1]
                self.write(file, lines[self.seconds * 2000:])
            figures.update(self.rate(process.pid, file, words))
            return figures
        finally:
            end(process)

    # -------------------------------------------------------------- all of it

    def compare(self, load, rounds, figure, other):
        bench, name, sides = self.bench, "names %s beside %s" % (load, other), (OURS, other)
        pairs = [(r[OURS][figure], r[other][figure]) for r in rounds if figure in r[OURS] and figure in r[other]]
        if pairs:
            bench.compare(name, figure, pairs, TARGETS.get((load, figure)) if other == UNBOUND else None, FIGURES[figure], sides)
        else:
            bench.record(name, figure, sides=sides, error=str([r[s].get("error") for r in rounds for s in sides]))

    def load(self, load):
        bench, sides, rounds = self.bench, [OURS, UNBOUND, DNSMASQ], []
        for i in range(bench.args.rounds):
            turn = sides[i % 3:] + sides[:i % 3]
            rounds.append({side: bench.attempt(lambda s=side: self.measure(s, load)) for side in turn})
        for other in (UNBOUND, DNSMASQ):
            for figure in FIGURES:
                self.compare(load, rounds, figure, other)
        values = [r[OURS]["names.cpu"] for r in rounds if "names.cpu" in r[OURS]]
        if load in CPU_AT_MOST and values:
            bench.record("names " + load, "names.cpu.at_most", sides=(OURS, "the target"), ours=statistics.median(values), values=values,
                         better="less", at_most=CPU_AT_MOST[load])

    def namespaces(self):
        for n in (self.here, self.there):
            subprocess.run(["ip", "netns", "add", n], check=True)
        commands = "link add eth0 netns {h} type veth peer name eth0 netns {t}\n"
        subprocess.run(["ip", "-batch", "-"], input=commands.format(h=self.here, t=self.there), text=True, check=True)
        for n, a in ((self.here, SERVER), (self.there, OTHER)):
            subprocess.run(["ip", "-n", n, "-batch", "-"], text=True, check=True,
                           input="addr add %s/24 dev eth0\nlink set lo up\nlink set eth0 up\n" % a)

    def everything(self):
        loads = [load for load in LOADS if self.bench.wanted("names " + load)]
        if not loads:
            return
        other = None
        try:
            self.files()
            self.namespaces()
            other = self.start(self.there, min(1, os.cpu_count() - 1), ["unbound", "-c", self.path("other.conf")])
            for load in loads:
                self.load(load)
        finally:
            if other is not None:
                end(other)
            for n in (self.here, self.there):
                subprocess.run(["ip", "netns", "del", n], capture_output=True)
