"""Knows which entries of a catalog are wanted: those that papers cite, those under a topic."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches

from refsync.model import Catalog, Failure, Problem

EVERYTHING = "*"  # the key that stands for every entry: \\nocite{*}, `@*`


def cited(catalog: Catalog, keys: Collection[str]) -> Catalog:
    """The catalog with only the entries whose key or alias is among `keys`; all of them where `*` is."""
    if EVERYTHING in keys:
        return catalog
    kept = tuple(entry for entry in catalog.entries if not {entry.key, *entry.aliases}.isdisjoint(keys))
    return replace(catalog, entries=kept)


def missing(catalog: Catalog, keys: Collection[str]) -> dict[str, str | None]:
    """The cited keys that no entry has, each with the key that is nearest to it."""
    known = catalog.by_key
    folded = {key.casefold(): key for key in known}
    out: dict[str, str | None] = {}
    for key in keys:
        if key in known or key == EVERYTHING:
            continue
        near = folded.get(key.casefold()) or next(iter(get_close_matches(key, known, n=1, cutoff=0.6)), None)
        out[key] = near
    return out


def under(catalog: Catalog, topic: str) -> Catalog:
    """The catalog with only the entries under `topic`: a path ("Models > RNNs"), the end of one, or an id.

    Raises Failure (exit 2) when no topic is called so.
    """
    wanted = tuple(part.strip().casefold() for part in topic.split(">"))
    folded = [(one, tuple(part.casefold() for part in one.path)) for one in catalog.topics]
    heads = {path for one, path in folded if path[-len(wanted) :] == wanted or one.id == topic.strip()}
    # A heading that has no entry of its own still stands above those that have.
    heads |= {
        path[:depth] for _, path in folded for depth in range(1, len(path)) if path[:depth][-len(wanted) :] == wanted
    }
    if not heads:
        names = {" > ".join(one.path) for one in catalog.topics} | {one.path[-1] for one in catalog.topics if one.path}
        near = get_close_matches(topic, names, n=1, cutoff=0.5)
        hint = (
            f"Did you mean {near[0]!r}?" if near else "Name a heading of the list, or a path such as 'Models > RNNs'."
        )
        raise Failure(Problem(where="--topic", what=f"no topic is called {topic!r}.", hint=hint), code=2)
    ids = {one.id for one, path in folded if any(path[: len(head)] == head for head in heads)}
    kept = tuple(entry for entry in catalog.entries if ids & set(entry.topics))
    return replace(catalog, entries=kept)
