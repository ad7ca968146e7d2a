"""Whatever comes on the report topic gives one stable reason, is kept and counted, and disturbs nobody."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.config import Limits
from collector.ingest import screen
from collector.ingest.inbox import Arrival
from collector.ingest.revocation import revoke
from collector.ingest.settle import settle
from collector.store import gateways
from collector.store.database import reading, writing
from collector.store.schema import leaves, reports
from evidence import cbor, cose, report
from evidence.ids import shard, topic
from evidence.limits import MAX_MESSAGE_BYTES
from tests.collector.ingest.desk import Desk, digest, signed_report
from tests.collector.register import DEVICE, HOME, NEIGHBOUR, NOW, key_of, seen, signed

GOOD = signed_report(1, seen(DEVICE))
HOME_KEY = key_of(f"gateway:{HOME}")
HERE = topic(HOME, "report")


def with_header(header: object, payload: bytes = b"") -> bytes:
    """A well signed envelope with a header of one's own."""
    protected = header if isinstance(header, bytes) else cbor.encode(header)
    signature = HOME_KEY.sign(cose.sig_structure(protected, payload))
    return cose.envelope(protected, {}, payload, signature)


def claiming(payload: object) -> bytes:
    """A well signed report with claims of one's own."""
    return cose.sign(cbor.encode(payload), HOME_KEY, report.MESSAGE_TYPE)


HEADER = {1: -19, 4: HOME_KEY.public.id, 16: report.MESSAGE_TYPE}

