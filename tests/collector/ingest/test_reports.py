"""What accepted reports change: reports, devices, their readings, the judge's queue, and what is asked for."""

from typing import Any

import pytest
import sqlalchemy as sa

from collector.store import audited
from collector.store.database import reading
from collector.store.presence import last_read_at, last_seen_at
from collector.store.schema import (
    device_model_ids,
    devices,
    gateways,
    inventories,
    judge_queue,
    leaves,
    readings,
    reports,
)
from evidence.keys import SIGNATURE_BYTES
from evidence.report import Offer, OfferResult
from tests.collector.ingest.desk import Desk, digest, signed_report
from tests.collector.register import DAY, DEVICE, HOME, NEIGHBOURS_DEVICE, NEW_DEVICE, NOW, seen

is_its_leaf = leaves.c["index"] == reports.c.leaf


async def shown(desk: Desk) -> dict[str, Any]:
    """The present devices and their versions."""
    rows = await desk.rows(sa.select(devices).where(devices.c.present))
    return {row["device"]: row["reading"].get("version_raw") for row in rows}


async def queued(desk: Desk) -> set[str]:
    """The devices to be judged; the queue is empty afterwards."""
    names = {row["device"] for row in await desk.rows(sa.select(judge_queue))}
    await desk.execute(sa.delete(judge_queue))
    return names


async def device(desk: Desk, name: str = DEVICE) -> Any:
    columns = (devices.c.first_seen_at, devices.c.reading, last_seen_at, last_read_at)
    (row,) = await desk.rows(sa.select(*columns).where(devices.c.device == name))
    return row


async def test_a_report_is_stored_whole_with_its_leaf_and_receipted(desk: Desk) -> None:
    """The signed bytes, their digest in the log, and a receipt that leads there."""
    first, second = signed_report(1, seen(DEVICE)), signed_report(2, seen(DEVICE), same=True)
    await desk.send_reports(first, second)
    rows = await desk.rows(sa.select(reports, leaves.c.digest).join(leaves, is_its_leaf).order_by(reports.c.sequence))
    assert [(row["body"], row["digest"], row["late"]) for row in rows] == [
        (first, digest(first), False),
        (second, digest(second), False),
    ]
    assert [(item.digest.hex(), item.index) for item in desk.receipts()] == [
        (row["digest"], row["leaf"]) for row in rows
    ]


async def test_of_a_report_that_says_what_its_row_says_the_signature_is_kept(desk: Desk) -> None:
    """The bytes come back as they were, as long as the row is what it was."""
    first = signed_report(1, seen(DEVICE))
    second = signed_report(2, seen(DEVICE), same=True, previous=first)
    third = signed_report(3, seen(DEVICE), same=True, previous=first)
    await desk.send_reports(first, second, third)
    rows = await desk.rows(sa.select(reports.c.body).order_by(reports.c.sequence))
    assert [row["body"] for row in rows] == [first, second[-SIGNATURE_BYTES:], third]
    async with reading(desk.engine) as connection:
        kept = await audited.stored(connection, 1, 4)
    assert [kept[leaf].body for leaf in (1, 2, 3)] == [first, second, third]
    await desk.execute(sa.update(reports).where(reports.c.sequence == 2).values(issued_at=NOW - 1))
    async with reading(desk.engine) as connection:
        assert (await audited.stored(connection, 2, 3))[2].body != second


async def test_a_batch_goes_from_what_is_shown_to_something_else_and_back(desk: Desk) -> None:
    """What was shown when it began is known when it comes again."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    await desk.send_reports(signed_report(2, seen(DEVICE, "2.0.0")), signed_report(3, seen(DEVICE)))
    assert await shown(desk) == {DEVICE: "1.0.0"}
    assert len(await desk.rows(sa.select(inventories))) == 2
    assert await desk.rejected() == []


async def test_the_same_bytes_again_are_receipted_again_and_stored_once(desk: Desk) -> None:
    """Within a batch, in a later one, and under a later head, always at the same leaf."""
    data = signed_report(1, seen(DEVICE))
    await desk.send_reports(data, data)
    await desk.send_reports(signed_report(2, seen(DEVICE)))
    await desk.send_reports(data)
    assert [item.index for item in desk.receipts() if item.digest.hex() == digest(data)] == [1, 1, 1]
    assert len(await desk.rows(sa.select(leaves))) == 3
    assert await desk.counted() == {}


async def test_an_unchanged_report_moves_only_when_the_devices_were_seen(desk: Desk) -> None:
    """It costs no reading and no judgement."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    assert await queued(desk) == {DEVICE}
    desk.now = NOW + 3600
    await desk.send_reports(signed_report(2, seen(DEVICE), same=True))
    row = await device(desk)
    assert (row["first_seen_at"], row["last_seen_at"], row["last_read_at"]) == (NOW, NOW + 3600, NOW + 3600)
    assert len(await desk.rows(sa.select(readings))) == 1
    assert await queued(desk) == set()


