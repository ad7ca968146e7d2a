"""A second house of the demo, whose past is invented: what its gateway would have reported while promises changed.

So any day of that time can be replayed. Its key is made at the first run; the rest follows from key and story, so that
a first run that was interrupted goes on with the same bytes. With the first run it falls silent.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from evidence import report
from evidence.keys import SigningKey
from evidence.report import DeviceReport, Report, Result, inventory_digest

PARTY = "household:neighbour"
_BEFORE = timedelta(hours=1)  # a report comes an hour before what somebody states that day


class Neighbour:
    """The house as it is for one first run.

    Args:
        told: Its table of the story.
        first_run: The instant that all days are counted from.
        key: Of its gateway.
    """

    def __init__(self, told: Mapping[str, Any], first_run: datetime, key: SigningKey) -> None:
        self._told = told
        self._first_run = first_run
        self._key = key
        self.gateway = _id(b"gateway", key)
        self.device = _id(b"device", key)

    def reports(self) -> Iterator[tuple[int, bytes]]:
        """Each report with its day, counted from the first run; all after the first say that nothing changed."""
        previous = None
        for number, day in enumerate(range(self._told["from_day"], 0, self._told["every_days"]), 1):
            issued_at = int((self._first_run + timedelta(days=day) - _BEFORE).timestamp())
            devices = (self._seen(issued_at),)
            claims = Report(
                gateway=self.gateway,
                sequence=number,
                issued_at=issued_at,
                previous=previous,
                inventory=inventory_digest(devices),
                devices=devices if number == 1 else None,
            )
            data = report.sign(claims, self._key)
            previous = hashlib.sha256(data).digest()
            yield day, data

    def _seen(self, read_at: int) -> DeviceReport:
        told = self._told
        return DeviceReport(
            device=self.device,
            result=Result.OK,
            read_at=read_at,
            reader=told["reader"],
            ids=tuple(told["ids"]),
            version_raw=told["version"],
        )


def _id(what: bytes, key: SigningKey) -> str:
    return hashlib.sha256(what + key.public.data).hexdigest()[:32]
