"""Facts: what was recorded, as typed values (appraisal.md sections 1 and 2).

`parse_fact` is the one door. A fact is either wholly valid or refused (F0): an unknown kind, a missing required field,
a wrong form, a word outside its list, an interval that runs backwards, a `corrects` where none is allowed (K3).
`null` is absent; fields that the kind does not have are ignored; a list that is absent is empty.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct, field, structs

from collector.appraisal.errors import FactError
from collector.appraisal.values import End, Moment, When, is_instant

Instant = Annotated[datetime, Meta(tz=True)]

Party = Annotated[str, Meta(pattern=r"\A(seller|manufacturer|consumer|gateway|operator|third_party):[\s\S]+\Z")]
Scheme = Literal["uint32", "sequence", "multipart-numeric", "semver", "date-code", "vercmp", "opaque"]
Severity = Literal["critical", "high", "medium", "low"]


class Fact(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The envelope of every fact."""

    id: str
    recorded_at: Instant
    issuer: Party
    asserted_at: Instant | None = None
    corrects: str | None = None

    @property
    def effective(self) -> datetime:
        """What the issuer's signature says, else when our log received it."""
        return self.asserted_at or self.recorded_at

    @property
    def role(self) -> str:
        """The part that the issuer plays."""
        return self.issuer.partition(":")[0]

    @property
    def kind(self) -> str:
        """The word for this kind of fact."""
        return str(self.__struct_config__.tag)


class Uncorrectable(Fact, frozen=True, kw_only=True):
    """K3: a promise is history; it can be replaced for the future only."""

    def __post_init__(self) -> None:
        if self.corrects is not None:
            raise ValueError(f"a {self.kind} cannot be corrected")


class Sale(Fact, frozen=True, kw_only=True, tag="sale"):
    """A device was sold."""

    device: str
    seller: str
    contract: When | None = None
    delivered: When | None = None
    jurisdiction: str | None = None
    seller_type: Literal["trader", "private"] | None = None
    buyer_type: Literal["consumer", "business"] | None = None
    supply: Literal["single", "continuous"] | None = None
    supply_end: When | None = None
    transfer: Literal["sale", "lease", "gift"] = "sale"
    condition: Literal["new", "used"] = "new"
    liability_months: int | None = None
    repaired_at: When | None = None

    @property
    def used(self) -> bool:
        """Whether the goods are second-hand."""
        return self.condition == "used"

    @property
    def seller_issuer(self) -> str:
        """The issuer whose words are this seller's."""
        return f"seller:{self.seller}"


class Unit(Fact, frozen=True, kw_only=True, tag="unit"):
    """One unit was placed on the market."""

    device: str
    placed: When | None = None
    substantially_modified: When | None = None
    market: str | None = None


class Model(Fact, frozen=True, kw_only=True, tag="model"):
    """A product: what is said to be this model, and by whom it is made."""

    model: str
    ids: tuple[str, ...]
    manufacturer: str
    device_class: str = field(default="other", name="class")
    power: Literal["mains", "battery"] = "mains"
    scheme: Scheme = "opaque"
    general_availability: When | None = None
    expected_use_months: int | None = None
    advisory_source: bool = False
    auto_update: bool = False

    @property
    def maker_issuer(self) -> str:
        """The issuer whose words are the maker's."""
        return f"manufacturer:{self.manufacturer}"


class UpdateWindow(Uncorrectable, frozen=True, kw_only=True, tag="window"):
    """A statement of how long updates will come, or the withdrawal of one."""

    model: str
    end: End | None = None
    withdraw: bool = False
    replaces: tuple[str, ...] = ()
    from_contract: When | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.withdraw == (self.end is not None):
            raise ValueError("a window has exactly one of `end` and `withdraw: true`")


class Waiver(Uncorrectable, frozen=True, kw_only=True, tag="waiver"):
    """One side's deposit of an agreement to deviate from the update duty."""

    seller: str
    model: str
    document_digest: str
    accepted_at: Instant
    subject: str | None = None
    until: When | None = None
    signed_digest: str | None = None
    shown_digest: str | None = None
    shown_at: Instant | None = None
    separate: bool | None = None
    signer: str | None = None
    preticked: bool | None = None
    excludes: tuple[str, ...] = ()


class Release(Fact, frozen=True, kw_only=True, tag="release"):
    """A version of the software of a model."""

    model: str
    version: str
    scheme: Scheme | None = None
    available_from: Moment | None = None
    channel: Literal["stable", "beta"] = "stable"
    fixes: tuple[str, ...] = ()
    security: bool | None = None
    price: Literal["free", "paid"] = "free"
    regions: tuple[str, ...] | None = None
    hw_min: int | None = None
    hw_max: int | None = None
    one_click: bool | None = None
    digests: tuple[str, ...] = ()
    version_alt: str | None = None
    retracted_at: Instant | None = None
    gone_at: Instant | None = None


