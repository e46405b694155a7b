"""Knows what must change for a library to agree with a catalog, three ways: last time, there, here. Pure.

A person's edit is kept and shown once. Tags and collections are joined, never replaced. What a person removed, trashed,
moved or renamed is a decision, respected until it is asked back. Without a base nothing is changed or removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from refsync.sync.base import Base, Id
from refsync.sync.changes import Plan
from refsync.sync.desired import ROOT, Desired
from refsync.sync.draft import Draft
from refsync.sync.identity import matched
from refsync.sync.leaving import retire
from refsync.sync.placing import place
from refsync.sync.seen import Seen
from refsync.sync.settling import settled
from refsync.sync.shelves import clear, shelve


def plan(
    desired: Desired,
    seen: Seen,
    base: Base,
    *,
    restore: bool = False,
    adopt: str | None = None,
    skip: Iterable[Id] = (),
) -> Plan:
    """What makes the library `seen` agree with `desired`, where `base` is what was last written.

    `restore` brings back what a person removed, renamed or moved; `adopt` is the key of a person's own collection that
    serves as the root; `skip` are objects that the library has refused in this run. An answer that never came
    (`base.pending`) is settled by what the library holds.
    """
    known = settled(base, seen)
    draft = Draft(desired=desired, seen=seen, base=known, written=base.records, restore=restore, skip=frozenset(skip))
    for shelf in desired.shelves:
        shelve(draft, shelf, adopt if shelf.id == ROOT else None)
    for match in matched(desired, seen, known):
        place(draft, match)
    retire(draft)
    clear(draft)
    return draft.finished()
