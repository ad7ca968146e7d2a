"""Devices that answer a line with lines: AT command sets, and any device of which a line states the version.

Devices: ESP modules with ESP-AT; modems with the commands of 3GPP, Quectel's with their own; and whatever an operator
  describes in a file of his own. What is asked is data, one file for each device in described/lines/.
Wire: serial, 115200 baud 8N1 unless set otherwise. AT: `AT` first, which must be answered with OK, then one query that
  changes nothing, such as `AT+GMR`; each answer ends with OK, ERROR or +CME ERROR. Echoes and what the device says
  unasked (`+CREG: 1`, `RDY`) are passed over. Others: one line is sent, or none, and the line that fits `match` is
  taken.
Version format: ESP-AT: the text behind `Bin version:`, which is the image, beside that behind `AT version:`. Modems: a
  line of free text, a word such as `Revision:` in front not being part of it; the full build (AT+QGMR) before the short
  one (AT+CGMR). Others: what stands at `{version}` in `match`.
Sources: ESP-AT User Guide, "Basic AT Commands"; ITU-T V.250, sections 5.7 and 6.1; 3GPP TS 27.007, section 5.3.
Access needed: the serial port (group `dialout`), held alone while it is read; never a modem that ModemManager has.
Not tested on: real hardware; tested on recorded answers over a pty.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from agent.errors import LinkError
from agent.links import serial
from agent.readers import _described as described
from agent.readers import _values as values
from agent.readers._contract import ReadFailure, Reading
from evidence.report import Result

LIMIT_S = 60.0
SAMPLES = "at"
_MAX_LINES = 64  # of one answer; AT+GMR has six
_COMMAND = re.compile(r"AT(?! version)(?:[A-Z&+#^%$*].*)?", re.IGNORECASE)
_REVISIONS = re.compile(r"AT(?:\+[CQ]?GMR|I[0-9]*)", re.IGNORECASE)
_LABELLED = re.compile(r"(?:Revision|[+#^][CQ]?GMR)\s*:(.*)", re.IGNORECASE)
_UNASKED = re.compile(r"[+#^*%&][A-Z].*|\w+ ?\w*:.*|RDY|ready|busy .*|WIFI .*|[A-Z][a-z]+ Ready|[^0-9]*")
_REFUSED = re.compile(r"ERROR|FAIL|\+CM[ES] ERROR.*")
_ESP_IMAGE = re.compile(r"Bin version(\([^()]*\))?:(.*)")
_ESP_COMMANDS = "AT version:"
_BRACKETS = re.compile(r"\(([^()]*)\)$")


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device is asked, and what it answers.

    Attributes:
        name: What it is called.
        ask: Lines to send, in turn.
        ending: What ends each of them.
        match: The answer of a device that knows no AT: text, with `{version}` and perhaps `{model}` where they stand.
    """

    name: str
    ask: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(max_length=4)] = ()
    ending: Annotated[str, msgspec.Meta(max_length=2)] = "\r\n"
    match: Annotated[str, msgspec.Meta(max_length=256)] | None = None

    def __post_init__(self) -> None:
        if self.match is None and not self.ask:
            raise ValueError("give `ask`, or `match`, or both")
        if self.match is not None and (self.match.count("{version}") != 1 or len(self.ask) > 1):
            raise ValueError("`match` holds {version} once, and goes with at most one line to `ask`")


