#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs CPython's test_socket. Writes one line for each test: its name, its result, and why.

cpython_results.py FILE [ADDRESS]

Fails if ADDRESS is not one of the network: then the sockets are in another one than they should be.

Left out are tests that need the internet, those of virtual machine sockets, which wait for ever where the kernel
has them and no machine answers, and those of abstract unix names: two runs at a time would use the same names.
Python's own runner does not write results in a form that can be compared.
"""

import socket
import sys
import test.support
import unittest


class Results(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.noted = set()

    def note(self, test, result, why=""):
        name = ".".join(test.id().split(".")[-2:])
        if name not in self.noted:
            self.noted.add(name)
            print(name, result, " ".join(why.split())[:200], sep="\t", file=self.out, flush=True)

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addFailure(self, test, err):
        self.note(test, "failed", f"{err[0].__name__}: {err[1]}")

    def addError(self, test, err):
        self.note(test, "failed", f"{err[0].__name__}: {err[1]}")

    def addExpectedFailure(self, test, err):
        self.note(test, "ok")


test.support.use_resources = []
with open(sys.argv[1], "w", encoding="utf-8") as results:
    from test import test_socket

    if len(sys.argv) > 2:
        with socket.socket() as sock:
            sock.bind((sys.argv[2], 0))
    del test_socket.ThreadedVSOCKSocketStreamTest
    del test_socket.TestLinuxAbstractNamespace
    unittest.defaultTestLoader.loadTestsFromModule(test_socket).run(Results(results))
