"""The agent as its user runs it: real processes, a real broker, and a collector's stand-in with a real log."""

from tests.world.gateway import Gateway
from tests.world.processes import eventually
from tests.world.witness import Witness


async def test_a_gateway_that_enrolled_reports_and_keeps_the_receipts(gateway: Gateway, collector: Witness) -> None:
    """Enrolment, first report, receipt: the whole way, and nothing left in the spool."""
    code, out, err = await gateway.command("enrol", collector.code(), "--yes")
    assert (code, "Enrolled" in out) == (0, True), out + err
    await gateway.start()
    await eventually(lambda: collector.reports and not gateway.waiting())
    assert collector.enrolment is not None
    assert collector.enrolment.gateway == gateway.name
    (first,) = collector.reports
    assert (first.sequence, first.previous) == (1, None)
    assert [device.version_raw for device in first.devices or ()] == ["2.3.087"]
    assert await gateway.stop() == 0
    assert "Traceback" not in gateway.log()
    status = await gateway.status()
    assert status["receipts"]["count"] == 2
