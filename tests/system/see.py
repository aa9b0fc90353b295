#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     see.py CASE VDESTACK-PROGRAM WORLD-PROGRAM
#
# `vdestack list`, `exec`, `top`, `map` and `capture`, which look at programs with stacks (tests/support/world.c).

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from look import (HOSTILE, PATIENCE_S, World, await_true, case, check, complaint, listing, run, send_from, stacks_of,
                  tool)

os.environ["PATH"] += ":/usr/sbin:/sbin"


class Terminal:
    """A command of the tool in a terminal of its own, as a shell starts it."""

    def __init__(self, *args, rows=24, columns=100):
        self.child, self.master = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execv(tool, [tool, *map(str, args)])
        self.seen = b""

    def read(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end
            data = b""
        self.seen += data
        return data

    def await_text(self, pattern):
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.seen):
            check(time.monotonic() < end, f"never: {pattern}, but {self.seen}")
            check(self.read(), f"ended without {pattern}, but {self.seen}")

    def type(self, keys):
        os.write(self.master, keys)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self, options=0):
        while options == 0 and self.read():
            pass
        return os.waitpid(self.child, options)[1]

    def mode(self):
        return termios.tcgetattr(self.master)[3]

    def check_restored(self):
        check(self.seen.endswith(b"\033[?25h\033[?1049l"), f"the screen is not restored: {self.seen[-80:]}")


# ---------------------------------------------------------------- list


def list_shows_what_there_is():
    a = World("first", "name=web iface=lan0 vnl=inproc://lan ip=10.0.0.1/24 nodad mtu=1400 mac=02:00:00:00:00:01",
              "vnl=inproc://lan rd")
    b = World("second", f"name=db vnl=vde://{os.getcwd()}/absent ip=10.9.9.9/24")
    web, other = stacks_of(a)
    check(web["program"] == "first" and web["name"] == "web" and web["index"] == 0 and web["problem"] == "", web)
    (lan,) = web["interfaces"]
    wanted = {"name": "lan0", "locator": "inproc://lan", "up": True, "carrier": True, "mtu": 1400,
              "mac": "02:00:00:00:00:01", "tx_dropped": 0, "tx_refused": 0, "reconnects": 0, "rates": None}
    check({key: lan[key] for key in wanted} == wanted, lan)
    check("10.0.0.1/24" in lan["addresses"], lan)
    check(all(isinstance(lan[key], int) for key in ("index", "rx_bytes", "tx_bytes", "rx_frames", "tx_frames",
                                                   "rx_dropped")), lan)
    check(other["name"] == "" and other["index"] == 1, other)
    (source,) = other["sources"]
    check(source["interface"] == "vde0" and source["source"] == "ra" and source["ready"] is False, source)
    check({"state", "server", "expires_ms", "problem"} <= source.keys(), source)
    (db,) = stacks_of(b)
    check(db["interfaces"][0]["carrier"] is False, db)
    text = run("list")
    check(re.search(rf"^ *{a.pid}  first +web +lan0 +up +10\.0\.0\.1/24 .*inproc://lan$", text, re.M), text)
    check(re.search(rf"^ *{a.pid}  first +1 +vde0 +up .* ra ", text, re.M), text)
    check(re.search(rf"^ *{b.pid}  second +db +vde0 +no carrier +10\.9\.9\.9/24 ", text, re.M), text)
    check(run("map").count(f"({b.pid})") == 2, "map")
    b.end()
    await_true("it is gone from the list", lambda: not stacks_of(b))
    a.end()


def rates_are_those_between_two_readings():
    a = World("first", "name=a vnl=inproc://lan ip=10.0.0.1/24 nodad", "name=b vnl=inproc://lan ip=10.0.0.2/24 nodad")
    reader = subprocess.Popen([tool, "list", "--json", "--rates=2"], stdout=subprocess.PIPE)
    while reader.poll() is None:
        send_from(a, "a")
    one = {stack["name"]: stack["interfaces"][0]["rates"] for stack in json.load(reader.stdout)["stacks"]}
    check(one["a"]["tx_bytes"] > 10000 and one["a"]["tx_frames"] > 10, one)
    check(one["b"]["rx_bytes"] > 10000 and one["b"]["rx_frames"] > 10, one)
    a.end()


