"""endoflife.date: a page of its repository (`products/*.md`) or an answer of its API v1 (`/api/v1/products/...`).

- Only products of category `device` have models here; of others a release is a line of versions.
- `eol` (API: `eolFrom`) is the last supported day, inclusive: the site counts a release as ended from the day after it.
  What it is the end *of* the page says in `eolColumn` (API: `labels.eol`); where that speaks of neither security nor
  updates nor support, as for a production guarantee, it is no update window.
- `false`: the end is not known, which goes on record as `tba`. `true`: it has ended, nobody says when; an earlier
  window of this feed is withdrawn. Other dates (active support, discontinued, extended support) are no update window.
- The site is nobody's promise: it mixes what makers said with what was observed, and robots write in it.
"""

import re
from typing import Any, Final

import msgspec

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers import _names as names
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet
from collector.catalogue.importers._yaml import front_matter

SUFFIXES: Final = (".md", ".json")
_UPDATES: Final = re.compile(r"security|updat|support|firmware|patch", re.IGNORECASE)
_OF_OTHER_THINGS: Final = re.compile(r"active|hardware|repair|sales|warrant", re.IGNORECASE)
_VERSION: Final = re.compile(r"1\..*")


class _Product(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all releases of a product."""

    name: str
    label: str
    asserted_at: str | None = None

    def model(self, cycle: Node) -> str:
        """The name of a release, which is a model here."""
        return f"{self.name}/{names.slug(cycle)}"


def parse(data: bytes, _name: str) -> Imported:
    """Read a page or an answer."""
    sheet = Sheet("endoflife.date")
    with sheet.part():
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            _answer(sheet, document(data))
        else:
            _page(sheet, front_matter(data))
    return sheet.imported()


def _page(sheet: Sheet, root: Node) -> None:
    if _is_device(sheet, root):
        page = _Product(name=names.slug(root.get("permalink")), label=_label(root.find("eolColumn")))
        for release in root.get("releases").items():
            with sheet.part():
                _model(sheet, page, release.get("releaseCycle"), release.find("releaseDate"))
                _window(sheet, page, release.get("releaseCycle"), release.get("eol"))


def _answer(sheet: Sheet, root: Node) -> None:
    result = root.mark("result")  # the answers before API v1 do not have it, and do not name their product
    version = root.find("schema_version")
    if version is not None and not _VERSION.fullmatch(version.text()):
        raise version.unmapped(Reason.FORMAT, "expected schema version 1")
    asserted_at = None
    with sheet.part():
        if (modified := root.find("last_modified")) is not None:
            asserted_at = dates.instant(modified)
    for product in result.items() if isinstance(result.value, list) else (result,):
        with sheet.part():
            _product(sheet, product, asserted_at)


def _product(sheet: Sheet, product: Node, asserted_at: str | None) -> None:
    if product.find("releases") is None:
        raise product.unmapped(Reason.FORMAT, "expected a product with its releases")
    if _is_device(sheet, product):
        label = _label(product.get("labels").find("eol"))
        answer = _Product(name=names.slug(product.get("name")), label=label, asserted_at=asserted_at)
        for release in product.get("releases").items():
            with sheet.part():
                _model(sheet, answer, release.get("name"), release.find("releaseDate"))
                _window(sheet, answer, release.get("name"), release.find("eolFrom") or release.get("isEol"))


def _is_device(sheet: Sheet, product: Node) -> bool:
    category = product.get("category")
    if category.value != "device":
        sheet.skip(category.place, Reason.MEANING, "no device: its releases are versions, not models", category.value)
    return bool(category.value == "device")


def _label(label: Node | None) -> str:
    """What the site heads the column with."""
    return "Security Support" if label is None or label.value is True else label.text()


def _model(sheet: Sheet, product: _Product, cycle: Node, released: Node | None) -> None:
    fields: dict[str, Any] = {"model": product.model(cycle), "ids": []}
    with sheet.part():
        if released is not None:
            fields["general_availability"] = dates.day(released)
    sheet.state(cycle.place, "model", fields)


def _window(sheet: Sheet, product: _Product, cycle: Node, end: Node) -> None:
    if not _UPDATES.search(product.label) or _OF_OTHER_THINGS.search(product.label):
        detail = f"headed {product.label!r}, which is not until when there are updates"
        raise end.unmapped(Reason.MEANING, detail)
    fields: dict[str, Any]
    if end.value is True:
        sheet.skip(end.place, Reason.ENDED, "withdraws an earlier window of this feed, and states none", end.value)
        fields = {"withdraw": True}
    elif end.value is False:
        sheet.skip(end.place, Reason.TBA, "not ended, and no end is known: goes on record as tba", end.value)
        fields = {"end": "tba"}
    else:
        fields = {"end": dates.day(end)}
    model = {"model": product.model(cycle)}
    sheet.state(end.place, "window", {**model, **fields}, asserted_at=product.asserted_at)
