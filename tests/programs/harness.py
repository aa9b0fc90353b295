# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests with unmodified programs share.

A case is a function of a file of this folder. It gets a Case, which knows the engine:

    @case
    def a_client_gets_a_page(c):
        net = c.network()
        web = c.start(net, "10.0.0.1", ["nginx", ...])
        c.listens(80)
        c.equal(c.client(net, ["curl", "-s", "http://10.0.0.1/"]), "hello")
        c.terminate(web)

Each program has a stack of its own, made by `vdestack run`. The networks are those of a vde_switch, so that
programs of different runs meet. Nothing waits for a time to pass: wait() repeats a check until it holds, and fails
at its deadline.

The host's network stays free of the program: hosts_sockets() takes each internet socket of each process of the
case out of the process by pidfd_getfd(2), and compares the cookie of its network namespace with that of this
process. Two times are checked: when the case asks for a port with listens(), and with each client().

After the case nothing may be left: neither a process of the program, nor a supervisor or keeper.
"""

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

DEADLINE_S = 30
SKIPPED = 77
SO_NETNS_COOKIE = 71
SYS_PIDFD_GETFD = 438
SIOCGSKNS = 0x894C
NS_GET_USERNS = 0xB701
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
INTERNET = (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET)
OURS = ("vdestack-run", "vdestack-keeper", "vdestack-owner", "vde_switch")

libc = ctypes.CDLL(None, use_errno=True)
cases = {}


class Failure(Exception):
    """A case has failed."""


def case(function):
    """Makes a function a case."""
    cases[function.__name__] = function
    return function


class Process:
    """A process of the case, from /proc."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            text = f.read()
        self.name = text[text.index("(") + 1 : text.rindex(")")]
        state, parent = text[text.rindex(")") + 2 :].split()[:2]
        self.zombie = state == "Z"
        self.parent = int(parent)

    def sockets(self):
        """The internet sockets of the process, as copies."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            return []
        found = []
        try:
            for number in os.listdir(f"/proc/{self.pid}/fd"):
                try:
                    if not os.readlink(f"/proc/{self.pid}/fd/{number}").startswith("socket:"):
                        continue
                except OSError:
                    continue  # closed meanwhile
                fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(number), 0)
                if fd < 0:
                    continue
                sock = socket.socket(fileno=fd)
                if sock.family in INTERNET:
                    found.append(sock)
                else:
                    sock.close()
        except OSError:
            pass  # ended meanwhile
        finally:
            os.close(pidfd)
        return found


def cookie(sock):
    return sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)


class Case:
    """What a case works with."""

    def __init__(self, tool, engine, built):
        self.tool = tool
        self.engine = engine
        self.built = built  # the folder of programs that are compiled for these tests
        self.tmp = os.environ.get("VDESTACK_TEST_TMP", os.getcwd())
        self.root = os.geteuid() == 0
        self.started = []
        self.switches = []
        self.logs = []
        self.clients = 0
        with socket.socket() as mine:
            self.host = cookie(mine)
        self.above = os.getppid()  # the wrapper, which gets the orphans

    # ------------------------------------------------------------------ checks

    def skip(self, why):
        print(why, file=sys.stderr)
        sys.exit(SKIPPED)

    def need(self, *programs):
        for program in programs:
            if shutil.which(program) is None:
                self.skip(f"there is no {program}")

    def check(self, holds, what):
        if not holds:
            raise Failure(what)

    def equal(self, is_, wanted, what="the answer"):
        if is_ != wanted:
            raise Failure(f"{what} is {is_!r}, not {wanted!r}")

    def contains(self, text, wanted):
        if wanted not in text:
            raise Failure(f"{wanted!r} is not in {text!r}")

    def wait(self, check, what):
        """Repeats check() until it returns something true, and returns that."""
        end = time.monotonic() + DEADLINE_S
        while True:
            result = check()
            if result:
                return result
            for process, words in self.started:
                if process.poll() is not None and process.returncode == 125:
                    raise Failure(f"{words}: the run failed")
            if time.monotonic() > end:
                raise Failure(f"never: {what}")
            time.sleep(0.02)

    # ------------------------------------------------------------------ files

    def path(self, name):
        return os.path.join(self.tmp, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def folder(self, name):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        return path

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def number(self, name):
        """The number in a file, such as a process number; 0 until it is there."""
        text = self.read(name).strip()
        return int(text) if text.isdigit() else 0

    # ------------------------------------------------------------------ networks and runs

    def network(self, *options):
        """The locator of a new network, a switch. With "-hub" each stack receives each frame."""
        self.need("vde_switch")
        path = self.path(f"net{len(self.switches)}")
        switch = subprocess.Popen(
            ["vde_switch", "-s", path, "-m", "666", *options],
            stdin=subprocess.PIPE,  # it ends at the end of its input
            stdout=subprocess.DEVNULL,
        )
        self.switches.append(switch)
        self.wait(lambda: os.path.exists(os.path.join(path, "ctl")), "the switch")
        return f"vde://{path}"

    def unplug(self, index):
        """The network is gone, for good."""
        switch = self.switches[index]
        switch.kill()
        switch.wait()
        switch.stdin.close()

    def words(self, config, argv, options=()):
        engine = ["--any"] if self.engine == "supervise" else ["--engine=preload", "--require"]
        return [self.tool, "run", *engine, *options, *config.split(), "--", *argv]

    def stack(self, net, address):
        """The configuration of a stack, on a network or on some: an address for each."""
        nets = [net] if isinstance(net, str) else net
        addresses = address.split()
        return " ".join(f"vnl={n} ip={a}/24" for n, a in zip(nets, addresses))

    def start(self, net, address, argv, options=(), **popen):
        """Starts a program in a stack of its own. The result is the program itself: a run executes it in place."""
        self.need(argv[0])
        return self.start_run(self.stack(net, address), argv, options, **popen)

    def start_run(self, config, argv, options=(), **popen):
        log = self.path(f"log{len(self.logs)}")
        self.logs.append(log)
        with open(log, "wb") as out:
            popen = {"stdin": subprocess.DEVNULL, "stdout": out, **popen}
            process = subprocess.Popen(
                self.words(config, argv, options), stderr=out,
                start_new_session=True,  # some servers signal their process group
                **popen,
            )
        self.started.append((process, " ".join(argv)))
        return process

    def client(self, net, argv, address=None, **more):
        """Runs a program in another stack of the network until its end. Its output is returned."""
        self.clients += 1
        return self.client_run(self.stack(net, address or f"10.0.0.{200 + self.clients}"), argv, **more)

    def client_run(self, config, argv, status=0, options=(), **popen):
        self.need(argv[0])
        done = subprocess.run(
            self.words(config, argv, options),
            **({} if "input" in popen else {"stdin": subprocess.DEVNULL}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_S * 2,
            text=True,
            check=False,
            **popen,
        )
        if done.returncode != status:
            raise Failure(f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
        self.not_on_the_host()
        return done.stdout

    # ------------------------------------------------------------------ captures

    def capture(self, net, address):
        """tcpdump in a stack of its own on a network with a hub: the file that gets a line for each packet."""
        self.start(net, address, ["tcpdump", "-n", "-l", "-i", "vde0", "udp or tcp", *(["-Z", "root"] * self.root)])
        log = os.path.basename(self.logs[-1])
        self.logged("listening on", log)
        return log

    def private_host(self):
        """The host's network is one of this case alone. Its loopback interface is up. To be called first."""
        user, group = os.geteuid(), os.getegid()
        if libc.unshare(CLONE_NEWNET | (0 if self.root else CLONE_NEWUSER)) < 0:
            raise OSError(ctypes.get_errno(), "unshare")
        if not self.root:
            for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                    f.write(text)
        with socket.socket() as mine:
            self.host = cookie(mine)
            up = struct.pack("16sh14x", b"lo", 1)
            fcntl.ioctl(mine, 0x8914, up)  # SIOCSIFFLAGS, IFF_UP

    def host_capture(self):
        """A packet socket at lo of a private host. It has proved that it receives."""
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        seen.bind(("lo", 0))
        seen.settimeout(DEADLINE_S)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.sendto(b"proof", ("127.0.0.1", 9))
        self.contains(seen.recv(2000), b"proof")
        seen.setblocking(False)
        return seen

    def captured(self, seen, port):
        """The packets with this port that a host_capture() has."""
        found = []
        while True:
            try:
                packet = seen.recv(2000)
            except BlockingIOError:
                return found
            if port in struct.unpack("!HH", packet[20:24]):
                found.append(packet)

    # ------------------------------------------------------------------ processes and sockets

    def processes(self):
        """All processes of the case, this one and what serves it excluded."""
        table = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    process = Process(int(entry))
                except (OSError, ValueError):
                    continue
                table[process.pid] = process
        mine = os.getpid()
        found = []
        for process in table.values():
            above = process
            while above is not None and above.pid not in (mine, self.above):
                above = table.get(above.parent)
            if above is not None and process.pid not in (mine, self.above):
                found.append(process)
        return found

    def programs(self):
        return [p for p in self.processes() if p.name not in OURS and not p.zombie]

    def named(self, name):
        return [p for p in self.programs() if p.name == name]

    def not_on_the_host(self):
        for process in self.programs():
            for sock in process.sockets():
                with sock:
                    if cookie(sock) == self.host:
                        raise Failure(f"{process.name} has a socket of the host's network: {sock}")

    def listeners(self, port, kind=socket.SOCK_STREAM):
        """The processes that serve a port, by process number."""
        found = set()
        for process in self.programs():
            for sock in process.sockets():
                with sock:
                    if sock.type != kind or sock.family == socket.AF_PACKET:
                        continue
                    if kind == socket.SOCK_STREAM and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                        continue
                    if sock.getsockname()[1] == port:
                        found.add(process.pid)
        return found

    def listens(self, port, kind=socket.SOCK_STREAM):
        """Waits until some process serves the port."""
        found = self.wait(lambda: self.listeners(port, kind), f"a server at port {port}")
        self.not_on_the_host()
        return found

    def listens_udp(self, port):
        return self.listens(port, socket.SOCK_DGRAM)

    def logged(self, text, name=None):
        """Waits until the text is in a file, by default in one of the outputs of the programs."""
        files = [name] if name is not None else self.logs
        self.wait(lambda: any(text in self.read(f) for f in files), f"{text!r} in {files}")

    def gone(self, pid):
        """Waits until a process has ended."""
        self.wait(lambda: all(p.pid != pid or p.zombie for p in self.processes()), f"end of {pid}")

    def terminate(self, process, signal_=signal.SIGTERM, status=None):
        """Ends a program. Its exit status is checked if one is wanted."""
        process.send_signal(signal_)
        self.ends(process, status)

    def ends(self, process, status=0):
        """Waits until a program has ended. Its exit status is checked if one is wanted."""
        process.wait(DEADLINE_S)
        if status is not None:
            self.equal(process.returncode, status, "the exit status")

    def in_stack_of(self, pid, argv):
        """Runs a program in the network namespace of a socket of a process."""
        sock = self.wait(lambda: next(iter(Process(pid).sockets()), None), "a socket")
        with sock:
            network = libc.ioctl(sock.fileno(), SIOCGSKNS)
        self.check(network >= 0, "the namespace of the socket is known")
        user = libc.ioctl(network, NS_GET_USERNS)
        inside = None if self.root else user

        def enter():
            if inside is not None and libc.setns(inside, 0) < 0:
                os._exit(120)
            if libc.setns(network, 0) < 0:
                os._exit(121)

        done = subprocess.run(argv, preexec_fn=enter, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=DEADLINE_S, check=False)
        os.close(network)
        self.equal(done.returncode, 0, f"the status of {argv}: {done.stdout}")
        return done.stdout

    def exec_in(self, process, argv):
        """Runs a program by `vdestack exec` in the stack of a started program. It may configure the stack."""
        done = subprocess.run([self.tool, "exec", str(process.pid), "--", *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S, check=False)
        self.equal(done.returncode, 0, f"the status of {argv}: {done.stdout}")
        return done.stdout

    def line(self, process):
        """A line of the output of a started program with pipes. For that reason it has no buffer."""
        text = b""
        while not text.endswith(b"\n"):
            if not select.select([process.stdout], [], [], DEADLINE_S * 2)[0]:
                raise Failure(f"no line after {text}")
            byte = os.read(process.stdout.fileno(), 1)
            if not byte:
                raise Failure(f"the output ends after {text}")
            text += byte
        return text.decode().strip()

    @contextlib.contextmanager
    def host_listener(self):
        """A server of the host at 127.0.0.1: its port, and a call that says whether a client has come."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)

            def accepted():
                try:
                    server.accept()[0].close()
                except BlockingIOError:
                    return False
                return True

            yield server.getsockname()[1], accepted

    # ------------------------------------------------------------------ the end

    def finish(self):
        """Ends what runs. Then no process may be left."""
        for process, _ in self.started:
            if process.poll() is None:
                process.terminate()
        for process, words in self.started:
            try:
                process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired as late:
                raise Failure(f"{words} does not end") from late
        self.wait(lambda: not self.left(), f"no process is left: {[(p.pid, p.name) for p in self.left()]}")
        for switch in self.switches:
            if switch.poll() is None:
                switch.terminate()
                switch.wait(DEADLINE_S)
                switch.stdin.close()

    def left(self):
        return [p for p in self.processes() if not p.zombie and p.name != "vde_switch"]

    def abandon(self):
        """After a failure: the outputs, and the end of all processes."""
        for log in self.logs:
            print(f"--- {os.path.basename(log)}: {self.read(log)[-3000:]}", file=sys.stderr)
        print("--- processes:", [(p.pid, p.name) for p in self.processes()], file=sys.stderr)
        for process in self.processes():
            if process.name != "vdestack-keeper":
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


def main():
    """harness: FILE.py CASE ENGINE VDESTACK-PROGRAM BUILD-DIR"""
    name, engine, tool, built = sys.argv[1:5]
    c = Case(tool, engine, built)
    try:
        cases[name](c)
        c.finish()
    except (Failure, subprocess.TimeoutExpired, OSError) as failure:
        print(f"failed: {failure}", file=sys.stderr)
        c.abandon()
        sys.exit(1)
