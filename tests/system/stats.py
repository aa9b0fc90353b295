#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#     stats.py CASE VDESTACK-PROGRAM WORLD-PROGRAM
#
# `vdestack stats`: what it counts, both formats against what docs/stats.md promises and against each other.

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from look import HOSTILE, PATIENCE_S, World, await_true, case, check, complaint, run, send_from, stacks_of, tool

U32, U64 = 2 ** 32, 2 ** 64
NUMBERS = {
    "keeper": "uptime_ms requests refused sockets lookups lookups_refused stacks interfaces captures threads descriptors "
              "memory_bytes",
    "kernel": "rx_bytes tx_bytes rx_packets tx_packets rx_dropped tx_dropped rx_errors tx_errors rx_multicast",
    "link": "offloads rx_frames tx_frames rx_dropped tx_dropped tx_refused rx_writes reconnects",
    "capture": "captures taps captured uncaptured",
    "settings": "cut blackhole_bytes loss burst_enter burst_leave burst_loss burst_base loss_every reorder duplicate corrupt "
                "corrupt_valid delay_ns jitter_ns rate queue_bytes",
    "counters": "seen passed cut blackholed lost overflowed marked reordered duplicated corrupted no_memory waiting",
}


# ---------------------------------------------------------------- JSON


def has_keys(value, what, *keys):
    check(isinstance(value, dict) and list(value) == list(keys), f"{what}: {value}")


def has_numbers(value, what, before=0):
    names = NUMBERS[what].split()
    check(list(value)[before:] == names, f"{what}: {value}")
    for name in names:
        number = value[name]
        if what == "settings" and isinstance(number, float):
            check(0 <= number <= 1, f"{name}: {number}")
        else:
            check(type(number) is int and 0 <= number < U64, f"{name}: {number!r}")


def check_direction(d):
    has_keys(d, "direction", "words", "seed", "distribution", "queue", "keep_order", "settings", "counters")
    check(isinstance(d["words"], str) and 0 <= int(d["seed"]) < U64, d)
    check(d["distribution"] in ("uniform", "normal", "pareto") and d["queue"] in ("tail-drop", "codel"), d)
    check(type(d["keep_order"]) is bool, d)
    has_numbers(d["settings"], "settings")
    has_numbers(d["counters"], "counters")


def check_interface(i):
    has_keys(i, "interface", "name", "index", "up", "carrier", "mtu", "locator", "kernel", "link", "capture", "impairment")
    check(isinstance(i["name"], str) and type(i["index"]) is int and type(i["up"]) is bool, i)
    check(type(i["carrier"]) is bool and 0 <= i["mtu"] < U32, i)
    check(i["locator"] is None or isinstance(i["locator"], str), i)
    has_numbers(i["kernel"], "kernel")
    for what in ("link", "capture"):
        if i[what] is not None:
            has_numbers(i[what], what)
    if i["impairment"] is not None:
        has_keys(i["impairment"], "impairment", "tx", "rx")
        check_direction(i["impairment"]["tx"])
        check_direction(i["impairment"]["rx"])


def check_document(d):
    has_keys(d, "document", "version", "time_ms", "keepers", "stacks")
    check(d["version"] == 1 and abs(d["time_ms"] / 1000 - time.time()) < PATIENCE_S, d)
    for k in d["keepers"]:
        known = ["keeper", "pid", "program", "silent", "problem"]
        check(list(k)[:5] == known and type(k["silent"]) is bool and isinstance(k["problem"], str), k)
        if k["problem"] == "":
            has_numbers(k, "keeper", before=5)
        else:
            has_keys(k, "keeper", *known)
    for s in d["stacks"]:
        has_keys(s, "stack", "pid", "keeper", "program", "index", "name", "problem", "interfaces")
        check(s["keeper"] in [k["keeper"] for k in d["keepers"]], s)
        for i in s["interfaces"]:
            check_interface(i)


def no_infinity(text):
    raise ValueError(text)


def as_json(*args):
    text = run("stats", "--json", *args)
    check(text.count("\n") == 1 and text.endswith("\n"), f"one line: {text!r}")
    check(all(c >= " " for c in text[:-1]), "control characters")
    document = json.loads(text, parse_constant=no_infinity)
    check_document(document)
    return document


