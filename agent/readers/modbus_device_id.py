"""Modbus devices that say what they are: Read Device Identification, function 43 (2B) / MEI type 14 (0E).

Devices: energy meters, heat pumps, drives and controllers of makers that implement the optional function 43/14.
  Support is rare: most thermostats sold for homes answer with exception 1 or not at all, which is an ordinary outcome.
Wire: Modbus RTU over a serial line (9600 baud, no parity, unless set otherwise), or Modbus TCP. One request for each
  unit, `unit 2B 0E 01 00`: basic identification from object 0. Only where the answer says that more follows is the rest
  asked for. Objects: 0 VendorName, 1 ProductCode, 2 MajorMinorRevision.
Version format: object 2, free ASCII text such as 2.4.1 or V01.02; padding with blanks, NULs or FF is taken off. Vendor
  objects and object 6, which users can set, are not read as versions.
Sources: MODBUS Application Protocol 1.1b3, section 6.21; manuals of meters that implement it give object 2 as
  XXX.YYY.ZZZ.
Access needed: the serial port (group `dialout`), held alone while it is read; or the TCP port of the device.
Not tested on: real hardware; tested against the servers of pymodbus and modbus-serial, and on recorded frames over a
  pty.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from agent.errors import LinkError
from agent.links import modbus
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "modbus_devid"
_BEFORE_OBJECTS = 7  # bytes of an answer before their number
_PADDING = b"\0\xff "
_UNITS = 16  # each may stay silent for its whole time, and scanning a bus is not reading it


class Settings(modbus.Bus, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bus and the units to ask on it."""

    units: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=247)], ...], msgspec.Meta(min_length=1, max_length=_UNITS)
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        longest = len(self.units) * len(modbus.BASIC_OBJECTS) * (self.timeout_s + modbus.PAUSE_S)
        if longest + modbus.CONNECT_TIMEOUT_S > LIMIT_S:
            raise ValueError(
                f"these units may take {longest:.0f} s, more than {LIMIT_S:.0f}: give fewer or a shorter timeout_s"
            )


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask each unit once."""
    devices = {unit: f"link:{settings.name}/{unit}" for unit in settings.units}
    try:
        async with modbus.Client(settings) as client:
            return [await _read_unit(client, identity, unit) for unit, identity in devices.items()]
    except LinkError as error:
        return [ReadFailure.of(identity, error) for identity in devices.values()]


async def _read_unit(client: modbus.Client, identity: str, unit: int) -> Reading | ReadFailure:
    try:
        return parse_identification(identity, await client.identification(unit))
    except LinkError as error:
        return ReadFailure.of(identity, error)


def parse_identification(identity: str, objects: Mapping[int, bytes]) -> Reading:
    """What the objects of Read Device Identification say.

    Raises:
        LinkError: The revision is there and is no text.
    """
    vendor, product, revision = (_text(objects.get(number, b"")) for number in modbus.BASIC_OBJECTS)
    if not revision.isprintable():
        raise LinkError(Result.PARSE_FAILED, "garbled", f"a revision that is no text: {objects[2].hex(' ')}")
    return Reading(
        identity=identity,
        name=values.text(f"{vendor} {product}"),
        ids=values.model_ids("modbus", (vendor, product)),
        version_raw=values.version(revision),
    )


def redacted(_: Settings, __: bytes, heard: bytes) -> bytes:
    """An answer of which only the objects that are read are left; what others hold, only their maker knows.

    Raises:
        LinkError: It is none.
    """
    try:
        objects = modbus.parse_identification(heard)
    except LinkError as error:
        if error.result is Result.REFUSED:
            return heard
        raise
    kept = [
        bytes([number, len(objects[number])]) + objects[number] for number in modbus.BASIC_OBJECTS if number in objects
    ]
    return modbus.framed(heard[:_BEFORE_OBJECTS] + bytes([len(kept)]) + b"".join(kept))


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded exchanges, for `parse`; devices are named by their unit. None for requests that came back alone."""
    frames = recording.answers(data)
    if frames is None:
        return None
    units: dict[int, dict[int, bytes]] = {}
    for frame in frames:
        objects = _objects(frame)
        units.setdefault(frame[0], {}).update(objects)
    return [(str(unit), parse_identification(f"link:/{unit}", objects)) for unit, objects in units.items()]


def _objects(frame: bytes) -> dict[int, bytes]:
    """What a recorded answer identifies: nothing where it is a refusal, or answers another function, such as 11."""
    try:
        return modbus.parse_identification(frame)
    except LinkError as error:
        if error.result is Result.REFUSED or modbus.is_of_another_function(frame):
            return {}
        raise


def _text(data: bytes) -> str:
    stripped = data.strip(_PADDING)
    try:
        return stripped.decode()
    except UnicodeDecodeError:
        return stripped.decode("latin-1")
