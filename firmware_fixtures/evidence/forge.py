"""Valid messages, and the hands to bend them: any claim, header or byte can be wrong, and the signature still fits.

Everything here is fixed, keys and times included, so that the shelf is the same bytes wherever it is made.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import cbor2
import msgspec

from evidence import cbor, cose, enrolment, merkle, receipt, report, statement, submodule
from evidence.enrolment import EnrolmentCode
from evidence.ids import device_id
from evidence.keys import SigningKey
from evidence.receipt import Refusal, Request
from evidence.report import DeviceReport, Offer, OfferResult, Report, Result
from evidence.statement import Statement

KEY = SigningKey(bytes(range(32)))
OTHER_KEY = SigningKey(bytes(range(1, 33)))
GATEWAY = "7d1c0a52b3e94f60a8b1c2d3e4f50617"
LOG = "c0115ec7026f4b1d9a3e5f7081929394"
NOW = 1_795_000_000  # 2026-11-18T11:06:40Z
ASSERTED_AT = "2026-11-18T11:06:40Z"
_SECRET = hashlib.sha256(b"the secret of the shelf's gateway").digest()


class Raw(bytes):
    """Encoded CBOR that goes into a message as it is."""


def dump(value: object) -> bytes:
    """CBOR of anything, good or bad: maps in their given order, `Raw` as it is, all else as cbor2 writes it."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, Mapping):
        return head(5, len(value)) + b"".join(dump(key) + dump(item) for key, item in value.items())
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(dump, value))
    return cbor2.dumps(value)


def head(major: int, argument: int) -> bytes:
    """The first bytes of a data item (RFC 8949 section 3), in the shortest form."""
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("no argument of CBOR")


def signed(
    payload: object,
    message_type: str | None = report.MESSAGE_TYPE,
    *,
    protected: object = None,
    unprotected: object = None,
    key: SigningKey = KEY,
) -> bytes:
    """An envelope whose signature fits, around whatever payload and headers are given."""
    header = {cose.ALGORITHM: cose.ED25519, cose.KEY_ID: KEY.public.id, cose.TYPE: message_type}
    encoded = dump(header if protected is None else protected)
    body = dump(payload)
    signature = key.sign(cose.sig_structure(encoded, body))
    return b"\xd2" + dump([encoded, {} if unprotected is None else unprotected, body, signature])


def header(**changes: object) -> dict[Any, Any]:
    """The protected header of a report, with changes by label name; None takes a label away."""
    labels = {"alg": cose.ALGORITHM, "crit": cose.CRITICAL, "kid": cose.KEY_ID, "typ": cose.TYPE}
    values = {cose.ALGORITHM: cose.ED25519, cose.KEY_ID: KEY.public.id, cose.TYPE: report.MESSAGE_TYPE}
    return ordered(values, {labels[name]: value for name, value in changes.items()})


def ordered(base: Mapping[Any, Any], changes: Mapping[Any, Any]) -> dict[Any, Any]:
    """A map with changes, its keys in deterministic order; None takes a key away."""
    merged = {key: value for key, value in (dict(base) | dict(changes)).items() if value is not None}
    return dict(sorted(merged.items(), key=lambda item: cbor2.dumps(item[0])))


