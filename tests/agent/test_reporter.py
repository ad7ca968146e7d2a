"""From a round to signed bytes: what leaves, what never does, and which number it bears."""

from pathlib import Path

import msgspec
import pytest

from agent import keys, reporter
from agent.errors import SpoolError
from agent.keys import Identity
from agent.readers import ReadFailure, Reading
from agent.reporter import Reporter, Signed
from agent.spool import Spool
from agent.state import Remembered
from agent.survey import Observation
from evidence import cose, report
from evidence.ids import device_id
from evidence.limits import MAX_DEVICES, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES
from evidence.report import Offer, OfferResult, Report, Result
from tests.world.disks import SmallDisk, open_spool

NOW = 1_800_000_000
HOUR_S = 3600
HALL = Reading(identity="ieee:00158d0001e29ff0", name="Hal van oma", ids=("zigbee:A/1",), version_raw="1.2")


class Desk:
    """A reporter with all that it needs."""

    def __init__(self, directory: Path) -> None:
        self.identity: Identity = keys.load_or_create(directory)
        self.remembered = Remembered(directory)
        self.spool: Spool = open_spool(directory)
        self.reporter = self.start()

    def start(self) -> Reporter:
        """As after a restart."""
        self.reporter = Reporter(self.identity, self.remembered, report_every_s=24 * HOUR_S, interval_s=HOUR_S)
        return self.reporter

    def devices(self, *outcomes: Reading | ReadFailure) -> tuple[report.DeviceReport, ...]:
        """What is said of them."""
        items = tuple(Observation(reader="scripted", read_at=NOW, outcome=outcome) for outcome in outcomes)
        return reporter.device_reports(items, self.identity.secret)

    def report(self, *outcomes: Reading | ReadFailure, now: int = NOW) -> Signed:
        """Sign and spool."""
        signed = self.reporter.next(self.devices(*outcomes), now)
        self.reporter.put(signed, self.spool, now)
        return signed

    def opened(self, signed: Signed) -> Report:
        """As a collector opens it."""
        return report.decode(cose.parse(signed.evidence, report.MESSAGE_TYPE).verify(self.identity.key.public))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty one."""
    return Desk(tmp_path)


def test_a_name_or_an_identity_never_leaves(desk: Desk) -> None:
    """Only ids that this gateway alone can trace."""
    reading = Reading(identity="mac:001122334455", name="Slaapkamer", hardware="serial:acme/SN-31337", version_raw="1")
    evidence = desk.report(reading).evidence
    for secret in ("001122334455", "Slaapkamer", "SN-31337", "acme"):
        assert secret.encode() not in evidence
        assert secret.encode().hex() not in evidence.hex()


def test_everything_read_is_in_the_report(desk: Desk) -> None:
    """Field by field, under the device id."""
    reading = Reading(
        identity="mac:1",
        ids=("ha:A/1", "zigbee:A/1"),
        version_raw="1.2",
        version_alt="33816645",
        scheme="uint32",
        image_digest=bytes(32),
        hardware="serial:a/1",
        hardware_revision=7,
        offer=Offer(result=OfferResult.OFFERED, version="1.3"),
    )
    (device,) = desk.opened(desk.report(reading)).devices or ()
    assert device.device == device_id(desk.identity.secret, "mac:1")
    assert device.hardware == device_id(desk.identity.secret, "serial:a/1")
    for field in ("ids", "version_raw", "version_alt", "scheme", "image_digest", "hardware_revision", "offer"):
        assert getattr(device, field) == getattr(reading, field)


def test_an_unchanged_house_is_reported_without_devices(desk: Desk) -> None:
    """Numbered one up, chained to the report before, with the same inventory digest."""
    first = desk.report(HALL)
    second = desk.opened(desk.report(HALL, now=NOW + 1))
    assert (second.sequence, second.devices) == (2, None)
    assert second.inventory == first.report.inventory
    assert second.previous is not None
    assert second.previous.hex() == desk.spool.entries()[0].digest


@pytest.mark.parametrize(
    ("change", "whole"),
    [
        pytest.param({"version_raw": "1.3"}, True, id="another version is a change"),
        pytest.param({"name": "Gang"}, False, id="another name is none"),
    ],
)
def test_what_counts_as_a_change(desk: Desk, change: dict[str, str], whole: bool) -> None:
    """What a collector could see."""
    desk.report(HALL)
    changed = msgspec.structs.replace(HALL, **change)
    assert desk.reporter.is_due(desk.devices(changed), NOW + 1) == whole
    assert (desk.report(changed).report.devices is not None) == whole


@pytest.mark.parametrize(
    ("later_s", "due"),
    [
        pytest.param(HOUR_S, False, id="not at the next round"),
        pytest.param(20 * HOUR_S, False, id="not four hours early"),
        pytest.param(23 * HOUR_S + 1, True, id="at the last round within a day"),
        pytest.param(-1, True, id="when the clock went back, for who knows how long it was"),
    ],
)
def test_an_unchanged_house_is_reported_within_a_day(desk: Desk, later_s: int, due: bool) -> None:
    """At least once in `report_every_s`, at most a tenth of it early."""
    desk.report(HALL)
    assert desk.reporter.is_due(desk.devices(HALL), NOW + later_s) == due


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        pytest.param(Reading(identity="mac:1", version_raw="9" * (MAX_TEXT_BYTES + 1)), "too_long", id="version"),
        pytest.param(Reading(identity="mac:1", version_alt="é" * MAX_TEXT_BYTES), "too_long", id="bytes, not letters"),
        pytest.param(
            Reading(identity="mac:1", ids=tuple(f"ha:{number:03}" for number in range(65))), "too_long", id="ids"
        ),
        pytest.param(Reading(identity="mac:1", ids=("no model id",)), "unreportable", id="an id of no namespace"),
        pytest.param(Reading(identity="mac:1", version_raw=""), "unreportable", id="an empty version"),
        pytest.param(Reading(identity="mac:1", version_raw="\ud800"), "unreportable", id="no UTF-8"),
        pytest.param(Reading(identity="mac:1", image_digest=b"short"), "unreportable", id="a digest of five bytes"),
        pytest.param(Reading(identity="mac:1", hardware_revision=-1), "unreportable", id="a revision below zero"),
        pytest.param(
            ReadFailure(identity="mac:1", result=Result.REFUSED, reason="x" * 600), "too_long", id="a failure's reason"
        ),
    ],
)
def test_what_the_format_cannot_hold_becomes_a_failure(desk: Desk, reading: Reading, reason: str) -> None:
    """Of that device alone; the report is one that a collector accepts."""
    opened = desk.opened(desk.report(reading, HALL))
    found = {device.device: device for device in opened.devices or ()}
    odd = found[device_id(desk.identity.secret, "mac:1")]
    assert (odd.result, odd.reason, odd.version_raw, odd.ids) == (Result.PARSE_FAILED, reason, None, ())
    assert found[device_id(desk.identity.secret, HALL.identity)].version_raw == "1.2"


def test_a_house_beyond_the_limit_is_reported_as_far_as_it_fits(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The same devices each time, and the log says how many were left out."""
    many = [Reading(identity=f"mac:{number}", version_raw="v" * 200) for number in range(MAX_DEVICES + 5)]
    signed = desk.report(*many)
    assert len(signed.evidence) <= MAX_MESSAGE_BYTES
    reported = len(desk.opened(signed).devices or ())
    assert 500 < reported < MAX_DEVICES
    assert f"devices_not_reported count={len(many) - reported}" in caplog.text
    assert desk.devices(*many) == desk.devices(*reversed(many))


def test_a_crash_after_signing_uses_no_number_twice(desk: Desk, tmp_path: Path) -> None:
    """The spool is ahead of the state, and is believed."""
    signed = desk.report(HALL)
    (tmp_path / "state.json").unlink()
    again = Desk(tmp_path)
    again.remembered.recover(*again.spool.last_signed())
    following = again.report(HALL)
    assert following.report.sequence == signed.report.sequence + 1
    assert following.report.previous is not None
    assert following.report.devices is not None


def test_a_full_disk_costs_no_number(desk: Desk, tmp_path: Path) -> None:
    """What could not be spooled was never signed, as far as anybody can see."""
    disk = SmallDisk(tmp_path, room=0)
    full = open_spool(tmp_path, disk=disk)
    signed = desk.reporter.next(desk.devices(HALL), NOW)
    with pytest.raises(SpoolError):
        desk.reporter.put(signed, full, NOW)
    assert desk.report(HALL).report.sequence == 1
