"""What a broker retains is taken whole or not at all, and each way in which that fails has its own reason."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Message

from agent.errors import LinkError
from agent.links import mqtt
from agent.links.mqtt import Broker
from agent.mqtt import Client
from evidence.report import Result
from firmware_fixtures.simulator import broker
from firmware_fixtures.simulator.mqtt_house import publish
from tests.world.mosquitto import Mosquitto
from tests.world.tcp import Handler, serving

LOOPBACK = "127.0.0.1"
CONNACK, SUBACK = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "QUIET_S", 0.3)


async def refusal(host: str = LOOPBACK, **settings: Any) -> tuple[Result, str]:
    """Result and reason of an attempt that fails."""
    with pytest.raises(LinkError) as caught:
        await mqtt.retained(Broker(host=host, **settings), ["a/+"])
    return caught.value.result, caught.value.reason


async def test_what_was_asked_for_comes_and_nothing_else(mosquitto: Mosquitto) -> None:
    """By topic, the last of each, whatever else the broker retains."""
    await publish(LOOPBACK, mosquitto.port, {"a/1": b"old", "a/2": b"two", "b/1": b"other", "a/1/x": b"deeper"})
    await publish(LOOPBACK, mosquitto.port, {"a/1": b"one"})
    assert await mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["a/+"]) == {"a/1": b"one", "a/2": b"two"}


async def test_a_thousand_messages_come_whole(mosquitto: Mosquitto) -> None:
    """A big house announces more than brokers queue for a client that acknowledges each."""
    house = {f"homeassistant/sensor/{number}/config": b"x" * 900 for number in range(2500)}
    await publish(LOOPBACK, mosquitto.port, house)
    found = await mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["homeassistant/+/+/config"])
    assert found == house


@asynccontextmanager
async def device(port: int, answers: Sequence[bytes]) -> AsyncIterator[list[Message]]:
    """Somebody who answers each request so, and what was asked."""
    asked: list[Message] = []

    async def answer(client: Client) -> None:
        async for message in client.messages:
            asked.append(message)
            for payload in answers:
                await client.publish("to/agent", payload)

    async with Client(LOOPBACK, port) as client, asyncio.TaskGroup() as group:
        await client.subscribe("ask/#")
        answering = group.create_task(answer(client))
        yield asked
        answering.cancel()


async def test_a_request_is_sent_once_and_all_its_answers_are_heard(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several devices may answer under one topic; the request stays with no broker."""
    monkeypatch.setattr(mqtt, "ANSWER_S", 2.0)
    async with device(mosquitto.port, [b"one", b"two"]) as asked:
        heard = await mqtt.answers(Broker(host=LOOPBACK, port=mosquitto.port), ["to/agent"], [("ask/all", b"?")])
    assert heard == [("to/agent", b"one"), ("to/agent", b"two")]
    assert [(message.topic.value, message.payload, message.retain) for message in asked] == [("ask/all", b"?", False)]
    assert await mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["ask/+"]) == {}


