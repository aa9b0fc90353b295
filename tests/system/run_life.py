#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     run_life.py CASE ENGINE VDESTACK-PROGRAM BUILD-DIR
#
# What service managers, shells and servers rely on from start to end of a program, in `vdestack run`.

import array
import errno
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
from harness import DEADLINE_S, OURS, Failure, case, cookie, libc, main

PR_SET_CHILD_SUBREAPER = 36
CONFIG = "vnl=inproc://lan"

# What the programs below begin with. A cookie is the number of a socket's network.
PREFIX = """
import array, os, signal, socket, sys
def cookie(s): return s.getsockopt(socket.SOL_SOCKET, 71, 8).hex()
def say(*words): print(*words, flush=True)
"""


def python(code, *args):
    return [sys.executable, "-I", "-c", PREFIX + code, *map(str, args)]


def talks(c, code, *args, config=CONFIG, **more):
    """Starts a program of Python whose input and output are pipes."""
    return c.start_run(config, python(code, *args), stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)


def tell(process, line):
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def ours(c, name):
    return [p for p in c.processes() if p.name == name and not p.zombie]


def a_client_of_the_host(port):
    """A connection from the host's network to a port of it."""
    return socket.create_connection(("127.0.0.1", port), DEADLINE_S)


# ---------------------------------------------------------------- descriptors from outside


@case
def a_listener_of_the_service_manager_stays_in_its_network(c):
    """LISTEN_FDS and LISTEN_PID, as systemd.socket(5) sets them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = os.dup(listener.fileno())

        words = c.words(CONFIG, python("""
