"""The sheet on which an importer writes what it reads: drafts on one side, on the other what could not be mapped.

    with sheet.part():                 # what fails inside is listed, and the work goes on after it
        fields["available_from"] = dates.moment(entry.get("released"))

A subject has one draft: the same words again are dropped, other words on it are listed as repeated. Both sides are
bounded, so that a hostile file costs no more than it weighs.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from collector.catalogue.importers._contract import Draft, Imported, Reason, Skipped, Subject, subject

MAX_DRAFTS: Final = 100_000
MAX_SKIPPED: Final = 10_000
MAX_FAULTS: Final = 5_000
"""Parts of one document that cannot be mapped, before it is taken for something else and read no further."""
MAX_SNIPPET: Final = 500
"""Characters of the file's own words that are kept beside a reason."""


class UnmappedError(Exception):
    """A part of a document that cannot be mapped."""

    def __init__(self, place: str, reason: Reason, detail: str, raw: object = None) -> None:
        super().__init__(f"{place or 'the file'}: {detail}")
        self.place = place
        self.reason = reason
        self.detail = detail
        self.raw = raw


class _EnoughError(Exception):
    """Too many parts cannot be mapped; never leaves the sheet."""


class Sheet:
    """What one document comes to."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self._drafts: dict[Subject, Draft] = {}
        self._skipped: dict[Skipped, None] = {}
        self._uncounted = 0
        self._faults = 0
        self._depth = 0

    def state(
        self,
        place: str,
        kind: str,
        fields: Mapping[str, Any],
        *,
        asserted_at: str | None = None,
        seen: tuple[str, ...] = (),
        clears: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        """Write a draft, unless the document has said the same before.

        Raises:
            UnmappedError: The document has said something else of this subject before, or too much in all.
        """
        draft = Draft(kind=kind, fields=fields, place=place, asserted_at=asserted_at, seen=seen, clears=clears)
        before = self._drafts.setdefault(subject(kind, fields), draft)
        if before is draft and len(self._drafts) > MAX_DRAFTS:
            del self._drafts[subject(kind, fields)]
            raise UnmappedError(
                place, Reason.TOO_LARGE, f"only {MAX_DRAFTS} statements are taken from one file", fields
            )
        if before.fields != fields:
            raise UnmappedError(
                place, Reason.REPEATED, f"{before.place} says something else of the same {kind}", fields
            )

    def skip(self, place: str, reason: str, detail: str, raw: object = None) -> None:
        """List what could not be mapped, or not wholly; once, however many statements it would be part of."""
        found = Skipped(place=printable(place), reason=reason, detail=printable(detail), snippet=snippet(raw))
        if found in self._skipped:
            return
        if len(self._skipped) < MAX_SKIPPED:
            self._skipped[found] = None
        else:
            self._uncounted += 1

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the document: what cannot be mapped in it is listed."""
        self._depth += 1
        try:
            yield
        except UnmappedError as fault:
            self.skip(fault.place, fault.reason, fault.detail, fault.raw)
            self._faults += 1
            if self._faults == MAX_FAULTS:
                raise _EnoughError from fault
        except _EnoughError:
            if self._depth > 1:
                raise
            detail = f"more than {MAX_FAULTS} parts cannot be mapped; what follows was not read"
            self._skipped[Skipped(place="", reason=Reason.TOO_LARGE, detail=detail, snippet="")] = None
        finally:
            self._depth -= 1

    def imported(self) -> Imported:
        """All that was written."""
        skipped = tuple(self._skipped)
        if self._uncounted:
            detail = f"{self._uncounted} more are not listed; only {MAX_SKIPPED} are of one file"
            skipped += (Skipped(place="", reason=Reason.TOO_LARGE, detail=detail, snippet=""),)
        return Imported(feed=self.feed, drafts=tuple(self._drafts.values()), skipped=skipped)


def snippet(raw: object) -> str:
    """The words of a part of a file, cut to a bound; nothing beyond the bound is even formatted."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        # A chunk of the encoder is one string or number at most, so twice the bound in chunks is always enough.
        raw = "".join(islice(json.JSONEncoder(ensure_ascii=False, default=str).iterencode(raw), 2 * MAX_SNIPPET))
    text = printable(raw[:MAX_SNIPPET])
    return text if len(raw) <= MAX_SNIPPET >= len(text) else f"{text[: MAX_SNIPPET - 1]}…"


def printable(text: str) -> str:
    """A stranger's words, with nothing in them that moves a cursor or that a database cannot hold."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
