"""Input that is made to cost: it is refused, in bounded time and memory, whoever signed it."""

import subprocess
import sys
import time

import pytest

from evidence import cbor, cose, report
from evidence.errors import EvidenceError
from evidence.limits import MAX_DEPTH, MAX_ITEMS, MAX_MESSAGE_BYTES
from firmware_fixtures.evidence import forge
from tests.evidence.openers import open_report

ROOM = MAX_MESSAGE_BYTES - 300
SECONDS = 2.0  # of processor time, where the slowest takes a tenth of one


def array(item: bytes) -> bytes:
    """As many times an encoded item as fits."""
    count = ROOM // len(item)
    return forge.head(4, count) + item * count


# What fills a message, and the code where an enrolled gateway has signed it.
BULK = {
    "empty arrays": (array(b"\x80"), "too_large"),
    "empty maps": (array(b"\xa0"), "too_large"),
    "small integers": (array(b"\x00"), "too_large"),
    "short texts": (array(b"\x61a"), "too_large"),
    "deep arrays": (array(b"\x81" * (MAX_DEPTH - 3) + b"\x80"), "too_large"),
    "small maps": (array(b"\xa1\x00\x00"), "too_large"),
    "a map of many integers": (forge.dump(dict.fromkeys(range(40_000), 0)), "claim"),
    "a map of integers that share their low bits": (
        forge.dump({(number << 44) | (1 << 62): 0 for number in range(26_000)}),
        "claim",
    ),
    "a map of many texts": (forge.dump({f"{number:05}": 0 for number in range(37_000)}), "claim"),
    "one long text": (forge.dump("x" * ROOM), "claim"),
    "a nest": (b"\x81" * ROOM + b"\x00", "too_large"),
    "a nest of tags": (b"\xc1" * ROOM + b"\x00", "malformed"),
    "a nest of map keys": (b"\xa1" * ROOM, "too_large"),
    "array heads that promise much": (b"\x9a\x7f\xff\xff\xff" * (ROOM // 5), "too_large"),
}


def refusal(data: bytes) -> tuple[str, float]:
    """The code, and the processor time that it took."""
    start = time.process_time()
    with pytest.raises(EvidenceError) as refused:
        open_report(data, forge.KEY.public)
    return refused.value.code, time.process_time() - start


@pytest.mark.parametrize(("bulk", "code"), BULK.values(), ids=BULK)
def test_bulk_from_an_enrolled_gateway(bulk: bytes, code: str) -> None:
    """A payload whose signature fits is still refused soon."""
    data = forge.signed(forge.Raw(b"\xa1\x3a\x00\x01\x38\x7f" + bulk))
    assert len(data) <= MAX_MESSAGE_BYTES
    found, seconds = refusal(data)
    assert found == code
    assert seconds < SECONDS


@pytest.mark.parametrize("bulk", [bulk for bulk, _ in BULK.values()], ids=BULK)
def test_bulk_from_a_stranger(bulk: bytes) -> None:
    """The same in place of the unprotected header is refused before any signature is looked at."""
    protected = forge.dump(forge.dump(forge.header()))
    found, seconds = refusal(b"\xd2\x84" + protected + bulk + b"\x40" + forge.dump(bytes(64)))
    assert found in ("malformed", "too_large")
    assert seconds < SECONDS


def test_a_message_beyond_the_limit_is_not_looked_at() -> None:
    """The size is checked before the first byte."""
    with pytest.raises(EvidenceError) as refused:
        cose.parse(b"\xff" * (MAX_MESSAGE_BYTES + 1), report.MESSAGE_TYPE)
    assert refused.value.code == "too_large"


def test_the_number_of_items_is_exact() -> None:
    """The last item that is allowed is, and one more is not, wherever they stand."""
    half = [0] * (MAX_ITEMS // 2 - 1)
    fits = [half, half]
    data = forge.dump(fits)
    assert cbor.decode(data, len(data)) == fits
    with pytest.raises(EvidenceError):
        cbor.encode([*fits, 0])


_PROMISES = """
import resource
from evidence import cbor
from evidence.errors import EvidenceError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for major in range(2, 6):
    for promise in ("1a7fffffff", "1b0000007fffffffff", "1bffffffffffffffff"):
        argument = bytes.fromhex(promise)
        head = bytes([argument[0] | major << 5]) + argument[1:]
        for data in (head, head + bytes(1000), b"\\x82" + head):
            try:
                cbor.decode(data, 2000)
            except EvidenceError:
                continue
            raise SystemExit(f"accepted {data[:20].hex()}")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_lengths_that_are_only_promised_take_no_memory() -> None:
    """Heads that announce gigabytes are refused at the end of what is there."""
    done = subprocess.run([sys.executable, "-c", _PROMISES], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 8 * 1024  # KiB
