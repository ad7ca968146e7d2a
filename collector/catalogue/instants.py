"""Instants as the store keeps them (Unix seconds) and as facts write them (`YYYY-MM-DDTHH:MM:SSZ`), both UTC."""

from datetime import UTC, datetime

from collector.appraisal.values import parse_instant


def to_text(seconds: int) -> str:
    """Unix seconds as facts write them."""
    return to_instant(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_instant(seconds: int) -> datetime:
    """Unix seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def to_seconds(text: str) -> int:
    """The Unix seconds of an instant.

    Raises:
        ValueError: No instant of that form, or no real one.
    """
    return int(parse_instant(text).timestamp())
