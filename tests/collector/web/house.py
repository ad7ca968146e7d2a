"""A house to look at: one device for most of what a page can say."""

from tests.collector.web.register import GATEWAY, Register, failure, reading, verdict, window

PENDING = {"about": ["ZV-0007"], "basis": ["2019/771 art. 6(d)", "policy reasonable_days"]}


async def furnish(register: Register) -> dict[str, str]:
    """Fill a register; gives the device names by what they are."""
    await register.gateway()
    for sequence, ago in ((400, 3), (401, 2), (402, 1)):
        await register.report(sequence, ago=ago)
    names: dict[str, str] = {}
    await register.product("zonneveld/zt-3", "zonneveld", "thermostat", ["modbus:Zonneveld/ZT-3"])
    names["thermostat"] = await register.device(
        "thermostat",
        model="zonneveld/zt-3",
        read=reading("2.4.1", ids=["modbus:Zonneveld/ZT-3"], reader="modbus_device_id"),
        tracks=(
            verdict("UPDATE_PENDING", "OK", window=window(-398, 1793), **PENDING),
            verdict("UPDATE_PENDING", "OK", window=window(-410, 1500), **PENDING),
        ),
    )
    await register.sale(names["thermostat"], "dorpswinkel")
    await register.statement("window", "manufacturer:zonneveld", {"model": "zonneveld/zt-3", "end": "2030-12-31"})
    promise = {"model": "zonneveld/zt-3", "end": {"months": 72, "from": "purchase"}}
    await register.statement("window", "seller:dorpswinkel", promise)
    fix = {"model": "zonneveld/zt-3", "version": "2.5.0", "available_from": "2026-11-16", "fixes": ["ZV-0007"]}
    await register.statement("release", "manufacturer:zonneveld", fix, ago=5)
    hole = {"advisory": "ZV-0007", "severity": "high", "affected": [{"before": "2.5.0"}], "fixed_in": ["2.5.0"]}
    await register.statement("advisory", "manufacturer:zonneveld", {"model": "zonneveld/zt-3", **hole}, ago=5)

    await register.product("lumenta/lb-980", "lumenta", "lamp", ["zigbee:Lumenta/LB-980"])
    names["lamp"] = await register.device(
        "lamp",
        model="lumenta/lb-980",
        read=reading("2.3.087", ids=["zigbee:Lumenta/LB-980"]),
        tracks=(
            verdict("UP_TO_DATE", "OK", window=window(-498, 1328), flags=["WINDOW_SHORTENED_LATER"]),
            verdict("UP_TO_DATE", "OK", window=window(-510, 1400), flags=["WINDOW_SHORTENED_LATER"]),
        ),
    )
    await register.sale(names["lamp"], "dorpswinkel", bought=-500)
    lamp = {"model": "lumenta/lb-980"}
    promised = await register.statement("window", "manufacturer:lumenta", {**lamp, "end": "2030-09-21"}, ago=600)
    shortened = {**lamp, "end": "2027-06-30", "replaces": [promised]}
    await register.statement("window", "manufacturer:lumenta", shortened, ago=2)
    await register.statement("release", "manufacturer:lumenta", {**lamp, "version": "2.3.087"}, ago=200)

    await register.product("oever/cam-2", "oever", "camera", ["gtin:08712345000017"])
    names["camera"] = await register.device(
        "camera",
        model="oever/cam-2",
        read=reading("1.1.0", ids=["gtin:08712345000017"], offer={"result": "none"}),
        tracks=(
            verdict(
                "SECURITY_FIX_OVERDUE",
                "B",
                since="2026-10-31T23:00:00Z",
                about=["OEVER-2026-01"],
                window=window(-260, 480, "statute"),
                window_finding={"code": "WINDOW_TOO_SHORT", "level": "B"},
                basis=["2019/771 art. 10(2)", "2019/771 art. 7(3)", "BW 7:18(4)", "policy fix_due_days"],
            ),
            verdict(
                "SECURITY_FIX_OVERDUE",
                "A",
                since="2026-10-31T23:00:00Z",
                about=["OEVER-2026-01"],
                window=window(-300, 130),
                basis=["CRA annex I part II (2)", "policy fix_due_days", "public statement of the manufacturer"],
            ),
        ),
    )
    await register.sale(names["camera"], "hoekwinkel", bought=-262)

    await register.product("lumenta/sp-1", "lumenta", "plug", ["zigbee:Lumenta/SP-1"])
    names["plug"] = await register.device(
        "plug",
        model="lumenta/sp-1",
        read=reading("1.0.4", ids=["zigbee:Lumenta/SP-1"]),
        now_reads=failure(),
        tracks=(
            verdict("UP_TO_DATE", "OK", window=window(-999, 827, "expectation"), flags=["DEVICE_SILENT"]),
            verdict("SUPPORT_ENDED", "N", since="2026-09-22T22:00:00Z", window=window(-1010, -60)),
        ),
    )
    await register.sale(names["plug"], "dorpswinkel", bought=-1000)

    await register.product("aquila/ws-2", "aquila", "sensor", ["zigbee:Aquila/WS-2"])
    names["sensor"] = await register.device(
        "sensor",
        model="aquila/ws-2",
        read=reading("3.1", ids=["zigbee:Aquila/WS-2"]),
        tracks=(
            verdict(
                "UP_TO_DATE",
                "OK",
                window=window(-349, 1477, "expectation"),
                window_finding={"code": "WINDOW_MISSING", "level": "A"},
                flags=["NO_ADVISORY_SOURCE"],
                basis=["2011/83 art. 6(1)(lc) [unconfirmed]", "2019/771 art. 7(3)(a)", "policy expectation_months"],
            ),
            verdict(
                "NO_MAKER_DUTY",
                "N",
                reason="no_promise",
                window=window(-360, None),
                window_finding={"code": "WINDOW_MISSING", "level": "A"},
                basis=["CRA art. 13(19)", "CRA art. 69(2)", "PSTI 2023/1007 sched. 1 para 3"],
            ),
        ),
    )
    await register.sale(names["sensor"], "dorpswinkel", bought=-350)

    await register.product("kust/boiler-link", "kust", "other", ["ha:Kust/Boiler-Link"])
    names["lock"] = await register.device(
        "lock",
        model="kust/boiler-link",
        read=reading("1.8.2", version_alt="2024.10", ids=["ha:Kust/Boiler-Link"]),
        tracks=(
            verdict("INSUFFICIENT_EVIDENCE", "N", missing=["advisory:KUST-1.affected", "sale.delivered"]),
            verdict(
                "CONSUMER_LAG",
                "C",
                since="2026-10-02T22:00:00Z",
                about=["release:1.9.0"],
                window=window(-700, -90, extended=275),
            ),
        ),
    )

    unknown = verdict("MODEL_UNKNOWN", "N", basis=["EN 303 645 5.3-16"])
    names["machine"] = await register.device(
        "machine", read=reading("12", ids=["os:debian"], reader="gateway"), tracks=(unknown, unknown), seen=20
    )
    names["bulb"] = await register.device(
        "bulb",
        read=reading(
            "0122052017", ids=["zigbee:_TZ3000_riwp3k79/TS0505B"], offer={"result": "offered", "version": "2"}
        ),
    )
    names["mute"] = await register.device("mute", now_reads=failure("unreachable", "no_permission"), seen=5 * 86_400)
    await register.rejection("sequence", count=2, detail="number 17 was used with other bytes")
    await register.rejection("signature", count=11)
    return names


__all__ = ["GATEWAY", "furnish"]