def a_stopped_keeper_delays_nobody():
    a, b = World("first", "name=a", "name=a2", "name=a3"), World("second", "name=b")
    keeper = stacks_of(a)[0]["keeper"]
    os.kill(keeper, signal.SIGSTOP)
    begin = time.monotonic()
    (silent,) = stacks_of(a)
    took = time.monotonic() - begin
    check("does not answer" in silent["problem"] and silent["index"] == -1, silent)
    check(took < 10, f"it took {took} s")
    check(stacks_of(b)[0]["problem"] == "", "the other program")
    check("does not answer" in run("list") and "does not answer" in run("map"), "text")
    check(run("exec", b.pid, "--", "echo", "there") == "there\n", "exec in the other program")
    check("stopped" in complaint("exec", f"{a.pid}:a", "--", "true", status=125), "exec in the stopped one")
    os.kill(keeper, signal.SIGCONT)
    await_true("it answers again", lambda: len(stacks_of(a)) == 3)
    a.end()
    b.end()


def names_cannot_change_the_terminal_or_the_format():
    a = World(HOSTILE, f'vnl="vde://{os.getcwd()}/\\"<&>\\\\x"')
    (stack,) = stacks_of(a)
    check(stack["program"] == HOSTILE, stack)
    for args in (["list"], ["map"], ["map", "--dot"], ["map", "--svg"], ["top", "-b1", "-d0.1"]):
        text = run(*args)
        check(all(c >= " " or c == "\n" for c in text), f"{args}: {text!r}")
        check("e?[2J" in text, f"{args}: {text!r}")
    dot = run("map", "--dot")
    for line in dot.splitlines():
        rest = re.sub(r'"(\\.|[^"\\])*"', "", line)
        check('"' not in rest and "<" not in rest, f"quotes: {line}")
    texts = [t.text for t in xml.etree.ElementTree.fromstring(run("map", "--svg")).findall(".//{*}text")]
    check(f"e?[2J<\"&\\ ({a.pid})" in texts, texts)
    a.end()


