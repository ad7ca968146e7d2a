"""Whatever is done to a message, only an EvidenceError comes out, or the meaning it had."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence import copied, cose, diagnostic, enrolment, report
from evidence.errors import EnrolmentCodeError, EvidenceError
from evidence.report import Report
from firmware_fixtures.evidence import forge
from tests.evidence import mutations, strategies
from tests.evidence.openers import OPENERS

KEY = forge.KEY.public
CODES = {error.code for error in EvidenceError.__subclasses__()}
MESSAGES = sorted(forge.VALID)


def attempt(look: Callable[[], object]) -> object:
    """What looking gives, or the EvidenceError that it ends with; any other exception fails the test."""
    try:
        return look()
    except EvidenceError as error:
        return error


def opened(name: str, data: bytes) -> object:
    """What the receiver of this kind of message gets, None where it is refused with a known code, in a safe line."""
    result = attempt(lambda: OPENERS[name.split("-", maxsplit=1)[0]](data, KEY))
    if not isinstance(result, EvidenceError):
        return result
    assert result.code in CODES
    assert str(result).isprintable()
    assert len(str(result)) <= 300
    return None


@pytest.mark.parametrize("name", MESSAGES)
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bent_bytes_are_refused_or_mean_the_same(name: str, data: st.DataObject) -> None:
    """Nobody on the way can change a message: other bytes are refused, but for what a receipt carries unsigned."""
    valid = forge.VALID[name]
    other = forge.VALID[data.draw(st.sampled_from(MESSAGES))]
    bent = data.draw(mutations.bent_bytes(valid, other))
    result = opened(name, bent)
    if bent != valid and bent != other and name != "receipt":
        assert result is None
    elif result is not None and bent != other:
        assert result == opened(name, valid)


@pytest.mark.parametrize("name", MESSAGES)
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bent_structures_give_only_evidence_errors(name: str, data: st.DataObject) -> None:
    """Where even the signature fits, what is accepted can be written again and means the same."""
    bent = data.draw(mutations.bent_structure(forge.VALID[name]))
    result = opened(name, bent)
    if isinstance(result, Report) and report.inventory_digest(result.devices or ()) == result.inventory:
        assert opened(name, report.sign(result, forge.KEY)) == result


@given(data=st.binary(max_size=300) | st.binary(max_size=300).map(lambda data: b"\xd2\x84" + data))
@settings(deadline=None)
def test_any_bytes_are_refused(data: bytes) -> None:
    """Random bytes are no message of any kind, and asking for their type or their notation does no harm."""
    for name in MESSAGES:
        assert opened(name, data) is None
    for look in (cose.message_type, diagnostic.diagnose, diagnostic.named):
        attempt(partial(look, data))


@given(code=strategies.codes, data=st.data())
@settings(deadline=None)
def test_any_text_is_a_code_or_is_refused(code: enrolment.EnrolmentCode, data: st.DataObject) -> None:
    """A bent code gives only its own error."""
    written = enrolment.format_code(code).encode()
    bent = data.draw(mutations.bent_bytes(written, b"updateplicht1-" + written)).decode(errors="replace")
    result = attempt(lambda: enrolment.parse_code(bent))
    assert result == code or isinstance(result, EnrolmentCodeError)


@given(body=st.binary(max_size=60) | st.sampled_from([forge.dump({1: "host", 2: 0}), b"\xff", b"\xa0", b""]))
@settings(deadline=None)
def test_a_code_whose_checksum_fits_may_hold_anything(body: bytes) -> None:
    """The checksum keeps out typing errors, not liars."""
    written = copied.write("updateplicht1-", body)
    with pytest.raises(EnrolmentCodeError):
        enrolment.parse_code(written)
