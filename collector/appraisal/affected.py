"""V2: whether a version is affected by an advisory; three-valued, because a source may be unreadable or silent.

A fix applies only by an explicit word about this model; "newest" is never taken for "fixed".
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from collector.appraisal.facts import Advisory, Range, Scheme
from collector.appraisal.versions import Relation, Version, relate, stripped

Truth = bool | None
"""True, False, or None where it is Unknown."""


class Scope(Struct, frozen=True):
    """What an advisory, and the releases that say they fix it, tell of versions.

    Attributes:
        ranges: What is affected, in the model's scheme.
        fixed: X of V2: the versions that are said to hold the fix.
        scheme: The model's scheme.
    """

    ranges: tuple[Range, ...]
    fixed: tuple[Version, ...]
    scheme: Scheme

    def affects(self, version: Version) -> Truth:
        """V2, in the order of the text."""
        relations = [relate(version, fixed) for fixed in self.fixed]
        truths = [self._within(version, each) for each in self.ranges]
        if Relation.SAME in relations:
            return False
        if True in truths:
            return True
        if truths and not any(truth is None for truth in truths):
            return False
        if relations and all(relation is Relation.NEWER for relation in relations):
            return False
        if relations and all(relation is Relation.OLDER for relation in relations) and not truths:
            return True
        return None

    def _within(self, version: Version, versions: Range) -> Truth:
        """Whether all parts of a range hold; false if a part is false, else Unknown if a part is, or there is none."""
        parts = [
            *_stated(versions.all),
            *([None] if versions.text is not None else []),
            *self._part(version, versions.exact, {Relation.SAME}, exact=True),
            *self._part(version, versions.at_least, {Relation.SAME, Relation.NEWER}),
            *self._part(version, versions.before, {Relation.OLDER}),
            *self._part(version, versions.through, {Relation.SAME, Relation.OLDER}),
        ]
        if False in parts:
            return False
        return True if parts and None not in parts else None

    def _part(
        self, version: Version, bound: str | None, holding: set[Relation], exact: bool = False
    ) -> Iterable[Truth]:
        if bound is None:
            return
        relation = relate(version, Version(bound, self.scheme))
        if relation is not Relation.UNKNOWN:
            yield relation in holding
        elif exact and version.scheme == self.scheme == "opaque":
            yield stripped(version.text) == stripped(bound)
        else:
            yield None


def scope(advisory: Advisory, fixing: Sequence[Version], scheme: Scheme) -> Scope:
    """What is said of versions.

    Args:
        advisory: Its own words.
        fixing: The versions of the releases that list it in `fixes`.
        scheme: The model's scheme.
    """
    named = tuple(Version(text, scheme) for text in advisory.fixed_in)
    return Scope(advisory.affected, (*named, *fixing), scheme)


def _stated(value: bool | None) -> list[Truth]:
    return [] if value is None else [value]
