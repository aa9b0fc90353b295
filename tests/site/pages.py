# SPDX-License-Identifier: LGPL-2.1-or-later
"""pages.py DIRECTORY: what can be seen of a site without a browser.

All links and anchors lead to something. No page asks another host for anything. Each page has the parts
that a screen reader looks for: a language, a title, one main part, headings without a step left out, a text
for each picture, a label for each field.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
INLINE = re.compile(r"^on|^style$")  # attributes that the policy of the pages forbids
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
LANDMARKS = ("header", "main", "footer", "nav")
OUTSIDE = re.compile(
    r"@import|url\(\s*['\"]?(?!#)|https?://|//[a-z]|\bfetch\b|XMLHttpRequest|WebSocket|\bimport\b", re.I
)
OUTSIDE_OF_SVG = re.compile(r"""@import|url\(\s*['"]?(?!#)|\b(?:href|src)=["'](?!#)|<script""", re.I)
LEAST_PAGES = 100


class Reader(HTMLParser):
    """The facts of one page."""

    def __init__(self):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[dict] = []
        self.errors: list[str] = []
        self.policy = ""
        self.language = ""
        self.title = ""

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in have:
            self.ids.append(have["id"])
        for name, value in attributes:
            if INLINE.match(name):
                self.errors.append(f"<{tag}> has the attribute {name}, which the policy forbids")
            if value is None and name in ("href", "src", "id"):
                self.errors.append(f"<{tag}> has an empty {name}")
        if tag in LOADS and LOADS[tag] in have:
            self.loads.append(have[LOADS[tag]])
        if tag == "a" and "href" in have:
            self.links.append(have["href"])
            if self.open.count("a") > 1:
                self.errors.append(f"a link within a link, to {have['href']}")
        if tag == "img" and not (have.get("alt") or "").strip():
            self.errors.append(f"the picture {have.get('src')} has no text")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.language = self.language or (have.get("lang") or "" if tag == "html" else "")
        if tag == "label":
            self.labels.add(have.get("for") or "")
        if tag in ("input", "select", "textarea"):
            self.fields.append(have)
        if tag == "form":
            self.links.append(have.get("action") or "")
        if tag == "meta" and have.get("http-equiv") == "Content-Security-Policy":
            self.policy = have["content"] or ""

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.errors.append(f"</{tag}> does not close {self.open[-1:] or 'anything'}")
            if tag in self.open:
                del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]
        else:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.title += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    if reader.open:
        reader.errors.append(f"not closed: {reader.open}")
    return reader


def structure(reader: Reader) -> list[str]:
    """What a screen reader, and a keyboard, need."""
    errors = list(reader.errors)
    errors += [
        f"the id {name} is there twice" for name in sorted(set(reader.ids)) if reader.ids.count(name) > 1
    ]
    errors += [f"there is no <{tag}>" for tag in LANDMARKS if tag not in reader.tags]
    if not reader.language or not reader.title.strip():
        errors.append("there is no language or no title")
    if reader.headings.count(1) != 1 or reader.headings[0] != 1:
        errors.append(f"the headings do not begin with one of the first level: {reader.headings[:3]}")
    for before, after in zip(reader.headings, reader.headings[1:], strict=False):
        if after > before + 1:
            errors.append(f"a heading of level {after} follows one of level {before}")
    errors += [
        f"the field {field} has no label" for field in reader.fields if field.get("id") not in reader.labels
    ]
    if "default-src 'none'" not in reader.policy:
        errors.append("there is no policy that forbids requests to other hosts")
    if (first := next(iter(reader.links), None)) != "#content":
        errors.append(f"the first link does not skip to the content: {first}")
    return errors


def follow(site: Path, path: Path, link: str, readers: dict[Path, Reader]) -> str | None:
    """Why a link leads nowhere."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto"):
        return None
    if parts.scheme or parts.netloc or link.startswith("/"):
        return f"the link {link} is not relative"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(site) or not target.is_file():
        return f"the link {link} leads to no file"
    if parts.fragment and (target not in readers or unquote(parts.fragment) not in readers[target].ids):
        return f"the link {link} leads to no anchor"
    return None


def check(site: Path) -> tuple[list[str], int]:
    """The errors, and the number of links that were followed."""
    readers = {path: read(path) for path in sorted(site.rglob("*.html"))}
    errors, links = [], 0
    linked = {site / "index.html"}
    for path, reader in readers.items():
        found = structure(reader)
        for load in reader.loads:
            if urlsplit(load).scheme or load.startswith("/"):
                found.append(f"{load} is loaded from another place")
        for link in reader.links + reader.loads:
            links += 1
            if (error := follow(site, path, link, readers)) is not None:
                found.append(error)
            elif urlsplit(link).path and not urlsplit(link).scheme:
                linked.add((path.parent / unquote(urlsplit(link).path)).resolve())
        errors += [f"{path.relative_to(site)}: {error}" for error in found]
    errors += [
        f"{path.relative_to(site)}: no page has a link to it" for path in sorted(set(readers) - linked)
    ]
    for path in [*site.glob("*.css"), site / "search.js", *site.rglob("*.svg")]:
        pattern = OUTSIDE_OF_SVG if path.suffix == ".svg" else OUTSIDE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in pattern.finditer(line):
                errors.append(f"{path.relative_to(site)}:{number}: it may load something: {match[0]}")
    if len(readers) < LEAST_PAGES:
        errors.append(f"there are only {len(readers)} pages")
    return errors, links


def main(directory: str) -> int:
    errors, links = check(Path(directory).resolve())
    print(*errors, sep="\n")
    print(f"{links} links, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
