"""Knows which facts a work takes from the records that were accepted for it, and who said each.

What a person corrected is never touched. A published record beats a preprint; venue, year, volume and pages come from
one record, never from several; a preprint says nothing against a venue that the list names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from refsync import candidates, identifiers, merging, names, titles
from refsync.candidates import Found
from refsync.model import Date, Entry, Person, Said, Venue

# A DOI that is an ISBN names a book or a volume of proceedings, not a paper in it.
_VOLUME_DOI = re.compile(r"10\.\d{4,9}/97[89][\d-]{10,14}")
# What stands with a venue, and means nothing beside another one.
_PLACED = ("volume", "number", "pages")
_WHOLE_KINDS = frozenset(
    ["book", "thesis", "report", "dataset", "software", "patent", "standard", "presentation", "chapter"]
)
_SCHEMES = frozenset([*identifiers.SCHEMES, "arxiv-class", "isbn"])


def learned(work: Entry, records: Sequence[Found], today: str, *, adds_only: bool = False) -> Entry:
    """`work` with the facts of `records`, which stand in order of trust; each fact remembers who said it.

    Only what differs from the work is a fact. `adds_only`: what the work has already stays as it is.
    """
    best = min(records, key=lambda one: (_is_preprint(one.entry), not _has_place(one.entry)))
    wanted: dict[str, tuple[Any, Found]] = {}
    _take_title(work, best, records, wanted)
    _take_authors(work, records, wanted)
    is_other = _is_other_place(work, best.entry, adds_only)
    placed = [one for one in records if _in_one_place(one.entry, best.entry)]
    _take_place(work, best, records, wanted, is_other=is_other)
    for name in ("editors", "edition") if not is_other else ():
        _take_first(name, [best, *placed], wanted)
    _take_first("abstract", [best, *records], wanted)
    changed: dict[str, Any] = {}
    said = dict(work.said)
    for name, (value, by) in wanted.items():
        if _is_held(work, name, adds_only) or getattr(work, name) == value:
            continue
        changed[name] = value
        said[name] = _said(work, name, by, today)
    if "venue" in changed and work.venue is not None and not adds_only:
        for name in _PLACED:  # of another place by now
            if name not in wanted and merging.is_sourced(work, name):
                changed[name] = None
                del said[name]
    if "authors" in changed:
        by = wanted["authors"][1]
        changed["authors_complete"] = by.entry.authors_complete is not False
    if "title" in changed and titles.comparison(changed["title"]) != titles.comparison(work.title):
        changed["aka"] = tuple(dict.fromkeys((*work.aka, work.title)))
    if "venue" in changed and merging.is_sourced(work, "venue"):
        known = {scheme for one in placed for scheme in one.entry.ids}
        gone = [one for one in _OF_A_PLACE if merging.is_sourced(work, f"ids.{one}") and one not in known]
        work = replace(work, ids={scheme: value for scheme, value in work.ids.items() if scheme not in gone})
        for scheme in gone:
            del said[f"ids.{scheme}"]
    ids, links = _names(work, records, is_other, placed, said, today)
    return replace(work, **changed, ids=ids, links=links, said=said)


def _said(work: Entry, name: str, by: Found, today: str) -> Said:
    """Who says a fact; one that is said again as before keeps its day."""
    old = work.said.get(name)
    return old if old and (old.by, old.via) == (by.by, by.via) else Said(by=by.by, on=today, via=by.via)


def _is_held(work: Entry, name: str, adds_only: bool) -> bool:
    """Whether a field of the work stays as it is: a person set it, or nothing may change."""
    if name in work.said and work.said[name].by == merging.CORRECTIONS:
        return True
    if name == "kind" and ("venue" in work.said and work.said["venue"].by == merging.CORRECTIONS):
        return True
    value = getattr(work, name)
    return adds_only and bool(value) and not (name == "kind" and value == "document")


def _is_preprint(entry: Entry) -> bool:
    return entry.kind == "preprint" or bool(entry.venue and entry.venue.kind == "preprint") or entry.venue is None


def _has_place(entry: Entry) -> bool:
    return bool(entry.venue and entry.venue.kind)


def _take_title(work: Entry, best: Found, known: Sequence[Found], wanted: dict[str, tuple[Any, Found]]) -> None:
    """The title as published, unless the record shouts it; a subtitle that the record keeps apart belongs to it where
    others have it too."""
    others = {titles.comparison(title) for title in (work.title, *work.aka, *(one.entry.title for one in known))}
    whole = [title for title in best.entry.aka if title.startswith(f"{best.entry.title}:")]
    title = next((one for one in whole if titles.comparison(one) in others), best.entry.title)
    form = titles.comparison(title)
    same = [(title, best), *((one.entry.title, one) for one in known if titles.comparison(one.entry.title) == form)]
    plain = next(((text, one) for text, one in same if not _shouts(text)), None)
    is_marked = plain is not None and "<" in plain[0] and titles.comparison(plain[0]) == titles.comparison(work.title)
    if plain is not None and not is_marked:
        wanted["title"] = plain


def _shouts(text: str) -> bool:
    return text.isupper() and len(text.split()) > 2


def _take_authors(work: Entry, known: Sequence[Found], wanted: dict[str, tuple[Any, Found]]) -> None:
    """The first complete list of full names in order of trust, else the first complete one, else the longest."""
    lists = [one for one in known if one.entry.authors]
    if not lists:
        return
    complete = [one for one in lists if one.entry.authors_complete is not False] or lists
    full = [one for one in complete if not _are_initials(one.entry.authors)]
    by = (full or complete)[0]
    if _says_more(work, by.entry):
        return
    initials = Counter((names.surname(one), (one.given or "")[:1]) for one in by.entry.authors)
    fuller = tuple(
        _fullest(one, [other.entry.authors for other in full])
        if initials[names.surname(one), (one.given or "")[:1]] == 1
        else one  # "Wang, Y." twice are two people
        for one in by.entry.authors
    )
    wanted["authors"] = (fuller, by)


def _says_more(work: Entry, record: Entry) -> bool:
    """Whether the work has all the people of a record already, under names at least as full."""
    if len(work.authors) != len(record.authors) or work.authors_complete is False:
        return False
    pairs = zip(work.authors, record.authors, strict=True)
    return all(
        names.surname(ours) == names.surname(theirs) and len(ours.given or "") >= len(theirs.given or "")
        for ours, theirs in pairs
    )


def _are_initials(people: Sequence[Person]) -> bool:
    given = [one.given for one in people if one.given]
    return bool(given) and sum(map(names.are_initials, given)) * 2 > len(given)


def _fullest(person: Person, lists: Sequence[Sequence[Person]]) -> Person:
    """A person under the fullest given name of the same surname and the same first letter in the other lists."""
    if person.literal or not person.given or not names.are_initials(person.given):
        return person
    others = {
        other
        for people in lists
        for other in people
        if names.surname(other) == names.surname(person) and (other.given or "")[:1] == person.given[:1]
    }
    full = {other for other in others if other.given and not names.are_initials(other.given)}
    return full.pop() if len(full) == 1 else person


def _is_other_place(work: Entry, record: Entry, adds_only: bool) -> bool:
    """Whether a venue or a year that stays as it is, because a person set it or nothing may change, is not the record's."""
    if _is_held(work, "venue", adds_only) and work.venue and record.venue and not _are_one(work.venue, record.venue):
        return True
    return _is_held(work, "date", adds_only) and bool(work.year and record.year and work.year != record.year)


