"""The publisher keeps its pace and outlives its sessions, whatever they do; sessions that behave as they are told."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.enrolment import Enrolment
from agent.errors import BrokerError
from agent.publisher import Pace, Session
from tests.agent.post import PATIENT, Post
from tests.world.clock import WORK_S
from tests.world.processes import eventually
from tests.world.witness import Witness


class StillSession:
    """A session that takes everything and answers nothing; what was sent is in `sent`."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, leaf: str, data: bytes) -> None:
        """Take it."""
        assert leaf == "report"
        self.sent.append(data)

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """Nothing, for ever."""
        await asyncio.Event().wait()
        yield "", b""


class BreakingSession:
    """A session that breaks when it is used, else soon."""

    def __init__(self) -> None:
        self.was_used = False

    async def send(self, leaf: str, data: bytes) -> None:  # noqa: ARG002  # the seam's
        """Break."""
        self.was_used = True
        raise BrokerError("the connection broke")

    async def received(self) -> AsyncIterator[tuple[str, bytes]]:
        """Break after a turn of the loop."""
        await asyncio.sleep(0)
        if not self.was_used:
            raise BrokerError("the broker hung up")
        yield "", b""


async def test_no_more_than_a_window_is_on_the_way(tmp_path: Path) -> None:
    """A default Mosquitto drops what is beyond a thousand for an absent collector."""
    session = StillSession()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        yield session

    post = Post(tmp_path, Witness(0), PATIENT, connect)
    sent = post.put(*range(1, 131))
    async with post.open():
        await eventually(lambda: len(session.sent) == 100)
        post.spool.keep(post.spool.entries()[0], b"receipt")
        post.publisher.wake()
        await eventually(lambda: len(session.sent) == 101)
    assert session.sent == sent[:101]


async def test_what_is_never_answered_is_sent_again_however_often_it_was(tmp_path: Path) -> None:
    """A collector may be silent for longer than any delay can double."""
    session = StillSession()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        yield session

    pace = Pace(resend_s=1e-9, resend_most_s=1e-6)
    post = Post(tmp_path, Witness(0), pace, connect)
    post.put(1)
    async with post.open():
        await eventually(lambda: len(session.sent) > 1100)


async def test_the_herd_does_not_come_back_in_step(tmp_path: Path) -> None:
    """Each new attempt waits a random part of a delay that doubles up to a bound."""
    attempts: list[float] = []
    clock = asyncio.get_running_loop().time

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        attempts.append(clock())
        if attempts:
            raise BrokerError("away")
        yield StillSession()

    pace = Pace(reconnect_s=0.02, reconnect_most_s=0.08)
    post = Post(tmp_path, Witness(0), pace, connect)
    async with post.open():
        await eventually(lambda: len(attempts) >= 12)
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert len({round(gap, 4) for gap in gaps}) > 6
    assert max(gaps) < 0.08 + 5 * WORK_S


async def test_a_broken_session_is_followed_by_another(tmp_path: Path) -> None:
    """However often it breaks, on whichever side it shows first."""
    sessions: list[BreakingSession] = []

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        sessions.append(BreakingSession())
        yield sessions[-1]

    post = Post(tmp_path, Witness(0), connect=connect)
    async with post.open():
        await eventually(lambda: len(sessions) >= 2)
        post.put(1)
        await eventually(lambda: len(sessions) >= 4 and sessions[-2].was_used)


async def test_it_ends_though_leaving_the_connection_fails(tmp_path: Path) -> None:
    """A broker that died makes leaving raise; that error must not take the place of the cancellation."""
    connected = asyncio.Event()

    @asynccontextmanager
    async def connect(_enrolment: Enrolment, _gateway: str) -> AsyncIterator[Session]:
        connected.set()
        try:
            yield StillSession()
        finally:
            raise BrokerError("the broker did not answer to DISCONNECT")

    post = Post(tmp_path, Witness(0), connect=connect)
    task = asyncio.create_task(post.publisher.run(post.enrolment))
    await connected.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=30)
    assert done
    assert task.cancelled()
