"""The room's page says what the door does: its reasons, and who may record what."""

import re

import pytest

from collector.catalogue import authority, key_terms, kinds
from collector.catalogue.reasons import Reason
from collector.errors import RejectedError
from evidence import statement
from evidence.written import read_statements
from tests.collector.register import HOME, Register, key_of
from tests.shared import ROOT

PAGE = (ROOT / "collector" / "catalogue" / "README.md").read_text()
ROLES = {
    "household": "consumer",
    "seller": "seller",
    "manufacturer": "manufacturer",
    "operator": "operator",
    "feed": "third_party",
}
EXAMPLES = PAGE.split("```toml\n", 1)[1].split("```", 1)[0]
SIGNS = {
    "model": "operator:register",
    "unit": "operator:register",
    "sale": "gateway:" + HOME,
    "waiver": "gateway:" + HOME,
    "acknowledgement": "gateway:" + HOME,
}
WRITTEN = read_statements(EXAMPLES, "2026-11-20T12:00:00Z")
REFUSED = {"acknowledgement": Reason.NOTICE, "key_succession": Reason.KIND}
ELSEWHERE = {"key_succession", "party", "key", "report"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first heading this is."""
    body = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in body]


def test_every_right_of_the_table_is_the_doors_and_no_other() -> None:
    """Each kind with the roles that may record it."""
    told: dict[str, set[str]] = {}
    named: list[str] = []
    for kind, who, _ in rows("kind"):
        named = re.findall(r"`(\w+)`", kind) or named
        for name in named:
            told.setdefault(name, set()).update(ROLES[word] for word in re.findall(r"\w+", who) if word in ROLES)
    own = {kind: roles for kind, roles in told.items() if kind not in ELSEWHERE}
    assert own == {kind: set(roles) for kind, roles in authority._RULES.items()}
    assert told.keys() == own.keys() | ELSEWHERE
    assert own.keys() == kinds.FACT_KINDS | kinds.ABOUT_FACTS.keys()


def test_every_reason_of_the_door_is_told() -> None:
    """By its word."""
    told = {word for first, _ in rows("reason") for word in re.findall(r"`(\w+)`", first)}
    assert {str(reason) for reason in Reason} <= told


async def test_every_kind_is_written_as_the_page_shows_it(register: Register) -> None:
    """In the page's order each goes on record, but for what names a notice that is not there, and the succession."""
    assert kinds.FACT_KINDS | kinds.ABOUT_FACTS.keys() | {key_terms.KIND} == statement.KINDS
    assert {each.kind for each in WRITTEN} == statement.KINDS
    for each in WRITTEN:
        data = statement.sign(each, key_of(SIGNS.get(each.kind, "manufacturer:acme")))
        if each.kind not in REFUSED:
            await register.submit(data)
            continue
        with pytest.raises(RejectedError) as refused:
            await register.check(data)
        assert refused.value.reason == REFUSED[each.kind]
