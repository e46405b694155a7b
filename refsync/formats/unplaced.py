"""Knows which fields of works have no place in a format, so that none is lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple

from refsync import mapping
from refsync.model import Entry, Problem, Venue

_FIELDS = tuple(one.name for one in fields(Entry))
_VENUE = tuple(one.name for one in fields(Venue))


def counted(table: mapping.Table, entries: Iterable[Entry], own: Callable[[str, str], bool]) -> Problem | None:
    """The one Problem that counts stated fields without a place in the format, None when all have one.

    `own` says of a kind and a name in `extra` whether the format writes it.
    """
    plans = {kind: _unplaced_plan(table, kind) for kind in table.kinds}
    counts: Counter[str] = Counter()
    works = 0
    for entry in entries:
        plan = plans.get(entry.kind, plans["document"])
        if names := _unplaced(entry, plan, own):
            counts.update(names)
            works += 1
    if not counts:
        return None
    parts = [f"{name} ({count})" for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    total = counts.total()
    fields_of = f"{total} field{'s' * (total > 1)} of {works} entr{'ies' if works > 1 else 'y'}"
    what = f"{fields_of} ha{'ve' if total > 1 else 's'} no place in {table.name}: {', '.join(parts)}."
    return Problem(where=table.column, what=what, hint="The catalog keeps them.", check="no-place")


class _Plan(NamedTuple):
    """What a kind of work has no row for: whole fields, parts of its venue; and which keys of the maps have one."""

    names: tuple[str, ...]
    values_of: Callable[[Entry], mapping.Values]
    venue: tuple[str, ...]
    placed: Mapping[str, frozenset[str]]


def _unplaced_plan(table: mapping.Table, kind: str) -> _Plan:
    placed = {"key", "kind", *(name for row in table.written[kind] for name in row.entry)}
    placed |= {name for name, when in table.left_out if mapping.holds(when, kind)}
    names = tuple(name for name in _FIELDS if name not in placed and name not in {"venue", *mapping.MAPS})
    inside = {
        outer: frozenset(one.partition(".")[2] for one in placed if one.startswith(f"{outer}."))
        for outer in mapping.MAPS
    }
    return _Plan(
        names=names,
        values_of=_attributes(names),
        venue=tuple(name for name in _VENUE if f"venue.{name}" not in placed),
        placed=inside,
    )


def _attributes(names: tuple[str, ...]) -> Callable[[Entry], mapping.Values]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda entry: tuple([getattr(entry, name) for name in names])


def _unplaced(entry: Entry, plan: _Plan, own: Callable[[str, str], bool]) -> list[str]:
    values = plan.values_of(entry)
    found = [name for name, value in zip(plan.names, values, strict=True) if _is_said(name, value)]
    if plan.venue and entry.venue is not None:
        found += [f"venue.{name}" for name in plan.venue if getattr(entry.venue, name)]
    for outer, given in (("ids", entry.ids), ("links", entry.links), ("extra", entry.extra)):
        if not plan.placed[outer].issuperset(given):
            names = [name for name in given if name not in plan.placed[outer] and given[name]]
            found += [f"{outer}.{name}" for name in names if outer != "extra" or not own(entry.kind, name)]
    return found


def _is_said(name: str, value: Any) -> bool:
    """Whether a field says something that a format may lose; of authors only that they are not all named."""
    return value is False if name == "authors_complete" else bool(value)
