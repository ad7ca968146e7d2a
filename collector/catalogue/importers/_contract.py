"""What an importer is: a module in this folder with `SUFFIXES` and `parse`.

    SUFFIXES = (".json",)                                # which files of a directory may be of this format
    def parse(data: bytes, name: str) -> Imported: ...   # pure: no file, no clock, no register; `name` is the file's

`parse` never raises: bytes that are no document of the format give one `Skipped` and no draft. What a document says
becomes a draft only where the format's own definition says what it means. The rest is listed with place, reason and
the words as they stand there; a draft that it belongs to goes in without it, where that is still true.

A feed is a third party: its word can question a promise, never make one. Which models there are is the operator's or a
manufacturer's to say, so a draft of kind `model` is only a proposal.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

Subject = tuple[str, str, str]
"""Kind, model, and the version or advisory where there are several of a model."""


class Reason(StrEnum):
    """Why something is listed."""

    UNREADABLE = "unreadable"
    """The file cannot be opened or is no regular file."""
    TOO_LARGE = "too_large"
    """More bytes, values, nesting or statements than one file may have; or one statement than may be recorded."""
    ENCODING = "encoding"
    """Bytes that are no text in the encoding of the format."""
    MALFORMED = "malformed"
    """No JSON, XML or YAML, or one that two readers could read differently."""
    FORMAT = "format"
    """Readable, but no document of this format, or one of a version or part of it that is not known."""
    WITHHELD = "withheld"
    """A draft, or not for everybody's eyes: it does not belong on a public record."""
    MISSING = "missing"
    """Something that the format requires."""
    TYPE = "type"
    """A value of another type or out of the bounds that the format gives it."""
    DATE = "date"
    """A date that is no date, or has not the form that the format asks."""
    TBA = "tba"
    """An end that is announced for later or not known: goes on record as `tba`."""
    ENDED = "ended_undated"
    """Support is said to be over, and not since when: an earlier word of the feed is withdrawn."""
    MEANING = "other_meaning"
    """A date or entry that says something else than until when there are updates."""
    RANGE = "range_text"
    """A range of versions in free words: goes on record as text, which compares with nothing."""
    SCHEME = "no_scheme"
    """Versions that are to be compared, in a format that does not say how: only the model's entry can."""
    VERSION = "version"
    """A release without a version that can be read without guessing."""
    FIX = "fix_unversioned"
    """A fix is said to exist, and not in which version."""
    CONTRADICTION = "contradiction"
    """Two places of the document that cannot both be right."""
    TITLE = "title_vendor"
    """The title speaks of another vendor than the products: the products count."""
    PRODUCT = "no_product"
    """Something is said, and not of which product, or not in a way that names one."""
    NAME = "no_name"
    """An advisory without a name that stays the same."""
    REGION = "region"
    """A sales region that is no list of countries."""
    REPEATED = "repeated"
    """A second, different word on the same thing in one document."""
    DOWNLOAD = "no_download"
    """A release that is listed without a way to get it: goes on record as gone."""
    UNMAPPED = "no_fact"
    """A part of the format for which the register has no fact."""
    MODEL_NEEDS_OPERATOR = "model_needs_operator"
    """A model that only the operator or its manufacturer may put on record."""
    MODEL_INCOMPLETE = "model_incomplete"
    """A model of which no id, or no manufacturer, is known: the operator's map can tell."""
    MODEL_CLAIMED = "model_claimed"
    """An id of this model belongs to another one on record."""
    MODEL_ON_RECORD = "model_on_record"
    """The model is on record with other words: an import introduces models, it changes none."""
    SUPERSEDED = "superseded"
    """The register holds a later word of this feed on the same thing."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A statement to be.

    Attributes:
        kind: As in the fact tables.
        fields: The fields of that kind.
        place: Where in the file it stands: a JSON pointer, or `line 12`.
        asserted_at: What the file says of when it was said, `YYYY-MM-DDTHH:MM:SSZ`; None where it says nothing.
        seen: Instants that the file implies without dating them: they become the moment at which this was first seen.
        clears: Ranges of an advisory that are said not to be affected: it only takes back that they are.
    """

    kind: str
    fields: Mapping[str, Any]
    place: str
    asserted_at: str | None = None
    seen: tuple[str, ...] = ()
    clears: tuple[Mapping[str, Any], ...] = ()


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be mapped, or not wholly.

    Attributes:
        place: Where in the file; empty for the file as a whole.
        reason: A stable word: a `Reason`, or the door's where it refused the statement.
        detail: What was found, and what would help.
        snippet: The words as they stand there, cut to a bound.
    """

    place: str
    reason: str
    detail: str
    snippet: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says.

    Attributes:
        feed: Whose word it is, as the name of a third party.
        drafts: Each about a subject of its own, in the order of the file.
        skipped: In the order of the file.
    """

    feed: str
    drafts: tuple[Draft, ...]
    skipped: tuple[Skipped, ...]


class Importer(Protocol):
    """The module of an importer."""

    SUFFIXES: tuple[str, ...]

    def parse(self, data: bytes, name: str) -> Imported:
        """Read one document."""


def subject(kind: str, fields: Mapping[str, Any]) -> Subject:
    """What a statement is about: a feed has one word on it at a time (rule K4 of the appraisal)."""
    key = {"release": "version", "advisory": "advisory"}.get(kind)
    return kind, fields["model"], fields[key] if key else ""
