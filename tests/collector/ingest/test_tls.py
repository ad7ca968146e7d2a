"""TLS with real Mosquitto: who the broker and the collector are is checked; what is wrong is a state, and mends."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from collector.config import Broker
from collector.errors import ConfigError
from collector.ingest.access import access
from collector.ingest.health import Health
from collector.ingest.inbox import Inbox
from collector.ingest.session import Session
from tests.collector.register import NOW
from tests.world.guarded import COLLECTOR, HOST, certify, run
from tests.world.mosquitto import Mosquitto

WITHIN_S = 60.0
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with an authority each: one that is trusted, a stranger; and certificates that do not hold."""
    folder = tmp_path_factory.mktemp("authority")

    async def make() -> None:
        for where in (folder, folder / "stranger"):
            await certify(where, "ca")
            await certify(where, "client", COLLECTOR)
        await certify(folder, "server", HOST)
        await certify(folder, "server", "elsewhere.example")
        (folder / "old").mkdir()
        for name in ("ca.crt", "ca.key"):
            shutil.copy(folder / name, folder / "old" / name)
        await certify(folder / "old", "server", HOST, days=0)

    asyncio.run(make())
    return folder


@asynccontextmanager
async def broker(directory: Path, authority: Path, server: str = HOST, more: str = "") -> AsyncIterator[int]:
    """The port of a broker that shows this certificate."""
    own = authority / server
    who = more or "allow_anonymous true\n"
    config = f"cafile {authority}/ca.crt\ncertfile {own}.crt\nkeyfile {own}.key\n{who}"
    running = Mosquitto(directory, config)
    await running.start()
    try:
        yield running.port
    finally:
        await running.kill()


