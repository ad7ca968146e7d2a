"""How each kind of message is opened by who receives it."""

from collections.abc import Callable

from evidence import cose, enrolment, receipt, report, statement
from evidence.keys import PublicKey
from evidence.limits import MAX_STATEMENT_BYTES


def open_report(data: bytes, key: PublicKey) -> report.Report:
    """A report, as a collector opens it."""
    return report.decode(cose.parse(data, report.MESSAGE_TYPE).verify(key))


def open_statement(data: bytes, key: PublicKey) -> statement.Statement:
    """A statement, as a collector opens it."""
    return statement.decode(cose.parse(data, statement.MESSAGE_TYPE, MAX_STATEMENT_BYTES).verify(key))


OPENERS: dict[str, Callable[[bytes, PublicKey], object]] = {
    "report": open_report,
    "statement": open_statement,
    "receipt": receipt.open_receipt,
    "refusal": receipt.open_refusal,
    "request": receipt.open_request,
    "enrolment": lambda data, _: enrolment.open_enrolment(data),
}
