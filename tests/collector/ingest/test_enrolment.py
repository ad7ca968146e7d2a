"""A gateway becomes known by a code's secret, once, and what it sent before is judged then."""

import secrets
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.config import Limits
from collector.ingest import answers
from collector.ingest.revocation import revoke
from collector.store import gateways
from collector.store.database import writing
from collector.store.gateways import OpenCode
from collector.store.schema import enrolment_codes, keys, parties, pending, reports, statements
from evidence.enrolment import EnrolmentCode, sign_enrolment
from evidence.ids import topic
from tests.collector.ingest.desk import Desk, digest, signed_report
from tests.collector.register import DEVICE, HOME, NOW, key_of, seen

STRANGER = "c0" * 16
HOURS = 3600


async def code_of(desk: Desk, *, hours: int = 1) -> EnrolmentCode:
    """A code as the operator's command makes it."""
    code = EnrolmentCode(
        host="127.0.0.1",
        port=1883,
        tls=False,
        log=desk.log.id,
        collector=desk.log.key.public.data,
        secret=secrets.token_bytes(16),
    )
    async with writing(desk.engine) as connection:
        opened = OpenCode(code=code.id, secret=code.secret)
        await gateways.add_code(connection, opened, now=NOW, expires_at=NOW + hours * HOURS)
    return code


def enrolment(code: EnrolmentCode, gateway: str = STRANGER, *, by: str | None = None) -> bytes:
    return sign_enrolment(
        gateway=gateway, key=key_of(by or f"gateway:{gateway}"), code=code, asserted_at="2026-11-20T12:00:00Z"
    )


def stated(data: bytes, gateway: str = STRANGER) -> tuple[str, bytes]:
    return topic(gateway, "statement"), data


async def numbers(desk: Desk, gateway: str = STRANGER) -> list[int]:
    query = sa.select(reports.c.sequence).where(reports.c.gateway == gateway).order_by(reports.c.sequence)
    return [row["sequence"] for row in await desk.rows(query)]


async def test_who_knows_the_secret_is_enrolled(desk: Desk) -> None:
    """Gateway, household and key are known, the enrolment is in the log with a receipt, the secret is forgotten."""
    code = await code_of(desk)
    data = enrolment(code)
    await desk.send(stated(data))
    assert desk.receipted(data)
    (key,) = await desk.rows(sa.select(keys).where(keys.c.gateway == STRANGER))
    assert (key["party"], key["public_key"]) == (f"gateway:{STRANGER}", key_of(f"gateway:{STRANGER}").public.data.hex())
    assert {f"gateway:{STRANGER}", f"consumer:{STRANGER}"} <= {
        row["party"] for row in await desk.rows(sa.select(parties))
    }
    (row,) = await desk.rows(sa.select(statements))
    assert (row["kind"], row["digest"], row["body"]) == ("enrolment", digest(data), data)
    (spent,) = await desk.rows(sa.select(enrolment_codes))
    assert (spent["secret"], spent["used_at"], spent["gateway"]) == (None, NOW, STRANGER)


async def test_the_same_enrolment_again_is_receipted_again(desk: Desk) -> None:
    """A gateway that missed its receipt is no worse for it."""
    data = enrolment(await code_of(desk))
    await desk.send(stated(data), stated(data))
    await desk.send(stated(data))
    assert len(desk.receipts()) == 3
    assert await desk.counted() == {}


async def test_a_known_gateway_may_use_a_fresh_code_with_its_own_key(desk: Desk) -> None:
    """It changes nothing but the code."""
    await desk.send(stated(enrolment(await code_of(desk))))
    again = enrolment(await code_of(desk))
    await desk.send(stated(again))
    assert desk.receipted(again)
    assert len(await desk.rows(sa.select(keys).where(keys.c.gateway == STRANGER))) == 1


async def refused(desk: Desk, data: bytes, gateway: str = STRANGER) -> None:
    """It is refused as `enrolment` to that gateway, kept, and is nobody's fact."""
    await desk.send(stated(data, gateway))
    (refusal,) = desk.refusals()
    assert (refusal.reason, refusal.gateway, refusal.digest.hex()) == ("enrolment", gateway, digest(data))
    (kept,) = await desk.rejected()
    assert (kept["reason"], kept["verified"]) == ("enrolment", False)
    assert await numbers(desk, gateway) == []


async def test_a_code_works_once(desk: Desk) -> None:
    """For whoever was first."""
    code = await code_of(desk)
    await desk.send(stated(enrolment(code, "d0" * 16), "d0" * 16))
    await refused(desk, enrolment(code))


async def test_a_code_expires(desk: Desk) -> None:
    """It works until its hour and no longer."""
    code = await code_of(desk)
    desk.now = NOW + HOURS
    await refused(desk, enrolment(code))


