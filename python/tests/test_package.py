# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package as others see it: types, the wheel, the document."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vdestack

PYTHON = Path(__file__).resolve().parents[1]
# What this build of the library has besides stacks.
PARTS = os.environ.get("VDESTACK_TEST_PARTS", "lab impair capture").split()
DOCUMENT = PYTHON.parent / "docs" / "python.md"


def do(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_types_are_strict(tmp_path):
    do("mypy", "--cache-dir", tmp_path, "--config-file", PYTHON / "pyproject.toml", PYTHON / "src")


def test_a_program_that_uses_it_wrongly_is_noticed_by_its_types(tmp_path):
    good = tmp_path / "good.py"
    good.write_text("from vdestack import Stack\nstack = Stack()\nname: str = stack.addresses()[0].address\n")
    bad = tmp_path / "bad.py"
    bad.write_text("from vdestack import Stack\nstack = Stack(7)\nn: int = stack.addresses()[0].address\n")
    words = ["mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    environment = os.environ | {"MYPYPATH": str(PYTHON / "src")}
    do(*words, good, env=environment)
    done = subprocess.run([*words, bad], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1 and "Found 2 errors" in done.stdout, done.stdout


def test_everything_public_has_a_text():
    for name in vdestack.__all__:
        assert getattr(vdestack, name).__doc__, name


def test_the_wheel_is_installed_without_a_compiler_and_its_plugin_is_found(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    do(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, source)
    (wheel,) = tmp_path.glob("vdestack-*-py3-none-any.whl")
    listed = do(sys.executable, "-m", "zipfile", "-l", wheel)
    assert "vdestack/py.typed" in listed and "vdestack/pytest_plugin.py" in listed and ".so" not in listed
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CC")}
    venv = tmp_path / "venv"
    do(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", venv)
    python = venv / "bin" / "python3"
    place = do(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", env=environment).strip()
    # A wheel of Python alone is installed by unpacking it: neither pip nor a compiler is needed.
    do(sys.executable, "-m", "zipfile", "-e", wheel, place)
    test = tmp_path / "test_it.py"
    test.write_text(
        "import vdestack\n"
        f"def test_it(stack):\n    assert vdestack.__file__.startswith({str(place)!r})\n"
        "    stack('vnl=inproc://lan ip=10.0.0.1/24').socket().close()\n"
    )
    words = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, test]
    out = do(*words, env=environment, cwd=tmp_path)
    assert "1 passed" in out


def blocks():
    """The examples of docs/python.md: programs, and files of tests."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("n", range(len(blocks())))
def test_the_examples_of_the_document_run(n, tmp_path):
    block = blocks()[n]
    if "lab(" in block.lower() and "lab" not in PARTS or "impair" in block and "impair" not in PARTS:
        return  # of a part that this build does not have; see CMakeLists.txt
    file = tmp_path / "test_example.py"
    file.write_text(block)
    if "def test_" not in block:
        do(sys.executable, file, cwd=tmp_path)
        return
    loaded = ["-p", "vdestack.pytest_plugin"] if os.environ.get("VDESTACK_PLUGIN_BY_NAME") else []
    out = do(sys.executable, "-m", "pytest", "-q", *loaded, "-p", "no:cacheprovider", file, cwd=tmp_path)
    assert "passed" in out


def test_the_document_has_examples():
    assert len(blocks()) >= 5
