"""Knows how far a run came that ended in the middle: an answer that never came is settled by what the library holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from refsync.sync.base import UNDONE, Base, Record
from refsync.sync.items import is_same
from refsync.sync.seen import Data, Seen, plain


def settled(base: Base, seen: Seen) -> Base:
    """The base after a run that ended in the middle: what was sent counts as written as far as the library has it."""
    records = dict(base.records)
    for id, sent in base.pending.items():
        store: Mapping[str, Data] = seen.collections if sent.what == "collection" else seen.items
        data = store.get(sent.key)
        if data is None:
            continue  # it never arrived, or is gone again
        old = records.get(id)
        records[id] = sent if old is None or old.key != sent.key else _between(old, sent, data)
    for id in base.removing:  # gone by refsync's own hand
        if id in records and records[id].key not in seen.collections:
            del records[id]
    return replace(base, records=records, pending={}, removing=frozenset())


def _between(old: Record, sent: Record, data: Data) -> Record:
    """The record of an object, `data` in the library, that was `old` and that `sent` may have replaced."""
    fields = {}
    for name in dict.fromkeys((*old.fields, *sent.fields)):
        value = (sent if is_same(name, data.get(name), sent.fields.get(name)) else old).fields.get(name)
        if value is not None:
            fields[name] = value
    lists = sent if _has_arrived(old, sent, data) else old
    return replace(sent, fields=fields, tags=lists.tags, collections=lists.collections)


def _has_arrived(old: Record, sent: Record, data: Data) -> bool:
    """Whether any part of what was sent is there. Then all of it was, and what is not there a person has taken away since."""
    if sent.gone == UNDONE and data.get("deleted"):
        return True
    for name in dict.fromkeys((*old.fields, *sent.fields)):
        before, after = old.fields.get(name), sent.fields.get(name)
        if not is_same(name, before, after) and is_same(name, data.get(name), after):
            return True
    tags = {plain(one.get("tag")) for one in data.get("tags") or ()}
    return _shows(old.tags, sent.tags, tags) or _shows(
        old.collections, sent.collections, set(data.get("collections") or ())
    )


def _shows(old: Any, sent: Any, there: set[str]) -> bool:
    """Whether of a list, something that was added is there, or something that was taken away is not."""
    return bool((set(sent) - set(old)) & there or (set(old) - set(sent)) - there)
