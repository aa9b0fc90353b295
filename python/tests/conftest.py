# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests share: two hosts on one segment, and a name server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import NameServer

from vdestack import Stack

pytest_plugins = ["pytester"]


@pytest.fixture
def pair(stack, segment) -> tuple[Stack, Stack]:
    """10.0.0.1 and 10.0.0.2; the second one asks the first one for names."""
    lan = segment()
    return (
        stack(f"vnl={lan} ip=10.0.0.1/24 ip=fc00::1/64", nodad=True),
        stack(f"vnl={lan} ip=10.0.0.2/24 ip=fc00::2/64 dns=10.0.0.1", nodad=True),
    )


@pytest.fixture
def name_server(pair) -> Iterator[NameServer]:
    with NameServer(pair[0], {"web.secret.test": "10.0.0.1"}) as server:
        yield server
