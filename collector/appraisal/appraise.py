"""Facts in, verdicts out: the order of the whole (appraisal.md sections 5 to 8).

Pure: no input or output, no clock, no environment, no chance; the order of the facts does not matter. The reports are
looked at once for both tracks; from there on the tracks go their own ways (T0).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.codes import Code, Level
from collector.appraisal.evidence import Device, Ended, examine
from collector.appraisal.exposure import Outlooks
from collector.appraisal.facts import AnyFact, parse_facts
from collector.appraisal.maker import maker_ground
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.seller import seller_ground
from collector.appraisal.tracks import judge
from collector.appraisal.verdict import Track, Verdict, Verdicts
from collector.appraisal.windows import sales_in_order


class Appraisal(Struct, frozen=True):
    """What was judged, with what the judgement rests on.

    Attributes:
        shown: The device as the reports show it, or how they ended the appraisal (E1, E2).
        market: The market of the unit; None if the reports ended the appraisal.
        changes_at: The earliest later instant at which the same facts may give other verdicts, were the report that
            speaks to stay as young as it is; None: never.
        stale_at: When that report grows too old (E1); None where none speaks.
    """

    verdicts: Verdicts
    shown: Device | Ended
    market: str | None
    changes_at: datetime | None
    stale_at: datetime | None

    @property
    def boundary(self) -> datetime | None:
        """The earliest later instant at which the same facts may give other verdicts; None: never."""
        return min((at for at in (self.changes_at, self.stale_at) if at is not None), default=None)


def appraise(facts: Iterable[Mapping[str, Any]], at: datetime, known: datetime, policy: Policy) -> Verdicts:
    """Judge one device on both tracks.

    Args:
        facts: Everything recorded about the device, its model, its sale; as statements and case files hold it.
        at: The judged instant.
        known: What had been recorded by then counts.
        policy: The numbers.

    Raises:
        FactError: Names the first invalid fact in list order (F0).
    """
    return appraise_facts(parse_facts(facts), at, known, policy).verdicts


def next_boundary(facts: Iterable[Mapping[str, Any]], at: datetime, known: datetime, policy: Policy) -> datetime | None:
    """The earliest instant after `at` at which the same facts may give other verdicts; None: never.

    It may be too early, never too late: until then nothing needs to be judged again.

    Raises:
        FactError: Names the first invalid fact in list order (F0).
    """
    return appraise_facts(parse_facts(facts), at, known, policy).boundary


def appraise_facts(
    facts: Iterable[AnyFact], at: datetime, known: datetime, policy: Policy, outlooks: Outlooks | None = None
) -> Appraisal:
    """Judge one device, of which the facts are already parsed, and say when to judge it again.

    Args:
        facts: Everything recorded about it.
        at: The judged instant.
        known: What had been recorded by then counts.
        policy: The numbers.
        outlooks: Those of other devices, judged at that instant beside the same facts about models.
    """
    record, instant, outlooks = Record(facts, known), At(at), outlooks or Outlooks()
    shown = examine(record, instant, policy)
    if isinstance(shown, Ended):
        sold = any(sale.role == "seller" for sale in record.sales)
        verdicts = Verdicts(S=_ended(shown, "S", sold, policy), M=_ended(shown, "M", sold, policy))
        return Appraisal(verdicts, shown, None, instant.changes_at, instant.stale_at)
    sales = sales_in_order(record, instant, policy)
    seller = seller_ground(record, shown, sales, instant, policy)
    maker = maker_ground(record, shown, sales, instant, policy)
    verdicts = Verdicts(
        S=judge(record, shown, seller, instant, policy, outlooks),
        M=judge(record, shown, maker, instant, policy, outlooks),
    )
    return Appraisal(verdicts, shown, maker.market, instant.changes_at, instant.stale_at)


def _ended(ended: Ended, track: Track, sold: bool, policy: Policy) -> Verdict:
    """E1, E2: one code for both tracks; a question on S where a seller recorded that it sold the device."""
    unmatched = ended.code in (Code.MODEL_UNKNOWN, Code.MODEL_AMBIGUOUS)
    return Verdict(
        code=ended.code,
        level=Level.QUESTION if unmatched and sold and track == "S" else Level.NONE,
        flags=tuple(sorted(ended.flags)),
        missing=ended.missing,
        basis=tuple(policy.refs.get(f"{track}.{ended.code}", ())),
        policy_version=policy.policy_version,
    )