# What it is: the topic, the bytes, the reason, and whether its sender is answered.
BAD: dict[str, tuple[str, bytes, str, bool]] = {
    "nothing at all": (HERE, b"", "malformed", False),
    "more bytes than the format allows": (HERE, b"\xd2" + bytes(MAX_MESSAGE_BYTES), "too_large", False),
    "a report cut in the middle": (HERE, GOOD[: len(GOOD) // 2], "malformed", False),
    "a report with a byte too many": (HERE, GOOD + b"\x00", "not_deterministic", False),
    "text that is no CBOR": (HERE, b"hello", "malformed", False),
    "another tag than COSE_Sign1": (HERE, b"\xd1" + GOOD[1:], "malformed", False),
    "the polymorphic algorithm": (HERE, with_header({**HEADER, 1: -8}), "algorithm", False),
    "the same header key twice": (
        HERE,
        with_header(b"\xa4\x01\x32" + b"\x01\x32" + cbor.encode({4: HEADER[4], 16: HEADER[16]})[1:]),
        "not_deterministic",
        False,
    ),
    "a bomb of nested arrays": (HERE, b"\xd2" + b"\x81" * 100_000 + b"\x00", "too_large", False),
    "a signature of other bytes": (HERE, GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "signature", False),
    "a neighbour's key id": (HERE, signed_report(1, seen(DEVICE), by=f"gateway:{NEIGHBOUR}"), "key", False),
    "a report about another gateway": (
        HERE,
        signed_report(1, seen(DEVICE), gateway=NEIGHBOUR, by=f"gateway:{HOME}"),
        "topic",
        True,
    ),
    "a topic in another gateway's shard": (f"updateplicht/1/ff/{HOME}/report", GOOD, "topic", False),
    "a topic that names no gateway": (f"updateplicht/1/{shard(HOME)}/me/report", GOOD, "topic", False),
    "a statement where reports belong": (HERE, signed(f"gateway:{HOME}", "sale"), "profile", False),
    "a report of another version": (HERE, claiming({265: "urn:uuid:0"}), "profile", True),
    "a report without a number": (HERE, claiming({265: report.PROFILE, 256: b"\x01" + bytes(16)}), "claim", True),
    "a payload that is no map": (HERE, claiming([1]), "claim", True),
    "five minutes and a second ahead": (HERE, signed_report(1, seen(DEVICE), issued_at=NOW + 301), "freshness", True),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input(desk: Desk, name: str) -> None:
    """It is refused with its reason, kept, counted once, answered only if signed, and the next report is taken."""
    to, data, reason, answered = BAD[name]
    await desk.send((to, data), (HERE, GOOD))
    (kept,) = await desk.rejected()
    assert (kept["reason"], kept["digest"], kept["size"]) == (reason, digest(data), len(data))
    assert kept["verified"] == answered
    assert kept["body"] == (data if len(data) <= Limits().rejected_body_bytes else None)
    assert await desk.counted() == {reason: 1}
    assert [(item.digest.hex(), item.reason) for item in desk.refusals()] == (
        [(digest(data), reason)] if answered else []
    )
    assert desk.receipted(GOOD)
    assert desk.acknowledged == [data, GOOD]
    assert [row["digest"] for row in await desk.rows(sa.select(leaves.c.digest).where(leaves.c.index > 0))] == [
        digest(GOOD)
    ]


async def test_a_used_number_with_other_bytes(desk: Desk) -> None:
    """It is refused as `sequence` with the last accepted number, and what was stored stays."""
    other = signed_report(1, seen(DEVICE, "6.6.6"))
    await desk.send_reports(GOOD, signed_report(2, seen(DEVICE)))
    await desk.send_reports(other)
    (refusal,) = desk.refusals()
    assert (refusal.reason, refusal.digest.hex(), refusal.last_sequence) == ("sequence", digest(other), 2)
    assert digest(other) not in {row["digest"] for row in await desk.rows(sa.select(leaves.c.digest))}


async def test_two_reports_of_one_number_in_one_batch(desk: Desk) -> None:
    """The first is accepted, the other refused, though neither was stored before."""
    other = signed_report(1, seen(DEVICE, "6.6.6"))
    await desk.send_reports(GOOD, other)
    assert desk.receipted(GOOD)
    assert [item.reason for item in desk.refusals()] == ["sequence"]


async def test_a_revoked_gateway(desk: Desk) -> None:
    """What comes after the revocation is refused to its face, what came before stays."""
    await desk.send_reports(GOOD)
    async with writing(desk.engine) as connection:
        assert await revoke(connection, HOME, at=NOW + 10, now=NOW) == 0
    late = signed_report(2, seen(DEVICE))
    desk.now = NOW + 10
    await desk.send_reports(late)
    assert [(item.reason, item.digest.hex()) for item in desk.refusals()] == [("key", digest(late))]
    assert [row["sequence"] for row in await desk.rows(sa.select(reports.c.sequence))] == [1]


async def test_a_gateway_that_is_revoked_while_its_report_is_checked(desk: Desk) -> None:
    """The key that was looked up still counted; what is recorded when the report would be stored decides."""
    async with reading(desk.engine) as connection:
        keys = await gateways.enrolled_keys(connection, [HOME_KEY.public.id.hex()])
    checked = screen.authenticate_all(screen.open_all([Arrival(HERE, GOOD, lambda: None)]), keys, NOW)
    async with writing(desk.engine) as connection:
        await revoke(connection, HOME, at=NOW, now=NOW)
        settled = await settle(connection, desk.log, checked, limits=Limits(), now=NOW)
    assert (settled.receipts, [refusal.reason for refusal in settled.refusals]) == ([], ["key"])


async def test_the_same_refused_bytes_again(desk: Desk) -> None:
    """They are answered again, and are one rejection: a gateway that missed the refusal is no worse for it."""
    ahead = signed_report(1, seen(DEVICE), issued_at=NOW + 1000)
    await desk.send_reports(ahead)
    await desk.send_reports(ahead)
    assert len(desk.refusals()) == 2
    assert await desk.counted() == {"freshness": 1}


async def test_what_was_from_the_future_is_accepted_when_its_time_has_come(desk: Desk) -> None:
    """The refusal was about the clock, not about the bytes."""
    ahead = signed_report(1, seen(DEVICE), issued_at=NOW + 1000)
    await desk.send_reports(ahead)
    desk.now = NOW + 1000
    await desk.send_reports(ahead)
    assert desk.receipted(ahead)


async def test_garbage_is_kept_up_to_a_bound_and_pushes_out_no_fact(tmp_path: Path) -> None:
    """The newest of it stay, every one is counted, and a rejection under a good signature is not touched."""
    async with Desk.open_for_work(tmp_path, Limits(rejected=3, rejected_per_gateway=2, rejected_body_bytes=8)) as desk:
        await desk.enrol_gateway(HOME)
        ahead = [signed_report(number, seen(DEVICE), issued_at=NOW + 1000) for number in (1, 2, 3)]
        await desk.send_reports(*ahead)
        await desk.send(*((HERE, b"garbage %d" % number) for number in range(5)))
        kept = await desk.rejected()
        assert [row["digest"] for row in kept if row["verified"]] == [digest(data) for data in ahead[1:]]
        assert [row["digest"] for row in kept if not row["verified"]] == [
            digest(b"garbage %d" % number) for number in (2, 3, 4)
        ]
        assert all(row["body"] is None for row in kept)
        assert await desk.counted() == {"freshness": 3, "malformed": 5}


async def test_a_message_on_which_our_own_code_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept as `internal` and acknowledged, and those beside it are accepted."""
    poison = signed_report(2, seen(DEVICE))
    true_outline: Callable[[bytes], report.Outline] = report.outline

    def outline(payload: bytes) -> report.Outline:
        claims = true_outline(payload)
        if claims.sequence == 2:
            raise ZeroDivisionError
        return claims

    monkeypatch.setattr(report, "outline", outline)
    await desk.send_reports(GOOD, poison, signed_report(3, seen(DEVICE)))
    assert desk.acknowledged[1] == poison
    assert [row["reason"] for row in await desk.rejected()] == ["internal"]
    assert [row["sequence"] for row in await desk.rows(sa.select(reports.c.sequence))] == [1, 3]
