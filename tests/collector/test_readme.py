"""The operator's page says what the program does: its keys, commands, exit codes and reasons."""

import pkgutil
import re
from typing import Any

import msgspec
import pytest

from collector import __main__ as program
from collector import commands, errors
from collector.catalogue.reasons import Reason
from collector.config import Config
from collector.errors import BrokerFault, StoreFault
from collector.ingest import enrolment, screen
from evidence.errors import DraftCodeError, EnrolmentCodeError, EvidenceError, ProofError
from tests.shared import ROOT

CODES = (EnrolmentCodeError, DraftCodeError)
PAGE = (ROOT / "collector" / "README.md").read_text()


def table(heading: str) -> dict[str, str]:
    """First and second column of the table whose first heading this is."""
    rows = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]
    return {first: second for first, second, *_ in cells}


def keys(kind: Any, prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        nested = isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
        found |= keys(field.type, f"{prefix}{field.name}.") if nested else {prefix + field.name: field.default}
    return found


def test_every_key_is_there_with_its_default() -> None:
    """And no other."""
    told = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in keys(Config).items()}
    assert table("key") == told


def test_every_command_is_there() -> None:
    """By its name."""
    for module in pkgutil.iter_modules(commands.__path__):
        assert (
            f"`{module.name.strip('_').replace('_', '-')} " in PAGE or f"`{module.name.replace('_', '-')}`" in PAGE
        ), module.name


def test_every_exit_code_is_there() -> None:
    """Those of the table in the program, and those that commands give by themselves."""
    assert {str(code) for code in program._EXIT_CODES.values()} <= table("exit code").keys()


def test_every_reason_is_there() -> None:
    """The bytes' own, the steps', the door's."""
    own = {"topic", "key", "sequence", "freshness", enrolment.REASON, screen.INTERNAL}
    # Receipts and the codes that people copy come in on no topic.
    bytes_ = {kind.code for kind in EvidenceError.__subclasses__() if kind not in (ProofError, *CODES)}
    told = set(re.findall(r"`(\w+)`", PAGE.split("| reason |", 1)[1].split("\n\n", 1)[0]))
    assert told == own | bytes_ | {str(reason) for reason in Reason}


@pytest.mark.parametrize("fault", [*StoreFault, *BrokerFault])
def test_every_fault_of_store_and_broker_is_there(fault: str) -> None:
    """As the health shows it."""
    assert f"`{fault}`" in PAGE


def test_every_error_has_an_exit_code() -> None:
    """Whatever the collector tells its operator about, the program ends with one of its codes."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(any(base in program._EXIT_CODES for base in kind.__mro__) for kind in kinds)