@pytest.mark.parametrize("at_once", [True, False], ids=["together", "one by one"])
async def test_a_reading_is_written_where_it_differs(desk: Desk, at_once: bool) -> None:
    """A new version, a new device and a vanished one make a row each; another time of reading makes none."""
    messages = [
        signed_report(1, seen(DEVICE)),
        signed_report(2, seen(DEVICE, read_at=60), seen(NEW_DEVICE)),
        signed_report(3, seen(DEVICE, "2.0.0"), seen(NEW_DEVICE, read_at=60)),
        signed_report(4, seen(DEVICE, "2.0.0", read_at=120)),
    ]
    for batch in [messages] if at_once else [[each] for each in messages]:
        await desk.send_reports(*batch)
    rows = await desk.rows(sa.select(readings).order_by(readings.c.sequence))
    told = [(row["sequence"], row["device"], row["reading"] and row["reading"]["version_raw"]) for row in rows]
    assert told == [(1, DEVICE, "1.0.0"), (2, NEW_DEVICE, "1.0.0"), (3, DEVICE, "2.0.0"), (4, NEW_DEVICE, None)]
    assert await shown(desk) == {DEVICE: "2.0.0"}
    assert await queued(desk) == {DEVICE, NEW_DEVICE}


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
async def test_a_device_that_came_and_went_is_on_record_and_may_come_again(desk: Desk, at_once: bool) -> None:
    """However quickly: its model ids are found, also when it is back."""
    visit = [signed_report(1, seen(NEW_DEVICE)), signed_report(2)]
    for part in [visit] if at_once else [[one] for one in visit]:
        await desk.send_reports(*part)
    columns = (devices.c.device, devices.c.present, devices.c.first_seen_at, devices.c.last_seen_at)
    gone = {"device": NEW_DEVICE, "first_seen_at": NOW, "last_seen_at": NOW}
    query = sa.select(*columns).where(devices.c.device == NEW_DEVICE)
    assert await desk.rows(query) == [{**gone, "present": False}]
    await desk.send_reports(signed_report(3, seen(NEW_DEVICE, "2.0.0")))
    assert await desk.rows(query) == [{**gone, "present": True}]
    ids = await desk.rows(sa.select(device_model_ids.c.model_id).where(device_model_ids.c.device == NEW_DEVICE))
    assert [row["model_id"] for row in ids] == list(seen(NEW_DEVICE).ids)


async def test_a_reading_keeps_all_that_was_read(desk: Desk) -> None:
    """Digests in hex, the offer as a map, nothing for what is absent."""
    offer = Offer(result=OfferResult.OFFERED, version="2.0.0")
    await desk.send_reports(signed_report(1, seen(DEVICE, image_digest=bytes(32), offer=offer, hardware_revision=3)))
    assert (await device(desk))["reading"] == {
        "result": "ok",
        "read_at": 0,
        "reader": "zigbee2mqtt",
        "version_raw": "1.0.0",
        "image_digest": "00" * 32,
        "ids": ["zigbee:ACME/CAM-2"],
        "hardware_revision": 3,
        "offer": {"result": "offered", "version": "2.0.0"},
    }


async def test_a_device_that_cannot_be_read_keeps_its_model_ids_and_its_last_good_reading_time(desk: Desk) -> None:
    """A failure says nothing about what the device is; and each one is judged, since misses count."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    desk.now = NOW + 60
    await desk.send_reports(signed_report(2, seen(DEVICE, None, result="unreachable", ids=())))
    assert [row["model_id"] for row in await desk.rows(sa.select(device_model_ids))] == ["zigbee:ACME/CAM-2"]
    row = await device(desk)
    assert (row["last_seen_at"], row["last_read_at"]) == (NOW + 60, NOW)
    await queued(desk)
    await desk.send_reports(signed_report(3, seen(DEVICE, None, result="unreachable", ids=()), same=True))
    assert await queued(desk) == {DEVICE}
    assert (await device(desk))["last_read_at"] == NOW


async def test_only_what_changed_is_judged_and_what_still_cannot_be_read(desk: Desk) -> None:
    """A device that reads as before can wait, whatever its neighbours do; a miss beside them counts as any other."""
    mute = seen(NEIGHBOURS_DEVICE, None, result="unreachable", ids=())
    await desk.send_reports(signed_report(1, seen(DEVICE), seen(NEW_DEVICE), mute))
    await queued(desk)
    await desk.send_reports(signed_report(2, seen(DEVICE), seen(NEW_DEVICE, "2.0.0"), mute))
    assert await queued(desk) == {NEW_DEVICE, NEIGHBOURS_DEVICE}


async def test_when_a_device_was_seen_and_read_outlives_its_change_and_its_leaving(desk: Desk) -> None:
    """Unchanged reports count for it up to the last one before, and nothing later does."""
    unread = seen(DEVICE, None, result="unreachable")
    told = []
    for sequence, found in enumerate([seen(DEVICE), seen(DEVICE), unread, unread, None, None], 1):
        desk.now = NOW + 60 * sequence
        await desk.send_reports(signed_report(sequence, *([found] if found else []), seen(NEW_DEVICE)))
        row = await device(desk)
        told.append((row["last_seen_at"] - NOW, row["last_read_at"] - NOW))
    assert told == [(60, 60), (120, 120), (180, 120), (240, 120), (240, 120), (240, 120)]


async def test_a_gateway_that_was_silent_is_judged_anew(desk: Desk) -> None:
    """Its verdicts may have gone stale, though its report says that nothing changed."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    await queued(desk)
    desk.now = NOW + 2 * DAY
    await desk.send_reports(signed_report(2, seen(DEVICE), same=True))
    assert await queued(desk) == {DEVICE}


