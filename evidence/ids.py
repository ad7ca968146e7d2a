"""Names that both sides use: gateways, devices, models, topics.

Gateway and device ids are 16 bytes, written as 32 hex digits; on the wire they are a ueid (RFC 9711 section 4.2.1) of
type RAND, `01` + the 16 bytes. A device id is an HMAC over the device's hardware identity with a secret that stays on
the gateway, so that nobody else can tell one from a MAC address, and two gateways that see one device give two ids.

Model ids join what a reader sees to what a catalogue knows: `namespace:value`, each value as the device itself states
it, outer blanks off, a `/` inside a part written `%2F`. A value that a user can set is no model id.
"""

import hashlib
import hmac
import re
from typing import Final

from evidence.errors import ClaimError

ID_BYTES = 16
_UEID_RAND = b"\x01"
UEID: Final = rb"\x51\x01(.{16})"
"""The regular expression of a ueid's encoding."""
_HEX_ID = re.compile(r"[0-9a-f]{32}")
_TOPIC = re.compile(r"updateplicht/1/([0-9a-f]{2})/([0-9a-f]{32})/([a-z]+)")
_MODEL_ID = re.compile(r"([a-z][a-z0-9-]*):(\S.*\S|\S)", re.ASCII)

MODEL_NAMESPACES: Final = {
    "at": "AT command set: module in brackets of the Bin version line",
    "dsmr": "P1 identification line without its version",
    "esphome": "project_name, else board",
    "fwupd": "GUID of the device",
    "goodwe": "inverter model",
    "gtin": "14 digits of the trade item number",
    "ha": "manufacturer/model and manufacturer/model_id of a Home Assistant device block",
    "kernel": "operating system kernel, as uname names it",
    "matter": "vendor id-product id, decimal",
    "mender": "device type",
    "modbus": "VendorName/ProductCode of Read Device Identification",
    "model": "a maker's own type designation, where nothing more precise exists",
    "nibe": "product",
    "os": "ID of os-release",
    "otgw": "part of an OpenTherm gateway",
    "rauc": "compatible string",
    "rpi-eeprom": "board of a Raspberry Pi boot EEPROM",
    "shelly": "app or model",
    "smp": "board of MCUmgr OS info",
    "tasmota": "hardware",
    "upnp": "manufacturer/modelName",
    "zigbee": "manufacturer/model_id",
    "zigbee-ota": "manufacturer code-image type",
    "zigbee2mqtt": "the bridge program",
}


def is_id(text: object) -> bool:
    """Whether this is a gateway or device id: 32 lower-case hex digits."""
    return isinstance(text, str) and _HEX_ID.fullmatch(text) is not None


def to_ueid(name: str) -> bytes:
    """The ueid of a gateway or device id."""
    return _UEID_RAND + bytes.fromhex(name)


def from_ueid(ueid: object, path: str) -> str:
    """The gateway or device id of a ueid.

    Raises:
        ClaimError: Not a ueid of type RAND with 16 bytes.
    """
    if not isinstance(ueid, bytes) or len(ueid) != 1 + ID_BYTES or ueid[:1] != _UEID_RAND:
        raise ClaimError(path, f"01 and {ID_BYTES} bytes")
    return ueid[1:].hex()


def hex_id(value: object, path: str) -> str:
    """Read a claim that is an id written in hex.

    Raises:
        ClaimError: Not 32 lower-case hex digits.
    """
    if not isinstance(value, str) or not is_id(value):
        raise ClaimError(path, f"an id of {2 * ID_BYTES} lower-case hex digits")
    return value


def device_id(secret: bytes, identity: str) -> str:
    """The id of a device on this gateway.

    Args:
        secret: The gateway's own, never sent.
        identity: The device's normalised hardware identity, such as `ieee:00158d0001e29ff0`.
    """
    return hmac.new(secret, identity.encode(), hashlib.sha256).digest()[:ID_BYTES].hex()


def model_id(namespace: str, *parts: str | None) -> str | None:
    """`namespace:part/part`, or None where a part is missing: half an id would match too much."""
    if namespace not in MODEL_NAMESPACES:
        raise ValueError(f"{namespace} is no model id namespace; add it to evidence/ids.py")
    cleaned = [(part or "").strip(" \t\r\n\0").replace("/", "%2F") for part in parts]
    return f"{namespace}:{'/'.join(cleaned)}" if all(cleaned) else None


def is_model_id(text: object) -> bool:
    """Whether this has the form `namespace:value`; an unknown namespace is a newer catalogue's business."""
    return isinstance(text, str) and _MODEL_ID.fullmatch(text) is not None


def shard(gateway: str) -> str:
    """The first byte of a gateway id in hex: what ingest workers divide the work by."""
    return gateway[:2]


def topic(gateway: str, leaf: str) -> str:
    """The MQTT topic of one kind of message of one gateway."""
    return f"updateplicht/1/{shard(gateway)}/{gateway}/{leaf}"


def parse_topic(name: str) -> tuple[str, str] | None:
    """Gateway and leaf of a topic, or None where it is none of ours or in the wrong shard."""
    match = _TOPIC.fullmatch(name)
    if match is None or match[1] != shard(match[2]):
        return None
    return match[2], match[3]
