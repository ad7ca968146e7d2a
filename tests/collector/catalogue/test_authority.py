"""Who may record what: the table of the contract, each right and each refusal as a sentence."""

from typing import Any

import pytest

from collector.errors import RejectedError
from tests.collector.register import (
    DEVICE,
    HOME,
    NEIGHBOUR,
    NEIGHBOURS_DEVICE,
    NEW_DEVICE,
    Register,
    signed,
)

Fields = dict[str, Any]

SALE: Fields = {"kind": "sale", "device": DEVICE, "seller": "noordlicht"}
WAIVER: Fields = {
    "kind": "waiver",
    "seller": "noordlicht",
    "model": "acme/cam-2",
    "document_digest": "cc" * 32,
    "accepted_at": "2026-03-10T10:00:00Z",
}
UNIT: Fields = {"kind": "unit", "device": DEVICE, "placed": "2026-01-01"}
MODEL: Fields = {"kind": "model", "model": "acme/cam-3", "ids": ["zigbee:ACME/CAM-3"], "manufacturer": "acme"}
WINDOW: Fields = {"kind": "window", "model": "acme/cam-2", "end": "2031-03-31"}
RELEASE: Fields = {"kind": "release", "model": "acme/cam-2", "version": "1.0.0"}
ADVISORY: Fields = {"kind": "advisory", "model": "acme/cam-2", "advisory": "ACME-2026-01"}
NOTICE: Fields = {"kind": "notice", "device": DEVICE, "topic": "update"}
ANSWER: Fields = {"kind": "answer", "device": DEVICE, "stance": "disputes", "text": "The update was sent."}
ACKNOWLEDGEMENT: Fields = {"kind": "acknowledgement", "device": DEVICE}

HOUSEHOLD = f"gateway:{HOME}"
NEIGHBOURS = f"gateway:{NEIGHBOUR}"

ALLOWED: dict[str, tuple[str, Fields]] = {
    "a household states a sale of its device": (HOUSEHOLD, SALE),
    "a household states a sale of a device that nobody reported yet": (HOUSEHOLD, SALE | {"device": NEW_DEVICE}),
    "a seller states its own view of a sale": ("seller:noordlicht", SALE),
    "a household deposits a waiver": (HOUSEHOLD, WAIVER),
    "a seller deposits a waiver of its own": ("seller:noordlicht", WAIVER),
    "an operator states when a unit was placed": ("operator:register", UNIT),
    "a manufacturer states when a unit of its model was placed": ("manufacturer:acme", UNIT),
    "an operator states a model": ("operator:register", MODEL),
    "a manufacturer states a model within its ids": ("manufacturer:acme", MODEL),
    "a manufacturer states a model by an id of its own": ("manufacturer:acme", MODEL | {"ids": ["model:CAM-2"]}),
    "a seller promises": ("seller:noordlicht", WINDOW),
    "a manufacturer promises": ("manufacturer:acme", WINDOW),
    "a feed tells of a promise, which binds nobody": ("third_party:feed", WINDOW),
    "a manufacturer states a release of its model": ("manufacturer:acme", RELEASE),
    "an operator states a release": ("operator:register", RELEASE),
    "a feed states a release": ("third_party:feed", RELEASE),
    "a manufacturer states an advisory on its model": ("manufacturer:acme", ADVISORY),
    "an operator states an advisory": ("operator:register", ADVISORY),
    "a feed states an advisory": ("third_party:feed", ADVISORY),
    "a seller gives notice": ("seller:noordlicht", NOTICE),
    "a manufacturer gives notice": ("manufacturer:acme", NOTICE),
    "a seller answers": ("seller:noordlicht", ANSWER),
    "a manufacturer answers": ("manufacturer:acme", ANSWER),
}

