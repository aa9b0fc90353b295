# SPDX-License-Identifier: LGPL-2.1-or-later
"""A manual page as a page of the site, by mandoc.

mandoc makes links of all references. Those to pages that are not here, as socket(2), become text. A
function has the page that shows it.
"""

from __future__ import annotations

import re
import subprocess
from html import escape, unescape

from frame import Page
from tree import Tree, page_of, relative

REFERENCE = re.compile(r'<a class="Xr" href="([^"]*)\.([1-8])\.html">(.*?)</a>', re.S)
HEADING = re.compile(r'<h([23]) class="S[hs]" id="([^"]*)">(.*?)</h[23]>', re.S)


def text_of(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", markup)).split())


def lower_headings(body: str) -> str:
    """The heading of the page is the only <h1>. Newer versions of mandoc begin with <h2>."""
    if '<h1 class="Sh"' not in body:
        return body
    return re.sub(r"(</?h)([12])\b", lambda match: f"{match[1]}{int(match[2]) + 1}", body)


def render(tree: Tree, source: str) -> tuple[Page, list[str]]:
    """The page, and the sources to which it has links."""
    command = ["mandoc", "-Thtml", "-O", "fragment,man=%N.%S.html", str(tree.root / source)]
    body = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    page = Page(page_of(source, tree.root), "", "", "Manual")
    linked = []

    def reference(match: re.Match) -> str:
        target = tree.manual(unescape(match[1]), match[2])
        if target is None:
            return f'<span class="Xr">{match[3]}</span>'
        linked.append(target)
        return f'<a class="Xr" href="{relative(page.path, page_of(target, tree.root))}">{match[3]}</a>'

    # The lines with the name of the page and the date are tables, which a screen reader would read as such.
    body = re.sub(r'<table class="(?:head|foot)">.*?</table>', "", body, flags=re.S)
    body = re.sub(r'<div class="(?:head|foot)".*?</div>', "", body, flags=re.S)
    body = re.sub(r' style="[^"]*"', "", REFERENCE.sub(reference, lower_headings(body)))
    body = body.replace("<pre>", '<pre tabindex="0" role="region" aria-label="code">')
    body = re.sub(r"<table class=\"Bl-column", '<table class="scroll Bl-column', body)
    name, section = source.rsplit("/", 1)[1].rsplit(".", 1)
    page.title = f"{name}({section})"
    page.names = sorted(
        other[:-2].lower() for other, target in tree.man.items() if target == f"{name}.{section}"
    )
    page.headings = [(int(level), anchor, text_of(text)) for level, anchor, text in HEADING.findall(body)]
    page.body = f"<h1>{escape(page.title)}</h1>\n{body}"
    return page, linked


def purpose(page: Page) -> str:
    """The line of the section NAME."""
    match = re.search(r'<(?:span|div) class="Nd"[^>]*>(.*?)</(?:span|div)>', page.body, re.S)
    return text_of(match[1]) if match else ""
