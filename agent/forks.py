"""Whether the collector's log still is the one that it receipted: evidence/README.md, Consistency.

- The newest head that a receipt showed is kept. A report names it once a week, at once when in doubt, and when an
  earlier report waits for its answer: a collector that was away may come back with another log, and what waited would
  carry it past the head before anybody looked. The receipt of that report decides: it continues the head, or it is a
  fork. In doubt the head stays until then.
- A doubt is no fork: a receipt over fewer leaves that was signed later (or came late, past a clock that was set), or a
  request for numbers that this gateway holds receipts for.
- A fork is never silent. It is logged, counted, shown by `status` and told to the new log by the report that named the
  lost head. What the new log lacks is sent again: every statement, and reports whose leaf was at or above the size that
  the collector shows as restored, else the place of the report that told; for others it asks by number. The old
  receipts stay in `kept` as `.earlier-receipt`: they are the evidence.
"""

import logging
from collections.abc import Callable, Collection, Iterator

import msgspec

from agent.archive import Answered
from agent.spool import Kind, Spool
from agent.state import Fork, Head, Remembered, State
from evidence import cose, report
from evidence.errors import EvidenceError
from evidence.keys import PublicKey
from evidence.receipt import Receipt, open_receipt
from evidence.report import SeenHead

log = logging.getLogger(__name__)

_NAMED_EVERY_S = 7 * 86_400  # a head costs 60 bytes, and its proof a collector as much as a signature


def head_to_name(state: State, now: int, unanswered: Collection[int] = ()) -> SeenHead | None:
    """The head that the next report names; None where it need not.

    Args:
        state: What is remembered.
        now: Unix seconds.
        unanswered: The numbers of the reports that wait; one of them that names it is enough.
    """
    if state.head is None:
        return None
    is_due = state.named_at is None or not 0 <= now - state.named_at < _NAMED_EVERY_S
    is_away = bool(unanswered) and state.named_by not in unanswered
    return _seen(state.head) if is_due or is_away or state.doubt else None


def named_in(data: bytes | None) -> tuple[int, SeenHead | None]:
    """Number and named head of a report of our own; 0 where these bytes are none."""
    try:
        made = report.decode(cose.parse(data or b"", report.MESSAGE_TYPE).unverified_payload or b"")
    except EvidenceError:
        return 0, None
    return made.sequence, made.head


class LogWatch:
    """Follows one log by its receipts.

    Args:
        spool: Where what the log lost is put again.
        remembered: Where head, doubt and fork are kept.
        on_doubt: Called when a report is wanted that names the head.
    """

    def __init__(self, spool: Spool, remembered: Remembered, on_doubt: Callable[[], None]) -> None:
        self._spool = spool
        self._remembered = remembered
        self._on_doubt = on_doubt

    def doubt(self, why: str) -> None:
        """Let there be a report soon that names the head; later ones name it too, until one of them is answered."""
        if not self._remembered.state.doubt and self._remembered.state.head is not None:
            log.warning("log_doubted reason=%s", why)
            self._remembered.update(doubt=why, inventory=None)
            self._on_doubt()

    def take(self, receipt: Receipt, answered: bytes | None, key: PublicKey) -> None:
        """Follow a checked receipt.

        Args:
            receipt: What it says.
            answered: The bytes that it is for.
            key: The collector's.

        Raises:
            SpoolError: What the log lost cannot be put into the spool.
            StateError: It cannot be remembered.
        """
        state = self._remembered.state
        head = Head(log=receipt.log, size=receipt.size, root=receipt.root.hex(), signed_at=receipt.signed_at)
        if state.head is None or state.head.log != head.log:
            self._remembered.update(head=head, doubt=None, receipted_at=head.signed_at)
            return
        sequence, named = named_in(answered)
        if named is not None and named.log == head.log and sequence > (state.fork.sequence if state.fork else 0):
            self._compare(named, receipt, head, key)
        elif head.size == state.head.size and head.root != state.head.root:
            self._note_fork(_seen(state.head), head.signed_at)
            self.doubt("two_roots")
        elif head.size < state.head.size and head.signed_at > state.head.signed_at:
            self.doubt("shrunk")
        elif head.size > state.head.size and not state.doubt:
            self._remembered.update(head=head)
        self._remembered.update(receipted_at=head.signed_at)

    def _compare(self, named: SeenHead, receipt: Receipt, head: Head, key: PublicKey) -> None:
        """Let the receipt of a report that named a head decide."""
        earlier = receipt.earlier
        if receipt.index < named.size or (
            earlier is not None and earlier.size == named.size and earlier.root != named.root
        ):
            fork = self._note_fork(named, head.signed_at)
            self._send_again(receipt, receipt.index if earlier is None else min(receipt.index, earlier.size), key)
            told = msgspec.structs.replace(fork, sequence=self._remembered.state.sequence)
            self._remembered.update(head=head, doubt=None, fork=told)
        elif earlier is not None and earlier.size == named.size:
            known = self._remembered.state.head
            self._remembered.update(doubt=None, head=head if known is None or head.size > known.size else known)
        else:
            self.doubt("no_proof")

    def _note_fork(self, lost: SeenHead, noticed_at: int) -> Fork:
        known = self._remembered.state.fork
        fork = Fork(size=lost.size, root=lost.root.hex(), noticed_at=noticed_at)
        if known is not None and (known.size, known.root) == (fork.size, fork.root):
            return known
        log.error("log_forked log=%s size=%d: the collector lost or changed what it receipted", lost.log, lost.size)
        self._remembered.count("forks")
        self._remembered.update(fork=fork)
        return fork

    def _send_again(self, receipt: Receipt, floor: int, key: PublicKey) -> None:
        count = 0
        for item in self._lost(receipt, floor, key):
            data = self._spool.kept.read(item)
            if data is not None:
                kind = Kind.STATEMENT if item.leaf == "statement" else Kind.WHOLE
                self._spool.put(kind, data, now=receipt.signed_at, sequence=item.sequence)
                count += 1
        log.warning("sent_again messages=%d", count)

    def _lost(self, receipt: Receipt, floor: int, key: PublicKey) -> Iterator[Answered]:
        """What the new history may lack, oldest first."""
        kept = [item for item in self._spool.kept.answered() if item.digest != receipt.digest.hex()]
        reports: list[Answered] = []
        for item in sorted((item for item in kept if item.leaf == "report"), key=lambda item: -item.sequence):
            old = _old_receipt(item, key)
            if old is not None and old.index < floor:
                break
            reports.append(item)
        yield from (item for item in kept if item.leaf == "statement")
        yield from reversed(reports)


def _old_receipt(item: Answered, key: PublicKey) -> Receipt | None:
    try:
        return open_receipt(item.path.with_suffix(".receipt").read_bytes(), key)
    except (OSError, EvidenceError):
        return None


def _seen(head: Head) -> SeenHead:
    return SeenHead(log=head.log, size=head.size, root=bytes.fromhex(head.root))
