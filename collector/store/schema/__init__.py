"""The one schema of the register, a file for each subject.

- Ids and digests are bytes in the database and hex in Python; instants are Unix seconds, UTC.
- The key of every table that grows with the reports begins with the gateway, so that the store can be spread over
  machines; only the log has an order of its own.
- Evidence and statements are appended, never edited. What can be erased later is a body, never its leaf.
- What is derived (devices, cases, verdicts, the queues) can be made again from what was signed.
- A reading is JSON with the field names of `evidence.report.DeviceReport`, without the device's id and what is absent;
  digests are hex. Readings are equal where they differ in nothing but `read_at`.
"""

from collector.store.schema.base import metadata
from collector.store.schema.catalogue import import_skips, imports, model_ids, statements
from collector.store.schema.evidence import inventories, pending, rejected, rejections, reports
from collector.store.schema.fleet import findings, fleet_queue, fleet_verdicts, fleets
from collector.store.schema.identities import enrolment_codes, gateways, grants, keys, parties, revocations
from collector.store.schema.judgements import case_model_ids, case_verdicts, cases, device_cases, judge_queue, verdicts
from collector.store.schema.log import heads, leaves, logs, nodes, restorations
from collector.store.schema.observations import (
    UNREAD,
    derive_queue,
    device_model_ids,
    devices,
    readings,
    revoked_readings,
)

__all__ = [
    "UNREAD",
    "case_model_ids",
    "case_verdicts",
    "cases",
    "derive_queue",
    "device_cases",
    "device_model_ids",
    "devices",
    "enrolment_codes",
    "findings",
    "fleet_queue",
    "fleet_verdicts",
    "fleets",
    "gateways",
    "grants",
    "heads",
    "import_skips",
    "imports",
    "inventories",
    "judge_queue",
    "keys",
    "leaves",
    "logs",
    "metadata",
    "model_ids",
    "nodes",
    "parties",
    "pending",
    "readings",
    "rejected",
    "rejections",
    "reports",
    "restorations",
    "revocations",
    "revoked_readings",
    "statements",
    "verdicts",
]
