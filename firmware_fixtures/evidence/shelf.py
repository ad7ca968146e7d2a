"""Puts the shelf up: `python -m firmware_fixtures.evidence.shelf` writes every specimen and the index.

`index.json` names each file, what to open it as, and the code that refuses it (null: it is valid). The keys are the
public ones of the seeds in `forge.py`; everything but one specimen is signed by the first.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from firmware_fixtures.evidence import claims, form
from firmware_fixtures.evidence.forge import KEY, VALID

FOLDER = Path(__file__).parent
INDEX = "index.json"

REFUSED = {
    "report": form.ENVELOPES | form.HEADERS | form.SIGNATURES | form.ENCODINGS | claims.REPORTS | claims.DEVICES,
    "statement": claims.STATEMENTS,
    "receipt": claims.RECEIPTS,
    "refusal": form.SIZES | claims.REFUSALS,
    "request": claims.REQUESTS,
    "enrolment": claims.ENROLMENTS,
}


class Specimen(NamedTuple):
    """One message on the shelf."""

    file: str
    kind: str
    code: str | None
    data: bytes


def specimens() -> Iterator[Specimen]:
    """Every specimen, in the order of the index."""
    for name, data in VALID.items():
        yield Specimen(f"valid/{name}.cbor", name.split("-")[0], None, data)
    for kind, defects in REFUSED.items():
        for defect, (data, code) in defects.items():
            yield Specimen(f"refused/{kind}/{defect}.cbor", kind, code, data)


def index() -> str:
    """The index as JSON, one specimen a line."""
    lines = [json.dumps({"file": one.file, "as": one.kind, "code": one.code}) for one in specimens()]
    public = KEY.public
    keys = json.dumps({"key_id": public.id.hex(), "public_key": public.data.hex()})
    return f'{{"signed_by": {keys},\n "specimens": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


def main(folder: Path = FOLDER) -> int:
    """Write the shelf."""
    for one in specimens():
        path = folder / one.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    (folder / INDEX).write_text(index())
    return 0


if __name__ == "__main__":
    sys.exit(main())
