"""Knows what two catalogs are together: the sides of a conflicted merge, and every key and fact of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from refsync import keys, matching, titles
from refsync.model import Catalog, Entry, Failure, Problem

_START, _BASE, _MIDDLE, _END = "<<<<<<<", "|||||||", "=======", ">>>>>>>"


def sides(text: str, where: str) -> tuple[str, str]:
    """Both sides of a text with conflict markers; the common ancestor of a diff3 merge is dropped."""
    ours: list[str] = []
    theirs: list[str] = []
    state = "both"
    for number, line in enumerate(text.split("\n"), 1):
        mark = line[:7] if len(line) == 7 or line[7:8] == " " else ""
        if mark == _START and state == "both":
            state = "ours"
        elif mark == _BASE and state == "ours":
            state = "base"
        elif mark == _MIDDLE and state in {"ours", "base"}:
            state = "theirs"
        elif mark == _END and state == "theirs":
            state = "both"
        elif mark in {_START, _END} or (mark == _BASE and state != "both"):
            what = f"a conflict marker stands out of place ({mark})."
            raise Failure(Problem(where=f"{where}:{number}", what=what, hint="Finish the merge by hand."))
        else:
            if state in {"both", "ours"}:
                ours.append(line)
            if state in {"both", "theirs"}:
                theirs.append(line)
    if state != "both":
        raise Failure(Problem(where=where, what="a conflict has no end (>>>>>>>).", hint="Finish the merge by hand."))
    return "\n".join(ours), "\n".join(theirs)


def joined(ours: Catalog, theirs: Catalog, where: str) -> tuple[Catalog, tuple[Problem, ...]]:
    """Both catalogs as one: every key and every fact of either; where they contradict each other, ours stands."""
    problems: list[Problem] = []
    entries = {entry.key: entry for entry in ours.entries}
    taken = {key.casefold(): entry for entry in ours.entries for key in (entry.key, *entry.aliases)}
    for entry in theirs.entries:
        mine = next((taken[key.casefold()] for key in (entry.key, *entry.aliases) if key.casefold() in taken), None)
        if mine is None:
            entries[entry.key] = entry
            taken |= {key.casefold(): entry for key in (entry.key, *entry.aliases)}
            continue
        mine = entries[mine.key]
        if not _one_work(mine, entry, matching.similarity):
            key = keys.unique(entry.key, taken)
            what = f"both sides of the merge use {entry.key!r}, for {mine.title!r} and {entry.title!r}: the second is now {key!r}."
            problems.append(Problem(where=where, what=what, hint="Cite it by that key.", check="merge"))
            entries[key] = replace(
                entry, key=key, aliases=tuple(one for one in entry.aliases if one.casefold() not in taken)
            )
            taken[key.casefold()] = entries[key]
            continue
        both = _facts(mine, entry)
        entries[mine.key] = both
        taken |= {key.casefold(): both for key in (both.key, *both.aliases)}
    both_topics = {topic.id: topic for topic in (*theirs.topics, *ours.topics)}
    order = dict.fromkeys([topic.id for topic in ours.topics] + [topic.id for topic in theirs.topics])
    retired = {key: one for key, one in {**theirs.retired, **ours.retired}.items() if key.casefold() not in taken}
    return (
        Catalog(
            id=ours.id,
            title=ours.title,
            topics=tuple(both_topics[one] for one in order),
            entries=tuple(entries[key] for key in sorted(entries)),
            retired=dict(sorted(retired.items())),
        ),
        tuple(problems),
    )


def _one_work(first: Entry, second: Entry, similarity: Any) -> bool:
    """Whether two entries with one key are one work: an identifier in common, or titles that are alike."""
    if any(second.ids.get(scheme) == value for scheme, value in first.ids.items()):
        return True
    ours = {titles.comparison(one) for one in (first.title, *first.aka)}
    theirs = {titles.comparison(one) for one in (second.title, *second.aka)}
    return bool(ours & theirs) or max(similarity(a, b) for a in ours for b in theirs) >= 80


def _facts(ours: Entry, theirs: Entry) -> Entry:
    """Our entry with what only theirs knows."""
    changed: dict[str, Any] = {}
    for name in (one.name for one in fields(Entry)):
        mine, other = getattr(ours, name), getattr(theirs, name)
        if isinstance(mine, Mapping):
            changed[name] = {**other, **mine}
        elif name in {"aliases", "aka", "topics", "tags", "groups"}:
            changed[name] = tuple(dict.fromkeys((*mine, *other)))
        elif name in {"authors", "editors"}:
            changed[name] = mine if len(mine) >= len(other) else other
        elif name not in {"key", "kind", "origin"}:
            changed[name] = mine if mine not in (None, "", False) else other
    if theirs.key != ours.key:
        changed["aliases"] = tuple(dict.fromkeys((*changed["aliases"], theirs.key)))
    changed["aliases"] = tuple(alias for alias in changed["aliases"] if alias != ours.key)
    if ours.kind == "document":
        changed["kind"] = theirs.kind
    return replace(ours, **changed)
