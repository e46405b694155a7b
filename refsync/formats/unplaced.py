"""Knows which fields of works have no place in a format, so that none is lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import NamedTuple

from refsync import mapping
from refsync.model import Entry, Problem, Venue

_FIELDS = tuple(one.name for one in fields(Entry))
# Of authors only that they are not all named may be lost.
_COMPLETE = "authors_complete"
_VENUE = tuple(one.name for one in fields(Venue))


def counted(table: mapping.Table, entries: Iterable[Entry], own: Callable[[str, str], bool]) -> Problem | None:
    """The one Problem that counts stated fields without a place in the format, None when all have one."""
    count = Count(table, own)
    for entry in entries:
        count.look(entry)
    return next(iter(count.problems()), None)


class Count:
    """Counts stated fields of works without a place in a format, as works pass by.

    `own` says of a kind and a name in `extra` whether the format writes it.
    """

    def __init__(self, table: mapping.Table, own: Callable[[str, str], bool]) -> None:
        self._table, self._own = table, own
        self._plans = {kind: _unplaced_plan(table, kind) for kind in table.kinds}
        self._fields: Counter[str] = Counter()
        self._works = 0

    def look(self, entry: Entry) -> None:
        """Counts what of this work has no place."""
        plan = self._plans.get(entry.kind) or self._plans["document"]
        if (
            any(plan.values_of(entry))
            or (plan.venue and entry.venue is not None)
            or entry.extra
            or (plan.counts_complete and entry.authors_complete is False)
            or not plan.placed["ids"].issuperset(entry.ids)
            or not plan.placed["links"].issuperset(entry.links)
        ) and (names := _unplaced(entry, plan, self._own)):
            self._fields.update(names)
            self._works += 1

    def problems(self) -> Iterator[Problem]:
        """The one Problem that tells it, when there is something to tell."""
        if not self._fields:
            return
        ordered = sorted(self._fields.items(), key=lambda one: (-one[1], one[0]))
        parts = [f"{name} ({count})" for name, count in ordered]
        total, works = self._fields.total(), self._works
        fields_of = f"{total} field{'s' * (total > 1)} of {works} entr{'ies' if works > 1 else 'y'}"
        name = self._table.name
        what = f"{fields_of} ha{'ve' if total > 1 else 's'} no place in {name}: {', '.join(parts)}."
        yield Problem(where=self._table.column, what=what, hint="The catalog keeps them.", check="no-place")


class _Plan(NamedTuple):
    """What a kind of work has no row for: whole fields, parts of its venue; and which keys of the maps have one."""

    names: tuple[str, ...]
    counts_complete: bool
    values_of: Callable[[Entry], mapping.Values]
    venue: tuple[str, ...]
    placed: Mapping[str, frozenset[str]]


def _unplaced_plan(table: mapping.Table, kind: str) -> _Plan:
    placed = {"key", "kind", *(name for row in table.written[kind] for name in row.entry)}
    placed |= {name for name, when in table.left_out if mapping.holds(when, kind)}
    names = tuple(name for name in _FIELDS if name not in placed and name not in {"venue", _COMPLETE, *mapping.MAPS})
    inside = {
        outer: frozenset(one.partition(".")[2] for one in placed if one.startswith(f"{outer}."))
        for outer in mapping.MAPS
    }
    return _Plan(
        names=names,
        counts_complete=_COMPLETE not in placed,
        values_of=_attributes(names),
        venue=tuple(name for name in _VENUE if f"venue.{name}" not in placed),
        placed=inside,
    )


def _attributes(names: tuple[str, ...]) -> Callable[[Entry], mapping.Values]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda entry: tuple([getattr(entry, name) for name in names])


def _unplaced(entry: Entry, plan: _Plan, own: Callable[[str, str], bool]) -> list[str]:
    found = [name for name, value in zip(plan.names, plan.values_of(entry), strict=True) if value]
    if plan.counts_complete and entry.authors_complete is False:
        found.append(_COMPLETE)
    if plan.venue and entry.venue is not None:
        found += [f"venue.{name}" for name in plan.venue if getattr(entry.venue, name)]
    for outer, given in (("ids", entry.ids), ("links", entry.links), ("extra", entry.extra)):
        if not plan.placed[outer].issuperset(given):
            names = [name for name in given if name not in plan.placed[outer] and given[name]]
            found += [f"{outer}.{name}" for name in names if outer != "extra" or not own(entry.kind, name)]
    return found