# ---------------------------------------------------------------- Prometheus, text format 0.0.4


def labels_of(text):
    """Strictly: NAME="VALUE", with commas between; \\\\, \\" and \\n are the only escapes."""
    labels, at = {}, 0
    while at < len(text):
        match = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)').match(text, at)
        check(match, f"labels: {text}")
        check(match[1] not in labels and not match[1].startswith("__"), f"label {match[1]}: {text}")
        labels[match[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
        at = match.end()
    check(not text.endswith(","), text)
    return labels


def parse(text):
    """{(metric, labels): value}. Every metric has HELP, TYPE and its samples in one place."""
    check(text.endswith("\n"), "the last line has no end")
    helps, types, samples, metric = set(), {}, {}, None
    for line in text[:-1].split("\n"):
        check(all(c >= " " for c in line), f"control characters: {line!r}")
        if match := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)", line):
            check(match[1] not in helps, f"HELP twice: {line}")
            helps.add(match[1])
            metric = match[1]
            continue
        if match := re.fullmatch(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)", line):
            check(match[1] == metric and match[1] not in types, f"TYPE: {line}")
            check(match[1].startswith("vdestack_"), line)
            check((match[2] == "counter") == match[1].endswith("_total"), f"counters end with _total: {line}")
            types[match[1]] = match[2]
            continue
        match = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} ([0-9]+(?:\.[0-9]+)?)", line)
        check(match, f"no sample: {line!r}")
        check(match[1] == metric and metric in types, f"not below its TYPE: {line}")
        key = (metric, tuple(sorted(labels_of(match[2]).items())))
        check(key not in samples, f"twice: {line}")
        samples[key] = float(match[3])
    return types, samples


def as_prometheus(*args):
    return parse(run("stats", "--prometheus", *args))


def value(samples, metric, **labels):
    found = [number for (name, has), number in samples.items()
             if name == f"vdestack_{metric}" and labels.items() <= dict(has).items()]
    check(len(found) == 1, f"{metric} {labels}: {found}")
    return found[0]


# What a key of JSON is called as a metric: with its label, the divisor of its unit.
DIRECTED = {
    "kernel": {"bytes": "interface_bytes_total", "packets": "interface_packets_total", "dropped": "interface_dropped_total",
               "errors": "interface_errors_total"},
    "link": {"frames": "link_frames_total", "dropped": "link_dropped_total"},
}


def agree(document, samples, stacks=None):
    """What does not change between the two readings is the same."""
    for s in document["stacks"]:
        stack = s["name"] or str(s["index"])
        for i in s["interfaces"]:
            at = {"pid": str(s["pid"]), "keeper": str(s["keeper"]), "stack": stack, "interface": i["name"]}
            check(value(samples, "interface_up", **at) == i["up"], i)
            for part, names in DIRECTED.items():
                for name, metric in names.items() if i[part] is not None else ():
                    for way in ("rx", "tx"):
                        check(value(samples, metric, direction=way, **at) == i[part][f"{way}_{name}"], (metric, at))
            if i["capture"] is not None:
                check(value(samples, "captured_frames_total", **at) == i["capture"]["captured"], i)
            for way in ("rx", "tx") if i["impairment"] is not None else ():
                d, to = i["impairment"][way], {"direction": way, **at}
                for name in NUMBERS["counters"].split()[:-1]:
                    check(value(samples, f"impairment_{name}_total", **to) == d["counters"][name], (name, d))
                check(abs(value(samples, "impairment_delay_seconds", **to) * 1e9 - d["settings"]["delay_ns"]) < 1, d)
                check(value(samples, "impairment_rate_bits_per_second", **to) == d["settings"]["rate"], d)
                check(abs(value(samples, "impairment_loss_ratio", **to) - d["settings"]["loss"]) < 1e-12, d)
            if i["impairment"] is None:
                check(not [key for key in samples if "impairment" in key[0] and at.items() <= dict(key[1]).items()], i)


def interfaces_of(document, pid):
    return {(s["name"], i["name"]): i for s in document["stacks"] if s["pid"] == pid for i in s["interfaces"]}


def ptp(name):
    return f"vnl=ptp://{os.getcwd()}/{name}"


# ---------------------------------------------------------------- cases


