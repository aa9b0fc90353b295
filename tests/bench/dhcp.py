# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part "dhcp" of tests/bench/run: namedhcp4 and namedhcp beside Kea, measured by perfdhcp of Kea.

Two namespaces, joined by veth. In one the server that is measured, on the first processor; in the other perfdhcp and
the name server that ours asks, an unbound with local-data, on the second processor. perfdhcp plays a relay (IPv4) or
clients of the link (IPv6), and sends the option of the name (81 or 39), which Kea ignores in this configuration.

Kea assigns each client another address, and keeps its lease in memory; ours assigns all of them the address of the name.
So the work is not the same: the figures say what a client costs, and not which program is better written. The
processor time is that of the server, without that of the name server.

Figures: processor time for an exchange of four messages at 200 exchanges a second; the delay of an answer, mean over
both; and the largest rate, of some that are tried, at which less than one exchange in a hundred is lost. Programs
that have not been built are left out.
"""

import json
import os
import re
import subprocess
import time

from servers import cpu, end

PACKAGES = "kea-admin kea-dhcp4-server kea-dhcp6-server unbound"
PROGRAMS = {"kea": "kea-dhcp4-server"}
KEA = "Kea"
SERVER, OTHER = "10.9.0.1", "10.9.0.2"
SERVER6, OTHER6 = "fd00:9::1", "fd00:9::2"
WIRE = b"\4host\3lab\0".hex()
# family -> our program, words of perfdhcp
FAMILIES = {
    4: ("namedhcp4", ["-4", "-o", "81,050000" + WIRE, "-l", OTHER, SERVER]),
    6: ("namedhcp", ["-6", "-o", "39,01" + WIRE, "-l", "eth0", "all"]),
}
RATE, TRIED = 200, (500, 1000, 2000, 4000, 8000, 16000, 32000)
FIGURES = {"dhcp.cpu": "less", "dhcp.delay": "less", "dhcp.rate": "more"}


class Dhcp:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = 2 if bench.args.quick else 5
        self.dir = bench.fresh("dhcp")
        self.here, self.there = "vsd-%d" % os.getpid(), "vsc-%d" % os.getpid()

    def path(self, name):
        return os.path.join(self.dir, name)

    # -------------------------------------------------------------- programs

    def kea_file(self, family):
        subnet = {4: {"subnet": "10.9.0.0/16", "pools": [{"pool": "10.9.1.0-10.9.255.254"}]},
                  6: {"subnet": "fd00:9::/64", "interface": "eth0", "pools": [{"pool": "fd00:9::1:0-fd00:9::1:ffff"}]}}[family]
        kea = {"interfaces-config": {"interfaces": ["eth0"]}, "lease-database": {"type": "memfile", "persist": False}, "valid-lifetime": 3600,
               "subnet%d" % family: [subnet], "loggers": [{"name": "kea-dhcp%d" % family, "severity": "ERROR", "output_options": [{"output": "stderr"}]}]}
        if family == 6:
            kea["server-id"] = {"type": "LL", "persist": False}
        with open(self.path("kea%d.conf" % family), "w") as f:
            json.dump({"Dhcp%d" % family: kea}, f)
        return self.path("kea%d.conf" % family)

    def command(self, side, family):
        if side == KEA:
            return ["kea-dhcp%d" % family, "-c", self.kea_file(family)]
        words = {4: ["--serverid", SERVER, "--nameserver", OTHER], 6: ["--nameserver", OTHER6, "--duidfile", self.path("duid")]}[family]
        return [self.program(family), "--iface", "eth0"] + words

    def program(self, family):
        return os.path.join(self.bench.build, "bin", FAMILIES[family][0])

    def start(self, namespace, processor, command):
        """The process itself: ip and taskset execute it."""
        env = dict(os.environ, KEA_PIDFILE_DIR=self.dir, KEA_LOCKFILE_DIR="none")
        with open(self.path("log"), "a") as log:
            return subprocess.Popen(["ip", "netns", "exec", namespace, "taskset", "-c", str(processor)] + command, env=env,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    # -------------------------------------------------------------- measurements

    def perfdhcp(self, family, rate, seconds):
        """Exchanges that were completed, the share that was lost, and the mean delay of an answer in ms."""
        command = ["ip", "netns", "exec", self.there, "taskset", "-c", str(min(1, os.cpu_count() - 1)), "perfdhcp", "-r", str(rate), "-R", "50000",
                   "-p", str(seconds), "-W", "500000", "-d", "2"] + FAMILIES[family][1]
        # Its status is 3 if something was lost.
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60 + seconds).stdout
        sent, received = re.findall(r"^sent packets: (\d+)", out, re.M), re.findall(r"^received packets: (\d+)", out, re.M)
        delays = [float(d) for d in re.findall(r"^avg delay: ([0-9.]+) ms", out, re.M)]
        if len(sent) != 2 or len(received) != 2 or int(sent[0]) == 0:
            raise OSError("perfdhcp: " + out[-300:])
        completed = int(received[1])
        return completed, 1 - completed / int(sent[0]), sum(delays) / len(delays) if delays else None

    def wait_for(self, family):
        deadline, why = time.monotonic() + 20, "nothing came"
        while True:
            try:
                if self.perfdhcp(family, 10, 1)[0] > 0:
                    return
            except OSError as e: # the interface may not be up, too
                why = str(e)
                time.sleep(0.2)
            if time.monotonic() > deadline:
                with open(self.path("log")) as log:
                    raise OSError("no DHCP server answers: %s; it said: %s" % (why, log.read()[-300:]))

    def measure(self, side, family):
        process = self.start(self.here, 0, self.command(side, family))
        try:
            self.wait_for(family)
            before = cpu(process.pid)
            completed, lost, delay = self.perfdhcp(family, RATE, self.seconds)
            if lost > 0.1: # not by a moment in which another program had the processor
                raise OSError("%.0f %% of the exchanges are lost at %d a second" % (lost * 100, RATE))
            figures = {"dhcp.cpu": (cpu(process.pid) - before) / completed * 1e6, "dhcp.delay": delay, "dhcp.rate": RATE}
            for rate in TRIED:
                completed, lost, _ = self.perfdhcp(family, rate, 2)
                if lost > 0.01 or completed / 2 < figures["dhcp.rate"]:
                    break
                figures["dhcp.rate"] = completed / 2
            return figures
        finally:
            end(process)

    # -------------------------------------------------------------- all of it

    def family(self, family):
        bench, ours, rounds = self.bench, FAMILIES[family][0], []
        for i in range(bench.args.rounds):
            turn = (ours, KEA) if i % 2 == 0 else (KEA, ours)
            rounds.append({side: bench.attempt(lambda s=side: self.measure(s, family)) for side in turn})
        name, sides = "dhcp IPv%d" % family, (ours, KEA)
        for figure, better in FIGURES.items():
            pairs = [(r[ours][figure], r[KEA][figure]) for r in rounds if figure in r[ours] and figure in r[KEA]]
            if pairs:
                bench.compare(name, figure, pairs, None, better, sides)
            else:
                bench.record(name, figure, sides=sides, error=str([r[s].get("error") for r in rounds for s in sides]))

    def namespaces(self):
        for n in (self.here, self.there):
            subprocess.run(["ip", "netns", "add", n], check=True)
            # No duplicate address detection: addresses can be used at once.
            subprocess.run(["ip", "netns", "exec", n, "sh", "-c", "for c in all default; do echo 0 >/proc/sys/net/ipv6/conf/$c/accept_dad; done"],
                           check=True)
        subprocess.run("ip link add eth0 netns %s type veth peer name eth0 netns %s" % (self.here, self.there), shell=True, check=True)
        for n, a, b in ((self.here, SERVER, SERVER6), (self.there, OTHER, OTHER6)):
            subprocess.run(["ip", "-n", n, "-batch", "-"], text=True, check=True,
                           input="addr add %s/16 dev eth0\naddr add %s/64 dev eth0\nlink set lo up\nlink set eth0 up\n" % (a, b))

    def name_server(self):
        lines = ["server:", " interface: " + OTHER, " interface: " + OTHER6, " do-daemonize: no", ' username: ""', ' chroot: ""', ' pidfile: ""',
                 " use-syslog: no", " access-control: 0.0.0.0/0 allow", " access-control: ::/0 allow", ' module-config: "iterator"',
                 " local-zone: lab. static", ' local-data: "host.lab. 600 A 10.9.1.1"', ' local-data: "host.lab. 600 AAAA fd00:9::1:1"']
        with open(self.path("unbound.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")
        return self.start(self.there, min(1, os.cpu_count() - 1), ["unbound", "-c", self.path("unbound.conf")])

    def everything(self):
        families = [f for f in FAMILIES if self.bench.wanted("dhcp IPv%d" % f) and os.path.exists(self.program(f))]
        if not families:
            return
        names = None
        try:
            os.mkdir(self.dir)
            self.namespaces()
            names = self.name_server()
            for f in families:
                self.family(f)
        finally:
            if names is not None:
                end(names)
            for n in (self.here, self.there):
                subprocess.run(["ip", "netns", "del", n], capture_output=True)
