"""Writes what was said on a line as the transcript of a fixture, in the form of firmware_fixtures/README.md.

`>` what a program sent, `<` what the device answered, `+` the frame before goes on; bytes in hex, texts in quotes. What
ends with a line end is text, and its frame says `[]`: where its checksum stands, if it has one, is not known here.
"""

import json
import re
from collections.abc import Iterator, Sequence

from agent.links.tap import Exchange

_RUNS = re.compile(rb"[ -~]{4,}|(?:(?![ -~]{4}).)+", re.DOTALL)
_BYTES = 24  # of binary data in one line


def written(exchanges: Sequence[Exchange]) -> str:
    """The transcript of some exchanges."""
    return "".join(f"{line}\n" for exchange in exchanges for line in _lines(exchange))


def _lines(exchange: Exchange) -> Iterator[str]:
    if exchange.asked:
        yield from _frame(">", exchange.asked)
    if exchange.heard:
        yield from _frame("<", exchange.heard)


def _frame(mark: str, data: bytes) -> Iterator[str]:
    is_text = data.endswith(b"\n")
    parts = (
        data.splitlines(keepends=True) if is_text else [data[at : at + _BYTES] for at in range(0, len(data), _BYTES)]
    )
    for number, part in enumerate(parts):
        tokens = " ".join(_token(run) for run in _RUNS.findall(part))
        yield f"{'+' if number else mark} {tokens}{' []' if is_text and mark == '<' and not number else ''}"


def _token(run: bytes) -> str:
    return json.dumps(run.decode()) if re.fullmatch(rb"[ -~]{4,}", run) else run.hex(" ")
