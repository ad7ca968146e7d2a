"""All that is known of one model in many homes: for `appraise_homes` as it stands, and as a case for any instant.

As it stands the homes are made of the verdicts that the judge keeps, counted in the database; only what is different is
looked at here (store/fleets.py). For another instant, every device is given with all its facts.

- Households are gateways. Those of a model are the ones with a device that may be of it: one that states an id which a
  statement about that model claims. Others say nothing about it, not even that they have none.
- Shared are the statements about the model, and the terms of the keys of those who made promises for it, make it, or
  sold it to one of these homes.
- A device whose facts cannot be judged is left out, as if it had not reported.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import FactError, Policy, Verdict, parse_fact
from collector.appraisal.at import At
from collector.appraisal.codes import Code
from collector.appraisal.evidence import Device, examine
from collector.appraisal.facts import AnyFact, Model
from collector.appraisal.homes import Fleet, Home, Newest, Seen
from collector.appraisal.record import Record
from collector.appraisal.verdict import Verdicts
from collector.appraisal.windows import market, sales_in_order
from collector.catalogue.facts import facts_for
from collector.catalogue.instants import to_text
from collector.catalogue.key_terms import key_facts
from collector.catalogue.testimony import fields
from collector.store import fleets, statements
from collector.store.fleets import Kind, Pair

Fact = dict[str, Any]
_UNMATCHED: Final = frozenset({Code.MODEL_UNKNOWN, Code.MODEL_AMBIGUOUS})


class Product(msgspec.Struct, frozen=True):
    """What a model is, and its newest release."""

    entry: Model | None
    newest: Newest | None


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model at this instant, with nothing judged yet.

    Attributes:
        kinds: Its devices by what is known of them.
        placed: Sales and placings of those devices for which the market matters.
    """

    model: str
    now: datetime
    shared: list[AnyFact]
    product: Product
    kinds: list[Kind]
    placed: dict[Pair, list[Fact]]


async def gather(connection: AsyncConnection, model: str, policy: Policy, *, now: int) -> Gathered:
    """What is known of a model and its homes now, in one snapshot.

    Args:
        connection: A reading transaction.
        model: Its name.
        policy: The numbers.
        now: Unix seconds; the verdicts of its devices hold for it.
    """
    instant = datetime.fromtimestamp(now, UTC)
    shared = list(_valid(await shared_facts(connection, model)))
    about = _product(model, shared, instant, policy)
    newest = about.newest
    regional = newest is not None and newest.release.regions is not None
    placed = await fleets.placed(connection, model) if regional else {}
    heard_from = None if newest is None else int(newest.heard_from.timestamp())
    kinds = await fleets.kinds(connection, model, heard_from=heard_from, apart=placed)
    return Gathered(model=model, now=instant, shared=shared, product=about, kinds=kinds, placed=placed)


def homes(gathered: Gathered, policy: Policy) -> list[Home]:
    """The homes, each device as it was judged."""
    seeing, by_home = _Seeing(gathered, policy), dict[str, list[Kind]]()
    found = []
    for kind in gathered.kinds:
        if kind.gateway is None:
            found.append(seeing.home(kind.homes, [kind]))
        else:
            by_home.setdefault(kind.gateway, []).append(kind)
    return found + [seeing.home(1, of) for of in by_home.values()]


async def product(connection: AsyncConnection, model: str, policy: Policy, *, now: int) -> Product:
    """What a model is and its newest release, by all that is known now."""
    shared = list(_valid(await statements.facts_of_models(connection, [model])))
    return _product(model, shared, datetime.fromtimestamp(now, UTC), policy)


def _product(model: str, shared: list[AnyFact], now: datetime, policy: Policy) -> Product:
    fleet = Fleet(model, Record(shared, now), (), At(now), policy)
    return Product(fleet.model, fleet.newest)


async def case(connection: AsyncConnection, model: str, policy: Policy, *, known: int, most: int | None = None) -> Fact:
    """A model and its homes in the form of `appraise_fleet`, with every fact that was recorded by an instant.

    Args:
        connection: A reading transaction.
        model: Its name.
        policy: The numbers.
        known: Unix seconds.
        most: How many devices at most; no case is made of more.

    Raises:
        ValueError: There are more.
    """
    shared = await shared_facts(connection, model)
    common = {fact["id"] for fact in shared}
    named = await fleets.pairs(connection, model, limit=None if most is None else most + 1)
    if most is not None and len(named) > most:
        raise ValueError(f"{model} is in more than {most} places")
    households: dict[str, list[Fact]] = {}
    for gateway, device in named:
        facts = await facts_for(connection, gateway, device, policy, known=known)
        own = [fact for fact in facts if fact["id"] not in common]
        households.setdefault(gateway, []).append({"device": device, "facts": own})
    written = [{"household": gateway, "devices": devices} for gateway, devices in households.items()]
    return {"model": model, "shared": shared, "households": written}


