"""Carries a plan out, batch by batch, and survives anything: after each answer the base and the journal say what was done,
and what nobody knows is read again before anything is sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from refsync.sync.base import Base, BaseFile, Id, Record
from refsync.sync.changes import Change, Plan, Removal, Write
from refsync.sync.journal import Deed, Journal
from refsync.sync.seen import Data, Seen, within
from refsync.sync.zotero import WRITTEN, Answer, Library, Moved, Unsure

_LARGEST = 1_000_000  # bytes of one request
_AGAIN = frozenset({404, 409, 412, 428})  # faults that reading again and planning again mend

Told = Callable[[str, int, int], None]  # hears what is done, how much of it, and of how much


@dataclass(slots=True)
class State:
    """What is known while a plan is carried out: the library, the base; what the library refused for good, and why;
    `is_stale` when the library must be read again before the next write, `why` when it did not answer; `told` is what
    stays as it is, found while the plan was carried out."""

    seen: Seen
    base: Base
    refused: dict[Id, str] = field(default_factory=dict)
    is_stale: bool = False
    why: str = ""
    told: list[Change] = field(default_factory=list)


def apply(plan: Plan, library: Library, state: State, file: BaseFile, journal: Journal, told: Told) -> None:
    """Sends the writes of a plan in their order, until all are sent or the library has to be read again."""
    batches = list(_batches(plan.writes))
    total = len(plan.writes) + len(plan.removals)
    done, refused = 0, len(state.refused)
    for batch in batches:
        told("writing", done, total)
        _write(batch, library, state, file, journal)
        done += len(batch)
        if state.is_stale:
            return
    if len(state.refused) > refused:
        return  # what was refused may stand in what was to be removed
    for start in range(0, len(plan.removals), WRITTEN):
        told("removing", done, total)
        _remove(plan.removals[start : start + WRITTEN], library, state, file, journal)
        if state.is_stale:
            return


def _batches(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Writes in requests: collections, items and attachments apart, at most fifty and a megabyte in each."""
    batch: list[Write] = []
    size = 0
    for one in writes:
        length = len(json.dumps(one.data))
        if batch and (one.what != batch[0].what or len(batch) == WRITTEN or size + length > _LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch


def _write(batch: list[Write], library: Library, state: State, file: BaseFile, journal: Journal) -> None:
    ids: list[Id] = [(one.what, one.id) for one in batch]
    # What is known of objects that are there already: after a sudden end it tells what of a write has arrived.
    known = [
        state.base.records[id] for id, one in zip(ids, batch, strict=True) if one.version and id in state.base.records
    ]
    if known:
        file.commit(known, state.seen.version)
    file.intend(one.record for one in batch)
    state.base = replace(
        state.base, pending={**state.base.pending, **{id: one.record for id, one in zip(ids, batch, strict=True)}}
    )
    journal.note(_deed(one, state.base.records.get(id)) for id, one in zip(ids, batch, strict=True))
    objects = [{**one.data, "key": one.key, "version": one.version} for one in batch]
    what = "collections" if batch[0].what == "collection" else "items"
    try:
        answer = library.write(what, objects, state.seen.version)
    except Moved as error:
        state.is_stale, state.why = True, str(error)
        _forgive(ids, state, file)
        return
    except Unsure as error:
        state.is_stale, state.why = True, str(error)
        return
    _learn(batch, ids, what, answer, state, file)


def _learn(batch: list[Write], ids: list[Id], what: str, answer: Answer, state: State, file: BaseFile) -> None:
    """What an answer says of each object, in the base and of the library."""
    done = [at for at in range(len(batch)) if at in answer.written or at in answer.unchanged]
    file.commit((batch[at].record for at in done), answer.version)
    records = {**state.base.records, **{ids[at]: batch[at].record for at in done}}
    pending = {id: one for id, one in state.base.pending.items() if id not in ids}
    state.base = replace(state.base, records=records, pending=pending)
    failed = [at for at in range(len(batch)) if at not in done]
    file.drop(ids[at] for at in failed)
    for at in failed:
        fault = answer.failed.get(at)
        if fault is None or fault.code in _AGAIN:
            state.is_stale, state.why = True, fault.message if fault else "an object is missing in the answer"
        else:
            state.refused[ids[at]] = f"{fault.message} ({fault.code})"
    if not answer.is_alone:
        state.is_stale = True
        return
    objects: Mapping[str, Data] = getattr(state.seen, what)
    fresh = {data["key"]: data for data in answer.written.values()}
    state.seen = replace(state.seen, version=answer.version, **{what: {**objects, **fresh}})


def _remove(removals: Sequence[Removal], library: Library, state: State, file: BaseFile, journal: Journal) -> None:
    journal.note(
        Deed(how="removed", what="collection", id=one.id, key=one.key, before=dict(one.data), record=state.base.records.get(("collection", one.id)))
        for one in removals
    )  # fmt: skip
    keys = [one.key for one in removals]
    ids: list[Id] = [("collection", one.id) for one in removals]
    file.intend_removal(ids)
    try:
        version = library.delete_collections(keys, state.seen.version)
    except (Moved, Unsure) as error:
        state.is_stale, state.why = True, str(error)
        return
    file.forget(ids)
    records = {id: one for id, one in state.base.records.items() if id not in ids}
    state.base = replace(state.base, records=records)
    collections = {key: data for key, data in state.seen.collections.items() if key not in keys}
    state.is_stale = version - state.seen.version not in {1, len(keys)}
    if not state.is_stale:
        items = within(state.seen.items, collections)
        state.seen = replace(state.seen, version=version, collections=collections, items=items)


def _forgive(ids: list[Id], state: State, file: BaseFile) -> None:
    """Nothing of a batch was written."""
    file.drop(ids)
    state.base = replace(state.base, pending={id: one for id, one in state.base.pending.items() if id not in ids})


def _deed(write: Write, record: Record | None) -> Deed:
    how = "made" if write.version == 0 else "changed"
    return Deed(
        how=how,
        what=write.what,
        id=write.id,
        key=write.key,
        sent=dict(write.data),
        before=write.before,
        record=record,
    )
