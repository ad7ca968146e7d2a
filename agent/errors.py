"""What can go wrong in the agent. Each has a stable `code`; the message says what to do.

AgentError
  ConfigError     config      a fault in the configuration: file, path, what was found, what was expected
  LinkError       (reason)    a device or bridge cannot be reached; becomes a read failure, never stops a round
  SpoolError      spool       the disk does not take what must be kept
  StateError      state       the agent's own files are missing, damaged or another's
  StatementError  statement   what the household wants to state is not understood, or cannot be stated
  CredentialError credential  a password, key or certificate is missing, or others may read it; looked for again
  BrokerError     broker      the collector's broker cannot be reached, or the session broke; tried again
  TlsError        tls         it is not who it should be, or does not take our certificate; tried again
  PublishError    publish     the broker refuses for good (user, password, certificate)
"""

from typing import ClassVar

from evidence.report import Result


class AgentError(Exception):
    """Anything the agent tells its user about."""

    code: ClassVar[str] = "agent"


class ConfigError(AgentError):
    """A fault in the configuration; the program ends with 78 (EX_CONFIG of sysexits)."""

    code = "config"

    def __init__(self, file: str, path: str, message: str) -> None:
        super().__init__(f"{file}: {path or 'the file'}: {message}")
        self.file = file
        self.path = path


class LinkError(AgentError):
    """A device or bridge cannot be reached.

    Args:
        result: What the report says of it.
        reason: A stable word: `busy`, `timeout`, `closed`, `no_such_port`, `refused`, ...
        message: What happened, for people.
    """

    code = "link"

    def __init__(self, result: Result, reason: str, message: str) -> None:
        super().__init__(message)
        self.result = result
        self.reason = reason


class SpoolError(AgentError):
    """The disk does not take what must be kept."""

    code = "spool"


class StateError(AgentError):
    """The agent's own files are missing, damaged, or another's."""

    code = "state"


class StatementError(AgentError):
    """What the household wants to state is not understood, or cannot be stated; ends with 65 (EX_DATAERR)."""

    code = "statement"


class CredentialError(AgentError):
    """A password, key or certificate is missing, is none, or others may read it; it is looked for again."""

    code = "credential"


class BrokerError(AgentError):
    """The collector's broker cannot be reached, or the session broke; it is tried again."""

    code = "broker"


class TlsError(BrokerError):
    """The broker is not who it should be, or does not take our certificate; it is tried again."""

    code = "tls"


class PublishError(AgentError):
    """The broker refuses for good."""

    code = "publish"


def first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    error = errors.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error
