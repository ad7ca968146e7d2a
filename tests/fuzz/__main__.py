"""`make fuzz SECONDS=60`: every parser of untrusted bytes against atheris, as many at once as there are cores.

First what is heavy by construction is measured, then each target is fuzzed for its share of the time, and the slowest
input that was found is measured too. The bounds: nothing but the parser's own errors, 100 ms, 64 MiB. Progress and
findings go to stdout; inputs that found something are kept. Ends with 1 where there is a finding.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from tests.fuzz.measure import MAX_MIB, MAX_MS
from tests.fuzz.targets import TARGETS

SLOWEST = "slowest"
_RAISED = re.compile(r" *(?:\w+[.])*\w*(?:Error|Exception)\b|SUMMARY|==\d+== ERROR")


async def main() -> int:
    """Run all; the number of findings."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--keep", type=Path, help="where findings are kept; default: a new temporary folder")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    args = parser.parse_args()
    names = args.targets or list(TARGETS)
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}")
    keep = args.keep or Path(tempfile.mkdtemp(prefix="updateplicht-fuzz-"))
    cores = os.cpu_count() or 1
    each = max(1, round(args.seconds * cores / len(names)))
    turns, done = asyncio.Semaphore(cores), 0

    async def one(name: str) -> list[str]:
        nonlocal done
        async with turns:
            findings = await _findings(name, each, keep / name)
        done += 1
        print(f"{done:3} of {len(names)}  {name:18} {'; '.join(findings) or 'nothing found'}", flush=True)
        return findings

    print(f"{len(names)} targets, {each} s each, {cores} at once; findings are kept in {keep}", flush=True)
    found = [finding for findings in await asyncio.gather(*map(one, names)) for finding in findings]
    print(f"{len(found)} findings in {len(names)} targets, {each} s each")
    return 1 if found else 0


async def _findings(name: str, seconds: int, folder: Path) -> list[str]:
    findings = await _measured(name)
    code, told = await _run("tests.fuzz.loop", name, str(seconds), str(folder))
    if code != 0:
        raised = [line.strip() for line in told.splitlines() if _RAISED.match(line)]
        return [*findings, f"{raised[0] if raised else told[-200:]!r}, ended with {code}; see {folder}"]
    return findings + await _measured(name, str(folder / SLOWEST))


async def _measured(name: str, *files: str) -> list[str]:
    code, told = await _run("tests.fuzz.measure", name, *files)
    if code != 0:
        return [f"heavy input: {told.splitlines()[-1] if told else code}"]
    cost = json.loads(told.splitlines()[-1])
    findings = [f"{cost['ms']} ms: {cost['slowest']}"] if cost["ms"] > MAX_MS else []
    return findings + ([f"{cost['mib']} MiB: {cost['largest']}"] if cost["mib"] > MAX_MIB else [])


async def _run(module: str, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
