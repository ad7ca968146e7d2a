"""Whatever a file holds, `parse` makes something of it, in the form of the samples, in a time that fits its size."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.readers import _sample
from tests.agent.readers.test_properties import mutated, values
from tests.agent.readers.test_recorded_forms import FORMS

SOURCES = sorted(_sample.sources())
KEYS = ["device", "result", "version_raw", "version_alt", "scheme", "ids", "offer"]
PAYLOADS = [payload for _, payload, _ in FORMS.values() if payload]
TEXTS = sorted(payload for payload in PAYLOADS if isinstance(payload, bytes))
OBJECTS = sorted(json.dumps(payload) for payload in PAYLOADS if not isinstance(payload, bytes))

ENDLESS = {
    "one line": b"5c" * 500_000,
    "one line of blanks and words": b"a b=" * 250_000,
    "lines that begin something": b"/AQL5\\x\r\n" * 100_000,
    "answers": b"1.2\nOK\n" * 130_000,
    "packets that begin": b"\x06\x09AAAA\n" * 120_000,
    "messages": b'{"topic": "", "payload": 1}\n' * 40_000,
    "a list": b"[" + b"{}," * 330_000 + b"{}]",
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_recording_without_end_has_one(source: str, data: bytes) -> None:
    """A million bytes, which no parser reads more than once or twice."""
    began = time.process_time()
    _sample.parse(source, data)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("source", SOURCES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_file_of_anything(source: str, data: st.DataObject) -> None:
    """No exception leaves it; devices are sorted, and a result is one of three words."""
    recorded = data.draw(
        st.sampled_from(OBJECTS).flatmap(lambda payload: mutated(payload.encode()))
        | st.builds(lambda topic, payload: json.dumps({"topic": topic, "payload": payload}).encode(), st.text(), values)
        | st.sampled_from(TEXTS)
        | st.binary(max_size=60)
        | st.binary(max_size=60).map(lambda frame: frame.hex().encode())
        | st.text("0x \\,:5cA\r\n", max_size=40).map(str.encode)
    )
    readings = _sample.parse(source, recorded) or []
    assert all(list(reading) == KEYS for reading in readings)
    assert {reading["result"] for reading in readings} <= {"ok", "no_version", "parse_failed"}
    assert readings == sorted(readings, key=lambda reading: str(reading["device"]))
