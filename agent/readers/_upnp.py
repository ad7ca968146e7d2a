"""UPnP device descriptions: who made it and what it is called. They hold no firmware version.

`modelNumber` is a model, `specVersion` the protocol. Embedded devices are parts of the same physical one. No reader
fetches them, since nothing in them would be reported.

Source: UPnP Device Architecture 2.0, section 2.3. A description that declares a document type or an entity is refused:
none needs one, and entities can make a gigabyte of a few lines.
"""

from xml.parsers import expat

from agent.errors import LinkError
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

SAMPLES = "network"
_DEVICE = ["root", "device"]
MAX_DEPTH = 32
MAX_ELEMENTS = 5000  # a television with all its services has some hundred
MAX_BYTES = 2**18  # it has some ten thousand


class _Refused(Exception):  # noqa: N818  # never leaves this file
    """Something that no description needs."""


class _Description:
    """Gathers the texts that stand directly in the root device."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.found = False
        self._path: list[str] = []
        self._elements = 0

    def start(self, name: str, _: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._elements += 1
        if len(self._path) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _Refused("it is nested too deep, or has too many elements")
        self.found = self.found or self._path == _DEVICE

    def end(self, _: str) -> None:
        self._path.pop()

    def text(self, data: str) -> None:
        if self._path[:-1] == _DEVICE:
            self.texts[self._path[-1]] = self.texts.get(self._path[-1], "") + data


def parse_description(data: bytes) -> Reading:
    """The root device of a description.

    Raises:
        LinkError: It is none.
    """
    if len(data) > MAX_BYTES:
        raise LinkError(Result.PARSE_FAILED, "too_large", f"no device description: more than {MAX_BYTES} bytes")
    description = _Description()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = description.start, description.end
    parser.CharacterDataHandler = description.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data.strip(), True)
    except (expat.ExpatError, _Refused, ValueError) as error:
        raise LinkError(Result.PARSE_FAILED, "malformed", f"no device description: {error}") from error
    if not description.found:
        raise LinkError(Result.PARSE_FAILED, "malformed", "no root device in it")
    texts = description.texts
    return Reading(
        identity=f"link:upnp/{values.text(texts.get('UDN')) or ''}",
        name=values.text(texts.get("friendlyName")),
        ids=values.model_ids("upnp", (texts.get("manufacturer"), texts.get("modelName"))),
    )


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]]:
    """One recorded description, for `parse`; named by its UDN."""
    reading = parse_description(data)
    return [(reading.identity.partition("/")[2] or "self", reading)]


def _refuse(*_: object) -> None:
    raise _Refused("a document type or an entity is declared")
