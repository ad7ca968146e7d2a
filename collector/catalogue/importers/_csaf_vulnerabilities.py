"""The vulnerabilities of a CSAF 2.0 document (section 3.2.3): one `advisory` for each model that one is about."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._csaf_products import Product
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet
from collector.catalogue.importers._vers import Range

_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_SEVERITIES: Final = ("low", "medium", "high", "critical")
_REMEDIES: Final = ("mitigation", "no_fix_planned", "none_available", "vendor_fix", "workaround")
_ORDERED: Final = {"from", "before", "through"}


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every vulnerability of a document.

    Attributes:
        sheet: Where drafts go.
        products: By product id.
        groups: Product ids by group id.
        name: The document's, where its only vulnerability may be called by it.
        published: When the document first was.
        asserted_at: When it was said as it stands.
        schemeless: Models whose versions were listed as not comparable without a scheme.
    """

    sheet: Sheet
    products: dict[str, Product]
    groups: dict[str, list[str]]
    name: str | None
    published: Node | None
    asserted_at: str | None
    schemeless: set[str] = set()


class _Status(msgspec.Struct, frozen=True):
    """The product ids of one model in a vulnerability, by what is said of them."""

    known: list[str] = []
    first: list[str] = []
    last: list[str] = []
    fixed: list[str] = []
    good: list[str] = []

    @property
    def affected(self) -> list[str]:
        """Those of which some version is affected."""
        return [*self.known, *self.first, *self.last]


_AFFECTED: Final = {"known_affected": "known", "first_affected": "first", "last_affected": "last"}
_GOOD: Final = {"fixed": "fixed", "first_fixed": "fixed", "known_not_affected": "good"}


def state(context: Context, node: Node) -> None:
    """Write the advisories of a vulnerability."""
    shared = {"advisory": _name(context, node), **_public_since(context, node)}
    severities = _severities(context, node)
    refused = _remediated(context, node, "no_fix_planned")
    fixable = _remediated(context, node, "vendor_fix")
    for each in sorted(refused.keys() & fixable.keys()):
        context.sheet.skip(refused.pop(each).place, Reason.CONTRADICTION, "said to get a fix and to get none", each)
    for model, status in _by_model(context, node).items():
        with context.sheet.part():
            affected = status.affected
            fields = {"model": model, **shared, **_versions(context, node, model, status)}
            clears = () if affected or status.fixed else tuple(_cleared(context, status))
            if clears:
                fields["affected"] = []
            if found := [severities[each] for each in affected if each in severities]:
                fields["severity"] = _SEVERITIES[max(found)]
            if affected and all(each in refused for each in affected):
                fields["no_fix"] = "no_fix_planned"
            fix = next((fixable[each] for each in affected if each in fixable), None)
            if fix is not None and "fixed_in" not in fields:
                detail = "a fix is said to exist, and not in which version; a release can tell"
                context.sheet.skip(fix.place, Reason.FIX, detail, fix.value)
            context.sheet.state(node.place, "advisory", fields, asserted_at=context.asserted_at, clears=clears)


def _name(context: Context, node: Node) -> str:
    with context.sheet.part():
        if (cve := node.find("cve")) is not None:
            if not _CVE.fullmatch(cve.text().upper()):
                raise cve.unmapped(Reason.NAME, "expected a name such as CVE-2026-12345")
            return cve.text().upper()
    for identity in node.listed("ids"):
        return identity.get("text").text()
    if context.name is None:
        raise node.unmapped(Reason.NAME, "no cve and no ids, in a document with other vulnerabilities")
    return context.name


def _by_model(context: Context, node: Node) -> dict[str, _Status]:
    """Which products are what, by model; those that name none, or of which two things are said, are listed."""
    status = node.get("product_status")
    said = {key: [each.text() for each in status.listed(key)] for key in (*_AFFECTED, *_GOOD)}
    affected, good = ({each for key in keys for each in said[key]} for keys in (_AFFECTED, _GOOD))
    if not any(status.value.values()):
        raise status.unmapped(Reason.MISSING, "expected products")
    for key in sorted(set(status.keys()) - said.keys()):
        if unread := status.get(key).value:
            detail = f"{key} says neither that a product is affected nor that it is not"
            context.sheet.skip(status.place, Reason.UNMAPPED, detail, unread)
    if unknown := sorted((affected | good) - context.products.keys()):
        detail = f"{len(unknown)} products of this vulnerability name no model"
        context.sheet.skip(status.place, Reason.PRODUCT, detail, unknown)
    if both := sorted(affected & good):
        context.sheet.skip(status.place, Reason.CONTRADICTION, "said to be affected and not to be", both)
    left_out = {*unknown, *both}
    found: dict[str, _Status] = {}
    for key, place in {**_AFFECTED, **_GOOD}.items():
        for each in dict.fromkeys(said[key]):
            if each not in left_out:
                getattr(found.setdefault(context.products[each].model, _Status()), place).append(each)
    if good_only := sorted(each for of in found.values() if of.good and not of.affected for each in of.good):
        detail = "no fact says that a product is not affected; this only takes back an earlier word that it is"
        context.sheet.skip(status.place, Reason.UNMAPPED, detail, good_only)
    return found


