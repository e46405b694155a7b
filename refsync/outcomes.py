"""Knows what became of a work that was asked for: its state, and the line of corrections.yaml that settles what is open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from refsync import facts, lint, names, titles
from refsync.candidates import Found
from refsync.identifiers import SCHEMES
from refsync.model import Catalog, Entry, Problem
from refsync.resolvers import Id
from refsync.resolvers.asking import OFFLINE
from refsync.resolvers.searching import Search

State = Literal["resolved", "ambiguous", "conflict", "not found", "blocked", "no identifier"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one work: its state, why, the line of corrections.yaml that settles it ("" when nothing is open), and
    the work before and after. `is_dead`: no source knows an identifier that the list gives."""

    state: State
    before: Entry
    after: Entry
    why: str = ""
    line: str = ""
    is_new: bool = True
    is_dead: bool = False


def outcome(work: Entry, search: Search, at: int, today: str, *, adds_only: bool) -> Outcome:
    choice = search.choices[at]
    if choice.accepted:
        after = facts.learned(work, choice.accepted, today, adds_only=adds_only)
        return Outcome(state="resolved", before=work, after=after)
    if choice.asked:
        lines = "\n".join(_line(work, one) for one in choice.asked)
        state: State = "conflict" if choice.is_conflict else "ambiguous"
        return Outcome(state=state, before=work, after=work, why=choice.why, line=lines)
    line = f"{work.key}: {{authors: [...]}}" if _names_of(work) else f"{work.key}: {{ids: {{doi: ...}}}}"

    def left(state: State, why: str, *, is_dead: bool = False) -> Outcome:
        return Outcome(state=state, before=work, after=work, why=why, line=line, is_dead=is_dead)

    if why := search.unanswered[at]:
        if all(reason == OFFLINE for reason in why.values()) and not _names_of(work):
            return left("no identifier", "not asked by title: offline")
        return left("blocked", "; ".join(f"{name}: {reason}" for name, reason in why.items()))
    if search.is_stopped and not search.found[at]:
        return replace(left("blocked", "stopped before it was asked"), line="")
    if gone := sorted(f"{scheme} {value}" for scheme, value in search.missing[at]):
        return left("not found", f"no source knows {', '.join(gone)}", is_dead=True)
    if asked := search.searched[at]:
        return left("not found", f"{asked} has no work with this title; --source NAME asks another service")
    return left("not found", "no source has a work with this title")


def _names_of(work: Entry) -> bool:
    return any(scheme in SCHEMES for scheme in work.ids)


def _line(work: Entry, one: Found) -> str:
    """The line of corrections.yaml that says that a record is the work."""
    record = one.entry
    via, _, value = one.via.partition(":")
    if one.is_identified and work.ids.get(via) == value:  # to say it by hand is to say that it is right
        return f'{work.key}: {{ids: {{{via}: "{value}"}}}}{_comment(one)}'
    scheme = next((scheme for scheme in SCHEMES if scheme in record.ids and scheme not in work.ids), None)
    scheme = scheme or next((scheme for scheme in SCHEMES if scheme in record.ids), None)
    given = f'ids: {{{scheme}: "{record.ids[scheme]}"}}' if scheme else _facts(record)
    return f"{work.key}: {{{given}}}{_comment(one)}"


def _comment(one: Found) -> str:
    """What a record is, after a line that would accept it."""
    venue, year = one.entry.venue, one.entry.year
    place = ", ".join(str(part) for part in (venue.short or venue.name if venue else "", year or "") if part)
    return f"  # {one.entry.title}" + (f" ({place})" if place else "") + f", says {one.by}"


