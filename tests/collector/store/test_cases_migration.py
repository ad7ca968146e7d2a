"""A register from before there were cases keeps every verdict and its history, and has every device judged anew."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from collector.store import views
from collector.store.database import open_engine, reading
from collector.store.rows import Filter
from collector.store.schema import cases, judge_queue, verdicts

ONE, OTHER, NEW = (bytes([number]) * 16 for number in (1, 2, 3))
POLICY = bytes(32)


def said(code: str, level: str) -> str:
    """Both verdicts as the former judge wrote them, with blanks."""
    side: dict[str, Any] = {"code": code, "level": level, "window_finding": {"code": "WINDOW_MISSING", "level": "A"}}
    return json.dumps({"S": side, "M": {**side, "window_finding": None}})


def former(path: Path) -> None:
    """A register at the revision before: two devices that were judged, and one that waits."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "collector.store:migrations")
        command.upgrade(config, "0007")
    engine.dispose()
    fine, overdue = said("UP_TO_DATE", "OK"), said("SECURITY_FIX_OVERDUE", "B")
    columns = "gateway, device, first_seen_at, last_seen_at, present, reading, model, verdict, judged_at, judge_fault"
    with sqlite3.connect(path) as file:
        seen = (1, 9, True, '{"result":"ok","ids":[]}')
        file.executemany(
            f"INSERT INTO devices ({columns}) VALUES (?,?,?,?,?,?,?,?,?,?)",
            [
                (ONE, ONE, *seen, "acme/cam-2", overdue, 30, None),
                (ONE, OTHER, *seen, "acme/cam-2", fine, 25, "fact x: y"),
                (ONE, NEW, *seen, None, None, None, None),
            ],
        )
        file.executemany(
            "INSERT INTO verdicts VALUES (?,?,?,'p',?,?)",
            [(ONE, ONE, 10, POLICY, fine), (ONE, ONE, 30, POLICY, overdue), (ONE, OTHER, 20, POLICY, fine)],
        )
    file.close()


async def test_a_former_register_keeps_its_verdicts(tmp_path: Path) -> None:
    """What was shown is shown, when it changed is known, and each verdict is there once."""
    former(tmp_path / "register.sqlite")
    engine = await open_engine(tmp_path / "register.sqlite")
    try:
        async with reading(engine) as connection:
            page = await views.devices(connection, Filter(), limit=10)
            shown = {each.device: each for each in page.items}
            history = await views.verdicts(connection, ONE.hex(), ONE.hex(), limit=10)
            kept = (await connection.execute(sa.select(sa.func.count()).select_from(verdicts))).scalar_one()
            to_come = (await connection.execute(sa.select(cases.c.id).where(cases.c.key.is_not(None)))).all()
            queued = set(await connection.scalars(sa.select(judge_queue.c.device)))
    finally:
        await engine.dispose()
    assert [each.device for each in page.items] == [ONE.hex(), OTHER.hex(), NEW.hex()]
    assert (shown[ONE.hex()].verdict or {})["S"]["code"] == "SECURITY_FIX_OVERDUE"
    assert (shown[ONE.hex()].model, shown[ONE.hex()].judged_at) == ("acme/cam-2", 30)
    assert (shown[OTHER.hex()].judged_at, shown[OTHER.hex()].judge_fault) == (25, "fact x: y")
    assert shown[NEW.hex()].verdict is None
    assert [(row.judged_at, row.verdict["S"]["level"]) for row in history.items] == [(30, "B"), (10, "OK")]
    assert kept == 2
    assert to_come == []
    assert queued == {ONE.hex(), OTHER.hex(), NEW.hex()}
