# SPDX-License-Identifier: LGPL-2.1-or-later
"""A browser without a window, driven by the DevTools protocol over two pipes.

Messages are JSON with a zero byte behind each. One thread, which waits for a reply or an event with a
deadline. Events that arrive meanwhile are kept for later. The browser has a profile of its own, and ends
with the object.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time

NAMES = "chromium", "chromium-browser", "google-chrome"
OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # it reads only what this project has written, and runs in places without namespaces
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
REPLY_S = 60


def found() -> str | None:
    """The browser's program."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser with one page."""

    def __init__(self, profile: str):
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()
        command = [found(), *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        script = f'exec "$@" 3<&{from_us} 4>&{to_us}'
        with open(os.path.join(profile, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                pass_fds=(from_us, to_us),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(from_us)
        os.close(to_us)
        self.write_to, self.read_from = to_browser, from_browser
        self.number, self.buffer, self.session = 0, b"", None
        self.events: list[tuple[str, dict]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        os.close(self.write_to)
        os.close(self.read_from)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(timeout=REPLY_S)

    def read(self, deadline: float) -> dict:
        """The next message."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_from], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.read_from, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser ended" if ready else "the browser does not answer")
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, **parameters) -> dict:
        """The result of a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_to, data) :]
        deadline = time.monotonic() + REPLY_S
        while (reply := self.read(deadline)).get("id") != self.number:
            self.events.append((reply.get("method", ""), reply.get("params", {})))
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def wait(self, event: str) -> None:
        """Until the event has happened since the events were taken."""
        deadline = time.monotonic() + REPLY_S
        while event not in (name for name, _ in self.events):
            message = self.read(deadline)
            self.events.append((message.get("method", ""), message.get("params", {})))

    def take_events(self) -> list[tuple[str, dict]]:
        events, self.events = self.events, []
        return events

    def open(self, url: str) -> list[tuple[str, dict]]:
        """Loads a page; the events of the loading."""
        self.take_events()
        result = self.call("Page.navigate", url=url)
        if "errorText" in result:
            raise RuntimeError(f"{url}: {result['errorText']}")
        self.wait("Page.loadEventFired")
        return self.take_events()

    def evaluate(self, expression: str):
        """The value of an expression of JavaScript."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression[:60]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key: str, code: int, text: str = "") -> None:
        """A key is pressed and released."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)
