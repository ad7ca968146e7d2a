"""Shows the verdicts of a running collector in the terminal as they come."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

EACH_S = 2.0
ANSWER_WITHIN_S = 5.0
_TITLES = ("DEVICE", "RUNS", "SELLER TO YOU (S)", "MAKER TO THE UNIT (M)")


async def show_verdicts(address: str, say: Callable[[str], None]) -> None:
    """Print a table whenever a verdict is new or different, until cancelled.

    Args:
        address: Where the collector's pages are, such as `http://127.0.0.1:8080`.
        say: Prints a line.
    """
    shown: list[tuple[str, ...]] = []
    while True:
        try:
            rows = [_row(device) for device in await asyncio.to_thread(_devices, address)]
        except (OSError, ValueError):
            rows = shown  # it is being started again, and the supervisor says so
        if rows != shown:
            say("")
            widths = [max(map(len, column)) for column in zip(_TITLES, *rows, strict=True)]
            for row in (_TITLES, *rows):
                say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            shown = rows
        await asyncio.sleep(EACH_S)


def _devices(address: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address}/api/v1/devices?limit=200", timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310  # our own
        items: list[dict[str, Any]] = json.load(answer)["items"]
    return items


def _row(device: dict[str, Any]) -> tuple[str, ...]:
    verdict = device.get("verdict") or {}
    name = device.get("model") or next(iter(device["ids"]), "") or f"device {device['device'][:8]}"
    return (_cut(name, 28), _cut(device.get("version_raw") or "-", 14), _track(verdict, "S"), _track(verdict, "M"))


def _track(verdict: dict[str, Any], track: str) -> str:
    side = verdict.get(track)
    if not side:
        return "being judged"
    finding = side.get("window_finding")
    return f"{side['code']} + {finding['code']}" if finding else str(side["code"])


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
