"""Recordings that tempt a parser: several messages, bytes spelt otherwise, and what only looks like a version."""

import json
from typing import Any

import pytest
from pymodbus.framer.rtu import FramerRTU

from tests.agent.readers.test_dsmr import telegram
from tests.agent.readers.test_samples import sample
from tests.agent.readers.test_smp import IMAGES, SYSTEM, image, packet

BULB = {"ieee_address": "0x00158d0000000001", "manufacturer": "Kust", "model_id": "B1"}
NIBE = "5c00206d0b0124e346313135352d3136ec"
PUMP = [{"device": "F1155-16", "result": "ok", "version_raw": "9443", "ids": ["nibe:F1155-16"]}]
FAILED = [{"device": "self", "result": "parse_failed"}]
ASKED, MAC = "012b0e01007077", "024B55030001"


def said(topic: str, payload: Any) -> dict[str, Any]:
    """A message as it was taken down."""
    return {"topic": topic, "payload": payload if isinstance(payload, str) else json.dumps(payload)}


def lines(*messages: dict[str, Any]) -> bytes:
    """Messages, one a line."""
    return b"\n".join(json.dumps(message).encode() for message in messages)


def frame(body: bytes) -> str:
    """A frame of Modbus RTU in hex, with the checksum that fits."""
    return (body + FramerRTU.compute_CRC(body).to_bytes(2, "big")).hex()


def objects(held: dict[int, bytes], *, follows: bytes = b"\0\0") -> str:
    """An answer of Read Device Identification."""
    listed = b"".join(bytes([number, len(text)]) + text for number, text in held.items())
    return frame(b"\x01\x2b\x0e\x01\x83" + follows + bytes([len(held)]) + listed)


def devices(**stated: object) -> list[dict[str, object]]:
    """A list of Zigbee2MQTT with one device."""
    return [BULB | stated]


def bulb(version: str | None = None) -> list[dict[str, Any]]:
    """What that comes to."""
    stated = {"result": "no_version"} if version is None else {"result": "ok", "version_raw": version}
    return [{"device": BULB["ieee_address"], **stated, "ids": ["zigbee:Kust/B1"]}]


ANNOUNCED = said("homeassistant/sensor/a/config", {"device": {"identifiers": ["a", "b"]}})
STATING = said("homeassistant/switch/a/config", {"dev": {"ids": "b", "sw": "1.10", "mf": "Kust", "mdl": "Box"}})
HALF, REST = objects({0: b"Kust", 1: b"K1"}, follows=b"\xff\x02"), objects({2: b"1.2"})
SUNSPEC = b"SunS\0\1\0\x42" + b"Kust".ljust(32, b"\0") + b"K-5".ljust(48, b"\0") + b"2.1".ljust(16, b"\0") + bytes(40)

