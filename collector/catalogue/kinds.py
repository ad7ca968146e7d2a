"""The kinds of statement: those that become facts, and the two that only speak about another statement.

An *answer* is a reply of the party that is spoken of: a confirmation, a dispute, an explanation. It is shown beside the
verdict and never changes it. An *acknowledgement* is the household's word that a notice reached it; nobody else can
prove that. Where it does not say when, it counts from the instant at which it is recorded.
"""

from typing import Any, Final, Literal

import msgspec

from collector.appraisal.errors import FactError
from collector.appraisal.facts import parse_fact
from collector.appraisal.values import parse_instant
from evidence.ids import is_id, is_model_id


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A reply about a device, a model or another statement; `code` names the verdict or finding that it replies to."""

    text: str
    stance: Literal["confirms", "disputes", "explains"]
    device: str | None = None
    model: str | None = None
    statement: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        if self.device is None and self.model is None and self.statement is None:
            raise ValueError("an answer names a device, a model or a statement")


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """A notice, by its id, has reached the consumer."""

    device: str
    notice: str
    received_at: str | None = None
    corrects: None = None

    def __post_init__(self) -> None:
        if self.received_at is not None:
            parse_instant(self.received_at)


ABOUT_FACTS: Final = {"answer": Answer, "acknowledgement": Acknowledgement}
OF_DEVICE: Final = frozenset({"sale", "unit", "notice", "answer", "acknowledgement", "waiver"})
OF_MODEL: Final = frozenset({"model", "window", "release", "advisory", "waiver", "answer"})
FACT_KINDS: Final = frozenset({"sale", "unit", "model", "window", "waiver", "release", "advisory", "notice"})


def fault(kind: str, fact: dict[str, Any]) -> str | None:
    """What is wrong with the form of a statement (F0), None where it is right."""
    try:
        if kind in ABOUT_FACTS:
            msgspec.convert(fact, ABOUT_FACTS[kind])
        else:
            parse_fact(fact)
    except FactError as error:
        return error.fault
    except msgspec.ValidationError as error:
        return str(error)
    if kind in OF_DEVICE and fact.get("device") is not None and not is_id(fact["device"]):
        return "a device id has 32 lower-case hex digits - at `$.device`"
    if kind == "model" and not all(map(is_model_id, fact["ids"])):
        return "a model id has the form namespace:value - at `$.ids`"
    return None