class Line:
    """A session at work, and the state that it shows."""

    def __init__(self, settings: Broker) -> None:
        self._health = Health(lambda: NOW)
        self.session = Session(
            settings.host, settings.port, "collector", Inbox(), self._health, access=lambda: access(settings)
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Line"]:
        work = asyncio.create_task(self.session.run())
        try:
            yield self
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    @property
    def state(self) -> str:
        return str(self._part()["state"])

    @property
    def detail(self) -> str:
        return str(self._part()["detail"])

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():  # noqa: ASYNC110  # it holds in another program
                await asyncio.sleep(0.01)

    def _part(self) -> dict[str, object]:
        part = self._health.report()["broker"]
        assert isinstance(part, dict)
        return part


def settings(port: int, ca: Path, **more: str) -> Broker:
    return Broker(embedded=False, host=HOST, port=port, tls=True, ca_file=str(ca), **more)


def shows(own: Path) -> dict[str, str]:
    """Settings that name a certificate and its key."""
    return {"certificate": f"{own}.crt", "key": f"{own}.key"}


@pytest.mark.parametrize(
    ("server", "trusted", "said"),
    [
        pytest.param(HOST, "stranger/ca.crt", "certificate", id="of another authority"),
        pytest.param(f"old/{HOST}", "ca.crt", "certificate has expired", id="that has expired"),
        pytest.param("elsewhere.example", "ca.crt", "IP address mismatch", id="for another name"),
    ],
)
async def test_a_broker_with_a_certificate(
    authority: Path, tmp_path: Path, server: str, trusted: str, said: str
) -> None:
    """...is the state `tls`, whose words say what is wrong; no session comes about."""
    async with (
        broker(tmp_path, authority, server) as port,
        Line(settings(port, authority / trusted)).at_work() as line,
    ):
        await line.until(lambda: line.state == "tls")
        assert said in line.detail
        assert not line.session.connected.is_set()


async def test_the_right_authority_mends_it_without_a_restart(authority: Path, tmp_path: Path) -> None:
    """The file is read for each connection."""
    ca = tmp_path / "ca.crt"
    shutil.copy(authority / "stranger/ca.crt", ca)
    async with broker(tmp_path, authority) as port, Line(settings(port, ca)).at_work() as line:
        await line.until(lambda: line.state == "tls")
        shutil.copy(authority / "ca.crt", ca)
        await line.until(lambda: line.state == "ok")


async def test_a_broker_without_tls_is_not_spoken_to(authority: Path, tmp_path: Path) -> None:
    """Whoever asks for TLS is not talked out of it."""
    running = Mosquitto(tmp_path)
    await running.start()
    try:
        async with Line(settings(running.port, authority / "ca.crt")).at_work() as line:
            await line.until(lambda: line.state in ("tls", "disconnected"))
            assert not line.session.connected.is_set()
    finally:
        await running.kill()


async def test_a_certificate_of_ours_is_shown(authority: Path, tmp_path: Path) -> None:
    """To a broker that wants one; without it, or with a stranger's, the state is `tls`."""
    strict = "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
    ca = authority / "ca.crt"
    async with broker(tmp_path, authority, more=strict) as port:
        for mine in ({}, shows(authority / "stranger" / COLLECTOR)):
            async with Line(settings(port, ca, **mine)).at_work() as line:
                await line.until(lambda line=line: line.state == "tls")  # type: ignore[misc]
        async with Line(settings(port, ca, **shows(authority / COLLECTOR))).at_work() as line:
            await line.until(lambda: line.state == "ok")


async def test_a_password_is_read_from_a_private_file_only(authority: Path, tmp_path: Path) -> None:
    """Others may read it: `credentials`. The wrong one: `refused`. The right one: at work."""
    known, mine = tmp_path / "known", tmp_path / "password"
    await run("mosquitto_passwd", "-b", "-c", known, COLLECTOR, PASSWORD)
    mine.write_text("wrong\n")
    mine.chmod(0o640)
    async with broker(tmp_path, authority, more=f"allow_anonymous false\npassword_file {known}\n") as port:
        mine_is = {"username": COLLECTOR, "password_file": str(mine)}
        async with Line(settings(port, authority / "ca.crt", **mine_is)).at_work() as line:
            await line.until(lambda: line.state == "credentials")
            assert "chmod 600" in line.detail
            mine.chmod(0o600)
            await line.until(lambda: line.state == "refused")
            mine.write_text(f"{PASSWORD}\n")
            await line.until(lambda: line.state == "ok")
            assert PASSWORD not in repr(access(settings(port, authority / "ca.crt", **mine_is)))


def test_nothing_older_than_tls_1_2_is_spoken(authority: Path) -> None:
    """Whatever OpenSSL would still take."""
    tls = access(settings(8883, authority / "ca.crt")).tls
    assert tls is not None
    assert (tls.minimum_version, tls.check_hostname) == (ssl.TLSVersion.TLSv1_2, True)
    assert tls.verify_mode is ssl.CERT_REQUIRED


def test_systemd_hands_over_key_and_password(authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under their names, whatever mode they seem to have; the configuration need not name them."""
    shutil.copy(authority / f"{COLLECTOR}.key", tmp_path / "broker.key")
    (tmp_path / "broker.password").write_text(PASSWORD)
    for file in tmp_path.iterdir():
        file.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    found = access(settings(8883, authority / "ca.crt", certificate=f"{authority / COLLECTOR}.crt", username=COLLECTOR))
    assert found.password == PASSWORD.encode()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param({"ca_file": "{}/none.crt"}, "authority", id="an authority that is not there"),
        pytest.param({"key": "{}/none.key"}, "No such file", id="a key that is not there"),
        pytest.param({"key": "{}/stranger/collector.key"}, "no certificate with the key", id="somebody else's key"),
        pytest.param({"certificate": "{}/collector.key"}, "no certificate with the key", id="a key as certificate"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(authority: Path, broken: dict[str, str], said: str) -> None:
    """Is a fault that names the file."""
    right = {"ca_file": f"{authority}/ca.crt", **shows(authority / COLLECTOR)}
    wrong = {key: text.format(authority) for key, text in broken.items()}
    with pytest.raises(ConfigError, match=said) as caught:
        access(Broker(embedded=False, host=HOST, port=8883, tls=True, **{**right, **wrong}))
    assert str(authority) in str(caught.value)
