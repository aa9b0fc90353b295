# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which file of the project becomes which page.

A page has the path of its source, with ".html" at its end: docs/programs.md is docs/programs.html,
docs/man/ioth.7 is docs/man/ioth.7.html, examples/hello.c is examples/hello.c.html. So a link between two
sources is the same link between their pages. The start page, index.html, is docs/site/start.md.

The pages are the documents and manual pages, and all files of the project to which one of them has a link. A
link to a folder leads to its README.md, or to a list of its files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

START = "docs/site/start.md"
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/tasks/*.md")
PICTURES = (".svg", ".png")


class BadLink(Exception):
    """A link that leads nowhere."""


class Tree:
    """The sources below a folder, and the names of the manual pages."""

    def __init__(self, root: Path):
        self.root = root
        self.man = {path.name: path.name for path in sorted((root / "docs/man").glob("*.[1-8]"))}
        for page in list(self.man):
            for name in names_of_manual(root / "docs/man" / page):
                self.man.setdefault(f"{name}.{page[-1]}", page)

    def documents(self) -> list[str]:
        """The sources of the pages that the site always has."""
        found = [START]
        for pattern in DOCUMENTS:
            found += sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))
        return found + [f"docs/man/{page}" for page in sorted(set(self.man.values()))]

    def manual(self, name: str, section: str) -> str | None:
        """The source of the manual page NAME(SECTION). Without a section, that of any section."""
        for digit in section or "1378":
            if (page := self.man.get(f"{name}.{digit}")) is not None:
                return f"docs/man/{page}"
        return None

    def target(self, source: str, link: str) -> str:
        """The source to which a link of another source leads."""
        path = os.path.normpath(os.path.join(os.path.dirname(source), link))
        if path.startswith("..") or not (self.root / path).exists():
            raise BadLink(f"{source}: a link leads to {link}, which does not exist")
        if (self.root / path / "README.md").is_file():
            return f"{path}/README.md"
        return path


def names_of_manual(path: Path) -> list[str]:
    """The words of .Nm in the section NAME: each is a name of the page."""
    head = path.read_text(encoding="utf-8").split("\n.Sh ")[1]
    return re.findall(r"^\.Nm ([A-Za-z0-9_-]+)", head, re.M)


def page_of(source: str, root: Path) -> str:
    """The path of the page that is made from a source."""
    if source == START:
        return "index.html"
    if (root / source).is_dir():
        return f"{source}/index.html"
    if source.endswith(".md"):
        return source[:-3] + ".html"
    if source.endswith(PICTURES):
        return source
    return source + ".html"


def relative(page: str, other: str) -> str:
    """The link that leads from a page to another one."""
    return os.path.relpath(other, os.path.dirname(page) or ".")