DEVICES = tuple(
    sorted(
        (
            DeviceReport(
                device=device_id(_SECRET, "ieee:00158d0001e29ff0"),
                result=Result.OK,
                read_at=NOW - 40,
                reader="zigbee2mqtt",
                version_raw="2.3.093",
                version_alt="0x23093631",
                ids=("zigbee-ota:4476-8449", "zigbee:Bulbmaker/E27 806lm"),
                hardware_revision=1,
                offer=Offer(result=OfferResult.OFFERED, version="2.3.095"),
            ),
            DeviceReport(
                device=device_id(_SECRET, "serial:thermostat/1"),
                result=Result.UNREACHABLE,
                read_at=NOW - 35,
                reader="modbus_device_id",
                reason="no_answer",
                hardware=device_id(_SECRET, "serial:4711"),
            ),
        ),
        key=lambda device: device.device,
    )
)
REPORT = Report(
    gateway=GATEWAY,
    sequence=42,
    issued_at=NOW,
    previous=hashlib.sha256(b"the report before").digest(),
    inventory=report.inventory_digest(DEVICES),
    devices=DEVICES,
)
UNCHANGED = msgspec.structs.replace(REPORT, sequence=43, issued_at=NOW + 86_400, devices=None)
STATEMENT = Statement(
    kind="window",
    asserted_at=ASSERTED_AT,
    fields={"model": "bulbmaker/e27-806", "end": "2029-06-30", "replaces": []},
)
CODE = EnrolmentCode(
    host="broker.example",
    port=8883,
    tls=True,
    log=LOG,
    collector=KEY.public.data,
    secret=hashlib.sha256(b"the secret of the shelf's code").digest()[:16],
)
REFUSAL = Refusal(
    log=LOG,
    gateway=GATEWAY,
    digest=hashlib.sha256(b"refused").digest(),
    reason="sequence",
    last_sequence=42,
    refused_at=NOW + 2,
)
REQUEST = Request(log=LOG, gateway=GATEWAY, requested_at=NOW + 3, whole=True, missing=((7, 9), (12, 12)))

LEAVES = tuple(hashlib.sha256(b"accepted %d" % number).digest() for number in range(5))
_HASHES = tuple(map(merkle.leaf_hash, LEAVES))
_PAIRS = merkle.node_hash(*_HASHES[:2]), merkle.node_hash(*_HASHES[2:4])
ROOT = merkle.node_hash(merkle.node_hash(*_PAIRS), _HASHES[4])
INDEX = 3
PATH = (_HASHES[2], _PAIRS[0], _HASHES[4])
HEAD = receipt.sign_head(log=LOG, size=len(LEAVES), root=ROOT, signed_at=NOW + 1, key=KEY)

VALID: dict[str, bytes] = {
    "report": report.sign(REPORT, KEY),
    "report-unchanged": report.sign(UNCHANGED, KEY),
    "statement": statement.sign(STATEMENT, KEY),
    "receipt": receipt.encode_receipt(HEAD, LEAVES[INDEX], INDEX, PATH),
    "refusal": receipt.sign_refusal(REFUSAL, KEY),
    "request": receipt.sign_request(REQUEST, KEY),
    "enrolment": enrolment.sign_enrolment(gateway=GATEWAY, key=KEY, code=CODE, asserted_at=ASSERTED_AT),
}


def payload_of(name: str) -> dict[Any, Any]:
    """The claims of a valid message."""
    data = VALID[name]
    claims: dict[Any, Any] = cbor.decode(cose.parse(data, cose.message_type(data)).verify(KEY.public), len(data))
    return claims


def bent(name: str, changes: Mapping[Any, object]) -> bytes:
    """A valid message with claims changed and signed again; None takes a claim away."""
    return signed(ordered(payload_of(name), changes), cose.message_type(VALID[name]))


def bent_device(changes: Mapping[int, object], number: int = 0) -> bytes:
    """The valid report with claims of one device changed, its inventory digest made to fit, and signed again."""
    submods = dict(payload_of("report")[report.SUBMODS])
    name = sorted(submods)[number]
    submods[name] = ordered(submods[name], changes)
    untimed = {
        name: {key: value for key, value in device.items() if key != submodule.READ_AT}
        for name, device in submods.items()
    }
    inventory = hashlib.sha256(dump(untimed)).digest()
    return bent("report", {report.SUBMODS: submods, report.INVENTORY: inventory})


def bent_receipt(
    *,
    proof: object = None,
    proofs: object = None,
    unprotected: Mapping[Any, object] | None = None,
    protected: Mapping[Any, object] | None = None,
    payload: bytes | None = None,
) -> bytes:
    """The valid receipt with another proof, or headers changed; signed again where the protected header is."""
    encoded, beside, _, signature = cbor2.loads(VALID["receipt"][1:])
    if protected is not None:
        encoded = dump(ordered(cbor2.loads(encoded), protected))
        signature = KEY.sign(cose.sig_structure(encoded, ROOT))
    if proof is not None:
        proofs = [dump(proof)]
    if proofs is not None:
        beside[receipt.VDP] = {receipt.INCLUSION: proofs}
    return b"\xd2" + dump([encoded, ordered(beside, unprotected or {}), payload, signature])
