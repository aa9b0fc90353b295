#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes docs/daemons-table.md of the files table/PROGRAM.tsv.

    table.py                                      writes the page
    table.py --check CTEST BUILD-DIR PROGRAM...   the page is that of the files; each option in the help of a program
                                                  is in its file and the reverse; and ctest has each case

A PROGRAM without a file is a mistake. So is a file without its PROGRAM.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "daemons-table.md")
HEAD = """# Options of the daemons

<!-- tests/daemons/table.py makes this page of tests/daemons/table. -->

Each option and keyword of the programs of the Internet of Threads, and the cases that show what it does. A case is a
test of `ctest`; most run as root and as an ordinary user.
"""


def names():
    return sorted(f[: -len(".tsv")] for f in os.listdir(os.path.join(HERE, "table")) if f.endswith(".tsv"))


def rows(name):
    with open(os.path.join(HERE, "table", name + ".tsv"), encoding="utf-8") as table:
        for line in table:
            if line.strip() and not line.startswith("#"):
                columns = line.rstrip("\n").split("\t")
                if len(columns) != 2 or not columns[1].split():
                    sys.exit(f"table/{name}.tsv: not OPTION, tab, CASES: {line}")
                yield columns[0], columns[1].split()


def page():
    text = HEAD
    for name in names():
        text += f"\n## {name}\n\n| option or keyword | cases |\n| --- | --- |\n"
        for keyword, cases in rows(name):
            text += f"| `{keyword}` | {', '.join('`' + case + '`' for case in cases)} |\n".replace("|`", "\\|`")
    return text


def options(program):
    shown = subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True, check=True, timeout=20).stdout
    return set(re.findall(r"^  (?:-., |    )(--[A-Za-z0-9_-]+)", shown, re.M))


def complain(text):
    print(text, file=sys.stderr)
    return 1


def check_program(path):
    name = os.path.basename(path)
    if name not in names():
        return complain(f"there is no table/{name}.tsv")
    keywords = [keyword for keyword, _ in rows(name)]
    bad = sum(complain(f"{name}: {k} is there twice") for k in sorted(set(keywords)) if keywords.count(k) > 1)
    for option in sorted(options(path) ^ {k for k in keywords if k.startswith("--")}):
        bad += complain(f"{name}: {option} is only in one of the help and the table")
    return bad


def check(ctest, build, programs):
    bad = 0
    with open(PAGE, encoding="utf-8") as f:
        if f.read() != page():
            bad += complain("docs/daemons-table.md is another one; run tests/daemons/table.py")
    listed = subprocess.run([ctest, "--test-dir", build, "-N"], stdout=subprocess.PIPE, text=True, check=True).stdout
    tests = re.findall(r"^ *Test *#\d+: (\S+)", listed, re.M)
    known = set(tests) | {test.rpartition(".")[0] for test in tests}
    for name in names():
        for keyword, cases in rows(name):
            bad += sum(complain(f"{name}: {keyword}: there is no case {c}") for c in cases if c not in known)
    bad += sum(check_program(path) for path in programs)
    for name in sorted(set(names()) - {os.path.basename(path) for path in programs}):
        bad += complain(f"table/{name}.tsv is of no program that was given")
    return bad != 0


if sys.argv[1:2] == ["--check"]:
    sys.exit(check(sys.argv[2], sys.argv[3], sys.argv[4:]))
with open(PAGE, "w", encoding="utf-8") as out:
    out.write(page())
