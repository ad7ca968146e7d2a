"""The configuration says what it means, or names the file, the key, what was found and what was expected."""

from pathlib import Path

import pytest

from agent import config
from agent.errors import ConfigError

SALE = '[[sales]]\ndevice = "ieee:00158d0001e29ff0"\nseller = "noordlicht"\n'


def loaded(directory: Path, text: str) -> config.Config:
    file = directory / "agent.toml"
    file.write_text(text)
    return config.load(file)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param("stat_dir = '/tmp'", "stat_dir", "unknown key; expected one of state_dir, survey", id="slip"),
        pytest.param(
            "[survey]\nintervall_s = 5",
            "survey.intervall_s",
            "unknown key; expected one of interval_s, report_every_s",
            id="a slip in a table",
        ),
        pytest.param("state_dir = 5", "state_dir", "found 5; expected `str`", id="a number where a path belongs"),
        pytest.param(
            "[survey]\ninterval_s = 0", "survey.interval_s", "found 0; expected `int` >= 1", id="an interval of nothing"
        ),
        pytest.param(
            "[spool]\nmax_bytes = '64M'", "spool.max_bytes", "found '64M'; expected `int`", id="a size with a unit"
        ),
        pytest.param("[[read]]", "read[0].reader", "missing; expected one of", id="an entry without a reader"),
        pytest.param(
            "[[read]]\nreader = 'gateway'\n[[read]]\nreader = 'os'",
            "read[1].reader",
            "found 'os'; expected one of",
            id="a reader that there is not",
        ),
        pytest.param(
            "[[read]]\nreader = 'scripted'\nscript = 'x'\nbaud = 9600",
            "read[0].baud",
            "unknown key; expected one of script, port",
            id="a setting that the reader does not know",
        ),
        pytest.param(
            "[[read]]\nreader = 'scripted'", "read[0].script", "missing; it has no default", id="a setting left out"
        ),
        pytest.param(
            "[[read]]\nreader = 'scripted'\nscript = 7", "read[0].script", "found 7", id="a setting of another type"
        ),
        pytest.param("[[sales]]\ndevice = 'machine:os'", "sales[0].seller", "missing", id="a sale without a seller"),
        pytest.param(
            SALE + "buyer = 'me'", "sales[0].buyer", "unknown key; expected one of device", id="a sale's slip"
        ),
        pytest.param(
            SALE + "condition = 'mint'",
            "sales[0].condition",
            "found 'mint'; expected one of new, used",
            id="a word outside its list",
        ),
        pytest.param(
            SALE + "contract = 'last May'",
            "sales[0].contract",
            "found 'last May'; expected a day such as 2026-03-10, a month such as 2026-03",
            id="a day in words",
        ),
        pytest.param(
            SALE + "contract = '2026-02-30'",
            "sales[0]: contract",
            "found '2026-02-30'; expected a day that exists",
            id="a day that is none",
        ),
        pytest.param(SALE + "contract = 5", "sales[0].contract", "found 5; expected a day such as", id="a bare number"),
        pytest.param(
            SALE + "contract = { from = 'May', to = 2026-03-10 }",
            "sales[0].contract.from",
            "found 'May'; expected a day such as 2026-03-10",
            id="an interval from a month in words",
        ),
        pytest.param(SALE + "jurisdiction = 'nl'", "sales[0].jurisdiction", "two letters, such as NL", id="a country"),
        pytest.param(
            "[[sales]]\ndevice = 'whatever i like'\nseller = 'x'",
            "sales[0].device",
            "found 'whatever i like'; expected an identity as `updateplicht-agent read` shows it",
            id="an identity that no device can have",
        ),
        pytest.param(
            "[[sales]]\ndevice = 'mac:00:17:88:01:02:03'\nseller = 'x'",
            "sales[0].device",
            "mac:001788010203",
            id="an address with colons",
        ),
        pytest.param("[[sales", "the file", "no TOML", id="no TOML at all"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, path: str, message: str) -> None:
    """File, path, what was found and what was expected, in one line."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'agent.toml'}: {path}")
    assert message in said
    assert "\n" not in said


def test_an_empty_file_reads_the_machine_itself(tmp_path: Path) -> None:
    """The defaults are a working configuration."""
    found = loaded(tmp_path, "")
    assert [source.name for source in found.sources] == ["gateway"]
    assert (found.survey.interval_s, found.survey.report_every_s) == (3600, 86_400)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    """Only the default one may be absent."""
    with pytest.raises(ConfigError, match="no such file"):
        config.load(tmp_path / "nowhere.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A directory, for one."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("contract = 2026-03-10", id="a day of TOML"),
        pytest.param("contract = '2026-03-10'", id="a day in quotation marks"),
    ],
)
def test_a_day_is_a_day_with_quotation_marks_or_without(tmp_path: Path, written: str) -> None:
    """People write both."""
    (sale,) = loaded(tmp_path, SALE + written).sales
    assert sale.contract == "2026-03-10"


def test_a_vague_day_may_be_two(tmp_path: Path) -> None:
    """A When of the appraisal: a day, a month, an instant, or from and to."""
    (sale,) = loaded(tmp_path, SALE + "contract = { from = 2026-03-01, to = 2026-03-10 }\ndelivered = '2026-03'").sales
    assert sale.contract == config.Interval(first="2026-03-01", to="2026-03-10")
    assert sale.delivered == "2026-03"


def test_a_source_keeps_its_key_wherever_it_stands(tmp_path: Path) -> None:
    """What it knew must not be forgotten because an entry was added above it."""
    entry = "[[read]]\nreader = 'scripted'\nscript = 'x'\n"
    (alone,) = loaded(tmp_path, entry).sources
    _, below = loaded(tmp_path, "[[read]]\nreader = 'gateway'\n" + entry).sources
    assert alone.key == below.key
