"""Knows one sync from beginning to end: read the library, plan, ask, write, read again what is not sure, until they agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from refsync import collecting
from refsync.model import Failure, Problem
from refsync.sync import apply as applying
from refsync.sync.apply import State, Told
from refsync.sync.base import Base, BaseFile, Id, Record
from refsync.sync.changes import Plan
from refsync.sync.desired import ROOT, Desired
from refsync.sync.desktop import DESKTOP, without_file
from refsync.sync.journal import Journal, Run
from refsync.sync.mirror import Mirror
from refsync.sync.places import Place
from refsync.sync.plan import plan
from refsync.sync.seen import Seen, client_key, is_gone, plain
from refsync.sync.settling import settled
from refsync.sync.undo import undone
from refsync.sync.zotero import Library, Rewound

_ROUNDS = 12
_MOST_REMOVED, _FROM = 0.3, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What is asked of a sync: to write nothing, to bring back what a person removed, the name of a person's own collection
    that is to be the root; `is_sure` and `is_forced` answer what would be asked."""

    dry_run: bool = False
    restore: bool = False
    root: str | None = None
    is_sure: bool = False
    is_forced: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a sync did, or would do: its number (None: nothing was written), the changes, how many of each, the requests,
    what the library refused, what was therefore left out, and the library afterwards."""

    place: Place
    plan: Plan
    seen: Seen
    run: int | None = None
    refused: Mapping[Id, str] = field(default_factory=dict)
    left_out: Mapping[Id, str] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    seconds: float = 0.0
    fileless: int = 0  # items of the list that have no file
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Where a sync keeps what it knows: the base, the mirror, the journal; and what it is called in the journal."""

    base: Path
    mirror: Path
    journal: Path
    folder: str = ""
    when: str = ""


