# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pytest plugin: fixtures `stack`, `lab`, `lab_factory`, `segment`, markers `lab` and `impair`.

    @pytest.mark.lab("network lan 10.0.0.0/24\\nhost a on lan\\nhost b on lan")
    def test_ping(lab): ...

    @pytest.mark.impair("loss=1%", "delay=20ms")       # one test for each
    def test_client(stack): ...

One number, the seed of the run, is the origin of all random choices: that of a test comes from it and from the
test's name, so a single test repeats alone, and with pytest-xdist on whichever worker. A test that fails reports it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from . import _lib
from . import impairment as words
from .errors import LibraryMissing, VdestackError
from .events import Events
from .lab import Lab
from .stack import Stack

_SEED = pytest.StashKey[int]()
_MADE = pytest.StashKey["Made"]()
_PROBLEM = pytest.StashKey[str]()
_KEPT = pytest.StashKey[Stack]()  # its keeper lives from test to test: to start one takes longer than two stacks
_unique = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("vdestack", "laboratories of networks")
    group.addoption("--vdestack-seed", type=int, default=None, metavar="N", help="repeat the run with this seed")
    group.addoption("--vdestack-artefacts", metavar="DIR", default=None, help="a folder for each test that fails")
    group.addoption(
        "--vdestack-must-run",
        action="store_true",
        help="where stacks cannot be made, fail and do not skip (also: VDESTACK_TESTS_MUST_RUN=1)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab(text): the networks and hosts of the fixture `lab`")
    config.addinivalue_line(
        "markers",
        "impair(*cases, at=INTERFACE_OR_PORT, **words): impairments of `stack` and `lab`; one test for each case",
    )
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    given = worker["vdestack_seed"] if worker else config.getoption("--vdestack-seed")
    config.stash[_SEED] = secrets.randbits(48) + 1 if given is None else given