FORBIDDEN: dict[str, tuple[str, Fields, str]] = {
    "a household states a sale of its neighbour's device": (
        HOUSEHOLD,
        SALE | {"device": NEIGHBOURS_DEVICE},
        "statement_device",
    ),
    "a seller states another seller's sale": ("seller:zuidlicht", SALE, "statement_issuer"),
    "a seller deposits another seller's waiver": ("seller:zuidlicht", WAIVER, "statement_issuer"),
    "a household deposits a waiver for its neighbour's device": (
        HOUSEHOLD,
        WAIVER | {"device": NEIGHBOURS_DEVICE},
        "statement_device",
    ),
    "a manufacturer states when another's unit was placed": ("manufacturer:bolder", UNIT, "statement_device"),
    "a manufacturer states when an unseen unit was placed": (
        "manufacturer:acme",
        UNIT | {"device": NEW_DEVICE},
        "statement_device",
    ),
    "a manufacturer states a model beyond its ids": (
        "manufacturer:acme",
        MODEL | {"ids": ["zigbee:ACME/CAM-3", "zigbee:Bolder/B-1"]},
        "statement_model",
    ),
    "a manufacturer states another's model": ("manufacturer:bolder", MODEL, "statement_issuer"),
    "a manufacturer takes the name of another's model": (
        "manufacturer:bolder",
        MODEL | {"model": "acme/cam-2", "manufacturer": "bolder", "ids": ["zigbee:Bolder/B-1"]},
        "statement_model",
    ),
    "an operator gives a model of one maker to another": (
        "operator:register",
        MODEL | {"model": "acme/cam-2", "manufacturer": "bolder"},
        "statement_model",
    ),
    "a manufacturer states a release of another's model": ("manufacturer:bolder", RELEASE, "statement_model"),
    "a manufacturer states a release of a model that is not on record": (
        "manufacturer:acme",
        RELEASE | {"model": "acme/cam-9"},
        "statement_model",
    ),
    "a manufacturer states an advisory on another's model": ("manufacturer:bolder", ADVISORY, "statement_model"),
    "a seller proves receipt of its notice by its own word": (
        "seller:noordlicht",
        NOTICE | {"received_at": "2026-11-20T12:00:00Z"},
        "statement_field",
    ),
    "a gateway enrols by the way of statements": (HOUSEHOLD, {"kind": "enrolment"}, "statement_kind"),
    "anybody states a kind that there is not": ("operator:register", {"kind": "rumour"}, "statement_kind"),
}

BY = {
    "household": HOUSEHOLD,
    "seller": "seller:noordlicht",
    "manufacturer": "manufacturer:acme",
    "operator": "operator:register",
    "feed": "third_party:feed",
}
NOBODYS: dict[str, Fields] = {
    "party": {"kind": "party", "party": "seller:noordlicht", "ceased": "2026-01-01"},
    "key": {"kind": "key", "party": "seller:noordlicht", "key": "k", "valid_from": "2026-01-01"},
    "report": {"kind": "report", "device": DEVICE, "seq": 1, "ids": [], "result": "ok"},
}
STATED: dict[str, Fields] = {
    each["kind"]: each
    for each in (SALE, WAIVER, UNIT, MODEL, WINDOW, RELEASE, ADVISORY, NOTICE, ANSWER, *NOBODYS.values())
}
TABLE = """
               household   seller   manufacturer   operator   feed
sale           yes         yes      no             no         no
waiver         yes         yes      no             no         no
unit           no          no       yes            yes        no
model          no          no       yes            yes        no
window         no          yes      yes            no         yes
release        no          no       yes            yes        yes
advisory       no          no       yes            yes        yes
notice         no          yes      yes            no         no
acknowledgement yes        no       no             no         no
answer         no          yes      yes            no         no
party          nobody      nobody   nobody         nobody     nobody
key            nobody      nobody   nobody         nobody     nobody
report         nobody      nobody   nobody         nobody     nobody
"""
REASONS = {"yes": None, "no": "statement_issuer", "nobody": "statement_kind"}
ROLES, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CELLS = [(kind, role, REASONS[said]) for kind, *row in ROWS for role, said in zip(ROLES, row, strict=True)]


@pytest.mark.parametrize(("kind", "role", "reason"), CELLS, ids=[f"{kind} by {role}" for kind, role, _ in CELLS])
async def test_every_kind_by_every_role(register: Register, kind: str, role: str, reason: str | None) -> None:
    """The whole table of the contract, cell by cell, where nothing but the role speaks against it."""
    stated = STATED.get(kind) or ACKNOWLEDGEMENT | {"notice": await register.state("seller:noordlicht", **NOTICE)}
    data = signed(BY[role], **stated)
    if reason is None:
        assert (await register.check(data)).kind == kind
    else:
        with pytest.raises(RejectedError) as refused:
            await register.check(data)
        assert (refused.value.reason, refused.value.verified) == (reason, True)


