"""One round over all sources: for each device a reading or a read failure, and nothing stops the others.

- Sources are read at the same time, each within its reader's `LIMIT_S`; those that share a serial port take turns.
- A source that fails as a whole puts its failure on the devices that it knew in its last good round. One that lists
  nobody (`LISTS = False`) puts silence on those that it does not hear again; one that could not read a list, the
  failure of that list.
- One physical device is one entry: the nearest reading wins, ids are united, a version that the nearest does not state
  comes from the next. A reading stands over failures of other sources, unless it is hearsay (distance 2 or more) and a
  nearer source failed: what a broker retains outlives the device. The order of sources never matters.
"""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from agent.config import Source
from agent.errors import LinkError
from agent.readers import ReadFailure, Reading
from evidence.report import Result

log = logging.getLogger(__name__)

# From the failure that says most to the one that says least.
_TELLING = (Result.REFUSED, Result.PARSE_FAILED, Result.UNREACHABLE)
_HEARSAY = 2  # the distance of who was told


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What one source had to say about one device.

    Attributes:
        reader: The reader's name.
        read_at: Unix seconds by the gateway's clock.
        outcome: The reading or the failure.
    """

    reader: str
    read_at: int
    outcome: Reading | ReadFailure


class SourceFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A source that failed as a whole.

    Attributes:
        source: Its place in the configuration, `read[0]`.
        reader: The reader's name.
        result: As of a device.
        reason: A stable word.
        detail: For the household.
    """

    source: str
    reader: str
    result: Result
    reason: str
    detail: str


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one pass.

    Attributes:
        devices: One observation for each physical device, sorted by identity.
        failures: Sources that failed as a whole.
        known: The identities that each source knows now, to be handed to the next round.
    """

    devices: tuple[Observation, ...]
    failures: tuple[SourceFailure, ...]
    known: dict[str, tuple[str, ...]]


async def survey(
    sources: Sequence[Source],
    known: Mapping[str, Sequence[str]],
    clock: Callable[[], int],
    progress: Callable[[], None] = lambda: None,
) -> Round:
    """Read every source once.

    Args:
        sources: What to read.
        known: The identities that each source knew, by its key.
        clock: Unix seconds.
        progress: Called each time that a source is done.
    """
    turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_in_turn(source: Source) -> tuple[Observation, ...] | SourceFailure:
        async with turns[_serial_port(source) or source.path]:
            result = await _read(source, clock)
        progress()
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read_in_turn(source), name=f"read {source.path}") for source in sources]
    results = [(source, task.result()) for source, task in zip(sources, tasks, strict=True)]

    observations: list[Observation] = []
    knows: dict[str, tuple[str, ...]] = {}
    for source, result in results:
        if isinstance(result, SourceFailure):
            knows[source.key] = tuple(known.get(source.key, ()))
            observations += _spread(source, result, knows[source.key], clock())
        else:
            heard = {item.outcome.identity for item in result}
            hidden = _hidden(source, result)
            unheard = sorted(set(known.get(source.key, ())) - heard) if hidden else []
            knows[source.key] = tuple(sorted({*heard, *unheard}))
            observations += [*result, *(_spread(source, hidden, unheard, clock()) if hidden else ())]
    failures = tuple(result for _, result in results if isinstance(result, SourceFailure))
    return Round(devices=merge(observations), failures=failures, known=knows)


def merge(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """One observation for each device, sorted by identity, whatever the order they come in."""
    by_identity: defaultdict[str, list[Observation]] = defaultdict(list)
    for item in observations:
        by_identity[item.outcome.identity].append(item)
    return tuple(_merge_device(by_identity[identity]) for identity in sorted(by_identity))


def _serial_port(source: Source) -> str | None:
    port = getattr(source.settings, "port", None)
    # A TCP port is a number; a serial port is a path, and it may have several.
    return os.path.realpath(port) if isinstance(port, str) else None


async def _read(source: Source, clock: Callable[[], int]) -> tuple[Observation, ...] | SourceFailure:
    try:
        async with asyncio.timeout(source.reader.LIMIT_S):
            outcomes = await source.reader.read(source.settings)
        return tuple(Observation(reader=source.name, read_at=clock(), outcome=outcome) for outcome in outcomes)
    except LinkError as error:
        return _failure(source, error.result, error.reason, str(error))
    except TimeoutError:
        return _failure(source, Result.UNREACHABLE, "timeout", f"no end within {source.reader.LIMIT_S} s")
    except Exception as error:  # one reader's fault must not cost the readings of all others
        log.exception("reader_error source=%s reader=%s", source.path, source.name)
        return _failure(source, Result.PARSE_FAILED, "reader_error", f"{type(error).__name__}: {error}")


def _failure(source: Source, result: Result, reason: str, detail: str) -> SourceFailure:
    return SourceFailure(source=source.path, reader=source.name, result=result, reason=reason, detail=detail)


def _hidden(source: Source, heard: Sequence[Observation]) -> SourceFailure | None:
    """Why a device that this source knew may be there though it is not heard; None where it is gone."""
    for item in heard:
        if isinstance(item.outcome, ReadFailure) and item.outcome.hides:
            return _failure(source, item.outcome.result, item.outcome.reason, item.outcome.detail)
    if getattr(source.reader, "LISTS", True):
        return None
    return _failure(source, Result.UNREACHABLE, "silent", "it was heard before, and is not heard now")


def _spread(source: Source, failure: SourceFailure, identities: Sequence[str], now: int) -> list[Observation]:
    failed = ReadFailure(
        identity="",
        distance=getattr(source.reader, "DISTANCE", 0),
        result=failure.result,
        reason=failure.reason,
        detail=failure.detail,
    )
    return [
        Observation(reader=source.name, read_at=now, outcome=msgspec.structs.replace(failed, identity=identity))
        for identity in identities
    ]


def _merge_device(items: Sequence[Observation]) -> Observation:
    ordered = sorted(items, key=_order)
    readings = [(item, item.outcome) for item in ordered if isinstance(item.outcome, Reading)]
    failed = next((item for item in ordered if isinstance(item.outcome, ReadFailure)), None)
    if failed and (not readings or failed.outcome.distance < readings[0][1].distance >= _HEARSAY):
        return failed
    nearest, first = readings[0]
    stating = next((reading for _, reading in readings if reading.version_raw is not None), first)
    offering = next((reading for _, reading in readings if reading.offer is not None), first)
    merged = msgspec.structs.replace(
        first,
        name=_first(reading.name for _, reading in readings),
        ids=tuple(sorted({model_id for _, reading in readings for model_id in reading.ids})),
        # What belongs to one version stays together: a scheme says nothing about another source's numbers.
        version_raw=stating.version_raw,
        version_alt=stating.version_alt,
        scheme=stating.scheme,
        image_digest=stating.image_digest,
        hardware=_first(reading.hardware for _, reading in readings),
        hardware_revision=_first(reading.hardware_revision for _, reading in readings),
        offer=offering.offer,
        offer_state=offering.offer_state,
    )
    return Observation(reader=nearest.reader, read_at=nearest.read_at, outcome=merged)


def _order(item: Observation) -> tuple[Any, ...]:
    """Nearest and most telling first; the rest only makes the order the same on every run."""
    outcome = item.outcome
    telling = _TELLING.index(outcome.result) if isinstance(outcome, ReadFailure) else 0
    return outcome.distance, telling, item.reader, msgspec.json.encode(item.outcome), item.read_at


def _first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)
