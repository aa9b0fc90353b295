# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stacks in an event loop."""

from __future__ import annotations

import asyncio
import errno

import pytest
from support import DEADLINE

import vdestack
from vdestack import EventType, Stack, VdestackError


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, DEADLINE))


def test_streams_connect_by_name(pair, name_server):
    one, two = pair
    inside = []

    async def greet(reader, writer):
        inside.append(vdestack.current())
        writer.write(await reader.readline())
        writer.close()

    async def talk():
        server = await one.start_server(greet, "10.0.0.1", 80)
        assert vdestack.current() is None
        async with server:
            reader, writer = await two.open_connection("web.secret.test", 80)
            assert writer.get_extra_info("peername") == ("10.0.0.1", 80)
            writer.write(b"hello\n")
            assert await reader.read() == b"hello\n"
            writer.close()
            await writer.wait_closed()

    run(talk())
    assert inside == [one]


def test_datagrams_pass(pair):
    class Receiver(asyncio.DatagramProtocol):
        def __init__(self):
            self.received = asyncio.get_running_loop().create_future()

        def datagram_received(self, data, address):
            self.received.set_result((data, address[0]))

    async def talk():
        transport, receiver = await pair[0].create_datagram_endpoint(Receiver, local_addr=("10.0.0.1", 9))
        sender, _ = await pair[1].create_datagram_endpoint(Receiver, remote_addr=("10.0.0.1", 9))
        sender.sendto(b"hello")
        assert await receiver.received == (b"hello", "10.0.0.2")
        transport.close()
        sender.close()

    run(talk())


def test_a_connection_that_is_refused_leaves_the_stack(pair):
    async def talk():
        with pytest.raises(ConnectionRefusedError):
            await pair[1].open_connection("10.0.0.1", 81)
        assert vdestack.current() is None

    run(talk())


def test_a_stack_is_made_while_the_loop_goes_on():
    async def make():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        stacks = await asyncio.gather(*(Stack.create(f"vnl=inproc://made ip=10.0.0.{n}/24") for n in range(1, 9)))
        ticking.cancel()
        assert ticks > 1
        for stack in stacks:
            stack.close()
        with pytest.raises(VdestackError) as caught:
            await Stack.create("ip=10.0.0.1/99")
        assert caught.value.errno == errno.EINVAL

    run(make())


def test_a_creation_that_is_cancelled_leaves_nothing(pair):
    async def make():
        # The address is in use, so that duplicate address detection takes its time.
        task = asyncio.create_task(Stack.create("vnl=inproc://slow ip=fc00::9/64"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(make())


def test_events_are_an_async_iterator(pair):
    async def watch():
        events = pair[0].events()

        async def cut():
            pair[0].set_carrier("vde0", False)

        task = asyncio.create_task(cut())
        async for event in events:
            if event.type == EventType.CARRIER_CUT:
                break
        await task
        pair[0].close()
        rest = [event.type async for event in events]
        assert rest[-1] in (EventType.STACK_ENDED, EventType.KEEPER_LOST)
        events.close()

    run(watch())
