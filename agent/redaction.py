"""Takes out of a recording of MQTT or mDNS what tells the house: addresses, serial numbers, names that people gave.

Rules
- An address becomes an invented one of the same form and in the same order, everywhere the same within one recording,
  half of it too where a name holds half; so who is who stays visible. Invented MAC addresses are locally administered.
- A text under a key that people fill in becomes `name-1`, `name-2`, …, also where it stands inside another text.
- Whole configurations go. Versions, models and makers stay as they were.
- Nothing can know every maker's keys: look a recording through before you hand it on.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping

_PAIR, _EDGE = "[0-9a-fA-F]{2}", ("(?<![0-9a-zA-Z])", "(?![0-9a-zA-Z])")
_ADDRESS = re.compile(
    rf"{_EDGE[0]}(?:{_PAIR}([:-])(?:{_PAIR}\1){{4}}{_PAIR}|(?:0x)?(?:{_PAIR}){{8}}|(?:{_PAIR}){{6}}){_EDGE[1]}"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


# Keys that people fill in wherever they stand, and those that they fill in where an address stands beside.
_PERSONAL = _words(
    "friendly_name dn hn fn ip ssid sn serial_number hostname suggested_area sa configuration_url cu FallbackTopic"
    " GroupTopic"
)
_BESIDE, _ADDRESSED = _words("name t md description"), _words("mac ieee_address identifiers ids connections")
# Names that are no secret: what the protocols call their own.
_PROTOCOL = _words(
    "Coordinator Zigbee2MQTT bridge devices info state config online offline status homeassistant zigbee2mqtt sensor"
    " tasmota discovery esphome discover cmnd stat tele shellies announce rpc updateplicht"
)
_PREFIXES = _words("cmnd stat tele")
_CONFIGURATIONS = _words("config config_schema network mqtt os")
_KEPT = _words(
    "manufacturer mf model mdl model_id mdl_id type board platform Hardware sw_version sw hw_version hw version Version"
    " software_build_id software_build_ID ver fw fw_ver fw_id app project_name project_version"
)
_HALF = 6  # digits of an address that makers put into names
_ENDS_IN_HALF = re.compile(r"-([0-9a-fA-F]{6})$")


class Redactor:
    """Replaces the same by the same, for one recording.

    Args:
        kept: Texts that stay whatever they look like: versions and models.
    """

    def __init__(self, kept: Iterable[str] = ()) -> None:
        self._kept = frozenset(kept)
        self._names: dict[str, str] = {}
        self._addresses: set[str] = set()
        self._invented: dict[str, str] = {}
        self._halves: dict[str, str] = {}

    def learn(self, payload: str) -> None:
        """Take note of the addresses and names in a payload, before anything is replaced."""
        self._addresses |= {_digits(match[0]).lower() for match in _ADDRESS.finditer(payload)}
        try:
            self._learn(json.loads(payload))
        except (ValueError, RecursionError):
            return

    def learn_topic(self, topic: str) -> None:
        """Take note of the level of a topic that people choose: the first, or the second behind a prefix of Tasmota."""
        self._addresses |= {_digits(match[0]).lower() for match in _ADDRESS.finditer(topic)}
        first, *others = topic.split("/")
        self.learn_name(others[0] if first in _PREFIXES and others else first)

    def learn_name(self, name: str) -> None:
        """Take note of what a device is called; half of an address may stand behind a model's name."""
        if half := _ENDS_IN_HALF.search(name):
            self._halves.setdefault(half[1], "")
        elif not _ADDRESS.search(name):
            self._learn(name, personal=True)

    def text(self, text: str) -> str:
        """A text, a topic or an identity without what tells the house."""
        if text in self._kept:
            return text
        self._invent()
        text = _ADDRESS.sub(lambda match: match[0] if match[0] in self._kept else self._address(match[0]), text)
        return _replace(_replace(text, self._halves), self._names)

    def payload(self, payload: str) -> str:
        """A payload without it; what is no JSON is a text."""
        try:
            return json.dumps(self._redacted(json.loads(payload), ""), ensure_ascii=False, indent=1)
        except (ValueError, RecursionError):
            return self.text(payload)

    def _learn(self, value: object, *, personal: bool = False) -> None:
        if isinstance(value, dict):
            keys = _PERSONAL | _BESIDE if _ADDRESSED & value.keys() else _PERSONAL
            for key, item in value.items():
                self._learn(item, personal=key in keys)
        elif isinstance(value, list):
            for item in value:
                self._learn(item, personal=personal)
        elif personal and isinstance(value, str) and self._is_telling(value):
            self._names.setdefault(value, f"name-{len(self._names) + 1}")

    def _is_telling(self, name: str) -> bool:
        return len(name) > 1 and not _ADDRESS.fullmatch(name) and name not in self._kept | _PROTOCOL

    def _redacted(self, value: object, key: str) -> object:
        if isinstance(value, dict):
            gone = key == "" and _CONFIGURATIONS & value.keys()
            return {
                self.text(name): {}
                if gone and name in _CONFIGURATIONS and isinstance(item, dict)
                else self._redacted(item, name)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._redacted(item, key or "list") for item in value]
        return value if key in _KEPT or not isinstance(value, str) else self.text(value)

    def _address(self, address: str) -> str:
        digits = _digits(address)
        if digits.lower() not in self._invented:
            self._addresses.add(digits.lower())
            self._invent()
        invented = self._invented[digits.lower()]
        invented = invented.upper() if digits == digits.upper() != digits.lower() else invented
        separator = address[2] if address[2] in ":-" else ""
        return address[: -len(digits)] * (not separator) + separator.join(re.findall(_PAIR, invented))

    def _invent(self) -> None:
        """An address for each known one that has none yet; in their order, which some programs go by."""
        missing = self._addresses - self._invented.keys()
        for size in {len(digits) for digits in missing}:
            known = sorted(digits for digits in missing if len(digits) == size)
            drawn = sorted(f"02{secrets.token_hex(size // 2 - 1)}" for _ in known)
            for digits, invented in zip(known, drawn, strict=True):
                self._invented[digits] = invented
                self._halves[digits[-_HALF:].upper()] = invented[-_HALF:].upper()
                self._halves[digits[-_HALF:]] = invented[-_HALF:]
        self._halves |= {half: secrets.token_hex(_HALF // 2) for half, invented in self._halves.items() if not invented}


def _digits(address: str) -> str:
    return re.sub("[:-]", "", address.removeprefix("0x"))


def _replace(text: str, invented: Mapping[str, str]) -> str:
    """A text in which whole words are replaced, the longest first."""
    if not invented:
        return text
    words = "|".join(map(re.escape, sorted(invented, key=len, reverse=True)))
    return re.sub(f"{_EDGE[0]}(?:{words}){_EDGE[1]}", lambda match: invented[match[0]], text)
