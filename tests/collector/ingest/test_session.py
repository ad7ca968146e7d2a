"""The session with real brokers: what is acknowledged is stored, what is not comes again, and losing one is shown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiomqtt
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from collector.errors import BrokerError
from collector.ingest.broker import embedded_broker
from collector.ingest.health import Health
from collector.ingest.inbox import Arrival, Inbox
from collector.ingest.session import Session
from evidence.ids import topic
from tests.collector.register import HOME, NOW
from tests.world.mosquitto import broker

WITHIN_S = 60.0
HERE = topic(HOME, "report")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110  # it holds in another program
            await asyncio.sleep(0.01)


class Line:
    """A session at work on a port."""

    def __init__(self, port: int, version: MQTTProtocolVersion | None = None) -> None:
        self.health = Health(lambda: NOW)
        self.inbox = Inbox()
        self.session = Session("127.0.0.1", port, "collector", self.inbox, self.health, version)

    @property
    def state(self) -> str:
        return str(self.health.report()["broker"]["state"])  # type: ignore[index]  # a map of maps

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Line"]:
        work = asyncio.create_task(self.session.run())
        try:
            await asyncio.wait_for(self.session.connected.wait(), WITHIN_S)
            yield self
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def take(self, most: int = 500) -> list[Arrival]:
        """What has arrived; waits for something."""
        return await self.inbox.take(most, WITHIN_S)

    async def take_all(self, number: int) -> list[Arrival]:
        taken: list[Arrival] = []
        while len(taken) < number:
            more = await self.take()
            assert more, f"only {len(taken)} of {number} came"
            taken += more
        return taken


async def publish(port: int, *payloads: bytes, to: str = HERE) -> None:
    async with aiomqtt.Client("127.0.0.1", port, timeout=WITHIN_S) as client:
        for payload in payloads:
            await client.publish(to, payload, qos=1)


def numbered(number: int) -> list[bytes]:
    return [b"%d" % index for index in range(number)]


@asynccontextmanager
async def embedded() -> AsyncIterator[int]:
    async with embedded_broker("127.0.0.1", 0) as port:
        yield port


@asynccontextmanager
async def mosquitto() -> AsyncIterator[int]:
    async with broker() as running:
        yield running.port


@pytest.mark.parametrize("name", ["Mosquitto", "the embedded broker"])
async def test_messages_come_in_order_and_answers_go_out(name: str) -> None:
    """Report and statement topics of every gateway, at either broker."""
    brokers, version = (mosquitto, None) if name == "Mosquitto" else (embedded, MQTTProtocolVersion.MQTTv311)
    async with brokers() as port, Line(port, version).at_work() as line:
        await publish(port, *numbered(50))
        arrivals = await line.take_all(50)
        assert [arrival.payload for arrival in arrivals] == numbered(50)
        for arrival in arrivals:
            arrival.acknowledge()
        await publish(port, b"a statement", to=topic(HOME, "statement"))
        (arrival,) = await line.take()
        assert arrival.topic == topic(HOME, "statement")
        arrival.acknowledge()
        async with aiomqtt.Client("127.0.0.1", port, timeout=WITHIN_S) as gateway:
            await gateway.subscribe(topic(HOME, "receipt"), qos=1)
            line.session.publish(topic(HOME, "receipt"), b"signed")
            async with asyncio.timeout(WITHIN_S):
                assert (await anext(gateway.messages)).payload == b"signed"
        assert line.state == "ok"


async def test_what_was_not_acknowledged_comes_again() -> None:
    """After the connection is lost, from a broker that kept it; what was acknowledged does not."""
    async with broker() as running:
        async with Line(running.port).at_work() as line:
            await publish(running.port, *numbered(10))
            for arrival in (await line.take_all(10))[:4]:
                arrival.acknowledge()
            # The broker has read the acknowledgements once it answers what was asked after them.
            await publish(running.port, b"after")
            await line.take_all(1)
        await publish(running.port, b"while away")
        async with Line(running.port).at_work() as line:
            assert [arrival.payload for arrival in await line.take_all(8)] == [
                *numbered(10)[4:],
                b"after",
                b"while away",
            ]


async def test_a_late_acknowledgement_for_a_lost_connection_is_harmless() -> None:
    """The broker delivers again, and the numbers of the old connection mean nothing on the new one."""
    async with broker() as running:
        async with Line(running.port).at_work() as line:
            await publish(running.port, b"one")
            (arrival,) = await line.take_all(1)
        arrival.acknowledge()
        async with Line(running.port).at_work() as line:
            assert [again.payload for again in await line.take_all(1)] == [b"one"]


async def test_the_window_is_wider_than_a_default_brokers() -> None:
    """With MQTT 5 more than 20 messages come before the first acknowledgement."""
    async with broker() as running, Line(running.port).at_work() as line:
        await publish(running.port, *numbered(200))
        assert len(await line.take_all(200)) == 200


async def test_an_old_broker_is_spoken_to_in_its_version() -> None:
    """With 3.1.1 the window is the broker's, and nothing waits for more than it holds."""
    async with broker() as running, Line(running.port, MQTTProtocolVersion.MQTTv311).at_work() as line:
        await publish(running.port, *numbered(100))
        taken = 0
        while taken < 100:
            arrivals = await line.take()
            assert arrivals
            for arrival in arrivals:
                arrival.acknowledge()
            taken += len(arrivals)


async def test_a_broker_that_dies_is_shown_and_found_again() -> None:
    """The state says so while it is away, and messages come once it is back."""
    async with broker() as running, Line(running.port).at_work() as line:
        await running.kill()
        await until(lambda: line.state == "disconnected")
        line.session.publish(topic(HOME, "receipt"), b"to nobody")
        await running.start()
        await until(lambda: line.state == "ok")
        await publish(running.port, b"back")
        assert [arrival.payload for arrival in await line.take_all(1)] == [b"back"]


async def test_a_broker_that_is_not_there_is_waited_for() -> None:
    """Starting before the broker is no failure."""
    async with broker() as running:
        port = running.port
        await running.kill()
        line = Line(port)
        work = asyncio.create_task(line.session.run())
        await until(lambda: line.state == "disconnected")
        assert not line.session.connected.is_set()
        await running.start()
        await until(line.session.connected.is_set)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_a_port_that_is_taken_is_said_so() -> None:
    """The embedded broker names the address and what to do."""
    async with embedded_broker("127.0.0.1", 0) as port:
        with pytest.raises(BrokerError, match=f"127.0.0.1:{port}.*another port"):
            async with embedded_broker("127.0.0.1", port):
                pass


async def test_noise_on_the_embedded_brokers_port_disturbs_nobody() -> None:
    """Whatever a stranger sends there, the next message comes."""
    async with embedded_broker("127.0.0.1", 0) as port, Line(port, MQTTProtocolVersion.MQTTv311).at_work() as line:
        for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff", b"\x10\x04\x00\x04MQ"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(noise)
            writer.close()
            await writer.wait_closed()
        await publish(port, b"good")
        assert [arrival.payload for arrival in await line.take_all(1)] == [b"good"]
