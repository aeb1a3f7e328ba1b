"""The proxy treats connections as its mode says."""

from __future__ import annotations

import asyncio

import pytest
from faults.proxy import Mood, Proxy


async def _echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data.upper())
        await writer.drain()
    writer.close()


def through_a_proxy(act):
    """Run a coroutine with a proxy before a server that answers in capitals."""

    async def run():
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        proxy = Proxy(server.sockets[0].getsockname()[1])
        await proxy.open()
        try:
            async with asyncio.timeout(10):
                await act(proxy)
        finally:
            proxy.close()
            server.close()
            await asyncio.sleep(0.01)

    asyncio.run(run())


async def connect(proxy):
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def heard(reader, seconds=0.2):
    """Return what arrives within a time limit; None if nothing does."""
    try:
        return await asyncio.wait_for(reader.read(1000), seconds)
    except TimeoutError:
        return None


def test_what_is_said_passes_both_ways():
    async def act(proxy):
        reader, writer = await connect(proxy)
        writer.write(b"hello")
        assert await reader.read(1000) == b"HELLO"
        writer.transport.abort()

    through_a_proxy(act)


@pytest.mark.parametrize("forget", [False, True])
def test_after_a_silence_what_was_said_arrives_late_or_never(forget):
    async def act(proxy):
        reader, writer = await connect(proxy)
        writer.write(b"one ")
        assert await reader.read(1000) == b"ONE "
        await proxy.turn(Mood.SILENT)
        writer.write(b"two ")
        late, later = await connect(proxy)
        later.write(b"three")
        assert await heard(reader) is None
        await proxy.turn(Mood.OPEN, forget=forget)
        assert await heard(reader) == (None if forget else b"TWO ")
        assert await heard(late) == (None if forget else b"THREE")
        assert proxy.counts["held"] >= 2
        new, newer = await connect(proxy)
        newer.write(b"four")
        assert await new.read(1000) == b"FOUR"
        for each in (writer, later, newer):
            each.transport.abort()

    through_a_proxy(act)


def test_a_reply_is_cut_in_half_and_the_connection_with_it():
    async def act(proxy):
        reader, writer = await connect(proxy)
        await proxy.turn(Mood.CUT)
        writer.write(b"hello!")
        assert await reader.read(1000) == b"HEL"
        assert await heard(reader) == b""
        assert proxy.counts["cut"] == 1
        writer.transport.abort()

    through_a_proxy(act)


def test_refusing_ends_connections_and_takes_no_new_ones():
    async def act(proxy):
        reader, writer = await connect(proxy)
        await proxy.turn(Mood.REFUSE)
        with pytest.raises(ConnectionRefusedError):
            await connect(proxy)
        assert await heard(reader) == b""
        await proxy.turn(Mood.OPEN)
        reader, again = await connect(proxy)
        again.write(b"hello")
        assert await reader.read(1000) == b"HELLO"
        for each in (writer, again):
            each.transport.abort()

    through_a_proxy(act)
