"""Everything that the judge is told about one device: what was reported, stated and found out.

For what was `known` by an instant, the facts are the same whatever instant is judged; those that were recorded later
may be among them, since the judge leaves them out himself (K1). Who may record what was checked at the door. What the
door cannot know is kept apart here:

- a household speaks of the devices on its own gateway only, whatever device id it names, and says nothing any more
  from when on the gateway is revoked: its word is signed with the same key;
- a model is given if any statement about it, whenever made, claims an id that the device has ever reported, and then
  with all its statements: a later one may have taken that id away;
- a notice that the household acknowledged is given twice, as it was recorded, and from the acknowledgement on as
  received: at the instant that the household states, else at that of the acknowledgement's recording.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal.policy import Policy
from collector.catalogue.instants import to_text
from collector.catalogue.testimony import report_facts
from collector.store import revocations, statements

Fact = dict[str, Any]


async def facts_for(
    connection: AsyncConnection, gateway: str, device: str, policy: Policy, *, known: int
) -> list[Fact]:
    """All facts of one device, each as a mapping in the form of appraisal.md section 2.

    Args:
        connection: To the register.
        gateway: The gateway that reports it.
        device: Its id.
        policy: The numbers that decide how many reports make a difference.
        known: The instant by which everything that counts was recorded, Unix seconds.
    """
    revoked_at = await revocations.known_by(connection, gateway, known)
    reports = await report_facts(connection, gateway, device, policy, known=known, revoked_at=revoked_at)
    models = await statements.models_claiming(connection, {name for fact in reports for name in fact["ids"]})
    stated = await statements.facts_of_device(connection, gateway, device, revoked_at=revoked_at)
    facts = [
        *reports,
        *await statements.facts_of_models(connection, models),
        *await statements.waiver_deposits(connection, gateway, device, models, revoked_at=revoked_at),
        *(fact for fact in stated if fact["kind"] != "acknowledgement"),
        *_received(stated),
    ]
    return facts + await _ceased(connection, facts)


def _received(stated: list[Fact]) -> list[Fact]:
    """Notices that the household says it received, in place of those of which nobody knows."""
    notices = {fact["id"]: fact for fact in stated if fact["kind"] == "notice"}
    return [
        {
            **notices[said["notice"]],
            "id": said["id"],
            "recorded_at": said["recorded_at"],
            "received_at": said.get("received_at") or said["recorded_at"],
            "corrects": said["notice"],
        }
        for said in stated
        if said["kind"] == "acknowledgement"
    ]


async def _ceased(connection: AsyncConnection, facts: list[Fact]) -> list[Fact]:
    """What the operator found out about sellers and manufacturers that these facts name."""
    sellers = {f"seller:{fact['seller']}" for fact in facts if fact["kind"] == "sale"}
    makers = {f"manufacturer:{fact['manufacturer']}" for fact in facts if fact["kind"] == "model"}
    return ceased_facts(await statements.ceased_parties(connection, sellers | makers))


def ceased_facts(parties: Iterable[tuple[str, str, int]]) -> list[Fact]:
    """What the operator found out, as facts.

    Args:
        parties: Those that are no more: party, last day, when that was recorded.
    """
    return [
        {
            "id": f"ceased:{party}",
            "kind": "party",
            "recorded_at": to_text(recorded_at),
            "issuer": "operator:register",
            "party": party,
            "ceased": ceased,
        }
        for party, ceased, recorded_at in parties
    ]