def _facts(record: Entry) -> str:
    """What a record without identifier says, as a correction: once a person has given it, nothing needs to be looked up."""
    given = {
        "title": _quoted(record.title),
        "authors": f"[{', '.join(_quoted(names.inverted(one)) for one in record.authors)}]" if record.authors else "",
        "date": str(record.year or ""),
        "venue": _quoted(record.venue.short or record.venue.name) if record.venue else "",
    }
    return ", ".join(f"{name}: {value}" for name, value in given.items() if value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def without_twins(
    outcomes: Sequence[Outcome],
    catalog: Catalog,
    accepted: Sequence[Sequence[Found]] = (),
    different: Collection[frozenset[str]] = (),
) -> list[Outcome]:
    """An identifier that another work has is a question, never a fact: one of the two is in the list twice, or was taken
    for the other. The work that had it before keeps it; where both have learned it, neither does. `accepted` are the
    records of each outcome: of one without identifier only one work can be, too. `different` are pairs of keys that a
    person keeps apart: then the record is the other one's."""
    stated: dict[Id, str] = {}
    for entry in catalog.entries:
        for pair in entry.ids.items():
            if pair[0] in SCHEMES:
                stated.setdefault(pair, entry.key)
    first = [_questioned(one, {pair: [key] for pair, key in stated.items()}, different) for one in outcomes]
    learners: dict[Id, list[str]] = {}
    for one in first:
        for pair in _learned_ids(one):
            learners.setdefault(pair, []).append(one.before.key)
    second = [_questioned(one, learners, different) for one in first]
    takers: dict[str, list[str]] = {}
    for one, records in zip(second, accepted, strict=False):
        for record in {repr(found.entry) for found in records if not _names_of(found.entry)}:
            takers.setdefault(record, []).append(one.before.key)
    rivals = {key: next(one for one in keys if one != key) for keys in takers.values() if len(keys) > 1 for key in keys}
    rivals |= _rivals_of_before(second, catalog)
    return [_shared(one, rivals[one.before.key], different) if one.before.key in rivals else one for one in second]


def _rivals_of_before(outcomes: Sequence[Outcome], catalog: Catalog) -> dict[str, str]:
    """Works that would be told as another work of the catalog was in an earlier run: key -> the other's key."""
    asked = {one.before.key for one in outcomes}
    told = {_told(entry): entry.key for entry in catalog.entries if entry.key not in asked and not _names_of(entry)}
    return {
        one.before.key: told[_told(one.after)]
        for one in outcomes
        if one.after != one.before and not _names_of(one.after) and one.after.authors and _told(one.after) in told
    }


def _told(entry: Entry) -> tuple[object, ...]:
    return titles.comparison(entry.title), entry.authors, entry.year, entry.venue


def _kept_apart(one: Outcome, other: str, different: Collection[frozenset[str]]) -> Outcome | None:
    """The outcome where a person has said that the two are different works: the record is then the other one's."""
    if frozenset((one.before.key, other)) not in different:
        return None
    why = f"what was found is {other}, which you keep apart"
    line = f"{one.before.key}: {{authors: [...]}}"
    return Outcome(state="not found", before=one.before, after=one.before, why=why, line=line)


def _shared(one: Outcome, other: str, different: Collection[frozenset[str]]) -> Outcome:
    """The outcome as a question, where a record without identifier was found for another work too."""
    if apart := _kept_apart(one, other, different):
        return apart
    line = f"same: [[{other}, {one.before.key}]]   # or different: [[{other}, {one.before.key}]]"
    why = f"{other} would take the same record"
    return Outcome(state="ambiguous", before=one.before, after=one.before, why=why, line=line)


def _learned_ids(one: Outcome) -> list[Id]:
    return [pair for pair in one.after.ids.items() if pair[0] in SCHEMES and one.before.ids.get(pair[0]) != pair[1]]


def _questioned(one: Outcome, holders: Mapping[Id, Sequence[str]], different: Collection[frozenset[str]]) -> Outcome:
    """The outcome as a question, where another work holds an identifier that this one has learned."""
    twins = ((pair, key) for pair in _learned_ids(one) for key in holders.get(pair, ()) if key != one.before.key)
    twin = next(twins, None)
    if twin is None:
        return one
    (scheme, value), other = twin
    if apart := _kept_apart(one, other, different):
        return apart
    why = f"it would get {scheme} {value}, which {other} has too"
    line = f"same: [[{other}, {one.before.key}]]   # or different: [[{other}, {one.before.key}]]"
    return Outcome(state="ambiguous", before=one.before, after=one.before, why=why, line=line)


def of_the_list(claims: Sequence[Problem], outcomes: Sequence[Outcome]) -> tuple[Problem, ...]:
    """What the list itself gets wrong, for its maintainer: wrong venues and years, misspelt titles, works published since,
    links that lead to another work or nowhere."""
    out = list(claims)
    for one in outcomes:
        hint = "Mend the link or the title." if one.state == "conflict" else "Mend the link." if one.is_dead else ""
        if hint:
            what = f"{one.before.title!r}: {one.why}."
            out.append(Problem(where=lint.where(one.before), what=what, hint=hint, check="list"))
    return tuple(sorted(out, key=lint.place))


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is new of one field of a work, and who says it; `old` is None or empty for what was not there."""

    name: str
    old: object
    new: object
    by: str


def changes(before: Entry, after: Entry) -> tuple[Change, ...]:
    """What a work has learned, field by field, in the order of the catalog."""
    out: list[Change] = []
    for name in Entry.__dataclass_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if name in {"said", "key", "aliases", "aka", "topics", "origin", "authors_complete"} or old == new:
            continue
        pairs = (
            [(f"{name}.{one}", None, new[one]) for one in sorted(set(new) - set(old))]
            if isinstance(new, Mapping)
            else [(name, old, new)]
        )
        for field_name, was, now in pairs:
            by = after.said.get(field_name, after.said.get("venue" if name == "kind" else name))
            out.append(Change(name=field_name, old=was, new=now, by=by.by if by else ""))
    return tuple(out)
