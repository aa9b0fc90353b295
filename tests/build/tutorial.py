# SPDX-License-Identifier: LGPL-2.1-or-later
"""tutorial.py DOCUMENT PROGRAM...: does what a reader of the document does, in an empty directory.

A block "```KIND FILE" is written to this file. In a block "```console" the lines that begin with "$ " are commands,
which are run by a shell; the lines behind a command are its output. In a line of the output "..." stands for any
text, a line of "..." for any lines. Each block is one of these two kinds, or says why it is not run. The caller makes PATH and the other
variables such that the commands are found. 77: one of the programs is missing, and its name is printed.

When a command prints something else or does not end, what a person needs for finding the cause from a log is printed: the
command, the exit status, how long it took, the first line that differs, the load of the machine, and
the text files that the commands have left.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 120  # for a command
FILES_SHOWN = 20
FILE_SHOWN = 3000  # characters
LEAST = 3  # commands


def blocks(text):
    """The blocks of a document: the words behind the three backquotes, and the content."""
    return re.findall(r"^```(.+?)\n(.*?)^```$", text, re.M | re.S)


def pattern(lines):
    """A regular expression for the output that the document shows."""
    text = "".join(f"{line}\n" for line in lines)
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n|\.\.\.", text, flags=re.M)]
    kinds = re.findall(r"^\.\.\.\n|\.\.\.", text, re.M)
    fill = ["(?:.*\n)*?" if kind.endswith("\n") else ".*" for kind in kinds]
    return parts[0] + "".join(a + b for a, b in zip(fill, parts[1:], strict=True))


def commands(block):
    """The commands of a block, each with the lines of its output."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run(command):
    """The exit status (None: it did not end in time), and the output."""
    begin = time.monotonic()
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            status = None
    print(f"$ {command}\n{output}", end="", flush=True)
    return status, output, time.monotonic() - begin


def first_difference(expected, output):
    """How many lines, from the first one on, are as the document shows them."""
    shown = output.splitlines(keepends=True)
    for n in range(len(expected), 0, -1):
        if any(re.fullmatch(pattern(expected[:n]), "".join(shown[:k])) for k in range(len(shown) + 1)):
            return n
    return 0


def show_files(folder):
    """The end of each small text file, the newest last."""
    found = [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
    for path in sorted(found, key=lambda path: path.stat().st_mtime)[-FILES_SHOWN:]:
        text = path.read_bytes()
        if b"\0" not in text and path.suffix not in (".svg", ".dot", ".pyc"):
            print(f"--- {path.relative_to(folder)}")
            print(text.decode(errors="replace")[-FILE_SHOWN:])


def explain(folder, command, expected, status, output, seconds):
    """The cause comes last: logs are read from their end."""
    show_files(folder)
    ended = f"was killed after {LIMIT_S} s" if status is None else f"ended with status {status}"
    print(f"\nthis command {ended}, after {seconds:.1f} s (load {os.getloadavg()[0]:.1f}):\n  $ {command}")
    print("its output:", *(f"  | {line}" for line in output.splitlines()), sep="\n")
    print("the document shows:", *(f"  | {line}" for line in expected), sep="\n")
    same = first_difference(expected, output)
    print("the first line that does not match:", expected[same] if same < len(expected) else "(behind the last one)")
    sys.stdout.flush()


def main(document, *needed):
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    for program in needed:
        if shutil.which(program) is None:
            print(f"{program} is not installed", file=sys.stderr)
            return 77
    found = blocks(Path(document).read_text(encoding="utf-8"))
    ran = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("VDESTACK_TEST_TMP")) as folder:
        os.chdir(folder)
        for words, content in found:
            kind, *file = words.split()
            if " not run: " in words:
                continue
            if file:
                Path(file[0]).write_text(content, encoding="utf-8")
                continue
            assert kind == "console", f"a block that is neither a file nor commands: {words}"
            for command, expected in commands(content):
                ran += 1
                status, output, seconds = run(command)
                if status is None or re.fullmatch(pattern(expected), output) is None:
                    explain(folder, command, expected, status, output, seconds)
                    return 1
        os.chdir("/")
    assert ran >= LEAST, "where are the commands?"
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
