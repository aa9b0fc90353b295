# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file of the project, as it is, as a page; and a folder, as a list of its files."""

from __future__ import annotations

from html import escape

from frame import Page
from tree import Tree, page_of, relative

LARGEST_BYTES = 256 * 1024


def render(tree: Tree, source: str) -> tuple[Page, list[str]]:
    """The page, and the sources to which it has links."""
    path = tree.root / source
    page = Page(page_of(source, tree.root), source, f"<h1>{escape(source)}</h1>\n", "Source")
    linked = []
    if path.is_dir():
        linked = sorted(
            f"{source}/{child.name}"
            for child in path.iterdir()
            if not child.name.startswith((".", "__"))
            and (child.is_dir() or child.stat().st_size <= LARGEST_BYTES)
        )
        linked = [
            f"{child}/README.md" if (tree.root / child / "README.md").is_file() else child for child in linked
        ]
        items = "".join(
            f'<li><a href="{relative(page.path, page_of(child, tree.root))}">{escape(child)}</a></li>\n'
            for child in linked
        )
        page.body += f"<ul>\n{items}</ul>"
    else:
        text = path.read_text(encoding="utf-8")
        page.body += (
            f'<pre tabindex="0" role="region" aria-label="{escape(source)}"><code>{escape(text)}</code></pre>'
        )
    return page, linked
