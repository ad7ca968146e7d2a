"""The answer to a case, as `updateplicht-collector appraise` prints it."""

from typing import Any

from tests.collector.appraisal.second.fleet import fleet_verdict
from tests.collector.appraisal.second.forms import InvalidFactError, refuse_invalid
from tests.collector.appraisal.second.values import read_instant
from tests.collector.appraisal.second.verdict import verdicts


def appraised(case: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """What a case comes to under the policy that it names."""
    at, known = read_instant(case["at"]), read_instant(case["known"])
    try:
        if case.get("fleet") is not None:
            return {"case": case["case"], "fleet": fleet_verdict(case["fleet"], at, known, policy)}
        refuse_invalid(case["facts"])
    except InvalidFactError as invalid:
        return {"case": case["case"], "error": invalid.args[0]}
    return {"case": case["case"], **verdicts(case["facts"], at, known, policy)}