def json_has_what_the_document_says():
    a = World("first", f"name=web {ptp('a')} ip=10.0.0.1/24 nodad tx.delay=20ms rate=10mbit loss=0.5% jitter=1ms:normal "
              "tx.codel tx.seed=18446744073709551615 iface=lan vnl=inproc://x", "vnl=inproc://x rd")
    d = as_json()
    mine = interfaces_of(d, a.pid)
    check(list(mine) == [("web", "vde0"), ("web", "lan"), ("", "vde0")], list(mine))
    one, lan = mine["web", "vde0"], mine["web", "lan"]
    check(one["locator"] == f"ptp://{os.getcwd()}/a" and lan["locator"] == "inproc://x", d)
    check(lan["impairment"] is None and mine["", "vde0"]["impairment"] is None, lan)
    tx, rx = one["impairment"]["tx"], one["impairment"]["rx"]
    check(tx["seed"] == str(U64 - 1) and tx["distribution"] == "normal" and tx["queue"] == "codel", tx)
    check(tx["settings"]["delay_ns"] == 20000000 and rx["settings"]["delay_ns"] == 0, tx)
    check(rx["settings"]["rate"] == 10000000 and rx["settings"]["loss"] == 0.005, rx)
    (k,) = [k for k in d["keepers"] if k["pid"] == a.pid]
    check(k["program"] == "first" and k["stacks"] == 2 and k["interfaces"] == 3 and k["silent"] is False, k)
    check(k["requests"] > 3 and k["lookups"] > 0 and k["threads"] >= 3 and k["memory_bytes"] > 100000, k)
    check(k["descriptors"] >= 7 and k["refused"] == 0 and k["lookups_refused"] == 0, k)
    a.end()


def both_formats_agree_and_counters_never_decrease():
    a = World("first", f"name=a {ptp('p')} ip=10.0.0.1/24 nodad tx.loss-every=2 rx.delay=1ms",
              f"name=b {ptp('p')} ip=10.0.0.2/24 nodad", "name=c vnl=inproc://x ip=10.0.0.3/24 nodad",
              "vnl=inproc://x ip=10.0.0.4/24 nodad")
    before_types, before = as_prometheus()
    for _ in range(5):
        send_from(a, "a")
        send_from(a, "c")
        types, now = as_prometheus()
        check(types == before_types, "the metrics are the same")
        check(before.keys() == now.keys(), "the series are the same")
        for key, number in before.items():
            check(types[key[0]] == "gauge" or now[key] >= number, f"{key}: {number}, then {now[key]}")
        before = now
    check(value(now, "impairment_lost_total", stack="a", direction="tx") >= 250, "lost")
    check(value(now, "interface_packets_total", stack="c", direction="tx") >= 500, "packets")

    def agreed():
        # Nothing is sent any more but what the kernel sends by itself: until a reading has none of it in between.
        first, samples, second = as_json(), as_prometheus()[1], as_json()
        if interfaces_of(first, a.pid) != interfaces_of(second, a.pid):
            return False
        agree(first, samples)
        return True

    await_true("two equal readings", agreed)
    a.end()


def requests_and_sockets_are_counted():
    a = World("first", "name=web vnl=inproc://x ip=10.0.0.1/24 nodad")

    def keeper():
        return as_json(a.pid)["keepers"][0]

    before = keeper()
    send_from(a, "web")  # one socket at least
    now = keeper()
    check(now["requests"] > before["requests"] and now["lookups"] > before["lookups"], (before, now))
    check(now["sockets"] > before["sockets"] and now["uptime_ms"] >= before["uptime_ms"], (before, now))
    check(now["stacks"] == 1 and now["interfaces"] == 1, now)
    for _ in range(30):
        keeper()
    after = await_true("nothing is left open", lambda: (k := keeper())["descriptors"] <= now["descriptors"] + 2 and k)
    check(after["refused"] == 0, after)
    a.end()


