# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in a stack."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from support import DEADLINE

from vdestack import VdestackError
from vdestack.process import DEVNULL, PIPE, STDOUT


def test_a_command_sees_the_interfaces_of_its_stack(pair):
    done = pair[1].run(["ip", "-o", "addr"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert "10.0.0.2/24" in done.stdout and done.stderr == "" and done.returncode == 0


def test_much_input_and_output_pass_at_the_same_time(stack):
    data = os.urandom(1 << 20)
    done = stack().run(["sh", "-c", "tee /dev/stderr"], input=data, capture_output=True, timeout=DEADLINE)
    assert done.stdout == data and done.stderr == data


def test_a_command_that_does_not_read_its_input_is_no_error(stack):
    assert stack().run(["true"], input=b"x" * (1 << 20), timeout=DEADLINE).returncode == 0


def test_return_codes_are_those_of_subprocess(stack):
    one = stack()
    assert one.run(["sh", "-c", "exit 3"]).returncode == 3
    assert one.run(["sh", "-c", "kill -KILL $$"]).returncode == -signal.SIGKILL
    with pytest.raises(subprocess.CalledProcessError):
        one.run(["false"], check=True)
    with pytest.raises(VdestackError) as caught:
        one.run(["/does/not/exist"])
    assert caught.value.errno == errno.ENOENT
    for args in ([], "true"):
        with pytest.raises(TypeError):
            one.run(args)


def test_a_command_is_killed_when_its_time_is_over(stack):
    start = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        stack().run(["sleep", "100"], timeout=0.1)
    assert time.monotonic() - start < DEADLINE


def test_environment_directory_and_streams_are_chosen(stack, tmp_path):
    one = stack()
    done = one.run(["sh", "-c", "pwd; echo $A"], cwd=tmp_path, env={"A": "b", "PATH": "/bin"}, capture_output=True)
    assert done.stdout == f"{tmp_path}\nb\n".encode()
    with open(tmp_path / "out", "wb") as out:
        one.run(["sh", "-c", "echo 1; echo 2 >&2"], stdout=out, stderr=STDOUT, stdin=DEVNULL, check=True)
    assert (tmp_path / "out").read_bytes() == b"1\n2\n"
    with pytest.raises(ValueError):
        one.run(["true"], stdin=STDOUT)


def test_a_command_gets_signals_and_is_polled(stack):
    with stack().popen(["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"], stdout=PIPE) as run:
        assert run.stdout.readline() == b"ready\n"
        assert run.poll() is None and run.pid > 0
        run.terminate()
        assert run.wait(DEADLINE) == 7
        assert run.poll() == 7
        run.terminate()


def test_a_command_ends_with_its_stack(stack):
    one = stack()
    run = one.popen(["sleep", "100"])
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(0)
    one.close()
    try:
        assert run.wait(DEADLINE) == -signal.SIGKILL
    except VdestackError as error:
        assert error.errno == errno.ECANCELED
    run.close()


def test_ctrl_c_interrupts_a_wait(stack):
    one = stack()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            one.run(["sleep", "100"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def test_python_in_a_stack_is_found(stack):
    done = stack().run([sys.executable, "-c", "print('here')"], capture_output=True, text=True)
    assert done.stdout == "here\n"
