"""What one input costs its parser: `python -m tests.fuzz.measure TARGET FILE`, or none for all that is heavy.

Prints an object of JSON: processor time in milliseconds, the least of three, and the greatest memory beyond the input
in MiB, by tracemalloc; of the dearest input.
"""

import json
import sys
import time
import tracemalloc
from pathlib import Path

from tests.fuzz.heavy import inputs
from tests.fuzz.targets import TARGETS, Target

MAX_MS = 100
MAX_MIB = 64
_GOOD_MS = MAX_MS / 2  # need not be measured again


def milliseconds(target: Target, data: bytes) -> float:
    """Processor time, the least of at most three times."""
    least = float("inf")
    for _ in range(3):
        begun = time.process_time()
        target(data)
        least = min(least, 1000 * (time.process_time() - begun))
        if least < _GOOD_MS:
            break
    return least


def mebibytes(target: Target, data: bytes) -> float:
    """The most memory that was in use at once, the input apart."""
    tracemalloc.start()
    try:
        target(data)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def main(name: str, *files: str) -> None:
    """Measure and print."""
    target = TARGETS[name]
    given = [(file, Path(file).read_bytes()) for file in files] or list(inputs(target))
    target(given[0][1])  # loads what it needs
    slowest, ms = max(((which, milliseconds(target, data)) for which, data in given), key=lambda found: found[1])
    largest, mib = max(((which, mebibytes(target, data)) for which, data in given), key=lambda found: found[1])
    print(json.dumps({"ms": round(ms), "slowest": slowest, "mib": round(mib), "largest": largest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