def sync(
    desired: Desired,
    place: Place,
    library: Library,
    files: Files,
    wishes: Wishes,
    *,
    confirm: Callable[[Plan], bool] = lambda plan: False,
    told: Told = lambda *_: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Makes the library agree with a catalog.

    `confirm` is asked before the first write into a library that is not empty, unless `wishes.is_sure`. Raises Failure
    (exit 4) where it says no, where too much would be removed, and (exit 1) where the server cannot be reached in the end.
    """
    start = time.monotonic()
    owner = place.owner(desired.catalog)
    lock = nullcontext() if wishes.dry_run else locked(files.base)
    file = BaseFile(files.base, owner)
    with lock, collecting.paused(), Journal(files.journal) as journal:
        loaded = file.load()
        mirror = Mirror(files.mirror, f"{owner.server}\n{owner.library}")
        told("reading the library", 0, 0)
        library.look_for(desired, loaded)
        seen, base, notes = looked(library, mirror.load(), loaded)
        adopt = _root(wishes.root, desired.catalog, seen, base)
        first = plan(desired, seen, base, restore=wishes.restore, adopt=adopt)
        if wishes.dry_run:
            return _report(place, first, seen, library, start, notes=notes)
        mirror.save(seen)
        _check(first, seen, base, wishes, confirm)

        def planned(state: State) -> Plan:
            return plan(desired, state.seen, state.base, restore=wishes.restore, adopt=adopt, skip=state.refused)

        if not first.is_empty:
            journal.begin(folder=files.folder, spec=place.spec, when=files.when, owner=owner, base=files.base)
        state = _brought(first, planned, State(seen=seen, base=base), library, file, mirror, journal, told, sleep)
        _fold(file, state, loaded)
        report = _report(place, _with_later(first, state), state.seen, library, start, notes=notes)
        items = [one.key for (what, _), one in state.base.records.items() if what == "item"]
        fileless = without_file(state.seen, items) if place.kind == DESKTOP else 0
        left_out = _left_out(desired, state) if state.refused else {}
        return replace(report, run=journal.number, refused=state.refused, left_out=left_out, fileless=fileless)


def undo(
    run: Run,
    place: Place,
    library: Library,
    files: Files,
    catalog: str,
    *,
    dry_run: bool = False,
    told: Told = lambda *_: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Takes a run back, where nobody has touched what it did. Raises Failure as `sync` does, and (exit 4) where the library
    is not the one that the run has written to: keys are the same in every library."""
    start = time.monotonic()
    if (run.server, run.library) != (place.server, place.path):
        what = f"wrote to {run.library} of {run.server}, not to {place.path} of {place.server}. Nothing was written."
        hint = "Name that server with ZOTERO_API_URL, and its key."
        if place.kind == DESKTOP:
            hint = "Start Zotero with the profile that it wrote to."
        raise Failure(Problem(where=f"run {run.number}", what=what, hint=hint), code=4)
    owner = place.owner(catalog)
    lock = nullcontext() if dry_run else locked(files.base)
    file = BaseFile(files.base, owner)
    with lock, Journal(files.journal) as journal:
        loaded = file.load()
        mirror = Mirror(files.mirror, f"{owner.server}\n{owner.library}")
        seen, base, notes = looked(library, mirror.load(), loaded)
        base = settled(base, seen)
        later = journal.later(run)
        first = undone(run.deeds, seen, base, later=later)
        if dry_run:
            return _report(place, first, seen, library, start, notes=notes)

        def planned(state: State) -> Plan:
            state.base = settled(state.base, state.seen)
            return undone(run.deeds, state.seen, state.base, skip=state.refused, later=later)

        state = _brought(first, planned, State(seen=seen, base=base), library, file, mirror, journal, told, sleep)
        _fold(file, state, loaded)
        if first.is_whole and not state.refused:  # else what is left can be taken back yet
            journal.mark_undone(run.number)
        report = _report(place, first, state.seen, library, start, notes=notes)
        return replace(report, refused=state.refused)


def _brought(
    todo: Plan,
    planned: Callable[[State], Plan],
    state: State,
    library: Library,
    file: BaseFile,
    mirror: Mirror,
    journal: Journal,
    told: Told,
    sleep: Callable[[float], None],
) -> State:
    """Carries a plan out and plans again, until nothing is left: what was not sure is read before anything is sent again."""
    for round in range(_ROUNDS):
        state.base = _with(state.base, todo.records)
        if todo.is_empty:
            return state
        state.is_stale = False
        try:
            applying.apply(todo, library, state, file, journal, told)
        finally:
            mirror.save(state.seen)
        if state.is_stale:
            sleep(min(0.05 * 2**round, 10.0) if round else 0.0)
            state.seen = library.seen(mirror.load())
        todo = planned(state)
        state.told += [change for change in todo.changes if change.sign == "!"]
    what = f"could not be brought to agree: {state.why or 'it changes all the time'}."
    raise Failure(Problem(where=library.transport.server, what=what, hint="What was written is kept. Run it again."))


def _with_later(first: Plan, state: State) -> Plan:
    """The first plan, with what was found in somebody's way while it was carried out: that is told only once."""
    shown = {(one.what, one.key, one.why) for one in first.changes if one.sign == "!"}
    later = {(one.what, one.key, one.why): one for one in state.told}
    new = tuple(one for named, one in later.items() if named not in shown)
    counts = {**first.counts, "conflict": first.counts["conflict"] + len(new)}
    return replace(first, changes=(*first.changes, *new), counts=counts) if new else first


def _fold(file: BaseFile, state: State, loaded: Base) -> None:
    base = replace(state.base, version=state.seen.version, pending={}, removing=frozenset())
    if base.records != loaded.records or loaded.pending or loaded.removing or not file.path.exists():
        file.fold(base)


def _left_out(desired: Desired, state: State) -> dict[Id, str]:
    """What was not written because a collection was refused: those in it, and items that stand in no other."""
    closed = {id for what, id in state.refused if what == "collection"} - {
        id for (what, id), record in state.base.records.items() if what == "collection" and record.gone is None
    }
    out: dict[Id, str] = {}
    for shelf in desired.shelves:  # parents first
        if shelf.parent in closed and shelf.id not in closed and ("collection", shelf.id) not in state.base.records:
            closed.add(shelf.id)
            out["collection", shelf.id] = "not written: the collection above it was refused"
    written = {id for (what, id), record in state.base.records.items() if what == "item" and record.gone is None}
    for item in desired.items:
        id: Id = ("item", item.entry.key)
        if closed.issuperset(item.shelves) and not written.intersection(item.keys) and id not in state.refused:
            out[id] = "not written: its collection was refused"
    return out


def looked(library: Library, before: Seen | None, base: Base) -> tuple[Seen, Base, tuple[str, ...]]:
    """(the library now, what the base then is worth, what is said of it). A library that is older than it was is another
    one: nothing is known of who wrote what."""
    try:
        seen = library.seen(before)
    except Rewound:
        seen = library.seen(None)
    if seen.version < base.version:
        note = (
            "the library is older than at the last sync (another one, or a copy): nothing is changed in it, only added"
        )
        return seen, Base(owner=base.owner), (note,)
    return seen, base, ()


def _root(name: str | None, catalog: str, seen: Seen, base: Base) -> str | None:
    """The key of a person's own collection of that name at the top, where settings name it and nothing is known yet.

    Raises Failure (exit 4) where several have that name: which is meant is not known."""
    if name is None or ("collection", ROOT) in base.records:
        return None
    found = [
        key
        for key, data in seen.collections.items()
        if plain(data.get("name")) == plain(name) and not data.get("parentCollection") and not is_gone(data)
    ]
    if client_key(catalog, "collection", ROOT) in found:  # it is refsync's own, of a run of which nothing is known here
        return None
    if len(found) > 1:
        what = f"`zotero.collection`: {len(found)} collections at the top are called {name!r}. Nothing was written."
        hint = "Rename all but one of them in Zotero, or name another."
        raise Failure(Problem(where="refsync.yaml", what=what, hint=hint), code=4)
    return found[0] if found else None


def _check(first: Plan, seen: Seen, base: Base, wishes: Wishes, confirm: Callable[[Plan], bool]) -> None:
    """Refuses what is not safe without a word of the person's."""
    items = sum(what == "item" for what, _ in base.records)
    if items >= _FROM and first.removed > _MOST_REMOVED * items and not wishes.is_forced:
        what = f"{first.removed} of {items} items would leave their collections. Nothing was written."
        raise Failure(Problem(where="sync", what=what, hint="If that is meant, pass --force."), code=4)
    if first.is_empty or base.records or base.pending or seen.is_empty or wishes.is_sure or wishes.is_forced:
        return
    if not confirm(first):
        count = sum(not is_gone(data) for data in seen.items.values())
        what = (
            f"the library is not empty ({count} items), and refsync has not written to it before. Nothing was written."
        )
        hint = "Look at `refsync sync --dry-run`; then say --yes."
        raise Failure(Problem(where="sync", what=what, hint=hint), code=4)


def _with(base: Base, records: Mapping[Id, Record | None]) -> Base:
    """The base with what a plan knows without writing."""
    merged = {**base.records, **records}
    return replace(
        base, records={id: one for id, one in merged.items() if one is not None}, pending={}, removing=frozenset()
    )


def _report(
    place: Place, first: Plan, seen: Seen, library: Library, start: float, notes: tuple[str, ...] = ()
) -> Report:
    changes = tuple(
        replace(one, zotero_key=library.key_there(one.zotero_key), why=library.told(one.why)) for one in first.changes
    )
    return Report(
        place=place,
        plan=replace(first, changes=changes),
        seen=seen,
        reads=library.transport.reads,
        writes=library.transport.writes,
        seconds=time.monotonic() - start,
        notes=notes,
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps a second refsync on this machine out of the same base until the first has ended. Raises Failure when that takes
    more than a minute."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=60)
    try:
        lock.acquire()
    except Timeout:
        what = "another refsync is syncing this library."
        raise Failure(Problem(where=str(path), what=what, hint="Wait until it has ended.")) from None
    try:
        yield
    finally:
        lock.release()
