# SPDX-License-Identifier: LGPL-2.1-or-later
"""pictures.py SHOWN MADE: the pictures that the documents show are what the tool draws today.

Process numbers, rates and addresses are different in each run, and with them the places of what is drawn.
So numbers are left out, and addresses of links. The picture of a laboratory has no such numbers, and must
be the same.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SAME = "lab.svg"


def shape(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"fe80::[0-9a-f:]+/64", "LINK-LOCAL", text)
    text = re.sub(r"#[0-9a-f]{6}\b", lambda match: match[0].replace("#", "color-").translate(LETTERS), text)
    text = re.sub(r"\d+(\.\d+)?[kMG]?", "N", text)
    # Columns are as wide as the longest process number.
    return re.sub(r"> ", ">", re.sub(r"[ \t]+", " ", text))


# Colours are no numbers: each digit becomes a letter.
LETTERS = str.maketrans("0123456789", "ghijklmnop")


def main(shown: str, made: str) -> int:
    status = 0
    names = sorted(path.name for path in Path(shown).iterdir())
    if names != sorted(path.name for path in Path(made).iterdir()):
        print(f"the documents have the pictures {names}")
        return 1
    for name in names:
        old, new = ((Path(folder) / name).read_text(encoding="utf-8") for folder in (shown, made))
        if (old if name == SAME else shape(old)) != (new if name == SAME else shape(new)):
            print(f"{name} is another picture now; docs/site/pictures makes it anew", new, sep="\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
