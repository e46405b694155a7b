"""Knows where in its section a new entry belongs: the order that its neighbours are in, and what parts two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from refsync import identifiers
from refsync.model import Account

_MOSTLY = 0.8  # the share of neighbours that differ that must agree, before a section has an order
_GROUPED = 5  # entries, from which a section may be grouped by venue
_FEW_RUNS = 1.3  # runs of a venue to a venue, up to which a section is grouped by venue

Key = Callable[[Account], Any]


def _year(one: Account) -> Any:
    return one.year


def _date(one: Account) -> Any:
    number = one.ids.get("arxiv")
    if one.year and one.month:
        return one.year, one.month
    return identifiers.arxiv_date(number) if number else None


def _title(one: Account) -> Any:
    return one.title.casefold() or None


# What a section may be ordered by, in the order in which it is asked, and how many neighbours must differ to tell.
_KEYS: tuple[tuple[Key, int], ...] = ((_date, 2), (_year, 2), (_title, 4))


def _direction(entries: Sequence[Account], key: Key, least: int) -> int:
    """1 when the entries ascend by a key, -1 when they descend, 0 when they do neither."""
    known = [found for found in map(key, entries) if found is not None]
    if len(known) * 2 < len(entries):
        return 0
    steps = Counter((two > one) - (two < one) for one, two in pairwise(known))
    up, down = steps[1], steps[-1]
    if up + down < least or max(up, down) < _MOSTLY * (up + down):
        return 0
    return 1 if up > down else -1


def place(entries: Sequence[Account], numbers: Sequence[int | None], new: Account) -> int:
    """How many of the entries of a section (in the order of the list) stand before the new one.

    `numbers` are those that the entries bear: where one is missing between two of them there is a place free.
    """
    if (free := _free(entries, numbers, new)) is not None:
        return free
    for key, least in _KEYS:
        own = key(new)
        way = _direction(entries, key, least)
        if way and own is not None:
            known = [(at, found) for at, one in enumerate(entries) if (found := key(one)) is not None]
            if way > 0:
                return max((at + 1 for at, found in known if found <= own), default=0)
            return min((at for at, found in known if found < own), default=len(entries))
    return _behind_its_venue(entries, new)


def _free(entries: Sequence[Account], numbers: Sequence[int | None], new: Account) -> int | None:
    """The place whose number is missing; of several the one that the date fits."""
    if numbers and numbers[0] == 2:
        return 0
    taken = set(numbers)
    free = [
        at
        for at, (one, two) in enumerate(pairwise(numbers), 1)
        if one is not None and two is not None and two == one + 2
    ]
    free = [at for at in free if (numbers[at] or 0) - 1 not in taken] or free
    own = _date(new)
    fitting = [
        at
        for at in free
        if own and (before := _date(entries[at - 1])) and (after := _date(entries[at])) and before <= own <= after
    ]
    return next(iter([*fitting, *reversed(free)]), None)


def _behind_its_venue(entries: Sequence[Account], new: Account) -> int:
    venues = [one.venue for one in entries]
    runs = 1 + sum(one != two for one, two in pairwise(venues))
    if (
        len(entries) >= _GROUPED
        and new.venue in venues
        and len(set(venues)) > 1
        and runs <= _FEW_RUNS * len(set(venues))
    ):
        return max(at + 1 for at, venue in enumerate(venues) if venue == new.venue)
    return len(entries)


def gap(lines: Sequence[str], entries: Sequence[Account], at: int, usual: str | None) -> str | None:
    """The blank lines (each with its end) that mostly part two entries near the place `at`; `usual` where nothing tells."""
    found: dict[str, float] = {}
    for number, (one, two) in enumerate(pairwise(entries), 1):
        between = lines[one.last_line : two.line - 1]
        if one.last_line < two.line and not "".join(between).strip():
            text = "".join("\n" if not line.strip("\r\n") else line for line in between).replace("\r\n", "\n")
            found[text] = found.get(text, 0.0) + 1 + 1 / (1 + abs(number - at))
    return max(found, key=lambda text: found[text]) if found else usual