async def shared_facts(connection: AsyncConnection, model: str) -> list[Fact]:
    """What is stated about a model, and the terms of the keys of those who have to do with it."""
    facts = await statements.facts_of_models(connection, [model])
    parties = {f"manufacturer:{fact['manufacturer']}" for fact in facts if fact["kind"] == "model"}
    parties |= {fact["issuer"] for fact in facts if fact["kind"] == "window"}
    parties |= await fleets.sellers(connection, model)
    return facts + await key_facts(connection, sorted(parties))


def evidence(gathered: Gathered, found: Iterable[Home]) -> Fact:
    """What a finding stands on beside the log: the statements, and the homes by what was said of them."""
    said: dict[tuple[str, str, str], int] = {}
    for home in found:
        if home.matched:
            seller, maker = home.speaking("S"), home.speaking("M")
            installed = maker.device.installed
            key = (installed.text if installed else "", seller.verdicts["S"].code, maker.verdicts["M"].code)
            said[key] = said.get(key, 0) + home.times
    counted = [{"version": v, "S": s, "M": m, "households": said[v, s, m]} for v, s, m in sorted(said)]
    return {"facts": sorted(fact.id for fact in gathered.shared), "homes": counted}


class _Seeing:
    """Makes homes of kinds; what many share is looked at once."""

    def __init__(self, gathered: Gathered, policy: Policy) -> None:
        self._gathered = gathered
        self._policy = policy
        self._verdicts: dict[str, Verdicts] = {}
        self._devices: dict[tuple[object, ...], Device] = {}

    def home(self, times: int, kinds: Sequence[Kind]) -> Home:
        """A home, or so many, by its devices."""
        judged = [(kind, self._verdict(kind)) for kind in kinds]
        shown = [(kind, verdicts) for kind, verdicts in judged if not _is_silent(verdicts["S"])]
        matched = [
            (kind, verdicts) for kind, verdicts in shown if kind.is_model and verdicts["S"].code not in _UNMATCHED
        ]
        return Home(times=times, reported=bool(shown), matched=tuple(self._seen(*each) for each in matched))

    def _verdict(self, kind: Kind) -> Verdicts:
        if kind.verdict not in self._verdicts:
            self._verdicts[kind.verdict] = msgspec.json.decode(kind.verdict, type=Verdicts)
        return self._verdicts[kind.verdict]

    def _seen(self, kind: Kind, verdicts: Verdicts) -> Seen:
        reading = (kind.version_raw, kind.scheme, kind.image_digest, kind.hardware_revision, kind.is_heard)
        if reading not in self._devices:
            self._devices[reading] = self._examined(kind)
        return Seen(kind.device or "", self._devices[reading], self._market(kind), verdicts)

    def _examined(self, kind: Kind) -> Device:
        """E3: the device as its last good reading shows it, by the judge's own rules."""
        entry = self._gathered.product.entry
        if entry is None:
            raise ValueError("matched with a model of which nothing is stated")
        report = {
            "id": "last",
            "kind": "report",
            "issuer": "gateway:last",
            "device": "last",
            "recorded_at": to_text(kind.last_read_at),
            "seq": 0,
            "result": "ok",
            **fields({**msgspec.structs.asdict(kind), "ids": list(entry.ids)}),
        }
        read_at = datetime.fromtimestamp(kind.last_read_at, UTC)
        record = Record([*self._gathered.shared, parse_fact(report)], self._gathered.now)
        shown = examine(record, At(read_at), self._policy)
        if not isinstance(shown, Device):
            raise TypeError(f"judged as a {self._gathered.model}, examined as {shown.code}")
        return shown

    def _market(self, kind: Kind) -> str | None:
        """Where the unit is on the market; asked only for a release that is not for every region."""
        newest = self._gathered.product.newest
        if newest is None or newest.release.regions is None:
            return None
        stated = self._gathered.placed.get((kind.gateway or "", kind.device or ""), ())
        record = Record(_valid(stated), self._gathered.now)
        return market(record, sales_in_order(record, At(self._gathered.now), self._policy), self._policy)


def _is_silent(verdict: Verdict) -> bool:
    """E1: nothing of late that can be trusted."""
    missing = verdict.code is Code.INSUFFICIENT_EVIDENCE and verdict.missing == ("report",)
    return missing or verdict.code is Code.EVIDENCE_REJECTED


def _valid(facts: Iterable[Mapping[str, Any]]) -> Iterator[AnyFact]:
    for fact in facts:
        with contextlib.suppress(FactError):
            yield parse_fact(fact)
