# SPDX-License-Identifier: LGPL-2.1-or-later
"""The index for searching: for each section of each page its title and its words.

It is JSON in a call of a function, because a browser does not load JSON from a file when there is no
server. A page is its path, its title, its other names and its sections; a section is its anchor, its
heading, the start of its text and its words. A word is written once: a section has the numbers of its
words, each as the difference to the number before.
"""

from __future__ import annotations

import json
import re
from html import unescape

from frame import Page

# A word, with the characters that names of functions and options have inside.
WORD = re.compile(r"[a-z0-9](?:[a-z0-9_]*[a-z0-9])?")
COMMON = frozenset("a an and are as at be by for from if in is it its of on or that the this to with".split())
START_OF_TEXT = 90  # characters of a section that a result shows
ID = re.compile(r'<h[1-6][^>]*\bid="([^"]*)"[^>]*>|<h1>')


def plain(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def sections(page: Page) -> list[tuple[str, str, str]]:
    """The anchor, the heading and the text of each section."""
    titles = {anchor: text for _, anchor, text in page.headings}
    found = []
    starts = [match for match in ID.finditer(page.body) if match[1] is None or match[1] in titles]
    for n, match in enumerate(starts):
        end = starts[n + 1].start() if n + 1 < len(starts) else len(page.body)
        title = titles.get(match[1], page.title)
        anchor = "" if title == page.title else match[1]
        text = plain(re.sub(r"^.*?</h\d>", "", page.body[match.start() : end], count=1, flags=re.S))
        found.append((anchor, title, text))
    # The heading of a manual page has no text of its own, but the one of its first section.
    if len(found) > 1 and not found[0][2]:
        found[0] = (*found[0][:2], found[1][2])
    return found


def index(pages: list[Page]) -> str:
    """The file search-index.js."""
    numbers: dict[str, int] = {}
    listed = []
    for page in pages:
        if not page.search:
            continue
        entries = []
        for anchor, title, text in sections(page):
            words = set(WORD.findall(text.lower())) - COMMON
            used = sorted(numbers.setdefault(word, len(numbers)) for word in sorted(words))
            steps = [b - a for a, b in zip([0, *used], used, strict=False)]
            start = text if len(text) <= START_OF_TEXT else text[:START_OF_TEXT].rsplit(" ", 1)[0] + " …"
            entries.append([anchor, title, start, steps])
        listed.append([page.path, page.title, page.names, entries])
    text = json.dumps({"words": list(numbers), "pages": listed}, ensure_ascii=False, separators=(",", ":"))
    return f"searchIndex({text});\n"