def pytest_unconfigure(config: pytest.Config) -> None:
    if _KEPT in config.stash:
        config.stash[_KEPT].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist: all workers have the controller's seed."""
    node.workerinput["vdestack_seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    return f"vdestack: --vdestack-seed={config.stash[_SEED]}"


# ---------------------------------------------------------------- impairments


def _cases(definition: Any) -> tuple[list[str], Any]:
    """The impairments of a test, each as words, and where they are."""
    marker = definition.get_closest_marker("impair")
    if marker is None:
        return [], None
    values = dict(marker.kwargs)
    at = values.pop("at", None)
    return [words.words(case, values) for case in marker.args or ("",)], at


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases, _ = _cases(metafunc.definition)
    if not cases:
        return
    if "impairment" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: impair needs the fixture stack, lab or lab_factory")
    metafunc.parametrize("impairment", cases, indirect=True, ids=cases)


@pytest.fixture
def impairment(request: pytest.FixtureRequest) -> str:
    """The words of the marker `impair` that are in force in this test; "": none."""
    return str(getattr(request, "param", ""))


def _places(at: Any) -> list[str]:
    return [] if at is None else [at] if isinstance(at, str) else list(at)


# ---------------------------------------------------------------- what a test has made


@dataclasses.dataclass
class Made:
    """The stacks and labs of one test, for its end and for its artefacts."""

    config: pytest.Config
    seed: int
    folder: Path | None
    words: str
    places: list[str]
    stacks: list[tuple[str, Stack, Events | None]] = dataclasses.field(default_factory=list)
    labs: list[Lab] = dataclasses.field(default_factory=list)

    @property
    def repeat(self) -> str:
        """What a failure says: the seed of a lab comes from that of the run, so no other number repeats it."""
        return f"repeat with --vdestack-seed={self.config.stash[_SEED]} (seed of this test: {self.seed})"

    def derived(self, *names: object) -> int:
        return derive(self.seed, *names)

    def seeded(self, *names: object) -> str:
        """The words, with a seed for each direction that has none."""
        given = self.words.replace(",", " ").split()
        if given == ["unimpaired"]:
            return self.words
        own = {word.partition("=")[0] for word in given}
        missing = [side for side in ("tx", "rx") if not own & {"seed", f"{side}.seed"}]
        return " ".join([self.words, *(f"{side}.seed={self.derived(*names, side)}" for side in missing)])

    def stack(self, config: str = "", **options: Any) -> Stack:
        stack = Stack(config, **options)
        self.stacks.append((config, stack, stack.events() if self.folder else None))
        if self.words:
            places = self.places or [link.ifname for link in stack.links() if link.locator]
            for ifname in places:
                stack.impair(ifname, self.seeded(len(self.stacks), ifname))
        return stack

    def lab(self, text: str = "", **options: Any) -> Lab:
        options = {"seed": self.derived("lab", len(self.labs)), "artefacts": self.folder} | options
        if self.words and not self.places:
            raise pytest.UsageError("impair needs at=PORT for a lab")
        lab = Lab(text, **options)
        self.labs.append(lab)
        try:
            lab.start()
        except BaseException:
            lab.close()  # the start has written what is known: nothing runs that could say more
            raise
        for port in self.places:
            lab.impair(port, self.words)
        return lab

    def close(self) -> None:
        for lab in reversed(self.labs):
            lab.close()
        for _, stack, events in reversed(self.stacks):
            if events is not None:
                events.close()
            stack.close()

    def write(self, why: str) -> list[str]:
        """Writes the artefacts; returns lines for the report."""
        if self.folder is None:
            return []
        self.folder.mkdir(parents=True, exist_ok=True)
        # A message may have any bytes; a text of C ends at a NUL.
        why = f"{why}\n\n{self.repeat}".encode(errors="backslashreplace").decode().replace("\0", "\\0")
        (self.folder / "failure.txt").write_text(f"{why}\n", encoding="utf-8")
        report = [_snapshot(config, stack, events) for config, stack, events in self.stacks]
        if report:
            text = json.dumps(report, indent=2, default=dict)
            (self.folder / "stacks.json").write_text(text + "\n", encoding="utf-8")
        for lab in self.labs:
            if not lab.closed:
                lab.fail(why)
        return [f"artefacts: {self.folder}"]


def _snapshot(config: str, stack: Stack, events: Events | None) -> dict[str, Any]:
    """All that a stack knows of itself. What cannot be read is an error message in its place."""

    def recent() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while events is not None and len(found) < 4096:
            event = events.get(0)
            if event is None:
                break
            found.append(dataclasses.asdict(event))
        return found

    def impaired() -> dict[str, Any]:
        made = (link.ifname for link in stack.links() if link.locator)
        return {ifname: dataclasses.asdict(stack.impairment(ifname)) for ifname in made}

    def records(items: Any) -> list[dict[str, Any]]:
        return [dataclasses.asdict(item) for item in items]

    parts: dict[str, Any] = {
        "links": lambda: records(stack.links()),
        "addresses": lambda: records(stack.addresses()),
        "routes": lambda: records(stack.routes()),
        "neighbours": lambda: records(stack.neighbours()),
        "learned": lambda: records(stack.learned()),
        "counters": lambda: {
            link.ifname: dataclasses.asdict(stack.stats(link.ifname)) for link in stack.links() if link.locator
        },
        "impairments": impaired,
        "events": recent,
    }
    snapshot: dict[str, Any] = {"config": config}
    for name, read in parts.items():
        try:
            snapshot[name] = read()
        except (OSError, EOFError, LibraryMissing) as error:
            snapshot[name] = f"not known: {error}"
    return snapshot


def derive(seed: int, *names: object) -> int:
    """A number of 63 bits, never 0, that depends on nothing but the arguments."""
    text = "\0".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1 | 1


def _folder(request: pytest.FixtureRequest) -> Path | None:
    folder = request.config.getoption("--vdestack-artefacts")
    if not folder:
        return None
    name = re.sub(r"[^A-Za-z0-9_.=%-]+", "_", request.node.nodeid).strip("_.")
    if len(name) > 200:
        name = f"{name[:180]}-{derive(0, name):x}"[:200]
    return Path(folder).resolve() / name


def _impossible(config: pytest.Config, why: str) -> NoReturn:
    if config.getoption("--vdestack-must-run") or os.environ.get("VDESTACK_TESTS_MUST_RUN") == "1":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def _must_be_possible(config: pytest.Config) -> None:
    """Skips, or with --vdestack-must-run fails, where no stack can be made."""
    if _PROBLEM not in config.stash:
        try:
            config.stash[_KEPT] = Stack(registered=False)
            config.stash[_PROBLEM] = ""
        except (LibraryMissing, VdestackError) as error:
            config.stash[_PROBLEM] = str(error)
    problem = config.stash[_PROBLEM]
    if not problem:
        return
    _impossible(config, f"no stack can be made here: {problem}")


@pytest.fixture
def _vdestack_made(request: pytest.FixtureRequest, impairment: str) -> Iterator[Made]:
    _must_be_possible(request.config)
    node = request.node
    _, at = _cases(node)
    seed = derive(request.config.stash[_SEED], node.nodeid)
    made = Made(request.config, seed, _folder(request), impairment, _places(at))
    node.stash[_MADE] = made
    yield made
    made.close()


# ---------------------------------------------------------------- fixtures for tests


@pytest.fixture
def vdestack_seed(_vdestack_made: Made) -> int:
    """The seed of this test, for random choices of its own."""
    return _vdestack_made.seed


@pytest.fixture
def segment() -> Any:
    """segment("lan") is the locator of an Ethernet that only this test has; segment("lan", "local") is one that
    other programs of this user can join."""
    test = next(_unique)

    def locator(name: str = "lan", scheme: str = "inproc") -> str:
        return f"{scheme}://{name}-{test}" if scheme == "inproc" else f"{scheme}://{name}-{os.getpid()}-{test}"

    return locator


@pytest.fixture
def stack(_vdestack_made: Made) -> Any:
    """stack("vnl=inproc://lan ip=10.0.0.1/24") makes a Stack, which ends with the test."""
    return _vdestack_made.stack


@pytest.fixture
def lab_factory(_vdestack_made: Made) -> Any:
    """lab_factory(text) makes and starts a Lab, which ends with the test."""
    try:
        _lib.lab()
    except LibraryMissing as error:
        _impossible(_vdestack_made.config, str(error))
    return _vdestack_made.lab


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_factory: Any) -> Any:
    """The Lab of the marker `lab`, started."""
    marker = request.node.get_closest_marker("lab")
    options = dict(marker.kwargs) if marker else {}
    text = marker.args[0] if marker and marker.args else options.pop("text", None)
    if text is None:
        raise pytest.UsageError("the fixture lab needs the marker lab(text); lab_factory makes labs without it")
    return lab_factory(text, **options)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    made = item.stash.get(_MADE, None)
    if made is None or not report.failed or report.when == "teardown":
        return
    lines = [made.repeat]
    try:
        lines += made.write(report.longreprtext)
    except OSError as error:  # the test has failed for its own reason, which must stay visible
        lines.append(f"the artefacts could not be written: {error}")
    report.sections.append(("vdestack", "\n".join(lines)))
