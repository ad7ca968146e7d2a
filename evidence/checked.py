"""Checked TOML: a document turned into typed values, or a fault with its path, what was found and what was expected.

Both sides read their configuration with it, so that they speak alike. A type may say in words what is expected
(`msgspec.Meta(description=...)`), where a pattern would mean nothing to whoever wrote the file.
"""

import enum
import re
import tomllib
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T")
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?P<how>contains unknown|missing required) field `(?P<key>.*)`")


class CheckError(ValueError):
    """A document that is not as it should be; the message says what was found and what was expected.

    Args:
        path: Where, such as `sales[0].contract`; empty for the whole document.
        message: What is wrong there.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'the file'}: {message}")
        self.path = path
        self.message = message


def parse(data: bytes) -> dict[str, Any]:
    """The document that these bytes are.

    Raises:
        CheckError: They are no TOML.
    """
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CheckError("", f"no TOML: {error}") from error


def convert(value: object, kind: type[T], path: str = "") -> T:
    """The typed value.

    Args:
        value: What was written.
        kind: What it should be.
        path: Where it stands in the document.

    Raises:
        CheckError: It is not that.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        fault = _FAULT.fullmatch(str(error))
        what, place = (fault["what"], fault["place"] or "") if fault else (str(error), "")
        steps = re.findall(r"[^.\[\]]+", place)
        raise _fault(what, value, kind, steps, (path + place).removeprefix(".")) from error


def _fault(what: str, value: object, kind: Any, steps: list[str], path: str) -> CheckError:
    types_here = list(_types_at(kind, steps))
    if field := _FIELD.fullmatch(what):
        place = f"{path}.{field['key']}".removeprefix(".")
        if field["how"] == "missing required":
            return CheckError(place, "missing; it has no default")
        names = [each.encode_name for each in _structs(types_here)]
        return CheckError(place, f"unknown key; expected one of {', '.join(names) or 'none'}")
    if not what.startswith(("Expected", "Invalid")):
        return CheckError(path, what)  # a type's own words
    expected = _words(types_here) or what.removeprefix("Expected ").partition(", got ")[0]
    return CheckError(path, f"found {_at(value, steps)!r}; expected {expected}")


def _words(types_here: list[Any]) -> str | None:
    """What types say of themselves, where that is better than what msgspec says of them."""
    said = [part.description for part in types_here if isinstance(part, msgspec.Meta) and part.description]
    words = [str(word) for part in types_here if get_origin(part) is Literal for word in get_args(part)]
    enums = [part for part in types_here if isinstance(part, type) and issubclass(part, enum.Enum)]
    words += [str(member.value) for kind in enums for member in kind]
    return "; or ".join(said) or (f"one of {', '.join(words)}" if words else None)


def _types_at(kind: Any, steps: list[str]) -> Iterator[Any]:
    """The types, and what is said of them, that a value at a place may have."""
    here = list(_parts(kind))
    for step in steps:
        if step.isdigit():
            inner = [arg for part in here if get_origin(part) in {list, tuple} for arg in get_args(part)]
        else:
            inner = [field.type for field in _structs(here) if field.encode_name == step]
        here = [part for each in inner for part in _parts(each)]
    yield from here


def _parts(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in {Annotated, Union, types.UnionType}:
        for part in get_args(kind):
            yield from _parts(part)
    else:
        yield kind


def _structs(types_here: list[Any]) -> Iterator[Any]:
    for part in types_here:
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            yield from msgspec.structs.fields(part)


def _at(value: Any, steps: list[str]) -> object:
    for step in steps:
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError):
            return None
    return value