def _public_since(context: Context, node: Node) -> dict[str, Any]:
    date = node.find("release_date") or context.published
    with context.sheet.part():
        if date is not None:
            return {"public_since": dates.date_time(date)}
    return {}


def _versions(context: Context, node: Node, model: str, status: _Status) -> dict[str, Any]:
    known, first, last, fixed = (
        [context.products[each] for each in ids] for ids in (status.known, status.first, status.last, status.fixed)
    )
    affected = [*chain.from_iterable(_affected(context, product) for product in known), *_bounds(context, first, last)]
    _list_schemeless(context, node, model, affected)
    fixed_in = list(dict.fromkeys(chain.from_iterable(_fixed(context, product) for product in fixed)))
    if both := {each["exact"] for each in affected if "exact" in each}.intersection(fixed_in):
        detail = "versions of one model under two product ids, said to be affected and not to be"
        context.sheet.skip(node.place, Reason.CONTRADICTION, detail, sorted(both))
        affected = [each for each in affected if each.get("exact") not in both]
        fixed_in = [each for each in fixed_in if each not in both]
    fields = {"affected": _once(affected), "fixed_in": fixed_in}
    return {key: value for key, value in fields.items() if value}


def _affected(context: Context, product: Product) -> list[Range]:
    if product.ranges is not None:
        return product.ranges
    detail = "goes on record as text, which compares with nothing"
    context.sheet.skip(product.node.place, Reason.RANGE, detail, product.words)
    return [{"text": product.words}]


def _cleared(context: Context, status: _Status) -> Iterator[Range]:
    for product in (context.products[each] for each in status.good):
        yield from [{"text": product.words}] if product.ranges is None else product.ranges


def _bounds(context: Context, first: Sequence[Product], last: Sequence[Product]) -> list[Range]:
    """The first and the last affected version are a range together; one alone says nothing of the other side."""
    low, high = ([_exact(product) for product in products] for products in (first, last))
    if len(low) == len(high) == 1 and low[0] and high[0]:
        return [{"from": low[0], "through": high[0]}]
    for product in chain(first, last):
        context.sheet.skip(product.node.place, Reason.RANGE, "a bound without its other side", product.words)
    return [{"text": product.words} for product in chain(first, last)]


def _fixed(context: Context, product: Product) -> list[str]:
    match product.ranges:
        case [{"exact": version, **rest}] | [{"from": version, **rest}] if not rest:
            return [str(version)]
    context.sheet.skip(product.node.place, Reason.RANGE, "the fixed version is left out", product.words)
    return []


def _exact(product: Product) -> str | None:
    match product.ranges:
        case [{"exact": version}]:
            return str(version)
    return None


def _once(ranges: Iterable[Range]) -> list[Range]:
    return list({msgspec.json.encode(each): each for each in ranges}.values())


def _list_schemeless(context: Context, node: Node, model: str, affected: Sequence[Range]) -> None:
    compared = [each for each in affected if each.keys() & _ORDERED]
    if compared and model not in context.schemeless:
        context.schemeless.add(model)
        detail = f"CSAF does not say how these compare; the entry of {model} must name a scheme"
        context.sheet.skip(node.place, Reason.SCHEME, detail, _once(compared))


def _severities(context: Context, node: Node) -> dict[str, int]:
    """The highest score of each product, as its place among the severities."""
    found: dict[str, int] = {}
    for score in node.listed("scores"):
        with context.sheet.part():
            if (cvss := score.find("cvss_v3")) is None:
                raise score.unmapped(Reason.UNMAPPED, "only CVSS 3 has a word for the severity")
            word = cvss.get("baseSeverity")
            if word.text().lower() not in ("none", *_SEVERITIES):
                raise word.unmapped(Reason.TYPE, f"expected one of {', '.join(_SEVERITIES)}")
            if word.text().lower() != "none":
                severity = _SEVERITIES.index(word.text().lower())
                for each in score.get("products").items():
                    found[each.text()] = max(severity, found.get(each.text(), severity))
    return found


def _remediated(context: Context, node: Node, category: str) -> dict[str, Node]:
    """The product ids for which there is a remediation of a category, each with the first that names it."""
    found: dict[str, Node] = {}
    groups: dict[str, Node] = {}
    for remediation in node.listed("remediations"):
        with context.sheet.part():
            said = remediation.get("category")
            if said.value not in _REMEDIES:
                raise said.unmapped(Reason.TYPE, f"expected one of {', '.join(_REMEDIES)}")
            if said.value == category:
                if not (remediation.find("product_ids") or remediation.find("group_ids")):
                    raise remediation.unmapped(Reason.PRODUCT, "does not say for which products")
                for each in remediation.listed("product_ids"):
                    found.setdefault(each.text(), remediation)
                for group in remediation.listed("group_ids"):
                    groups.setdefault(group.text(), remediation)
    for name, remediation in groups.items():
        if name not in context.groups:
            context.sheet.skip(remediation.place, Reason.PRODUCT, f"there is no group {name}", remediation.value)
        for product in context.groups.get(name, ()):
            found.setdefault(product, remediation)
    return found
