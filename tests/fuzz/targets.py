"""The parsers of untrusted bytes, each as a function of bytes, and what they may raise: what else comes out is a fault.

What stands behind a signature is fed with payloads that are signed here, so that the bytes get past it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.readers import _sample
from collector.catalogue import importers
from collector.errors import BrokerError, RejectedError
from collector.ingest import packets, verify
from evidence import checkpoint, cose, diagnostic, draft, enrolment, receipt, report, statement
from evidence.errors import EvidenceError
from evidence.ids import topic
from evidence.limits import MAX_STATEMENT_BYTES
from firmware_fixtures.evidence import forge
from tests.shared import ROOT

MAX_BYTES = 2**20
MAX_SERIAL_BYTES = 2**17  # what a line of 115,200 baud brings while a reader listens to it
_SERIAL = {"at", "dsmr", "modbus_devid", "modbus_regs", "otgw", "smp", "vendor_serial"}
FIXTURES = ROOT / "firmware_fixtures"


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        parse: Takes any bytes.
        seeds: Where good input lies, for a beginning.
        most: Bytes that reach it at once.
        refuses: What it may raise.
    """

    parse: Callable[[bytes], object]
    seeds: Callable[[], Iterable[Path]]
    refuses: tuple[type[Exception], ...] = ()
    most: int = MAX_BYTES

    def __call__(self, data: bytes) -> None:
        """Parse, and let only what is a fault come out."""
        try:
            self.parse(data)
        except self.refuses:
            return


def _files(folder: str, pattern: str = "**/*") -> Callable[[], Iterable[Path]]:
    return lambda: sorted(path for path in (FIXTURES / folder).glob(pattern) if path.is_file())


def _evidence(parse: Callable[[bytes], object], pattern: str) -> Target:
    return Target(parse, _files("evidence", f"*/{pattern}*.cbor"), (EvidenceError, RejectedError))


def _signed_report(payload: bytes) -> object:
    signed = forge.signed(forge.Raw(payload))
    payload = cose.parse(signed, report.MESSAGE_TYPE).verify(forge.KEY.public)
    return report.outline(payload), report.decode(payload)


def _signed_statement(payload: bytes) -> object:
    signed = forge.signed(forge.Raw(payload), statement.MESSAGE_TYPE)
    return statement.decode(cose.parse(signed, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES).verify(forge.KEY.public))


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode("utf-8", "replace"))


def _packets(data: bytes) -> None:
    for version in (packets.Version.MQTTv311, packets.Version.MQTTv5):
        for first, body in packets.split(bytearray(data)):
            packets.message(first, body, version)
            packets.refusals(body, version)


def _import(format_: str) -> Callable[[bytes], object]:
    return lambda data: importers.load(format_).parse(data, "x")


_EVIDENCE = {
    "report": _evidence(partial(verify.open_message, topic(forge.GATEWAY, "report")), "report"),
    "report_claims": _evidence(_signed_report, "report"),
    "statement": _evidence(partial(verify.open_message, topic(forge.GATEWAY, "statement")), "statement"),
    "statement_claims": _evidence(_signed_statement, "statement"),
    "receipt": _evidence(partial(receipt.open_receipt, key=forge.KEY.public), "receipt"),
    "refusal": _evidence(partial(receipt.open_refusal, key=forge.KEY.public), "refusal"),
    "request": _evidence(partial(receipt.open_request, key=forge.KEY.public), "request"),
    "enrolment": _evidence(enrolment.open_enrolment, "enrolment"),
    "checkpoint": _evidence(partial(checkpoint.open_checkpoint, key=forge.KEY.public), "receipt"),
    "consistency": _evidence(partial(checkpoint.open_consistency, key=forge.KEY.public), "receipt"),
    "diagnostic": _evidence(diagnostic.diagnose, ""),
    "code": _evidence(_text(enrolment.parse_code), "enrolment"),
    "draft": _evidence(_text(draft.parse_draft), "statement"),
}
_BROKER = {"mqtt": Target(_packets, _files("evidence", "valid/*.cbor"), (BrokerError,))}
_READERS = {
    f"read_{source}": Target(
        partial(_sample.parse, source),
        _files("devices", f"{folder}/**/*"),
        most=MAX_SERIAL_BYTES if source in _SERIAL else MAX_BYTES,
    )
    for source, modules in _sample.sources().items()
    for folder in [modules[-1].__name__.rpartition(".")[2]]
}
_IMPORTERS = {
    f"import_{name}": Target(_import(name), _files("catalogue", f"{name}/**/*")) for name in importers.names()
}

TARGETS = {**_EVIDENCE, **_BROKER, **_READERS, **_IMPORTERS}
