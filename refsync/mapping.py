"""Knows the tables of mappings/: which field of a work is which field of a format, read in either direction.

A row is `{entry: pages, ris: [SP, EP], as: page range, when: {kind: [article]}}`: fields of an Entry (`venue.name`,
`ids.arxiv`, `links.paper` reach inside), the format's own fields, the name of a pair of functions (`text` when none is
named) and where the row holds. `also` lists other spellings that are read and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import resources
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from refsync import documents
from refsync.model import Entry, Failure, Problem, Venue
from refsync.recurring import Kept

Condition = Mapping[str, frozenset[str]]
_ENTRY = tuple(one.name for one in fields(Entry))
_VENUE = tuple(one.name for one in fields(Venue))
MAPS = ("ids", "links", "extra")


class Pair(NamedTuple):
    """Two functions that undo each other. `write` takes the entry's values and returns the format's: one, or a tuple as
    long as the row's list of fields. `read` goes the other way. None says: nothing to write, or not for this row.

    `recurs` says that few values are many works', so that what is written for one may be kept."""

    write: Callable[..., Any]
    read: Callable[..., Any]
    recurs: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of a format's table, checked. `at` names it in messages; `writes` is False for a field left out."""

    at: str
    entry: tuple[str, ...]
    fields: tuple[str, ...]
    also: tuple[str, ...]
    converter: str
    when: Condition
    left_out: tuple[Condition, ...]

    def writes(self, kind: str) -> bool:
        """Whether works of this kind may be written by the row."""
        return holds(self.when, kind) and not any(holds(one, kind) for one in self.left_out)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a format calls the fields of a work. `own`: fields of the format that a work keeps in `extra`."""

    where: str
    column: str
    name: str
    kinds: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: tuple[tuple[str, Condition], ...]
    own: Mapping[str, frozenset[str]]

    def limited(self, only: Iterable[str], omit: Iterable[str]) -> Table:
        """The table with only the rows that are asked for; of what is left out nothing is reported.

        Names are those of the format's fields or of the entry's. "+name" in `only` adds a row that is left out by
        default, and leaves the others as they are.
        """
        added = {name[1:] for name in only if name.startswith("+")}
        kept = {name for name in only if not name.startswith("+")}
        gone = set(omit)
        if not (added or kept or gone):
            return self
        rows, left_out = [], list(self.left_out)
        for row in self.rows:
            names = {*row.fields, *row.entry, *(name.partition(".")[0] for name in row.entry if "." in name)}
            asked = bool(names & (added | kept))
            if names & gone or (kept and not asked):
                left_out += [(name, {}) for name in row.entry]
            else:
                rows.append(replace(row, left_out=()) if asked else row)
        wanted = replace(self, rows=tuple(rows), left_out=tuple(left_out))
        return replace(wanted, left_out=tuple(one for one in left_out if one[0] not in added | kept))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that `limited` knows."""
        found = {name for row in self.rows for name in (*row.fields, *row.also, *row.entry)}
        return frozenset(found | {name.partition(".")[0] for name in found} | {name for name, _ in self.left_out})

    def has_own(self, kind: str, name: str) -> bool:
        """Whether a work of this kind may have the field of the format, for which refsync has none."""
        return name in self.own.get("*", ()) or name in self.own.get(kind, ())

    @cached_property
    def written(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows that write works of each kind: of several for one field the first, so exceptions stand first."""
        return {kind: _first_for_each_field(row for row in self.rows if row.writes(kind)) for kind in self.kinds}

    @cached_property
    def omitted(self) -> frozenset[str]:
        """The names in `extra` that the format leaves out."""
        return frozenset(name.removeprefix("extra.") for name, _ in self.left_out if name.startswith("extra."))


def _first_for_each_field(rows: Iterable[Row]) -> tuple[Row, ...]:
    found: list[Row] = []
    for row in rows:
        if not any(set(row.fields) & set(other.fields) for other in found):
            found.append(row)
    return tuple(found)


@dataclass(frozen=True)
class Tables:
    """All tables, those of the user's own `folder` before those that come with refsync."""

    folder: Path | None = None

    @property
    def kinds(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Kind of work -> column -> what that format calls it: the first is written, all are read."""
        return _kinds(self.folder)

    def table(self, column: str) -> Table:
        """The table of one format."""
        return _table(column, self.folder)

    def kind_of(self, column: str, name: str) -> str | None:
        """The kind that a format calls `name`; of several the first in kinds.yaml."""
        return _kind_of(column, self.folder).get(name)

    @property
    def words(self) -> frozenset[str]:
        """Proper nouns, and terms of several words, that keep their capitals in a title."""
        return _words(self.folder)


# ------------------------------------------------------------------------------------------------------------------
# Files


def table_path(name: str, folder: Path | None = None) -> Path:
    """Where the table `name` ("venues.yaml") lies: in the user's own folder, else in the package, else beside it."""
    if folder is not None and (own := folder / name).is_file():
        return own
    packaged = Path(str(resources.files("refsync"))) / "mappings" / name
    return packaged if packaged.is_file() else Path(__file__).parent.parent / "mappings" / name


@cache
def table_value(name: str, folder: Path | None = None) -> tuple[Any, str]:
    """The value of the table `name`, and what messages call the file. Read once per process."""
    path = table_path(name, folder)
    where = str(path) if folder is not None and path.parent == folder else f"mappings/{name}"
    return documents.parsed(documents.text_of(path, where), where), where


class _KindRow(documents.Struct, forbid_unknown_fields=True):
    kind: str
    csl: str | tuple[str, ...]
    bibtex: str | tuple[str, ...]
    biblatex: str | tuple[str, ...]
    ris: str | tuple[str, ...]
    zotero: str | tuple[str, ...]
    crossref: str | tuple[str, ...] = ()
    openalex: str | tuple[str, ...] = ()


class _RowShape(documents.Struct):
    entry: str | tuple[str, ...]
    converter: str = documents.field(name="as", default="text")
    also: tuple[str, ...] = ()
    when: dict[str, str | tuple[str, ...]] = documents.field(default_factory=dict)


class _LeftOutRow(documents.Struct, forbid_unknown_fields=True):
    entry: str | tuple[str, ...]
    because: str
    when: dict[str, str | tuple[str, ...]] = documents.field(default_factory=dict)


class _TableShape(documents.Struct, forbid_unknown_fields=True):
    name: str
    rows: list[dict[str, Any]]
    left_out: list[_LeftOutRow] = documents.field(name="left out", default_factory=list)
    own: tuple[str, ...] | dict[str, tuple[str, ...]] = ()


@cache
def _kinds(folder: Path | None) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    value, where = table_value("kinds.yaml", folder)
    rows = documents.checked(value, list[_KindRow], where)
    columns = [name for name in documents.field_names(_KindRow) if name != "kind"]
    return {row.kind: {column: _several(getattr(row, column)) for column in columns} for row in rows}


@cache
def _kind_of(column: str, folder: Path | None) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for kind, cells in _kinds(folder).items():
        for name in cells[column]:
            found.setdefault(name, kind)
    return found


@cache
def _words(folder: Path | None) -> frozenset[str]:
    value, where = table_value("words.yaml", folder)
    groups = documents.checked(value, dict[str, list[str]], where)
    return frozenset(word for group in groups.values() for word in group)


@cache
def _table(column: str, folder: Path | None) -> Table:
    value, where = table_value(f"{column}.yaml", folder)
    shape = documents.checked(value, _TableShape, where)
    kinds = tuple(_kinds(folder))
    left_out = []
    for row in shape.left_out:
        at = f"{where}: left out ({row.because})"
        when = _condition(row.when, kinds, at)
        left_out += [(_entry_field(name, at), when) for name in _several(row.entry)]
    rows = tuple(_row(raw, f"{where}: row {n}", column, kinds, left_out) for n, raw in enumerate(shape.rows, 1))
    return Table(
        where=where,
        column=column,
        name=shape.name,
        kinds=kinds,
        rows=rows,
        left_out=tuple(left_out),
        own=_own(shape.own, kinds, where),
    )


def _own(
    given: tuple[str, ...] | Mapping[str, tuple[str, ...]], kinds: tuple[str, ...], where: str
) -> Mapping[str, frozenset[str]]:
    by_kind = given if isinstance(given, Mapping) else {"*": given} if given else {}
    for kind in by_kind:
        if kind not in (*kinds, "*"):
            raise _failure(f"{where}: own", f"`{kind}` is no kind of kinds.yaml", kind, kinds)
    return {kind: frozenset(names) for kind, names in by_kind.items()}


def _row(
    raw: dict[str, Any], at: str, column: str, kinds: tuple[str, ...], left_out: list[tuple[str, Condition]]
) -> Row:
    known = ("entry", column, "also", "as", "when")
    for key in raw:
        if key not in known:
            raise _failure(at, f"unknown key `{key}`", key, known)
    if column not in raw:
        raise _failure(at, f"names no `{column}` field", "", known)
    shape = documents.checked(raw, _RowShape, at)
    entry = tuple(_entry_field(name, at) for name in _several(shape.entry))
    return Row(
        at=f"{at} (`{', '.join(entry)}`)",
        entry=entry,
        fields=_several(documents.checked(raw[column], str | tuple[str, ...], at)),  # type: ignore[arg-type]
        also=tuple(shape.also),
        converter=shape.converter,
        when=_condition(shape.when, kinds, at),
        left_out=tuple(when for name, when in left_out if name == entry[0]),
    )


def _several(cell: str | tuple[str, ...]) -> tuple[str, ...]:
    return (cell,) if isinstance(cell, str) else tuple(cell)


def _entry_field(name: str, at: str) -> str:
    outer, dot, inner = name.partition(".")
    if outer not in _ENTRY or (dot and outer != "venue" and outer not in MAPS):
        raise _failure(at, f"an entry has no field `{name}`", outer, _ENTRY)
    if dot and outer == "venue" and inner not in _VENUE:
        raise _failure(at, f"a venue has no field `{inner}`", inner, _VENUE)
    return name


def _condition(when: Mapping[str, str | tuple[str, ...]], kinds: tuple[str, ...], at: str) -> Condition:
    found = {_entry_field(name, at): frozenset(_several(values)) for name, values in when.items()}
    for kind in found.get("kind", ()):
        if kind not in kinds:
            raise _failure(at, f"`{kind}` is no kind of kinds.yaml", kind, kinds)
    return found


def _failure(at: str, what: str, wrong: str, known: tuple[str, ...]) -> Failure:
    near = get_close_matches(wrong, known, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(known)}."
    return Failure(Problem(where=at, what=f"{what}.", hint=hint))


# ------------------------------------------------------------------------------------------------------------------
# Entry -> fields

Fields = list[tuple[str, Any]]
Values = tuple[Any, ...]


class _Step(NamedTuple):
    """A row, compiled: what it calls the field (or the fields), where its value lies (or how its values are picked)."""

    name: str
    names: tuple[str, ...] | None
    place: int
    pick: Callable[[Values], Values] | None
    converted: Callable[..., Any]


def writer(table: Table, pairs: Mapping[str, Pair]) -> Callable[[Entry], Fields]:
    """A function from an entry to the format's (field, value) pairs, in the order of the rows."""
    plans = {kind: _plan(rows, pairs) for kind, rows in table.written.items()}
    fallback = plans["document"]

    def written(entry: Entry) -> Fields:
        all_values, steps = plans.get(entry.kind, fallback)
        values = all_values(entry)
        found: Fields = []
        for name, names, place, pick, converted in steps:
            if pick is None:
                value = values[place]
                if not value:
                    continue
                out = converted(value)
            else:
                picked = pick(values)
                if not any(picked):
                    continue
                out = converted(*picked)
            if out:
                if names is None:
                    found.append((name, out))
                else:
                    found += [(name, one) for name, one in zip(names, out, strict=True) if one]
        return found

    return written


def _plan(rows: Iterable[Row], pairs: Mapping[str, Pair]) -> tuple[Callable[[Entry], Values], tuple[_Step, ...]]:
    """How a kind of work is written: all its values, and what is made of them."""
    rows = tuple(rows)
    all_values, places = values_of({name: None for row in rows for name in (*row.entry, *row.when)})
    return all_values, tuple(_step(row, places, pairs) for row in rows)


def values_of(names: Iterable[str]) -> tuple[Callable[[Entry], Values], Mapping[str, int]]:
    """A function to all values of an entry that rows speak of, and the place of each: fetched at once, because asking
    for one after the other is most of the time that writing takes."""
    inside: dict[str, list[str]] = {"": ["key", "kind"], "venue": ["name", "kind"], **{outer: [] for outer in MAPS}}
    for name in names:
        outer, dot, inner = name.partition(".")
        parts = inside[outer if dot else ""]
        if (part := inner if dot else name) not in parts:
            parts.append(part)
    order = [f"{outer}.{part}" if outer else part for outer, parts in inside.items() for part in parts]
    of_entry, of_venue = attrgetter(*inside[""]), attrgetter(*inside["venue"])
    no_venue = (None,) * len(inside["venue"])
    ids, links, extra = (inside[outer] for outer in MAPS)
    no_ids, no_links, no_extra = ((None,) * len(one) for one in (ids, links, extra))

    def values(entry: Entry) -> Values:
        venue = entry.venue
        return (
            *of_entry(entry),
            *(no_venue if venue is None else of_venue(venue)),
            *(map(entry.ids.get, ids) if entry.ids else no_ids),
            *(map(entry.links.get, links) if entry.links else no_links),
            *(map(entry.extra.get, extra) if entry.extra else no_extra),
        )

    return values, {name: place for place, name in enumerate(order)}


def _step(row: Row, places: Mapping[str, int], pairs: Mapping[str, Pair]) -> _Step:
    at = tuple(places[name] for name in row.entry)
    pick: Callable[[Values], Values] | None = itemgetter(*at) if len(at) > 1 else None
    if conditions := {places[name]: values for name, values in row.when.items() if name != "kind"}:
        pick = _where(conditions, pick or (lambda values: (values[at[0]],)))
    names = row.fields
    return _Step(names[0], names if len(names) > 1 else None, at[0], pick, pair_of(row, pairs).write)


def pair_of(row: Row, pairs: Mapping[str, Pair]) -> Pair:
    """The functions that a row names. Raises Failure when there are none of that name."""
    if row.converter not in pairs:
        raise _failure(row.at, f"`as: {row.converter}` names no pair of functions", row.converter, tuple(pairs))
    return pairs[row.converter]


def _where(conditions: Mapping[int, frozenset[str]], pick: Callable[[Values], Values]) -> Callable[[Values], Values]:
    return lambda values: pick(values) if all(values[at] in said for at, said in conditions.items()) else ()


def holds(when: Condition, kind: str) -> bool:
    return "kind" not in when or kind in when["kind"]


# ------------------------------------------------------------------------------------------------------------------
# Fields -> entry


Reader = Callable[[str, Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]


def reader(table: Table, pairs: Mapping[str, Pair]) -> Reader:
    """A function from a kind and the format's fields to what they say of an Entry, by its fields, and what no row took.

    Rows that hold for the kind come first; the others then read what is left (an @article with a `booktitle`).
    """
    reads = [(row, pair_of(row, pairs).read) for row in table.rows]
    by_kind = {kind: _steps(reads, kind) for kind in table.kinds}

    def concerned(asked: tuple[str, tuple[str, ...]]) -> tuple[_Reading, ...]:
        steps, of_field = by_kind[asked[0]]
        return tuple(steps[at] for at in sorted({at for name in asked[1] for at in of_field.get(name, ())}))

    # Of the many steps of a table few concern the fields of one entry, and many entries have the same fields.
    plans = Kept(concerned)

    def entry_of(kind: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        rest = dict(given)
        found: dict[str, Any] = {}
        for targets, names, read in plans[kind, tuple(given)]:
            values = [rest.get(name) for name in names]
            if values.count(None) < len(values) and (out := read(*values)) is not None:
                _take(targets, names, out, found, rest)
        return _entry(kind, found), rest

    return entry_of


_Reading = tuple[tuple[str, ...], tuple[str, ...], Callable[..., Any]]


def _steps(reads: Iterable[tuple[Row, Callable[..., Any]]], kind: str) -> tuple[list[_Reading], dict[str, list[int]]]:
    """The steps in which fields of a kind are read, in their order, and which of them concern a field."""
    ordered = sorted(reads, key=lambda one: not holds(one[0].when, kind))
    steps = [
        (row.entry, names, read) for row, read in ordered for names in (row.fields, *((name,) for name in row.also))
    ]
    of_field: dict[str, list[int]] = {}
    for at, (_, names, _) in enumerate(steps):
        for name in names:
            of_field.setdefault(name, []).append(at)
    return steps, of_field


def _take(
    targets: tuple[str, ...], names: tuple[str, ...], out: Any, found: dict[str, Any], rest: dict[str, Any]
) -> None:
    """Moves what a row has read from `rest` to `found`, unless it says other than what is found already."""
    if len(targets) == 1:
        (target,) = targets
        if (out or out is False) and found.setdefault(target, out) != out:
            return
    else:
        stated = [(name, one) for name, one in zip(targets, out, strict=True) if one or one is False]
        if any(found.get(name, one) != one for name, one in stated):
            return
        found.update(stated)
    for name in names:
        rest.pop(name, None)


def _entry(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": kind}
    inner: dict[str, dict[str, str]] = {}
    for name, value in found.items():
        outer, dot, part = name.partition(".")
        if dot:
            inner.setdefault(outer, {})[part] = value
        else:
            plain[name] = value
    if venue := inner.pop("venue", None):
        plain["venue"] = Venue(**{"name": "", **venue})
    for outer, parts in inner.items():
        plain[outer] = {**plain.get(outer, {}), **parts}
    return plain
