"""The vulnerabilities of a CSAF 2.0 document (section 3.2.3): one `advisory` for each model that one is about."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from collector.catalogue.importers import _dates as dates
from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._csaf_products import Product
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet
from collector.catalogue.importers._vers import Range
from evidence.limits import MAX_IDS

_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_SEVERITIES: Final = ("low", "medium", "high", "critical")
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
        stated: Models that were written.
        schemeless: Models whose versions were listed as not comparable without a scheme.
    """

    sheet: Sheet
    products: dict[str, Product]
    groups: dict[str, list[str]]
    name: str | None
    published: Node | None
    asserted_at: str | None
    stated: set[str] = set()
    schemeless: set[str] = set()


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    """The product ids of a vulnerability, by what is said of them."""

    known: list[str]
    first: list[str]
    last: list[str]
    fixed: list[str]

    def affected(self) -> Iterable[str]:
        """Those of which some version is affected."""
        return chain(self.known, self.first, self.last)


def state(context: Context, node: Node) -> None:
    """Write the advisories of a vulnerability."""
    name = _name(context, node)
    status = _status(context, node)
    shared = _public_since(context, node)
    unfixed = _remediated(context, node, "no_fix_planned")
    fixable = _remediated(context, node, "vendor_fix")
    for model in dict.fromkeys(context.products[each].model for each in chain(status.affected(), status.fixed)):
        with context.sheet.part():
            own = _of_model(context, status, model)
            affected = set(own.affected())
            fields = {"model": model, "advisory": name, **shared, **_versions(context, node, own)}
            if severity := _severity(context, node, affected):
                fields["severity"] = severity
            if affected and affected <= unfixed.keys():
                fields["no_fix"] = "no_fix_planned"
            if "fixed_in" not in fields and (fix := next((fixable[each] for each in affected & fixable.keys()), None)):
                detail = "a fix is said to exist, and not in which version; a release can tell"
                context.sheet.skip(fix.place, Reason.FIX, detail, fix.value)
            _state_model(context, model)
            context.sheet.state(node.place, "advisory", fields, asserted_at=context.asserted_at)


def _name(context: Context, node: Node) -> str:
    with context.sheet.part():
        if (cve := node.find("cve")) is not None:
            if not _CVE.fullmatch(cve.text()):
                raise cve.unmapped(Reason.NAME, "expected a name such as CVE-2026-12345")
            return cve.text()
    for identity in node.listed("ids"):
        return identity.get("text").text()
    if context.name is None:
        raise node.unmapped(Reason.NAME, "no cve and no ids, in a document with other vulnerabilities")
    return context.name


def _status(context: Context, node: Node) -> _Status:
    """Which products are what; those that name no model, or of which two things are said, are listed."""
    status = node.get("product_status")
    named = {key: [each.text() for each in status.listed(key)] for key in status.keys()}  # noqa: SIM118
    affected = {each for key in ("known_affected", "first_affected", "last_affected") for each in named.get(key, ())}
    good = {each for key in ("fixed", "first_fixed", "known_not_affected") for each in named.get(key, ())}
    unknown = sorted((affected | good) - context.products.keys())
    if unknown:
        detail = f"{len(unknown)} products of this vulnerability name no model"
        context.sheet.skip(status.place, Reason.PRODUCT, detail, unknown)
    both = affected & good
    if both:
        detail = "said to be affected and not to be"
        context.sheet.skip(status.place, Reason.CONTRADICTION, detail, sorted(both))

    def told(*keys: str) -> list[str]:
        ids = chain.from_iterable(named.get(key, ()) for key in keys)
        return [each for each in dict.fromkeys(ids) if each in context.products and each not in both]

    return _Status(
        known=told("known_affected"),
        first=told("first_affected"),
        last=told("last_affected"),
        fixed=told("fixed", "first_fixed"),
    )


def _of_model(context: Context, status: _Status, model: str) -> _Status:
    def own(ids: Iterable[str]) -> list[str]:
        return [each for each in ids if context.products[each].model == model]

    return _Status(known=own(status.known), first=own(status.first), last=own(status.last), fixed=own(status.fixed))


def _public_since(context: Context, node: Node) -> dict[str, Any]:
    date = node.find("release_date") or context.published
    with context.sheet.part():
        if date is not None:
            return {"public_since": dates.date_time(date)}
    return {}


def _versions(context: Context, node: Node, status: _Status) -> dict[str, Any]:
    products = context.products
    affected = list(chain.from_iterable(_affected(context, products[each]) for each in status.known))
    affected += _bounds(context, [products[each] for each in status.first], [products[each] for each in status.last])
    fixed = chain.from_iterable(_fixed(context, products[each]) for each in status.fixed)
    _list_schemeless(context, node, status, affected)
    fields = {"affected": _once(affected), "fixed_in": list(dict.fromkeys(fixed))}
    return {key: value for key, value in fields.items() if value}


def _affected(context: Context, product: Product) -> list[Range]:
    if product.ranges is not None:
        return product.ranges
    detail = "goes on record as text, which compares with nothing"
    context.sheet.skip(product.node.place, Reason.RANGE, detail, product.words)
    return [{"text": product.words}]


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


def _list_schemeless(context: Context, node: Node, status: _Status, affected: Sequence[Range]) -> None:
    compared = [each for each in affected if each.keys() & _ORDERED]
    model = next((context.products[each].model for each in status.affected()), "")
    if compared and model not in context.schemeless:
        context.schemeless.add(model)
        detail = f"CSAF does not say how these compare; the entry of {model} must name a scheme"
        context.sheet.skip(node.place, Reason.SCHEME, detail, _once(compared))


def _severity(context: Context, node: Node, affected: set[str]) -> str | None:
    """The highest of the scores of these products."""
    found = [-1]
    for score in node.listed("scores"):
        with context.sheet.part():
            cvss = score.find("cvss_v3")
            if cvss is not None and affected & {each.text() for each in score.get("products").items()}:
                word = cvss.get("baseSeverity")
                if word.text().lower() not in ("none", *_SEVERITIES):
                    raise word.unmapped(Reason.TYPE, f"expected one of {', '.join(_SEVERITIES)}")
                found += [number for number, each in enumerate(_SEVERITIES) if each == word.text().lower()]
    return _SEVERITIES[max(found)] if max(found) >= 0 else None


def _remediated(context: Context, node: Node, category: str) -> dict[str, Node]:
    """The product ids for which there is a remediation of a category, each with one that names it."""
    found: dict[str, Node] = {}
    for remediation in node.listed("remediations"):
        with context.sheet.part():
            if remediation.get("category").value == category:
                ids = [each.text() for each in remediation.listed("product_ids")]
                for group in remediation.listed("group_ids"):
                    ids += context.groups.get(group.text(), [])
                found |= dict.fromkeys(ids, remediation)
    return found


def _state_model(context: Context, model: str) -> None:
    if model not in context.stated:
        context.stated.add(model)
        own = [product for product in context.products.values() if product.model == model]
        ids = sorted({each for product in own for each in product.ids})[:MAX_IDS]
        fields = {"model": model, "ids": ids, "manufacturer": own[0].maker}
        context.sheet.state(own[0].node.place, "model", fields)
