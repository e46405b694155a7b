"""Knows the titles that libraries give volumes of proceedings, and which venue of the table each is a volume of.

"Advances in Neural Information Processing Systems 35: Annual Conference ..., NeurIPS 2022, New Orleans, LA, USA" names
its conference thrice, with its number, its year and its town. A volume of workshops, companions or demonstrations is none
of the conference beside which it appeared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from refsync.model import Entry, Venue
from refsync.venues import Venues

_BESIDE = re.compile(
    r"\b(?:workshops?|companion|adjunct|findings|demonstrations?|demo track|tutorials?|doctoral|student research|"
    r"extended abstracts|late.breaking|satellite|posters?)\b",
    re.IGNORECASE,
)
_WORKSHOP = re.compile(r"\bworkshops?\b", re.IGNORECASE)
_UNITS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_TENS = "twenty|thirty|fourty|forty|fifty|sixty|seventy|eighty|ninety"
_TEENS = "tenth|eleventh|twelfth|twelveth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth"
_ORDINAL = rf"(?:\d+(?:st|nd|rd|th)|(?:(?:{_TENS})[- ])?(?:{_UNITS})|{_TEENS}|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)ieth)"
_OPENING = re.compile(
    rf"^(?:proceedings\s+(?:of\s+)?|proc\.?\s+(?:of\s+)?|in\s+|the\s+|annual\s+|{_ORDINAL}\s+|(?:19|20)\d\d\s+)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:\s+(?:19|20)\d\d|\s+'\d\d|\s+\d{1,3}|\s*\((?:volume|long|short|main)[^()]*\))+$", re.IGNORECASE
)
# How OpenReview calls what a conference accepted.
_TALK = re.compile(r"(?<=\d\d\d\d) (?:poster|oral|spotlight|notable[- ]top[- ]\d+%|regular)$", re.IGNORECASE)
_ACRONYM = re.compile(r"^([A-Z][A-Za-z]*[A-Z][A-Za-z]*)(?:\s+(?:19|20)\d\d|\s*['’]\d\d)$")


# A book is a volume of proceedings where its title says so: "Low-Power Computer Vision" may be a workshop's name too.
_VOLUME = re.compile(
    r"\b(?:(?:19|20)\d\d|conference|symposium|workshops?|proceedings|congress|meeting|colloquium)\b", re.I
)
_NOT_YET = re.compile(
    r"^(?:submitted|submission|under (?:double.blind )?review|in (?:review|preparation|submission)|manuscript|unpublished|"
    r"work in progress|working paper)\b",
    re.IGNORECASE,
)
_PREPRINT = re.compile(r"^(?:an? )?(?:e-?prints?|pre-?prints?)(?:\s+(?:at|on|in|from))?[\s:,]*(.*)$", re.IGNORECASE)
_ARXIV = re.compile(r"^(?:arxiv\b|corr\b\s*(?:abs|$))", re.IGNORECASE)
_SOON = re.compile(
    r"^(?:to appear|accepted(?: for publication)?|in press|forthcoming)(?:\s+(?:at|in|to|by|for))?[\s:,]*",
    re.IGNORECASE,
)


def placed(record: Entry, table: Venues) -> Entry:
    """A record with its venue as the table knows it, so that it can be compared; without one where it only hopes for one."""
    venue = record.venue
    if venue is None:
        is_arxiv = record.kind == "preprint" and "arxiv" in record.ids
        return replace(record, venue=table.venue("arXiv")) if is_arxiv else record
    if _NOT_YET.match(venue.name):
        return replace(record, venue=None, kind="preprint")
    if _ARXIV.match(venue.name):
        return replace(record, venue=table.venue("arXiv"))
    if found := _PREPRINT.match(venue.name):
        where = venue_of(Venue(name=found[1]), table) if found[1] else None
        return replace(record, kind="preprint", venue=replace(where, kind="preprint") if where else None)
    if (name := _SOON.sub("", venue.name)) != venue.name:
        venue = replace(venue, name=name) if name else None
    if venue is None or (record.kind in {"book", "chapter"} and not _VOLUME.search(venue.name)):
        return replace(record, venue=venue)
    return replace(record, venue=venue_of(venue, table))


def venue_of(venue: Venue, table: Venues) -> Venue:
    """The venue that a record names, as the table knows it: its own series, publisher and place stay.

    As it is where the table does not know it; a workshop is known by its name.
    """
    short = next((found for text in (venue.name, venue.short) if text and (found := short_of(text, table))), None)
    if short is None:
        return replace(venue, kind="workshop") if venue.kind is None and _WORKSHOP.search(venue.name) else venue
    own = {name: value for name in ("series", "publisher", "place") if (value := getattr(venue, name))}
    return replace(table.venue(short), **own)


def short_of(title: str, table: Venues) -> str | None:
    """The short name of the venue that a title of proceedings is a volume of, None for one that the table lacks."""
    title = _TALK.sub("", title)
    if short := table.short(title):
        return short
    if _BESIDE.search(title):
        return None
    return next((short for part in _parts(title) if (short := table.short(part))), None)


def _parts(title: str) -> Iterator[str]:
    """What in a title may name the venue, the surest first."""
    pieces = [piece.strip() for piece in re.split(r"[,:]| - | – ", title) if piece.strip()]
    for piece in pieces:
        if found := _ACRONYM.match(piece):
            yield found[1]
    for piece in (title, *pieces[:2]):
        plain = _CLOSING.sub("", _OPENING.sub("", piece))
        yield plain
        if plain.isalpha():
            yield plain.upper()
    if found := re.search(r"\(([A-Z][\w/&-]{1,15})(?:\s*['’]?\d{2,4})?\)\s*$", title):
        yield found[1]
        yield _CLOSING.sub("", _OPENING.sub("", title[: found.start()].strip()))
