"""Why the door refuses a statement: one stable word each, kept, counted and shown.

Bytes that are no statement have the codes of `evidence/errors.py` instead (`too_large`, `malformed`, `signature`, ...).
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The door's own words."""

    KEY = "key"
    """Nobody enrolled has this key, it has ended, or it is not the key of the gateway on whose topic it came."""
    KIND = "statement_kind"
    """No kind that anybody may state."""
    FIELD = "statement_field"
    """Rule F0: a field is missing, of the wrong form, or nobody's to state."""
    FUTURE = "statement_future"
    """Signed for an instant too far ahead of the collector's clock."""
    ISSUER = "statement_issuer"
    """This issuer may not record such a thing, or not for somebody else."""
    DEVICE = "statement_device"
    """Not a device of this household, or not one of a model that this manufacturer makes."""
    MODEL = "statement_model"
    """The model is not on record, is another manufacturer's, or an id was not granted."""
    CORRECTS = "statement_corrects"
    """What it corrects is not on record, or is of another issuer, kind, model or device."""
    NOTICE = "statement_notice"
    """What it acknowledges is no notice on record about this device."""


LEANING: Final = frozenset({Reason.DEVICE, Reason.MODEL, Reason.CORRECTS, Reason.NOTICE})
"""Refusals that another statement or report may yet cure."""
