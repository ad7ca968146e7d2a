"""The promises on record for a device, and which of them bind its seller towards this buyer: what a page shows.

By the very statements, days and rules that track S is judged by (S1, S4), so that a page never says otherwise than the
verdict. A promise that was shortened later binds those who bought before; the shorter one binds those who bought since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from collector.appraisal.at import At
from collector.appraisal.evidence import Ended, examine
from collector.appraisal.facts import UpdateWindow, parse_facts
from collector.appraisal.policy import Policy
from collector.appraisal.record import Record
from collector.appraisal.seller import Binding, bindings
from collector.appraisal.statements import replacing
from collector.appraisal.windows import sales_in_order


class Promise(Struct, frozen=True):
    """A statement of how long updates will come, or the withdrawal of one.

    Attributes:
        fact: What was said.
        replaced_by: What takes its place for those who buy later.
        binds: The seller towards this buyer; `unsold` where no sale on record obliges a seller.
    """

    fact: UpdateWindow
    replaced_by: tuple[UpdateWindow, ...]
    binds: Binding | Literal["unsold"]


def promises(facts: Iterable[Mapping[str, Any]], at: datetime, known: datetime, policy: Policy) -> tuple[Promise, ...]:
    """Every promise about the model of a device but those of sellers who did not sell it, the newest first.

    None while the reports do not show which model it is (E1, E2).

    Raises:
        FactError: Names the first invalid fact in list order (F0).
    """
    record, instant = Record(parse_facts(facts), known), At(at)
    device = examine(record, instant, policy)
    if isinstance(device, Ended):
        return ()
    sales = sales_in_order(record, instant, policy)
    seller = sales[-1].seller_issuer if sales else ""
    binding = bindings(record, device, sales, instant, policy)
    windows = [
        each
        for each in record.windows(device.model.model)
        if each.role != "seller" or each.issuer == seller or not sales
    ]
    return tuple(
        Promise(
            fact=each,
            replaced_by=tuple(replacing(each, windows, seller)),
            binds="unsold" if binding is None else binding.get(each.id, "no"),
        )
        for each in sorted(windows, key=lambda each: (each.recorded_at, each.id), reverse=True)
    )
