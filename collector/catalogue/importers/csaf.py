"""CSAF 2.0 (OASIS standard): one security advisory, from which an `advisory` comes for each vulnerability and model.

- Whose word it is: the publisher's, by the host of its namespace, as a feed of its own.
- Which products: those of the product tree, never those of the title. A title that shares no word with them is listed.
- `affected` are the versions of products that are known to be affected, `fixed_in` those of fixed ones. A fix need not
  be among the products: a `vendor_fix` without one is listed, since it says of no version that it is fixed.
- CSAF has no version schemes: what is to be compared is compared in the scheme of the model's entry.
- Public since: the vulnerability's release date, else the document's first. Said at: the document's current date.
- `no_fix_planned` is a refusal, unless there is a fix too; `none_available` is none. `known_not_affected` takes back
  what the publisher said before. Severity is that of the highest CVSS 3 score.
- Drafts, and what the Traffic Light Protocol keeps from the public, do not go on a public record.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers._contract import Imported, Reason
from collector.catalogue.importers._csaf_products import Product, groups, products
from collector.catalogue.importers._csaf_vulnerabilities import Context, state
from collector.catalogue.importers._json import document
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet
from evidence.limits import MAX_IDS

SUFFIXES: Final = (".json",)
_HOST: Final = re.compile(r"https?://([a-z0-9.-]{1,100})(?:[:/].*)?", re.IGNORECASE)
_PUBLIC: Final = ("WHITE", "CLEAR")
_WORD: Final = re.compile(r"[^\W_]{3,}")


def parse(data: bytes, _name: str) -> Imported:
    """Read a document."""
    sheet = Sheet("csaf")
    with sheet.part():
        root = document(data)
        head = root.mark("document")
        if (version := head.find("csaf_version")) is None or version.value != "2.0":
            raise (version or head).unmapped(Reason.FORMAT, "expected a document of CSAF 2.0")
        _check_public(head)
        _name_feed(sheet, head)
        _read(sheet, root, head)
    return sheet.imported()


def _check_public(head: Node) -> None:
    status = head.get("tracking").get("status")
    if status.value not in ("final", "interim"):
        raise status.unmapped(Reason.WITHHELD, "only final and interim documents are for others to read")
    distribution = head.find("distribution")
    tlp = distribution.find("tlp") if distribution else None
    label = tlp.get("label") if tlp else None
    if label is not None and label.value not in _PUBLIC:
        raise label.unmapped(Reason.WITHHELD, f"only {' and '.join(_PUBLIC)} may be shown to everybody")


def _name_feed(sheet: Sheet, head: Node) -> None:
    with sheet.part():
        namespace = head.get("publisher").get("namespace")
        found = _HOST.fullmatch(namespace.text())
        if found is None:
            raise namespace.unmapped(Reason.TYPE, "expected an address; recorded as the word of CSAF at large")
        sheet.feed = f"csaf-{found[1].lower()}"


def _read(sheet: Sheet, root: Node, head: Node) -> None:
    vulnerabilities = list(root.listed("vulnerabilities"))
    tree = root.find("product_tree")
    if tree is None or not vulnerabilities:
        raise head.get("tracking").unmapped(
            Reason.UNMAPPED, "no products or no vulnerabilities: of no use for a device"
        )
    found = products(sheet, tree)
    _check_title(sheet, head, found.values())
    tracking = head.get("tracking")
    asserted_at = None
    with sheet.part():
        asserted_at = dates.instant(tracking.get("current_release_date"))
    context = Context(
        sheet=sheet,
        products=found,
        groups=groups(sheet, tree),
        name=tracking.get("id").text() if len(vulnerabilities) == 1 else None,
        published=tracking.find("initial_release_date"),
        asserted_at=asserted_at,
    )
    _state_models(sheet, found.values())
    for vulnerability in vulnerabilities:
        with sheet.part():
            state(context, vulnerability)


def _state_models(sheet: Sheet, found: Iterable[Product]) -> None:
    """Each with the ids of all its versions."""
    models: dict[str, list[Product]] = {}
    for product in found:
        models.setdefault(product.model, []).append(product)
    for model, versions in models.items():
        with sheet.part():
            ids = sorted({each for product in versions for each in product.ids})[:MAX_IDS]
            fields = {"model": model, "ids": ids, "manufacturer": versions[0].maker}
            sheet.state(versions[0].node.place, "model", fields)


def _check_title(sheet: Sheet, head: Node, found: Collection[Product]) -> None:
    with sheet.part():
        title = head.get("title")
        spoken = set(_WORD.findall(title.prose().casefold()))
        meant = {word for product in found for text in product.titles for word in _WORD.findall(text.casefold())}
        if found and not spoken & meant:
            raise title.unmapped(Reason.TITLE, "shares no word with the products, which count")
