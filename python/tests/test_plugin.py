# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pytest plugin, seen from inner runs of pytest."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TWO_HOSTS = """
import socket
import pytest

@pytest.fixture
def hosts(stack):
    return stack("vnl=inproc://lan ip=10.0.0.1/24"), stack("vnl=inproc://lan ip=10.0.0.2/24")

def test_talk(hosts):
    with hosts[0].create_server(("10.0.0.1", 80)), hosts[1].create_connection(("10.0.0.1", 80), 20):
        pass
"""
# Impairments are noted instead of made, so these tests are about the plugin alone.
NOTED = """
import pytest
import vdestack

@pytest.fixture(autouse=True)
def noted(monkeypatch):
    found = []
    monkeypatch.setattr(vdestack.Stack, "impair", lambda self, ifname, words: found.append((ifname, words)))
    return found
"""


@pytest.fixture
def inner(pytester, monkeypatch):
    """Runs an inner pytest and returns its result."""
    monkeypatch.delenv("VDESTACK_TESTS_MUST_RUN", raising=False)
    loaded = ["-p", "vdestack.pytest_plugin"] if os.environ.get("VDESTACK_PLUGIN_BY_NAME") else []

    def run(text, *arguments, conftest=""):
        pytester.makepyfile(text)
        pytester.makeconftest(conftest)
        return pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider", *arguments, timeout=100)

    return run


def test_the_fixture_stack_makes_stacks_that_end_with_the_test(inner):
    text = TWO_HOSTS + """
kept = []
def test_keep(stack):
    kept.append(stack())
def test_kept():
    assert kept[0].closed
"""
    inner(text).assert_outcomes(passed=3)


def test_tests_run_in_parallel_with_xdist(inner):
    text = TWO_HOSTS + """
@pytest.mark.parametrize("n", range(20))
def test_many(hosts, n):
    test_talk(hosts)
"""
    inner(text, "-n", "3").assert_outcomes(passed=21)


def test_segments_of_two_tests_have_different_names(inner):
    text = """
seen = []
def test_a(segment):
    seen.append(segment("x"))
    assert segment("x") == segment("x") != segment("y")
    assert segment("x", "local").startswith("local://x-")
def test_b(segment):
    assert segment("x") not in seen
"""
    inner(text).assert_outcomes(passed=2)


def test_each_case_of_impair_is_a_test_with_its_name(inner):
    text = """
import pytest
@pytest.mark.impair("loss=1%", "delay=20ms jitter=1ms", "unimpaired", cut=True)
def test_it(stack, impairment, noted):
    stack("iface=a vnl=inproc://lan iface=b vnl=inproc://lan")
    assert [ifname for ifname, _ in noted] == ["a", "b"]
    assert all(words.startswith(impairment) and "cut" in words for _, words in noted)
@pytest.mark.impair(loss="2%", rx_loss_every=3, at="b")
def test_one(stack, noted):
    stack("iface=a vnl=inproc://lan iface=b vnl=inproc://lan")
    assert [ifname for ifname, _ in noted] == ["b"]
    assert noted[0][1].startswith("loss=2% rx.loss-every=3 tx.seed=")
def test_none(stack, impairment, noted):
    stack("vnl=inproc://lan")
    assert impairment == "" and noted == []
"""
    result = inner(text, "-v", conftest=NOTED)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*test_it[[]loss=1% cut[]] PASSED*"])


def test_impair_without_a_network_is_a_mistake(inner):
    text = "import pytest\n@pytest.mark.impair(loss='1%')\ndef test_it(): pass\n"
    result = inner(text)
    assert result.ret != 0
    assert "impair needs the fixture" in result.stdout.str() + result.stderr.str()


SEEDED = """
import pytest
@pytest.mark.parametrize("n", [1, 2])
def test_it(vdestack_seed, n):
    print("seed of", n, vdestack_seed)
    assert not FAIL
"""


def seeds(result):
    return re.findall(r"seed of (\d) (\d+)", result.stdout.str())


def test_a_failure_reports_the_seed_and_it_repeats(inner):
    failing = SEEDED.replace("FAIL", "True")
    first = inner(failing)
    first.assert_outcomes(failed=2)
    number = re.search(r"repeat with --vdestack-seed=(\d+)", first.stdout.str())
    assert number and len({seed for _, seed in seeds(first)}) == 2
    again = inner(failing, f"--vdestack-seed={number[1]}")
    assert seeds(again) == seeds(first)
    parallel = inner(failing, f"--vdestack-seed={number[1]}", "-n", "2")
    assert sorted(set(seeds(parallel))) == sorted(set(seeds(first)))
    alone = inner(failing, f"--vdestack-seed={number[1]}", "-k", "2")
    assert seeds(alone) == [pair for pair in seeds(first) if pair[0] == "2"]
    other = inner(failing)
    assert seeds(other) != seeds(first)


def test_a_failure_leaves_artefacts_and_a_success_none(inner, pytester):
    text = TWO_HOSTS + """
