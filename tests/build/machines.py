# SPDX-License-Identifier: LGPL-2.1-or-later
"""machines.py DOCUMENT TOOL: does what a reader of docs/machines.md does on two machines.

In a block "```console" a line "a$ COMMAND" is a command on machine A and "b$ COMMAND" one on machine B; the lines
behind a command are its output. A command that ends with "&" goes on until the end of the block. Each block has two
new machines: network namespaces with a cable, 192.0.2.1 and 192.0.2.2. Both see one directory in place of /tmp.

A person waits until a server is ready. So a command is tried again until its output is that of the document, or the
deadline has passed. Exit status 77: this cannot run here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 40
AGAIN_S = 0.2
BLOCKS = 3  # at least; fewer are a mistake in this script or in the document


class Machine:
    """A network namespace, which lasts as long as its process."""

    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.started = []

    def words(self, *argv):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *argv]

    def plug(self, cable, address):
        for text in ("link set lo up", f"link set {cable} up", f"addr add {address}/24 dev {cable}",
                     f"route add 224.0.0.0/4 dev {cable}"):
            subprocess.run(self.words("ip", *text.split()), check=True)

    def start(self, command, log):
        """Without a shell in between: a signal is for the command."""
        self.started.append(subprocess.Popen(self.words("bash", "-c", "exec " + command), stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log))

    def run(self, command, log):
        done = subprocess.run(self.words("bash", "-o", "pipefail", "-c", command), stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=log, text=True, timeout=DEADLINE_S)
        return done.returncode, done.stdout

    def end(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait(DEADLINE_S)
        self.holder.stdin.close()
        self.holder.wait(DEADLINE_S)


def commands(block):
    """The commands of a block: machine, command, output."""
    found = []
    for line in block.splitlines():
        match = re.match(r"([ab])\$ (.*)", line)
        if match:
            found.append((match[1], match[2], []))
        else:
            found[-1][2].append(line + "\n")
    return [(machine, command, "".join(output)) for machine, command, output in found]


def follow(machines, block, log):
    """Does what a block says. Returns what is wrong; None: nothing."""
    for name, command, output in commands(block):
        machine = machines[name]
        if command.endswith("&"):
            machine.start(command.removesuffix("&"), log)
            continue
        end = time.monotonic() + DEADLINE_S
        while (got := machine.run(command, log)) != (0, output):
            if time.monotonic() > end:
                return f"{name}$ {command}\nstatus and output {got} instead of {(0, output)}"
            time.sleep(AGAIN_S)
    return None


def one(block, text_log):
    a, b = Machine("a"), Machine("b")
    try:
        subprocess.run(a.words("ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns",
                               str(b.holder.pid)), check=True)
        a.plug("cable0", "192.0.2.1")
        b.plug("cable1", "192.0.2.2")
        with open(text_log, "ab") as log:
            return follow({"a": a, "b": b}, block, log)
    finally:
        a.end()
        b.end()


def all_blocks(document, tool):
    os.environ["PATH"] = os.path.dirname(tool) + ":" + os.environ["PATH"]
    with open(document, encoding="utf-8") as f:
        blocks = re.findall(r"^```console\n(.*?)^```$", f.read(), re.M | re.S)
    if len(blocks) < BLOCKS:
        sys.exit(f"{document} has only {len(blocks)} blocks of commands")
    for block in blocks:
        tmp = tempfile.mkdtemp(prefix="m", dir=os.environ.get("VDESTACK_TEST_TMP", "/tmp"))
        log = os.path.join(tmp, "log")
        try:
            wrong = one(block.replace("/tmp/", tmp + "/"), log)
            if wrong:
                with open(log, encoding="utf-8", errors="replace") as f:
                    sys.exit(wrong + "\n" + f.read())
        finally:
            shutil.rmtree(tmp)
    print(f"{len(blocks)} blocks of commands")


def main():
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    if os.environ.get("MACHINES_NAMESPACE") == "own":
        all_blocks(*sys.argv[1:3])
    elif subprocess.run([*own, "true"], check=False).returncode != 0:
        print("this user cannot make network namespaces", file=sys.stderr)
        sys.exit(77)
    else:
        os.environ["MACHINES_NAMESPACE"] = "own"
        os.execvp(own[0], [*own, sys.executable, "-B", *sys.argv])


main()