FORMS: dict[str, tuple[str, Any, Any]] = {
    # Zigbee2MQTT
    "a build id of nothing but NULs": ("zigbee2mqtt", devices(software_build_id="\0" * 9), bulb()),
    "a year as build id": ("zigbee2mqtt", devices(software_build_id="2019"), bulb()),
    "a build id that is a number": ("zigbee2mqtt", devices(software_build_id=33), bulb("33")),
    "a build id in hex stays as written": ("zigbee2mqtt", devices(software_build_id="0x0000001e"), bulb("0x0000001e")),
    "a build id under its name of 2020": ("zigbee2mqtt", devices(software_build_ID="1.2"), bulb("1.2")),
    "a date code is no version": ("zigbee2mqtt", devices(software_build_id=None, date_code="20230622"), bulb()),
    "a device that is disabled, not supported and not interviewed": (
        "zigbee2mqtt",
        devices(disabled=True, supported=False, interview_state="FAILED", model_id=" "),
        [{"device": BULB["ieee_address"], "result": "no_version"}],
    ),
    "a list of no devices is no failure and no request": ("zigbee2mqtt", [], []),
    "a list of devices under its topic": ("zigbee2mqtt", {"topic": "z/bridge/devices", "payload": devices()}, bulb()),
    "a list behind a byte order mark": ("zigbee2mqtt", b"\xef\xbb\xbf" + json.dumps(devices()).encode(), bulb()),
    "states as a program printed them, under a name with blanks": (
        "zigbee2mqtt",
        b'zigbee2mqtt/bridge/state online\nzigbee2mqtt/living room/lamp {"update": {"installed_version": 7}}\n',
        [{"device": "self", "result": "ok", "version_raw": "7", "scheme": "uint32"}],
    ),
    "the state of the bridge": ("zigbee2mqtt", said("zigbee2mqtt/bridge/state", "online"), None),
    "a line of its log": ("zigbee2mqtt", {"level": "info", "message": "1.2.3", "namespace": "z2m"}, None),
    "a state that was deleted": ("zigbee2mqtt", said("zigbee2mqtt/lamp", ""), []),
    "a coordinator whose program has a name for its version": (
        "zigbee2mqtt",
        {"version": "2.1.1", "coordinator": {"type": "EmberZNet", "meta": {"revision": "7.4.3 [GA]", "build": 0}}},
        [
            {"device": "bridge", "result": "ok", "version_raw": "2.1.1"},
            {"device": "self", "result": "ok", "version_raw": "7.4.3 [GA]"},
        ],
    ),
    "a coordinator of which nothing is known but that it is there": (
        "zigbee2mqtt",
        {"version": "2.1.1", "coordinator": {"type": "ZStack", "meta": None}},
        [{"device": "bridge", "result": "ok", "version_raw": "2.1.1"}, {"device": "self", "result": "no_version"}],
    ),
    "no coordinator": (
        "zigbee2mqtt",
        {"version": "2.1.1", "coordinator": None},
        [{"device": "bridge", "result": "ok", "version_raw": "2.1.1"}],
    ),
    "file versions as text": (
        "zigbee2mqtt",
        {"update": {"state": "updating", "installed_version": "33816645", "latest_version": 4294967295}},
        [
            {
                "device": "self",
                "result": "ok",
                "version_raw": "33816645",
                "scheme": "uint32",
                "offer": {"version": "4294967295", "state": "updating"},
            }
        ],
    ),
    "file versions that are none": (
        "zigbee2mqtt",
        b'{"update": {"state": "idle", "installed_version": 4294967296, "latest_version": 1e30}}',
        [{"device": "self", "result": "no_version"}],
    ),
    "a key that comes twice counts as it came last": (
        "zigbee2mqtt",
        b'{"update": {"installed_version": 1, "installed_version": 2}}',
        [{"device": "self", "result": "ok", "version_raw": "2", "scheme": "uint32"}],
    ),
    "a number that JSON does not have": ("zigbee2mqtt", b'{"linkquality": NaN}', FAILED),
    # Home Assistant discovery
    "two messages of one device, as a list": (
        "ha_discovery",
        [ANNOUNCED, STATING],
        [{"device": "a", "result": "ok", "version_raw": "1.10", "ids": ["ha:Kust/Box"]}],
    ),
    "two messages of one device, one a line": (
        "ha_discovery",
        lines(ANNOUNCED, STATING),
        [{"device": "a", "result": "ok", "version_raw": "1.10", "ids": ["ha:Kust/Box"]}],
    ),
    "messages as a program printed them, one of which was deleted": (
        "ha_discovery",
        b'homeassistant/switch/a/config {"dev": {"ids": "b", "sw": "1.10"}}\nhomeassistant/switch/b/config (null)\n',
        [{"device": "b", "result": "ok", "version_raw": "1.10"}],
    ),
    "a message that names no device": ("ha_discovery", said("homeassistant/switch/a/config", {"name": "x"}), []),
    "Home Assistant's own birth": ("ha_discovery", said("homeassistant/status", "online"), None),
    "a payload that is null was deleted": (
        "ha_discovery",
        {"topic": "homeassistant/light/a/config", "payload": None},
        [],
    ),
    "a group of Zigbee2MQTT is no device": (
        "ha_discovery",
        {"device": {"identifiers": ["g"], "manufacturer": "Zigbee2MQTT", "model": "Group", "sw_version": "2.14.1"}},
        [],
    ),
    "a version with the day it was built": (
        "ha_discovery",
        {"dev": {"ids": ["e"], "sw": "2024.11.0 (Nov  5 2024, 10:11:12)"}, "o": {"name": "x", "sw": "2"}},
        [
            {
                "device": "e",
                "result": "ok",
                "version_raw": "2024.11.0 (Nov  5 2024, 10:11:12)",
                "version_alt": "2",
            }
        ],
    ),
    "a version that is a number keeps its zeros": (
        "ha_discovery",
        b'{"dev": {"cns": [["mac", "02:4b:55:00:00:01"]], "sw": 1.10, "hw": 3}}',
        [{"device": "self", "result": "ok", "version_raw": "1.10"}],
    ),
    # ESPHome
    "a project without a version": (
        "esphome",
        said(
            "esphome/discover/a", {"mac": MAC, "project_name": "kust.air", "project_version": "", "version": "2025.1.0"}
        ),
        [{"device": MAC, "result": "ok", "version_raw": "2025.1.0", "ids": ["esphome:kust.air"]}],
    ),
    "whether an ESPHome is there": ("esphome", said("bedroom/status", "online"), None),
    # the gateway
    "os-release with quotes, line ends and comments of all kinds": (
        "gateway",
        b"# made\r\n\r\nID='debian'\r\nVERSION_ID=\"1\\$3\"\r\n",
        [{"device": "debian", "result": "ok", "version_raw": "1$3", "ids": ["os:debian"]}],
    ),
    "os-release of a system without releases": (
        "gateway",
        b'PRETTY_NAME="Debian GNU/Linux trixie/sid"\nID=debian\n',
        [{"device": "debian", "result": "no_version", "ids": ["os:debian"]}],
    ),
    "another word of the device tree is no build time": (
        "gateway",
        b"\0\0\0\x7f",
        [{"device": "self", "result": "no_version", "ids": ["rpi-eeprom:"]}],
    ),
    "the name of a board": ("gateway", b"Raspberry Pi 4 Model B Rev 1.4\0", None),
    "a board without a boot EEPROM": (
        "gateway",
        b'error=1 error_msg="Command not registered"\n',
        [{"device": "self", "result": "no_version"}],
    ),
    "an artifact whose name is free text": (
        "gateway",
        b"release 7 (prod) #1\n",
        [{"device": "self", "result": "ok", "version_raw": "release 7 (prod) #1"}],
    ),
    "what an artifact provides, without its name": (
        "gateway",
        b"rootfs-image.version=kust-9\nrootfs-image.checksum=00\n",
        [{"device": "self", "result": "no_version"}],
    ),
    "devices of fwupd that state a format and no version, or something opaque": (
        "gateway",
        {
            "Devices": [
                {"DeviceId": "b", "Version": "MU05", "Guid": ["2", "1"]},
                {"DeviceId": "a", "VersionFormat": "hex"},
            ]
        },
        [
            {"device": "a", "result": "no_version"},
            {"device": "b", "result": "ok", "version_raw": "MU05", "ids": ["fwupd:1", "fwupd:2"]},
        ],
    ),
    "one device of fwupd alone": (
        "gateway",
        {"DeviceId": "b", "Version": "73914107", "VersionRaw": 1},
        [{"device": "b", "result": "ok", "version_raw": "73914107"}],
    ),
    "RAUC on a system that was not booted from a slot": (
        "gateway",
        {"compatible": "Kust Box", "booted": None, "boot_primary": None, "slots": []},
        [{"device": "Kust Box", "result": "no_version", "ids": ["rauc:Kust Box"]}],
    ),
    # Modbus
    "a unit that said nothing": ("modbus_devid", {"tx": ASKED, "rx": ""}, []),
    "a request that came back alone": ("modbus_devid", {"tx": ASKED, "rx": ASKED}, None),
    "a request that came back before the answer, with blanks": (
        "modbus_devid",
        {"tx": ASKED, "rx": f"{ASKED} 01 AB\n02 DE F1"},
        [{"device": "1", "result": "no_version"}],
    ),
    "the text of function 11 is free": (
        "modbus_devid",
        {"tx": "0111c02c", "rx": frame(b"\x01\x11\x09Kust 1.2\xff")},
        [{"device": "1", "result": "no_version"}],
    ),
    "a part of which more follows": (
        "modbus_devid",
        {"tx": ASKED, "rx": HALF},
        [{"device": "1", "result": "no_version", "ids": ["modbus:Kust/K1"]}],
    ),
    "both parts": (
        "modbus_devid",
        [{"tx": ASKED, "rx": HALF}, {"tx": "", "rx": REST}],
        [{"device": "1", "result": "ok", "version_raw": "1.2", "ids": ["modbus:Kust/K1"]}],
    ),
    "objects of the vendor, one of them empty": (
        "modbus_devid",
        {"tx": ASKED, "rx": objects({2: b"", 0x80: b"1.2.3", 0x81: b""})},
        [{"device": "1", "result": "no_version"}],
    ),
    "a revision that is no ASCII": (
        "modbus_devid",
        {"tx": ASKED, "rx": objects({2: b" V\xe9.1\xff\xff"})},
        [{"device": "1", "result": "ok", "version_raw": "V\u00e9.1"}],
    ),
    "an exchange whose checksum does not fit": ("modbus_devid", {"tx": ASKED, "rx": REST[:-4] + "0000"}, FAILED),
    "a common model of which more was read": (
        "modbus_regs",
        {"tx": "", "rx": frame(b"\x01\x03" + bytes([len(SUNSPEC)]) + SUNSPEC)},
        [{"device": "1", "result": "ok", "version_raw": "2.1", "ids": ["modbus:Kust/K-5"]}],
    ),
    # mDNS, Matter, UPnP
    "a bridge of Matter, and a device behind it that has a text only": (
        "network",
        {"node_id": 29, "attributes": {"0/40/2": 1, "0/40/4": 2, "0/40/9": 7, "3/57/10": "2.0"}},
        [
            {"device": "29", "result": "ok", "version_raw": "7", "scheme": "uint32", "ids": ["matter:1-2"]},
            {"device": "29/3", "result": "ok", "version_raw": "2.0"},
        ],
    ),
    "a border router states the version of Thread": (
        "network",
        {"type": "_meshcop._udp.local.", "name": "Border", "txt": {"tv": "1.3.0", "rv": "1"}},
        [{"device": "Border", "result": "no_version"}],
    ),
    "a description behind a byte order mark and an empty line": (
        "network",
        b"\xef\xbb\xbf\n<?xml version='1.0'?><root><device><modelName/><UDN>uuid:1</UDN></device></root>",
        [{"device": "uuid:1", "result": "no_version"}],
    ),
    # OpenTherm Gateway
    "a command that nobody answered": ("otgw", b"PR=A\r\n", None),
    "what is wrong on the OpenTherm wires": ("otgw", b"Error 01\r\n", []),
    "a summary, which holds no version": (
        "otgw",
        b"PS: 1\r\n" + b",".join([b"00000000/00000000", *[b"20.00"] * 24]) + b"\r\n",
        [{"device": "gateway", "result": "no_version", "ids": ["otgw:gateway"]}],
    ),
    "a refusal of the gateway": (
        "otgw",
        b"T00000200\r\nNG\r\n",
        [{"device": "gateway", "result": "no_version", "ids": ["otgw:gateway"]}],
    ),
    "the version of OpenTherm itself": ("otgw", b"B407D031A\r\nT107C0220\r\n", []),
    # AT
    "commands that nobody answered": ("at", b"AT\r\nAT+GMR\r\n", None),
    "the first modules had a number alone": (
        "at",
        b"AT+GMR\r\r\n0018000902-AI03\r\n\r\nOK\r\n",
        [{"device": "self", "result": "ok", "version_raw": "0018000902-AI03"}],
    ),
    "an answer that a shell of Windows wrote down": (
        "at",
        "AT+GMR\r\n1.2.3\r\n\r\nOK\r\n".encode("utf-16"),
        [{"device": "self", "result": "ok", "version_raw": "1.2.3"}],
    ),
    "a model is no version": ("at", b"AT+CGMM\r\nKM-95\r\n\r\nOK\r\n", [{"device": "self", "result": "no_version"}]),
    # DSMR
    "a firmware that is masked": (
        "dsmr",
        telegram("1-0:0.2.0(ER11)", "1-1:0.2.0((ER11))", first="/KST5E360"),
        [{"device": "KST5E360", "result": "no_version", "ids": ["dsmr:KST5E360"]}],
    ),
    "NULs behind the checksum": (
        "dsmr",
        telegram("1-3:0.2.8(50)", first="/KST5E360").replace(b"\r\n", b"\r\r\n").rstrip() + b"\0\0",
        [{"device": "KST5E360", "result": "no_version", "ids": ["dsmr:KST5E360"]}],
    ),
    "a telegram that is enciphered": ("dsmr", b"\xdb\x08KST\x10\x10\x30\x82\x01\x0e" + bytes(40), FAILED),
    # Shelly
    "the settings of the first generation alone": (
        "shelly",
        {"device": {"type": "KST-1", "mac": MAC}, "fw": "20210323/v1.10.2", "build_info": {"build_version": "1.0"}},
        [{"device": MAC, "result": "ok", "version_raw": "20210323/v1.10.2", "ids": ["shelly:KST-1"]}],
    ),
    "the status of a later generation alone": (
        "shelly",
        {"ble": {}, "sys": {"mac": MAC, "available_updates": {"stable": None, "beta": {"version": "1.5.0-beta2"}}}},
        [{"device": MAC, "result": "no_version", "offer": {"version": "1.5.0-beta2", "state": "beta"}}],
    ),
    "the configuration of a later generation alone": (
        "shelly",
        {"id": 1, "result": {"sys": {"device": {"name": "hall", "mac": MAC, "fw_id": "20240819/1.4.2"}}}},
        [{"device": MAC, "result": "ok", "version_raw": "20240819/1.4.2"}],
    ),
    "numbers that are the same on all": (
        "shelly",
        {"mac": MAC, "type": "KST-1", "fw_version": "1.0", "build_version": "1.0"},
        [{"device": MAC, "result": "no_version", "ids": ["shelly:KST-1"]}],
    ),
    "whether a Shelly is there": ("shelly", said("shellies/shellyrelay1-030001/online", "true"), None),
    # SMP
    "a request, then the answer, with the line ends of a terminal": (
        "smp",
        (packet(IMAGES, {}, operation=0) + packet(IMAGES, {"images": [image("1.2.3")]})).replace(b"\n", b"\r\n"),
        [{"device": "self", "result": "ok", "version_raw": "1.2.3"}],
    ),
    "no image is stated, and the system is": (
        "smp",
        packet(IMAGES, {"rc": 8}) + packet(SYSTEM, {"output": "4.4.0"}),
        [{"device": "self", "result": "ok", "version_raw": "4.4.0"}],
    ),
    "an image that waits, and none that runs": (
        "smp",
        packet(IMAGES, {"images": [image("1.5.0", active=False, pending=True)]}),
        [{"device": "self", "result": "no_version"}],
    ),
    # Tasmota
    "two devices in one recording": (
        "tasmota",
        lines(
            *(said(f"tasmota/discovery/024B55017A0{n}/config", {"mac": f"024B55017A0{n}", "sw": "13"}) for n in (1, 2))
        ),
        [{"device": f"024B55017A0{number}", "result": "ok", "version_raw": "13"} for number in (1, 2)],
    ),
    "a whole status": (
        "tasmota",
        said("stat/pump/STATUS0", {"StatusFWR": {"Version": "12.5.0"}, "StatusNET": {"Mac": "02:4B:55:01:7A:01"}}),
        [{"device": "02:4B:55:01:7A:01", "result": "ok", "version_raw": "12.5.0"}],
    ),
    "whether a device with Tasmota is there": ("tasmota", said("tele/pump/LWT", "Online"), None),
    # NIBE
    "bytes as a program in C has them": ("vendor_serial", NIBE.upper().encode(), PUMP),
    "bytes set apart": ("vendor_serial", b", ".join(b"0x" + NIBE[n : n + 2].encode() for n in range(0, 34, 2)), PUMP),
    "the acknowledgement before the frame": ("vendor_serial", f"06 {NIBE}\n5c00206b004b\n".encode(), PUMP),
    "a token without a product": ("vendor_serial", b"5c00206b004b", None),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_recorded_form(name: str) -> None:
    """What comes out of it is what the rules of the samples and of the reader say."""
    source, payload, expected = FORMS[name]
    assert sample(source, payload) == expected
