"""The draft: what a household might state about a device of its own, written down by somebody who cannot sign it.

A page makes one from a form, the agent shows it in plain words, and only after a yes it becomes a statement under the
gateway's key. A draft carries no signature and no instant: it binds nobody, and whoever changes it on the way changes
what the agent shows.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from evidence import cbor, copied, statement
from evidence.claims import Claims, octets, text
from evidence.errors import DraftCodeError, EvidenceError
from evidence.ids import ID_BYTES
from evidence.limits import MAX_DRAFT_BYTES

_PREFIX = "updateplichtdraft1-"
_KIND, _DEVICE, _FIELDS = 1, 2, 3


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What might be stated.

    Attributes:
        kind: The kind of statement, `sale`.
        device: Device id, 32 hex digits.
        fields: The other fields of that kind.
    """

    kind: str
    device: str
    fields: Mapping[str, Any]


def format_draft(draft: Draft) -> str:
    """The draft as a code to copy.

    Raises:
        DraftCodeError: It is too long for one, or holds what no statement can.
    """
    body = cbor.encode({_KIND: draft.kind, _DEVICE: bytes.fromhex(draft.device), _FIELDS: dict(draft.fields)})
    _decode(body)
    return copied.write(_PREFIX, body)


def parse_draft(written: str) -> Draft:
    """Read a code as it was copied.

    Raises:
        DraftCodeError: Cut, mistyped, of another version, or holding what no statement can.
    """
    return _decode(copied.read(_PREFIX, written, "a draft", DraftCodeError))


def _decode(body: bytes) -> Draft:
    try:
        found = Claims(cbor.decode(body, MAX_DRAFT_BYTES))
        return Draft(
            kind=found.get(_KIND, text),
            device=found.get(_DEVICE, octets(ID_BYTES, ID_BYTES)).hex(),
            fields=found.get(_FIELDS, statement.fields),
        )
    except EvidenceError as error:
        raise DraftCodeError(f"a draft cannot hold this: {error}") from error
