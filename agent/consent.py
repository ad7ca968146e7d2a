"""Asking the household: nothing binds it before it has seen in words what it would sign, and said yes."""

import sys
from collections.abc import Collection

EX_DECLINED = 1
_YES = frozenset({"y", "yes", "j", "ja"})
YES_IN_FULL = frozenset({"yes", "ja"})
"""For what cannot be taken back."""


def agrees(question: str, accepted: Collection[str] = _YES) -> bool:
    """Whether the answer that is typed is one of those accepted; no answer is a no."""
    print(question, end=" ", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip().lower() in accepted


def printable(text: object) -> str:
    """Another's text, so that it cannot move the cursor or turn the line around."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text))
