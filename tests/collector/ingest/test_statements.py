"""Statements come in on a gateway's topic, through the catalogue's door, into the same log."""

import sqlalchemy as sa

from collector.store.schema import judge_queue, statements
from evidence.ids import topic
from tests.collector.ingest.desk import Desk, digest, signed_report
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, seen, signed

SALE = signed(f"gateway:{HOME}", "sale", device=DEVICE, seller="noordlicht", contract="2026-03-10")
HERE = topic(HOME, "statement")


async def test_a_sale_is_recorded_receipted_and_judged(desk: Desk) -> None:
    """Even where the report that first names the device comes in the same batch, and after it."""
    report = signed_report(1, seen(DEVICE))
    await desk.send((HERE, SALE), (topic(HOME, "report"), report))
    assert desk.receipted(SALE, report)
    (row,) = await desk.rows(sa.select(statements))
    assert (row["kind"], row["issuer"], row["digest"]) == ("sale", f"consumer:{HOME}", digest(SALE))
    assert {row["device"] for row in await desk.rows(sa.select(judge_queue))} == {DEVICE}


async def test_the_same_statement_again_is_receipted_again(desk: Desk) -> None:
    """It is on record once."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    await desk.send((HERE, SALE), (HERE, SALE))
    await desk.send((HERE, SALE))
    assert len({item.index for item in desk.receipts()}) == 2
    assert len(await desk.rows(sa.select(statements))) == 1


async def test_a_statement_may_correct_one_of_the_same_batch(desk: Desk) -> None:
    """What is on record counts, and the batch before it in line is."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    correction = signed(f"gateway:{HOME}", "sale", device=DEVICE, seller="zuidlicht", corrects=digest(SALE))
    await desk.send((HERE, SALE), (HERE, correction))
    assert desk.receipted(SALE, correction)


async def test_a_statement_that_the_door_refuses_is_refused_to_its_issuer(desk: Desk) -> None:
    """With the door's own reason; the next one is taken."""
    await desk.send_reports(signed_report(1, seen(DEVICE)))
    window = signed(f"gateway:{HOME}", "window", model="acme/cam-2", end="2030-01-01")
    await desk.send((HERE, window), (HERE, SALE))
    assert [(item.reason, item.digest.hex()) for item in desk.refusals()] == [("statement_issuer", digest(window))]
    assert desk.receipted(SALE)


async def test_a_neighbours_statement_is_not_taken_on_this_topic(desk: Desk) -> None:
    """Nor answered: who sent it is nobody that this gateway knows."""
    await desk.send((HERE, signed(f"gateway:{NEIGHBOUR}", "sale", device=DEVICE, seller="noordlicht")))
    assert await desk.counted() == {"key": 1}
    assert desk.answers == []
