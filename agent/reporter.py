"""From a round to signed evidence: names dropped, identities hashed, numbered and chained.

- A device is put to the collector's own test before it goes in: what the format cannot hold (a text that is too long)
  becomes a read failure of that device and costs no other.
- Where there is cause to compare, it names the newest tree head that is held (agent/forks.py).
- The report carries no devices where the inventory is what the collector already knows.
- It is in the spool before its number is remembered, so that no crash can use a number twice.
"""

import hashlib
import logging
import random
from collections.abc import Collection, Sequence

import msgspec

from agent.errors import SpoolError
from agent.forks import head_to_name
from agent.keys import Identity
from agent.readers import ReadFailure, Reading
from agent.spool import Kind, Spool
from agent.state import Remembered, State
from agent.survey import Observation
from evidence import report
from evidence.errors import EvidenceError, TooLargeError
from evidence.ids import device_id
from evidence.limits import MAX_DEVICES, MAX_IDS, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES
from evidence.report import DeviceReport, Report, Result

log = logging.getLogger(__name__)

_ENVELOPE_BYTES = 512  # headers and signature, generously
_JITTER = 0.1  # of the interval; so that a power cut in a town does not make its gateways report in step


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A report and its evidence."""

    report: Report
    evidence: bytes


class Reporter:
    """Signs what was read.

    Args:
        identity: Of this gateway.
        remembered: Where the numbers are kept.
        report_every_s: Seconds within which there is a report.
        interval_s: Seconds until the next round.
    """

    def __init__(self, identity: Identity, remembered: Remembered, *, report_every_s: int, interval_s: int) -> None:
        self._identity = identity
        self._remembered = remembered
        self._report_every_s = report_every_s
        self._interval_s = interval_s
        self._jitter = random.random()  # noqa: S311  # spreads load, hides nothing

    def next(self, devices: tuple[DeviceReport, ...], now: int, unanswered: Collection[int] = ()) -> Signed:
        """The report that these devices make now; nothing is remembered of it.

        Args:
            devices: What was read.
            now: Unix seconds.
            unanswered: The numbers of the reports that wait for their receipts.
        """
        return sign_next(devices, self._remembered.state, self._identity, now, unanswered)

    def is_due(self, devices: tuple[DeviceReport, ...], now: int) -> bool:
        """Whether something changed, or the next round would be too late."""
        state = self._remembered.state
        if state.reported_at is None or state.inventory != report.inventory_digest(devices).hex():
            return True
        elapsed = now - state.reported_at
        latest = self._report_every_s * (1 - _JITTER * self._jitter)
        return elapsed < 0 or elapsed + self._interval_s > latest

    def put(self, signed: Signed, spool: Spool, now: int) -> None:
        """Put a report on its way: into the spool first, then into memory.

        Raises:
            SpoolError: The disk does not take it; its number goes to the next one.
            StateError: It is in the spool, but cannot be remembered; after a crash the spool tells.
        """
        made = signed.report
        kind = Kind.UNCHANGED if made.devices is None else Kind.WHOLE
        try:
            spool.put(kind, signed.evidence, now=now, sequence=made.sequence)
        except SpoolError:
            # The name may have reached the disk though the disk said no: then the number is taken.
            self._remembered.recover(*spool.last_waiting())
            raise
        self._jitter = random.random()  # noqa: S311
        self._remembered.update(
            sequence=made.sequence,
            previous=hashlib.sha256(signed.evidence).hexdigest(),
            inventory=made.inventory.hex(),
            reported_at=now,
            **({} if made.head is None else {"named_at": now, "named_by": made.sequence}),
        )


def device_reports(observations: tuple[Observation, ...], secret: bytes) -> tuple[DeviceReport, ...]:
    """What is said of each device, sorted by device id, within the limits of the format."""
    devices = sorted((_checked(_device(item, secret)) for item in observations), key=lambda item: item.device)
    most = min(len(devices), MAX_DEVICES)
    while not _fits(devices[:most]):
        most -= max(1, most // 20)
    if most < len(devices):
        log.error("devices_not_reported count=%d limit=%d", len(devices) - most, most)
    return tuple(devices[:most])


def sign_next(
    devices: tuple[DeviceReport, ...], state: State, identity: Identity, now: int, unanswered: Collection[int] = ()
) -> Signed:
    """The report that follows on what is remembered; nothing is put anywhere."""
    inventory = report.inventory_digest(devices)
    made = Report(
        gateway=identity.gateway,
        sequence=state.sequence + 1,
        issued_at=now,
        previous=None if state.previous is None else bytes.fromhex(state.previous),
        inventory=inventory,
        devices=None if state.inventory == inventory.hex() else devices,
        head=head_to_name(state, now, unanswered),
    )
    return Signed(report=made, evidence=report.sign(made, identity.key))


def _device(item: Observation, secret: bytes) -> DeviceReport:
    device = device_id(secret, item.outcome.identity)
    match item.outcome:
        case ReadFailure(result=result, reason=reason):
            return DeviceReport(device=device, result=result, reason=reason, read_at=item.read_at, reader=item.reader)
        case Reading() as reading:
            return DeviceReport(
                device=device,
                result=Result.OK,
                read_at=item.read_at,
                reader=item.reader,
                version_raw=reading.version_raw,
                version_alt=reading.version_alt,
                scheme=reading.scheme,
                image_digest=reading.image_digest,
                ids=reading.ids,
                hardware=None if reading.hardware is None else device_id(secret, reading.hardware),
                hardware_revision=reading.hardware_revision,
                offer=reading.offer,
            )


def _checked(device: DeviceReport) -> DeviceReport:
    try:
        _claims([device])
    except EvidenceError as error:
        reason = "too_long" if _is_too_long(device) else "unreportable"
        log.warning("device_not_reportable device=%s reason=%s error=%s", device.device, reason, error)
        return DeviceReport(
            device=device.device,
            result=Result.PARSE_FAILED,
            reason=reason,
            read_at=device.read_at,
            reader=device.reader,
        )
    return device


def _is_too_long(device: DeviceReport) -> bool:
    offered = device.offer.version if device.offer else None
    texts = (device.version_raw, device.version_alt, device.scheme, device.reason, offered, *device.ids)
    longest = max(len((text or "").encode(errors="replace")) for text in texts)
    return longest > MAX_TEXT_BYTES or len(device.ids) > MAX_IDS


def _fits(devices: Sequence[DeviceReport]) -> bool:
    try:
        return len(_claims(devices)) <= MAX_MESSAGE_BYTES - _ENVELOPE_BYTES
    except TooLargeError:
        return False


def _claims(devices: Sequence[DeviceReport]) -> bytes:
    made = Report(
        gateway="0" * 32,
        sequence=1,
        issued_at=0,
        inventory=report.inventory_digest(tuple(devices)),
        devices=tuple(devices),
    )
    return report.encode(made)
