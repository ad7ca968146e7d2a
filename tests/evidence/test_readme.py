"""The page is the format: what it says is what the code does, its tables and its examples above all."""

import hashlib
import re

import pytest

from evidence import cose, diagnostic, enrolment, errors, ids, limits, receipt, report, statement
from evidence.errors import EvidenceError
from evidence.keys import SigningKey
from evidence.written import read_statements
from firmware_fixtures.evidence import forge, shelf
from tests.evidence import second
from tests.shared import ROOT

PAGE = (ROOT / "evidence" / "README.md").read_text()
TYPES = {
    "report": report.MESSAGE_TYPE,
    "statement": statement.MESSAGE_TYPE,
    "refusal": receipt.REFUSAL_TYPE,
    "request": receipt.REQUEST_TYPE,
    "receipt": "none",
}


def section(title: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section {title}"
    return found[1]


def table(title: str) -> list[list[str]]:
    """The rows of the table of a section, their cells without backticks."""
    rows = [line.strip("|").split("|") for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def blocks(title: str, language: str) -> list[str]:
    """The fenced blocks of one language in a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def block(title: str, language: str) -> bytes:
    """The bytes of a hex block."""
    (written,) = blocks(title, language)
    return bytes.fromhex("".join(written.split()))


KEYS = dict(table("Worked examples"))


def test_limits() -> None:
    """Every limit is on the page with its value."""
    stated = {name: int(value) for name, value, _ in table("Limits")}
    assert stated == {name: getattr(limits, name) for name in dir(limits) if name.startswith("MAX_")}


def test_codes() -> None:
    """Every code is on the page with its error, and its words are those of the error's own docstring tree."""
    stated = {code: error for code, error, _ in table("Codes")}
    assert stated == {error.code: error.__name__ for error in EvidenceError.__subclasses__()}
    assert all(f"{name} " in str(errors.__doc__) for name in stated.values())


def test_the_shelf_is_as_large_as_the_page_says() -> None:
    """The number of specimens is counted."""
    refused = sum(one.code is not None for one in shelf.specimens())
    assert f"{refused} messages with one defect each" in " ".join(PAGE.split())


def test_claim_keys() -> None:
    """Every claim key is on the page once, with its name, and private ones are below -65536."""
    rows = table("Claim keys")
    assert {int(key): name for key, name, _, _ in rows} == diagnostic.CLAIMS.names
    assert len(rows) == len(diagnostic.CLAIMS.names)
    assert all((origin == "private") == (int(key) < -65536) for key, _, _, origin in rows)


def test_the_definitions_use_the_claim_keys_of_the_table() -> None:
    """No number in the definitions is missing from the table, and the other way round."""
    cddl = "".join(re.findall(r"```cddl\n(.*?)```", PAGE, re.DOTALL))
    private = {int(number) for number in re.findall(r"-7\d{4}", cddl)}
    assert private == {key for key in diagnostic.CLAIMS.names if key < 0}
    for message_type in TYPES.values():
        assert message_type == "none" or f'16: "{message_type}"' in cddl
    assert f'265: "{report.PROFILE}"' in cddl


def test_claim_keys_stand_where_the_page_says() -> None:
    """Each valid message has only claims that the table gives to it."""
    where = {int(key): set(places.split(", ")) for key, _, places, _ in table("Claim keys")}
    for name in ("report", "report-unchanged", "refusal", "request"):
        claims = forge.payload_of(name)
        assert all(name.split("-")[0] in where[key] for key in claims)
        for device in claims.get(report.SUBMODS, {}).values():
            assert all("device" in where[key] for key in device)
    for key in second.open_receipt(forge.VALID["receipt"], forge.KEY.public.data)[1]:
        assert "receipt" in where[key]


def test_message_types_and_their_limits() -> None:
    """Every kind of message is on the page with its type, its topic and its limit."""
    rows = {
        name: (leaf, message_type, getattr(limits, limit)) for name, _, leaf, message_type, limit in table("Messages")
    }
    assert {name: message_type for name, (_, message_type, _) in rows.items()} == TYPES
    assert all(ids.parse_topic(ids.topic(forge.GATEWAY, leaf)) == (forge.GATEWAY, leaf) for leaf, _, _ in rows.values())
    assert rows["receipt"][2] == rows["refusal"][2] == rows["request"][2] == limits.MAX_ANSWER_BYTES
    assert rows["statement"][2] == limits.MAX_STATEMENT_BYTES
    assert rows["report"][2] == limits.MAX_MESSAGE_BYTES


def test_model_id_namespaces() -> None:
    """The vocabulary is the code's, in its order."""
    assert [tuple(row) for row in table("Model ids")] == list(ids.MODEL_NAMESPACES.items())


def test_the_words_of_closed_lists() -> None:
    """Results of readings and offers are all in the definitions."""
    cddl = section("Report")
    assert all(f'"{word}"' in cddl for word in [*report.Result, *report.OfferResult])


EXAMPLES = {"A report": "report", "A statement": "statement", "A receipt": "receipt", "An enrolment": "enrolment"}


@pytest.mark.parametrize(("title", "name"), EXAMPLES.items())
def test_examples_are_the_messages_of_the_shelf(title: str, name: str) -> None:
    """The hex is the message, and the notation is what the command shows of it."""
    assert block(title, "hex").hex() == forge.VALID[name].hex()
    (notation,) = blocks(title, "cbor-diag")
    assert notation.rstrip("\n") == diagnostic.diagnose(forge.VALID[name])


@pytest.mark.parametrize(("title", "name"), EXAMPLES.items())
def test_sizes_and_digests_of_examples(title: str, name: str) -> None:
    """What is said about the message in words is right too."""
    if title != "An enrolment":
        words = " ".join(section(title).split())
        assert f"{len(forge.VALID[name])} bytes" in words
        assert f"digest `{hashlib.sha256(forge.VALID[name]).hexdigest()}`" in words


def test_the_second_implementation_opens_the_examples() -> None:
    """With the keys of the page and nothing else, down to the inventory digest, the device id and the proof."""
    public = bytes.fromhex(KEYS["public key"])
    assert second.key_id(public).hex() == KEYS["key id"]
    claims = second.open_message(block("A report", "hex"), public, TYPES["report"])
    assert claims[256].hex() == "01" + KEYS["gateway id"]
    assert KEYS["its device id"] in claims[266]
    stated = second.open_message(block("A statement", "hex"), public, TYPES["statement"])
    assert stated["end"] == "2029-06-30"
    digest, signed, index = second.open_receipt(block("A receipt", "hex"), public)
    assert (signed[1], signed[-70204], index) == (KEYS["log id"], 5, 3)
    assert f"the root is `{forge.ROOT.hex()}`" in section("A receipt")
    assert digest == forge.LEAVES[index]
    enrolled = second.open_message(block("An enrolment", "hex"), public, TYPES["statement"])
    assert enrolled["key"] == public.hex()
    code = second.read_code(blocks("An enrolment", "code")[0])
    assert code[6].hex() == KEYS["secret of the code"]
    assert second.proves(enrolled, code[6])
    assert enrolment.parse_code(blocks("An enrolment", "code")[0]) == forge.CODE


def test_keys_of_the_examples() -> None:
    """The key material of the page is that of the shelf, and gives the ids that stand beside it."""
    key = SigningKey(bytes.fromhex(KEYS["seed"]))
    assert key == forge.KEY
    assert key.public.data.hex() == KEYS["public key"]
    assert (KEYS["gateway id"], KEYS["log id"]) == (forge.GATEWAY, forge.LOG)
    made = ids.device_id(bytes.fromhex(KEYS["secret for device ids"]), KEYS["identity"])
    assert made == KEYS["its device id"] in {device.device for device in forge.DEVICES}


def test_the_toml_of_the_page_is_a_statement() -> None:
    """What the page tells people to write can be signed."""
    (written,) = blocks("The command", "toml")
    (stated,) = read_statements(written, "never asked")
    assert stated.fields == {"model": "bulbmaker/e27-806", "end": "2029-06-30"}
    assert cose.message_type(statement.sign(stated, forge.KEY)) == TYPES["statement"]


def test_contents_lead_to_sections() -> None:
    """Every heading of the second level is in the table of contents, and the other way round."""
    listed = set(re.findall(r"\]\(#([a-z-]+)\)", PAGE))
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}
    assert listed == headings
