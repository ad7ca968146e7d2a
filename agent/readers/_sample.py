"""Recorded payloads of a source, read by the parser of its reader, in a form that can be compared.

A reader that has samples offers, beside what the contract asks for:

    SAMPLES = "zigbee2mqtt"                             # the source's name, a folder of samples
    def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None

each outcome with a word that tells the devices of one file apart; None for a file that is no reading (a request, a
catalogue). Several files of this folder may read one source, each its own forms; one whose name begins with an
underscore reads forms that no reader fetches.
"""

import codecs
import importlib
import pkgutil
from collections import defaultdict
from contextlib import suppress
from typing import Any

from agent import readers
from agent.errors import LinkError
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result


def sources() -> dict[str, list[Any]]:
    """The modules that read samples, by the name of their source."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for name in sorted(module.name for module in pkgutil.iter_modules(readers.__path__)):
        module = importlib.import_module(f"{readers.__name__}.{name}")
        if hasattr(module, "SAMPLES"):
            found[module.SAMPLES].append(module)
    return dict(found)


def parse(source: str, data: bytes) -> list[dict[str, Any]] | None:
    """What one recorded file of a source says, sorted by device; None for a file that is no reading.

    Raises:
        KeyError: There is no such source.
    """
    modules = sources()[source]
    data = _unmarked(data)
    if not data.strip():
        return []  # an empty answer: silence is not absence
    outcomes = _outcomes(modules, data)
    if outcomes is None:
        return None
    return sorted(
        (_compared(device, outcome) for device, outcome in outcomes), key=lambda sample: str(sample["device"])
    )


def _unmarked(data: bytes) -> bytes:
    """A text that begins with a byte order mark, as editors and shells write it, without the mark and in UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with suppress(UnicodeError):
            return data.decode("utf-16").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _outcomes(modules: list[Any], data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """What the first module makes of the data that knows its form."""
    failed = ReadFailure(identity="", result=Result.PARSE_FAILED, reason="malformed")
    for module in modules:
        try:
            outcomes: list[tuple[str, Reading | ReadFailure]] | None = module.parse_sample(data)
        except LinkError as error:
            failed = ReadFailure.of("", error)
        else:
            return outcomes
    return [("self", failed)]


def _compared(device: str, outcome: Reading | ReadFailure) -> dict[str, Any]:
    if isinstance(outcome, ReadFailure):
        failed = outcome.result is Result.PARSE_FAILED
        reading, result = Reading(identity=""), "parse_failed" if failed else "no_version"
    else:
        reading, result = outcome, "no_version" if outcome.version_raw is None else "ok"
    return {
        "device": "self" if result == "parse_failed" else device,
        "result": result,
        "version_raw": reading.version_raw,
        "version_alt": reading.version_alt,
        "scheme": reading.scheme,
        "ids": list(reading.ids),
        "offer": _offer(reading),
    }


def _offer(reading: Reading) -> dict[str, str | None] | None:
    if reading.offer is None or reading.offer.version is None:
        return None
    return {"version": reading.offer.version, "state": reading.offer_state}
