"""The checker finds what it is for: histories that are right but for one thing."""

from collections.abc import Callable

import pytest

from tests.faults.checker import check
from tests.faults.history import History, Report

HALL, ATTIC = "a1" * 16, "b2" * 16
GENESIS, SALE = "00" * 32, "5a" * 32
REFUSED, WAITING = Report(HALL, 3, "c3" * 32), Report(ATTIC, 2, "d2" * 32)
RECORDED = [Report(HALL, 1, "c1" * 32), Report(HALL, 2, "c2" * 32), Report(ATTIC, 1, "d1" * 32)]


def right() -> History:
    """Two gateways: three reports on record, one refused, one on its way; and a sale."""
    leaves = [GENESIS, RECORDED[0].digest, SALE, RECORDED[1].digest, RECORDED[2].digest]
    return History(
        last={HALL: 3, ATTIC: 2},
        signed={*RECORDED, REFUSED, WAITING},
        receipted={made.digest: {leaves.index(made.digest)} for made in RECORDED},
        filed={made.digest for made in RECORDED},
        refused={REFUSED.digest},
        waiting={WAITING.digest},
        leaves=leaves,
        known={GENESIS, SALE},
        recorded=[(made, leaves.index(made.digest)) for made in RECORDED],
        rejected={REFUSED.digest},
        judged={(f"{HALL}/device", RECORDED[1].digest)},
    )


def lose_from_spool(history: History) -> None:
    history.waiting.clear()


def lose_receipt(history: History) -> None:
    history.filed.discard(RECORDED[0].digest)


def lose_every_trace(history: History) -> None:
    history.last[ATTIC] = 3


def give_up(history: History) -> None:
    history.given_up[f"{HALL} disk_full"] = 1


def use_number_again(history: History) -> None:
    made = Report(HALL, 2, "ee" * 32)
    history.signed.add(made)
    history.waiting.add(made.digest)


def double_leaf(history: History) -> None:
    history.leaves.append(RECORDED[0].digest)


def drop_leaf(history: History) -> None:
    history.leaves[1] = SALE


def drop_row(history: History) -> None:
    history.recorded.pop()


def double_row(history: History) -> None:
    history.recorded.append(history.recorded[0])


def receipt_two_places(history: History) -> None:
    history.receipted[RECORDED[0].digest].add(9)


def receipt_what_is_nowhere(history: History) -> None:
    history.receipted[WAITING.digest] = {7}


def forge(history: History) -> None:
    history.leaves.append("ff" * 32)


def record_refused(history: History) -> None:
    history.leaves.append(REFUSED.digest)
    history.recorded.append((REFUSED, len(history.leaves) - 1))


def judge_rejected(history: History) -> None:
    history.judged.add((f"{HALL}/device", REFUSED.digest))


def judge_unrecorded(history: History) -> None:
    history.judged.add((f"{ATTIC}/device", WAITING.digest))


def believe_rejected(history: History) -> None:
    history.claims_of_rejected.add(f"{HALL}/device")


def audit_finds(history: History) -> None:
    history.findings.append("a node is not that of its leaves")


def stumble(history: History) -> None:
    history.stumbles.append("the agent ended with 1")


def test_a_history_in_which_all_is_well_has_nothing_wrong() -> None:
    """Receipted, refused and waiting reports, a statement and the genesis entry are all as they should be."""
    assert check(right()) == []


@pytest.mark.parametrize(
    ("doctor", "rules"),
    [
        pytest.param(lose_from_spool, {"lost"}, id="a report vanishes from the spool"),
        pytest.param(lose_receipt, {"lost"}, id="a gateway loses report and receipt, though the log has them"),
        pytest.param(lose_every_trace, {"lost"}, id="nobody has ever seen the report of a number"),
        pytest.param(give_up, {"lost"}, id="the spool gives up a report by its own rules"),
        pytest.param(use_number_again, {"number"}, id="a number stands for two reports"),
        pytest.param(double_leaf, {"log", "receipt"}, id="a leaf is doubled"),
        pytest.param(drop_leaf, {"log", "receipt"}, id="a receipted leaf is gone"),
        pytest.param(drop_row, {"receipt"}, id="a receipted report is in no row"),
        pytest.param(double_row, {"receipt"}, id="a receipted report is in two rows"),
        pytest.param(receipt_two_places, {"receipt"}, id="two receipts name two places"),
        pytest.param(receipt_what_is_nowhere, {"receipt"}, id="a receipt names what the log does not hold"),
        pytest.param(forge, {"forged"}, id="the log holds what nobody has signed"),
        pytest.param(record_refused, {"refused"}, id="a refused report is on record"),
        pytest.param(judge_rejected, {"verdict"}, id="a verdict rests on a rejected report"),
        pytest.param(judge_unrecorded, {"verdict"}, id="a verdict rests on a report that is not on record"),
        pytest.param(believe_rejected, {"verdict"}, id="the judge hears what a rejected report claims"),
        pytest.param(audit_finds, {"audit"}, id="the audit finds something"),
        pytest.param(stumble, {"process"}, id="a process ends as it should not"),
    ],
)
def test_what_is_wrong_is_found(doctor: Callable[[History], None], rules: set[str]) -> None:
    """By its rule, and by no other."""
    history = right()
    doctor(history)
    assert {one.rule for one in check(history)} == rules


def test_what_is_wrong_is_named_by_gateway_and_number() -> None:
    """Who reads the line knows which report to look for."""
    history = right()
    lose_from_spool(history)
    (wrong,) = check(history)
    assert (wrong.gateway, wrong.number) == (ATTIC, 2)
    assert str(wrong).startswith(f"lost: {ATTIC} number 2: neither receipted nor refused")
