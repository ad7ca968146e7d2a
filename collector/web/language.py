"""What is said in which language: texts as data, and days in the register's zone.

A text may hold markup of ours and `{fields}`; what is filled in is escaped. Which language a person gets: `?lang=`,
else the cookie that an earlier `?lang=` left, else Accept-Language (RFC 9110 section 12.5.4), else English.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from litestar import Request
from markupsafe import Markup

from collector.appraisal.days import ONE_SECOND, local_day, shift
from evidence.ids import is_id

COOKIE: Final = "lang"
LOCALES: Final = {"en": "en_GB", "nl": "nl_NL"}
_SHORT: Final = 8
_FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True, kw_only=True)
class Language:
    """Speaks one language; called with the key of a text and its fields."""

    code: str
    locale: Locale
    zone: ZoneInfo
    texts: Mapping[str, str]

    def __call__(self, key: str, **fields: object) -> Markup:
        """The text of a key."""
        return Markup(self.texts[key]).format(**fields)  # noqa: S704  # the texts are ours

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def word(self, group: str, word: str, **fields: object) -> Markup:
        """The text for a word of data, or the word itself where it is newer than the texts."""
        key = f"{group}.{word}"
        return self(key, **fields) if key in self else Markup("<code>{}</code>").format(word)

    def count(self, key: str, number: int, **fields: object) -> Markup:
        """The text for so many of something."""
        return self(f"{key}.{self.locale.plural_form(number)}", n=number, **fields)

    def party(self, party: str) -> Markup:
        """Who a `role:name` is."""
        role, _, name = party.partition(":")
        name = name[:_SHORT] if is_id(name) else name
        return self(f"role.{role}", name=name) if f"role.{role}" in self else Markup.escape(party)

    def day(self, instant: datetime) -> Markup:
        """The local day of an instant."""
        local = local_day(instant, self.zone)
        return _time(local.isoformat(), format_date(local, "long", locale=self.locale))

    def last_day(self, end_excl: datetime) -> Markup:
        """The last day of a span that ends before an instant."""
        return self.day(shift(end_excl, -ONE_SECOND))

    def moment(self, instant: datetime) -> Markup:
        """Day and time of an instant."""
        local = _local(instant, self.zone)
        text = format_datetime(local, "d MMM y, HH:mm", tzinfo=local.tzinfo, locale=self.locale)
        return _time(instant.isoformat(), text)

    def distance(self, instant: datetime, now: datetime) -> str:
        """How long ago, or in how long."""
        return format_timedelta(instant - now, add_direction=True, locale=self.locale)


def languages(zone: ZoneInfo) -> dict[str, Language]:
    """Every language that there are texts for."""
    return {
        code: Language(code=code, locale=Locale.parse(locale), zone=zone, texts=read_texts(code))
        for code, locale in LOCALES.items()
    }


def read_texts(code: str) -> dict[str, str]:
    """The texts of a language by dotted key."""
    files = sorted(_FOLDER.glob(f"{code}.*toml"))
    return {key: text for file in files for key, text in _flat("", tomllib.loads(file.read_text(encoding="utf-8")))}


def choose(request: Request[Any, Any, Any]) -> str:
    """The code of the language to answer in."""
    wanted = (request.query_params.get("lang"), request.cookies.get(COOKIE), *_accepted(request))
    return next((code for code in wanted if code in LOCALES), "en")


def _accepted(request: Request[Any, Any, Any]) -> list[str]:
    found = []
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        found.append((-_weight(weight), tag.lower().partition("-")[0]))
    return [code for _, code in sorted(found, key=lambda item: item[0])]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    try:
        return instant.astimezone(zone)
    except OverflowError:  # at either end of the calendar
        return instant


def _time(machine: str, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, text)
