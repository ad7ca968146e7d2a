"""The product tree of a CSAF 2.0 document (section 3.2.2): which product ids stand for which versions of which model.

- A model is a `vendor` and the `product_name` below it, or the `product_family` where there is no such name. Everything
  below a version (service pack, architecture, patch level) names none. Nothing is read out of full names.
- A relationship `installed_on` is firmware on a device: the versions of the one, the model of the other.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from collector.catalogue.importers import _names as names
from collector.catalogue.importers import _vers as vers
from collector.catalogue.importers._contract import Reason
from collector.catalogue.importers._nodes import Node
from collector.catalogue.importers._sheet import Sheet
from evidence.ids import model_id

_MAX_DEPTH: Final = 50
_VERSIONS: Final = {"product_version": vers.version, "product_version_range": vers.ranges}


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What a product id stands for.

    Attributes:
        node: Where it stands.
        model: The name of its model.
        maker: The vendor, as part of a name.
        titles: Vendor and product as written.
        ranges: Its versions; None where they are in words.
        words: Its versions as written.
        ids: Model ids.
    """

    node: Node
    model: str
    maker: str
    titles: tuple[str, ...]
    ranges: list[vers.Range] | None
    words: str
    ids: tuple[str, ...] = ()


def products(sheet: Sheet, tree: Node) -> dict[str, Product]:
    """The products of a tree that name a model, by their product id; the others are listed."""
    found: dict[str, Product | None] = {}
    for path in _leaves(sheet, tree, ()):
        with sheet.part():
            leaf = path[-1].get("product")
            _add(found, leaf, _product(path, leaf))
    for name in tree.listed("full_product_names"):
        sheet.skip(name.place, Reason.PRODUCT, "a full name says neither vendor nor product nor version", name.value)
    for relation in tree.listed("relationships"):
        with sheet.part():
            _add(found, relation.get("full_product_name"), _installed(found, relation))
    return {identity: product for identity, product in found.items() if product is not None}


def groups(sheet: Sheet, tree: Node) -> dict[str, list[str]]:
    """The product ids of each product group."""
    found: dict[str, list[str]] = {}
    for group in tree.listed("product_groups"):
        with sheet.part():
            found[group.get("group_id").text()] = [each.text() for each in group.get("product_ids").items()]
    return found


def _leaves(sheet: Sheet, node: Node, path: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    if len(path) > _MAX_DEPTH:
        raise node.unmapped(Reason.TOO_LARGE, f"branches nested more than {_MAX_DEPTH} deep")
    for branch in node.listed("branches"):
        with sheet.part():
            if branch.find("product") is not None:
                yield (*path, branch)
            yield from _leaves(sheet, branch, (*path, branch))


def _add(found: dict[str, Product | None], full_name: Node, product: Product) -> None:
    """An id that stands for two products stands for none: which of them is meant nobody can tell."""
    identity = full_name.get("product_id")
    before = found.setdefault(identity.text(), product)
    if before is None or msgspec.structs.replace(product, node=before.node) != before:
        found[identity.text()] = None
        raise identity.unmapped(Reason.CONTRADICTION, "this product id stands for another product too, so for none")


def _product(path: tuple[Node, ...], leaf: Node) -> Product:
    kinds = [branch.get("category").text() for branch in path]
    called = {kind: [each.get("name") for each, of in zip(path, kinds, strict=True) if of == kind] for kind in kinds}
    vendors = called.get("vendor", [])
    titles = called.get("product_name") or called.get("product_family") or []
    if len(vendors) != 1 or not titles:
        raise leaf.unmapped(Reason.PRODUCT, "expected a vendor and a product name above it")
    maker = names.slug(vendors[0])
    last = path[-1].get("name")
    read = _VERSIONS.get(kinds[-1])
    return Product(
        node=leaf,
        model="/".join([maker, *map(names.slug, titles)]),
        maker=maker,
        titles=tuple(title.prose() for title in (*vendors, *titles)),
        ranges=read(last.text()) if read else None,
        words=last.prose() if read else leaf.get("name").prose(),
        ids=_ids(leaf),
    )


def _ids(leaf: Node) -> tuple[str, ...]:
    """Model numbers; one with a wildcard stands for many and is none."""
    helper = leaf.find("product_identification_helper")
    numbers = [] if helper is None else [number.text() for number in helper.listed("model_numbers")]
    return tuple(filter(None, (model_id("model", number) for number in numbers if not set(number) & set("*?"))))


def _installed(found: dict[str, Product | None], relation: Node) -> Product:
    if relation.get("category").value != "installed_on":
        raise relation.unmapped(Reason.UNMAPPED, "only what is installed on a device is its software")
    software = found.get(relation.get("product_reference").text())
    device = found.get(relation.get("relates_to_product_reference").text())
    if software is None or device is None:
        raise relation.unmapped(Reason.PRODUCT, "expected two products of this tree that name a model")
    return msgspec.structs.replace(device, node=relation, ranges=software.ranges, words=software.words)