def captures_are_counted_after_their_end():
    a = World("first", f"name=web {ptp('p')} ip=10.0.0.1/24 nodad iface=lan vnl=inproc://x ip=10.1.0.1/24",
              f"name=peer {ptp('p')} ip=10.0.0.2/24 nodad")

    def counted():
        return {i["name"]: i["capture"] for i in as_json(f"{a.pid}:web")["stacks"][0]["interfaces"]}

    check(counted() == dict.fromkeys(("vde0", "lan"), dict.fromkeys(NUMBERS["capture"].split(), 0)), counted())
    captures = [subprocess.Popen([tool, "capture", "-q", "-w", f"f-{name}", f"{a.pid}:web:{name}"])
                for name in ("vde0", "lan")]
    await_true("they run", lambda: [c["captures"] for c in counted().values()] == [1, 1])
    check(as_json(a.pid)["keepers"][0]["captures"] == 2, "of the keeper")
    send_from(a, "web")
    await_true("frames", lambda: counted()["vde0"]["captured"] >= 100)
    for capture in captures:
        capture.terminate()
        check(capture.wait(PATIENCE_S) == 0, "capture")
    await_true("they have ended", lambda: [c["captures"] for c in counted().values()] == [0, 0])
    frames = counted()["vde0"]
    check(frames["captured"] >= 100 and frames["uncaptured"] == 0, frames)
    a.end()


def one_program_stack_or_interface_is_chosen():
    a = World("first", "name=web vnl=inproc://x iface=lan0 vnl=inproc://y iface=lan1 vnl=inproc://y", "vnl=inproc://x")
    b = World("second", "name=web vnl=inproc://x")
    everything = as_json()
    check({s["pid"] for s in everything["stacks"]} >= {a.pid, b.pid}, everything)
    for word, stacks, names in ((f"{a.pid}", ["web", ""], None), (f"{a.pid}:1", [""], ["vde0"]),
                                (f"{a.pid}:web", ["web"], None), (f"{a.pid}:web:lan1", ["web"], ["lan1"]),
                                (f"{a.pid}::vde0", ["web", ""], None),
                                (str(stacks_of(b)[0]["keeper"]), ["web"], ["vde0"])):
        d = as_json(word)
        check([s["name"] for s in d["stacks"]] == stacks and len(d["keepers"]) == 1, (word, d))
        shown = [i["name"] for s in d["stacks"] for i in s["interfaces"]]
        check(names is None or shown == names, (word, shown))
        metrics = as_prometheus(word)[1]
        check({dict(key[1])["interface"] for key in metrics if key[0] == "vdestack_interface_up"} == set(shown), word)
    text = run("stats", f"{a.pid}:web:lan1")
    check(re.search(rf"^ *{a.pid}  web +lan1 ", text, re.M) and "vde0" not in text, text)
    a.end()
    b.end()


