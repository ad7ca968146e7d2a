"""Another project's COSE (python-cwt), asked over pipes: a list of tasks as JSON on stdin, a list of answers on stdout.

Runs in an environment of its own, `.venv-cose`, since python-cwt needs an older cbor2 than the evidence does.

    {"open": message, "public": key, "kid": its id, "detached": payload or null}
        -> {"payload": ..., "protected": ..., "deterministic": whether its own canonical encoding is the same bytes}
        or {"error": the exception}
    {"sign": payload, "public": key, "kid": its id, "seed": private key, "type": message type} -> {"message": ...}

Byte strings are hex.
"""

import json
import sys
from typing import Any

import cbor2
import cwt  # type: ignore[import-not-found]  # in its own environment only
from cwt import COSE, COSEKey

ALGORITHM, KEY_ID, TYPE = 1, 4, 16
ED25519 = -19
OKP = {1: 1, -1: 6, 3: ED25519}
SIGN, VERIFY = 1, 2


Task = dict[str, Any]


def open_message(task: Task) -> Task:
    """Check a signature, and say what was signed."""
    key = COSEKey.new({**OKP, 2: bytes.fromhex(task["kid"]), -2: bytes.fromhex(task["public"]), 4: [VERIFY]})
    detached = bytes.fromhex(task["detached"]) if task["detached"] else None
    try:
        headers, _, carried = COSE.new().decode_with_headers(
            bytes.fromhex(task["open"]), keys=[key], detached_payload=detached
        )
    except (cwt.CWTError, ValueError) as error:
        return {"error": repr(error)}
    payload: bytes = detached or carried
    return {
        "payload": payload.hex(),
        "protected": {label: value.hex() if isinstance(value, bytes) else value for label, value in headers.items()},
        "deterministic": detached is not None or cbor2.dumps(cbor2.loads(payload), canonical=True) == payload,
    }


def sign_message(task: Task) -> Task:
    """Make a signed message with the headers of our format."""
    key = COSEKey.new({**OKP, -4: bytes.fromhex(task["seed"]), -2: bytes.fromhex(task["public"]), 4: [SIGN, VERIFY]})
    protected = {ALGORITHM: ED25519, KEY_ID: bytes.fromhex(task["kid"]), TYPE: task["type"]}
    message = COSE.new().encode_and_sign(bytes.fromhex(task["sign"]), key, protected=protected, unprotected={})
    return {"message": message.hex()}


json.dump([open_message(task) if "open" in task else sign_message(task) for task in json.load(sys.stdin)], sys.stdout)
