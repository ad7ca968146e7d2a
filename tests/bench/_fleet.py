"""A fleet of gateways that exists on paper: keys, devices, and reports that are signed before anything is measured.

Few models have most of the devices and few versions most of a model's, as in shops: shares fall as 1/rank (Zipf).
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

import msgspec

from evidence import report
from evidence.keys import SigningKey
from evidence.report import DeviceReport, Report, Result

DEVICES: Final = 10
MODELS: Final = 400
VERSIONS: Final = 8
SEED: Final = 20261121

_model_weights = list(accumulate(1 / rank for rank in range(1, MODELS + 1)))
_version_weights = list(accumulate(1 / rank for rank in range(1, VERSIONS + 1)))


class Home:
    """One gateway and its devices.

    Args:
        number: Which of the fleet; the same number is the same gateway.
        now: When its reports are issued, Unix seconds.
        devices: How many it has.
    """

    def __init__(self, number: int, now: int, devices: int = DEVICES) -> None:
        self._random = random.Random(SEED + number)  # the bench is to be repeated, not to be secret
        self._now = now
        self.gateway = self._random.randbytes(16).hex()
        self.key = SigningKey(self._random.randbytes(32))
        self._sequence = 0
        self._previous: bytes | None = None
        names = sorted(self._random.randbytes(16).hex() for _ in range(devices))
        self._devices = tuple(self._device(name) for name in names)
        self._inventory = report.inventory_digest(self._devices)

    def whole(self) -> bytes:
        """The next report, with all devices."""
        return self._sign(self._devices)

    def unchanged(self) -> bytes:
        """The next report, which names the inventory of the last one only."""
        return self._sign(None)

    def changed(self) -> bytes:
        """The next report, with all devices, one of which has another version of those that its model has."""
        one = self._random.randrange(len(self._devices))
        old = self._devices[one]
        major, _, patch = str(old.version_raw).split(".")
        others = (f"{major}.{minor}.{patch}" for minor in range(VERSIONS, 0, -1))
        new = msgspec.structs.replace(old, version_raw=next(name for name in others if name != old.version_raw))
        self._devices = (*self._devices[:one], new, *self._devices[one + 1 :])
        self._inventory = report.inventory_digest(self._devices)
        return self._sign(self._devices)

    def _sign(self, devices: tuple[DeviceReport, ...] | None) -> bytes:
        self._sequence += 1
        data = report.sign(
            Report(
                gateway=self.gateway,
                sequence=self._sequence,
                issued_at=self._now,
                inventory=self._inventory,
                previous=self._previous,
                devices=devices,
            ),
            self.key,
        )
        self._previous = hashlib.sha256(data).digest()
        return data

    def _device(self, name: str) -> DeviceReport:
        (model,) = self._random.choices(range(MODELS), cum_weights=_model_weights)
        (version,) = self._random.choices(range(VERSIONS), cum_weights=_version_weights)
        return DeviceReport(
            device=name,
            result=Result.OK,
            read_at=self._now,
            reader="zigbee2mqtt",
            version_raw=f"{model % 5 + 1}.{VERSIONS - version}.{model % 100:03}",
            ids=(f"zigbee:Maker {model % 40}/Model {model}",),
        )


def fleet(count: int, now: int, devices: int = DEVICES) -> list[Home]:
    """So many gateways, with so many devices each."""
    return [Home(number, now, devices) for number in range(count)]


def rounds(homes: Iterable[Home], count: int, unchanged: int = 99) -> Iterator[tuple[str, bytes]]:
    """Gateway and signed bytes: every gateway once a round, so many reports unchanged after each one that is not."""
    homes = list(homes)
    for turn in range(count):
        for number, home in enumerate(homes):
            changed = (turn * len(homes) + number) % (unchanged + 1) == 0
            yield home.gateway, home.changed() if changed else home.unchanged()
