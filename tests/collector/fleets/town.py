"""A town to look at: enough homes for findings that may be shown, in a register that ingest, judge and count filled."""

from tests.collector.fleets.street import MAKER, SHIPPED, SHOP, Own, Street
from tests.collector.register import DAY, NOW, Register

SALE = {"contract": "2026-01-20", "delivered": "2026-01-22"}


async def furnish(register: Register) -> Street:
    """Thirty homes with a camera that has a hole, a fix that does not spread, and a promise that was shortened."""
    street = Street(register, SHIPPED)
    await street.found(advisory_source=True, **{"class": "camera"})
    promise = await street.state(MAKER, "window", end="2031-03-31")
    await street.state(SHOP, "window", end={"months": 60, "from": "purchase"})
    shortened = {"end": "2028-03-31", "replaces": [promise]}
    await street.state(MAKER, "window", at=NOW - 100 * DAY, **shortened)
    fix = {"version": "1.1.0", "available_from": "2026-07-01", "fixes": ["ACME-1"]}
    await street.state(MAKER, "release", at=NOW - 142 * DAY, **fix)
    hole = {"severity": "critical", "affected": [{"before": "1.1.0"}], "fixed_in": ["1.1.0"]}
    await street.state(MAKER, "advisory", at=NOW - 142 * DAY, advisory="ACME-1", public_since="2026-07-01", **hole)
    still = {"severity": "critical", "affected": [{"all": True}]}
    await street.state(MAKER, "advisory", at=NOW - 90 * DAY, advisory="ACME-2", public_since="2026-08-22", **still)
    for _ in range(22):
        await street.move_in(Own(sale=SALE))
    for ago in range(130, 60, -10):
        await street.move_in(Own(sale=SALE, updated="1.1.0", updated_ago=ago))
    await street.move_in(Own(version="0.9"))
    said = {"text": "The fix is on its way.", "stance": "explains", "code": "MODEL_FIX_OVERDUE"}
    await street.state(MAKER, "answer", at=NOW - DAY, **said)
    await street.settle()
    return street
