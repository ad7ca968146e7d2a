"""Succession: how a key takes over from another. The old key signs a statement that names the new one.

A gateway carries out its own succession, so its statement also proves that it holds the new key: `proof` is a signature
by the new key over a label, the gateway's id, the old key and the new one. Nobody can then name somebody else's key as
his own. The label keeps these bytes apart from all that COSE signs, which begins with `84`.
"""

from typing import Any

from evidence import statement
from evidence.claims import Claims, hexadecimal
from evidence.errors import ClaimError
from evidence.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, PublicKey, SigningKey
from evidence.statement import Statement

KIND = "key_succession"
_LABEL = b"updateplicht key succession\0"


def sign_succession(*, gateway: str, old: SigningKey, new: SigningKey, asserted_at: str) -> bytes:
    """The statement with which a gateway's key gives way to the next one."""
    fields: dict[str, Any] = {
        "party": _party(gateway),
        "key": new.public.data.hex(),
        "proof": new.sign(_proven(gateway, old.public, new.public)).hex(),
    }
    return statement.sign(Statement(kind=KIND, asserted_at=asserted_at, fields=fields), old)


def successor(stated: Statement, gateway: str, old: PublicKey) -> PublicKey:
    """The new key of a statement of this kind, whose signature by the old key was checked.

    Args:
        stated: What was signed.
        gateway: Whose key the old one is.
        old: The key that signed.

    Raises:
        EvidenceError: It is about another party, or whoever signed does not hold the new key.
    """
    found = Claims(dict(stated.fields))
    new = PublicKey(found.get("key", hexadecimal(PUBLIC_KEY_BYTES)))
    if stated.kind != KIND or stated.fields.get("party") != _party(gateway) or new == old:
        raise ClaimError("/party", f"{_party(gateway)}, which goes on under another key")
    new.verify(_proven(gateway, old, new), found.get("proof", hexadecimal(SIGNATURE_BYTES)))
    return new


def _party(gateway: str) -> str:
    return f"gateway:{gateway}"


def _proven(gateway: str, old: PublicKey, new: PublicKey) -> bytes:
    return _LABEL + bytes.fromhex(gateway) + old.data + new.data
