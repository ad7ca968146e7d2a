"""Every message of the format, as hypothesis draws it."""

from typing import Any

from hypothesis import strategies as st

from evidence import ids, merkle
from evidence.enrolment import EnrolmentCode
from evidence.keys import SigningKey
from evidence.limits import MAX_INTEGER, MAX_RANGES, MAX_SEQUENCE
from evidence.receipt import Refusal, Request
from evidence.report import DeviceReport, Offer, OfferResult, Report, Result, SeenHead, inventory_digest
from evidence.statement import RESERVED, Statement

KEY = SigningKey(bytes(range(32)))

digests = st.binary(min_size=32, max_size=32)
hex_ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
instants = st.integers(0, 2**40)
sequences = st.integers(1, MAX_SEQUENCE)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40) | st.sampled_from(
    ["1.0", "é" * 256, "x" * 512, "\u202egnihtemos", "\x1b[31m", "true", "-19"]
)


def _model_id(namespace: str, parts: list[str]) -> str:
    joined = ids.model_id(namespace, *parts)
    assert joined is not None
    return joined


model_ids = st.builds(
    _model_id,
    st.sampled_from(sorted(ids.MODEL_NAMESPACES)),
    st.lists(st.from_regex(r"[A-Za-z0-9_ ./-]{0,20}[A-Za-z0-9]", fullmatch=True), min_size=1, max_size=3),
)

_words = st.sampled_from(["unreachable", "no answer within 3 s", "garbled"])


@st.composite
def device_reports(draw: st.DrawFn) -> DeviceReport:
    """One device, with any choice of the optional claims."""
    result = draw(st.sampled_from(Result))
    optional = st.none() | texts
    return DeviceReport(
        device=draw(hex_ids),
        result=result,
        read_at=draw(instants),
        reader=draw(texts),
        reason=None if result is Result.OK else draw(_words),
        version_raw=draw(optional),
        version_alt=draw(optional),
        scheme=draw(optional),
        image_digest=draw(st.none() | st.binary(min_size=16, max_size=64)),
        ids=tuple(sorted(draw(st.sets(model_ids, max_size=4)))),
        hardware=draw(st.none() | hex_ids),
        hardware_revision=draw(st.none() | st.integers(0, 2**32 - 1)),
        offer=draw(st.none() | st.builds(Offer, result=st.sampled_from(OfferResult), version=optional)),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """A report with its devices, or one that stands on an inventory sent before."""
    devices = tuple(
        sorted(
            draw(st.lists(device_reports(), max_size=5, unique_by=lambda device: device.device)),
            key=lambda device: device.device,
        )
    )
    changed = draw(st.booleans())
    return Report(
        gateway=draw(hex_ids),
        sequence=draw(sequences),
        issued_at=draw(instants),
        inventory=inventory_digest(devices),
        previous=draw(st.none() | digests),
        devices=devices if changed else None,
        head=draw(st.none() | st.builds(SeenHead, log=hex_ids, size=sequences, root=digests)),
    )


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts | st.just(""),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
_instant_texts = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='seconds')}Z")
_TAKEN = RESERVED | {"kind", "asserted_at"}
statements = st.builds(
    Statement,
    kind=st.from_regex(r"[a-z][a-z_]{0,31}", fullmatch=True),
    asserted_at=_instant_texts,
    fields=st.dictionaries(texts.filter(lambda name: name not in _TAKEN), _json, max_size=6),
)

refusals = st.builds(
    Refusal,
    log=hex_ids,
    gateway=hex_ids,
    digest=digests,
    reason=texts,
    last_sequence=st.integers(0, MAX_SEQUENCE),
    refused_at=instants,
)
_spans = st.tuples(sequences, sequences).map(lambda ends: (min(ends), max(ends)))
requests = st.builds(
    Request,
    log=hex_ids,
    gateway=hex_ids,
    requested_at=instants,
    whole=st.booleans(),
    missing=st.lists(_spans, max_size=MAX_RANGES).map(tuple),
)
codes = st.builds(
    EnrolmentCode,
    host=texts,
    port=st.integers(1, 65535),
    tls=st.booleans(),
    log=hex_ids,
    collector=digests,
    secret=st.binary(min_size=16, max_size=16),
)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=80) | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(-(2**64), 2**64 - 1), inner, max_size=5)
        | st.dictionaries(st.text(max_size=30), inner, max_size=5)
    ),
    max_leaves=25,
)


def root_of(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes by the definition of RFC 9162 section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def path_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """The inclusion path of a leaf by the definition of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path_of(index, leaves[:split]), root_of(leaves[split:])]
    return [*path_of(index - split, leaves[split:]), root_of(leaves[:split])]