@pytest.mark.parametrize("n", ["a/b", "../c"])
def test_fails(hosts, n):
    hosts[0].set_carrier("vde0", False)
    assert False, "on purpose"
"""
    result = inner(text, "--vdestack-artefacts=kept")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["artefacts: *test_fails*"])
    folders = sorted(path for path in (pytester.path / "kept").iterdir())
    assert len(folders) == 2 and all(path.name.count("..") <= 1 for path in folders)
    for folder in folders:
        assert "on purpose" in (folder / "failure.txt").read_text()
        one, two = json.loads((folder / "stacks.json").read_text())
        assert one["config"].endswith("10.0.0.1/24") and two["addresses"]
        assert {"CARRIER_CUT", 4} & {event["type"] for event in one["events"]}
        assert isinstance(one["counters"], dict) and isinstance(one["routes"], list)


def test_artefacts_that_cannot_be_written_hide_no_failure(inner, pytester):
    (pytester.path / "file").write_text("")
    result = inner("def test_it(stack):\n    stack()\n    assert 0, 'the reason'\n", "--vdestack-artefacts=file/x")
    result.assert_outcomes(failed=1)
    assert "the reason" in result.stdout.str() and "could not be written" in result.stdout.str()


IMPOSSIBLE = """
import errno
import vdestack.pytest_plugin as plugin
class Stack:
    def __init__(self, *a, **k):
        raise vdestack.VdestackError(errno.EPERM, "this kernel has no user namespaces for users")
import vdestack
plugin.Stack = Stack
"""


def test_where_no_stack_can_be_made_tests_are_skipped_with_the_reason(inner, monkeypatch):
    text = "def test_it(stack): pass\ndef test_two(stack): pass\n"
    result = inner(text, "-rs", conftest=IMPOSSIBLE)
    result.assert_outcomes(skipped=2)
    assert "no user namespaces for users" in result.stdout.str()
    inner(text, "--vdestack-must-run", conftest=IMPOSSIBLE).assert_outcomes(errors=2)
    monkeypatch.setenv("VDESTACK_TESTS_MUST_RUN", "1")
    inner(text, conftest=IMPOSSIBLE).assert_outcomes(errors=2)


AS_IN_A_CONTAINER = """
import socket
import pytest
def test_stack(stack):
    stack("vnl=inproc://lan ip=10.0.0.1/24")
@pytest.mark.lab("network lan 10.0.0.0/24\\nhost a on lan\\n")
def test_lab(lab):
    pass
@pytest.mark.impair("loss=1%", "delay=20ms")
def test_impaired(stack):
    pass
def test_that_needs_no_network():
    pass
"""


@pytest.fixture
def confined(pytester, monkeypatch, tmp_path):
    """Runs an inner pytest where user namespaces are refused, as the default seccomp profile of Docker does it. Root
    has no capabilities there."""
    monkeypatch.delenv("VDESTACK_TESTS_MUST_RUN", raising=False)
    source = Path(__file__).resolve().parents[2] / "tests" / "support" / "refuse.c"
    refuse = tmp_path / "refuse"
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), source, "-o", refuse], check=True, timeout=50)
    launcher = [shutil.which("setpriv"), "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    loaded = ["-p", "vdestack.pytest_plugin"] if os.environ.get("VDESTACK_PLUGIN_BY_NAME") else []

    def run(text, *arguments):
        pytester.makepyfile(text)
        words = [refuse, *launcher, sys.executable, "-m", "pytest", *loaded, "-p", "no:cacheprovider", *arguments]
        return pytester.run(*words, timeout=100)

    return run


def test_without_privileges_and_user_namespaces_tests_are_skipped_and_the_rest_runs(confined):
    result = confined(AS_IN_A_CONTAINER, "-rs")
    result.assert_outcomes(skipped=4, passed=1)
    text = result.stdout.str()
    assert "no stack can be made here: " in text and "user namespace" in text and "seccomp" in text


def test_without_privileges_and_user_namespaces_tests_that_must_run_fail_with_the_reason(confined):
    result = confined(AS_IN_A_CONTAINER, "--vdestack-must-run")
    result.assert_outcomes(errors=4, passed=1)
    text = result.stdout.str()
    assert "user namespace" in text and "seccomp" in text and "Traceback" not in text


def test_without_the_library_tests_are_skipped_with_the_reason(inner, monkeypatch, tmp_path):
    monkeypatch.setenv("VDESTACK_LIBRARY", str(tmp_path))
    result = inner("def test_it(stack): pass\n", "-rs")
    result.assert_outcomes(skipped=1)
    assert "VDESTACK_LIBRARY" in result.stdout.str()


def test_a_lab_without_its_text_is_a_mistake(inner):
    result = inner("def test_it(lab): pass\n")
    result.assert_outcomes(errors=1)
    assert "the fixture lab needs the marker lab(text)" in result.stdout.str()


LAB = "network lan 10.0.0.0/24\\nhost a on lan\\n"


def test_the_text_of_a_lab_is_an_argument_or_a_keyword(inner):
    text = f"""
