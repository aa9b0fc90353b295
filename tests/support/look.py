# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of the commands of the tool that look at programs with stacks (world.c). The command line of the test
# is CASE VDESTACK-PROGRAM WORLD-PROGRAM.

import json
import os
import re
import subprocess
import sys
import time

case, tool, world = sys.argv[1:]
PATIENCE_S = 30
HOSTILE = "e\033[2J<\"&\\"


def fail(what):
    sys.exit(f"{case}: {what}")


def check(true, what):
    if not true:
        fail(what)


def await_true(what, function):
    end = time.monotonic() + PATIENCE_S
    while True:
        result = function()
        if result:
            return result
        check(time.monotonic() < end, f"never: {what}")
        time.sleep(0.02)


class World:
    """A program with stacks. It is listed when this returns."""

    def __init__(self, name, *configs):
        self.process = subprocess.Popen([world, name, *configs], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        check(self.process.stdout.readline() == b"ready\n", f"{name} has no stacks")
        self.pid = self.process.pid
        self.names = [re.search(r"\bname=(\S+)", config) for config in configs]
        await_true("listed", self.is_listed)

    def is_listed(self):
        names = [match.group(1) if match else "" for match in self.names]
        return [stack["name"] for stack in stacks_of(self)] == names

    def end(self):
        self.process.stdin.close()
        check(self.process.wait() == 0, "the program has failed")


def run(*args, status=0, **options):
    done = subprocess.run([tool, *map(str, args)], capture_output=True, timeout=PATIENCE_S, **options)
    check(done.returncode == status, f"{args}: status {done.returncode}, {done.stderr}")
    return done.stdout.decode()


def complaint(*args, status):
    done = subprocess.run([tool, *map(str, args)], capture_output=True, timeout=PATIENCE_S)
    check(done.returncode == status, f"{args}: status {done.returncode}, {done.stderr}")
    return done.stderr.decode()


def listing(*options):
    return json.loads(run("list", "--json", *options))


def stacks_of(program, *options):
    return [stack for stack in listing(*options)["stacks"] if stack["pid"] == program.pid]


def send_from(program, stack):
    code = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); "
            "[s.sendto(bytes(900), ('10.0.0.255', 9)) for i in range(100)]")
    run("exec", f"{program.pid}:{stack}", "--", sys.executable, "-I", "-c", code)
