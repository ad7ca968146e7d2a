"""`python -m firmware_fixtures.catalogue FOLDER`: writes CSAF files to measure an import with, the same every time.

The sizes are those of the files that CISA publishes for industrial and home devices: a few products, a few holes, and
ten kilobytes of text around them that nobody maps.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

PRODUCTS = 3
HOLES = 3
WORDS = "A hole in the web page of this device lets anybody who can reach it read what he should not. " * 20


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(prog="python -m firmware_fixtures.catalogue", description="Write CSAF files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=1000, metavar="N", help="default: %(default)s")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for number in range(args.files):
        (args.folder / f"gen-{number:06}.json").write_text(json.dumps(advisory(number), indent=1))


def advisory(number: int) -> dict[str, Any]:
    """One document: each of its products has a range of affected versions and a fixed one."""
    chance = random.Random(number)  # noqa: S311  # nothing is secret about it
    maker = f"Maker {number % 50}"
    affected = [f"A{product}" for product in range(PRODUCTS)]
    fixed = [f"F{product}" for product in range(PRODUCTS)]
    dated = f"2026-{1 + number % 9:02}-{1 + number % 28:02}T09:00:00.000000Z"
    return {
        "document": {
            "csaf_version": "2.0",
            "category": "csaf_security_advisory",
            "title": f"{maker} devices",
            "notes": [{"category": "general", "text": WORDS} for _ in range(5)],
            "publisher": {"category": "coordinator", "name": "Nobody", "namespace": "https://nobody.example"},
            "tracking": {
                "id": f"GEN-{number}",
                "status": "final",
                "version": "1",
                "initial_release_date": dated,
                "current_release_date": dated,
            },
        },
        "product_tree": {"branches": [_vendor(maker, number, chance)]},
        "vulnerabilities": [
            {
                "cve": f"CVE-2026-{100_000 + number * HOLES + hole}",
                "notes": [{"category": "summary", "text": WORDS}],
                "product_status": {"known_affected": affected, "fixed": fixed},
                "scores": [{"products": affected, "cvss_v3": {"baseSeverity": "HIGH"}}],
            }
            for hole in range(HOLES)
        ],
    }


def _vendor(maker: str, number: int, chance: random.Random) -> dict[str, Any]:
    def version(category: str, name: str, identity: str) -> dict[str, Any]:
        return {"category": category, "name": name, "product": {"name": name, "product_id": identity}}

    products = []
    for product in range(PRODUCTS):
        fixed = f"{chance.randrange(1, 9)}.{chance.randrange(20)}.0"
        versions = [
            version("product_version_range", f"<{fixed}", f"A{product}"),
            version("product_version", fixed, f"F{product}"),
        ]
        products.append({"category": "product_name", "name": f"Device {number}-{product}", "branches": versions})
    return {"category": "vendor", "name": maker, "branches": products}


if __name__ == "__main__":
    main()
