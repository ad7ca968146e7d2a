"""How the gateway and the collector's broker know each other: TLS with name and authority checked, and who we are.

TLS 1.2 or newer. Whether the broker speaks TLS is the enrolment code's word, so that nobody can talk the gateway out of
it. Secrets are read for each connection, so that a new one needs no restart.
"""

import ssl
from pathlib import Path

import msgspec

from agent.config import BrokerSettings
from agent.credentials import secret
from agent.errors import CredentialError

PASSWORD, KEY = "broker.password", "broker.key"  # names of credentials


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """User and password; None for a broker that asks for neither."""

    username: str | None
    password: str | None

    def __repr__(self) -> str:
        """Who, and not how."""
        return f"Login({self.username!r})"


def login(settings: BrokerSettings, gateway: str) -> Login:
    """Who we say we are: whoever has a password and no other name is called by the gateway's id.

    Raises:
        CredentialError: The password is missing or may be read by others.
    """
    path = secret(PASSWORD, settings.password_file)
    if path is None:
        return Login(username=settings.username, password=None)
    try:
        return Login(username=settings.username or gateway, password=path.read_text().strip("\r\n"))
    except (OSError, ValueError) as error:
        raise CredentialError(f"{path}: no password can be read: {error}") from error


def tls(settings: BrokerSettings) -> ssl.SSLContext:
    """Checks the broker, and shows our certificate if we have one.

    Raises:
        CredentialError: A certificate or key is missing, is none, or the key may be read by others.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.ca_file is not None:
            context.load_verify_locations(cafile=settings.ca_file)
        else:
            # The system's authorities, loaded one by one as needed: parsing the whole bundle costs 2 MiB.
            context.load_verify_locations(capath=ssl.get_default_verify_paths().capath)
    except OSError as error:
        raise CredentialError(f"{settings.ca_file}: no certificate of an authority: {error}") from error
    if settings.certificate is not None:
        _show(context, settings.certificate, secret(KEY, settings.key))
    return context


def _show(context: ssl.SSLContext, certificate: str, key: Path | None) -> None:
    try:
        # An empty password, so that an encrypted key is an error and not a question at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        where = key or "the same file"
        raise CredentialError(f"{certificate}: no certificate with its key in {where}: {error}") from error
