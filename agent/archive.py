"""What was answered: each message beside the collector's answer to it.

`kept/` is the buyer's copy, report and receipt, and grows for as long as the gateway lives. `refused/` holds the newest
few hundred refused messages with the signed refusals.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent.disk import Disk

_NAME = re.compile(r"(report|statement)-(\d+)-([0-9a-f]{64})\.cose")


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the collector has answered; `sequence` is 0 where it is no report."""

    leaf: str
    sequence: int
    digest: str
    path: Path


class Archive:
    """One folder of answered messages.

    Args:
        directory: Where.
        answer: What the answers are called, the ending of their files: `receipt`, `refusal`.
        most: How many are kept; None for all.
    """

    def __init__(self, directory: Path, *, answer: str, most: int | None, disk: Disk) -> None:
        self.directory = directory
        self._answer = answer
        self._most = most
        self._disk = disk

    def take(self, path: Path, leaf: str, sequence: int, digest: str, answer: bytes) -> None:
        """Move a message in here, its answer first: a crash between the two leaves it where it was.

        Raises:
            OSError: The disk does not take the answer.
        """
        target = self.directory / f"{leaf}-{sequence:012}-{digest}.cose"
        written = target.with_suffix(f".{self._answer}")
        if written.exists() and written.read_bytes() != answer:
            self._disk.rename(
                written, target.with_suffix(f".earlier-{self._answer}")
            )  # perhaps by a log that forgot it
        self._disk.replace(written, answer)
        self._disk.rename(path, target)
        self._disk.sync(self.directory)
        self._disk.sync(path.parent)
        if self._most is not None:
            self._forget(self._most)

    def answered(self) -> Iterator[Answered]:
        """All messages in here."""
        return answered(self.directory)

    def reports(self, ranges: Sequence[tuple[int, int]]) -> Iterator[Answered]:
        """The reports whose numbers are in these ranges, both ends included."""
        for item in self.answered():
            if item.leaf == "report" and any(first <= item.sequence <= last for first, last in ranges):
                yield item

    def holds(self, digest: str) -> bool:
        """Whether the message of this digest is in here."""
        return any(item.digest == digest for item in self.answered())

    def answer_to(self, digest: str) -> bytes | None:
        """The answer to the message of this digest, None where it is not in here."""
        found = next((item for item in self.answered() if item.digest == digest), None)
        return None if found is None else found.path.with_suffix(f".{self._answer}").read_bytes()

    def read(self, item: Answered) -> bytes | None:
        """The bytes of a message, None where they are not what was signed any more."""
        return read(item.path, item.digest)

    def _forget(self, most: int) -> None:
        by_age = sorted(self.answered(), key=lambda item: item.path.stat().st_mtime_ns)
        for item in by_age[: max(0, len(by_age) - most)]:
            self._disk.remove(item.path)
            self._disk.remove(item.path.with_suffix(f".{self._answer}"))


def answered(directory: Path) -> Iterator[Answered]:
    """All answered messages of a folder, none where it is not there; looks and touches nothing."""
    for path in directory.iterdir() if directory.exists() else ():
        if match := _NAME.fullmatch(path.name):
            yield Answered(leaf=match[1], sequence=int(match[2]), digest=match[3], path=path)


def read(path: Path, digest: str) -> bytes | None:
    """The bytes of a message, None where it has gone or they are not what was signed any more."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == digest else None
