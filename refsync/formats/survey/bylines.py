"""Knows how lists print authors: the order of names, initials, what stands between two of them, "et al."."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from refsync import names
from refsync.model import Person

T = TypeVar("T")


def _vancouver(one: Person) -> str:
    return " ".join(part for part in (one.particle, one.family, one.given) if part)


def _family(one: Person) -> str:
    return " ".join(part for part in (one.particle, one.family) if part)


# How one name is printed, by the name of the order.
_ORDERS: Mapping[str, Callable[[Person], str]] = {
    "natural": names.natural,
    "inverted": names.inverted,
    "vancouver": _vancouver,
    "family": _family,
}
_ET_AL = re.compile(r"\s*(?:,|;|&|\band\b)?\s*(?:et\.?\s?al\b\.?|and\s+others|others)", re.IGNORECASE)
_LONGEST_GAP = 12  # between two names stand a comma, an "and", a mark of a footnote, and no more


@dataclass(frozen=True, kw_only=True, slots=True)
class Byline:
    """How one list of authors is printed; None where it shows nothing of it.

    `order` is that of all names but the first, `first` that of the first; `initials` is how given names are shortened
    ("J. K.", "J.K.", "JK" for John Kay, "J." where nobody has two), "" when they are not; `most` is how many names stand before "et al.".
    """

    order: str | None = None
    first: str | None = None
    initials: str | None = None
    between: str | None = None
    last: str | None = None
    pair: str | None = None
    et_al: str | None = None
    most: int | None = None


def found(source: str, people: Sequence[Person], *, et_al: bool) -> tuple[int, int, Byline] | None:
    """Where `people` are printed in `source`, [start, end) with "et al.", and how; None when they are not found."""
    for first, order in (("natural", "natural"), ("inverted", "inverted"), ("inverted", "natural")):
        if hit := _located(source, people, first, order, et_al=et_al):
            return hit
    for order in ("vancouver", "family"):
        if hit := _located(source, people, order, order, et_al=et_al):
            return hit
    return None


def _located(
    source: str, people: Sequence[Person], first: str, order: str, *, et_al: bool
) -> tuple[int, int, Byline] | None:
    spans: list[tuple[int, int]] = []
    for at, one in enumerate(people):
        words = _ORDERS[order if at else first](one).split()
        form = re.compile(r"(?<!\w)" + r"[\s~\u00a0]+".join(map(re.escape, words)))
        end = spans[-1][1] if spans else 0
        hit = (
            form.search(source, end, end + _LONGEST_GAP + sum(map(len, words)) + len(words))
            if spans
            else form.search(source)
        )
        if hit is None:
            return None
        spans.append(hit.span())
    if not spans:
        return None
    gaps = [source[one[1] : two[0]].replace("\u00a0", " ") for one, two in pairwise(spans)]
    start, end = spans[0][0], spans[-1][1]
    others = _ET_AL.match(source, end) if et_al else None
    shown = Byline(
        order=order if len(people) > 1 else None,
        first=first,
        initials=_initials_of(people),
        between=Counter(gaps[:-1]).most_common(1)[0][0] if len(gaps) > 1 else None,
        last=gaps[-1] if len(gaps) > 1 and not et_al else None,
        pair=gaps[0] if len(gaps) == 1 and not et_al else None,
        et_al=others[0] if others else None,
        most=len(people) if et_al else None,
    )
    return start, others.end() if others else end, shown


def _initials_of(people: Sequence[Person]) -> str | None:
    """How given names are shortened, "" when most are not, None when nobody has one."""
    given = [one.given for one in people if one.given]
    if not given:
        return None
    short = [one for one in given if names.are_initials(one)]
    if len(short) * 2 <= len(given):
        return ""
    longest = max(short, key=len)
    dot = "." if "." in longest else ""
    if sum(map(str.isupper, longest)) < 2:
        return f"J{dot}"  # nobody has two, so that nothing tells what parts them
    return f"J{dot}{' ' if ' ' in longest else ''}K{dot}"


def usual(shown: Iterable[tuple[Byline, float]]) -> Byline:
    """What most of the bylines do, each thing by itself, weighed."""
    pairs = list(shown)
    bylines = [(one, weight) for one, weight in pairs]
    most: dict[str, object] = {
        name: _voted((getattr(one, name), weight) for one, weight in bylines)
        for name in ("order", "first", "initials", "between", "last", "pair", "et_al")
    }
    if most["initials"] in {"J", "J."}:
        longer = ((one.initials, weight) for one, weight in bylines if one.initials and "K" in one.initials)
        most["initials"] = _voted(longer) or ("J. K." if most["initials"] == "J." else "JK")
    short = sum(weight for one, weight in bylines if one.most)
    is_short = short * 2 > sum(weight for _, weight in bylines)
    limit = _voted((one.most, weight) for one, weight in bylines) if is_short else None
    return replace(Byline(), **most, most=limit)  # type: ignore[arg-type]


def _voted(votes: Iterable[tuple[T | None, float]]) -> T | None:
    sums: dict[T, float] = {}
    for value, weight in votes:
        if value is not None:
            sums[value] = sums.get(value, 0.0) + weight
    return max(sums, key=lambda value: sums[value]) if sums else None


def printed(people: Sequence[Person], how: Byline, *, et_al: bool) -> str:
    """`people` as `how` prints them; `et_al` says that there are more than these."""
    shown = list(people)
    if how.most and len(shown) > how.most:
        shown, et_al = shown[: how.most], True
    between = how.between or ", "
    order = how.order or how.first or "natural"
    parts = [_name(one, (how.first or order) if at == 0 else order, how.initials or "") for at, one in enumerate(shown)]
    if et_al:
        return between.join(parts) + (how.et_al or " et al.")
    if len(parts) == 2:
        return (how.pair or how.last or between).join(parts)
    last = how.last or between
    return last.join([between.join(parts[:-1]), parts[-1]]) if len(parts) > 2 else "".join(parts)


def _name(one: Person, order: str, initials: str) -> str:
    if one.literal is not None:
        return one.literal
    if initials and one.given and not names.are_initials(one.given):
        one = replace(one, given=_shortened(one.given, initials))
    return _ORDERS[order](one)


def _shortened(given: str, initials: str) -> str:
    dot, gap = "." if "." in initials else "", " " if " " in initials else ""
    return gap.join(
        "-".join(f"{part[0]}{dot}" for part in word.split("-") if part) for word in given.split() if word.strip("-")
    )
