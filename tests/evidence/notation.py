"""The other way round: from diagnostic notation to bytes, so that nothing can be said that is not there.

Reads what RFC 8949 section 8 and RFC 8610 appendix G allow and this format needs: maps, arrays, integers, JSON texts,
`h''`, `<< >>`, tags, comments between slashes.
"""

import json
import re

import cbor2

_TOKEN = re.compile(
    r"""\s+|/[^/]*/|(?P<text>"(?:[^"\\]|\\.)*")|h'(?P<hex>[0-9a-f]*)'|(?P<tag>\d+)\(|(?P<word>-?\d+|true|false|null)"""
    r"|(?P<mark><<|>>|[\[\]{}(),:])"
)
_WORDS = {"true": True, "false": False, "null": None}


def encode(written: str) -> bytes:
    """The bytes that a notation stands for."""
    tokens = [match for match in _TOKEN.finditer(written) if match.lastgroup]
    assert "".join(match[0] for match in _TOKEN.finditer(written)) == written, "something that is no notation"
    data, rest = _item(tokens)
    assert not rest
    return data


def _item(tokens: list[re.Match[str]]) -> tuple[bytes, list[re.Match[str]]]:
    first, rest = tokens[0], tokens[1:]
    match first.lastgroup:
        case "text":
            return cbor2.dumps(json.loads(first["text"])), rest
        case "hex":
            return cbor2.dumps(bytes.fromhex(first["hex"])), rest
        case "word":
            return cbor2.dumps(_WORDS[first[0]] if first[0] in _WORDS else int(first[0])), rest
        case "tag":
            inner, rest = _item(rest)
            return _head(6, int(first["tag"])) + inner, _after(")", rest)
    if first[0] == "<<":
        inner, rest = _item(rest)
        return cbor2.dumps(inner), _after(">>", rest)
    items, rest = _items(rest, "]" if first[0] == "[" else "}")
    return _head(4, len(items)) + b"".join(items) if first[0] == "[" else _head(5, len(items) // 2) + b"".join(
        items
    ), rest


def _items(tokens: list[re.Match[str]], closing: str) -> tuple[list[bytes], list[re.Match[str]]]:
    items: list[bytes] = []
    while tokens[0][0] != closing:
        item, tokens = _item(tokens)
        items.append(item)
        if tokens[0][0] in (",", ":"):
            tokens = tokens[1:]
    return items, tokens[1:]


def _after(mark: str, tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    assert tokens[0][0] == mark
    return tokens[1:]


def _head(major: int, argument: int) -> bytes:
    """The head of an item: that of an unsigned integer, with another major type."""
    encoded = cbor2.dumps(argument)
    return bytes([encoded[0] | major << 5]) + encoded[1:]