def _take_place(
    work: Entry, best: Found, known: Sequence[Found], wanted: dict[str, tuple[Any, Found]], *, is_other: bool
) -> None:
    """Kind, venue, date and pages, all of one record: the best. A preprint says nothing of a work that the list calls
    published, and no record of a place that is another than the one that stays (`is_other`)."""
    record = best.entry
    if is_other:
        return
    stated = work.venue is not None and work.venue.kind != "preprint" and not merging.is_sourced(work, "venue")
    if (
        _is_preprint(record)
        and (stated or work.kind not in {"document", "preprint"})
        and record.kind not in _WHOLE_KINDS
    ):
        if work.date is None and record.date and not stated:
            wanted["date"] = (record.date, best)
        return
    if record.venue is not None and record.venue.kind == "book-series" and _is_conference(work.venue):
        wanted["venue"] = (replace(work.venue, series=record.venue.name), best)
    else:
        if record.venue is not None:
            wanted["venue"] = (_with_known(record.venue, work.venue), best)
        wanted["kind"] = (_kind(record), best)
    if isinstance(record.date, Date) and not _is_series_year(work, record):
        wanted["date"] = (_dated(record.date, work), best)
    for name in _PLACED:
        by = next(
            (one for one in [best, *known] if getattr(one.entry, name) and _in_one_place(one.entry, record)), None
        )
        if by is not None:
            wanted[name] = (getattr(by.entry, name), by)


def _is_conference(venue: Venue | None) -> TypeGuard[Venue]:
    """Whether a venue is a conference or workshop, whose proceedings a book series may print: the series is no venue then."""
    return venue is not None and venue.kind in {"conference", "workshop"}


