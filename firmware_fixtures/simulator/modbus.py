"""A Modbus RTU device: pymodbus's own server, a stack that another project wrote, behind a line.

The server opens the far end of a second pty as its serial port; the bytes are carried between the two. It answers Read
Device Identification for any unit, so that it does not prove that a unit is absent.
"""

from collections.abc import Mapping

from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_fixtures.simulator.line import Line, join


async def serve(
    line: Line, identification: Mapping[str, str], registers: Mapping[int, bytes] | None = None, unit: int = 1
) -> None:
    """Answer on the line until cancelled."""
    inner = Line()
    # pymodbus leaves parts of itself untyped.
    identity = ModbusDeviceIdentification(info_name=dict(identification))  # type: ignore[no-untyped-call]
    server = ModbusSerialServer(
        # pymodbus knows no device without any register.
        SimDevice(unit, [_held(address, data) for address, data in (registers or {0: b"\0\0"}).items()]),
        identity=identity,
        port=str(inner.path),
        baudrate=9600,
    )
    await server.serve_forever(background=True)
    try:
        await join(line, inner)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
        inner.unplug()


def _held(address: int, data: bytes) -> SimData:
    words = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
    return SimData(address, values=words, datatype=DataType.REGISTERS)
