"""Both languages say the same things, all of them, and what the specification says."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.appraisal.codes import Code, FindingCode, Flag, FleetCode, Level
from collector.appraisal.policies import names, shipped
from collector.catalogue import kinds
from collector.catalogue.reasons import Reason
from collector.web import codes, language
from evidence import errors
from evidence.report import Result
from tests.shared import ROOT, shared

WEB = ROOT / "collector" / "web"
TEXTS = {code: language.read_texts(code) for code in language.LOCALES}
PARTS = ("title", "sentence", "means", "next")
LANGUAGES = pytest.mark.parametrize("code", TEXTS)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts() -> None:
    """A text that one language lacks would fail a page in that language only."""
    english, dutch = TEXTS["en"], TEXTS["nl"]
    assert english.keys() == dutch.keys()
    for key, text in english.items():
        assert _fields(text) == _fields(dutch[key]), key
        assert re.findall(r"<[^>]+>", text) == re.findall(r"<[^>]+>", dutch[key]), key


@LANGUAGES
def test_no_text_is_empty_or_broken(code: str) -> None:
    """Each can be filled in, and holds no mark that a page would show as such."""
    for key, text in TEXTS[code].items():
        assert text.strip() == text != "", key
        assert "&" not in re.sub(r"&\w+;", "", text), key


def _words() -> Iterator[tuple[str, str]]:
    yield from ((f"code.{word}.{part}", word) for word in Code for part in PARTS)
    yield from (
        (f"finding.{word}.{part}", word) for word in FindingCode for part in ("title", "sentence", "means", "next")
    )
    yield from ((f"flag.{word}.{part}", word) for word in Flag for part in ("title", "sentence", "next"))
    yield from ((f"fleet.{word}.{part}", word) for word in FleetCode for part in PARTS)
    yield from ((f"level.{word}.{part}", word) for word in Level for part in ("name", "more"))
    yield from ((f"result.{word}", word) for word in Result if word is not Result.OK)
    yield from ((f"kind.{word}", word) for word in sorted(kinds.FACT_KINDS | set(kinds.ABOUT_FACTS)))
    yield from ((f"rejection.{word}", word) for word in Reason)
    yield from ((f"rejection.{error.code}", error.code) for error in errors.EvidenceError.__subclasses__())
    yield from ((f"rejection.{word}", word) for word in ("topic", "sequence", "freshness", "enrolment", "internal"))


@pytest.mark.parametrize("key", [key for key, _ in _words()])
def test_every_word_of_the_register_has_its_text(key: str) -> None:
    """A code, flag, finding, level, result, kind or reason that is added needs a text in both languages."""
    for code, texts in TEXTS.items():
        assert key in texts, code


def test_every_reason_and_missing_fact_of_the_labelled_cases_has_its_text() -> None:
    """The judge's words that no list holds are those that the labelled cases show."""
    found = "".join(file.read_text() for file in shared("cases/dev").glob("*.json"))
    reasons = set(re.findall(r'"reason": "(\w+)"', found))
    missing = {
        re.sub(r":.*(\.\w+)$", r"\1", name)
        for names in re.findall(r'"missing": \[([^]]*)\]', found)
        for name in re.findall(r'"([^"]+)"', names)
    }
    assert len(reasons) >= 7
    assert len(missing) >= 10
    for texts in TEXTS.values():
        assert {f"reason.{word}" for word in reasons} <= texts.keys()
        assert {f"missing.{word}" for word in missing} <= texts.keys()


def test_every_class_of_device_has_its_text() -> None:
    """What kind of product a model is stands above its name."""
    classes = {name for policy in names() for name in shipped(policy).expectation_months}
    for texts in TEXTS.values():
        assert {f"class.{name}" for name in classes} <= texts.keys()


def _table() -> dict[str, tuple[str, str, str]]:
    rows = re.findall(
        r"^\| (?:\*finding\* )?([A-Z_]+) \| ([A-Z, ]+) \| (.+?) \| (.+?) \|$",
        (shared("appraisal.md")).read_text(),
        re.MULTILINE,
    )
    return {code: (levels, english, dutch) for code, levels, english, dutch in rows if code in codes.WEIGHS}


def test_the_sentences_are_those_of_the_specification() -> None:
    """The one sentence of each code is part of what two teams must agree on."""
    table = _table()
    assert table.keys() == codes.WEIGHS.keys()
    for code, (_, english, dutch) in table.items():
        group = "finding" if code in list(FindingCode) else "code"
        key = f"{group}.{code}.sentence"
        assert (TEXTS["en"][key], TEXTS["nl"][key]) == (english, dutch)


def test_the_levels_are_those_of_the_specification() -> None:
    """A code weighs on its page as it does in the table."""
    for code, (levels, _, _) in _table().items():
        assert set(codes.WEIGHS[code]) == set(levels.split(", ")), code


def _asked() -> set[str]:
    """What templates and modules name as `"group.word"`."""
    files = [*WEB.glob("*.py"), *WEB.glob("templates/*.html")]
    return set(re.findall(r'"([a-z_]+(?:\.\w+)+)"', "".join(file.read_text() for file in files)))


def test_every_text_that_is_asked_for_is_there() -> None:
    """What a template or a module names exists; what is built from data is pinned above."""
    groups = {key.split(".")[0] for key in TEXTS["en"]}
    asked = {key for key in _asked() if key.split(".")[0] in groups and not key.endswith(("_", ".html"))}
    plurals = {key.rpartition(".")[0] for key in TEXTS["en"] if key.endswith(".other")}
    assert len(asked) > 80
    assert asked <= TEXTS["en"].keys() | plurals


BUILT = (
    *("code.", "finding.", "flag.", "level.", "result.", "kind.", "rejection.", "reason.", "missing.", "class."),
    *("source.", "role.", "read_reason.", "about_item.", "owed.", "error.", "timeline.", "track.", "track_long."),
    *("fleet.", "product.mark.", "no_debtor.", "site.", "codes.", "about.", "promises.", "answers.stance.", "sale."),
)


def test_every_text_is_asked_for() -> None:
    """A text that no page shows is a leftover; groups whose keys are built from data are left out."""
    asked = _asked()
    assert {
        key for key in TEXTS["en"] if not key.startswith(BUILT) and not {key, key.rpartition(".")[0]} & asked
    } == set()


def test_the_texts_are_shipped_beside_the_code() -> None:
    """An installed collector reads them from its own folder."""
    files = Path(language.__file__).with_name("texts").glob("*.toml")
    assert {file.name.partition(".")[0] for file in files} == set(language.LOCALES)
