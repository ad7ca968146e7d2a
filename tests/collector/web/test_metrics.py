"""What a Prometheus scrapes."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.collector.web.register import FILE, NOW

Sample = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(client: httpx.AsyncClient) -> Sample:
    """Every value by name and labels, read as Prometheus reads it."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_the_counts_are_those_of_the_register(client: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Devices, reports, rejections by their reason, and when somebody reported last."""
    values = await scraped(client)
    assert values["updateplicht_devices", ()] == len(names)
    rejections = (await client.get("/api/v1/rejections")).json()["items"]
    assert rejections
    for item in rejections:
        assert values["updateplicht_rejections_total", (("reason", item["reason"]),)] == item["count"]
    assert 0 < values["updateplicht_last_report_timestamp_seconds", ()] <= NOW
    assert values["process_resident_memory_bytes", ()] > 0


async def test_an_empty_register_has_no_last_report(client: httpx.AsyncClient) -> None:
    """A zero would say 1970."""
    values = await scraped(client)
    assert values["updateplicht_devices", ()] == 0
    assert ("updateplicht_last_report_timestamp_seconds", ()) not in values


async def test_parts_have_their_states(client: httpx.AsyncClient) -> None:
    """As `/healthz` says them."""
    health, values = (await client.get("/healthz")).json(), await scraped(client)
    assert values["updateplicht_ok", ()] == health.pop("ok")
    for part, state in health.items():
        assert values["updateplicht_part_state", (("part", part), ("state", state["state"]))] == 1
        assert values["updateplicht_part_ok", (("part", part),)] == (state["state"] == "ok")


@pytest.mark.parametrize("damage", [b"no database at all" * 1000])
async def test_a_store_that_fails_hides_no_state(client: httpx.AsyncClient, tmp_path: Path, damage: bytes) -> None:
    """What is wrong is asked for just then."""
    (tmp_path / FILE).write_bytes(damage)
    values = await scraped(client)
    assert ("updateplicht_ok", ()) in values
    assert ("updateplicht_devices", ()) not in values
