# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structs and numbers that are written down in Python are those of the C headers."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from vdestack import EventType, LearnedType, _abi, _lib

INCLUDE = Path(__file__).resolve().parents[2] / "include"
HEADERS = sorted(str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.h"))
TEXT = "\n".join((INCLUDE / name).read_text() for name in HEADERS)


def compiled(tmp_path, body):
    """What a C program with this body prints, a line each."""
    source = tmp_path / "probe.c"
    lines = ["#define _GNU_SOURCE", "#include <stdio.h>", "#include <stddef.h>", "#include <netdb.h>"]
    lines += [f"#include <{name}>" for name in HEADERS]
    source.write_text("\n".join([*lines, "int main(void)", "{", *body, "\treturn 0;", "}", ""]))
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, f"-I{INCLUDE}", source, "-o", tmp_path / "probe"], check=True, timeout=50)
    return subprocess.run([tmp_path / "probe"], check=True, capture_output=True, text=True, timeout=10).stdout


def structs():
    for name, struct in _abi.STRUCTS.items():
        if name.startswith("struct vdestack") and not re.search(rf"^{name} \{{", TEXT, re.M):
            pytest.fail(f"no header has {name}")
        yield name, struct


def test_structs_have_the_sizes_and_offsets_of_the_headers(tmp_path):
    body, expected = [], []
    for name, struct in structs():
        body.append(f'\tprintf("{name} %zu\\n", sizeof({name}));')
        expected.append(f"{name} {ctypes.sizeof(struct)}")
        for member, *_ in struct._fields_:
            body.append(
                f'\tprintf("{name}.{member} %zu %zu\\n", offsetof({name}, {member}), sizeof((({name} *)0)->{member}));'
            )
            field = getattr(struct, member)
            expected.append(f"{name}.{member} {field.offset} {field.size}")
    assert len(expected) > 100
    assert compiled(tmp_path, body).splitlines() == expected


def test_no_member_of_a_header_is_missing():
    for name, struct in structs():
        if not name.startswith("struct vdestack"):
            continue
        block = re.search(rf"^{name} \{{\n(.*?)^\}};", TEXT, re.M | re.S)
        assert block, name
        plain = re.sub(r"/\*.*?\*/", "", block[1], flags=re.S)
        members = []
        for declaration in plain.split(";"):
            names = re.findall(r"[*\s]([a-z_0-9]+)(?:\[[^\]]*\])?\s*(?:,|$)", declaration.strip())
            members += names
        assert members == [member for member, *_ in struct._fields_], name


def test_numbers_are_those_of_the_headers(tmp_path):
    events = [item for item in EventType if re.search(rf"VDESTACK_EVENT_{item.name}\b", TEXT)]
    names = [f"VDESTACK_EVENT_{item.name}" for item in events]
    names += [f"VDESTACK_LEARNED_{item.name}" for item in LearnedType]
    flags = ["NO_WAIT", "FORCE_MTU", "ALLOW_ABSENT", "NO_RECONNECT", "NODAD", "UNREGISTERED"]
    flags += ["INHERIT", "PIPE", "NULL", "AS_OUT"]
    names += [f"VDESTACK_{flag}" for flag in flags]
    values = [*events, *LearnedType, *(getattr(_abi, flag) for flag in flags)]
    lines = compiled(tmp_path, [f'\tprintf("%d\\n", (int){name});' for name in names]).split()
    assert list(map(int, lines)) == [int(value) for value in values]


def test_every_event_of_the_header_has_a_name():
    text = (INCLUDE / "vdestack/events.h").read_text()
    assert set(re.findall(r"VDESTACK_EVENT_([A-Z0-9_]+) =", text)) <= {item.name for item in EventType}


@pytest.mark.parametrize("table", [_lib._CORE, _lib._LATER, _lib._DNS, _lib._LAB])
def test_functions_have_as_many_arguments_as_in_the_headers(table):
    text = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", "", TEXT, flags=re.S)
    for name, (_, *arguments) in table.items():
        found = re.search(rf"\b{name}\(([^)]*)\)", text)
        assert found, name
        n = 0 if found[1].strip() == "void" else found[1].count(",") + 1
        assert n == len(arguments), name
