"""Modbus devices whose registers say what they are, each family in its own way.

Devices: GoodWe inverters (ET and DT families); inverters, meters and batteries with SunSpec's common model; and
  whatever an operator describes in a file of his own. Which registers mean what is data, in described/registers/.
Wire: Modbus RTU over a serial line, or Modbus TCP. One read request for each unit, for exactly the registers that the
  map names. The configuration says which map fits; none is ever tried, since some devices restart when a register that
  they do not know is read.
Version format: text in registers (04029-06-S11), or numbers, whose form the map states (1010.1010.08, the last part in
  hex). Padding with blanks, NULs and FF is taken off; a field or number of nothing but FF states none.
Sources: MODBUS Application Protocol 1.1b3, sections 6.3 and 6.4; SunSpec Information Model Reference, model 1; for the
  others the head of each map.
Access needed: the serial port (group `dialout`), held alone while it is read; or the TCP port of the device.
Not tested on: real hardware; tested against the servers of pymodbus and modbus-serial, and on recorded registers over a
  pty.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from agent.errors import LinkError
from agent.links import modbus
from agent.readers import _described as described
from agent.readers import _recording as recording
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.ids import MODEL_NAMESPACES
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "modbus_regs"
_PADDING = b"\0\xff "
_UNITS = 16
_MAX_REGISTERS = 125  # of one request, by the standard
_Register = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where something stands.

    Attributes:
        at: Its first register, counted from the first that is read.
        count: How many registers it has.
        form: `text`; or one register as `decimal`, `hex` (two digits at least), `hundredths` (120 is 1.20), or `bytes`
            (high.low); called `as` in a map.
    """

    at: Annotated[int, msgspec.Meta(ge=0, lt=_MAX_REGISTERS)]
    count: Annotated[int, msgspec.Meta(ge=1, le=_MAX_REGISTERS)] = 1
    form: Literal["text", "decimal", "hex", "hundredths", "bytes"] = msgspec.field(default="text", name="as")


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers that every device of the family has.

    Attributes:
        at: The first of them.
        values: What they hold; called `is` in a map.
    """

    at: Annotated[int, msgspec.Meta(ge=0, lt=_MAX_REGISTERS)]
    values: tuple[_Register, ...] = msgspec.field(name="is")


class Map(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the registers of one family mean.

    Attributes:
        namespace: Of its model ids.
        function: 3 for holding registers, 4 for input registers.
        address: The first register to read, counted from 0.
        count: How many to read.
        model: Fields that make a model id.
        version: How the version is put together, fields in braces.
        version_alt: The same for a second one.
        serial: The field of the serial number.
        name: The maker, where the registers do not state it.
        mark: What tells that the map fits.
        field: Where fields stand.
    """

    namespace: str
    function: Literal[3, 4]
    address: _Register
    count: Annotated[int, msgspec.Meta(ge=1, le=_MAX_REGISTERS)]
    field: dict[str, Field]
    version: str
    model: tuple[str, ...] = ()
    version_alt: str | None = None
    serial: str | None = None
    name: str | None = None
    mark: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        if self.namespace not in MODEL_NAMESPACES:
            raise ValueError(f"{self.namespace} is no namespace of model ids")
        ends = [field.at + field.count for field in self.field.values()]
        if max(ends + [mark.at + len(mark.values) for mark in self.mark], default=0) > self.count:
            raise ValueError("a field or mark stands behind what is read")
        nothing = dict.fromkeys(self.field, "")
        try:
            _ = self.version.format(**nothing), (self.version_alt or "").format(**nothing)
            _ = [nothing[name] for name in (*self.model, *filter(None, [self.serial]))]
        except (KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"no such field: {error}") from error


