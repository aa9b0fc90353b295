#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes docs/programs-table.md of table.txt.

    table.py                            writes the page
    table.py --check CTEST BUILD-DIR    the page is that of the table, each case of a file is in the table and the
                                        reverse, and ctest has each test that the page shows
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "programs-table.md")
ENGINES = ("preload", "supervise")
HEAD = """# Programs that are tested

<!-- tests/programs/table.py makes this page of tests/programs/table.txt. -->

Programs of Debian, not changed, in `vdestack run`. In each case the programs are in stacks of their own and meet in a
VDE network. Each internet socket of each process is checked: none is in the host's network. After the case no process
is left.

A cell has the users for whom the case passes. Each is a test, `programs.PROGRAM.CASE.ENGINE.USER`; a row with
another result fails the suite. "-": does not apply, for the reason in the last column.

| program | what is shown | preload | supervise | remark |
| --- | --- | --- | --- | --- |
"""


def rows():
    with open(os.path.join(HERE, "table.txt"), encoding="utf-8") as table:
        for line in table:
            if re.match("[a-z]", line):
                columns = [column.strip() for column in line.split("|")]
                assert len(columns) == 5, line
                yield columns


def page():
    text = HEAD
    for program, case, preload, supervise, remark in rows():
        cells = [program, case.replace("_", " "), preload, supervise, remark]
        text += "| " + " | ".join(cells).replace("root user", "root, user").rstrip() + " |\n"
    return text


def tests():
    for program, case, *users, _ in rows():
        for engine, who in zip(ENGINES, users):
            for user in who.replace("-", "").split():
                yield f"programs.{program}.{case}.{engine}.{user}"


def cases_of_files():
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".py"):
            with open(os.path.join(HERE, name), encoding="utf-8") as source:
                for case in re.findall(r"^@case\ndef (\w+)\(", source.read(), re.M):
                    yield name[: -len(".py")], case


def differences(what, one, other):
    only = sorted(set(one) ^ set(other))
    for name in only:
        print(f"{what}: {name} is only in one of them", file=sys.stderr)
    return bool(only)


def check(ctest, build):
    with open(PAGE, encoding="utf-8") as f:
        bad = f.read() != page()
    if bad:
        print("docs/programs-table.md is another one; run tests/programs/table.py", file=sys.stderr)
    bad |= differences("files and table", cases_of_files(), [(row[0], row[1]) for row in rows()])
    listed = subprocess.run([ctest, "--test-dir", build, "-N"], stdout=subprocess.PIPE, text=True, check=True).stdout
    bad |= differences("ctest and table", re.findall(r": (programs\.\S+)", listed), tests())
    return bad


if sys.argv[1:2] == ["--check"]:
    sys.exit(check(*sys.argv[2:]))
with open(PAGE, "w", encoding="utf-8") as out:
    out.write(page())
