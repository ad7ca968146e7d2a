"""A gateway's key gives way to another: what was signed before still counts, what is signed after does not."""

import sqlalchemy as sa

from collector.ingest.revocation import revoke
from collector.store.database import writing
from collector.store.schema import keys, reports
from evidence.ids import topic
from evidence.succession import sign_succession
from tests.collector.ingest.desk import Desk, signed_report
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NOW, key_of, seen, signed

OWN = f"gateway:{HOME}"
AT = "2026-11-20T12:00:00Z"


def stated(data: bytes, gateway: str = HOME) -> tuple[str, bytes]:
    return topic(gateway, "statement"), data


def succession(old: str = OWN, new: str = "new", gateway: str = HOME) -> bytes:
    return sign_succession(gateway=gateway, old=key_of(old), new=key_of(new), asserted_at=AT)


async def numbers(desk: Desk) -> list[int]:
    query = sa.select(reports.c.sequence).where(reports.c.gateway == HOME).order_by(reports.c.sequence)
    return [row["sequence"] for row in await desk.rows(query)]


async def key(desk: Desk, party: str) -> dict[str, object]:
    (row,) = await desk.rows(sa.select(keys).where(keys.c.key_id == key_of(party).public.id.hex()))
    return dict(row)


def report(sequence: int, by: str) -> bytes:
    return signed_report(sequence, seen(DEVICE), by=by)


async def test_the_first_report_under_the_new_key_ends_the_old_one(desk: Desk) -> None:
    """Until then both count; from then on the old one for lower numbers only, however late they come."""
    data = succession()
    await desk.send(stated(data))
    assert desk.receipted(data)
    await desk.send_reports(report(3, OWN))
    assert (await key(desk, OWN))["ended_at"] is None
    await desk.send_reports(report(6, "new"))
    ended = await key(desk, OWN)
    assert (ended["ended_at"], ended["last_sequence"], ended["successor_signed"]) == (NOW, 5, True)
    late, later = report(5, OWN), report(7, OWN)
    await desk.send_reports(late, later, report(4, "new"))
    assert await numbers(desk) == [3, 4, 5, 6]
    assert desk.receipted(late)
    (refusal,) = desk.refusals()
    assert (refusal.reason, refusal.last_sequence) == ("key", 6)


async def test_what_came_under_the_new_key_before_it_was_known_waits(desk: Desk) -> None:
    """And is judged with the succession, in one batch with it or later."""
    early = report(2, "new")
    await desk.send_reports(early)
    assert not desk.receipted(early)
    await desk.send(stated(succession()))
    await desk.receives(early)
    assert (await key(desk, OWN))["last_sequence"] == 1


async def test_the_household_speaks_under_either_key_and_then_the_new_one(desk: Desk) -> None:
    """Its word is its own, whatever key signed it."""
    await desk.send(stated(succession()))
    before = signed(OWN, "sale", device=DEVICE, seller="noordlicht")
    await desk.send(stated(before))
    await desk.send_reports(report(2, "new"))
    after = signed("new", "sale", device=DEVICE, seller="zuidlicht")
    stale = signed(OWN, "sale", device=DEVICE, seller="bolder")
    await desk.send(stated(after), stated(stale))
    assert desk.receipted(before, after)
    assert [refusal.reason for refusal in desk.refusals()] == ["key"]


async def test_a_key_has_one_successor(desk: Desk) -> None:
    """So that a thief cannot add a key of his own beside the gateway's; the same bytes again are receipted again."""
    data, thief = succession(), succession(new="thief")
    await desk.send(stated(data), stated(thief), stated(data))
    assert desk.receipted(data)
    assert [refusal.reason for refusal in desk.refusals()] == ["key"]
    await desk.send_reports(report(2, "thief"))
    assert await numbers(desk) == []


async def test_nobody_takes_over_another_gateway_or_a_known_key(desk: Desk) -> None:
    """Not on its topic, not in its name, not with a key that somebody has."""
    neighbour = f"gateway:{NEIGHBOUR}"
    await desk.send(
        stated(succession(old=neighbour, gateway=HOME)),
        stated(succession(old=neighbour, gateway=HOME), NEIGHBOUR),
        stated(succession(new=neighbour)),
    )
    assert desk.receipts() == []
    assert sorted(row["reason"] for row in await desk.rejected()) == ["key", "statement_field", "statement_field"]


async def test_a_revoked_gateway_has_no_key_that_counts(desk: Desk) -> None:
    """Neither the one that was replaced, for what comes late, nor its successor, nor one that it names."""
    await desk.send(stated(succession()))
    await desk.send_reports(report(5, "new"))
    async with writing(desk.engine) as connection:
        assert await revoke(connection, HOME, at=NOW + 1, now=NOW) == 0
    desk.now = NOW + 1
    await desk.send_reports(report(3, OWN), report(6, "new"))
    await desk.send(stated(succession(old="new", new="newer")))
    assert await numbers(desk) == [5]
    assert [refusal.reason for refusal in desk.refusals()] == ["key"] * 3
    assert (await key(desk, OWN))["ended_at"] == NOW