class Settings(modbus.Bus, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bus, the units to ask on it, and the map that fits them.

    Attributes:
        map: A map that comes with the program, or the path of a file.
        address: Where the registers begin, if not where the map says.
    """

    map: described.Name
    units: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=247)], ...], msgspec.Meta(min_length=1, max_length=_UNITS)
    ]
    address: _Register | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        described.load("registers", self.map, Map)
        longest = len(self.units) * (self.timeout_s + modbus.PAUSE_S)
        if longest + modbus.CONNECT_TIMEOUT_S > LIMIT_S:
            raise ValueError(
                f"these units may take {longest:.0f} s, more than {LIMIT_S:.0f}: give fewer or a shorter timeout_s"
            )


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask each unit once."""
    layout = described.load("registers", settings.map, Map)
    devices = {unit: f"link:{settings.name}/{unit}" for unit in settings.units}
    address = layout.address if settings.address is None else settings.address
    outcomes: list[Reading | ReadFailure] = []
    try:
        async with modbus.Client(settings) as client:
            for unit, identity in devices.items():
                try:
                    registers = await client.registers(unit, layout.function, address, layout.count)
                    outcomes.append(parse_registers(identity, layout, registers))
                except LinkError as error:
                    outcomes.append(ReadFailure.of(identity, error))
    except LinkError as error:
        return [ReadFailure.of(identity, error) for identity in devices.values()]
    return outcomes


def parse_registers(identity: str, layout: Map, registers: bytes) -> Reading:
    """What registers say by their map.

    Raises:
        LinkError: They are not those of the map, or hold no text where the version should be.
    """
    if missed := next((mark for mark in layout.mark if _misses(mark, registers)), None):
        raise LinkError(Result.PARSE_FAILED, "other_map", f"register {missed.at} is not that of this map")
    stated = {name: _decoded(field, registers) for name, field in layout.field.items()}
    models = [_printable(stated[name]) for name in layout.model]
    return Reading(
        identity=identity,
        name=values.text(" ".join(filter(None, [layout.name, *models]))),
        ids=values.model_ids(layout.namespace, models),
        version_raw=_put_together(layout.version, stated),
        version_alt=_put_together(layout.version_alt, stated) if layout.version_alt else None,
        hardware=_printable(stated[layout.serial]) if layout.serial else None,
    )


def redacted(settings: Settings, _: bytes, heard: bytes) -> bytes:
    """An answer of which only the registers are left that the map names, without the serial number.

    Raises:
        LinkError: It is none.
    """
    layout = described.load("registers", settings.map, Map)
    try:
        registers = modbus.parse_registers(heard, layout.function)
    except LinkError as error:
        if error.result is Result.REFUSED:
            return heard
        raise
    kept = bytearray(len(registers))
    places = [(field.at, field.count) for name, field in layout.field.items() if name != layout.serial]
    for at, count in places + [(mark.at, len(mark.values)) for mark in layout.mark]:
        kept[2 * at : 2 * (at + count)] = registers[2 * at : 2 * (at + count)]
    return modbus.framed(heard[:3] + kept)


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """Recorded RTU replies, for `parse`, with or without GoodWe's AA55 in front; a device is named by its unit.

    A reply does not say where it is from: the map is the one whose mark is in it, else the one with as many registers.
    None for other replies.
    """
    frames = recording.answers(data)
    if frames is None:
        return None
    found = [outcome for frame in frames if (outcome := _parse_reply(frame.removeprefix(b"\xaa\x55")))]
    return None if frames and not found else found


def _parse_reply(frame: bytes) -> tuple[str, Reading | ReadFailure] | None:
    unit, function = (*frame[:2], 0, 0)[:2]
    try:
        registers = modbus.parse_registers(frame, 4 if function & 0x7F == 4 else 3)
    except LinkError as error:
        return str(unit), ReadFailure.of(f"link:/{unit}", error)
    for name in described.names("registers"):
        layout = described.load("registers", name, Map)
        if layout.function == function and _fits(layout, registers):
            return str(unit), parse_registers(f"link:/{unit}", layout, registers)
    return None


def _fits(layout: Map, registers: bytes) -> bool:
    if layout.mark:
        return len(registers) >= 2 * layout.count and not any(_misses(mark, registers) for mark in layout.mark)
    return len(registers) == 2 * layout.count


def _misses(mark: Mark, registers: bytes) -> bool:
    wanted = b"".join(value.to_bytes(2, "big") for value in mark.values)
    return not registers[2 * mark.at :].startswith(wanted)


def _decoded(field: Field, registers: bytes) -> str | None:
    data = registers[2 * field.at : 2 * (field.at + field.count)]
    if not data.strip(b"\xff"):
        return None
    number = int.from_bytes(data, "big")
    match field.form:
        case "text":
            return _text(data)
        case "decimal":
            return str(number)
        case "hex":
            return f"{number:02x}"
        case "hundredths":
            return f"{number // 100}.{number % 100:02}"
        case "bytes":
            return ".".join(map(str, data))


def _text(data: bytes) -> str | None:
    return values.text(data.strip(_PADDING).decode("latin-1"))


def _printable(text: str | None) -> str | None:
    """What is no text is no name; a version may stand beside it all the same."""
    return text if text is not None and text.isprintable() else None


def _put_together(form: str, stated: Mapping[str, str | None]) -> str | None:
    """The version, unless one of its parts is missing.

    Raises:
        LinkError: It is no text.
    """
    parts = {name: value for name, value in stated.items() if value is not None}
    try:
        version = form.format(**parts)
    except KeyError:
        return None
    if not version.isprintable():
        raise LinkError(Result.PARSE_FAILED, "garbled", f"registers that hold no text: {version!r}")
    return values.version(version)
