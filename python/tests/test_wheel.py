# SPDX-License-Identifier: LGPL-2.1-or-later
"""The source package and the wheel, as an index of packages would have them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[1]
VERSION = re.search(r"project\(libvdestack VERSION ([0-9.]+)", (PYTHON.parent / "CMakeLists.txt").read_text())[1]
# Of the environment nothing that would help: neither this checkout nor a compiler.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CC", "VDESTACK_LIBRARY")}


def do(*words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=100, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(tmp_path, *options):
    """Both, made from a copy. The wheel is made from the source package, so that one is complete."""
    source = tmp_path / "source"
    shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("__pycache__", "build", "dist", "*.egg-info"))
    # What a checkout may have beside the sources must not get in.
    (source / "src" / "vdestack" / "__pycache__").mkdir()
    (source / "src" / "vdestack" / "__pycache__" / "stack.cpython-311.pyc").write_bytes(b"")
    (source / "src" / "vdestack" / "scratch.txt").write_text("not a part of the package")
    (source / "src" / "vdestack" / "libvdestack.so.0").write_bytes(b"")
    out = tmp_path / "dist"
    do(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *options, source, env=ENVIRONMENT)
    return sorted(out.iterdir())  # vdestack-VERSION-py3-none-any.whl, vdestack-VERSION.tar.gz


def check_wheel(wheel):
    """The package is in it, and nothing else."""
    assert wheel.name == f"vdestack-{VERSION}-py3-none-any.whl"
    info = f"vdestack-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        assert f"{info}/COPYING" in names or f"{info}/licenses/COPYING" in names
        marks = message_from_bytes(file.read(f"{info}/WHEEL"))
    package = {f"vdestack/{path.name}" for path in (PYTHON / "src" / "vdestack").glob("*.py")} | {"vdestack/py.typed"}
    about = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt")}
    licence = {name for name in names if name.endswith("/COPYING")}
    assert names == package | about | licence
    assert marks["Root-Is-Purelib"] == "true"
    assert marks.get_all("Tag") == ["py3-none-any"]


def check_source(sdist):
    """All that it needs is in it."""
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames() if file.getmember(name).isfile()}
    assert {"pyproject.toml", "README.md", "COPYING", "PKG-INFO", "MANIFEST.in"} <= names
    assert {f"tests/{path.name}" for path in (PYTHON / "tests").glob("*.py")} <= names
    strange = [name for name in names if not name.endswith((".py", ".toml", ".md", ".in", ".cfg", "py.typed"))]
    kept = [name for name in strange if not name.startswith("src/vdestack.egg-info/")]
    assert sorted(kept) == ["COPYING", "PKG-INFO"]


def check_metadata(wheel):
    with zipfile.ZipFile(wheel) as file:
        said = message_from_bytes(file.read(f"vdestack-{VERSION}.dist-info/METADATA"))
        plugins = file.read(f"vdestack-{VERSION}.dist-info/entry_points.txt").decode()
    assert (said["Name"], said["Version"]) == ("vdestack", VERSION)
    assert said["License"] == "LGPL-2.1-or-later"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Description-Content-Type"] == "text/markdown"
    assert "from vdestack import Stack" in said.get_payload()
    assert said["Summary"] and said["Keywords"] and said.get_all("Project-URL")
    assert said.get_all("Requires-Dist") is None  # it needs the C library, and no other package
    kinds = said.get_all("Classifier")
    assert any(kind.startswith("License :: OSI Approved") for kind in kinds)
    assert any(kind.startswith("Operating System :: POSIX :: Linux") for kind in kinds)
    assert "vdestack.pytest_plugin" in plugins
    assert (PYTHON / "COPYING").read_bytes() == (PYTHON.parent / "COPYING").read_bytes()


def test_the_source_package_and_the_wheel_are_complete_and_an_index_takes_them(tmp_path):
    wheel, sdist = built(tmp_path)
    check_source(sdist)
    check_wheel(wheel)
    check_metadata(wheel)
    if shutil.which("twine", path="/usr/bin") is None:
        pytest.skip("twine is not installed; everything else is right")
    do("/usr/bin/twine", "--no-color", "check", "--strict", sdist, wheel, env=ENVIRONMENT)


def installed_library(folder):
    """The libraries of this build in one folder, as an installation has them."""
    tree = Path(os.environ.get("VDESTACK_LIBRARY", "/nowhere"))
    if not tree.is_dir():
        pytest.skip("VDESTACK_LIBRARY names no directory of a build")
    folder.mkdir()
    for place in (tree, tree / "dns", tree / "lab"):
        for file in place.glob("libvdestack-*.so.0"):
            shutil.copy(file, folder / file.name)
    return folder


def test_a_fresh_environment_works_with_an_installed_library(tmp_path):
    (wheel,) = built(tmp_path, "--wheel")
    environment = ENVIRONMENT | {"LD_LIBRARY_PATH": str(installed_library(tmp_path / "lib")), "HOME": str(tmp_path)}
    python = tmp_path / "env" / "bin" / "python"
    do(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", env=environment)
    # Debian's pip works on another environment, which costs less than a pip in it.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    do(*pip, "install", "--no-index", "--no-cache-dir", "--no-compile", wheel, env=environment)
    program = tmp_path / "program.py"
    program.write_text(
        "import socket\n"
        "import vdestack\n"
        f"assert vdestack.__file__.startswith({str(tmp_path / 'env')!r}), vdestack.__file__\n"
        "one = vdestack.Stack('vnl=inproc://lan ip=10.0.0.1/24')\n"
        "two = vdestack.Stack('vnl=inproc://lan ip=10.0.0.2/24')\n"
        "server = one.create_server(('10.0.0.1', 80))\n"
        "with two:\n"
        "    client = socket.create_connection(('10.0.0.1', 80), 20)\n"
        "print(server.accept()[1][0])\n"
    )
    assert do(python, program, cwd=tmp_path, env=environment) == "10.0.0.2\n"
    do(*pip, "check", env=environment)
