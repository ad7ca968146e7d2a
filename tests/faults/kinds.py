"""The faults: each a small function in a table, with its share, and what must be there for it.

A fault lasts for a while and then is over: what was killed runs again, the room and the time are back. A fault of one
part waits for an earlier one of the same part; those of different parts overlap. Each says whether it met anything: a
packet to drop, a connection to cut.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.gateway import Gateway
from tests.faults.machine import Clock, Disk
from tests.faults.proxy import Cut, Drop, Duplicate, Proxy, Reorder, Way
from tests.faults.world import World
from tests.world.processes import eventually

PACKET_WITHIN_S = 5.0
BALLAST_WITHIN_S = 5.0
MOST_PACKETS = 5
ROOM = 2**18  # bytes that may be left on a full disk; an agent's ballast is twice that
LONG_S = 4.0
YEARS = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan.

    Attributes:
        kind: Its name in the table.
        gateway: Whom it befalls, where it befalls a gateway.
        pause_s: After the beginning of the one before.
        luck: What its own chances are drawn from.
    """

    kind: str
    gateway: int
    pause_s: float
    luck: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        share: How often, against the others.
        part: What of the world it takes, so that no two take it at once.
        inject: Makes it, and ends it; whether it met anything.
        needs: What the machine must allow: `clock`, `disk`.
    """

    share: int
    part: str
    inject: Callable[[World, Gateway, random.Random], Awaitable[bool]]
    needs: str = ""


async def kill_agent(_world: World, gateway: Gateway, _chance: random.Random) -> bool:
    return await gateway.agent.kill(whole=True)


async def kill_collector(world: World, _gateway: Gateway, chance: random.Random) -> bool:
    """With its workers, or so that they have to notice by themselves."""
    return await world.collector.kill(whole=chance.random() < 0.5)


async def kill_worker(world: World, _gateway: Gateway, chance: random.Random) -> bool:
    workers = world.collector.children()
    with contextlib.suppress(ProcessLookupError):
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            return True
    return False


async def kill_broker(world: World, _gateway: Gateway, _chance: random.Random) -> bool:
    """It comes back with what it knew some seconds ago."""
    await world.broker.kill()
    await world.broker.start()
    return True


async def wipe_broker(world: World, _gateway: Gateway, _chance: random.Random) -> bool:
    await world.broker.kill()
    (world.folder / "mosquitto.db").unlink(missing_ok=True)
    await world.broker.start()
    return True


async def fill_agent(_world: World, gateway: Gateway, chance: random.Random) -> bool:
    """Where it has its ballast: who loses that room to others too must give up reports, and says so."""
    try:
        await eventually(gateway.has_ballast, within_s=BALLAST_WITHIN_S)
    except AssertionError:
        return False
    return await _fill(gateway.disk, chance)


async def fill_collector(world: World, _gateway: Gateway, chance: random.Random) -> bool:
    return await _fill(world.disk, chance)


async def jump_agent(_world: World, gateway: Gateway, chance: random.Random) -> bool:
    return await _jump(gateway.clock, chance)


async def jump_collector(world: World, _gateway: Gateway, chance: random.Random) -> bool:
    return await _jump(world.clock, chance)


async def unplug(_world: World, gateway: Gateway, chance: random.Random) -> bool:
    await gateway.device.unplug()
    await asyncio.sleep(chance.uniform(0, LONG_S))
    gateway.device.plug()
    return True


async def _fill(disk: Disk | None, chance: random.Random) -> bool:
    if disk is None:
        return False
    await asyncio.to_thread(disk.fill, chance.randrange(ROOM))
    try:
        await asyncio.sleep(chance.uniform(0, LONG_S))
    finally:
        disk.free()
    return True


async def _jump(clock: Clock | None, chance: random.Random) -> bool:
    if clock is None:
        return False
    clock.jump(chance.choice((-YEARS, YEARS)))
    try:
        await asyncio.sleep(chance.uniform(0, LONG_S))
    finally:
        clock.jump(0)
    return True


async def _drop(wire: Proxy, chance: random.Random) -> bool:
    return await wire.spoil(Drop(chance.choice(list(Way)), chance.randint(1, MOST_PACKETS)), PACKET_WITHIN_S)


async def _duplicate(wire: Proxy, chance: random.Random) -> bool:
    return await wire.spoil(Duplicate(chance.choice(list(Way)), chance.randint(1, MOST_PACKETS)), PACKET_WITHIN_S)


async def _reorder(wire: Proxy, chance: random.Random) -> bool:
    """Receipts or reports that are delivered; an agent itself has but one on the wire."""
    return await wire.spoil(Reorder(Way.TO_CLIENT, chance.randint(2, MOST_PACKETS)), PACKET_WITHIN_S)


async def _cut(wire: Proxy, chance: random.Random) -> bool:
    return await wire.spoil(Cut(chance.choice(list(Way)), 1), PACKET_WITHIN_S)


async def _hold(wire: Proxy, chance: random.Random) -> bool:
    """What is held comes late, or the wire breaks after all."""
    met = await wire.hold(chance.uniform(0, LONG_S))
    if chance.random() < 0.5:
        wire.cut()
    return met


KINDS: dict[str, Kind] = {
    "agent killed": Kind(80, "agent", kill_agent),
    "collector killed": Kind(12, "collector", kill_collector),
    "worker killed": Kind(20, "collector", kill_worker),
    "broker killed": Kind(15, "broker", kill_broker),
    "broker wiped": Kind(15, "broker", wipe_broker),
    "agent's disk full": Kind(60, "disk", fill_agent, "disk"),
    "collector's disk full": Kind(10, "collector's disk", fill_collector, "disk"),
    "agent's clock jumps": Kind(60, "clock", jump_agent, "clock"),
    "collector's clock jumps": Kind(10, "collector's clock", jump_collector, "clock"),
    "line unplugged": Kind(118, "line", unplug),
}
_Spoil = Callable[[Proxy, random.Random], Awaitable[bool]]
_SPOILED: dict[str, tuple[int, _Spoil]] = {
    "cut": (130, _cut),
    "packets dropped": (110, _drop),
    "packets doubled": (80, _duplicate),
    "packets reordered": (80, _reorder),
    "held": (80, _hold),
}


def _at_gateway(spoil: _Spoil, share: int) -> Kind:
    return Kind(share, "wire", lambda _world, gateway, chance: spoil(gateway.wire, chance))


def _at_collector(spoil: _Spoil, share: int) -> Kind:
    return Kind(share // 4, "collector's wire", lambda world, _gateway, chance: spoil(world.wire, chance))


KINDS |= {f"agent's wire: {name}": _at_gateway(spoil, share) for name, (share, spoil) in _SPOILED.items()}
KINDS |= {f"collector's wire: {name}": _at_collector(spoil, share) for name, (share, spoil) in _SPOILED.items()}
PER_GATEWAY = frozenset({"agent", "disk", "clock", "line", "wire"})


def plan(seed: int, count: int, gateways: int, pause_s: float, allowed: frozenset[str]) -> list[Fault]:
    """The faults of a run: the same for the same arguments.

    Args:
        seed: Of all chances.
        count: How many faults.
        gateways: How many gateways there are.
        pause_s: Between two, on average.
        allowed: What the machine allows: `clock`, `disk`.
    """
    chance = random.Random(seed)
    names = [name for name, kind in KINDS.items() if not kind.needs or kind.needs in allowed]
    shares = [KINDS[name].share for name in names]
    return [
        Fault(
            kind=kind,
            gateway=chance.randrange(gateways),
            pause_s=chance.expovariate(1 / pause_s),
            luck=chance.getrandbits(64),
        )
        for kind in chance.choices(names, shares, k=count)
    ]


async def inject(world: World, fault: Fault) -> bool:
    """Make a fault, as soon as the part that it takes is free; whether it met anything."""
    kind = KINDS[fault.kind]
    part = f"{kind.part} {fault.gateway}" if kind.part in PER_GATEWAY else kind.part
    async with world.lock(part):
        return await kind.inject(world, world.gateways[fault.gateway], random.Random(fault.luck))
