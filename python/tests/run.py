# SPDX-License-Identifier: LGPL-2.1-or-later
"""run.py FILE CASE: runs one case for ctest. 77: it was skipped, and the reason is printed.

Its parameters run in one process, one after the other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


class Outcome:
    """Whether anything ran, and why not."""

    def __init__(self):
        self.ran, self.reasons = 0, []

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.reasons.append(report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr))
        elif report.when == "call":
            self.ran += 1


def main(file, case):
    here = Path(__file__).resolve().parent
    outcome = Outcome()
    arguments = ["-q", "-p", "vdestack.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", str(here)]
    status = pytest.main([*arguments, f"{here / file}::{case}"], plugins=[outcome])
    if status == 0 and outcome.reasons:
        print("skipped:", "; ".join(sorted(set(outcome.reasons))), file=sys.stderr)
        return 77
    return int(status != 0 or not outcome.ran)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
