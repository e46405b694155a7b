"""What a plan is made of: changes that a person is shown, and the writes that carry them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from refsync.sync.base import Id, Record, What

Sign = Literal["+", "~", "-", "!"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One object that changes, or does not (`!`, with `why`). `key` is the catalog's key or the path of a topic; `fields`
    are {name: (old, new)}."""

    sign: Sign
    what: What
    key: str
    zotero_key: str = ""
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    why: str = ""
    line: str = ""  # of corrections.yaml, that settles it

    def as_json(self) -> dict[str, Any]:
        """The change as the contract has it."""
        named = {"sign": self.sign, "what": self.what, "key": self.key, "zotero_key": self.zotero_key}
        more = {"why": self.why, "line": self.line}
        fields = {name: list(pair) for name, pair in self.fields.items()}
        return {**named, "fields": fields, **{name: value for name, value in more.items() if value}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One object to be sent: `version` 0 makes it; `data` are its changed properties, all of them for a new one.

    `record` is what the base says once it is written; `before` are the old values of what changes, for undo.
    """

    what: What
    id: str
    key: str
    version: int
    data: Mapping[str, Any]
    record: Record
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A collection of refsync's own to be deleted: its key, and what it was."""

    id: str
    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What makes a library agree with a catalog. `records` are what the base knows without any writing, None for an object
    that it forgets. `is_whole` is false where what later runs have done must be taken back first."""

    changes: tuple[Change, ...] = ()
    writes: tuple[Write, ...] = ()
    removals: tuple[Removal, ...] = ()
    records: Mapping[Id, Record | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be sent."""
        return not self.writes and not self.removals

    @property
    def removed(self) -> int:
        """How many items leave a collection, and how many collections go."""
        return sum(change.sign == "-" for change in self.changes)


_ORDER = {"collection": 0, "item": 1, "attachment": 2}  # what another stands in or hangs on is written first


def planned(
    changes: Iterable[Change],
    writes: Iterable[Write],
    removals: Iterable[Removal],
    records: Mapping[Id, Record | None],
    more: Counter[str],
) -> Plan:
    """The plan that is made of these, its writes in the order in which a library takes them; `more` counts what is not
    shown."""
    shown = tuple(changes)
    return Plan(
        changes=shown,
        writes=tuple(sorted(writes, key=lambda one: _ORDER[one.what])),
        removals=tuple(removals),
        records=records,
        counts=counted(shown, more),
    )


COUNTS = ("create", "update", "remove", "conflict", "skip", "unchanged")
_NAMES = {"+": "create", "~": "update", "-": "remove"}


def counted(changes: tuple[Change, ...], more: Counter[str]) -> dict[str, int]:
    """How many objects of each sign, with what is not shown (`conflict`, `skip`, `unchanged`)."""
    found = Counter(_NAMES[one.sign] for one in changes if one.sign != "!") + more
    return {name: found[name] for name in COUNTS}