def _with_known(venue: Venue, before: Venue | None) -> Venue:
    """A venue with what was known of the same one before."""
    if before is None or before.short != venue.short or not venue.short:
        return venue
    return replace(
        venue, series=venue.series or before.series, publisher=venue.publisher or before.publisher,
        place=venue.place or before.place,
    )  # fmt: skip


def _kind(record: Entry) -> str:
    if record.venue is not None and record.venue.kind in {"conference", "workshop", "journal", "preprint"}:
        if record.kind in _WHOLE_KINDS and record.kind != "chapter":
            return record.kind
        return merging.kind_of("paper", record.venue)
    return record.kind


def _dated(date: Date, work: Entry) -> Date:
    """The date of a record, with the month that the list gives for the same year."""
    if date.month is None and isinstance(work.date, Date) and work.date.year == date.year:
        return work.date
    return date


def _is_series_year(work: Entry, record: Entry) -> bool:
    """Whether the year of a record is that of a book series which prints proceedings a year after the conference."""
    if work.year is None or record.year != work.year + 1 or not (work.venue and record.venue):
        return False
    return bool(record.venue.series or record.venue.kind == "book-series") and work.venue.kind == "conference"


def _in_one_place(one: Entry, other: Entry) -> bool:
    if one is other:
        return True
    ours, theirs = (entry.venue.short or entry.venue.name if entry.venue else None for entry in (one, other))
    return ours is not None and ours == theirs and one.year == other.year


def _take_first(name: str, known: Sequence[Found], wanted: dict[str, tuple[Any, Found]]) -> None:
    by = next((one for one in known if getattr(one.entry, name)), None)
    if by is not None:
        wanted[name] = (getattr(by.entry, name), by)


def is_of_volume(scheme: str, value: str) -> bool:
    """Whether an identifier is that of a whole volume: a DOI that is an ISBN, for one that is not a book."""
    return scheme == "doi" and _VOLUME_DOI.fullmatch(value) is not None


# Identifiers of a publication, which mean nothing beside another one of the same work.
_OF_A_PLACE = ("doi", "acl", "isbn")


def _names(
    work: Entry, known: Sequence[Found], is_other: bool, placed: Sequence[Found], said: dict[str, Said], today: str
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Identifiers and the paper's link: what the work has stays, what it lacks is taken."""
    ids, links = dict(work.ids), dict(work.links)
    kinds = {one.entry.kind for one in known}
    for one in known:
        for scheme, value in one.entry.ids.items():
            if scheme not in _SCHEMES or scheme in ids or (scheme == "isbn" and "book" not in kinds):
                continue
            if scheme in _OF_A_PLACE and (is_other or one not in placed):
                continue
            if is_of_volume(scheme, value) and "book" not in kinds:
                continue
            ids[scheme] = value
            said[f"ids.{scheme}"] = _said(work, f"ids.{scheme}", one, today)
        if "paper" in one.entry.links and "paper" not in links:
            links = {"paper": one.entry.links["paper"], **links}
            said["links.paper"] = _said(work, "links.paper", one, today)
    return ids, links


def disagreements(work: Entry, known: Entry) -> tuple[str, ...]:
    """What the list says of a work that the accepted facts contradict, each in words that its maintainer understands."""
    out = []
    if merging.is_sourced(known, "venue") and work.venue and known.venue and not _are_one(work.venue, known.venue):
        ours, theirs = work.venue.short or work.venue.name, known.venue.short or known.venue.name
        by = known.said["venue"].by
        since = f"published since: {theirs} {known.year or ''}".rstrip()
        out.append(f"{since} ({by})" if work.venue.kind == "preprint" else f"the list says {ours}, {by} says {theirs}")
    is_dated = merging.is_sourced(known, "date") and work.year and known.year and "date" not in work.said
    if is_dated and work.year != known.year and not (work.venue and work.venue.kind == "preprint"):
        out.append(f"the list says {work.year}, {known.said['date'].by} says {known.year}")
    if merging.is_sourced(known, "title"):
        ours, theirs = titles.comparison(work.title), titles.comparison(known.title)
        if ours != theirs:
            what = (
                "the title is misspelt"
                if candidates.is_respelt(ours, theirs)
                else "it was published under another title"
            )
            out.append(f"{what}: {known.title!r} ({known.said['title'].by})")
    return tuple(out)


def _are_one(ours: Venue, theirs: Venue) -> bool:
    """Whether a list may call a venue so: one of two joint conferences, a workshop by its conference."""
    if ours.short and theirs.short and ours.short in theirs.short.split("-"):
        return True
    if ours.kind == theirs.kind == "workshop":
        return (ours.short or ours.name).split()[0] in theirs.name.split() or theirs.short is not None
    return bool(ours.short and ours.short == theirs.short) or ours.name == theirs.name
