"""Enrolment at the collector: a gateway shows that it knows the secret of a code, and its key is known from then on.

The statement is signed with the very key it brings, so a good signature proves only that its sender has that key; who
he is, the code's secret proves. A code works once and until it expires. The same key under a fresh code is no offence;
another key for a known gateway is: a gateway is not taken over by whoever finds a code. A revoked gateway stays so; its
home can enrol a new one, with an id of its own.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.errors import RejectedError
from collector.ingest.verify import REVOKED, STATEMENT, Message
from collector.store import evidence, gateways, statements
from collector.store.statements import Recorded
from evidence import enrolment, statement
from evidence.enrolment import Enrolment
from evidence.errors import EvidenceError
from evidence.keys import PublicKey

REASON = "enrolment"


def is_enrolment(message: Message) -> bool:
    """Whether a message says that it is an enrolment; to be found out before anybody knows its key."""
    if message.leaf_topic != STATEMENT:
        return False
    try:
        return statement.decode(message.envelope.unverified_payload or b"").kind == enrolment.KIND
    except EvidenceError:
        return False


def open_enrolment(message: Message) -> Enrolment:
    """Check form and signature, and that it is about the gateway whose topic it came on.

    Raises:
        RejectedError: It is not.
    """
    try:
        wish = enrolment.open_enrolment(message.body)
    except EvidenceError as error:
        raise RejectedError(error.code, str(error), key_id=message.key_id) from error
    if wish.gateway != message.gateway:
        raise _refused(message, f"an enrolment of gateway {wish.gateway} on another's topic")
    return wish


async def admit(connection: AsyncConnection, message: Message, wish: Enrolment, now: int) -> None:
    """Make the gateway known, in a transaction of `writing`.

    Raises:
        RejectedError: The code does not work, or the gateway is revoked or known by another key.
    """
    code = await gateways.open_code(connection, wish.code, now=now)
    if code is None:
        raise _refused(message, "no such code, or it was used or has expired; make a new one with `gateways code`")
    if not enrolment.proves(wish, code.secret):
        raise _refused(message, "the proof does not fit the code's secret; copy the code again")
    known = await gateways.key_of(connection, wish.gateway)
    if known is not None and known != wish.key.hex():
        raise _refused(message, "this gateway is enrolled with another key; enrol it as a new one")
    if known is not None and await _is_revoked(connection, wish.gateway, now):
        raise RejectedError("key", REVOKED, verified=True, key_id=message.key_id)
    await gateways.use_code(connection, wish.code, wish.gateway, now=now)
    if known is None:
        await gateways.enrol(connection, wish.gateway, PublicKey(wish.key), now=now)


async def _is_revoked(connection: AsyncConnection, gateway: str, now: int) -> bool:
    revoked_at = (await evidence.states(connection, [gateway]))[gateway].revoked_at
    return revoked_at is not None and revoked_at <= now


async def record(connection: AsyncConnection, message: Message, leaf: int, now: int) -> None:
    """Keep the enrolment beside the statements, so that its leaf in the log can be shown."""
    row = Recorded(
        digest=message.digest,
        leaf=leaf,
        kind=enrolment.KIND,
        issuer=f"gateway:{message.gateway}",
        key_id=message.key_id,
        asserted_at=now,
        recorded_at=now,
        model=None,
        device=None,
        document=None,
        fact={"id": message.digest, "kind": enrolment.KIND, "gateway": message.gateway},
        body=message.body,
    )
    await statements.insert(connection, row, ())


def _refused(message: Message, detail: str) -> RejectedError:
    return RejectedError(REASON, detail, key_id=message.key_id)
