"""The history is read where it is: a real one that was tampered with is found out, file by file and row by row."""

import sqlite3
from pathlib import Path

from agent import archive, spool
from tests.faults.checker import check
from tests.faults.history import Witness, gather
from tests.faults.world import World, world


async def wrong(made: World, witness: Witness) -> set[str]:
    """The rules that a world's history breaks."""
    return {one.rule for one in check(await gather(made, witness))}


def change(made: World, statement: str, *values: object) -> None:
    """Change a row of the register, past all that guards it."""
    with sqlite3.connect(made.folder / "collector" / "register.sqlite") as register:
        assert register.execute(statement, values).rowcount == 1
    register.close()


async def test_a_real_history_is_right_until_it_is_tampered_with(tmp_path: Path) -> None:
    """A report lost by its gateway, a leaf with another digest, a verdict on what was rejected."""
    witness = Witness()
    async with world(tmp_path, 1, witness.see, mountable=False) as made:
        await made.calm_down()
        assert await wrong(made, witness) == set()

        kept = [item for item in archive.answered(made.gateways[0].state_dir / spool.KEPT) if item.leaf == "report"]
        hidden = kept[0].path.rename(tmp_path / "hidden")
        assert await wrong(made, witness) == {"lost"}
        hidden.rename(kept[0].path)

        history = await gather(made, witness)
        _, judged = next(iter(history.judged))
        columns = "received_at, topic, reason, detail, digest, size, verified"
        change(made, f"INSERT INTO rejected ({columns}) VALUES (0, '', '', '', ?, 0, 1)", bytes.fromhex(judged))
        assert await wrong(made, witness) == {"refused", "verdict"}
        change(made, "DELETE FROM rejected WHERE reason = ''")

        change(made, "UPDATE leaves SET digest = ? WHERE digest = ?", bytes(32), bytes.fromhex(kept[0].digest))
        assert await wrong(made, witness) >= {"log", "receipt", "forged", "audit"}
