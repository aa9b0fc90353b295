# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py: what a laboratory costs in pytest. No test: run it by hand, or by tests/bench/run --only lab.

    bench.py [--lines] [--leaks N]

Runs a hundred tests with two hosts on a segment each, and a hundred tests with nothing, and prints the time of each
whole, of single tests (setup, call and teardown together), and what it takes with two workers of pytest-xdist.
--lines prints "name value unit" lines. --leaks makes so many laboratories in one process and prints what they leave:
descriptors and memory of program and keeper.

Processor time is that of Python, its children and its keeper; what the kernel does later by itself is not in it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.util
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SOURCE = str(Path(__file__).parents[1] / "src")
sys.path.insert(0, SOURCE)
os.environ["PYTHONPATH"] = os.pathsep.join([SOURCE, *filter(None, [os.environ.get("PYTHONPATH")])])

LAB = "network lan 10.0.0.0/24\\nhost a on lan\\nhost b on lan"
TESTS = {
    "nothing": "def test_it(n): pass",
    "two stacks": (
        "def test_it(n, stack, segment):\n"
        "    lan = segment()\n"
        "    stack(f'vnl={lan} ip=10.0.0.1/24'), stack(f'vnl={lan} ip=10.0.0.2/24')"
    ),
    "two stacks and TCP": (
        "def test_it(n, stack, segment):\n"
        "    lan = segment()\n"
        "    one, two = stack(f'vnl={lan} ip=10.0.0.1/24'), stack(f'vnl={lan} ip=10.0.0.2/24')\n"
        "    with one.create_server(('10.0.0.1', 80)), two.create_connection(('10.0.0.1', 80)): pass"
    ),
    "lab of two hosts": f"@pytest.mark.lab('{LAB}')\ndef test_it(n, lab): pass",
}
OPTIONS = ["-q", "--no-header", "--no-summary", "-p", "vdestack.pytest_plugin", "-p", "no:cacheprovider"]


class Times:
    """Milliseconds of each test: setup, call and teardown together."""

    def __init__(self) -> None:
        self.of: dict[str, float] = {}

    def pytest_runtest_logreport(self, report) -> None:
        assert report.passed or report.skipped, report.longreprtext
        if not report.skipped:
            self.of[report.nodeid] = self.of.get(report.nodeid, 0) + report.duration * 1000


def keepers() -> list[int]:
    """Of this process: each is a child of it, or a child of a child."""
    parents: dict[int, int] = {}
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().partition(" (")[2].rpartition(") ")
            pid = int(stat.parent.name)
            parents[pid] = int(rest.split()[1])
            if name == "vdestack-keeper":
                found.append(pid)
    return [pid for pid in found if os.getpid() in (parents[pid], parents.get(parents[pid], 0))]


def processor_ms() -> float:
    ticks = 0
    for pid in keepers():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in own) * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def file_of(name: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"test_{name.replace(' ', '_')}.py"
        file.write_text(f"import pytest\npytestmark = pytest.mark.parametrize('n', range(100))\n{TESTS[name]}\n")
        yield str(file)


def measure(name: str) -> dict[str, float]:
    """In this process. Empty: stacks cannot be made here."""
    import pytest

    times = Times()
    with file_of(name) as file, contextlib.redirect_stdout(io.StringIO()):
        start, before = time.perf_counter(), processor_ms()
        pytest.main([*OPTIONS, "--rootdir", os.path.dirname(file), file], plugins=[times])
        whole, cpu = time.perf_counter() - start, processor_ms() - before
    found = sorted(times.of.values())
    if len(found) != 100:
        return {}
    quarter, median, three = statistics.quantiles(found, n=4)
    return {"best": found[0], "quarter": quarter, "median": median, "three_quarters": three, "cpu": cpu / 100,
            "whole": whole * 1000}


def measure_xdist(name: str) -> float:
    """Of a whole run with two workers, in ms."""
    with file_of(name) as file:
        start = time.perf_counter()
        command = [sys.executable, "-m", "pytest", *OPTIONS, "-n", "2", "--rootdir", os.path.dirname(file), file]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
        return (time.perf_counter() - start) * 1000


def state() -> dict[str, int]:
    found = {}
    for who, pid in [("program", os.getpid()), *(("keeper", pid) for pid in keepers()[:1])]:
        status = Path(f"/proc/{pid}/status").read_text()
        found[f"fds_{who}"] = len(os.listdir(f"/proc/{pid}/fd"))
        found[f"threads_{who}"] = len(os.listdir(f"/proc/{pid}/task"))
        found[f"rss_{who}"] = int(status.partition("VmRSS:")[2].split()[0])
    return found


def leaks(count: int) -> None:
    from vdestack import Lab

    for i in range(count):
        with Lab(LAB.replace("\\n", "\n")) as lab:
            lab.host("a")
        if i in (19, count - 1):
            gc.collect()
            time.sleep(3)  # what is kept for the next one has gone then
            for name, value in state().items():
                print(f"pytest.{'before' if i == 19 else 'after'}.{name} {value} {'KiB' if 'rss' in name else '1'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--leaks", type=int, default=0, metavar="N")
    args = parser.parse_args()
    if args.leaks:
        leaks(args.leaks)
        return
    if not args.lines:
        titles = ("all, s", "median, ms", "fastest, ms", "processor, ms", "2 workers, s")
        print(f"{'100 tests of':22}" + "".join(f"{title:>15}" for title in titles))
    for name in TESTS:
        found = measure(name)
        if found and importlib.util.find_spec("xdist"):
            found["workers2"] = measure_xdist(name)
        if args.lines:
            for figure, value in found.items():
                print(f"pytest.{name.replace(' ', '_')}.{figure} {value:.3f} ms")
        elif found:
            whole, two = found["whole"] / 1000, found.get("workers2", 0) / 1000
            print(f"{name:22}{whole:15.2f}{found['median']:15.2f}{found['best']:15.2f}{found['cpu']:15.2f}{two:15.2f}")
        else:
            print(f"{name:22}   not here")


if __name__ == "__main__":
    main()
