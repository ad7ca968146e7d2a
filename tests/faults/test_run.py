"""The harness in small: a few faults of many kinds, and nothing lost; and the same faults for the same seed."""

import asyncio
import os
import re
import sys

from tests.faults.kinds import KINDS, plan
from tests.required import missing
from tests.shared import ROOT

ALL = frozenset({"clock", "disk"})


async def test_a_few_faults_lose_nothing() -> None:
    """Real processes; what this machine does not allow is left out, and said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults", "25", "--seed", "4", "--gateways", "2"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode == os.EX_UNAVAILABLE:
        missing("mosquitto", said)
    assert process.returncode == 0, said
    last = said.splitlines()[-1]
    figures = re.search(
        r"held: 25 faults \(seed 4\) in .* min; reports: (\d+) signed, (\d+) receipted, .* 0 lost", last
    )
    assert figures, said
    assert int(figures[1]) >= int(figures[2]) > 9
    for left_out in (line for line in said.splitlines() if line.startswith("left out")):
        missing("libfaketime" if "libfaketime" in left_out else "mount", f"all held, but {left_out}")


def test_a_seed_names_a_plan() -> None:
    """The same faults, targets and pauses for the same seed; others for another."""
    assert plan(1, 100, 8, 0.2, ALL) == plan(1, 100, 8, 0.2, ALL)
    assert plan(1, 100, 8, 0.2, ALL) != plan(2, 100, 8, 0.2, ALL)


def test_a_long_plan_has_every_kind_that_the_machine_allows() -> None:
    """And none that it does not."""
    assert {fault.kind for fault in plan(3, 5000, 8, 0.2, ALL)} == KINDS.keys()
    without = {fault.kind for fault in plan(3, 5000, 8, 0.2, frozenset())}
    assert without == {name for name, kind in KINDS.items() if not kind.needs}
