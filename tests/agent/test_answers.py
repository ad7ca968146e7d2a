"""Whatever comes on the collector's topics is its word, or an EvidenceError."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.answers import Answer, open_answer
from evidence.errors import EvidenceError
from evidence.receipt import Receipt, Refusal, Request, sign_refusal, sign_request
from tests.world.witness import Witness

GATEWAY = "5" * 32
DATA = b"a report"
COLLECTOR = Witness(0)
REFUSAL = Refusal(
    log=COLLECTOR.log,
    gateway=GATEWAY,
    digest=hashlib.sha256(DATA).digest(),
    reason="sequence",
    last_sequence=7,
    refused_at=1_800_000_000,
)
REQUEST = Request(log=COLLECTOR.log, gateway=GATEWAY, requested_at=1_800_000_000, whole=True, missing=((2, 3),))
ANSWERS = {
    "receipt": COLLECTOR.receipt(DATA),
    "refusal": sign_refusal(REFUSAL, COLLECTOR.key),
    "request": sign_request(REQUEST, COLLECTOR.key),
}


def opened(leaf: str, data: bytes) -> Answer:
    return open_answer(leaf, data, key=COLLECTOR.key.public, log=COLLECTOR.log, gateway=GATEWAY)


def test_each_kind_of_answer_is_told_by_its_topic_and_type() -> None:
    """Receipts and refusals share a topic."""
    receipt = opened("receipt", ANSWERS["receipt"])
    assert isinstance(receipt, Receipt)
    assert receipt.digest == hashlib.sha256(DATA).digest()
    assert opened("receipt", ANSWERS["refusal"]) == REFUSAL
    assert opened("request", ANSWERS["request"]) == REQUEST


@pytest.mark.parametrize(("leaf", "kind"), [("request", "receipt"), ("request", "refusal"), ("receipt", "request")])
def test_an_answer_on_the_wrong_topic_is_none(leaf: str, kind: str) -> None:
    """A signature over one kind of message never passes for another."""
    with pytest.raises(EvidenceError):
        opened(leaf, ANSWERS[kind])


@pytest.mark.parametrize("kind", ["refusal", "request"])
def test_an_answer_to_another_gateway_is_none(kind: str) -> None:
    """Though the collector signed it."""
    leaf = "request" if kind == "request" else "receipt"
    with pytest.raises(EvidenceError, match="this gateway's"):
        open_answer(leaf, ANSWERS[kind], key=COLLECTOR.key.public, log=COLLECTOR.log, gateway="6" * 32)


@given(
    leaf=st.sampled_from(["receipt", "request"]),
    kind=st.sampled_from(sorted(ANSWERS)),
    place=st.integers(0, 400),
    cut=st.integers(0, 3),
    new=st.binary(max_size=3),
)
def test_a_changed_answer_says_the_same_or_is_none(leaf: str, kind: str, place: int, cut: int, new: bytes) -> None:
    """No mutation makes another exception, nor another meaning."""
    data = ANSWERS[kind]
    place %= len(data)
    changed = data[:place] + new + data[place + cut :]
    try:
        answer = opened(leaf, changed)
    except EvidenceError:
        return
    assert answer == opened(leaf, data)
