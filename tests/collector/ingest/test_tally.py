"""What the operator's log says of rejections."""

import pytest

from collector.ingest.tally import PERIOD_S, Tally
from tests.collector.ingest.desk import Desk, signed_report
from tests.collector.register import DEVICE, seen


def test_the_first_is_told_at_once_and_a_flood_in_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """None is left out of the counts."""
    now = [100.0]
    tally = Tally(lambda: now[0])
    for _ in range(1_000):
        tally.add(["signature", "key"])
        tally.tell()
    now[0] += PERIOD_S
    tally.tell()
    tally.tell()
    assert [record.getMessage() for record in caplog.records] == [
        "rejected: key 1, signature 1; /rejected shows them",
        "rejected: key 999, signature 999; /rejected shows them",
    ]


async def test_a_rejection_is_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """And the same bytes again are nothing new."""
    forged = bytearray(signed_report(1, seen(DEVICE)))
    forged[-1] ^= 1
    await desk.send_reports(bytes(forged))
    await desk.send_reports(bytes(forged))
    assert [record.getMessage() for record in caplog.records] == ["rejected: signature 1; /rejected shows them"]
