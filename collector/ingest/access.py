"""How the collector and its broker know each other: TLS with the broker's name and authority checked, and who we are.

TLS 1.2 or newer. The authorities are the system's, or those of `ca_file`. We show a certificate, a user and password,
both or nothing, as the broker wants it. Secrets are read for each connection, so that a new one needs no restart.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from collector.config import Broker
from collector.credentials import secret
from collector.errors import ConfigError

PASSWORD, KEY = "broker.password", "broker.key"  # names of credentials


@dataclass(frozen=True, slots=True)
class Access:
    """What a connection needs beside an address.

    Attributes:
        tls: Checks the broker and shows our certificate; None for a connection without TLS.
        username: Whom we say we are.
        password: Never shown.
    """

    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: bytes | None = None

    def __repr__(self) -> str:
        """Who, and no secret."""
        return f"Access(tls={self.tls is not None}, username={self.username!r})"


def access(broker: Broker) -> Access:
    """What the configuration says, with its secrets read.

    Raises:
        ConfigError: A file is missing, is not what it should be, or may be read by others.
    """
    return Access(_context(broker) if broker.tls else None, broker.username, _password(broker))


def _password(broker: Broker) -> bytes | None:
    path = secret(PASSWORD, broker.password_file) if broker.username is not None else None
    return None if path is None else _read(path).strip(b"\r\n")


def _context(broker: Broker) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
    except OSError as error:
        raise ConfigError(str(broker.ca_file), "", f"no certificate of an authority: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.certificate is not None:
        key = secret(KEY, broker.key)
        try:
            # An empty password, so that an encrypted key is an error and not a question at the terminal.
            context.load_cert_chain(broker.certificate, key, password="")
        except OSError as error:
            what = f"no certificate with the key {key or 'in the same file'}: {error}"
            raise ConfigError(broker.certificate, "", what) from error
    return context


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from error
