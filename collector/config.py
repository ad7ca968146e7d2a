"""The collector's configuration: one TOML file, every key with a default, an unknown key an error with its path."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from collector.errors import ConfigError

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
    """

    embedded: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883


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
        workers: Processes that receive, each a share of the shards; one receives inside the collector's own process.
    """

    state_dir: str = "/var/lib/updateplicht-collector"
    simulated: bool = False
    policy: str = "2026-11-a"
    workers: Workers = 1
    broker: Broker = Broker()
    web: Web = Web()
    limits: Limits = Limits()

    @property
    def key_path(self) -> Path:
        """The collector's signing key."""
        return Path(self.state_dir) / "collector.key"

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
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if path != DEFAULT_PATH:
            raise ConfigError(path, "", "no such file; name the right one with --config") from error
        document = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, "", str(error)) from error
    config = _convert(document, Config, path)
    _check_addresses(config, path)
    return config


T = TypeVar("T")
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")


def _convert(document: Mapping[str, Any], kind: type[T], file: str) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        fault = _FAULT.fullmatch(str(error))
        what, path = (fault["what"], fault["path"] or "") if fault else (str(error), "")
        if unknown := _UNKNOWN.fullmatch(what):
            where = f"{path}.{unknown['key']}".strip(".")
            raise ConfigError(file, where, f"no such key; expected one of {_keys(kind, path)}") from error
        raise ConfigError(file, path, f"{what}; found {_look_up(document, path)!r}") from error


def _keys(kind: Any, path: str) -> str:
    for part in filter(None, path.split(".")):
        kind = next(field.type for field in msgspec.structs.fields(kind) if field.name == part)
    return ", ".join(field.name for field in msgspec.structs.fields(kind))


def _look_up(document: Mapping[str, Any], path: str) -> object:
    value: Any = document
    for part in path.split("."):
        value = value.get(part)
    return value


def _check_addresses(config: Config, file: str) -> None:
    loopback = "expected a loopback address such as 127.0.0.1"
    if config.broker.embedded and not _is_loopback(config.broker.host):
        message = f"found {config.broker.host!r}; {loopback}, since the embedded broker knows no passwords"
        raise ConfigError(file, "broker.host", message)
    if not config.broker.embedded and config.broker.port == 0:
        raise ConfigError(file, "broker.port", "found 0; expected the port of the broker that is not embedded")
    if not _is_loopback(config.web.host):
        raise ConfigError(file, "web.host", f"found {config.web.host!r}; {loopback}, since the pages know no roles")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
