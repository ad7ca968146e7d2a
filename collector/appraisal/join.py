"""C4: from what is said in every completion to one verdict (appraisal.md section 6).

The days, the sale and the shared words are spelled out: one `Cell` each. The words about single advisories are not:
given a cell, advisories do not touch one another, so what their product can come to has a closed form. In a cell the
code is the first, by V0, of one result from each slot; and

- a rank is possible if some slot has it and no slot lies below it in every choice;
- two cells can differ if some choice puts one below a rank at which everything in the other can be above it.

The tests hold this against the plain product.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations as pairs
from itertools import zip_longest
from typing import TypeVar

from collector.appraisal.codes import LAST, RANK, STRENGTH, V0_ORDER, Code, Flag, Level
from collector.appraisal.exposure import Words
from collector.appraisal.exposure import combinations as fillings
from collector.appraisal.state import Cell, Result

ValueT = TypeVar("ValueT")
Key = tuple[object, ...]
_NOTHING = Result()


def rank(result: Result) -> int:
    """The place of a result in V0's order; last if it does not count."""
    return LAST if result.code is None else RANK[result.code]


def ceiling(cell: Cell) -> int:
    """The last rank that the whole cell can have: the first of what each slot can have last."""
    return min((max(map(rank, slot)) for slot in cell.slots), default=LAST)


def possible_codes(cell: Cell) -> set[Code]:
    """Every code that the cell can come to."""
    top = ceiling(cell)
    ranks = {rank(result) for slot in cell.slots for result in slot}
    codes = {V0_ORDER[place] for place in ranks if place <= top and place < LAST}
    return codes | {code for code in (cell.rest.code,) if top == LAST and code is not None}


def possible_flags(cell: Cell) -> frozenset[Flag]:
    """Every flag that some choice in the cell sets."""
    said = [result for slot in cell.slots for result in slot]
    said += [cell.rest] if ceiling(cell) == LAST else []
    return cell.flags.union(*(result.flags for result in said))


class Agreed:
    """A cell in which every choice comes to one code: its weakest level, latest since, and everything it is about."""

    def __init__(self, cell: Cell, code: Code) -> None:
        if RANK[code] == LAST:
            self._slots: list[list[Result]] = [[cell.rest]]
        else:
            self._slots = [[each if each.code is code else _NOTHING for each in slot] for slot in cell.slots]
        self._weakest = [min(map(_strength, slot)) for slot in self._slots]

    def level(self) -> Level:
        """The strongest level that remains when every slot gives its weakest."""
        weakest = max(self._weakest)
        return next(level for level in Level if STRENGTH[level] == weakest)

    def about(self) -> set[str]:
        """What each result is about that can be among the strongest."""
        return {name for result in self._leading() for name in result.about}

    def since(self) -> datetime | None:
        """The latest `since` of any choice; in one choice the earliest among the strongest results counts."""
        latest = [self._latest_at(level) for level in {_strength(result) for result in self._leading()}]
        return max((since for since in latest if since is not None), default=None)

    def _leading(self) -> Iterable[Result]:
        """The results that can be strongest: every other slot can be as weak."""
        for place, slot in enumerate(self._slots):
            others = max(self._weakest[:place] + self._weakest[place + 1 :], default=-1)
            yield from (result for result in slot if _strength(result) >= max(others, 0))

    def _latest_at(self, level: int) -> datetime | None:
        """The latest `since` of the choices whose strongest results have this level.

        A slot that cannot be weaker than the level takes part in each of them, so the earliest of those slots bounds
        them all; without such a slot one slot alone can take part.
        """
        latest = [
            (weakest == level, max(sinces))
            for weakest, slot in zip(self._weakest, self._slots, strict=True)
            if (sinces := [each.since for each in slot if _strength(each) == level and each.since is not None])
        ]
        forced = [since for bound, since in latest if bound]
        return min(forced) if forced else max((since for _, since in latest), default=None)


def can_differ(one: Cell, other: Cell) -> bool:
    """Whether some filling-in of the words about single advisories gives two cells different codes."""
    if one is other:
        return False
    slots = [_aligned(a, b) for a, b in zip_longest(one.slots, other.slots, fillvalue=())]
    if _falls_short(slots) or _falls_short([[(b, a) for a, b in slot] for slot in slots]):
        return True
    both_rest = all((LAST, LAST) in slot for slot in slots)
    return both_rest and one.rest.code is not other.rest.code


def deciding_words(cell: Cell, words: Sequence[Words]) -> set[str]:
    """The words about single advisories which alone can change the code in a cell.

    Args:
        cell: What is said.
        words: For each slot but V8's its unknown words.
    """
    tops = [max(map(rank, slot)) for slot in cell.slots]
    deciding: set[str] = set()
    for place, unknown in enumerate(words):
        others = min(tops[:place] + tops[place + 1 :], default=LAST)
        ranks: dict[Key, int] = dict(zip(fillings(unknown), map(rank, cell.slots[place]), strict=True))
        for position, (name, _) in enumerate(unknown):
            groups = alike(ranks, position)
            if any(len({min(ranks[key], others) for key in group}) > 1 for group in groups):
                deciding.add(name)
    return deciding


def alike(keys: Iterable[Key], position: int) -> Iterable[list[Key]]:
    """The keys in groups that differ in nothing but one position."""
    groups: dict[Key, list[Key]] = defaultdict(list)
    for key in keys:
        groups[key[:position] + key[position + 1 :]].append(key)
    return groups.values()


def deciding_names(
    said: Mapping[Key, ValueT], names: Sequence[str], differ: Callable[[ValueT, ValueT], bool]
) -> set[str]:
    """C4: the unknowns for which two completions that differ in nothing else have different codes.

    Args:
        said: What is said in each completion, by the values of the unknowns.
        names: The unknowns, in the order of those values.
        differ: Whether two things that are said can have different codes.
    """
    return {
        name
        for position, name in enumerate(names)
        if any(differ(said[a], said[b]) for group in alike(said, position) for a, b in pairs(group, 2))
    }


def _strength(result: Result) -> int:
    return -1 if result.code is None else STRENGTH[result.level]


def _aligned(one: Sequence[Result], other: Sequence[Result]) -> list[tuple[int, int]]:
    """The ranks of both for each choice; where a cell has no such slot nothing counts."""
    return [(rank(a), rank(b)) for a, b in zip_longest(one, other, fillvalue=_NOTHING)]


def _falls_short(slots: Sequence[Sequence[tuple[int, int]]]) -> bool:
    """Whether some choice puts the first of the two below the second."""
    tops = [max(second for _, second in slot) for slot in slots]
    for place, slot in enumerate(slots):
        others = min(tops[:place] + tops[place + 1 :], default=LAST + 1)
        if any(first < second and first < others for first, second in slot):
            return True
    return False