class Settings(serial.Port, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The port of one device.

    Attributes:
        device: Its description: a name of those that come with the program, or the path of a file.
    """

    device: described.Name

    def __post_init__(self) -> None:
        count = max(1, len(describe(self.device).ask))
        if count * self.timeout_s > LIMIT_S:
            raise ValueError(f"{count} answers may take longer than {LIMIT_S:.0f} s: give a shorter timeout_s")


class Answer(msgspec.Struct):
    """What came between a request and its final result.

    Attributes:
        command: The request, empty where it is not known.
        lines: Its lines, without the echo.
        final: The final result, empty while there is none.
    """

    command: str = ""
    lines: list[str] = []
    final: str = ""


class Answering:
    """Takes down one answer while it comes.

    Args:
        command: What was sent.
        match: What a line must fit; None for AT, where a final result ends the answer.
    """

    def __init__(self, command: str, match: str | None) -> None:
        self.answer = Answer(command, [])
        self.matched: re.Match[str] | None = None
        self._match = None if match is None else _pattern(match)
        self._lines = serial.Lines()
        self._echoed = False

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the answer is complete."""
        for line in self._lines.feed(data):
            self._take(line.decode("latin-1").strip())
        return bool(self.answer.final or self.matched)

    def fault(self) -> LinkError:
        """Why there is no answer."""
        last = "\n".join(self.answer.lines).encode() or self._lines.begun
        begun = self._lines.text_begun or self._echoed or (self._match is None and bool(self.answer.lines))
        return serial.misread("answer", last, begun=begun)

    def _take(self, line: str) -> None:
        answer = self.answer
        if answer.final or self.matched or not line.isprintable():
            return
        if line == answer.command:
            self._echoed = True
            return
        if self._match:
            self.matched = self._match.fullmatch(line)
        elif _is_final(line):
            answer.final = line
        if len(answer.lines) < _MAX_LINES:
            answer.lines.append(line)


async def read(settings: Settings) -> Sequence[Reading | ReadFailure]:
    """Ask what the description says."""
    description = describe(settings.device)
    identity = f"link:{settings.port}/{Path(settings.device).stem}"
    try:
        async with serial.Client(settings) as port:
            heard = [await _ask(port, description, command) for command in description.ask or ("",)]
        if heard[-1].matched:
            outcome: Reading | ReadFailure = parse_line(identity, heard[-1].matched)
        else:
            outcome = parse_at(identity, [said.answer for said in heard])
    except LinkError as error:
        return [ReadFailure.of(identity, error)]
    return [msgspec.structs.replace(outcome, name=description.name)]


def describe(device: str) -> Description:
    """The description of a device.

    Raises:
        ValueError: There is none, or it is faulty.
    """
    return described.load("lines", device, Description)


def parse_line(identity: str, matched: re.Match[str]) -> Reading:
    """What a line says that fits."""
    stated = matched.groupdict()
    ids = values.model_ids("model", (stated.get("model"),))
    return Reading(identity=identity, ids=ids, version_raw=values.version(stated["version"]))


def parse_at(identity: str, answers: Sequence[Answer]) -> Reading | ReadFailure:
    """What the answers to AT commands say.

    Raises:
        LinkError: They are no answers of that kind.
    """
    lines = [line for answer in answers for line in answer.lines]
    if image := next(filter(None, map(_ESP_IMAGE.fullmatch, lines)), None):
        brackets = _BRACKETS.search(image[2].strip()) or _BRACKETS.search(image[1] or "")
        ids = values.model_ids("at", (brackets[1] if brackets else None,))
        return _reading(identity, image[2], _behind(_ESP_COMMANDS, lines), ids)
    if commands := _behind(_ESP_COMMANDS, lines):
        return _reading(identity, commands)
    if revisions := _revisions(answers):
        return _reading(identity, revisions[0], revisions[1] if len(revisions) > 1 else None)
    if all(not answer.final for answer in answers):
        raise serial.misread("answer to an AT command", "\n".join(lines).encode(), begun=False)
    if refusal := next((answer.final for answer in answers if _REFUSED.fullmatch(answer.final)), None):
        detail = f"the device answers with {refusal}"
        return ReadFailure(identity=identity, result=Result.REFUSED, reason="error", detail=detail)
    return _reading(identity)


def redacted(settings: Settings, asked: bytes, heard: bytes) -> bytes:
    """An answer of which only what states a version is left, and how it ends.

    Raises:
        LinkError: It is none.
    """
    description = describe(settings.device)
    hearing = Answering(asked.decode("latin-1").removesuffix(description.ending), description.match)
    if not hearing.feed(heard):
        raise hearing.fault()
    answer = hearing.answer
    kept = [line for line in answer.lines if _ESP_IMAGE.fullmatch(line) or line.startswith(_ESP_COMMANDS)]
    revision = None if kept else _revision(answer)
    kept += [f"Revision: {revision}"] if revision else []
    told = [hearing.matched[0]] if hearing.matched else [*kept, answer.final]
    return "".join(f"{line}\r\n" for line in told).encode("latin-1")


def parse_sample(data: bytes) -> list[tuple[str, Reading | ReadFailure]] | None:
    """A recorded conversation with an AT command set, for `parse`. None where only commands are in it."""
    cut = serial.Lines().feed(data.replace(b"\0", b"") + b"\n")
    lines = (line.decode("latin-1").strip() for line in cut)
    answers = split(line for line in lines if line and line.isprintable())[:_MAX_LINES]
    if answers and not any(answer.lines for answer in answers) and any(answer.command for answer in answers):
        return None
    return [("self", parse_at("link:", answers))]


def split(lines: Iterable[str]) -> list[Answer]:
    """The answers of a conversation in which commands are echoed, or are not."""
    answers = [Answer("", [])]
    for line in lines:
        if _COMMAND.fullmatch(line):
            answers.append(Answer(line, []))
            continue
        if answers[-1].final:
            answers.append(Answer("", []))
        answers[-1].lines.append(line)
        if _is_final(line):
            answers[-1].final = line
    # What came before the first echo, and was no answer, nobody asked for.
    return answers if len(answers) == 1 or answers[0].final else answers[1:]


async def _ask(port: serial.Client, description: Description, command: str) -> Answering:
    hearing = Answering(command, description.match)
    if command:
        port.write((command + description.ending).encode())
    if not await port.listen(hearing.feed):
        raise hearing.fault()
    return hearing


def _is_final(line: str) -> bool:
    return line == "OK" or _REFUSED.fullmatch(line) is not None


def _pattern(match: str) -> re.Pattern[str]:
    parts = re.split(r"\{(version|model)\}", match)
    literal, named = parts[::2], parts[1::2]
    names = [f"(?P<{name}>.+?)" for name in named] + [""]
    return re.compile("".join(re.escape(text) + group for text, group in zip(literal, names, strict=True)))


def _behind(label: str, lines: Iterable[str]) -> str | None:
    return next((line.removeprefix(label) for line in lines if line.startswith(label)), None)


def _revisions(answers: Sequence[Answer]) -> list[str]:
    """The revisions that a modem states, each once, the fullest first."""
    stated = [(answer.command.upper(), revision) for answer in answers if (revision := _revision(answer))]

    def shortness(item: tuple[str, str]) -> tuple[bool, bool]:
        command, revision = item
        # Where the commands are not known, the full build is the one that goes on where the short one ends.
        return command != "AT+QGMR", not any(revision != short and revision.startswith(short) for _, short in stated)

    return list(dict.fromkeys(revision for _, revision in sorted(stated, key=shortness)))


def _revision(answer: Answer) -> str | None:
    if answer.command and not _REVISIONS.fullmatch(answer.command):
        return None
    if labelled := next(filter(None, map(_LABELLED.fullmatch, answer.lines)), None):
        return labelled[1].strip(' "')
    plain = [line for line in answer.lines if not _UNASKED.fullmatch(line) and not _is_final(line)]
    several = len(plain) > 1 and answer.command.upper().startswith("ATI")
    return plain[0] if plain and not several else None


def _reading(identity: str, raw: str | None = None, alt: str | None = None, ids: tuple[str, ...] = ()) -> Reading:
    return Reading(identity=identity, ids=ids, version_raw=values.version(raw), version_alt=values.version(alt))
