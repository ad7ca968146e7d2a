"""What must hold of a history, whatever befell the world. Pure: a history in, what is wrong with it out.

1. Nothing lost: each number up to a gateway's last is that of a report it signed, and each report that was signed is
   receipted, refused, or still in the spool.
2. Each number stands for one report.
3. Each receipt is true: the report is in the log at the place that the receipt names, there only, and in the register.
4. Nothing forged: all that the log holds somebody signed.
5. What was refused is not on record; no verdict rests on what was rejected, or on what is not on record.
6. The collector's own audit finds nothing, and no process ended or complained as it should not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tests.faults.history import History, Report


class Wrong(NamedTuple):
    """Something that must not be; `number` is 0 where it is about no one report."""

    rule: str
    gateway: str
    number: int
    what: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.rule}: {self.gateway or '-'} number {self.number or '-'}: {self.what}"


def check(history: History) -> list[Wrong]:
    """All that is wrong with a history."""
    return [
        *_lost(history),
        *_numbers(history),
        *_receipts(history),
        *_forged(history),
        *_judged(history),
        *(Wrong("audit", "", 0, finding) for finding in history.findings),
        *(Wrong("process", "", 0, stumble) for stumble in history.stumbles),
    ]


def _lost(history: History) -> Iterator[Wrong]:
    held = history.filed | history.refused | history.waiting
    for made in sorted(history.signed):
        if made.digest not in held:
            yield _wrong("lost", made, "neither receipted nor refused nor in the spool")
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for made in history.signed:
        numbers[made.gateway].add(made.sequence)
    for gateway, last in sorted(history.last.items()):
        for number in sorted({*range(1, last + 1)} - numbers[gateway]):
            yield Wrong("lost", gateway, number, f"the gateway has signed up to {last}, but nobody has seen this one")
    for place, count in sorted(history.given_up.items()):
        yield Wrong("lost", place, 0, f"{count} given up by the spool")


def _numbers(history: History) -> Iterator[Wrong]:
    used: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for made in [*history.signed, *(made for made, _ in history.recorded)]:
        used[made.gateway, made.sequence].add(made.digest)
    for (gateway, number), digests in sorted(used.items()):
        if len(digests) > 1:
            yield Wrong("number", gateway, number, f"stands for {len(digests)} reports: {', '.join(sorted(digests))}")


def _receipts(history: History) -> Iterator[Wrong]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, digest in enumerate(history.leaves):
        places[digest].append(place)
    rows = Counter(made.digest for made, _ in history.recorded)
    for made, leaf in history.recorded:
        if places[made.digest] != [leaf]:
            yield _wrong("log", made, f"its row names leaf {leaf}, and it is in the log at {places[made.digest]}")
    for made in sorted(history.signed):
        receipted = history.receipted.get(made.digest, set())
        if receipted and places[made.digest] != sorted(receipted):
            where = places[made.digest]
            yield _wrong("receipt", made, f"receipted at leaf {sorted(receipted)}, and in the log at {where}")
        if receipted and rows[made.digest] != 1:
            yield _wrong("receipt", made, f"receipted, and {rows[made.digest]} times in the register")


def _forged(history: History) -> Iterator[Wrong]:
    signed = {made.digest for made in history.signed} | history.known
    for place, digest in enumerate(history.leaves):
        if digest not in signed:
            yield Wrong("forged", "", 0, f"leaf {place} is {digest}, which nobody has signed")


def _judged(history: History) -> Iterator[Wrong]:
    recorded = {made.digest: made for made, _ in history.recorded}
    refused = history.refused | history.rejected
    for digest in sorted(refused & recorded.keys()):
        yield _wrong("refused", recorded[digest], "refused, and on record all the same")
    for device, digest in sorted(history.judged):
        if digest in refused or digest not in recorded:
            what = "was rejected" if digest in refused else "is not on record"
            yield Wrong("verdict", device, 0, f"rests on {digest}, which {what}")
    for device in sorted(history.claims_of_rejected):
        yield Wrong("verdict", device, 0, "the judge was told what a rejected report claims")


def _wrong(rule: str, made: Report, what: str) -> Wrong:
    return Wrong(rule, made.gateway, made.sequence, f"{what} ({made.digest})")