async def test_enough_answers_end_the_waiting(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no answer ends it with the time."""
    monkeypatch.setattr(mqtt, "ANSWER_S", 60.0)
    house = Broker(host=LOOPBACK, port=mosquitto.port)
    async with device(mosquitto.port, [b"one"]), asyncio.timeout(30):
        assert await mqtt.answers(house, ["to/agent"], [("ask/all", b"?")], enough=1) == [("to/agent", b"one")]
        assert await mqtt.answers(house, ["to/agent"], [("else/where", b"?")], within_s=0.2) == []


async def test_a_flood_of_answers_is_refused(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded whoever answers."""
    monkeypatch.setattr(mqtt, "MAX_MESSAGES", 10)
    async with device(mosquitto.port, [b"x"] * 11):
        with pytest.raises(LinkError) as caught:
            await mqtt.answers(Broker(host=LOOPBACK, port=mosquitto.port), ["to/agent"], [("ask/all", b"?")])
    assert caught.value.reason == "too_large"


async def test_topics_without_wildcards_are_not_waited_for(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all have come there is nothing to wait for."""
    monkeypatch.setattr(mqtt, "QUIET_S", 60.0)
    await publish(LOOPBACK, mosquitto.port, {"a/1": b"one", "a/2": b"two"})
    taking = mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["a/1", "a/2"])
    assert await asyncio.wait_for(taking, 30) == {"a/1": b"one", "a/2": b"two"}


async def test_an_empty_message_deletes() -> None:
    """Also when it comes while we listen."""
    async with serving(_broker(_publish("a/1", b"one") + _publish("a/2", b"two") + _publish("a/2", b""))) as port:
        assert await mqtt.retained(Broker(host=LOOPBACK, port=port), ["a/+"]) == {"a/1": b"one"}


async def test_what_was_still_on_its_way_is_waited_for() -> None:
    """A network may stall for longer than it must be quiet."""
    async with serving(_broker(_publish("a/1", b"one"), late=_publish("a/2", b"two"))) as port:
        assert await mqtt.retained(Broker(host=LOOPBACK, port=port), ["a/+"]) == {"a/1": b"one", "a/2": b"two"}


async def test_a_broker_that_sends_what_others_asked_for() -> None:
    """amqtt greets a newcomer with all that anybody is subscribed to."""
    async with broker.broker() as port:
        await publish(LOOPBACK, port, {"a/1": b"one", "b/1": b"other"})
        async with Client(LOOPBACK, port) as neighbour:
            await neighbour.subscribe("b/+")
            assert await mqtt.retained(Broker(host=LOOPBACK, port=port), ["a/+"]) == {"a/1": b"one"}


async def test_everything_is_never_subscribed_to(mosquitto: Mosquitto) -> None:
    """`#` takes whatever anyone publishes; that is a fault of the reader, not of the house."""
    with pytest.raises(ValueError, match="name the topics"):
        await mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["zigbee2mqtt/#"])


async def test_nothing_listens() -> None:
    """A port that is closed, and a name that is none."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        assert await refusal(port=probe.getsockname()[1]) == (Result.UNREACHABLE, "connection_refused")
    assert await refusal(host="x" * 64) == (Result.UNREACHABLE, "no_such_host")


async def test_a_broker_that_wants_to_know_who_asks(tmp_path: Path) -> None:
    """Without a user, or with a wrong password, it says no; that is no silence."""
    (tmp_path / "passwords").write_text("nobody:$6$c2FsdA==$bm8=\n")
    (tmp_path / "password").write_text("guess\n")
    closed = Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {tmp_path}/passwords\n")
    await closed.start()
    try:
        assert await refusal(port=closed.port) == (Result.REFUSED, "not_authorised")
        known: dict[str, Any] = {"port": closed.port, "username": "nobody"}
        password = tmp_path / "password"
        password.chmod(0o640)
        assert await refusal(**known, password_file=str(password)) == (Result.UNREACHABLE, "no_password")
        password.chmod(0o600)
        assert await refusal(**known, password_file=str(password)) == (Result.REFUSED, "not_authorised")
        assert await refusal(**known, password_file=f"{tmp_path}/none") == (Result.UNREACHABLE, "no_password")
    finally:
        await closed.kill()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho drops the socket unclosed
async def test_a_broker_that_speaks_no_tls() -> None:
    """A plain port asked in TLS."""
    async with serving(_talks_plainly) as port:
        assert await refusal(port=port, tls=True) == (Result.UNREACHABLE, "tls")
    gc.collect()


async def test_a_port_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and does not answer."""
    monkeypatch.setattr(mqtt, "CONNECT_TIMEOUT_S", 0.2)
    async with serving(_silent) as port:
        assert await refusal(port=port) == (Result.UNREACHABLE, "timeout")


async def test_a_broker_that_hangs_up() -> None:
    """After it had granted the subscription."""
    async with serving(_broker(b"", hang_up=True)) as port:
        assert await refusal(port=port) == (Result.UNREACHABLE, "closed")


async def test_a_message_of_200_megabytes_is_not_waited_for() -> None:
    """Its length is known when it begins; nobody gathers it."""
    async with serving(_broker(b"\x30\x80\x84\xaf\x5f\x00\x03a/1" + b"x" * 100_000)) as port:
        assert await refusal(port=port) == (Result.PARSE_FAILED, "too_large")


async def test_a_message_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of which the rest does not come is no list."""
    monkeypatch.setattr(mqtt, "COLLECT_TIMEOUT_S", 1.5)
    async with serving(_broker(b"\x30\x80\x08\x00\x03a/1[{")) as port:
        assert await refusal(port=port) == (Result.UNREACHABLE, "timeout")


@pytest.mark.parametrize("bound", ["MAX_MESSAGES", "MAX_BYTES"])
async def test_more_than_is_taken(bound: str, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part must not pass for the whole."""
    monkeypatch.setattr(mqtt, bound, {"MAX_MESSAGES": 4, "MAX_BYTES": 450}[bound])
    await publish(LOOPBACK, mosquitto.port, {f"a/{number}": b"x" * 100 for number in range(4)})
    await mqtt.retained(Broker(host=LOOPBACK, port=mosquitto.port), ["a/+"])
    await publish(LOOPBACK, mosquitto.port, {"a/4": b"x" * 100})
    assert await refusal(port=mosquitto.port) == (Result.PARSE_FAILED, "too_large")


async def _talks_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(CONNACK)


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def _publish(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    return bytes([0x30, len(body)]) + body


def _broker(after: bytes, *, late: bytes = b"", hang_up: bool = False) -> Handler:
    """A broker that grants a subscription, sends these bytes, and the late ones when the subscription is taken back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(CONNACK)
        await reader.read(1000)
        writer.write(SUBACK + after)
        if not hang_up and (unsubscribe := await reader.read(1000)):
            writer.write(late + b"\xb0\x02" + unsubscribe[2:4])
            await reader.read()

    return serve
