"""Knows the titles that libraries give volumes of proceedings, and which venue of the table each is a volume of.

"Advances in Neural Information Processing Systems 35: Annual Conference ..., NeurIPS 2022, New Orleans, LA, USA" names
its conference thrice, with its number, its year and its town. A volume of workshops, companions or demonstrations is none
of the conference beside which it appeared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from refsync.model import Venue
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
