"""The words of a verdict: codes, levels, findings, flags, and their orders (appraisal.md section 3, V0).

The sentences that a household reads for each code belong to the pages. A code, once published, keeps its meaning.
"""

from enum import StrEnum, unique
from typing import Final


@unique
class Level(StrEnum):
    """How heavy a code weighs."""

    BREACH = "B"
    QUESTION = "A"
    CONSUMER = "C"
    NONE = "N"
    OK = "OK"


@unique
class Code(StrEnum):
    """What a verdict says of one device on one track."""

    EVIDENCE_REJECTED = "EVIDENCE_REJECTED"
    INSUFFICIENT_EVIDENCE = "INSUFFICIENT_EVIDENCE"
    MODEL_UNKNOWN = "MODEL_UNKNOWN"
    MODEL_AMBIGUOUS = "MODEL_AMBIGUOUS"
    NO_SELLER_DUTY = "NO_SELLER_DUTY"
    NO_MAKER_DUTY = "NO_MAKER_DUTY"
    VERSION_NOT_COMPARABLE = "VERSION_NOT_COMPARABLE"
    FIRMWARE_UNKNOWN = "FIRMWARE_UNKNOWN"
    SUPPORT_DENIED_IN_WINDOW = "SUPPORT_DENIED_IN_WINDOW"
    SECURITY_FIX_OVERDUE = "SECURITY_FIX_OVERDUE"
    FIX_NOT_FREE = "FIX_NOT_FREE"
    FIX_NOT_DELIVERED = "FIX_NOT_DELIVERED"
    EXTENDED_PROMISE_MISSED = "EXTENDED_PROMISE_MISSED"
    NOTICE_UNPROVEN = "NOTICE_UNPROVEN"
    CONSUMER_LAG = "CONSUMER_LAG"
    UPDATE_PENDING = "UPDATE_PENDING"
    FIX_AWAITED = "FIX_AWAITED"
    FUNCTIONAL_UPDATE_PENDING = "FUNCTIONAL_UPDATE_PENDING"
    UP_TO_DATE = "UP_TO_DATE"
    SUPPORT_ENDED = "SUPPORT_ENDED"


@unique
class FindingCode(StrEnum):
    """What a verdict says of the update window itself, beside its code."""

    WINDOW_MISSING = "WINDOW_MISSING"
    WINDOW_TOO_SHORT = "WINDOW_TOO_SHORT"
    WINDOW_BELOW_EXPECTATION = "WINDOW_BELOW_EXPECTATION"


@unique
class Flag(StrEnum):
    """What else is to be known; a flag never changes a code."""

    BEFORE_REGISTER = "BEFORE_REGISTER"
    CATALOGUE_BEHIND = "CATALOGUE_BEHIND"
    DATES_CONTRADICT = "DATES_CONTRADICT"
    DEBTOR_GONE = "DEBTOR_GONE"
    DEVICE_SILENT = "DEVICE_SILENT"
    FIX_ELSEWHERE = "FIX_ELSEWHERE"
    FIX_WITHDRAWN = "FIX_WITHDRAWN"
    NO_ADVISORY_SOURCE = "NO_ADVISORY_SOURCE"
    NO_END_NOTICE = "NO_END_NOTICE"
    OPEN_AT_END = "OPEN_AT_END"
    PRE_CATALOGUE = "PRE_CATALOGUE"
    RETRACTED_INSTALLED = "RETRACTED_INSTALLED"
    ROLLBACK_DEVICE_SWAPPED = "ROLLBACK_DEVICE_SWAPPED"
    ROLLBACK_UNEXPLAINED = "ROLLBACK_UNEXPLAINED"
    ROLLBACK_VENDOR = "ROLLBACK_VENDOR"
    SECURITY_CONTENT_UNKNOWN = "SECURITY_CONTENT_UNKNOWN"
    TOO_MANY_UNKNOWNS = "TOO_MANY_UNKNOWNS"
    UPDATE_OUTSTANDING = "UPDATE_OUTSTANDING"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    WAIVER_BUNDLED = "WAIVER_BUNDLED"
    WAIVER_IDENTITY = "WAIVER_IDENTITY"
    WAIVER_LATE = "WAIVER_LATE"
    WAIVER_ONE_SIDED = "WAIVER_ONE_SIDED"
    WAIVER_UNSPECIFIC = "WAIVER_UNSPECIFIC"
    WAIVER_VALID = "WAIVER_VALID"
    WAIVER_VOID_SCOPE = "WAIVER_VOID_SCOPE"
    WINDOW_SHORTENED_LATER = "WINDOW_SHORTENED_LATER"
    WINDOW_TBA = "WINDOW_TBA"


STRENGTH: Final = {level: place for place, level in enumerate(reversed(Level))}
"""Greater is stronger: a breach weighs most, OK least."""

V0_ORDER: Final = (
    Code.SUPPORT_DENIED_IN_WINDOW,
    Code.SECURITY_FIX_OVERDUE,
    Code.FIX_NOT_FREE,
    Code.FIX_NOT_DELIVERED,
    Code.EXTENDED_PROMISE_MISSED,
    Code.NOTICE_UNPROVEN,
    Code.CONSUMER_LAG,
    Code.UPDATE_PENDING,
    Code.FIX_AWAITED,
)
"""V0: the first of these that something has is the code."""

LAST: Final = len(V0_ORDER)
"""The rank of every code that V0 does not order."""

RANK: Final = {code: V0_ORDER.index(code) if code in V0_ORDER else LAST for code in Code}

SUPPLY: Final = frozenset(V0_ORDER[:4])
"""The codes that say that a fix was not supplied (V3 to V6 without FIX_AWAITED)."""

NO_DUTY: Final = frozenset({Code.NO_SELLER_DUTY, Code.NO_MAKER_DUTY})
