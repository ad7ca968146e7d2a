"""What a log line of the collector looks like."""

import os
import re
import subprocess
import sys

import pytest

CODE = "import logging; from collector import logs; logs.to_stderr(); logging.getLogger('here').warning('one\\ntwo')"


@pytest.mark.parametrize(
    ("environment", "pattern"),
    {
        "with its instant for people": ({}, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING here: one\ntwo\n"),
        "with its priority for the journal": ({"JOURNAL_STREAM": "8:1"}, r"<4>here: one\n<4>two\n"),
    }.values(),
)
def test_a_line(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], pattern: str) -> None:
    """Each line of an entry has what it needs."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(pattern, done.stderr), done.stderr
