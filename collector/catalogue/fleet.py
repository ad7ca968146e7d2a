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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal import FactError, Policy, Verdict, parse_fact
from collector.appraisal.at import At
from collector.appraisal.codes import Code
from collector.appraisal.days import EARLIEST
from collector.appraisal.evidence import Device, examine
from collector.appraisal.facts import AnyFact, Model
from collector.appraisal.homes import Fleet, Home, Newest, Seen
from collector.appraisal.record import Record
from collector.appraisal.verdict import Verdicts, Window
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
    by_home: dict[str, list[Kind]] = {}
    alike = Counter[tuple[_Alike, ...]]()
    seeing = _Seeing(gathered, policy)
    for kind in gathered.kinds:
        if kind.gateway is None:
            alike[(seeing.alike(kind),)] += kind.homes
        else:
            by_home.setdefault(kind.gateway, []).append(kind)
    for of in by_home.values():
        # By name, so that who comes first of those that weigh alike (section 11) is the same whatever their names are.
        alike[tuple(map(seeing.alike, sorted(of, key=lambda kind: kind.device or "")))] += 1
    return [seeing.home(times, devices) for devices, times in alike.items()]


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


class _Alike(msgspec.Struct, frozen=True):
    """What a finding can tell of a device; `verdict` is the place of what it can tell of that."""

    verdict: int
    is_model: bool
    reading: tuple[str | int | bool | None, ...]
    market: str | None


class _Seeing:
    """Makes homes of kinds; what many share is looked at once."""

    def __init__(self, gathered: Gathered, policy: Policy) -> None:
        self._gathered = gathered
        self._policy = policy
        self._read: dict[str, int] = {}
        self._places: dict[bytes, int] = {}
        self._verdicts: list[Verdicts] = []
        self._devices: dict[tuple[str | int | bool | None, ...], Device] = {}

    def alike(self, kind: Kind) -> _Alike:
        """What a finding can tell of a kind."""
        if kind.verdict not in self._read:
            self._read[kind.verdict] = self._place(msgspec.json.decode(kind.verdict, type=Verdicts))
        reading = (kind.version_raw, kind.scheme, kind.image_digest, kind.hardware_revision, kind.is_heard)
        verdict = self._read[kind.verdict]
        if kind.is_model and self._is_matched(verdict) and reading not in self._devices:
            self._devices[reading] = self._examined(kind)
        return _Alike(verdict, kind.is_model, reading, self._market(kind))

    def home(self, times: int, devices: Sequence[_Alike]) -> Home:
        """So many homes, by their devices in the order of their names."""
        reported = any(not _is_silent(self._verdicts[each.verdict]["S"]) for each in devices)
        matched = tuple(
            Seen(f"{place:09}", self._devices[each.reading], each.market, self._verdicts[each.verdict])
            for place, each in enumerate(devices)
            if each.is_model and self._is_matched(each.verdict)
        )
        return Home(times=times, reported=reported, matched=matched)

    def _place(self, verdicts: Verdicts) -> int:
        """The place of what a finding can tell of these: of a window only whether there is one (G1)."""
        told = Verdicts(S=_without_days(verdicts["S"]), M=_without_days(verdicts["M"]))
        place = self._places.setdefault(msgspec.json.encode(told), len(self._verdicts))
        if place == len(self._verdicts):
            self._verdicts.append(told)
        return place

    def _is_matched(self, place: int) -> bool:
        said = self._verdicts[place]["S"]
        return said.code not in _UNMATCHED and not _is_silent(said)

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


def _without_days(verdict: Verdict) -> Verdict:
    window = Window(start=verdict.window.start and EARLIEST, basis=verdict.window.basis)
    return msgspec.structs.replace(verdict, window=window)


def _is_silent(verdict: Verdict) -> bool:
    """E1: nothing of late that can be trusted."""
    missing = verdict.code is Code.INSUFFICIENT_EVIDENCE and verdict.missing == ("report",)
    return missing or verdict.code is Code.EVIDENCE_REJECTED


def _valid(facts: Iterable[Mapping[str, Any]]) -> Iterator[AnyFact]:
    for fact in facts:
        with contextlib.suppress(FactError):
            yield parse_fact(fact)
