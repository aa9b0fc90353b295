# SPDX-License-Identifier: LGPL-2.1-or-later
"""cases.py FILE...: prints a line "STEM CASE" for each test of these files, for CMake."""

import ast
import sys
from pathlib import Path

for file in map(Path, sys.argv[1:]):
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            print(file.stem.removeprefix("test_"), node.name.removeprefix("test_"))
