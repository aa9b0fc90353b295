# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the commands of documents, for blocks.py.

Each page has a directory, in which its files are. The paths below /tmp that a page names are in it. The
process 1234 of the pages is a program with the stack "web", which is started for the first command that
names it. A reader types slowly, and a server needs a moment until it is ready: so a command that fails is
repeated until it succeeds or its time is over. All that was started ends with the object.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

LIMIT_S, TRY_AGAIN_S = float(os.environ.get("BLOCKS_LIMIT_S", "40")), 0.3
ENDLESS = ("vdestack capture",)  # until they are interrupted
LABORATORY = "network lan 10.0.0.0/24\nhost web on lan\nhost db on lan\n"


class Runner:
    """The directories of the pages, and the processes that are to end."""

    def __init__(self):
        self.top = Path.cwd() / "blocks"
        self.groups: list[subprocess.Popen] = []
        self.example: subprocess.Popen | None = None

    def folder(self, page: str) -> Path:
        folder = self.top / re.sub(r"\W", "_", page)
        if not folder.is_dir():
            (folder / "tmp").mkdir(parents=True)
            (folder / "test.lab").write_text(LABORATORY, encoding="utf-8")
        return folder

    def file(self, page: str, name: str, text: str) -> None:
        (self.folder(page) / name).write_text(text, encoding="utf-8")

    def process_1234(self) -> str:
        """The number of the process whose stack is "web"."""
        if self.example is None:
            words = [
                "vdestack",
                "run",
                "name=web",
                "vnl=local://blocks",
                "ip=10.9.0.1/24",
                "--",
                "sleep",
                "infinity",
            ]
            self.example = self.start(words, self.top, subprocess.DEVNULL)
        return str(self.example.pid)

    def start(self, words: list[str], folder: Path, output) -> subprocess.Popen:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "SHELL": "/bin/sh"},
        )
        self.groups.append(process)
        return process

    def once(self, command: str, folder: Path, seconds: float) -> tuple[int | None, str]:
        """The exit status, None at the end of the time, and the output."""
        log = folder / "output"
        with open(log, "wb") as output:
            endless = command.startswith(ENDLESS)
            process = self.start(["sh", "-c", f"exec {command}" if endless else command], folder, output)
            try:
                if endless:
                    time.sleep(TRY_AGAIN_S)
                    os.killpg(process.pid, signal.SIGINT)
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                status = None
        return status, log.read_text(encoding="utf-8", errors="replace")

    def run(self, page: str, commands: list[str]) -> str | None:
        """Why one of the commands has failed."""
        folder = self.folder(page)
        for command in commands:
            done = command.replace("/tmp/", f"{folder}/tmp/")
            done = re.sub(r"^(vde_switch .*)-d$", rf"\1-d -p {folder}/switch.pid", done)
            if "1234" in done:
                done = done.replace("1234", self.process_1234())
            deadline = time.monotonic() + LIMIT_S
            while True:
                status, output = self.once(done, folder, max(1, deadline - time.monotonic()))
                if status == 0:
                    break
                if status is None or time.monotonic() > deadline:
                    return f"{command}: exit status {status}\n{output}"
                time.sleep(TRY_AGAIN_S)
        return None

    def python(self, page: str, text: str) -> str | None:
        """A program, or a file of tests."""
        self.file(page, "test_page.py", text)
        words = (
            [sys.executable, "-m", "pytest", "-q", "test_page.py"]
            if "def test_" in text
            else [sys.executable, "test_page.py"]
        )
        with open(self.folder(page) / "output", "wb") as output:
            status = self.start(words, self.folder(page), output).wait(LIMIT_S)
        return None if status == 0 else (self.folder(page) / "output").read_text(encoding="utf-8")

    def end(self) -> None:
        for pidfile in self.top.glob("*/switch.pid"):
            os.kill(int(pidfile.read_text(encoding="utf-8")), signal.SIGTERM)
        for process in self.groups:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(LIMIT_S)
        shutil.rmtree(self.top, ignore_errors=True)
