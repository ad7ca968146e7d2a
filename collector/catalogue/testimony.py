"""Report facts: what a gateway said of one device, in the fewest facts that judge like all of them.

Every accepted report is a fact for each device in its inventory. Of those that were recorded by `known` it is enough to
give, of each run of equal readings,

- the first `silent_after` reports, so that silence is noticed at the report at which it begins (F-silent); the first of
  all is also what first day (C1) and rollback (F-rollback) look at;
- the first and the last report in each span of `report_max_age_days`, the shortest of them: whatever instant is judged,
  the newest of these is too old exactly if the newest of all is (E1).

Late reports are no facts: when they came, a higher number had already said what there is now. Rejections are facts for
every device that the gateway had reported before, if the signature was good and appraisal.md has a word for the reason;
their claims were not accepted, so the fact holds none. For who knows that a gateway is revoked since some instant, so
are all its reports that came since then, by its key: as if that had been known when they came.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.appraisal.facts import Scheme
from collector.appraisal.policy import Policy
from collector.catalogue.instants import to_text
from collector.store import observations
from evidence.ids import topic

Fact = dict[str, Any]
REJECTIONS: Final = frozenset({"key", "profile", "sequence", "freshness"})
_SCHEMES: Final = frozenset(get_args(Scheme))
_NAMES: Final = {
    "ids": "ids",
    "result": "result",
    "version_raw": "version_raw",
    "version_alt": "version_alt",
    "image_digest": "digest",
    "hardware": "hw",
    "hardware_revision": "hw_revision",
    "offer": "offer",
}


async def report_facts(
    connection: AsyncConnection, gateway: str, device: str, policy: Policy, *, known: int, revoked_at: int | None
) -> list[Fact]:
    """The report facts of one device that were recorded by `known`, to who knows from when on nothing counts."""
    until = known if revoked_at is None else min(known, revoked_at - 1)
    runs = await observations.runs(connection, gateway, device, until=until)
    if not runs:
        return []
    ages = policy.report_max_age_days
    span = int(timedelta(days=min(ages.mains, ages.battery)).total_seconds())
    seen = await observations.sightings(connection, gateway, device, until=until, span=span, first=policy.silent_after)
    refused = await observations.rejections(
        connection,
        gateway,
        topic(gateway, "report"),
        since=runs[0].received_at,
        until=known,
        span=span,
        reasons=REJECTIONS,
    )
    if revoked_at is not None:
        refused += await observations.taken_back(connection, gateway, since=revoked_at, until=known, span=span)
    envelope = {"kind": "report", "issuer": f"gateway:{gateway}", "device": device}
    said = {run.sequence: fields(run.reading) for run in runs if run.reading is not None}
    return [
        {"id": at.digest, "recorded_at": to_text(at.received_at), "seq": at.sequence, **envelope, **said[at.run]}
        for at in seen
    ] + [
        {
            "id": at.id,
            "recorded_at": to_text(at.received_at),
            "seq": 0,
            **envelope,
            "ids": [],
            "result": "parse_failed",
            "rejected": at.reason,
        }
        for at in refused
    ]


def fields(reading: Mapping[str, Any]) -> Fact:
    """The fields of a report fact that a reading gives; a scheme that appraisal.md does not know is left out."""
    given = {name: reading[field] for field, name in _NAMES.items() if reading.get(field) is not None}
    if reading.get("scheme") in _SCHEMES:
        given["scheme"] = reading["scheme"]
    return {"ids": [], **given}
