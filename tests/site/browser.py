# SPDX-License-Identifier: LGPL-2.1-or-later
"""browser.py CASE DIRECTORY: the site in a browser, from files, without a server.

Cases: pages_are_readable, searching_finds, the_keyboard_is_enough.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import devtools

WAIT_S = 20
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
DESK = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
SMALLEST_PX, LEAST_CONTRAST = 14, 4.5
LANDMARKS = {"banner", "navigation", "search", "main", "contentinfo"}

# The elements whose text is too small, or whose contrast is too low, and how wide the page is. A telephone
# makes the window wider when the page is, so the width of the screen counts.
LOOK = """(() => {
	const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
	const light = (color) => {
		const [r, g, b] = numbers(color).slice(0, 3).map((c) => {
			c /= 255;
			return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (element) => {
		for (let e = element; e; e = e.parentElement) {
			const color = getComputedStyle(e).backgroundColor, parts = numbers(color);
			if (parts.length < 4 || parts[3] === 1)
				return color;
		}
		return "rgb(255, 255, 255)";
	};
	const bad = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const element = walker.currentNode.parentElement;
		if (walker.currentNode.data.trim() === "" || !element.checkVisibility() || element.closest("noscript"))
			continue;
		const style = getComputedStyle(element), size = parseFloat(style.fontSize);
		const a = light(style.color), b = light(behind(element));
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (size < SMALLEST || contrast < CONTRAST)
			bad.push(`${element.tagName} ${size}px contrast ${contrast.toFixed(1)}: ` +
				walker.currentNode.data.trim().slice(0, 30));
	}
	return { bad, width: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
		pictures: [...document.images].filter((i) => !i.complete || i.naturalWidth === 0).map((i) => i.src),
		styled: getComputedStyle(document.body).maxWidth !== "none" };
})()""".replace(
    "SMALLEST", str(SMALLEST_PX)
).replace(
    "CONTRAST", str(LEAST_CONTRAST)
)


def complaints(events, root: str) -> list[str]:
    """Errors in the console, and requests for anything but files of the site."""
    found = []
    for name, facts in events:
        if name == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            found.append(f"console: {facts['entry']['text']}")
        elif name == "Runtime.consoleAPICalled":
            found.append(f"console: {facts['type']}")
        elif name == "Runtime.exceptionThrown":
            found.append(f"exception: {facts['exceptionDetails']['text']}")
        elif name == "Network.requestWillBeSent" and not facts["request"]["url"].startswith(root):
            found.append(f"a request for {facts['request']['url']}")
        elif name == "Network.loadingFailed":
            found.append(f"not loaded: {facts.get('errorText')}")
    return found


def look(browser: devtools.Browser, root: str, width: int) -> list[str]:
    """What is wrong with the page that is shown."""
    seen = browser.evaluate(LOOK)
    found = complaints(browser.take_events(), root) + seen["bad"][:5]
    if seen["width"] > width:
        found.append(f"it is wider than the window, by {seen['width'] - width}")
    if not seen["styled"]:
        found.append("its style sheet is not used")
    return found + [f"the picture {name} is not shown" for name in seen["pictures"]]


def landmarks(browser: devtools.Browser) -> list[str]:
    """The parts that a screen reader misses."""
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {node["role"]["value"] for node in nodes if "role" in node}
    return [f"a screen reader sees no {role}" for role in sorted(LANDMARKS - roles)]


def pages_are_readable(browser: devtools.Browser, site: Path) -> list[str]:
    """On a telephone, in light and dark colours, and on a desk."""
    root, errors = site.as_uri(), []
    browser.call("Accessibility.enable")
    for page in sorted(site.rglob("*.html")):
        for name, size, scheme in (
            ("phone", PHONE, "light"),
            ("phone", PHONE, "dark"),
            ("desk", DESK, "light"),
        ):
            browser.call("Emulation.setDeviceMetricsOverride", **size)
            browser.call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
            )
            events = browser.open(page.as_uri()) if (name, scheme) == ("phone", "light") else []
            found = complaints(events, root) + look(browser, root, size["width"])
            if events:
                found += landmarks(browser)
            errors += [f"{page.relative_to(site)} ({name}, {scheme}): {error}" for error in found]
    return errors


def until(browser: devtools.Browser, expression: str):
    """The value of the expression as soon as it is true."""
    deadline = time.monotonic() + WAIT_S
    script = f"""new Promise((done) => {{
	const look = () => {{ const value = {expression}; value ? done(value) : setTimeout(look, 20); }};
	look();
	setTimeout(() => done(null), {WAIT_S * 1000});
}})"""
    while True:
        try:
            return browser.evaluate(script)
        except RuntimeError:  # the page was left meanwhile
            if time.monotonic() > deadline:
                raise


FIRST = (
    """document.querySelector("#results a") && document.querySelector("#results a").getAttribute("href")"""
)
QUESTIONS = {
    "vdestack_msocket": "docs/man/vdestack_msocket.3.html",
    "vdestack-run": "docs/man/vdestack-run.1.html",
    "hashaddr": "docs/man/otipaddr.1.html",
    "impairment": "docs/impairment.html",
    "dhcp lease": None,
    "VDESTACK_DELETE": "docs/man/vdestack_new.3.html",
    "Test a service": "docs/tasks/test-a-service.html",
}


def searching_finds(browser: devtools.Browser, site: Path) -> list[str]:
    root, errors = site.as_uri(), []
    for question, page in QUESTIONS.items():
        url = f"{root}/search.html?q={question.replace(' ', '+')}"
        errors += complaints(browser.open(url), root)
        first = until(browser, FIRST)
        if first is None or (page is not None and first.split("#")[0] != page):
            errors.append(f"{question}: the first result is {first}, not {page}")
    for question in ("zzzzqqqq", "%3Cscript%3Ealert(1)%3C/script%3E"):
        errors += complaints(browser.open(f"{root}/search.html?q={question}"), root)
        if until(browser, 'document.getElementById("status").textContent') != "Nothing was found.":
            errors.append(f"{question}: something was found")
    return errors + typing(browser, site)


def typing(browser: devtools.Browser, site: Path) -> list[str]:
    """From the field of another page, and letter by letter on the page for searching."""
    browser.open((site / "docs/man/ioth.7.html").as_uri())
    browser.evaluate('document.getElementById("site-search").focus()')
    browser.call("Input.insertText", text="keeper")
    browser.take_events()
    browser.key("Enter", 13, "\r")
    browser.wait("Page.loadEventFired")
    errors = complaints(browser.take_events(), site.as_uri())
    before = until(browser, FIRST)
    browser.evaluate('document.getElementById("site-search").select()')
    browser.call("Input.insertText", text="iothnamed")
    after = until(browser, f"(value => value !== {before!r} && value)({FIRST})")
    if before is None or after != "docs/man/iothnamed.8.html":
        errors.append(f"typing shows {before} and {after}")
    return errors


FOCUS = """(() => {
	const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
	return { tag: e.tagName, text: (e.textContent || e.id).trim().slice(0, 30), left: box.left,
		height: box.height, outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth) };
})()"""


def the_keyboard_is_enough(browser: devtools.Browser, site: Path) -> list[str]:
    """Each stop of the Tab key can be seen, and the first one skips to the content."""
    errors = []
    browser.call("Emulation.setDeviceMetricsOverride", **DESK)
    for page in ("index.html", "README.html", "docs/man/vdestack-run.1.html", "docs/lab-tutorial.html"):
        browser.open((site / page).as_uri())
        stops = []
        for _ in range(20):
            browser.key("Tab", 9)
            stops.append(browser.evaluate(FOCUS))
        if stops[0]["text"] != "Skip to the content":
            errors.append(f"{page}: the first stop is {stops[0]}")
        for stop in stops:
            if stop["tag"] != "BODY" and (stop["outline"] < 2 or stop["left"] < 0 or stop["height"] < 1):
                errors.append(f"{page}: the focus cannot be seen: {stop}")
        if len({(stop["tag"], stop["text"]) for stop in stops}) < 8:
            errors.append(f"{page}: there are few stops: {stops}")
    browser.open((site / "README.html").as_uri())
    browser.key("Tab", 9)
    browser.key("Enter", 13, "\r")
    if until(browser, 'document.activeElement.tagName === "MAIN"') is None:
        errors.append("skipping to the content does not move the focus there")
    return errors


def main(case: str, directory: str) -> int:
    if devtools.found() is None:
        print("chromium is not installed", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = devtools.Browser(profile)
        try:
            errors = globals()[case](browser, Path(directory).resolve())
        finally:
            browser.close()
    print(*errors, sep="\n")
    print(f"{len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
