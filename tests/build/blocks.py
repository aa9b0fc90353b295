# SPDX-License-Identifier: LGPL-2.1-or-later
"""blocks.py SOURCE-DIR: every block of code in the documents says what it is, and is run or checked as that.

In Markdown the first word behind the three backquotes is the kind. In a manual page it is that of the
comment `.\\" KIND` before `.Bd -literal` or `.Dl`. Kinds:

  c         compiled by snippets.sh
  cpp       compiled here
  console   commands with their output, run by tutorial.sh, machines.py or check_rules.sh
  sh        commands, run here: line by line, each until it succeeds
  config    lines of configuration, given to the parser of the library
  lab, rules  given to `vdestack lab --check` and `vdestack check-rules`
  python    run by the tests of the Python package, or here by pytest
  struct    is in a public header
  cmake     consume.sh finds the package in this way
  text      pictures, output, grammars: it has no commands

"KIND not run: REASON" is a block that cannot run in a test. Of its commands the options and configurations
are checked. In the EXAMPLES of manual pages of the sections 3 and 7 `.Bd` is C (snippets.sh), and in a
SYNOPSIS it is a struct (man.sh).
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from blocks_run import Runner

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/*/*.md",
    "python/README.md",
    "tests/README.md",
    "examples/*/README.md",
)
# Which test runs the blocks of a page: a script or a list that has the page's name.
PAGES_OF_OTHERS = {
    "docs/lab-tutorial.md": "python/CMakeLists.txt",
    "docs/rules.md": "tests/system/check_rules.sh",
    "docs/machines.md": "tests/build/CMakeLists.txt",
    "docs/python.md": "python/tests/test_package.py",
}
TASKS = "docs/tasks/"
COMMAND = re.compile(r"^(\$ |sudo |vdestack [a-z]|cc |cmake |apt(-get)? |\./|python3 |docker )")
LIMIT_S = 60


@dataclass
class Block:
    """A block, and where it begins."""

    page: str
    line: int
    info: str
    lines: list[str]

    @property
    def kind(self) -> str:
        return self.info.split(maxsplit=1)[0] if self.info else ""

    @property
    def not_run(self) -> bool:
        return " not run: " in self.info

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def of_markdown(page: str, text: str) -> list[Block]:
    """The blocks of a document. A block that is only indented has no kind."""
    found, inside = [], None
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        fence = re.match(r"( *)```(.*)", line)
        if inside is not None:
            if fence:
                inside = None
            else:
                inside.lines.append(line[indent:])
        elif fence:
            indent = len(fence[1])
            inside = Block(page, number, fence[2].strip(), [])
            found.append(inside)
        elif line.startswith("    ") and line.strip() and not lines[number - 2].strip():
            found.append(Block(page, number, "", [line]))
    return found


def plain(line: str) -> str:
    """A line of a manual page as a reader sees it."""
    for mark, text in ((r"\(dq", '"'), (r"\(aq", "'"), (r"\&", ""), (r"\-", "-"), (r"\e", "\\")):
        line = line.replace(mark, text)
    return line


def of_manual(page: str, text: str) -> list[Block]:
    """The blocks of a manual page that no other test looks at."""
    found, section, inside, kind, before = [], "", None, "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(".Sh "):
            section = line[4:]
        if inside is not None:
            if line.startswith(".Ed"):
                inside = None
            else:
                inside.lines.append(plain(line))
        elif line.startswith(".Bd -literal"):
            inside = Block(page, number, kind, [])
            if section != "SYNOPSIS" and not (section == "EXAMPLES" and page[-1] in "37"):
                found.append(inside)
        elif line.startswith(".Dl "):
            if before.startswith(".Dl "):
                found[-1].lines.append(plain(line[4:]))
            else:
                found.append(Block(page, number, kind, [plain(line[4:])]))
        kind = line[4:] if line.startswith('.\\" ') else ""
        before = line
    return found


def all_blocks(source: Path) -> list[Block]:
    found = []
    for pattern in DOCUMENTS:
        for path in sorted(source.glob(pattern)):
            page = str(path.relative_to(source))
            found += of_markdown(page, path.read_text(encoding="utf-8"))
    for path in sorted((source / "docs/man").glob("*.[1-8]")):
        found += of_manual(f"docs/man/{path.name}", path.read_text(encoding="utf-8"))
    return found


def output_of(*command: str, given: str = "") -> tuple[int, str]:
    """The exit status and all output of a command."""
    done = subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.returncode, done.stdout


def wrong_configuration(text: str) -> str | None:
    """Why a configuration is refused. A wrong word at its end makes sure that nothing is made.

    If the parser complains about that one, all words before it are right.
    """
    _, said = output_of("vdestack", "enter", text + "\nzzz=1", "--", "true")
    return None if 'configuration word "zzz=1"' in said else said.strip()


def commands_of(lines: list[str]) -> list[str]:
    """The commands, those that go on behind a backslash in one piece."""
    return [command for command in re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n") if command.strip()]


class Checker:
    """How a block of each kind is checked. A method returns a complaint or None."""

    def __init__(self, source: Path):
        self.source = source
        self.help: dict[str, str] = {}
        self.headers = " ".join(
            path.read_text(encoding="utf-8") for path in sorted((source / "include").rglob("*.h"))
        )
        self.runner = Runner()

    def config(self, block: Block) -> str | None:
        parts = "\n".join(block.lines).split("\n\n")
        if all("iface=" not in part for part in parts):
            parts = block.lines  # each line is a configuration
        return next(filter(None, map(wrong_configuration, parts)), None)

    def lab(self, block: Block) -> str | None:
        status, said = output_of("vdestack", "lab", "--check", "-", given="\n".join(block.lines) + "\n")
        if block.info.split()[1:]:
            self.runner.file(block.page, block.info.split()[1], "\n".join(block.lines) + "\n")
        return said if status else None

    def rules(self, block: Block) -> str | None:
        given = (
            "".join(f"stack {name} vnl=none\n" for name in "ab") + "\n".join(block.lines) + "\ndefault host\n"
        )
        status, said = output_of("vdestack", "check-rules", "-", given=given)
        return said if status else None

    def struct(self, block: Block) -> str | None:
        def squeeze(text):
            return " ".join(re.sub(r"/\*.*?\*/", "", text, flags=re.S).split())

        for part in re.findall(r"struct .*?^};", "\n".join(block.lines), re.M | re.S):
            if squeeze(part) not in squeeze(self.headers):
                return f"no header has this: {part.splitlines()[0]}"
        return None

    def cmake(self, block: Block) -> str | None:
        tests = (self.source / "tests/build/consume.sh").read_text(encoding="utf-8")
        first = re.sub(r" [0-9.]+", "", block.lines[0].split("(")[1].rstrip(")"))
        return None if first.split()[0] in tests else "consume.sh does not do this"

    def text(self, block: Block) -> str | None:
        return next((f"this is a command: {line}" for line in block.lines if COMMAND.match(line)), None)

    def c(self, block: Block) -> str | None:
        if "int main" in "\n".join(block.lines):
            self.runner.file(block.page, "program.c", "\n".join(block.lines) + "\n")
        snippets = re.fullmatch(r"README\.md|docs/[^/]*\.md|docs/man/.*\.[37]", block.page)
        return None if snippets else "snippets.sh does not read this page"

    def cpp(self, block: Block) -> str | None:
        status, said = output_of(
            "c++", "-std=c++17", "-fsyntax-only", f"-I{self.source}/include", "-xc++", "-",
            given="\n".join(block.lines) + "\n",
        )
        return said if status else None

    def python(self, block: Block) -> str | None:
        return self.runner.python(block.page, "\n".join(block.lines) + "\n")

    def sh(self, block: Block) -> str | None:
        return self.runner.run(block.page, commands_of(block.lines))

    def known(self, block: Block) -> str | None:
        """Of commands that are not run: whether the tool has these subcommands, options and words."""
        if block.kind != "sh":
            return None
        for command in commands_of(block.lines):
            if complaint := self.command(shlex.split(command, comments=True)):
                return complaint
        return None

    def command(self, words: list[str]) -> str | None:
        if "vdestack" not in words[:1]:
            return None
        subcommand, words = words[1], words[2:]
        words = words[: words.index("--")] if "--" in words else words
        if subcommand not in self.help:
            self.help[subcommand] = output_of("vdestack", subcommand, "--help")[1]
            if "Usage:" not in self.help[subcommand]:
                return f"vdestack has no command {subcommand}"
        for word in words:
            if word.startswith("--") and not re.search(
                re.escape(word.split("=")[0]) + r"\b", self.help[subcommand]
            ):
                return f"vdestack {subcommand} has no option {word}"
        values = [word for word in words if re.match(r"(vnl|ip|gw|dns)=|dhcp$", word)]
        return wrong_configuration(" ".join(values)) if subcommand in ("run", "enter") and values else None


def check(checker: Checker, block: Block) -> str | None:
    if block.page.startswith(TASKS):
        return (
            None
            if block.kind == "console" or len(block.info.split()) == 2
            else "tutorial.py does not know this kind"
        )
    if not block.info:
        return "this block does not say what it is; see tests/build/blocks.py"
    if block.not_run:
        return checker.known(block) if len(block.info.split(" not run: ")[1]) > 5 else "there is no reason"
    is_file = len(block.info.split()) == 2
    if block.page in PAGES_OF_OTHERS and (is_file or block.kind in ("console", "rules", "python")):
        script = (checker.source / PAGES_OF_OTHERS[block.page]).read_text(encoding="utf-8")
        return None if Path(block.page).name in script else "no test runs this page"
    method = getattr(checker, block.kind, None)
    if method is None or block.kind in ("known", "command"):
        return f"there is no kind {block.kind}"
    return method(block)


def main(source: str) -> int:
    checker = Checker(Path(source))
    blocks = all_blocks(Path(source))
    errors = []
    try:
        for block in blocks:
            if complaint := check(checker, block):
                errors.append(f"{block}: {complaint}")
    finally:
        checker.runner.end()
    print(*errors, sep="\n")
    kinds = {
        kind: sum(block.kind == kind for block in blocks) for kind in sorted({block.kind for block in blocks})
    }
    print(f"{len(blocks)} blocks, {sum(block.not_run for block in blocks)} of them not run: {kinds}")
    if len(blocks) < 100:
        errors.append("where are the blocks?")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
