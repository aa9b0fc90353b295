# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Markdown document as a page.

Headings have the anchors that GitHub gives them, so links are the same in both places. `man 7 ioth`,
`ioth(7)` and `ioth_newstack()` become links to manual pages. Tables and code can be wider than a telephone:
they scroll, the page does not.
"""

from __future__ import annotations

import re
from html import escape

from markdown_it import MarkdownIt

from frame import Page
from tree import PICTURES, Tree, page_of, relative

# How a screen reader calls a block; those of commands break their lines.
WHAT = {"console": "commands and their output", "sh": "commands", "text": "text"}
MANUAL = re.compile(r"man (?:([1-8]) )?([\w.-]+)|([\w.-]+)\(([1-8])?\)")


class Guide:
    """The rendering of one document."""

    def __init__(self, tree: Tree, source: str):
        self.tree, self.source = tree, source
        self.page = Page(page_of(source, tree.root), "", "", "Guide")
        self.linked: list[str] = []  # sources
        self.anchors: dict[str, int] = {}
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        self.tokens = parser.parse((tree.root / source).read_text(encoding="utf-8"))
        self.parser = parser

    def anchor(self, text: str) -> str:
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        seen = self.anchors.get(slug, 0)
        self.anchors[slug] = seen + 1
        return f"{slug}-{seen}" if seen else slug

    def link(self, href: str) -> str:
        """A link of the document, as a link of the page."""
        path, _, anchor = href.partition("#")
        if re.match(r"[a-z]+:", href) or not path:
            return href
        target = self.tree.target(self.source, path)
        self.linked.append(target)
        return relative(self.page.path, page_of(target, self.tree.root)) + (f"#{anchor}" if anchor else "")

    def code(self, text: str, may_link: bool) -> str:
        shown = f"<code>{escape(text)}</code>"
        match = MANUAL.fullmatch(text)
        if may_link and match:
            name, section = match[2] or match[3], match[1] or match[4] or ("" if match[2] else "3")
            if target := self.tree.manual(name, section):
                return f'<a href="{relative(self.page.path, target + ".html")}">{shown}</a>'
        return shown

    def inline(self, token, in_heading: bool) -> None:
        """Changes links, pictures and code of a line of text. The parser writes the rest."""
        links = 0
        for child in token.children:
            if child.type == "link_open":
                links += 1
                child.attrs["href"] = self.link(child.attrs["href"])
            elif child.type == "link_close":
                links -= 1
            elif child.type == "image":
                child.attrs["src"] = self.link(child.attrs["src"])
            elif child.type == "code_inline":
                child.content = self.code(child.content, not links and not in_heading)
                child.type = "ready"

    def heading(self, n: int) -> None:
        token, text = self.tokens[n], self.tokens[n + 1]
        words = "".join(child.content for child in text.children if child.type in ("text", "code_inline"))
        anchor = self.anchor(words)
        self.page.headings.append((int(token.tag[1]), anchor, words))
        token.attrs["id"] = anchor
        self.page.title = self.page.title or words

    def block(self, token) -> str:
        """A block of code; the words behind its backquotes are its kind and perhaps its file."""
        words = token.info.split(maxsplit=1)
        name = words[1] if len(words) == 2 and " not run: " not in token.info else ""
        label = f"<figcaption><code>{escape(name)}</code></figcaption>" if name else ""
        kind = "code commands" if words and words[0] in ("console", "sh") else "code"
        what = escape(name or WHAT.get(words[0] if words else "", "code"))
        return (
            f'<figure class="{kind}">{label}<pre tabindex="0" role="region" aria-label="{what}"><code>'
            f"{escape(token.content)}</code></pre></figure>\n"
        )

    def render(self) -> Page:
        table = 0
        for n, token in enumerate(self.tokens):
            if token.type == "heading_open":
                self.heading(n)
            elif token.type == "inline":
                self.inline(token, self.tokens[n - 1].type == "heading_open")
            elif token.type in ("fence", "code_block"):
                token.content = self.block(token)
                token.type = "ready"
            elif token.type == "th_open" and not self.tokens[n + 1].content:
                token.tag = self.tokens[n + 2].tag = "td"  # a heading without text is none
            elif token.type in ("table_open", "table_close"):
                opens = token.type == "table_open"
                table += opens
                token.type = "ready"
                token.content = (
                    f'<div class="scroll" tabindex="0" role="region" aria-label="Table {table}">\n<table>\n'
                    if opens
                    else "</table>\n</div>\n"
                )
        self.parser.renderer.rules["ready"] = lambda tokens, n, *_: tokens[n].content
        self.page.body = self.parser.renderer.render(self.tokens, self.parser.options, {})
        return self.page


def render(tree: Tree, source: str) -> tuple[Page, list[str]]:
    """The page, and the sources to which it has links."""
    guide = Guide(tree, source)
    page = guide.render()
    return page, guide.linked


def is_picture(source: str) -> bool:
    return source.endswith(PICTURES)