def programs_of_run_and_enter_are_listed_by_their_number():
    for command in ("run", "enter"):
        child = subprocess.Popen([tool, command, "name=web vnl=inproc://lan ip=10.0.0.1/24 nodad", "--", "sh", "-c",
                                  "echo ${VDESTACK_RUN_PID-unset}; cat"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        check(child.stdout.readline() == b"unset\n", "the program's environment")
        (stack,) = await_true("listed", lambda: [stack for stack in stacks_of(child) if stack["name"] == "web"])
        check(stack["program"] == "sh", stack)
        check("10.0.0.1/24" in run("exec", child.pid, "--", "ip", "-o", "addr"), f"exec with {command}")
        child.stdin.close()
        check(child.wait(PATIENCE_S) == 0, f"status {child.returncode}")
        await_true("it is gone from the list", lambda: not listing()["stacks"])


# ---------------------------------------------------------------- exec


def exec_ends_as_the_command():
    a = World("first", "name=web vnl=inproc://lan ip=10.0.0.1/24 nodad")
    check("10.0.0.1/24" in run("exec", a.pid, "--", "ip", "-o", "addr"), "ip")
    check("10.0.0.1/24" in run("exec", f"{a.pid}:web", "ip", "-o", "addr"), "ip, by name")
    run("exec", a.pid, "--", "sh", "-c", "exit 7", status=7)
    run("exec", a.pid, "--", "sh", "-c", "kill -KILL $$", status=-signal.SIGKILL)
    run("exec", a.pid, "--", "sh", "-c", "kill -USR1 $$", status=-signal.SIGUSR1)
    check(run("exec", a.pid, "cat", input=b"through") == "through", "streams")
    # A signal to the tool reaches the command, which chooses its status.
    child = subprocess.Popen([tool, "exec", str(a.pid), "--", "sh", "-c",
                              "trap 'exit 5' TERM; echo on; while :; do sleep 0.02; done"], stdout=subprocess.PIPE)
    check(child.stdout.readline() == b"on\n", "it runs")
    child.terminate()
    check(child.wait(PATIENCE_S) == 5, f"status {child.returncode}")
    a.end()


def exec_says_what_is_wrong():
    a = World("first", "name=web", "", "name=db")
    several = complaint("exec", a.pid, "--", "true", status=125)
    check(f"{a.pid}:web, {a.pid}:1, {a.pid}:db" in several, several)
    check("no stack \"x\"" in complaint("exec", f"{a.pid}:x", "--", "true", status=125), "unknown stack")
    check("there is no process" in complaint("exec", 2 ** 22 + 1, "--", "true", status=125), "unknown process")
    init = complaint("exec", 1, "--", "true", status=125)
    check(("is of the user 0" if os.geteuid() != 0 else "has no stacks") in init, init)
    check("no such file" in complaint("exec", f"{a.pid}:web", "--", "./absent", status=127), "absent command")
    open("file", "w").close()
    complaint("exec", f"{a.pid}:web", "--", "./file", status=126)
    for args in ([], [a.pid], [f"{a.pid}:web", "--"], ["--absent"]):
        complaint("exec", *args, status=64)
    for word in ("x", "0", f"{a.pid}:", f"{a.pid}x", "99999999999999999999"):
        check("PID" in complaint("exec", word, "--", "true", status=125), word)
    a.end()


def exec_ends_with_the_stack():
    a = World("first", "")
    child = subprocess.Popen([tool, "exec", str(a.pid), "--", "sh", "-c", "echo on; exec sleep 1000"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(child.stdout.readline() == b"on\n", "it runs")
    a.end()
    text = child.communicate(timeout=PATIENCE_S)[1]
    check(b"the stack has ended" in text, text)
    check(child.returncode == -signal.SIGKILL, f"status {child.returncode}")


def the_terminal_is_that_of_the_command():
    a = World("first", "")
    t = Terminal("exec", a.pid, "--", "sh", "-c",
                 "tty; read word; echo got $word; trap 'echo inter''rupted; exit 9' INT; echo re''ady; "
                 "while :; do sleep 0.02; done")
    t.await_text(rb"/dev/pts/\d+")
    t.type(b"hello\n")
    t.await_text(rb"got hello")
    t.await_text(rb"ready")
    t.type(b"\003")  # Ctrl-C
    t.await_text(rb"interrupted")
    status = t.wait()
    check(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 9, f"status {status}")
    t = Terminal("exec", a.pid, "--", "sh", "-c", "echo re''ady; exec sleep 1000")
    t.await_text(rb"ready")
    t.type(b"\003")
    status = t.wait()
    check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, f"status {status}")
    a.end()


# ---------------------------------------------------------------- impair


def ptp(name):
    return f"vnl=ptp://{os.getcwd()}/{name}"


def impaired(*args):
    result = json.loads(run("impair", *args, "--json"))
    check(result["version"] == 1, result)
    return {interface["name"]: interface for interface in result["interfaces"]}


def impair_shows_and_changes_a_living_stack():
    a = World("first", f"name=web {ptp('a')} ip=10.0.0.1/24 tx.delay=20ms iface=b {ptp('b')}")
    before = impaired(f"{a.pid}:web")
    check(list(before) == ["vde0", "b"], before)
    seed = before["vde0"]["tx"]["seed"]
    check(int(seed) > 0 and before["vde0"]["tx"]["words"] == f"tx.delay=20ms tx.seed={seed}", before)
    check(before["b"]["rx"] == {"impaired": False, "words": "", "seed": "0", **dict.fromkeys(
        ("seen", "passed", "cut", "blackholed", "lost", "overflowed", "marked", "reordered", "duplicated", "corrupted",
         "waiting", "no_memory"), 0)}, before)
    text = run("impair", f"{a.pid}:web:vde0", "loss=100%,-delay", "rx.rate=1.5mbit", "seed=7")
    check("vde0 tx: loss=100% seed=7\n" in text and "vde0 rx: loss=100% rate=1500kbit seed=8\n" in text, text)
    send_from(a, "web")
    await_true("100 are lost", lambda: impaired(f"{a.pid}::vde0")["vde0"]["tx"]["lost"] >= 100)
    check(re.search(r"^    seen \d+, (passed \d+, )?lost \d+$", run("impair", "-s", a.pid), re.M), run("impair", a.pid))
    # What is written can be given back.
    now = impaired(f"{a.pid}:web:vde0")["vde0"]
    run("impair", f"{a.pid}:web:vde0", "unimpaired")
    check(impaired(f"{a.pid}:web:vde0")["vde0"]["tx"]["impaired"] is False, "unimpaired")
    run("impair", f"{a.pid}:web:vde0", now["tx"]["words"], now["rx"]["words"])
    again = impaired(f"{a.pid}:web:vde0")["vde0"]
    check([again[way]["words"] for way in ("tx", "rx")] == [now[way]["words"] for way in ("tx", "rx")], again)
    a.end()


def list_top_and_map_show_what_is_impaired():
    a = World("first", f"name=web {ptp('a')} delay=1ms iface=b {ptp('b')}")
    shown = {i["name"]: i["impaired"] for i in stacks_of(a)[0]["interfaces"]}
    check(shown == {"vde0": True, "b": False}, shown)
    for args in (["list"], ["top", "-b1", "-d0.1"], ["map"], ["map", "--dot"], ["map", "--svg"]):
        text = run(*args)
        check(text.count("up, impaired") == 1, f"{args}: {text}")
    run("impair", f"{a.pid}:web:vde0", "-delay")
    check("impaired" not in run("list"), run("list"))
    a.end()


def impair_says_what_is_wrong():
    a = World("first", f"name=web {ptp('a')} loss=1% iface=b {ptp('b')}", f"name=db {ptp('c')}")
    before = impaired(f"{a.pid}:web")
    wrong = complaint("impair", f"{a.pid}:web:vde0", "cut", "delay=20", "rx.loss=2%", status=1)
    check('word "delay=20" at position 5' in wrong and "write one like delay=20ms" in wrong, wrong)
    check("has 2 interfaces" in complaint("impair", f"{a.pid}:web", "cut", status=1), "which interface")
    check(f"{a.pid}:web, {a.pid}:db" in complaint("impair", a.pid, "cut", status=1), "which stack")
    check("no interface of that name" in complaint("impair", f"{a.pid}:web:x", "cut", status=1), "unknown interface")
    check("segment" in complaint("impair", f"{a.pid}:web:b", "group=1", status=1), "group")
    check("segment" in complaint("impair", "--flap", f"{a.pid}:web:b", status=1), "flap")
    for args in ([], ["--absent"], ["--show", f"{a.pid}:web:b", "cut"], ["--show", "--flap", f"{a.pid}:web:b"]):
        complaint("impair", *args, status=64)
    after = impaired(f"{a.pid}:web")
    check({i: after[i]["tx"]["words"] for i in after} == {i: before[i]["tx"]["words"] for i in before}, after)
    run("impair", f"{a.pid}:db", "cut")  # its only interface
    check(impaired(f"{a.pid}:db")["vde0"]["rx"]["words"].startswith("rx.cut "), "db")
    a.end()


# ---------------------------------------------------------------- top


def top_writes_rates_and_reconnects():
    hub = f"{os.getcwd()}/hub"
    a = World("hub", f"name=hub vnl=hub://{hub}")
    b = World("client", f"name=a vnl=vde://{hub} ip=10.0.0.1/24 nodad")
    reader = subprocess.Popen([tool, "top", "-b2", "-d1"], stdout=subprocess.PIPE)
    while reader.poll() is None:
        send_from(b, "a")
    first, second = reader.stdout.read().decode().split("\n\n")
    for text in (first, second):
        row = next(line for line in text.splitlines() if " client " in line).split()
        check(row[:5] == [str(b.pid), "client", "a", "vde0", "up"] and row[10] == "0", row)
        check(row[6].endswith("k") or row[6].endswith("M"), row)
    a.end()
    await_true("no carrier", lambda: not stacks_of(b)[0]["interfaces"][0]["carrier"])
    a = World("hub", f"name=hub vnl=hub://{hub}")
    await_true("carrier", lambda: stacks_of(b)[0]["interfaces"][0]["carrier"])
    check(stacks_of(b)[0]["interfaces"][0]["reconnects"] >= 1, "reconnects")
    row = next(line for line in run("top", "-b1", "-d0.1").splitlines() if " client " in line).split()
    check(int(row[10]) >= 1, row)
    b.end()
    a.end()


def top_follows_the_size_and_restores_the_terminal():
    a = World("first", *[f"name=s{i} vnl=inproc://lan" for i in range(10)])
    t = Terminal("top", "-d", "3600", rows=6, columns=30)
    t.await_text(rb"\033\[\?1049h")
    t.await_text(rb" s3 .*\033\[J")
    check(b" s4 " not in t.seen, "more rows than fit")
    check(t.mode() & (termios.ECHO | termios.ICANON) == 0, "the terminal's mode")
    t.seen = b""
    t.resize(40, 200)
    t.await_text(rb" s9 .*\033\[J")
    check(b"RECONN" in t.seen, "it is wide now")
    t.resize(6, 30)
    t.await_text(rb"(?s)\033\[J.*\033\[J")
    t.seen = b""
    t.type(b"j")
    t.await_text(rb" s4 .*\033\[J")
    t.type(b"q")
    check(t.wait() == 0, "status")
    t.check_restored()
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        t = Terminal("top")
        t.await_text(rb" s9 .*\033\[J")
        os.kill(t.child, sig)
        status = t.wait()
        check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == sig, f"{sig}: {status}")
        t.check_restored()
    complaint("top", status=1)
    complaint("top", "-b", "0", status=64)
    complaint("top", "-d", "x", status=64)
    a.end()


def top_is_stopped_and_goes_on():
    a = World("first", "name=only vnl=inproc://lan")
    t = Terminal("top", "-d", "3600")
    t.await_text(rb" only .*\033\[J")
    os.kill(t.child, signal.SIGTSTP)
    check(os.WIFSTOPPED(t.wait(os.WUNTRACED)), "not stopped")
    t.await_text(rb"\033\[\?1049l")
    check(t.mode() & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON, "the mode while stopped")
    t.seen = b""
    os.kill(t.child, signal.SIGCONT)
    t.await_text(rb"(?s)\033\[\?1049h.* only .*\033\[J")
    check(t.mode() & termios.ECHO == 0, "the mode afterwards")
    t.type(b"q")
    check(t.wait() == 0, "status")
    t.check_restored()
    a.end()


# ---------------------------------------------------------------- map


def the_map_shows_who_is_on_which_network():
    hub = f"{os.getcwd()}/hub"
    a = World("first", f"name=a vnl=hub://{hub}", "name=b vnl=inproc://lan", "name=c vnl=inproc://lan")
    b = World("second", f"name=d vnl=vde://{hub} iface=eth1 vnl=inproc://lan")
    text = run("map")
    groups = {tuple(re.findall(r"^    \S+ \(\d+\) (\S+ \S+)$", group, re.M))
              for group in re.split(r"^network ", text, flags=re.M)[1:]}
    check(groups == {("a vde0", "d vde0"), ("b vde0", "c vde0"), ("d eth1",)}, text)
    dot = run("map", "--dot")
    check(dot.count(" -- ") == 5 and dot.count("shape=ellipse") == 3, dot)
    svg = xml.etree.ElementTree.fromstring(run("map", "--svg"))
    check(len(list(svg.findall(".//{*}path"))) == 5, "lines of the picture")
    b.end()
    a.end()


def the_map_has_nothing_private():
    a = World("first", "vnl=\"=sh -c 'exec cat # secret'\"", f"vnl=vde://{os.getcwd()}/net?key=secret")
    for option in ([], ["--dot"], ["--svg"]):
        text = run("map", *option)
        check("secret" not in text and "=sh" in text, text)
    a.end()


def no_boxes_of_the_picture_overlap():
    worlds = [World(f"program{i}", *[f"name=s{j} vnl=inproc://x{j % 2} ip=10.0.{i}.{j}/24 nodad "
                                     f"iface=eth1 vnl=vde://{os.getcwd()}/net{i % 3}" for j in range(1 + i % 4)])
              for i in range(8)]
    picture = run("map", "--svg")
    svg = xml.etree.ElementTree.fromstring(picture)
    boxes = [(rect.get("class"), *(int(rect.get(key)) for key in ("x", "y", "width", "height")))
             for rect in svg.findall(".//{*}rect") if rect.get("class") != "ground"]
    check(len(boxes) == 8 + 20 + 3 + 14, f"{len(boxes)} boxes")
    width, height = int(svg.get("width")), int(svg.get("height"))
    for i, (kind, x, y, w, h) in enumerate(boxes):
        check(x >= 0 and y >= 0 and x + w <= width and y + h <= height, "outside of the picture")
        for other, x2, y2, w2, h2 in boxes[:i]:
            if x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h:
                inside = x >= x2 and y >= y2 and x + w <= x2 + w2 and y + h <= y2 + h2
                check((other, kind) == ("program", "stack") and inside, f"boxes {kind} and {other} overlap")
    for line in svg.findall(".//{*}text"):
        x, y = int(line.get("x")), int(line.get("y"))
        check(any(bx <= x and x + 7.3 * len(line.text or "") <= bx + w and by <= y <= by + h
                  for _, bx, by, w, h in boxes), f"text outside of its box: {line.text}")
    for w in worlds:
        w.end()


def without_stacks_there_is_nothing_to_see():
    check(listing() == {"version": 1, "stacks": []}, "JSON")
    check(len(run("list").splitlines()) == 1, "list")
    check(run("map") == "", "map")
    xml.etree.ElementTree.fromstring(run("map", "--svg"))
    with open("/dev/full", "w") as full:
        for command in (["list"], ["list", "--json"], ["map", "--svg"], ["top", "-b1", "-d0.1"]):
            status = subprocess.run([tool, *command], stdout=full).returncode
            check(status == 74, f"{command} to a full disk: {status}")
    for command in (["list", "x"], ["list", "--rates=0"], ["map", "--dot", "--svg"], ["map", "x"], ["top", "x"]):
        complaint(*command, status=64)


def frames_of(path):
    """Lines about the frames of a capture file, and whether the file has its end."""
    reader = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support/pcapng.py")
    text = subprocess.run([sys.executable, "-B", reader, path], capture_output=True, timeout=PATIENCE_S).stdout.decode()
    return [line for line in text.splitlines() if line.startswith("frame")], "complete=1" in text


def start_capture(*args, **options):
    return subprocess.Popen([tool, "capture", *map(str, args)], stderr=subprocess.PIPE, **options)


def capture_writes_files_until_it_is_stopped():
    a = World("first", "name=web vnl=inproc://x ip=10.0.0.1/24 iface=other vnl=inproc://y ip=10.0.1.1/24")
    for number, word, path in ((signal.SIGINT, f"{a.pid}:web", "f1"), (signal.SIGTERM, f"{a.pid}::vde0", "f2"),
                               (signal.SIGHUP, f"{a.pid}:web:vde0", "f3")):
        child = start_capture("-w", path, "-s", 100, word)
        await_true("the file begins", lambda: os.path.exists(path) and os.path.getsize(path) > 0)
        send_from(a, "web")
        await_true("frames", lambda: len(frames_of(path)[0]) >= 100)
        child.send_signal(number)
        text = child.communicate(timeout=PATIENCE_S)[1].decode()
        check(child.returncode == 0, f"{number}: {child.returncode}, {text}")
        lines, complete = frames_of(path)
        check(complete, "complete")
        check(f"{len(lines)} frames captured, 0 dropped" in text, f"{text}: {len(lines)} in the file")
        check(sum("held=100" in line for line in lines) == 100, "snap length")
        check(os.stat(path).st_mode & 0o777 == 0o600, "mode")
    child = start_capture("-w", "ring", "-C", "4k", "-W", 3, f"{a.pid}:web")
    await_true("the ring begins", lambda: os.path.exists("ring.02") and os.path.getsize("ring.02") > 0)
    send_from(a, "web")
    await_true("the ring turns", lambda: len(frames_of("ring.02")[0]) > 0)
    child.terminate()
    check(b"captured" in child.communicate(timeout=PATIENCE_S)[1], "ring")
    check(all(frames_of(f"ring.0{i}")[1] for i in range(3)), "ring")
    child = start_capture("-w", "time-%s", "-G", 1, "-W", 2, f"{a.pid}:web")
    check(child.wait(timeout=PATIENCE_S) == 0, "-G")
    files = [name for name in os.listdir() if name.startswith("time-")]
    check(len(files) == 2 and all(frames_of(name)[1] for name in files), files)
    a.end()


def capture_into_a_pipe_ends_with_its_reader():
    a = World("first", "name=web vnl=inproc://x ip=10.0.0.1/24")
    child = start_capture(f"{a.pid}:web", stdout=subprocess.PIPE)
    check(child.stdout.read(8)[:4] == bytes.fromhex("0a0d0d0a"), "the section header comes at once")
    send_from(a, "web")
    check(len(child.stdout.read(50000)) == 50000, "frames")
    child.stdout.close()
    send_from(a, "web")
    text = child.stderr.read()
    check(child.wait(timeout=PATIENCE_S) == 0, text)
    a.end()


def capture_ends_with_the_stack_and_after_a_count():
    a = World("first", "name=web vnl=inproc://x ip=10.0.0.1/24")
    child = start_capture("-q", "-c", 7, "-w", "count", f"{a.pid}:web")
    await_true("the file begins", lambda: os.path.exists("count") and os.path.getsize("count") > 0)
    send_from(a, "web")
    check(child.communicate(timeout=PATIENCE_S)[1] == b"", "quiet")
    check(child.returncode == 0 and len(frames_of("count")[0]) == 7 and frames_of("count")[1], "count")
    child = start_capture("-w", "end", f"{a.pid}:web")
    await_true("the file begins", lambda: os.path.exists("end") and os.path.getsize("end") > 0)
    send_from(a, "web")
    a.end()
    check(child.wait(timeout=PATIENCE_S) == 0, "end of the stack")
    lines, complete = frames_of("end")
    check(len(lines) >= 100 and complete, "the file has all frames")


def capture_says_what_is_wrong():
    a = World("first", "name=web vnl=inproc://x", "name=db")
    check("several stacks" in complaint("capture", "-w", "f", a.pid, status=1), "several")
    check("no interface" in complaint("capture", "-w", "f", f"{a.pid}:web:vde9", status=1), "interface")
    check("no stack" in complaint("capture", "-w", "f", f"{a.pid}:x", status=1), "stack")
    check("directory" in complaint("capture", "-w", "no/f", f"{a.pid}:web", status=1).lower(), "path")
    os.symlink("target", "link")
    check("symbolic link" in complaint("capture", "-w", "link", f"{a.pid}:web", status=1), "link")
    for args in ([], ["-x"], ["-w"], ["-s", "0"], ["-s", "1k"], ["-s", "262145"], ["-c", "-1"], ["-c", "0"], ["-C", "4095"],
                 ["-C", "5x"], ["-C", "99999999999999G"], ["-W", "2"], ["-W", "2", "-C", "5k"], ["-w", "f", "-W", "2"],
                 ["-w", "f", "-C", "5k", "-W", "65"], ["-G", "0"], ["-G", "1"], ["-B", "63"], ["-B", "262145"]):
        complaint("capture", *args, f"{a.pid}:web", *(["too many"] if not args else []), status=64)
    check(not os.path.exists("f"), "nothing was made")
    with open("/dev/full", "w") as full:
        done = start_capture(f"{a.pid}:web", stdout=full)
        text = done.communicate(timeout=PATIENCE_S)[1].decode()
        check(done.returncode == 1 and "No space" in text, text)
    a.end()


def every_command_has_help():
    usage = subprocess.run([tool, "--help"], stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S).stdout
    commands = re.findall(r"^(?:Usage:|  +) vdestack ([a-z][a-z-]*)", usage, re.M)
    check(len(commands) >= 10, commands)
    for command in commands:
        done = subprocess.run([tool, command, "--help"], capture_output=True, text=True, timeout=PATIENCE_S)
        check(done.returncode == 0 and done.stdout.startswith("Usage: vdestack " + command), (command, done))


globals()[case]()
