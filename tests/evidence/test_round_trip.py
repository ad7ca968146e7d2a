"""What is written is what is read, for every message; and nobody signs what nobody would accept."""

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import copied, enrolment, merkle, receipt, report, statement
from evidence.enrolment import EnrolmentCode
from evidence.errors import ClaimError, EnrolmentCodeError, EvidenceError
from evidence.keys import SigningKey
from evidence.limits import MAX_DEVICES, MAX_RANGES, MAX_TEXT_BYTES
from evidence.receipt import Refusal, Request
from evidence.report import DeviceReport, Report, Result
from evidence.statement import Statement
from firmware_fixtures.evidence import forge
from tests.evidence import strategies
from tests.evidence.openers import open_report, open_statement

KEY = strategies.KEY


@given(strategies.reports())
@settings(deadline=None)
def test_a_report_is_read_as_it_was_written(made: Report) -> None:
    """Every claim survives, and there is one encoding of it."""
    data = report.sign(made, KEY)
    assert open_report(data, KEY.public) == made
    assert report.sign(open_report(data, KEY.public), KEY) == data


@given(strategies.statements)
@settings(deadline=None)
def test_a_statement_is_read_as_it_was_written(made: Statement) -> None:
    """Every field survives, nested ones too."""
    assert open_statement(statement.sign(made, KEY), KEY.public) == made


@given(strategies.refusals)
@settings(deadline=None)
def test_a_refusal_is_read_as_it_was_written(made: Refusal) -> None:
    """Every claim survives."""
    assert receipt.open_refusal(receipt.sign_refusal(made, KEY), KEY.public) == made


@given(strategies.requests)
@settings(deadline=None)
def test_a_request_is_read_as_it_was_written(made: Request) -> None:
    """Every claim survives, the most ranges too."""
    assert receipt.open_request(receipt.sign_request(made, KEY), KEY.public) == made


@given(strategies.codes, st.integers(1, 40))
@settings(deadline=None)
def test_an_enrolment_code_is_read_as_it_was_written(made: EnrolmentCode, width: int) -> None:
    """However it was broken into lines, and in capitals."""
    written = enrolment.format_code(made)
    lines = "\n ".join(written[start : start + width] for start in range(0, len(written), width))
    assert enrolment.parse_code(lines) == enrolment.parse_code(written.upper()) == made


@given(strategies.codes, strategies.hex_ids, st.data())
@settings(deadline=None)
def test_an_enrolment_proves_its_own_secret_only(code: EnrolmentCode, gateway: str, data: st.DataObject) -> None:
    """The proof holds for the code's secret, this gateway and this key, and for no other secret."""
    sent = enrolment.sign_enrolment(gateway=gateway, key=KEY, code=code, asserted_at="2026-11-18T11:06:40Z")
    opened = enrolment.open_enrolment(sent)
    assert (opened.gateway, opened.key, opened.code) == (gateway, KEY.public.data, code.id)
    assert enrolment.proves(opened, code.secret)
    other = data.draw(st.binary(min_size=16, max_size=16).filter(lambda secret: secret != code.secret))
    assert not enrolment.proves(opened, other)
    moved = msgspec.structs.replace(opened, gateway=gateway[::-1] if gateway[::-1] != gateway else "0f" * 16)
    assert not enrolment.proves(moved, code.secret)


@given(strategies.codes, st.data())
@settings(deadline=None)
def test_a_mistyped_enrolment_code_is_told_from_a_right_one(code: EnrolmentCode, data: st.DataObject) -> None:
    """One wrong character is always noticed."""
    written = enrolment.format_code(code)
    at = data.draw(st.integers(0, len(written) - 1))
    typed = data.draw(st.characters().filter(lambda letter: letter.lower() != written[at] and not letter.isspace()))
    with pytest.raises(EnrolmentCodeError):
        enrolment.parse_code(written[:at] + typed + written[at + 1 :])


@pytest.mark.parametrize("size", range(5))
def test_each_letter_of_a_code_counts(size: int) -> None:
    """Its last one too, of which a part may stand for nothing."""
    written = copied.write("code-", bytes(size))
    for letter in set("abcdefghijklmnopqrstuvwxyz234567") - {written[-1]}:
        with pytest.raises(EnrolmentCodeError):
            copied.read("code-", written[:-1] + letter, "a code", EnrolmentCodeError)
    assert copied.read("code-", written.upper(), "a code", EnrolmentCodeError) == bytes(size)


