"""Where a list goes on, as an opaque word in an address.

The word is the key of the last row of the page before. It comes back from outside, so it is checked like anything else
that does.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec
from litestar.exceptions import ValidationException

Key = TypeVar("Key", bound=msgspec.Struct)
_MOST = 600


def word_for(key: msgspec.Struct | None) -> str | None:
    """The word for a key, None where the list has ended."""
    return None if key is None else urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def key_of(word: str | None, form: type[Key]) -> Key | None:
    """The key that a word stands for.

    Raises:
        ValidationException: It is none that this list gave.
    """
    if word is None:
        return None
    try:
        if len(word) > _MOST:
            raise ValueError("too long")  # noqa: TRY301  # the same answer as for any other fault
        return msgspec.json.decode(urlsafe_b64decode(word + "=" * (-len(word) % 4)), type=form)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        fault = {"key": "cursor", "message": "expected the `next` of this list, as it was given"}
        raise ValidationException(extra=[fault]) from error