say("number", os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_FDS"], os.getpid())
listener = socket.socket(fileno=3)
say("listener", cookie(listener), listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
client = listener.accept()[0]
say("client", cookie(client))
client.sendall(b"served")
client.close()
say("own", cookie(socket.socket()))
"""))
        # In between, a process that becomes the command and knows its own number.
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
""", str(given), *words], pass_fds=(given,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        os.close(given)
        c.started.append((process, "the service"))
        mine = cookie(listener).hex()
        c.equal(c.line(process), f"number True 1 {process.pid}")
        c.equal(c.line(process), f"listener {mine} 1")
        with a_client_of_the_host(port) as client:
            c.equal(c.line(process), f"client {mine}")
            c.equal(client.recv(100), b"served")
        own = c.line(process)
        c.check(own.startswith("own ") and mine not in own, f"the program has a socket of the host: {own}")
        c.ends(process)


@case
def a_socket_that_is_received_stays_in_its_network(c):
    """SCM_RIGHTS, in both directions."""
    outside, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with outside, inside, socket.create_server(("127.0.0.1", 0)) as listener:
        outside.settimeout(DEADLINE_S)
        mine = cookie(listener).hex()
        process = talks(c, """
door = socket.socket(fileno=int(sys.argv[1]))
listener = socket.socket(fileno=socket.recv_fds(door, 100, 1)[1][0])
say("received", cookie(listener))
client = listener.accept()[0]
say("client", cookie(client))
client.sendall(b"served")
own = socket.socket()
say("own", cookie(own))
socket.send_fds(door, [b"x"], [own.fileno()])
sys.stdin.readline()
""", inside.fileno(), pass_fds=(inside.fileno(),))
        inside.close()
        socket.send_fds(outside, [b"x"], [listener.fileno()])
        c.equal(c.line(process), f"received {mine}")
        with a_client_of_the_host(listener.getsockname()[1]) as client:
            c.equal(c.line(process), f"client {mine}")
            c.equal(client.recv(100), b"served")
        own = c.line(process)
        c.check(own.startswith("own ") and mine not in own, f"the program has a socket of the host: {own}")
        _, numbers, _, _ = socket.recv_fds(outside, 100, 1)
        with socket.socket(fileno=numbers[0]) as theirs:
            c.equal("own " + cookie(theirs).hex(), own, "the network of the socket that the program has sent")
        tell(process, "end")
        c.ends(process)


# ---------------------------------------------------------------- service managers


def notified(c, address, start):
    """start() gets the environment. Returns the process, and (pid, user, lines) until READY=1."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        notify.bind("\0" + address[1:] if address.startswith("@") else address)
        if not address.startswith("@"):
            os.chmod(address, 0o666)
        process = start({**os.environ, "NOTIFY_SOCKET": address})
        found = []
        while True:
            # What has failed sends nothing: for the reason, see the output.
            c.wait(lambda: select.select([notify], [], [], 0)[0], f"READY=1, but {found}")
            text, ancillary, _, _ = notify.recvmsg(4096, 200)
            sender = array.array("i", ancillary[0][2])
            found.append((sender[0], sender[1], text.decode().split("\n")))
            if "READY=1" in found[-1][2]:
                return process, found


@case
def the_service_manager_is_notified_by_the_program_itself(c):
    for address in (c.path("notify"), f"@vdestack-test-{os.getpid()}"):
        process, found = notified(c, address, lambda env: talks(c, """
address = os.environ["NOTIFY_SOCKET"]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("\\0" + address[1:] if address[0] == "@" else address)
s.send(f"READY=1\\nMAINPID={os.getpid()}".encode())
sys.stdin.readline()
""", env=env))
        wanted = (process.pid, os.geteuid(), ["READY=1", f"MAINPID={process.pid}"])
        c.equal(found, [wanted], f"what {address} received")
        tell(process, "end")
        c.ends(process)


@case
def redis_notifies_its_service_manager(c):
    c.need("redis-server")
    words = ["redis-server", "--supervised", "systemd", "--port", "7", "--save", ""]
    process, found = notified(c, c.path("notify"), lambda env: c.start_run(CONFIG, words, env=env, cwd=c.tmp))
    for sender, user, text in found:
        c.equal((sender, user), (process.pid, os.geteuid()), f"who has sent {text}")
    c.terminate(process, status=0)


@case
def a_parent_that_gets_orphans_gets_supervisor_and_keeper_and_their_ends(c):
    """A subreaper, as systemd --user and the first processes of containers are."""
    c.equal(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, "prctl")
    process = talks(c, """
say("ready", os.getppid(), cookie(socket.socket()))
try:
    os.waitpid(-1, os.WNOHANG)
    say("a child")
except ChildProcessError:
    say("no child")
sys.stdin.readline()
sys.exit(3)
""")
    c.equal(c.line(process).split()[:2], ["ready", str(os.getpid())], "the parent of the program")
    c.equal(c.line(process), "no child")
    helpers = {p.pid: p.name for p in c.processes() if p.name in OURS}
    c.equal(set(helpers.values()), {"vdestack-run", "vdestack-keeper"}, "the processes of the run")
    tell(process, "end")
    c.ends(process, 3)
    reaped = {}

    def all_are_reaped():
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid != 0:
            reaped[pid] = status
        return False

    c.wait(all_are_reaped, "the end of the processes of the run")
    c.check(set(helpers) <= set(reaped), f"not reaped: {helpers}, {reaped}")
    c.equal({reaped[pid] for pid in helpers}, {0}, "the statuses of supervisor and keeper")


# ---------------------------------------------------------------- terminals


class Terminal:
    """A command as the first one of a session with a terminal."""

    def __init__(self, c, argv):
        self.c = c
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="ask: ", TERM="dumb", INPUTRC="/dev/null", HISTFILE="/dev/null")
            os.execv(argv[0], argv)

    def until(self, pattern):
        """Reads until the pattern is in what has come since the last call, and returns the match."""
        end = time.monotonic() + DEADLINE_S
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end() :]
                return match
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"never: {pattern!r}, but {self.seen!r}")
            try:
                data = os.read(self.master, 65536)
            except OSError:  # EIO: nobody has the other end
                data = b""
            if not data:
                raise Failure(f"ended without {pattern!r}, but {self.seen!r}")
            self.seen += data.decode(errors="replace")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def command(self, line):
        self.until("ask: $")
        self.type(line + "\n")
        self.until("\n")  # the echo

    def status(self):
        while True:
            try:
                if not os.read(self.master, 65536):
                    break
            except OSError:
                break
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


JOB = """import signal, socket
signal.signal(signal.SIGCONT, lambda *_: print("continued", flush=True))
print("begins", socket.socket().getsockopt(socket.SOL_SOCKET, 71, 8).hex(), flush=True)
while True: signal.pause()
"""


def stop_continue_interrupt(c, shell, job):
    """A shell at the prompt: a job is stopped, continued and interrupted by keys."""
    shell.command(job)
    found = shell.until(r"begins (\w+)\r").group(1)
    c.check(found != c.host.hex(), "the job's socket is in the host's network")
    shell.type("\x1a")
    shell.until(r"\[1\]\+ +Stopped")
    shell.command("jobs -p; fg")
    shell.until("continued\r")
    shell.type("\x03")
    shell.command('echo "st""atus $?"')
    shell.until("status 130\r")


@case
def a_shell_in_a_run_has_job_control(c):
    c.need("bash")
    job = c.write("job.py", JOB)
    shell = Terminal(c, c.words(CONFIG, ["bash", "--norc", "--noprofile", "-im"]))
    stop_continue_interrupt(c, shell, f"{sys.executable} {job}")
    shell.command("exit 7")
    c.equal(shell.status(), 7, "the status of the shell")


@case
def a_shell_has_a_run_as_its_job(c):
    c.need("bash")
    job = c.write("job.py", JOB)
    words = " ".join(f"'{w}'" for w in c.words(CONFIG, [sys.executable, job]))
    shell = Terminal(c, ["/bin/bash", "--norc", "--noprofile", "-im"])
    stop_continue_interrupt(c, shell, words)
    shell.command("exit 7")
    c.equal(shell.status(), 7, "the status of the shell")


# ---------------------------------------------------------------- servers


@case
def workers_share_a_port_by_so_reuseport(c):
    net = c.network()
    server = talks(c, """
def listener():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("10.0.0.1", 7))
    s.listen(100)
    return s
for i in range(3):
    if os.fork() == 0:
        s = listener()
        say("listens", os.getpid())
        while True:
            client = s.accept()[0]
            client.sendall(str(os.getpid()).encode())
            client.close()
sys.stdin.readline()
os.killpg(0, signal.SIGKILL)
""", config=c.stack(net, "10.0.0.1"))
    workers = {c.line(server).split()[1] for _ in range(3)}
    c.equal(len(workers), 3, "the number of workers")
    # The kernel chooses a worker for each connection: until each has been chosen.
    found = c.client(net, python("""
wanted = set(sys.argv[1:])
while wanted:
    with socket.create_connection(("10.0.0.1", 7), 20) as s:
        wanted.discard(s.recv(100).decode())
say("all")
""", *sorted(workers)))
    c.equal(found, "all\n")
    tell(server, "end")
    c.ends(server, -signal.SIGKILL)


@case
def a_daemon_serves_after_its_starter_has_ended_and_its_end_ends_the_stack(c):
    net = c.network()
    first = c.start(net, "10.0.0.1", python("""
if os.fork() > 0:
    sys.exit(0)
os.setsid()
if os.fork() > 0:
    os._exit(0)
os.chdir("/")
os.closerange(0, 1024)
for fd in (0, 1, 2): os.open("/dev/null", os.O_RDWR)
s = socket.socket() # after all that
s.bind(("10.0.0.1", 7))
s.listen()
while True:
    client = s.accept()[0]
    client.sendall(str(os.getpid()).encode())
    client.close()
"""))
    c.ends(first)
    (daemon,) = c.listens(7)
    c.check(daemon != first.pid, "the daemon is the first process")
    ask = python("say(socket.create_connection(('10.0.0.1', 7), 20).recv(100).decode())")
    c.equal(c.client(net, ask), f"{daemon}\n")
    c.wait(lambda: len(ours(c, "vdestack-run")) == 1, "the client's supervisor has ended")
    helpers = ours(c, "vdestack-run") + ours(c, "vdestack-keeper")
    c.check(len(helpers) >= 2, f"supervisor and keeper of the daemon: {helpers}")
    os.kill(daemon, signal.SIGTERM)
    c.gone(daemon)
    for helper in helpers:
        c.gone(helper.pid)


SOCKETS = """
for line in sys.stdin:
    try:
        with socket.socket() as s: say("made", cookie(s))
    except OSError as e:
        say("failed", e.errno)
"""


def makes_one(c, process):
    tell(process, "make")
    answer = c.line(process)
    c.check(answer.startswith("made ") and c.host.hex() not in answer, answer)
    return answer


def stop(c, helpers):
    c.check(helpers, "there is no such process")
    for helper in helpers:
        os.kill(helper.pid, signal.SIGSTOP)

    def stopped(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] == "T"

    c.wait(lambda: all(stopped(h.pid) for h in helpers), "they are stopped")


def go_on(helpers):
    for helper in helpers:
        os.kill(helper.pid, signal.SIGCONT)


@case
def sockets_fail_while_the_keeper_is_stopped_and_are_made_when_it_goes_on(c):
    process = talks(c, SOCKETS)
    before = makes_one(c, process)
    keepers = ours(c, "vdestack-keeper")
    try:
        stop(c, keepers)
        tell(process, "make")
        c.equal(c.line(process), f"failed {errno.ETIMEDOUT}", "the answer while the keeper is stopped")
    finally:
        go_on(keepers)

    def made():
        tell(process, "make")
        answer = c.line(process)
        c.check(answer in (before, f"failed {errno.ETIMEDOUT}"), answer)
        return answer == before

    c.wait(made, "a socket after SIGCONT")
    process.stdin.close()
    c.ends(process)


@case
def a_stopped_supervisor_makes_wait_only_who_needs_it(c):
    """The engine preload makes sockets in the program, after the first ones of a process."""
    process = talks(c, SOCKETS)
    before = [makes_one(c, process) for _ in range(8)][-1]
    supervisors = ours(c, "vdestack-run")

    def waits_in_socket():
        with open(f"/proc/{process.pid}/syscall", encoding="ascii") as f:
            return f.read().split()[1:3] == ["0x2", hex(socket.SOCK_STREAM | socket.SOCK_CLOEXEC)]

    try:
        stop(c, supervisors)
        tell(process, "make")
        if c.engine == "supervise":
            c.wait(waits_in_socket, "the program waits in socket(2)")
        else:
            c.equal(c.line(process), before, "a socket while the supervisor is stopped")
    finally:
        go_on(supervisors)
    if c.engine == "supervise":
        c.equal(c.line(process), before, "the socket after SIGCONT")
    process.stdin.close()
    c.ends(process)


if __name__ == "__main__":
    main()