@given(st.lists(strategies.digests, min_size=1, max_size=40), strategies.hex_ids, strategies.instants, st.data())
@settings(deadline=None)
def test_a_receipt_is_read_as_it_was_written(digests: list[bytes], log: str, at: int, data: st.DataObject) -> None:
    """One signature serves every leaf of the tree, and each receipt speaks of its own leaf only."""
    leaves = [merkle.leaf_hash(digest) for digest in digests]
    root = strategies.root_of(leaves)
    head = receipt.sign_head(log=log, size=len(leaves), root=root, signed_at=at, key=KEY)
    index = data.draw(st.integers(0, len(leaves) - 1))
    sent = receipt.encode_receipt(head, digests[index], index, strategies.path_of(index, leaves))
    assert receipt.open_receipt(sent, KEY.public) == receipt.Receipt(
        digest=digests[index], log=log, index=index, size=len(leaves), root=root, signed_at=at
    )


def _report(**changes: object) -> Report:
    return msgspec.structs.replace(forge.REPORT, **changes)


def _with_device(**changes: object) -> Report:
    device = msgspec.structs.replace(forge.DEVICES[0], **changes)
    return _report(devices=(device,), inventory=report.inventory_digest((device,)))


UNSIGNABLE = {
    "a version that is too long": lambda: report.sign(_with_device(version_raw="9" * (MAX_TEXT_BYTES + 1)), KEY),
    "a version with a NUL": lambda: report.sign(_with_device(version_raw="1.0\0"), KEY),
    "a version with half a surrogate pair": lambda: report.sign(_with_device(version_raw="\ud800"), KEY),
    "a reason without a failure": lambda: report.sign(_with_device(result=Result.OK, reason="no_answer"), KEY),
    "ids in no order": lambda: report.sign(_with_device(ids=("shelly:b", "shelly:a")), KEY),
    "a device twice": lambda: report.sign(_report(devices=forge.DEVICES[:1] * 2), KEY),
    "an inventory of other devices": lambda: report.sign(_report(inventory=bytes(32)), KEY),
    "a number before the first": lambda: report.sign(_report(sequence=0), KEY),
    "a statement of a date": lambda: statement.sign(_statement(when=b"2026"), KEY),
    "a statement of its own id": lambda: statement.sign(_statement(id="x"), KEY),
    "a statement beyond its size": lambda: statement.sign(_statement(texts=["x" * 500] * 140), KEY),
    "a refusal without a reason": lambda: receipt.sign_refusal(msgspec.structs.replace(forge.REFUSAL, reason=""), KEY),
    "too many gaps": lambda: receipt.sign_request(
        msgspec.structs.replace(forge.REQUEST, missing=((1, 2),) * (MAX_RANGES + 1)), KEY
    ),
}


def _statement(**fields: object) -> Statement:
    return msgspec.structs.replace(forge.STATEMENT, fields=fields)


@pytest.mark.parametrize("sign", UNSIGNABLE.values(), ids=UNSIGNABLE)
def test_nobody_signs_what_nobody_would_accept(sign: object) -> None:
    """The writer learns it, and not from a refusal a day later."""
    assert callable(sign)
    with pytest.raises(EvidenceError):
        sign()


def test_the_largest_report_fits() -> None:
    """A thousand devices with names as long as real ones stay below the limit; one more is refused."""
    device = forge.DEVICES[0]
    many = tuple(
        msgspec.structs.replace(device, device=hashlib.sha256(b"%d" % number).hexdigest()[:32])
        for number in range(MAX_DEVICES + 1)
    )
    in_order = tuple(sorted(many, key=lambda one: one.device))
    most = in_order[:MAX_DEVICES]
    full = _report(devices=most, inventory=report.inventory_digest(most))
    assert open_report(report.sign(full, KEY), KEY.public) == full
    with pytest.raises(ClaimError):
        report.sign(_report(devices=in_order, inventory=report.inventory_digest(in_order)), KEY)


def test_a_key_id_is_the_cose_thumbprint() -> None:
    """RFC 9679: SHA-256 over the encoded required members of the COSE_Key, written out by hand."""
    key = SigningKey(bytes(range(32))).public
    assert key.id == hashlib.sha256(bytes.fromhex("a3010120062158 20".replace(" ", "")) + key.data).digest()[:8]


def test_the_inventory_does_not_depend_on_when_it_was_read() -> None:
    """Two rounds that find the same devices in the same state have one digest; a failure gives another."""
    first = forge.DEVICES
    later = tuple(msgspec.structs.replace(device, read_at=device.read_at + 3600) for device in first)
    failed = tuple(
        DeviceReport(device=one.device, result=Result.UNREACHABLE, reason="no_answer", read_at=0, reader=one.reader)
        for one in first
    )
    assert report.inventory_digest(first) == report.inventory_digest(later) != report.inventory_digest(failed)
