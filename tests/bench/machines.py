#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast networks between two machines are, beside what the kernel has for that; for docs/machines.md.

    tests/bench/machines.py --build DIR [--seconds N] [--rounds N]

As root. DIR is a build directory with bin/vdestack. The machines are two network namespaces with a cable (veth, MTU
1500), so no network card limits anything: the figures compare the ways, they do not foretell a real network.

In each round iperf3 sends TCP from one machine to the other once on each way, and the order rotates. The ways:

  cable             no tunnel: the machines themselves
  kernel vxlan      a vxlan device of the kernel on each machine, in the machine's network
  kernel vxlan, tap the same with a bridge and a stack on tap:// on each machine
  vxvde, udp        stacks on these plugins, with the MTU of docs/machines.md
  agno in ...       the same, encrypted
  ptp, one machine  two stacks on one machine

Prints for each way the median of all rounds, and the median of its ratios to "kernel vxlan" and to "ptp, one machine"
in the same round.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 20
NEAR, FAR = "192.0.2.1", "192.0.2.2"
UDP = "udp://{0}:4001->{1}:4001"


class Machine:
    """A network namespace; it lasts as long as its process."""

    def __init__(self, address):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.address = address

    def words(self, *argv):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *argv]

    def run(self, text):
        subprocess.run(self.words(*text.split()), check=True)

    def plug(self, cable):
        self.run("ip link set lo up")
        self.run(f"ip link set {cable} up")
        self.run(f"ip addr add {self.address}/24 dev {cable}")
        self.run(f"ip route add 224.0.0.0/4 dev {cable}")

    def end(self):
        self.holder.stdin.close()
        self.holder.wait(DEADLINE_S)


class Bench:
    def __init__(self, args):
        self.args = args
        self.tool = os.path.join(args.build, "bin", "vdestack")
        self.tmp = tempfile.mkdtemp(prefix="machines-")
        self.key = os.path.join(self.tmp, "key")
        with open(self.key, "w", encoding="ascii") as f:
            f.write("0123456789abcdef0123456789abcdef\n")
        self.a, self.b = Machine(NEAR), Machine(FAR)
        self.a.run(f"ip link add cable0 type veth peer name cable1 netns {self.b.holder.pid}")
        self.a.plug("cable0")
        self.b.plug("cable1")

    # ------------------------------------------------------------------ one measurement

    def iperf3(self, server, client, address):
        """Gbit/s at the receiver. server, client: the words before iperf3."""
        with subprocess.Popen([*server, "iperf3", "-s", "-1", "--forceflush"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as serving:
            try:
                for line in serving.stdout: # it has no line before it listens
                    if "listening" in line:
                        break
                done = subprocess.run([*client, "iperf3", "-J", "-c", address, "-t", str(self.args.seconds)], check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                      timeout=self.args.seconds + DEADLINE_S)
                end = json.loads(done.stdout).get("end", {})
                return end["sum_received"]["bits_per_second"] / 1e9 if "sum_received" in end else 0.0
            finally:
                self.await_end(serving)

    @staticmethod
    def await_end(process):
        """It ends with its client. Where there was no client, it is killed."""
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()

    def stack(self, machine, locator, mtu, address):
        return machine.words(self.tool, "run", f"vnl={locator}", f"mtu={mtu}", f"ip={address}/24", "--")

    def stacks(self, near, far, mtu, machine=None):
        return self.iperf3(self.stack(machine or self.b, far, mtu, "10.0.0.2"), self.stack(self.a, near, mtu, "10.0.0.1"),
                           "10.0.0.2")

    # ------------------------------------------------------------------ the ways

    def cable(self):
        return self.iperf3(self.b.words(), self.a.words(), FAR)

    def vxlan_devices(self):
        for machine, other, cable in ((self.a, self.b, "cable0"), (self.b, self.a, "cable1")):
            machine.run(f"ip link add vx type vxlan id 7 remote {other.address} dstport 4789 dev {cable}")
            machine.run("ip link set vx up")

    def remove(self, *devices):
        for machine in (self.a, self.b):
            for device in devices:
                machine.run(f"ip link del {device}")

    def kernel_vxlan(self):
        self.vxlan_devices()
        self.a.run("ip addr add 10.0.0.1/24 dev vx")
        self.b.run("ip addr add 10.0.0.2/24 dev vx")
        try:
            return self.iperf3(self.b.words(), self.a.words(), "10.0.0.2")
        finally:
            self.remove("vx")

    def vxlan_tap(self):
        self.vxlan_devices()
        for machine in (self.a, self.b):
            machine.run("ip link add bridge0 type bridge")
            machine.run("ip link set vx master bridge0")
            machine.run("ip link set bridge0 up")
            machine.run("ip tuntap add dev port mode tap")
            machine.run("ip link set port master bridge0 up")
        try:
            return self.stacks("tap://port", "tap://port", 1450)
        finally:
            self.remove("port", "bridge0", "vx")

    def vxvde(self):
        return self.stacks("vxvde://239.1.2.3", "vxvde://239.1.2.3", 1450)

    def udp(self):
        return self.stacks(UDP.format(NEAR, FAR), UDP.format(FAR, NEAR), 1458)

    def agno_vxvde(self):
        locator = "agno://%s{vxvde://239.1.2.3}" % self.key
        return self.stacks(locator, locator, 1424)

    def agno_udp(self):
        return self.stacks("agno://%s{%s}" % (self.key, UDP.format(NEAR, FAR)),
                           "agno://%s{%s}" % (self.key, UDP.format(FAR, NEAR)), 1440)

    def ptp(self):
        locator = "ptp://" + os.path.join(self.tmp, "ptp%d" % time.monotonic_ns())
        return self.stacks(locator, locator, 1500, self.a)

    # ------------------------------------------------------------------ all of them

    def everything(self):
        ways = {"cable": self.cable, "kernel vxlan": self.kernel_vxlan, "kernel vxlan, tap": self.vxlan_tap,
                "vxvde": self.vxvde, "udp": self.udp, "agno in vxvde": self.agno_vxvde, "agno in udp": self.agno_udp,
                "ptp, one machine": self.ptp}
        rounds = []
        for i in range(self.args.rounds):
            names = list(ways)
            names = names[i % len(names):] + names[:i % len(names)]
            rounds.append({name: ways[name]() for name in names})
            print(f"round {i + 1}: " + ", ".join(f"{n} {v:.2f}" for n, v in rounds[-1].items()), file=sys.stderr)
        print("| way | Gbit/s | to kernel vxlan | to ptp |\n| --- | --- | --- | --- |")
        for name in ways:
            ratios = [[r[name] / r[other] for r in rounds if r[other] > 0] for other in ("kernel vxlan", "ptp, one machine")]
            print(f"| {name} | {statistics.median(r[name] for r in rounds):.2f} | " +
                  " | ".join(f"{statistics.median(r):.2f}" if r else "-" for r in ratios) + " |")

    def end(self):
        self.a.end()
        self.b.end()
        shutil.rmtree(self.tmp)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    bench = Bench(parser.parse_args())
    try:
        bench.everything()
    finally:
        bench.end()


main()
