"""The configuration: a TOML file turned into frozen values. Unknown keys are errors; defaults stand here with reasons.

Each `[[read]]` entry names a reader; its other keys are the `Settings` of that reader's module. Only the readers that
are named are imported. Without a file at the default place the defaults hold, and the gateway reads itself.
"""

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from agent import readers
from agent.errors import ConfigError
from agent.readers import Reader
from evidence import checked
from evidence.checked import CheckError

DEFAULT_FILE = Path("/etc/updateplicht/agent.toml")
_DAY = r"\d{4}-\d\d-\d\d"
_When = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^({_DAY}|\d{{4}}-\d\d|{_DAY}T\d\d:\d\d:\d\dZ)$",
        description="a day such as 2026-03-10, a month such as 2026-03, an instant such as 2026-03-10T12:00:00Z, "
        "or an interval such as { from = 2026-03-01, to = 2026-03-10 }",
    ),
]
_Date = Annotated[str, msgspec.Meta(pattern=f"^{_DAY}$", description="a day such as 2026-03-10")]
_Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="a country in two letters, such as NL")]
_Identity = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(ieee:[0-9a-f]{16}|mac:[0-9a-f]{12}|(serial|machine|link):.+)$",
        description="an identity as `updateplicht-agent read` shows it, such as ieee:00158d0001e29ff0 (16 digits), "
        "mac:001788010203 (12 digits), serial:..., machine:... or link:...",
    ),
]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SurveySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often.

    Attributes:
        interval_s: Seconds between two rounds; firmware changes a few times a year, a user waits an hour at most.
        report_every_s: Seconds within which a report is sent though nothing changed.
    """

    interval_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 3600
    report_every_s: Annotated[int, msgspec.Meta(ge=1, le=604_800)] = 86_400


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much waits for a collector that is away.

    Attributes:
        max_bytes: On the disk; the default holds 16,000 messages.
        max_age_days: Older ones go, though there is room.
    """

    max_bytes: Annotated[int, msgspec.Meta(ge=1_048_576)] = 67_108_864
    max_age_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 365


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the collector's broker and this gateway know each other; where it is, the enrolment code has said.

    Attributes:
        ca_file: Authorities to trust instead of the system's.
        username: Whom we say we are; the gateway's id where there is a password and no name.
        password_file: Holds the password and nothing else; a secret.
        certificate: What we show, with the chain up to the authority.
        key: The certificate's private key; a secret.
    """

    ca_file: _Text | None = None
    username: _Text | None = None
    password_file: _Text | None = None
    certificate: _Text | None = None
    key: _Text | None = None

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise ValueError("found a key without a certificate; expected both")


class Interval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """Days between two, both included."""

    first: _Date
    to: _Date


class Sale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The household's word about how it came by a device: the fields of a `sale`, `device` being its identity."""

    device: _Identity
    seller: _Text
    contract: _When | Interval | None = None
    delivered: _When | Interval | None = None
    jurisdiction: _Country | None = None
    seller_type: Literal["trader", "private"] | None = None
    buyer_type: Literal["consumer", "business"] | None = None
    supply: Literal["single", "continuous"] | None = None
    supply_end: _When | Interval | None = None
    transfer: Literal["sale", "lease", "gift"] | None = None
    condition: Literal["new", "used"] | None = None
    liability_months: Annotated[int, msgspec.Meta(ge=0, le=600)] | None = None
    repaired_at: _When | Interval | None = None

    def __post_init__(self) -> None:
        for name in ("contract", "delivered", "supply_end", "repaired_at"):
            when = getattr(self, name)
            for day in (when.first, when.to) if isinstance(when, Interval) else (when,):
                _check_day(name, day)


def _check_day(name: str, day: str | None) -> None:
    try:
        if day is not None:
            datetime.date.fromisoformat(day[:10] if len(day) > 7 else f"{day}-01")
    except ValueError as error:
        raise ValueError(f"{name}: found {day!r}; expected a day that exists: {error}") from error


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[read]]` entry.

    Attributes:
        path: Where it stands in the configuration, `read[0]`.
        name: The reader's name.
        reader: Its module.
        settings: The other keys of the entry.
    """

    path: str
    name: str
    reader: Reader
    settings: Any

    @property
    def key(self) -> str:
        """Names what is read, wherever the entry stands in the file."""
        return f"{self.name} {msgspec.json.encode(self.settings, enc_hook=str, order='deterministic').decode()}"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration."""

    state_dir: Path
    survey: SurveySettings
    spool: SpoolSettings
    broker: BrokerSettings
    sources: tuple[Source, ...]
    sales: tuple[Sale, ...]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state_dir: _Text = "/var/lib/updateplicht-agent"
    survey: SurveySettings = SurveySettings()
    spool: SpoolSettings = SpoolSettings()
    broker: BrokerSettings = BrokerSettings()
    read: tuple[dict[str, Any], ...] = ({"reader": "gateway"},)
    sales: tuple[Sale, ...] = ()


def load(file: Path) -> Config:
    """Read and check the configuration.

    Raises:
        ConfigError: It is missing (but for the default file), no TOML, or says something that is not understood.
    """
    try:
        return _config(str(file), _with_dates_as_text(_parse(file)))
    except CheckError as fault:
        raise ConfigError(str(file), fault.path, fault.message) from fault


def _config(file: str, document: dict[str, Any]) -> Config:
    found = checked.convert(document, _File)
    return Config(
        state_dir=Path(found.state_dir),
        survey=found.survey,
        spool=found.spool,
        broker=found.broker,
        sources=tuple(_source(file, f"read[{number}]", entry) for number, entry in enumerate(found.read)),
        sales=found.sales,
    )


def _parse(file: Path) -> dict[str, Any]:
    try:
        return checked.parse(file.read_bytes())
    except FileNotFoundError as error:
        if file == DEFAULT_FILE:
            return {}
        raise ConfigError(str(file), "", "no such file; name the right one with --config") from error
    except OSError as error:
        raise ConfigError(str(file), "", f"cannot be read: {error.strerror}") from error


def _source(file: str, path: str, entry: dict[str, Any]) -> Source:
    settings = dict(entry)
    name = settings.pop("reader", None)
    known = ", ".join(readers.names())
    if name is None:
        raise ConfigError(file, f"{path}.reader", f"missing; expected one of {known}")
    try:
        reader = readers.load(name)
    except KeyError as error:
        raise ConfigError(file, f"{path}.reader", f"found {name!r}; expected one of {known}") from error
    except ImportError as error:
        raise ConfigError(file, f"{path}.reader", f"{name} needs the library {error.name}: install it") from error
    return Source(path=path, name=name, reader=reader, settings=checked.convert(settings, reader.Settings, path))


def _with_dates_as_text(value: Any) -> Any:
    """TOML has dates of its own; a day is a day, with quotation marks or without."""
    match value:
        case dict():
            return {key: _with_dates_as_text(item) for key, item in value.items()}
        case list():
            return [_with_dates_as_text(item) for item in value]
        case datetime.datetime():
            return value.isoformat().replace("+00:00", "Z")
        case datetime.date():
            return value.isoformat()
        case _:
            return value
