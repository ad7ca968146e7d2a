"""Enrolments that a real collector refuses: the agent says so, and whoever it reported to before stays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from evidence.enrolment import format_code, parse_code
from tests.world.collector import Collector
from tests.world.gateway import Gateway
from tests.world.processes import eventually

SECRET = bytes(16)


@asynccontextmanager
async def collecting(folder: Path, name: str = "collector") -> AsyncIterator[Collector]:
    """A collector with a broker of its own, for the length of a block."""
    made = Collector(folder, name=name)
    try:
        await made.start(until_ready=True)
        yield made
    finally:
        await made.end()


async def wrong(collector: Collector, _gateway: Gateway, _folder: Path) -> str:
    """A well-formed code whose secret nobody gave out."""
    return format_code(msgspec.structs.replace(parse_code(await collector.code()), secret=SECRET))


async def used(collector: Collector, _gateway: Gateway, folder: Path) -> str:
    """A code with which a neighbour has enrolled."""
    code = await collector.code()
    (folder / "neighbour").mkdir()
    assert (await Gateway(folder / "neighbour").command("enrol", "--yes", code))[0] == 0
    return code


async def expired(collector: Collector, _gateway: Gateway, _folder: Path) -> str:
    """A code that worked for a moment."""
    return await collector.code("--valid-hours", "0.00001")


@pytest.mark.parametrize("kind", [wrong, used, expired], ids=["wrong", "used", "expired"])
async def test_a_code_that_does_not_work_is_refused(tmp_path: Path, gateway: Gateway, kind: object) -> None:
    """Exit code 77 and plain words; nothing is reported; the operator sees the reason; a good code still works."""
    assert callable(kind)
    async with collecting(tmp_path) as collector:
        known = await kind(collector, gateway, tmp_path)
        before = (await collector.status())["gateways"]
        code, out, err = await gateway.command("enrol", "--yes", known)
        assert (code, "refused the enrolment" in out) == (77, True), out + err
        status = await collector.status()
        # Whoever is not answered within seconds says it again, and each time counts.
        assert (status["rejected"].keys(), status["gateways"]) == ({"enrolment"}, before)
        said = await gateway.status()
        assert (said["enrolment"], said["pending_enrolment"]) == (None, None)
        assert said["refusals"]["counts"] == {"enrolment": 1}
        assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0


async def test_a_refused_enrolment_costs_nothing_that_works(tmp_path: Path, gateway: Gateway) -> None:
    """The gateway goes on reporting to the collector that it had."""
    async with collecting(tmp_path) as first, collecting(tmp_path, "second") as second:
        gateway.configure(report_every_s=1)
        assert (await gateway.command("enrol", "--yes", await first.code()))[0] == 0
        await gateway.start()
        await eventually(gateway.kept)
        code, out, err = await gateway.command("enrol", "--yes", await wrong(second, gateway, tmp_path))
        assert code == 77, out + err
        known = len(gateway.kept())
        await eventually(lambda: len(gateway.kept()) > known)
        assert (await second.status())["rejected"].keys() == {"enrolment"}
        assert (await first.status())["rejected"] == {}
        assert await gateway.stop() == 0
