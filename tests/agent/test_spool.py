"""What waits, in which order it leaves, and what goes first when there is no room."""

import os
from pathlib import Path

import pytest

from agent.archive import Archive
from agent.disk import Disk
from agent.errors import SpoolError
from agent.spool import Kind, Spool
from tests.world.disks import DAY_S, SmallDisk, fill_up, open_spool

START = 1_800_000_000


def held(spool: Spool) -> list[bytes | None]:
    return [spool.read(entry) for entry in spool.entries()]


def fill(spool: Spool, *kinds: Kind) -> None:
    """Put one message of each kind, a day apart, each with its place as content."""
    for place, kind in enumerate(kinds):
        spool.put(kind, str(place).encode(), now=START + place * DAY_S, sequence=place + 1)


def test_messages_leave_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Also over a restart, and whatever their kinds."""
    spool = open_spool(tmp_path)
    fill(spool, Kind.STATEMENT, Kind.WHOLE, Kind.UNCHANGED)
    again = open_spool(tmp_path)
    again.put(Kind.STATEMENT, b"3", now=START)
    assert held(again) == [b"0", b"1", b"2", b"3"]


def test_the_same_bytes_wait_once(tmp_path: Path) -> None:
    """So that a statement repeated after a crash is one message."""
    spool = open_spool(tmp_path)
    spool.put(Kind.STATEMENT, b"once", now=START)
    spool.put(Kind.STATEMENT, b"once", now=START + 1)
    assert held(spool) == [b"once"]


def test_a_message_with_its_receipt_is_kept_for_the_buyer(tmp_path: Path) -> None:
    """Both files, readable by their owner only, and gone from what waits."""
    spool = open_spool(tmp_path)
    fill(spool, Kind.WHOLE)
    spool.keep(spool.entries()[0], b"receipt")
    report, receipt = sorted((tmp_path / "kept").iterdir())
    assert (report.read_bytes(), receipt.read_bytes()) == (b"0", b"receipt")
    assert {file.stat().st_mode & 0o777 for file in (report, receipt)} == {0o600}
    assert held(spool) == []
    assert spool.last_signed()[0] == 1


def test_only_the_newest_refused_messages_are_kept(tmp_path: Path) -> None:
    """A collector that refuses for ever cannot fill the disk."""
    refused = Archive(tmp_path, answer="refusal", most=2, disk=Disk())
    for number in range(1, 5):
        message = tmp_path / "message"
        message.write_bytes(b"refused")
        os.utime(message, (START + number, START + number))
        refused.take(message, "report", number, f"{number:064x}", b"refusal")
    assert sorted(item.sequence for item in refused.answered()) == [3, 4]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("blocks", "kinds", "left"),
    [
        pytest.param(3, "www", "012", id="what fits stays"),
        pytest.param(2, "www", "12", id="the oldest report goes first"),
        pytest.param(2, "wuw", "02", id="a report without devices goes before any with devices"),
        pytest.param(2, "wwuu", "13", id="then the oldest with devices"),
        pytest.param(1, "sww", "02", id="a statement never goes"),
        pytest.param(1, "sss", "012", id="not even beyond the bound"),
    ],
)
def test_a_full_spool_lets_the_least_go_first(tmp_path: Path, blocks: int, kinds: str, left: str) -> None:
    """The stated policy, and each loss is counted."""
    words = {"s": Kind.STATEMENT, "w": Kind.WHOLE, "u": Kind.UNCHANGED}
    spool = open_spool(tmp_path, blocks=blocks)
    fill(spool, *(words[letter] for letter in kinds))
    assert held(spool) == [letter.encode() for letter in left]
    assert spool.losses().get("full", 0) == len(kinds) - len(left)


def test_a_message_that_was_too_long_on_the_way_goes(tmp_path: Path) -> None:
    """Age is counted in days that the spool lived through."""
    spool = open_spool(tmp_path, days=5)
    fill(spool, *[Kind.UNCHANGED] * 8)
    spool.trim(START + 7 * DAY_S)
    assert held(spool) == [b"2", b"3", b"4", b"5", b"6", b"7"]
    assert spool.losses() == {"age": 2}


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_that_jumps_throws_nothing_away(tmp_path: Path, years: int) -> None:
    """Ten years ahead or back are one step, not an age."""
    spool = open_spool(tmp_path, days=30)
    fill(spool, *[Kind.UNCHANGED] * 3)
    jumped = START + years * 365 * DAY_S
    spool.put(Kind.UNCHANGED, b"after", now=jumped, sequence=4)
    spool.trim(jumped + 60)
    assert held(spool) == [b"0", b"1", b"2", b"after"]


def test_a_file_that_was_cut_is_set_aside_and_counted(tmp_path: Path) -> None:
    """It is never sent, and never forgotten either."""
    spool = open_spool(tmp_path)
    fill(spool, Kind.WHOLE, Kind.WHOLE)
    spool.entries()[0].path.write_bytes(b"")
    assert held(spool) == [None, b"1"]
    assert held(spool) == [b"1"]
    assert spool.losses() == {"damaged": 1}
    assert len(list((tmp_path / "spool" / "damaged").iterdir())) == 1


def test_an_unfinished_file_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    """What a crash left half-written was never promised."""
    open_spool(tmp_path)
    (tmp_path / "spool" / f"000000000001.whole.1.{'0' * 64}.new").write_bytes(b"half")
    spool = open_spool(tmp_path)
    assert held(spool) == []
    assert [file.name[:18] for file in (tmp_path / "spool" / "damaged").iterdir()] == ["000000000001.whole"]


def test_a_full_disk_costs_the_ballast_before_any_message(tmp_path: Path) -> None:
    """Then reports by the policy; a report that is new always finds room."""
    disk = SmallDisk(tmp_path, room=520 * 1024)
    spool = open_spool(tmp_path, disk=disk)
    kept = bytes(4000)
    for number in range(1, 4):
        spool.put(Kind.WHOLE, kept + bytes([number]), now=START, sequence=number)
    assert (spool.losses(), len(spool.entries())) == ({}, 3)
    disk.room = 14_000
    spool.put(Kind.WHOLE, kept + b"4", now=START, sequence=4)
    assert spool.losses() == {"disk_full": 1}
    assert [entry.sequence for entry in spool.entries()] == [2, 3, 4]


def test_the_ballast_comes_back_when_there_is_room(tmp_path: Path) -> None:
    """So that the next full disk costs nothing either."""
    disk = SmallDisk(tmp_path, room=0)
    spool = open_spool(tmp_path, disk=disk)
    assert not (tmp_path / "spool" / "ballast").exists()
    disk.room = 2**20
    spool.trim(START)
    assert (tmp_path / "spool" / "ballast").stat().st_size == 512 * 1024


def test_a_disk_without_any_room_is_an_error_and_keeps_what_is_there(tmp_path: Path) -> None:
    """Statements are never given up for a report."""
    disk = SmallDisk(tmp_path, room=600 * 1024)
    spool = open_spool(tmp_path, disk=disk)
    fill(spool, Kind.STATEMENT)
    disk.room = 0
    with pytest.raises(SpoolError, match="No space left on device"):
        spool.put(Kind.WHOLE, b"new", now=START, sequence=2)
    assert held(spool) == [b"0"]


def test_a_message_stays_while_its_receipt_finds_no_room(tmp_path: Path) -> None:
    """It is sent again, and filed when there is room."""
    disk = SmallDisk(tmp_path, room=2**20)
    spool = open_spool(tmp_path, disk=disk)
    fill(spool, Kind.WHOLE)
    disk.room = 0
    with pytest.raises(SpoolError):
        spool.keep(spool.entries()[0], b"receipt")
    assert held(spool) == [b"0"]


def test_a_disk_that_is_really_full_still_takes_the_next_report(small_filesystem: Path) -> None:
    """On a file system of 2 MiB that something else has filled."""
    state_dir = small_filesystem / "state"
    state_dir.mkdir()
    spool = open_spool(state_dir)
    fill(spool, Kind.WHOLE, Kind.WHOLE)
    fill_up(small_filesystem)
    for number in range(3, 200):
        spool.put(Kind.UNCHANGED, f"report {number}".encode(), now=START, sequence=number)
    assert spool.last_waiting()[0] == 199
    sequences = [entry.sequence for entry in spool.entries()]
    assert sequences[:2] == [1, 2]
    assert spool.losses()["disk_full"] == 199 - len(sequences)
