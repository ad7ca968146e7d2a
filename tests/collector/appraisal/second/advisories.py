"""V2: whether a version is affected by an advisory."""

from tests.collector.appraisal.second.record import Evidence, Fact
from tests.collector.appraisal.second.versions import compare


def affected(advisory: Fact, evidence: Evidence, version: tuple[str, str]) -> bool | None:
    """V2."""
    scheme = evidence.model.get("scheme") or "opaque"
    fixed = [(each, scheme) for each in advisory.get("fixed_in") or []]
    fixed += [
        evidence.version(each)
        for each in evidence.releases.values()
        if advisory["advisory"] in (each.get("fixes") or [])
    ]
    stands = [compare(*version, *each) for each in fixed]
    inside = [within(each, version, scheme) for each in advisory.get("affected") or []]
    if "same" in stands:
        return False
    if True in inside:
        return True
    if inside and all(each is False for each in inside):
        return False
    if stands and set(stands) == {"newer"}:
        return False
    return True if stands and set(stands) == {"older"} and not inside else None


def within(limits: Fact, version: tuple[str, str], scheme: str) -> bool | None:
    """V2: one range."""
    parts: list[bool | None] = []
    if limits.get("all"):
        parts.append(True)
    if limits.get("text") is not None:
        parts.append(None)
    for name, inside in (
        ("exact", ("same",)),
        ("from", ("same", "newer")),
        ("before", ("older",)),
        ("through", ("same", "older")),
    ):
        if limits.get(name) is not None:
            stands = compare(*version, limits[name], scheme)
            distinct = name == "exact" and version[1] == scheme == "opaque"
            parts.append(stands in inside if stands != "unknown" else False if distinct else None)
    return False if False in parts else None if None in parts or not parts else True
