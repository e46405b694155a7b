"""Knows what two bases are together, that two people's syncs have left: a merge of three, by record and field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from refsync.model import Failure, Problem
from refsync.sync.base import Base, Id, Record

_NOTHING = Record(what="item", id="", key="")


def merged(old: Base | None, ours: Base, theirs: Base, where: str) -> Base:
    """One base out of two that began as `old` (None where there was none).

    A record changed on one side is that side's, one removed on a side stays where the other changed it. Of a record changed
    on both, each field changed on one side is that side's, and any other that of the side which saw the later version of
    the library; tags and collections are those of both. Raises Failure for bases of different libraries or catalogs.
    """
    if ours.owner != theirs.owner:
        what = "the sides are of different libraries or catalogs."
        raise Failure(Problem(where=where, what=what, hint="Keep the one that belongs to this folder."))
    before = old.records if old is not None and old.owner == ours.owner else {}
    late, early = (theirs, ours) if theirs.version > ours.version else (ours, theirs)
    records: dict[Id, Record] = {}
    for one in {*late.records, *early.records}:
        kept = _record(before.get(one), late.records.get(one), early.records.get(one))
        if kept is not None:
            records[one] = kept
    return replace(late, records=records)


def _record(old: Record | None, late: Record | None, early: Record | None) -> Record | None:
    """A record out of the two sides, None where it was removed and nobody has changed it."""
    if late is None or early is None:
        left = late or early
        return None if left == old else left
    if late in (old, early):
        return early
    if early == old:
        return late
    was = old or _NOTHING
    return replace(
        late,
        fields=_values(was.fields, late.fields, early.fields),
        told=_values(was.told, late.told, early.told),
        tags=_both(was.tags, late.tags, early.tags),
        collections=_both(was.collections, late.collections, early.collections),
        theirs=_both(was.theirs, late.theirs, early.theirs),
        is_adopted=late.is_adopted or early.is_adopted,
        gone=early.gone if late.gone == was.gone else late.gone,
    )


def _values(old: Mapping[str, Any], late: Mapping[str, Any], early: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name: what one side changed, else the later side's."""
    absent = object()
    out = {}
    for name in {**late, **early}:
        was, new, other = (side.get(name, absent) for side in (old, late, early))
        value = other if new == was else new
        if value is not absent:
            out[name] = value
    return out


def _both(old: Iterable[str], late: Iterable[str], early: Iterable[str]) -> tuple[str, ...]:
    """What either side has, in the later side's order, without what a side has removed."""
    removed = {one for one in old if one not in late or one not in early}
    return tuple(one for one in dict.fromkeys((*late, *early)) if one not in removed)
