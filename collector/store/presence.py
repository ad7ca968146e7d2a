"""When a device was last seen and last read, as expressions over its row.

A report that says nothing new writes nothing to the devices it stands for: as long as a device is present, it was last
seen when its gateway last reported, and read if its reading is good. The columns hold it for all the others.
"""

from typing import Any, Final

import sqlalchemy as sa

from collector.store.schema import devices, gateways

_reported: Final = sa.select(gateways.c.last_report_at).where(gateways.c.gateway == devices.c.gateway).scalar_subquery()
_good: Final = devices.c.reading["result"].as_string() == "ok"

last_seen_at: Final[sa.ColumnElement[Any]] = sa.case(
    (devices.c.present, sa.func.coalesce(_reported, devices.c.last_seen_at)), else_=devices.c.last_seen_at
).label("last_seen_at")
last_read_at: Final[sa.ColumnElement[Any]] = sa.case(
    (devices.c.present & _good, sa.func.coalesce(_reported, devices.c.last_read_at)), else_=devices.c.last_read_at
).label("last_read_at")
