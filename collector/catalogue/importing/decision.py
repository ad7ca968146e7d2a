"""Whether a draft says anything that its issuer has not said before. Pure.

- The same again is no statement, whatever was said in between of other things: importing twice records once.
- Another word on the same thing takes the place of the last one: a window `replaces` it, anything else `corrects` it,
  so that no two words of one feed are in force beside each other.
- What clears some versions takes back a word on just these, and no other.
- What is older than the last word is not recorded: it would become the last.
- An instant that a file implies without dating it is the moment at which it was first seen, and stays that.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from collector.catalogue.importers import Draft, Reason

SEEN: Final = ("retracted_at", "gone_at")
_NOT_CONTENT: Final = {"id", "kind", "recorded_at", "issuer", "asserted_at", "corrects", "replaces", "source"}

Fact = Mapping[str, Any]


class Known(msgspec.Struct, frozen=True):
    """Nothing new."""


class Late(msgspec.Struct, frozen=True):
    """A later word is on record."""

    fact_id: str
    reason: str = Reason.SUPERSEDED


class Say(msgspec.Struct, frozen=True):
    """A statement to be signed."""

    asserted_at: str
    fields: Mapping[str, Any]


def decide(before: Sequence[Fact], draft: Draft, said_at: str) -> Known | Late | Say:
    """What becomes of a draft.

    Args:
        before: What the issuer has said of the same subject, in the order of the log.
        draft: What it says now.
        said_at: When it says so, where the draft does not tell.
    """
    asserted_at = draft.asserted_at or said_at
    content = {**draft.fields, **dict.fromkeys(draft.seen, True)}
    if not before:
        if draft.clears or "withdraw" in draft.fields:
            return Known()  # there is nothing to take back
        return Say(asserted_at, {**draft.fields, **dict.fromkeys(draft.seen, asserted_at)})
    last = before[-1]
    if _content(last) == content or any(
        fact["asserted_at"] == asserted_at and _content(fact) == content for fact in before
    ):
        return Known()
    if draft.clears and not (last.get("affected") and all(each in draft.clears for each in last["affected"])):
        return Known()  # what was said is of other versions too, and stays
    if last["asserted_at"] > asserted_at:
        return Late(last["id"])
    seen = {name: last.get(name, asserted_at) for name in draft.seen}
    place = {"replaces": [last["id"]]} if draft.kind == "window" else {"corrects": last["id"]}
    return Say(asserted_at, {**draft.fields, **seen, **place})


def _content(fact: Fact) -> dict[str, Any]:
    return {name: True if name in SEEN else value for name, value in fact.items() if name not in _NOT_CONTENT}
