"""The example broker with two gateways, one of them hostile: it can do nothing to the other, nor in its name."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from evidence.ids import topic
from tests.world.collector import Collector, beside
from tests.world.gateway import BULB, Gateway
from tests.world.guarded import COLLECTOR, HOST, Guarded, certify, guarded
from tests.world.processes import eventually

HOSTILE = "66" * 16
LEAVES = ("report", "statement", "receipt", "request")
TURNED_AWAY_S, LET_IN_S = 2.0, 60.0


class World:
    """An honest gateway that reports over the example broker to a real collector."""

    def __init__(self, folder: Path, broker: Guarded) -> None:
        self.broker = broker
        self.honest = Gateway(folder)
        place = beside(broker.collectors_port, HOST)
        self.collector = Collector(folder, f"{place}tls = true\n{broker.certificate(COLLECTOR)}")

    async def enrol(self) -> None:
        """Enrol the honest gateway, whose certificate is made once its id is known."""
        assert (await self.honest.command("enrol", "--yes", "--wait", "0", await self.code()))[0] == 75
        await certify(self.broker.certificates, "client", self.honest.name)

    async def code(self) -> str:
        """An enrolment code."""
        return await self.collector.code("--host", HOST, "--port", str(self.broker.port), "--tls")

    def show_certificate(self) -> None:
        """Let the honest gateway show its certificate."""
        self.honest.configure(more=f"[broker]\n{self.broker.certificate(self.honest.name)}")


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(guarded())
        made = World(folder, broker)
        stack.push_async_callback(made.collector.end)
        stack.push_async_callback(made.honest.kill)
        await made.collector.start(until_ready=True)
        await made.enrol()
        yield made


def tls(broker: Guarded, own: Path | None) -> ssl.SSLContext:
    """Trusts the broker, and shows a certificate or none."""
    context = ssl.create_default_context(cafile=broker.certificates / "ca.crt")
    if own is not None:
        context.load_cert_chain(f"{own}.crt", f"{own}.key")
    return context


def client(
    broker: Guarded, own: Path | None, name: str = "hostile", port: int = 0, timeout_s: float = TURNED_AWAY_S
) -> aiomqtt.Client:
    """A client that shows a certificate or none."""
    return aiomqtt.Client(
        HOST,
        port or broker.port,
        identifier=name,
        tls_context=tls(broker, own),
        timeout=timeout_s,
    )


@contextmanager
def turned_away() -> Iterator[None]:
    """The broker does not let it in, or does not take it."""
    with pytest.raises(aiomqtt.MqttError):
        yield


async def test_what_keeps_a_gateway_from_the_broker_is_shown_and_mends(tmp_path: Path) -> None:
    """Without its certificate `tls`, under a key that others may read `credential`; then it reports."""
    async with world(tmp_path) as made:
        gateway, certificates = made.honest, made.broker.certificates
        key = certificates / f"{gateway.name}.key"
        key.chmod(0o644)
        mine = f"[broker]\n{made.broker.certificate(gateway.name)}"
        for more, wait_s, said in (
            ("", 5, "self-signed certificate in certificate chain"),
            (f'[broker]\nca_file = "{certificates}/ca.crt"\n', 12, "CERTIFICATE_REQUIRED"),
            (mine, 1, "others may read this secret; chmod 600"),
        ):
            gateway.configure(more=more)
            code, out, err = await gateway.command("enrol", "--yes", "--wait", str(wait_s), await made.code())
            assert (code, said in out) == (75, True), out + err
        code, _, err = await gateway.command("check-config")
        assert (code, "chmod 600" in err) == (78, True)
        key.chmod(0o600)
        assert f"{gateway.name}.crt" in (await gateway.command("check-config"))[1]
        assert (await gateway.command("enrol", "--yes", await made.code()))[0] == 0


async def test_a_hostile_gateway_can_do_nothing_to_another(tmp_path: Path) -> None:
    """It writes into no topic of others, hears nothing of them, and takes nobody's session."""
    async with world(tmp_path) as made:
        broker, honest = made.broker, made.honest
        made.show_certificate()
        await honest.start()
        await eventually(lambda: honest.kept() and not honest.waiting())
        await certify(broker.certificates, "client", HOSTILE)
        own = broker.certificates / HOSTILE
        log = str((await made.collector.status())["log"])
        for name in ("hostile", honest.name, f"up-{honest.name}"[:23], f"updateplicht-{log}"):
            for leaf in LEAVES:
                await publish(client(broker, own, name), topic(honest.name, leaf))
        await publish(client(broker, own), topic(HOSTILE, "receipt"))

        async with client(broker, own, timeout_s=LET_IN_S) as session:
            await session.publish(topic(HOSTILE, "report"), b"forged", qos=1)  # its own: let through
            await eventually(lambda: made.collector.rows("SELECT * FROM rejected"))  # and shown as what it is
            for heard in ("#", "updateplicht/1/+/+/receipt", topic(honest.name, "receipt")):
                await session.subscribe(heard, qos=1)
            before = len(honest.kept())
            honest.finds(msgspec.structs.replace(BULB, version_raw="2.4.000"))
            await eventually(lambda: len(honest.kept()) > before and not honest.waiting())
            await session.unsubscribe("#")  # once that is answered, all that it was to hear has come
            assert len(session.messages) == 0
        status = await made.collector.status()
        assert (status["rejected"], status["pending"]) == ({"malformed": 1}, 0)
        said = await honest.status()
        assert (said["junk"], said["refusals"]["counts"], said["trouble"]) == (0, {}, None)
        assert "is lost" not in made.collector.output()
        assert "broker_away" not in honest.log()


async def publish(session: aiomqtt.Client, to: str) -> None:
    """Send something; Mosquitto hangs up on whoever may not."""
    with suppress(aiomqtt.MqttError):
        async with session:
            await session.publish(to, b"forged", qos=1)


async def test_nobody_gets_in_without_a_certificate_of_the_right_authority(tmp_path: Path) -> None:
    """None, one of its own making under another's name, and a gateway's own at the collector's door."""
    async with guarded() as broker:
        await certify(broker.certificates, "client", HOSTILE)
        await certify(tmp_path, "ca")
        await certify(tmp_path, "client", COLLECTOR)
        for own, port in (
            (None, broker.port),
            (tmp_path / COLLECTOR, broker.port),
            (tmp_path / COLLECTOR, broker.collectors_port),
            (broker.certificates / HOSTILE, broker.collectors_port),
        ):
            with turned_away():
                async with client(broker, own, port=port):
                    pass
        async with client(broker, broker.certificates / HOSTILE, timeout_s=LET_IN_S):
            pass
