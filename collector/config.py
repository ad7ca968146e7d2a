"""The collector's configuration: one TOML file, every key with a default, an unknown key an error with its path."""

import ipaddress
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec

from collector.credentials import credential
from collector.errors import ConfigError
from evidence import checked
from evidence.checked import CheckError

KEY_FILE: Final = "collector.key"
DEFAULT_PATH: Final = "/etc/updateplicht/collector.toml"

Count = Annotated[int, msgspec.Meta(ge=0)]
Workers = Annotated[int, msgspec.Meta(ge=1, le=64)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker over which the gateways come.

    Attributes:
        embedded: Run one inside this process; else `host` and `port` name one that runs elsewhere.
        host: The embedded one listens on loopback only.
        port: 0 lets the embedded one choose a free port.
        tls: It speaks TLS there; its certificate is checked against `host`.
        ca_file: Authorities to trust instead of the system's.
        username: Whom the collector says it is, where the broker asks.
        password_file: Holds the password and nothing else; a secret.
        certificate: What the collector shows, with the chain up to the authority.
        key: The certificate's private key; a secret.
    """

    embedded: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    tls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    certificate: str | None = None
    key: str | None = None


class Web(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where pages and API answer: loopback only, until there are roles. Port 0 chooses a free one."""

    host: str = "127.0.0.1"
    port: Port = 8080


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what is kept of messages that are not accepted, or not yet. Every one of them is counted.

    Attributes:
        rejected: Messages without a good signature that are kept, the newest, in all.
        rejected_per_gateway: Messages with a good signature that are kept, the newest, for each gateway: they are facts
            for the judge, so nobody else's messages may push them out.
        rejected_body_bytes: Of a larger message only digest, size and reason are kept.
        pending: Messages under unknown keys that wait for their gateway's enrolment, in all.
        pending_per_gateway: The same for each gateway's topics.
    """

    rejected: Count = 1000
    rejected_per_gateway: Count = 100
    rejected_body_bytes: Count = 64 * 1024
    pending: Count = 1000
    pending_per_gateway: Count = 100


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration.

    Attributes:
        state_dir: Holds the collector's key and the register.
        simulated: The clock of recorded statements may be set by hand; shown wherever the register is.
        policy: Name of the policy that verdicts are made under.
        register_from: The first day on which this register took statements; else that of the policy.
        workers: Processes that receive, each a share of the shards; one receives inside the collector's own process.
    """

    state_dir: str = "/var/lib/updateplicht-collector"
    simulated: bool = False
    policy: str = "2026-11-a"
    register_from: date | None = None
    workers: Workers = 1
    broker: Broker = Broker()
    web: Web = Web()
    limits: Limits = Limits()

    @property
    def key_path(self) -> Path:
        """The collector's signing key: a credential, else a file of its own."""
        return credential(KEY_FILE) or Path(self.state_dir) / KEY_FILE

    @property
    def register_path(self) -> Path:
        """The register."""
        return Path(self.state_dir) / "register.sqlite"

    @property
    def running_path(self) -> Path:
        """What a running collector says about itself."""
        return Path(self.state_dir) / "running.json"


def load(path: str) -> Config:
    """Read a configuration file; the default one may be absent, and then the defaults hold.

    Raises:
        ConfigError: It cannot be read, or a key or value is not as it should be.
    """
    try:
        config = checked.convert(checked.parse(_read(path)), Config)
    except CheckError as fault:
        raise ConfigError(path, fault.path, fault.message) from fault
    _check_addresses(config, path)
    return config


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        if path == DEFAULT_PATH:
            return b""
        raise ConfigError(path, "", "no such file; name the right one with --config") from error
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error


def _check_addresses(config: Config, file: str) -> None:
    loopback = "expected a loopback address such as 127.0.0.1"
    if config.broker.embedded and not _is_loopback(config.broker.host):
        message = f"found {config.broker.host!r}; {loopback}, since the embedded broker knows no passwords"
        raise ConfigError(file, "broker.host", message)
    if not config.broker.embedded and config.broker.port == 0:
        raise ConfigError(file, "broker.port", "found 0; expected the port of the broker that is not embedded")
    _check_access(config.broker, file)
    if not _is_loopback(config.web.host):
        raise ConfigError(file, "web.host", f"found {config.web.host!r}; {loopback}, since the pages know no roles")


_NEEDS: Final = {
    "ca_file": "tls",
    "certificate": "tls",
    "key": "certificate",
    "password_file": "username",
}


def _check_access(broker: Broker, file: str) -> None:
    if broker.embedded and (broker.tls or broker.username):
        raise ConfigError(file, "broker.embedded", "found true; expected false, since that broker knows no TLS or user")
    for name, needed in _NEEDS.items():
        if getattr(broker, name) is not None and not getattr(broker, needed):
            raise ConfigError(file, f"broker.{name}", f"means nothing without broker.{needed}; set that too")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