def stats_says_what_is_wrong():
    a = World("first", "name=web vnl=inproc://x")
    check("no stack \"x\"" in complaint("stats", f"{a.pid}:x", status=1), "unknown stack")
    check("no interface vde9" in complaint("stats", f"{a.pid}:web:vde9", status=1), "unknown interface")
    check("there is no process" in complaint("stats", 2 ** 22 + 1, status=1), "unknown process")
    for word in ("x", "0", f"{a.pid}:", f"{a.pid}x", "99999999999999999999"):
        check("PID" in complaint("stats", word, status=1), word)
    for args in (["--json", "--prometheus"], ["-w", "0"], ["-w", "nan"], ["-w", "1x"], ["--watch"], ["--absent"], ["1", "2"]):
        complaint("stats", *args, status=64)
    for options in ([], ["-j"], ["-p"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([tool, "stats", *options], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        check(done.returncode == 74, f"{options} to a full disk: {done}")
    check("Usage" in run("stats", "--help"), "help")
    a.end()


def a_silent_keeper_is_told_and_the_rest_is_shown():
    a, b = World("first", "name=a", "name=a2"), World("second", "name=b vnl=inproc://x")
    keeper = stacks_of(a)[0]["keeper"]
    os.kill(keeper, signal.SIGSTOP)
    begin = time.monotonic()
    d = as_json()
    took = time.monotonic() - begin
    check(took < 10, f"it took {took} s")
    (silent,) = [k for k in d["keepers"] if k["pid"] == a.pid]
    check(silent["silent"] is True and "does not answer" in silent["problem"], silent)
    (other,) = [k for k in d["keepers"] if k["pid"] == b.pid]
    check(other["silent"] is False and other["stacks"] == 1, other)
    samples = as_prometheus()[1]
    check(value(samples, "keeper_up", pid=str(a.pid)) == 0 and value(samples, "keeper_up", pid=str(b.pid)) == 1, "up")
    check(value(samples, "interface_up", pid=str(b.pid)) == 1, "the other program")
    text = run("stats")
    check(re.search(rf"^ *{keeper} +{a.pid}  first +silent", text, re.M) and "does not answer" in text, text)
    check("silent" in run("stats", a.pid) and "silent" in run("stats", f"{a.pid}:a"), "chosen")
    os.kill(keeper, signal.SIGCONT)
    await_true("it answers again", lambda: len(as_json(a.pid)["stacks"]) == 2)
    a.end()
    b.end()


def names_cannot_change_the_terminal_or_the_formats():
    a = World(HOSTILE, f'vnl="vde://{os.getcwd()}/\\"<&>\\\\x"', "name=1")
    d = as_json(a.pid)
    check(d["keepers"][0]["program"] == HOSTILE and d["stacks"][0]["program"] == HOSTILE, d)
    check(d["stacks"][0]["interfaces"][0]["locator"].endswith('/"<&>\\x'), d)
    samples = as_prometheus(a.pid)[1]
    check({dict(key[1])["program"] for key in samples} == {HOSTILE.replace("\033", "?")}, samples)
    text = run("stats", a.pid)
    check(all(c >= " " or c == "\n" for c in text) and "e?[2J" in text, repr(text))
    a.end()
    # A name may consist of digits, as an index does: the series differ all the same.
    a = World("digits", "name=1 vnl=inproc://x", "vnl=inproc://x")
    up = [dict(key[1]) for key in as_prometheus(a.pid)[1] if key[0] == "vdestack_interface_up"]
    check([(labels["stack"], labels.get("index")) for labels in up] == [("1", None), ("1", "1")], up)
    a.end()


def watch_repeats_until_it_is_stopped():
    a = World("first", "name=web vnl=inproc://x ip=10.0.0.1/24 nodad")
    reader = subprocess.Popen([tool, "stats", "--json", "--watch", "0.05", str(a.pid)], stdout=subprocess.PIPE)
    documents = [json.loads(reader.stdout.readline()) for _ in range(5)]
    for before, now in zip(documents, documents[1:]):
        check_document(now)
        check(now["time_ms"] - before["time_ms"] >= 49, "the time between")
        check(now["keepers"][0]["requests"] > before["keepers"][0]["requests"], "they are new")
    reader.terminate()
    check(reader.wait(PATIENCE_S) == -signal.SIGTERM, "ended")
    reader = subprocess.Popen([tool, "stats", "-p", "-w", "0.05", str(a.pid)], stdout=subprocess.PIPE, text=True)
    text = ""
    while text.count("\n\n") < 2:
        text += reader.stdout.readline()
    reader.stdout.close()
    check(reader.wait(PATIENCE_S) == -signal.SIGPIPE, f"its reader is gone: {reader.returncode}")
    for part in text.split("\n\n")[:2]:
        parse(part + "\n")
    reader = subprocess.Popen([tool, "stats", "-j", "-w", "0.05", str(a.pid)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    reader.stdout.readline()
    a.end()
    check(reader.communicate(timeout=PATIENCE_S)[1] != b"" and reader.returncode == 1, "it ends with the program")


def the_document_lists_all_keys_and_metrics():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/stats.md")) as file:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file if line.startswith("| `vdestack_")]
    rows = {row[0].strip("`"): row for row in rows if not row[0].endswith("()`")}
    types, _ = as_prometheus()
    check(types.keys() == rows.keys(), types.keys() ^ rows.keys())
    keys = [key for row in rows.values() for cell in row[1:] for key in re.findall(r"`(\w+)`", cell)]
    wanted = " ".join(NUMBERS.values()).split()
    wanted.remove("offloads")  # bits
    check(sorted(keys) == sorted(wanted), set(keys) ^ set(wanted))


def without_stacks_there_is_nothing_to_count():
    check(as_json()["keepers"] == [] and as_json()["stacks"] == [], "JSON")
    types, samples = as_prometheus()
    check(len(types) > 40 and not samples, samples)
    check(len(run("stats").splitlines()) == 3, "two heads")


globals()[case]()