async def test_a_code_that_was_never_given_out(desk: Desk) -> None:
    """Its secret may be as long as it likes."""
    code = EnrolmentCode(
        host="h", port=1, tls=False, log=desk.log.id, collector=desk.log.key.public.data, secret=bytes(16)
    )
    await refused(desk, enrolment(code))


async def test_a_proof_that_knows_no_secret(desk: Desk) -> None:
    """Knowing the code's name is not knowing its secret."""
    code = await code_of(desk)
    guess = EnrolmentCode(
        host="h", port=1, tls=False, log=desk.log.id, collector=desk.log.key.public.data, secret=bytes(16)
    )
    guess_id, code_id = bytes.fromhex(guess.id), bytes.fromhex(code.id)
    assert guess_id != code_id
    async with writing(desk.engine) as connection:
        await connection.execute(
            sa.update(enrolment_codes).where(enrolment_codes.c.code == code.id).values(code=guess.id)
        )
    await refused(desk, enrolment(guess))


async def test_a_known_gateway_is_not_taken_over_by_whoever_finds_a_code(desk: Desk) -> None:
    """Another key under its name is refused, and the code is not spent."""
    code = await code_of(desk)
    await refused(desk, enrolment(code, HOME, by="thief"), HOME)
    (row,) = await desk.rows(sa.select(enrolment_codes))
    assert row["used_at"] is None


async def test_a_revoked_gateway_does_not_come_back_by_a_code(desk: Desk) -> None:
    """Its own key is refused as such; the code is not spent, and enrols the new gateway of that home."""
    await desk.send(stated(enrolment(await code_of(desk))))
    async with writing(desk.engine) as connection:
        await revoke(connection, STRANGER, at=NOW, now=NOW)
    code = await code_of(desk)
    again, anew = enrolment(code), enrolment(code, "d0" * 16)
    await desk.send(stated(again))
    (refusal,) = desk.refusals()
    assert (refusal.reason, refusal.digest.hex()) == ("key", digest(again))
    await desk.send(stated(anew, "d0" * 16))
    assert desk.receipted(anew)


async def test_an_enrolment_of_somebody_else_than_the_topics_gateway(desk: Desk) -> None:
    """The topic that a broker lets one write to says who one is."""
    await refused(desk, enrolment(await code_of(desk), "d0" * 16), STRANGER)


async def test_refusals_to_strangers_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can make enrolments that are well signed and refused; he does not get a signature for each."""
    monkeypatch.setattr(answers, "STRANGERS_PER_MINUTE", 3)
    code = await code_of(desk, hours=-1)
    names = [f"{number:032x}" for number in range(5)]
    await desk.send(*(stated(enrolment(code, name), name) for name in names))
    assert len(desk.refusals()) == 3
    assert await desk.counted() == {"enrolment": 5}


async def test_reports_of_an_unknown_key_wait_and_are_judged_on_enrolment(desk: Desk) -> None:
    """Nothing is answered before, everything after; the bad among them are rejected then."""
    early = [signed_report(number, seen(DEVICE), gateway=STRANGER) for number in (1, 2)]
    forged = early[1][:-1] + bytes([early[1][-1] ^ 1])
    await desk.send_reports(*early, forged, gateway=STRANGER)
    assert desk.answers == []
    assert len(await desk.rows(sa.select(pending))) == 3
    await desk.send_reports(early[0], gateway=STRANGER)
    assert len(await desk.rows(sa.select(pending))) == 3
    await desk.send(stated(enrolment(await code_of(desk))))
    await desk.idle()
    assert await numbers(desk) == [1, 2]
    await desk.receives(*early)
    assert await desk.counted() == {"signature": 1}
    assert await desk.rows(sa.select(pending)) == []


async def test_a_gateway_that_is_enrolled_by_hand_is_noticed(desk: Desk) -> None:
    """A command beside the running collector is enough."""
    await desk.send_reports(signed_report(1, seen(DEVICE), gateway=STRANGER), gateway=STRANGER)
    await desk.enrol_gateway(STRANGER)
    await desk.idle()
    assert await numbers(desk) == [1]


async def test_who_waits_is_bounded_for_each_gateway_and_in_all(tmp_path: Path) -> None:
    """What came first stays; the rest is rejected as `key`, and its sender sends again."""
    async with Desk.open_for_work(tmp_path, Limits(pending=3, pending_per_gateway=2)) as desk:
        for gateway in ("c0" * 16, "c1" * 16):
            messages = [signed_report(number, seen(DEVICE), gateway=gateway) for number in (1, 2, 3)]
            await desk.send_reports(*messages, gateway=gateway)
        waiting = [row["gateway"] for row in await desk.rows(sa.select(pending))]
        assert sorted(waiting) == ["c0" * 16, "c0" * 16, "c1" * 16]
        assert await desk.counted() == {"key": 3}
        assert desk.refusals() == []
