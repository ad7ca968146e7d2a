"""Which case each device of a made register is: the judge's own code says it, from the rows before they are written.

So what is saved is reading the rows back, one batch after the other; the cases are left to be judged. Some devices are
queued all the same, so that the judge can be seen to place them where they are.
"""

from typing import Any

from collector.catalogue.case import encode
from collector.catalogue.crowd import Batch, Crowd, readings_of
from collector.catalogue.shelf import Snapshot
from collector.store.batches import Pair, Run, Stated

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]
COLUMNS = {
    "cases": "id, key, facts, queued_at",
    "case_model_ids": "case_id, model_id",
    "device_cases": "gateway, device, since, case_id",
}


class Placer:
    """Adds to rows of devices which case each is, and the rows of those cases.

    Args:
        crowd: Knows cases.
        snapshot: What is on record about the model.
    """

    def __init__(self, crowd: Crowd, snapshot: Snapshot) -> None:
        self._crowd = crowd
        self._snapshot = snapshot
        self._numbers: dict[str, int] = {}

    def place(self, tables: Tables) -> None:
        """Complete the rows of some homes.

        Raises:
            ValueError: A device is no case.
        """
        batch, now = self._batch(tables), self._snapshot.now
        for place, (gateway, device, *said) in enumerate(tables["devices"]):
            read_at = said[2]
            made, again_at = batch.case((gateway.hex(), device.hex()), read_at)
            if made is None:
                raise ValueError(f"device {device.hex()} is no case")
            if made.key not in self._numbers:
                number = self._numbers[made.key] = len(self._numbers) + 1
                tables["cases"].append((number, bytes.fromhex(made.key), encode(made.case).decode(), now))
                tables["case_model_ids"] += [(number, name) for name in made.case.ids]
            number = self._numbers[made.key]
            tables["devices"][place] = (gateway, device, *said, number, again_at)
            tables["device_cases"].append((gateway, device, now, number))

    def _batch(self, tables: Tables) -> Batch:
        runs: dict[Pair, list[Run]] = {}
        for gateway, device, sequence, at, reading in tables["readings"]:
            of, name = gateway.hex(), device.hex()
            run = Run(gateway=of, device=name, sequence=sequence, received_at=at, reading=reading)
            runs.setdefault((of, name), []).append(run)
        stated: dict[str, list[Stated]] = {}
        for _, _, kind, issuer, _, _, at, _, device, fact in tables["statements"]:
            said = Stated(device=device.hex(), kind=kind, issuer=issuer, recorded_at=at, fact=fact)
            stated.setdefault(said.device, []).append(said)
        seen = {pair: readings_of(of) for pair, of in runs.items()}
        return Batch(
            crowd=self._crowd,
            snapshot=self._snapshot,
            runs=runs,
            seen=seen,
            stated=stated,
            missed={pair: int(readings[-1].result != "ok") for pair, readings in seen.items()},
            waiving=set(),
            refused=set(),
            revoked=set(),
        )
