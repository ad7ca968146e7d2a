"""What can go wrong in the collector. Each has a stable `code`; the message says what to do.

CollectorError
  ConfigError     config      a fault in the configuration: file, path, what was found, what was expected
  RejectedError   (reason)    evidence or a statement that is not accepted; kept, counted and shown
  StoreError      store       the database does not take or give what it must; `fault` says why
  ClockError      clock       the clock cannot be believed; `fault` says why
  BrokerError     broker      the broker cannot be reached or refuses; `fault` says which
  NotFoundError   not_found   nothing of that name in the register
  ConflictError   conflict    what is asked does not fit what is on record
  WebError        web         the pages cannot be at their address
  RunningError    running     another collector runs on this state directory
"""

from enum import StrEnum
from typing import ClassVar


class CollectorError(Exception):
    """Anything the collector tells its operator about."""

    code: ClassVar[str] = "collector"


class ConfigError(CollectorError):
    """A fault in the configuration; the program ends with 78 (EX_CONFIG of sysexits)."""

    code = "config"

    def __init__(self, file: str, path: str, message: str) -> None:
        super().__init__(f"{file}: {path or 'the file'}: {message}")
        self.file = file
        self.path = path


class RejectedError(CollectorError):
    """Evidence or a statement that is not accepted.

    Args:
        reason: A stable word; for bytes it is the code of the EvidenceError.
        detail: What was found, for the operator.
        verified: Whether the signature was good: only then the rejection says anything about its signer.
        key_id: Of the envelope, in hex, where one could be read.
        sequence: Of the report, where its claims could be read.
    """

    code = "rejected"

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        verified: bool = False,
        key_id: str | None = None,
        sequence: int | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = str(reason)  # plain text, whatever kind of word it was: it is signed and stored
        self.detail = detail
        self.verified = verified
        self.key_id = key_id
        self.sequence = sequence


class StoreFault(StrEnum):
    """Why the database does not work; each is a state of its own for the operator."""

    FULL = "full"
    LOCKED = "locked"
    DAMAGED = "damaged"
    UNAVAILABLE = "unavailable"


class StoreError(CollectorError):
    """The database does not take or give what it must.

    Args:
        message: What happened and what to do.
        fault: The kind of trouble.
    """

    code = "store"

    def __init__(self, message: str, fault: StoreFault = StoreFault.UNAVAILABLE) -> None:
        super().__init__(message)
        self.fault = fault


class ClockFault(StrEnum):
    """Why the clock cannot be believed; each is a state of its own for the operator."""

    BEHIND = "behind"
    SET = "set"


class ClockError(CollectorError):
    """The clock cannot be believed, so nothing can be recorded.

    Args:
        message: What happened and what to do.
        fault: The kind of trouble.
    """

    code = "clock"

    def __init__(self, message: str, fault: ClockFault) -> None:
        super().__init__(message)
        self.fault = fault


class BrokerFault(StrEnum):
    """Why there is no session with the broker; each is a state of its own for the operator."""

    DISCONNECTED = "disconnected"
    TLS = "tls"
    REFUSED = "refused"
    CREDENTIALS = "credentials"


class BrokerError(CollectorError):
    """The broker cannot be reached or refuses.

    Args:
        message: What happened and what to do.
        fault: The kind of trouble.
    """

    code = "broker"

    def __init__(self, message: str, fault: BrokerFault = BrokerFault.DISCONNECTED) -> None:
        super().__init__(message)
        self.fault = fault


class NotFoundError(CollectorError):
    """Nothing of that name in the register."""

    code = "not_found"


class ConflictError(CollectorError):
    """What is asked does not fit what is on record."""

    code = "conflict"


class WebError(CollectorError):
    """The pages cannot be at their address."""

    code = "web"


class RunningError(CollectorError):
    """Another collector runs on this state directory."""

    code = "running"
