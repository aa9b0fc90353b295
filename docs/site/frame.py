# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all pages have: the head, the links to the parts of the site, the field for searching, the foot.

A page asks for nothing but its style sheet and, on the page for searching, two scripts, all of this site.
The policy in its head makes the browser refuse everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from tree import relative

# "file:" is for a site that is read without a server. There 'self' means nothing to some browsers.
POLICY = (
    "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src 'self' file:; "
    "base-uri 'none'; form-action 'self' file:"
)
PARTS = (
    ("index.html", "Start"),
    ("guides.html", "Guides"),
    ("manual.html", "Manual"),
    ("examples/index.html", "Examples"),
)


@dataclass
class Page:
    """A page without what all pages have. The headings are (level, id, text)."""

    path: str
    title: str
    body: str
    kind: str = ""
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # other names under which it is found, in small letters
    scripts: tuple[str, ...] = ()
    search: bool = True  # whether it can be found


def contents(page: Page) -> str:
    """The list "On this page", if it is worth one."""
    second = [(anchor, text) for level, anchor, text in page.headings if level == 2]
    if len(second) < 4:
        return ""
    items = "".join(f'<li><a href="#{escape(anchor)}">{escape(text)}</a></li>\n' for anchor, text in second)
    return (
        '<nav class="contents" aria-label="On this page"><details>'
        f"<summary>On this page</summary>\n<ul>\n{items}</ul></details></nav>\n"
    )


def frame(page: Page, version: str) -> str:
    """The page as a file."""
    top = relative(page.path, "index.html")[: -len("index.html")]
    links = ""
    for path, name in PARTS:
        current = ' aria-current="page"' if path == page.path else ""
        links += f'<li><a href="{top}{path}"{current}>{name}</a></li>\n'
    scripts = "".join(f'<script src="{top}{name}" defer></script>\n' for name in page.scripts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(page.title)} – libvdestack</title>
<link rel="icon" href="{top}icon.svg">
<link rel="stylesheet" href="{top}style.css">
{scripts}</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<nav aria-label="Parts of the site"><ul>
{links}</ul></nav>
<form role="search" action="{top}search.html" method="get">
<label for="site-search">Search</label>
<input type="search" id="site-search" name="q" autocomplete="off">
<button>Find</button>
</form>
</header>
<main id="content" tabindex="-1">
{contents(page)}{page.body}
</main>
<footer><p>libvdestack {escape(version)}. Licence: LGPL-2.1-or-later.</p></footer>
</body>
</html>
"""
