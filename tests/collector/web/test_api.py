"""The register for programs."""

import asyncio
import json
from collections.abc import Sequence

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from sqlalchemy.ext.asyncio import create_async_engine

from collector.appraisal import appraise
from collector.appraisal.policies import shipped
from collector.appraisal.values import parse_instant
from collector.appraisal.verdict import Verdict
from collector.catalogue.facts import facts_for
from collector.store import schema, views
from collector.store.database import reading
from collector.store.rows import LEVELS, DeviceKey, Filter
from tests.collector.web.register import GATEWAY, NOW, POLICY, Register, instant, name_of, verdict

OTHER = "b7" * 16


async def test_a_device_has_what_its_gateway_saw_and_both_verdicts(
    client: httpx.AsyncClient, names: dict[str, str]
) -> None:
    """One item holds observation, debtors and the verdict in the exact form that the judge stored."""
    item = (await client.get(f"/api/v1/devices/{GATEWAY}/{names['camera']}")).json()
    assert item["ids"] == ["gtin:08712345000017"]
    assert (item["model"], item["version_raw"], item["result"]) == ("oever/cam-2", "1.1.0", "ok")
    assert (item["seller"], item["manufacturer"]) == ("hoekwinkel", "oever")
    assert item["last_seen_at"] == instant(NOW - 900)
    assert list(item["verdict"]) == ["S", "M"]
    assert item["verdict"]["S"]["window_finding"] == {"code": "WINDOW_TOO_SHORT", "level": "B"}
    assert list(item["verdict"]["S"]) == list(verdict("UP_TO_DATE", "OK"))


async def test_a_stored_verdict_is_served_as_it_is(client: httpx.AsyncClient, register: Register) -> None:
    """Nothing is added, dropped or said otherwise on the way to a program."""
    stored = verdict("SUPPORT_ENDED", "N", since="2026-09-22T22:00:00Z", flags=["NO_END_NOTICE"], basis=["CRA art. 1"])
    name = await register.device("plain", tracks=(stored, verdict("UP_TO_DATE", "OK")))
    answer = await client.get(f"/api/v1/devices/{GATEWAY}/{name}")
    assert answer.json()["verdict"] == {"S": stored, "M": verdict("UP_TO_DATE", "OK")}


async def test_what_cannot_be_read_now_keeps_its_last_version(client: httpx.AsyncClient, names: dict[str, str]) -> None:
    """A failure stands beside the last good reading and takes nothing from it."""
    item = (await client.get(f"/api/v1/devices/{GATEWAY}/{names['plug']}")).json()
    assert (item["result"], item["reason"]) == ("unreachable", "timeout")
    assert (item["version_raw"], item["ids"]) == ("1.0.4", ["zigbee:Lumenta/SP-1"])
    assert item["last_read_at"] < item["last_seen_at"]


