"""Recorded payloads of a source, read by the parser of its reader, in a form that can be compared.

A reader that has samples offers, beside what the contract asks for:

    SAMPLES = "zigbee2mqtt"                             # the source's name, a folder of samples
    def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None

each outcome with a word that tells the devices of one file apart; None for a file that is no reading (a request, a
catalogue).
"""

from typing import Any

from agent.errors import LinkError
from agent.readers import load, names
from agent.readers._contract import Reader, ReadFailure, Reading
from evidence.report import Result


def sources() -> dict[str, Reader]:
    """The readers that read samples, by the name of their source."""
    readers = map(load, names())
    return {reader.SAMPLES: reader for reader in readers if hasattr(reader, "SAMPLES")}


def parse(source: str, data: bytes) -> list[dict[str, Any]] | None:
    """What one recorded file of a source says, sorted by device; None for a file that is no reading.

    Raises:
        KeyError: There is no such source.
    """
    reader: Any = sources()[source]
    try:
        outcomes = reader.parse_sample(data)
    except LinkError as error:
        outcomes = [("self", ReadFailure(identity="", result=error.result, reason=error.reason))]
    if outcomes is None:
        return None
    return sorted(
        (_compared(device, outcome) for device, outcome in outcomes), key=lambda sample: str(sample["device"])
    )


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
        # Samples give its state in the source's own word, which a reading does not keep; no source here states one.
        "offer": None,
    }
