# SPDX-License-Identifier: LGPL-2.1-or-later
"""example_lab.py FILE: runs an example of a laboratory with pytest, and compares what it prints with FILE.expected.

test_NAME.py is compared with NAME.expected beside it. 77: it was skipped, and the reason is printed. Arguments
behind FILE are passed to pytest.
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from pathlib import Path

import pytest


class Outcome:
    """What the tests have printed, and why not."""

    def __init__(self):
        self.ran, self.printed, self.reasons = 0, "", []

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.reasons.append(report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr))
        elif report.when == "call":
            self.ran += 1
            self.printed += report.capstdout


def main(file, *arguments):
    file = Path(file).resolve()
    outcome = Outcome()
    # Paths of sockets are short, so the folders of the tests are not below those of earlier runs.
    words = ["-q", "-p", "vdestack.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", str(file.parent)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("VDESTACK_TEST_TMP")) as folder:
        status = pytest.main([*words, "--basetemp", f"{folder}/t", *arguments, str(file)], plugins=[outcome])
    sys.stdout.write(outcome.printed)
    if status == 0 and outcome.reasons:
        print("skipped:", "; ".join(sorted(set(outcome.reasons))), file=sys.stderr)
        return 77
    if status != 0 or not outcome.ran:
        return 1
    expected = file.with_name(file.stem.removeprefix("test_") + ".expected")
    if not expected.exists():
        print(f"what it is expected to print is not known: {expected}", file=sys.stderr)
        return 1
    lines = [text.splitlines() for text in (expected.read_text(encoding="utf-8"), outcome.printed)]
    differences = list(difflib.unified_diff(*lines, str(expected), "printed", lineterm=""))
    for line in differences:
        print(line, file=sys.stderr)
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