class Range(Struct, frozen=True, kw_only=True):
    """Versions; all parts that are there must hold."""

    all: bool | None = None
    text: str | None = None
    exact: str | None = None
    at_least: str | None = field(default=None, name="from")
    before: str | None = None
    through: str | None = None

    def __post_init__(self) -> None:
        if self.all is False:
            raise ValueError("a range says `all: true` or nothing of it")


class Advisory(Fact, frozen=True, kw_only=True, tag="advisory"):
    """A security hole was made public."""

    model: str
    advisory: str
    public_since: Moment | None = None
    affected: tuple[Range, ...] = ()
    fixed_in: tuple[str, ...] = ()
    severity: Severity | None = None
    exploited_since: Moment | None = None
    no_fix: Literal["no_fix_planned", "unsupported_when_assigned"] | None = None
    os_release: When | None = None


class Notice(Fact, frozen=True, kw_only=True, tag="notice"):
    """The consumer was told something."""

    device: str
    topic: Literal["update", "end_of_support"]
    version: str | None = None
    received_at: Instant | None = None
    says_available: bool | None = None
    says_consequence: bool | None = None
    instructions: Literal["ok", "faulty"] | None = None


class Offer(Struct, frozen=True, kw_only=True):
    """What the device was offered when it was read."""

    result: Literal["none", "offered", "failed"] | None = None
    version: str | None = None


class Report(Uncorrectable, frozen=True, kw_only=True, tag="report"):
    """What a gateway saw of a device."""

    device: str
    seq: int
    ids: tuple[str, ...]
    result: Literal["ok", "unreachable", "refused", "parse_failed"]
    version_raw: str | None = None
    version_alt: str | None = None
    scheme: Scheme | None = None
    digest: str | None = None
    hw: str | None = None
    hw_revision: int | None = None
    offer: Offer | None = None
    rejected: Literal["signature", "key", "profile", "sequence", "freshness"] | None = None

    @property
    def usable(self) -> bool:
        """E1: accepted, and the device could be read."""
        return self.rejected is None and self.result == "ok"


class Ceased(Fact, frozen=True, kw_only=True, tag="party"):
    """A seller or a maker is no more."""

    party: Party
    ceased: When


class SigningKey(Fact, frozen=True, kw_only=True, tag="key"):
    """The term for which a party signed with one key."""

    party: Party
    key: str
    valid_from: When
    ended_at: Instant | None = None
    successor_signed: bool | None = None


AnyFact = Sale | Unit | Model | UpdateWindow | Waiver | Release | Advisory | Notice | Report | Ceased | SigningKey

_FORMS: dict[type, Any] = {form: form.parse for form in (When, Moment, End)}
_INSTANTS = {
    kind.__struct_config__.tag: [
        each.encode_name for each in structs.fields(kind) if Instant in (each.type, *get_args(each.type))
    ]
    for kind in get_args(AnyFact)
}
"""The fields of each kind that hold an Instant. msgspec reads every RFC 3339 date-time; section 1 allows one form."""


def parse_fact(fact: Mapping[str, Any]) -> AnyFact:
    """One valid fact.

    Args:
        fact: As a statement or a case file holds it, envelope and fields on one level.

    Raises:
        FactError: It is invalid (F0); names it.
    """
    if not isinstance(fact, Mapping):
        raise FactError(None, "expected an object")
    given = _without_null(fact)
    kind = given.get("kind")
    for name in _INSTANTS.get(kind, ()) if isinstance(kind, str) else ():
        if name in given and not is_instant(given[name]):
            raise FactError(fact.get("id"), f"expected an instant such as 2026-11-21T12:00:00Z - at `$.{name}`")
    try:
        parsed: AnyFact = msgspec.convert(given, AnyFact, dec_hook=_parse_form)
    except ValueError as fault:  # msgspec's, or a string that is no Unicode text
        raise FactError(fact.get("id"), str(fault)) from fault
    return parsed


def parse_facts(facts: Iterable[Mapping[str, Any]], beside: Iterable[AnyFact] = ()) -> list[AnyFact]:
    """All of them valid, each with an id of its own.

    Args:
        facts: As statements or a case file hold them.
        beside: Facts that are already parsed and whose ids are taken; not among those returned.

    Raises:
        FactError: Names the first invalid one in list order (F0).
    """
    taken = {fact.id for fact in beside}
    parsed = []
    for given in facts:
        fact = parse_fact(given)
        if fact.id in taken:
            raise FactError(fact.id, "another fact has this id")
        taken.add(fact.id)
        parsed.append(fact)
    return parsed


def _parse_form(form: type, written: object) -> object:
    return _FORMS[form](written)


def _without_null(fact: Mapping[str, Any]) -> dict[str, Any]:
    """Absent instead of null, in the fact and in the objects that it holds."""
    return {key: _part(value) for key, value in fact.items() if value is not None}


def _part(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_part(part) if isinstance(part, dict) else part for part in value]
    return value
