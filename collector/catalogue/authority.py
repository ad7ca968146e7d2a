"""Who may put what on record (the table in this room's README; contract: design.md, "may record").

Each party speaks for itself: a seller of its own sales and promises, a manufacturer of the models that it makes, a
household of the devices on its own gateway. So no statement, however hostile, touches a verdict that its issuer has no
right to. Only what is on record decides; what comes later can widen nobody's right to what was refused.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue.reasons import Reason
from collector.errors import RejectedError
from collector.store import statements

Fact = Mapping[str, Any]
Rule = Callable[[AsyncConnection, Fact, str], Awaitable[None]]


def refused(reason: Reason, detail: str) -> RejectedError:
    """The refusal of a statement whose signature was good."""
    return RejectedError(reason, detail, verified=True)


async def check(connection: AsyncConnection, fact: Fact) -> None:
    """Whether the issuer of a well-formed statement may record it.

    Raises:
        RejectedError: He may not.
    """
    kind, (role, _, name) = fact["kind"], fact["issuer"].partition(":")
    rule = _RULES[kind].get(role)
    if rule is None:
        allowed = " or ".join(_RULES[kind])
        raise refused(Reason.ISSUER, f"{kind} is recorded by {allowed}, not by {fact['issuer']}")
    await rule(connection, fact, name)
    if fact.get("corrects") is not None:
        await _check_correction(connection, fact)


async def _anyone(_connection: AsyncConnection, _fact: Fact, _name: str) -> None:
    """The role is enough."""


async def _own_device(connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A household speaks of the devices on its own gateway, of one that was not reported yet too."""
    device = fact.get("device")
    if device is None:
        return
    gateways = await statements.gateways_of(connection, device)
    if gateways and name not in gateways:
        raise refused(Reason.DEVICE, f"device {device} is not on gateway {name}")


async def _own_sale(_connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A seller speaks of what it sold itself."""
    if fact["seller"] != name:
        raise refused(Reason.ISSUER, f"seller {name} speaks of a sale by {fact['seller']}")


async def _own_model(connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A manufacturer speaks of a model that is on record as its own."""
    makers = await statements.makers(connection, fact["model"])
    if name not in makers:
        known = f"is made by {', '.join(sorted(makers))}" if makers else "is not on record; record the model first"
        raise refused(Reason.MODEL, f"model {fact['model']} {known}")


async def _own_unit(connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A manufacturer speaks of a unit that reports itself as one of its models."""
    if name not in await statements.makers_of_device(connection, fact["device"]):
        raise refused(Reason.DEVICE, f"device {fact['device']} has not reported itself as a model made by {name}")


async def _free_name(connection: AsyncConnection, fact: Fact, _name: str) -> None:
    """A model's name belongs to the manufacturer under whom it went on record first."""
    others = await statements.makers(connection, fact["model"], but=fact.get("corrects"))
    others -= {fact["manufacturer"]}
    if others:
        raise refused(Reason.MODEL, f"model {fact['model']} is made by {', '.join(sorted(others))}")


async def _granted(connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A manufacturer describes its own models, within the ids that the operator granted it."""
    if fact["manufacturer"] != name:
        raise refused(Reason.ISSUER, f"manufacturer {name} speaks of a model made by {fact['manufacturer']}")
    await _free_name(connection, fact, name)
    grants = await statements.granted(connection, fact["issuer"])
    lacking = sorted(found for found in set(fact["ids"]) if not _covered(found, grants))
    if lacking:
        raise refused(Reason.MODEL, f"not granted to {name}: {', '.join(lacking)}; ask the operator to grant the ids")


def _covered(model_id: str, grants: set[str]) -> bool:
    return any(model_id.startswith(grant[:-1]) if grant.endswith("*") else model_id == grant for grant in grants)


async def _without_proof(_connection: AsyncConnection, fact: Fact, _name: str) -> None:
    """Who sends a notice cannot prove that it arrived, else he could move the blame to the consumer by his own word."""
    if fact.get("received_at") is not None:
        raise refused(Reason.FIELD, "received_at is set by the household's acknowledgement only; leave it out")


async def _received(connection: AsyncConnection, fact: Fact, name: str) -> None:
    """A household acknowledges a notice about a device of its own."""
    await _own_device(connection, fact, name)
    notice = await statements.recorded(connection, fact["notice"])
    if notice is None or notice.kind != "notice" or notice.device != fact["device"]:
        raise refused(Reason.NOTICE, f"no notice {fact['notice']} about device {fact['device']} is on record")


async def _check_correction(connection: AsyncConnection, fact: Fact) -> None:
    """Nobody corrects another's word, and a correction stays with what it spoke of, where the judge will meet it."""
    named = await statements.recorded(connection, fact["corrects"])
    if named is None:
        raise refused(Reason.CORRECTS, f"{fact['corrects']} is not on record")
    for field in ("kind", "issuer", "device", "model"):
        if named.fact.get(field) != fact.get(field):
            detail = f"{fact['corrects']} has {field} {named.fact.get(field)}, not {fact.get(field)}"
            raise refused(Reason.CORRECTS, detail)


_RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "sale": {"consumer": _own_device, "seller": _own_sale},
    "waiver": {"consumer": _own_device, "seller": _own_sale},
    "unit": {"operator": _anyone, "manufacturer": _own_unit},
    "model": {"operator": _free_name, "manufacturer": _granted},
    # A feed's word on a window is kept with its time; the judge reads those of sellers and makers only.
    "window": {"seller": _anyone, "manufacturer": _anyone, "third_party": _anyone},
    "release": {"manufacturer": _own_model, "operator": _anyone, "third_party": _anyone},
    "advisory": {"manufacturer": _own_model, "operator": _anyone, "third_party": _anyone},
    "notice": {"seller": _without_proof, "manufacturer": _without_proof},
    "answer": {"seller": _anyone, "manufacturer": _anyone},
    "acknowledgement": {"consumer": _received},
}
