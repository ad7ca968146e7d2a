"""A second implementation, written from evidence/README.md alone: the standard library and libsodium, nothing of ours.

It reads every kind of message; anything that the page refuses is a `RefusedError`.
"""

import base64
import hashlib
import hmac
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

MAX_DEPTH, MAX_ITEMS, MAX_PATH, MAX_HEADER_BYTES = 16, 65_536, 64, 512


class RefusedError(Exception):
    """Not a message of the format."""


def need(holds: bool) -> None:
    """Refuse where something that the page says does not hold."""
    if not holds:
        raise RefusedError


class Reader:
    """Section "Encoding": one item, in its one encoding."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.items = data, 0, 0

    def take(self, count: int) -> bytes:
        need(self.at + count <= len(self.data))
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        need(info < 28)
        if info < 24 or major == 7:
            return major, info
        size = 1 << info - 24
        argument = int.from_bytes(self.take(size), "big")
        need(argument >= (24 if size == 1 else 1 << 4 * size))
        return major, argument

    def item(self, depth: int = 0) -> Any:
        major, argument = self.head()
        match major:
            case 0:
                return argument
            case 1:
                return -1 - argument
            case 2:
                return self.take(argument)
            case 3:
                return self.text(argument)
            case 4 | 5:
                self.items += argument
                need(depth < MAX_DEPTH and self.items <= MAX_ITEMS)
                if major == 4:
                    return [self.item(depth + 1) for _ in range(argument)]
                return self.map(argument, depth + 1)
            case 7 if argument in (20, 21, 22):
                return {20: False, 21: True, 22: None}[argument]
        raise RefusedError

    def text(self, size: int) -> str:
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise RefusedError from error

    def map(self, count: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        before = b""
        for _ in range(count):
            start = self.at
            key = self.item(depth)
            encoded = self.data[start : self.at]
            need(type(key) in (int, str) and encoded > before)
            before, found[key] = encoded, self.item(depth)
        need(len(set(map(type, found))) <= 1)
        return found


def read(data: bytes) -> Any:
    """The value of these bytes, all of them."""
    reader = Reader(data)
    value = reader.item()
    need(reader.at == len(data))
    return value


def bstr(data: bytes) -> bytes:
    """A short byte string, encoded."""
    heads = {True: bytes([0x40 | len(data) & 31]), False: bytes([0x58, len(data) & 255])}
    return (heads[len(data) < 24] if len(data) < 256 else b"\x59" + len(data).to_bytes(2, "big")) + data


def key_id(public: bytes) -> bytes:
    """Section "Keys and ids"."""
    return hashlib.sha256(bytes.fromhex("a301012006215820") + public).digest()[:8]


def take_apart(data: bytes) -> tuple[bytes, dict[Any, Any], dict[Any, Any], Any, bytes]:
    """Section "Verification", steps 2 to 4, for either kind of envelope."""
    need(data[:1] == b"\xd2")
    message = read(data[1:])
    need(isinstance(message, list) and [type(part) for part in message[:2]] == [bytes, dict] and len(message) == 4)
    protected, beside, payload, signature = message
    need(len(protected) <= MAX_HEADER_BYTES)
    header = read(protected)
    need(isinstance(header, dict) and header.get(1) == -19 and 2 not in header)
    need(isinstance(header.get(4), bytes) and len(header[4]) == 8)
    need(isinstance(signature, bytes) and len(signature) == 64)
    return protected, header, beside, payload, signature


def check(public: bytes, protected: bytes, payload: bytes, signature: bytes) -> None:
    """Step 6: over the encoding of ["Signature1", protected, h'', payload]."""
    try:
        VerifyKey(public).verify(b"\x84\x6aSignature1" + bstr(protected) + b"\x40" + bstr(payload), signature)
    except BadSignatureError as error:
        raise RefusedError from error


def open_message(data: bytes, public: bytes, message_type: str) -> Any:
    """The claims of a report, statement, refusal or request."""
    protected, header, beside, payload, signature = take_apart(data)
    need(header[4] == key_id(public) and header.get(16) == message_type and beside == {} and isinstance(payload, bytes))
    check(public, protected, payload, signature)
    claims = read(payload)
    need(isinstance(claims, dict))
    return claims


def open_receipt(data: bytes, public: bytes) -> tuple[bytes, dict[Any, Any], int]:
    """Section "Receipt": the digest that was accepted, the signed claims, the index of the leaf."""
    protected, header, beside, payload, signature = take_apart(data)
    need(header[4] == key_id(public) and 16 not in header and header.get(395) == 1 and payload is None)
    need(not header.keys() & beside.keys() and len(beside[396][-1]) == 1)
    size, index, path = read(beside[396][-1][0])
    need(0 <= index < size == header[15][-70204] and len(path) <= MAX_PATH)
    check(public, protected, root(hashlib.sha256(b"\0" + beside[-70201]).digest(), index, size, path), signature)
    return beside[-70201], header[15], index


def root(node: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3 in its recursive form: the last hash of the path is the sibling nearest the root."""
    if size == 1:
        need(path == [])
        return node
    need(path != [] and len(path[-1]) == 32)
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return hashlib.sha256(b"\1" + root(node, index, split, path[:-1]) + path[-1]).digest()
    return hashlib.sha256(b"\1" + path[-1] + root(node, index - split, size - split, path[:-1])).digest()


def read_code(written: str) -> dict[Any, Any]:
    """Section "Enrolment"."""
    letters = "".join(written.split()).lower().removeprefix("updateplicht1-").upper()
    data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    need(hashlib.sha256(data[:-4]).digest()[:4] == data[-4:])
    fields: dict[Any, Any] = read(data[:-4])
    return fields


def proves(claims: dict[str, str], secret: bytes) -> bool:
    """Whether an enrolment knows the secret of its code."""
    shown = bytes.fromhex(claims["gateway"]) + bytes.fromhex(claims["key"])
    return hmac.new(secret, shown, hashlib.sha256).hexdigest() == claims["proof"]