@pytest.mark.parametrize(("by", "stated"), ALLOWED.values(), ids=ALLOWED)
async def test_a_party_may_record_what_is_its_own(register: Register, by: str, stated: Fields) -> None:
    """What the table allows goes on record as a fact of its issuer."""
    checked = await register.check(signed(by, **stated))
    assert checked.fact["issuer"] == by.replace("gateway:", "consumer:")
    assert {name: checked.fact[name] for name in stated} == stated


@pytest.mark.parametrize(("by", "stated", "reason"), FORBIDDEN.values(), ids=FORBIDDEN)
async def test_nobody_may_record_what_is_not_his(register: Register, by: str, stated: Fields, reason: str) -> None:
    """What the table does not allow is refused with the word for why."""
    with pytest.raises(RejectedError) as refused:
        await register.check(signed(by, **stated))
    assert (refused.value.reason, refused.value.verified) == (reason, True)


async def test_only_the_household_acknowledges_a_notice(register: Register) -> None:
    """The word that a notice arrived is taken from the gateway of that device and from nobody else."""
    notice = await register.state("seller:noordlicht", **NOTICE)
    acknowledged = ACKNOWLEDGEMENT | {"notice": notice}
    assert (await register.check(signed(HOUSEHOLD, **acknowledged))).kind == "acknowledgement"
    for by, reason in (
        ("seller:noordlicht", "statement_issuer"),
        ("operator:register", "statement_issuer"),
        (NEIGHBOURS, "statement_device"),
    ):
        with pytest.raises(RejectedError) as refused:
            await register.check(signed(by, **acknowledged))
        assert refused.value.reason == reason


@pytest.mark.parametrize("field", ["notice", "device"])
async def test_an_acknowledgement_is_of_a_notice_about_that_device(register: Register, field: str) -> None:
    """An acknowledgement of nothing, or of a notice about another device, is refused."""
    notice = await register.state("seller:noordlicht", **NOTICE)
    wrong = (
        ACKNOWLEDGEMENT | {"notice": notice} | ({"notice": "ab" * 32} if field == "notice" else {"device": NEW_DEVICE})
    )
    with pytest.raises(RejectedError) as refused:
        await register.check(signed(HOUSEHOLD, **wrong))
    assert refused.value.reason == "statement_notice"


async def test_an_issuer_corrects_its_own_word(register: Register) -> None:
    """A correction by the same issuer, of the same kind and about the same device, is let in."""
    sale = await register.state(HOUSEHOLD, **SALE)
    corrected = await register.check(signed(HOUSEHOLD, **SALE, corrects=sale, contract="2026-03-10"))
    assert corrected.fact["corrects"] == sale


@pytest.mark.parametrize(
    ("by", "stated"),
    [
        pytest.param("seller:noordlicht", SALE, id="another issuer's"),
        pytest.param("operator:register", UNIT, id="another kind"),
        pytest.param(HOUSEHOLD, SALE | {"device": NEW_DEVICE}, id="about another device"),
        pytest.param(HOUSEHOLD, SALE | {"corrects": "ab" * 32}, id="not on record"),
    ],
)
async def test_nobody_corrects_what_is_not_his(register: Register, by: str, stated: Fields) -> None:
    """A correction of another's word, or of something else, is refused."""
    sale = await register.state(HOUSEHOLD, **SALE)
    correction: Fields = {"corrects": sale} | stated
    with pytest.raises(RejectedError) as refused:
        await register.check(signed(by, **correction))
    assert refused.value.reason == "statement_corrects"


@pytest.mark.parametrize("stated", [WINDOW, WAIVER], ids=["promise", "waiver"])
async def test_what_binds_is_never_corrected(register: Register, stated: Fields) -> None:
    """A promise and a waiver are history (K3)."""
    first = await register.state("seller:noordlicht", **stated)
    with pytest.raises(RejectedError) as refused:
        await register.check(signed("seller:noordlicht", **stated, corrects=first))
    assert refused.value.reason == "statement_field"