async def test_what_was_never_read_has_no_version(client: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Silence from the first day on is no version and no verdict."""
    item = (await client.get(f"/api/v1/devices/{GATEWAY}/{names['mute']}")).json()
    assert (item["version_raw"], item["ids"], item["verdict"], item["last_read_at"]) == (None, [], None, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    {
        "level on either track": ("level=B", {"camera"}),
        "level on the seller's track": ("track=S&level=A", set()),
        "level on the maker's track": ("track=M&level=A", {"camera"}),
        "code on either track": ("code=MODEL_UNKNOWN", {"machine"}),
        "code on one track": ("track=S&code=NO_MAKER_DUTY", set()),
        "finding on either track": ("code=WINDOW_MISSING", {"sensor"}),
        "finding on one track": ("track=M&code=WINDOW_TOO_SHORT", set()),
        "model": ("model=lumenta/lb-980", {"lamp"}),
        "gateway": (f"gateway={OTHER}", set()),
        "several together": ("track=M&level=OK&model=zonneveld/zt-3", {"thermostat"}),
        "what a form leaves empty": ("track=&level=B&code=&gateway=&model=", {"camera"}),
    }.values(),
)
async def test_devices_are_filtered(
    client: httpx.AsyncClient, names: dict[str, str], query: str, expected: set[str]
) -> None:
    """Filters hold together, and a level or code without a track means either."""
    items = (await client.get(f"/api/v1/devices?{query}")).json()["items"]
    assert {item["device"] for item in items} == {names[name] for name in expected}


async def test_what_asks_for_attention_comes_first(client: httpx.AsyncClient, names: dict[str, str]) -> None:
    """A breach, a question (here a finding), the household's turn, an update to install; then the rest by model."""
    items = (await client.get("/api/v1/devices")).json()["items"]
    order = ["camera", "sensor", "lock", "thermostat", "lamp", "plug", "machine"]
    assert [item["device"] for item in items[: len(order)]] == [names[name] for name in order]
    assert {item["verdict"] for item in items[len(order) :]} == {None}
    assert len(items) == len(names)


async def _all(client: httpx.AsyncClient, address: str, limit: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = ""
    for _ in range(100):
        page = (
            await client.get(f"{address}limit={limit}&cursor={cursor}" if cursor else f"{address}limit={limit}")
        ).json()
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("limit", range(1, 12))
async def test_every_list_is_whole_whatever_the_page_size(
    client: httpx.AsyncClient, register: Register, names: dict[str, str], limit: int
) -> None:
    """Page by page each list gives what it gives at once, in the same order."""
    for number in range(4):
        await register.gateway(name_of(f"gateway {number}"))
    device = f"/api/v1/devices/{GATEWAY}/{names['thermostat']}"
    for address, count in {
        "/api/v1/devices?": len(names),
        "/api/v1/gateways?": 5,
        "/api/v1/rejected?": 2,
        f"{device}/statements?": 6,
        f"{device}/readings?": 1,
        f"{device}/verdicts?": 1,
    }.items():
        whole = (await client.get(f"{address}limit=200")).json()
        assert (len(whole["items"]), whole["next"]) == (count, None), address
        assert await _all(client, address, limit) == whole["items"], address


LEVEL = st.sampled_from([*LEVELS, None])
MODEL = st.sampled_from(["acme/a", "acme/b", "zwart/ö", "", None])


@settings(max_examples=40, deadline=None)
@given(devices=st.lists(st.tuples(LEVEL, LEVEL, MODEL), max_size=25), size=st.integers(1, 26))
def test_paging_shows_every_device_exactly_once(
    devices: Sequence[tuple[str | None, str | None, str | None]], size: int
) -> None:
    """For any devices and any page size nothing is skipped and nothing shown twice."""
    asyncio.run(_page_through(devices, size))


async def _page_through(devices: Sequence[tuple[str | None, str | None, str | None]], size: int) -> None:
    register = Register(create_async_engine("sqlite+aiosqlite://"))
    async with register.engine.begin() as connection:
        await connection.run_sync(schema.metadata.create_all)
    gateways = (GATEWAY, OTHER)
    expected = [
        await register.device(
            str(number),
            gateway=gateways[number % 2],
            model=model,
            tracks=(seller and maker and (verdict("UP_TO_DATE", seller), verdict("UP_TO_DATE", maker))) or None,
        )
        for number, (seller, maker, model) in enumerate(devices)
    ]
    shown: list[str] = []
    after: DeviceKey | None = None
    async with register.engine.connect() as connection:
        for _ in range(len(devices) + 1):
            page = await views.devices(connection, Filter(), after=after, limit=size)
            shown += [device.device for device in page.items]
            after = page.next
            if after is None:
                break
        counted = await views.summary(connection, Filter())
    await register.engine.dispose()
    assert sorted(shown) == sorted(expected)
    assert counted.total == len(devices)
    assert sum(counted.levels["S"].values()) + counted.unjudged == len(devices)


async def test_a_verdict_of_any_day_is_what_the_judge_says(
    client: httpx.AsyncClient, register: Register, names: dict[str, str]
) -> None:
    """Asking for an instant and a state of knowledge gives the bytes that the judge gives for them."""
    at, known = "2026-11-20T12:30:00Z", "2026-11-20T12:00:00Z"
    answer = await client.get(f"/api/v1/devices/{GATEWAY}/{names['lamp']}/verdict?at={at}&known={known}")
    policy = shipped(POLICY)
    async with reading(register.engine) as connection:
        seconds = int(parse_instant(known).timestamp())
        facts = await facts_for(connection, GATEWAY, names["lamp"], policy, known=seconds)
    expected = appraise(facts, parse_instant(at), parse_instant(known), policy)
    assert (answer.json()["at"], answer.json()["known"]) == (at, known)
    assert expected["S"].code == "UP_TO_DATE"
    for track in expected.values():
        assert isinstance(track, Verdict)
        assert track.to_json() in answer.content


async def test_a_verdict_names_all_that_it_was_made_from(
    client: httpx.AsyncClient, register: Register, names: dict[str, str]
) -> None:
    """The policy's digest, and the ids under which the facts stand on record: with these alone it comes again."""
    at = "2026-11-20T12:30:00Z"
    told = (await client.get(f"/api/v1/devices/{GATEWAY}/{names['lamp']}/verdict?at={at}&known={at}")).json()
    policy, instant = shipped(POLICY), parse_instant(at)
    assert told["policy_digest"] == policy.digest()
    async with reading(register.engine) as connection:
        facts = await facts_for(connection, GATEWAY, names["lamp"], policy, known=int(instant.timestamp()))
    by_id = {fact["id"]: fact for fact in facts}
    named = [by_id[each["id"]] for each in told["evidence"]]
    assert [(each["kind"], each["issuer"]) for each in told["evidence"]] == [(f["kind"], f["issuer"]) for f in named]
    assert {"report", "sale", "window", "model"} <= {fact["kind"] for fact in named}
    alone = appraise(named, instant, instant, policy)
    assert json.loads(msgspec.json.encode(alone)) == told["verdict"]


async def test_a_promise_that_was_shortened_is_seen_from_the_day_on_which_it_was(
    client: httpx.AsyncClient, names: dict[str, str]
) -> None:
    """The same day judged with what was known before and after; the earlier promise stays what is owed."""
    address = f"/api/v1/devices/{GATEWAY}/{names['lamp']}/verdict?at=2026-11-20&known="
    before, after = [(await client.get(address + day)).json()["verdict"]["M"] for day in ("2026-11-18", "2026-11-20")]
    assert "WINDOW_SHORTENED_LATER" not in before["flags"]
    assert "WINDOW_SHORTENED_LATER" in after["flags"]
    assert before["window"]["end_excl"] == after["window"]["end_excl"] == "2030-09-21T22:00:00Z"


@pytest.mark.parametrize(
    ("day", "instant_of_it"),
    [("2026-11-20", "2026-11-20T22:59:59Z"), ("2026-06-20", "2026-06-20T21:59:59Z"), ("9999-12-31", None)],
)
async def test_a_day_stands_for_its_last_second_in_the_registers_zone(
    client: httpx.AsyncClient, names: dict[str, str], day: str, instant_of_it: str | None
) -> None:
    """Summer and winter time count, and the end of the calendar is no fault."""
    answer = await client.get(f"/api/v1/devices/{GATEWAY}/{names['lamp']}/verdict?at={day}")
    assert answer.status_code == 200
    assert instant_of_it is None or answer.json()["at"] == instant_of_it


async def test_a_verdict_is_found_by_the_device_alone(
    client: httpx.AsyncClient, register: Register, names: dict[str, str]
) -> None:
    """Unless several gateways name it: whose verdict is meant is nothing to guess."""
    lamp, at = names["lamp"], "verdict?at=2026-11-20&known=2026-11-18"
    whole, short = f"/api/v1/devices/{GATEWAY}/{lamp}/{at}", f"/api/v1/devices/{lamp}/{at}"
    assert (await client.get(short)).json() == (await client.get(whole)).json()
    assert (await client.get(f"/api/v1/devices/{'0' * 32}/{at}")).status_code == 404
    await register.device("lamp", gateway=OTHER)
    answer = await client.get(short)
    assert (answer.status_code, answer.json()["error"]["path"]) == (400, "device")


async def test_facts_that_cannot_be_judged_are_said_to_be_so(
    client: httpx.AsyncClient, register: Register, names: dict[str, str]
) -> None:
    """A fact that slipped in with a wrong form is named, not hidden behind a fault of ours."""
    await register.statement("sale", f"consumer:{GATEWAY}", {"device": names["machine"], "seller": 7})
    answer = await client.get(f"/api/v1/devices/{GATEWAY}/{names['machine']}/verdict")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_judged")
    listed = (await client.get("/api/v1/devices?code=MODEL_UNKNOWN")).json()["items"]
    assert [(item["device"], item["seller"]) for item in listed] == [(names["machine"], None)]


async def test_another_household_is_not_shown(client: httpx.AsyncClient, register: Register) -> None:
    """What a neighbour says of his device, or agreed with the shop about the same model, is nobody else's."""
    mine = await register.device("mine", model="acme/a")
    terms = {"model": "acme/a", "seller": "s", "document_digest": "d"}
    await register.statement("waiver", f"consumer:{OTHER}", terms)
    await register.statement("waiver", "seller:s", terms)
    await register.statement("sale", f"consumer:{OTHER}", {"device": mine, "seller": "other"})
    await register.statement("sale", f"consumer:{OTHER}", {"device": name_of("his"), "model": "acme/a", "seller": "o"})
    shown = await register.statement("window", "manufacturer:acme", {"model": "acme/a", "end": "2030-01"})
    items = (await client.get(f"/api/v1/devices/{GATEWAY}/{mine}/statements")).json()["items"]
    assert [item["digest"] for item in items] == [shown]
    assert (await client.get(f"/api/v1/devices/{GATEWAY}/{mine}")).json()["seller"] is None


async def test_rejections_are_counted(client: httpx.AsyncClient, names: dict[str, str]) -> None:
    """Each reason with its number, the most frequent first; what is kept can be asked for by reason."""
    assert names
    items = (await client.get("/api/v1/rejections")).json()["items"]
    assert [(item["reason"], item["count"]) for item in items] == [("signature", 11), ("sequence", 2)]
    kept = (await client.get("/api/v1/rejected?reason=sequence")).json()["items"]
    assert [(item["reason"], item["verified"]) for item in kept] == [("sequence", True)]


async def test_a_gateway_counts_its_present_devices(client: httpx.AsyncClient, register: Register) -> None:
    """What left the inventory is no longer counted."""
    await register.gateway(revoked_at=NOW)
    await register.insert(schema.revocations, gateway=GATEWAY, revoked_at=NOW, recorded_at=NOW + 60)
    await register.device("here")
    await register.device("gone", present=False)
    [item] = (await client.get("/api/v1/gateways")).json()["items"]
    assert (item["devices"], item["revoked_at"]) == (1, instant(NOW))
    assert item["revocation_recorded_at"] == instant(NOW + 60)


async def test_health_is_told_and_its_status_says_it(client: httpx.AsyncClient, health: dict[str, object]) -> None:
    """A monitor needs no JSON to see that something is wrong."""
    well = await client.get("/healthz")
    health["ok"] = False
    ill = await client.get("/healthz")
    assert (well.status_code, well.json()) == (200, {**health, "ok": True})
    assert (ill.status_code, ill.json()["ok"]) == (503, False)


async def test_the_description_names_every_address_of_the_api(client: httpx.AsyncClient, app: Litestar) -> None:
    """OpenAPI 3.1 with each route, its one error shape, and no page."""
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    routes = {route.path_format for route in app.routes if route.path_format.startswith("/api/")}
    assert set(document["paths"]) == routes | {"/healthz"}
    for path in routes:
        shape = document["paths"][path]["get"]["responses"]["400"]["content"]["application/json"]["schema"]
        assert shape["$ref"].endswith("ErrorBody"), path
