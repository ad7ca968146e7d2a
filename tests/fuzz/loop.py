"""One target under atheris, until its time is over: `python -m tests.fuzz.loop TARGET SECONDS FOLDER`.

Ends with 0, or with libFuzzer's code where an input came through as a fault; that input is in the folder then. The
input that took longest is kept there too: instrumented code is slow, so it is measured elsewhere.
"""

import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # installed by `make fuzz`, on x86-64 alone

with atheris.instrument_imports(include=["agent", "collector", "evidence"]):
    from tests.fuzz.targets import TARGETS

SLOWEST = "slowest"
FOUND = "found-"


def main(name: str, seconds: str, folder: str) -> None:
    """Fuzz."""
    target, place, longest = TARGETS[name], Path(folder), 0.0
    corpus = place / "corpus"
    corpus.mkdir(parents=True)
    for number, path in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(path.read_bytes()[: target.most])

    def once(data: bytes) -> None:
        nonlocal longest
        begun = time.process_time()
        target(data)
        took = time.process_time() - begun
        if took > longest:
            longest = took
            (place / SLOWEST).write_bytes(data)

    bounds = f"-max_total_time={seconds}", f"-max_len={target.most}", "-timeout=10"
    options = (*bounds, f"-artifact_prefix={place}/{FOUND}")
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
