"""A collector to which messages come without a pause, as from many gateways, does what else it has to do."""

import asyncio

import pytest

from collector.ingest import requests, writer
from evidence.ids import topic
from tests.collector.ingest.desk import WITHIN_S, Desk, signed_report
from tests.collector.register import DEVICE, HOME, seen


async def test_what_never_came_is_asked_for_though_nothing_is_ever_quiet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reminders do not wait for a second without a message: with a report each second that never comes."""
    monkeypatch.setattr(writer, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(requests, "MISSING_AFTER_S", 0.0)
    again = signed_report(2, seen(DEVICE))
    async with asyncio.timeout(WITHIN_S):
        while not desk.requests():
            desk.put(topic(HOME, "report"), again)
            await asyncio.sleep(writer.PATIENCE_S / 100)
    assert desk.requests()[0].missing == ((1, 1),)