import pytest
@pytest.mark.lab("{LAB}", seed=5)
def test_one(lab):
    assert lab.address("a") == "10.0.0.1" and lab.seed == 5
@pytest.mark.lab(text="{LAB}")
def test_two(lab):
    assert lab.address("a") == "10.0.0.1"
"""
    inner(text).assert_outcomes(passed=2)


def test_the_artefacts_of_a_lab_say_how_pytest_repeats_it(inner, pytester):
    text = f"""
import pytest
@pytest.mark.lab("{LAB}")
def test_it(lab):
    assert False, "on purpose"
"""
    inner(text, "--vdestack-artefacts=kept", "--vdestack-seed=77").assert_outcomes(failed=1)
    (why,) = pytester.path.glob("kept/*/lab-*/why.txt")
    assert "on purpose" in why.read_text() and "repeat with --vdestack-seed=77 " in why.read_text()


def test_a_failure_with_any_message_leaves_artefacts(inner, pytester, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:backslashreplace")  # this test reads what pytest prints
    text = f"""
import pytest
@pytest.mark.lab("{LAB}")
def test_it(lab):
    assert False, "before " + chr(0) + chr(0xDC80) + " behind"
"""
    result = inner(text, "--vdestack-artefacts=kept")
    result.assert_outcomes(failed=1)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    (why,) = pytester.path.glob("kept/*/lab-*/why.txt")
    (failure,) = pytester.path.glob("kept/*/failure.txt")
    assert "before \\0\\udc80 behind" in why.read_text() and "before \\0\\udc80 behind" in failure.read_text()


def test_a_lab_that_does_not_start_leaves_one_folder(inner, pytester):
    text = f"""
import pytest
@pytest.mark.lab('{LAB}server b on lan run "sh -c \\'echo broken; exit 3\\'" ready tcp 80')
def test_it(lab): pass
"""
    inner(text, "--vdestack-artefacts=kept", "--vdestack-seed=77").assert_outcomes(errors=1)
    (why,) = pytester.path.glob("kept/*/lab-*/why.txt")
    assert "ended with status 3" in why.read_text()
    assert (why.parent / "b.out").read_text() == "broken\n"
    (failure,) = pytester.path.glob("kept/*/failure.txt")
    assert "repeat with --vdestack-seed=77 " in failure.read_text()


def test_each_direction_has_a_seed_of_the_test(inner):
    text = """
import pytest
@pytest.mark.impair("loss=1%", "tx.seed=5,loss=1%", "loss=1% seed=5", "unimpaired loss=1%", "unimpaired")
def test_it(stack, impairment, noted):
    stack("vnl=inproc://lan")
    words = noted[0][1]
    own = impairment.count("tx.seed=") + 2 * impairment.count(" seed=")
    expected = 0 if impairment == "unimpaired" else 2 - own
    assert words.startswith(impairment) and words[len(impairment):].count("x.seed=") == expected
"""
    inner(text, conftest=NOTED).assert_outcomes(passed=5)


def test_a_hundred_tests_with_two_hosts_do_not_take_long(inner):
    """A generous limit, for a busy machine; bench.py measures."""
    text = TWO_HOSTS + """
@pytest.mark.parametrize("n", range(100))
def test_many(hosts, n):
    pass
"""
    result = inner(text)
    result.assert_outcomes(passed=101)
    assert result.duration < 90