async def test_a_refused_report_has_the_gateways_devices_judged(desk: Desk) -> None:
    """A rejection under a good signature is a fact."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    await queued(desk)
    await desk.send_reports(signed_report(2, seen(DEVICE), issued_at=NOW + 1000))
    assert await queued(desk) == {DEVICE}


async def test_a_late_report_is_kept_and_changes_nothing_that_is_shown(desk: Desk) -> None:
    """It has its leaf and receipt, and is marked."""
    late = signed_report(1, seen(DEVICE, "0.9.0"), seen(NEW_DEVICE))
    await desk.send_reports(signed_report(2, seen(DEVICE)))
    await queued(desk)
    await desk.send_reports(late)
    assert desk.receipted(late)
    assert await shown(desk) == {DEVICE: "1.0.0"}
    rows = await desk.rows(sa.select(reports.c.sequence, reports.c.late).order_by(reports.c.sequence))
    assert [(row["sequence"], row["late"]) for row in rows] == [(1, True), (2, False)]
    assert await queued(desk) == set()


async def test_an_inventory_that_nobody_stated_is_asked_for(desk: Desk) -> None:
    """The report is receipted and shows nothing; the whole one that answers the request does."""
    mute = signed_report(1, seen(DEVICE), same=True)
    await desk.send_reports(mute)
    assert desk.receipted(mute)
    assert await shown(desk) == {}
    (request,) = desk.requests()
    assert (request.gateway, request.whole, request.missing) == (HOME, True, ())
    await desk.send_reports(signed_report(2, seen(DEVICE)))
    assert await shown(desk) == {DEVICE: "1.0.0"}
    assert [row["late"] for row in await desk.rows(sa.select(reports.c.late).order_by(reports.c.sequence))] == [
        True,
        False,
    ]


async def test_an_inventory_is_asked_for_once_in_a_while(desk: Desk) -> None:
    """Not after each report that stands for it."""
    await desk.send_reports(*(signed_report(number, seen(DEVICE), same=True) for number in range(1, 4)))
    await desk.send_reports(signed_report(4, seen(DEVICE), same=True))
    assert len(desk.requests()) == 1


async def test_an_inventory_that_was_stated_once_is_known_for_good(desk: Desk) -> None:
    """Going back to an older state needs no submodules, and an inventory that came late serves later reports."""
    await desk.send_reports(
        signed_report(1, seen(DEVICE)),
        signed_report(3, seen(DEVICE, "2.0.0")),
        signed_report(4, seen(DEVICE), same=True),
    )
    assert await shown(desk) == {DEVICE: "1.0.0"}
    await desk.send_reports(signed_report(2, seen(NEW_DEVICE)), signed_report(5, seen(NEW_DEVICE), same=True))
    assert await shown(desk) == {NEW_DEVICE: "1.0.0"}
    assert desk.requests() == []
    assert len(await desk.rows(sa.select(inventories))) == 3


async def test_a_batch_may_leave_what_is_shown_and_come_back_to_it(desk: Desk) -> None:
    """With or without stating it again."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    await desk.send_reports(signed_report(2), signed_report(3, seen(DEVICE)))
    await desk.send_reports(signed_report(4, same=True), signed_report(5, seen(DEVICE), same=True))
    assert await shown(desk) == {DEVICE: "1.0.0"}
    assert (desk.requests(), await desk.counted()) == ([], {})
    rows = await desk.rows(sa.select(readings.c.sequence, readings.c.reading).order_by(readings.c.sequence))
    assert [(row["sequence"], row["reading"] is None) for row in rows] == [
        (1, False),
        (2, True),
        (3, False),
        (4, True),
        (5, False),
    ]


async def test_gaps_are_counted_until_they_are_filled(desk: Desk) -> None:
    """The gateway's count of reports tells how many numbers lack."""
    await desk.send_reports(signed_report(1, seen(DEVICE)), signed_report(4, seen(DEVICE), same=True))
    (row,) = await desk.rows(sa.select(gateways).where(gateways.c.gateway == HOME))
    assert (row["last_sequence"], row["report_count"]) == (4, 2)
    await desk.send_reports(*(signed_report(number, seen(DEVICE), same=True) for number in (2, 3)))
    (row,) = await desk.rows(sa.select(gateways).where(gateways.c.gateway == HOME))
    assert (row["last_sequence"], row["report_count"]) == (4, 4)
