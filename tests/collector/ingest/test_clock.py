"""When the collector believes its clock."""

from pathlib import Path

import pytest

from collector.errors import ClockError
from collector.ingest.clock import SETTLED_S, STEP_S, Clock, Memory

NOW = 1_795_300_000
TEN_YEARS = 10 * 365 * 86_400


class Machine:
    """A clock that can be set, beside one that cannot."""

    def __init__(self) -> None:
        self.wall = float(NOW)
        self.steady = 1_000.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self, newest: int | None = None, memory: Memory | None = None) -> Clock:
        return Clock(newest, memory, wall=lambda: self.wall, steady=lambda: self.steady)


def boot(folder: Path, name: str) -> Memory:
    """What is remembered in one boot of the machine."""
    (folder / name).write_text(f"{name}\n")
    return Memory(folder / "clock.json", folder / name)


def fault(clock: Clock) -> str | None:
    try:
        clock()
    except ClockError as error:
        return error.fault
    return None


def test_time_that_passes_is_believed() -> None:
    """A year without a message too."""
    machine = Machine()
    clock = machine.clock(NOW)
    assert clock() == NOW
    machine.passes(TEN_YEARS)
    assert clock() == NOW + TEN_YEARS


@pytest.mark.parametrize("step", [TEN_YEARS, -TEN_YEARS, STEP_S + 1, -STEP_S - 1])
def test_a_clock_that_is_set_is_believed_when_it_is_back(step: int) -> None:
    """And not before."""
    machine = Machine()
    clock = machine.clock()
    clock()
    machine.wall += step
    assert fault(clock) == "set"
    machine.wall -= step
    assert clock() == NOW


@pytest.mark.parametrize("step", [STEP_S, -STEP_S, 1, 0.3])
def test_small_steps_are_followed(step: float) -> None:
    """As a time service makes them, again and again."""
    machine = Machine()
    clock = machine.clock()
    for _ in range(100):
        machine.wall += step
        assert clock() == int(machine.wall)


def test_a_clock_that_stays_as_it_was_set_was_put_right() -> None:
    """Ten minutes, counted from the last time that it was set."""
    machine = Machine()
    clock = machine.clock()
    clock()
    machine.wall += TEN_YEARS
    assert fault(clock) == "set"
    machine.passes(SETTLED_S - 1)
    assert fault(clock) == "set"
    machine.wall += TEN_YEARS
    assert fault(clock) == "set"
    machine.passes(SETTLED_S - 1)
    assert fault(clock) == "set"
    machine.passes(1)
    assert clock() == int(machine.wall)


def test_a_machine_that_wakes_up_in_the_past_waits_for_the_time() -> None:
    """However far ahead the right time is of the newest entry."""
    machine = Machine()
    clock = machine.clock(NOW + STEP_S + 1)
    assert fault(clock) == "behind"
    machine.wall += TEN_YEARS
    assert clock() == NOW + TEN_YEARS


def test_a_log_with_an_entry_of_the_future_does_not_stop_the_register_for_good() -> None:
    """Somebody's clock was wrong for long enough to be believed."""
    machine = Machine()
    clock = machine.clock(NOW + TEN_YEARS)
    assert fault(clock) == "behind"
    machine.passes(SETTLED_S)
    assert clock() == NOW + SETTLED_S


@pytest.mark.parametrize("step", [TEN_YEARS, -TEN_YEARS])
def test_who_starts_under_a_clock_that_was_set_knows_it(tmp_path: Path, step: int) -> None:
    """From those who ran before; and it is believed when it is back."""
    machine = Machine()
    machine.clock(memory=boot(tmp_path, "first"))()
    machine.passes(3600)
    machine.wall += step
    late = machine.clock(newest=NOW, memory=boot(tmp_path, "first"))
    assert fault(late) == "set"
    machine.wall -= step
    assert late() == NOW + 3600


def test_another_boot_remembers_nothing(tmp_path: Path) -> None:
    """The seconds since it are others."""
    machine = Machine()
    machine.clock(memory=boot(tmp_path, "first"))()
    machine.passes(TEN_YEARS)
    machine.steady = 10.0
    assert machine.clock(newest=NOW, memory=boot(tmp_path, "second"))() == NOW + TEN_YEARS


def test_a_clock_that_was_put_right_is_told_on(tmp_path: Path) -> None:
    """Whoever starts later believes it at once."""
    machine = Machine()
    clock = machine.clock(memory=boot(tmp_path, "first"))
    clock()
    machine.wall += TEN_YEARS
    assert fault(clock) == "set"
    machine.passes(SETTLED_S)
    clock()
    assert machine.clock(newest=NOW, memory=boot(tmp_path, "first"))() == int(machine.wall)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"boot": "first", "offset": "x"}'])
def test_a_damaged_memory_is_none(tmp_path: Path, damage: bytes) -> None:
    """The newest entry of the log has to do."""
    (tmp_path / "clock.json").write_bytes(damage)
    assert Machine().clock(newest=NOW, memory=boot(tmp_path, "first"))() == NOW


def test_a_machine_that_does_not_name_its_boot_remembers_nothing(tmp_path: Path) -> None:
    """As in a sandbox without /proc/sys."""
    memory = Memory(tmp_path / "clock.json", tmp_path / "absent")
    Machine().clock(memory=memory)()
    assert not (tmp_path / "clock.json").exists()
    assert memory.load() is None
