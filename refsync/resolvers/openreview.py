"""Knows OpenReview: forum ids to submissions, and which of them were published (API 2, and the shape of API 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from refsync.mapping import Tables
from refsync.model import Date, Entry, Venue
from refsync.resolvers import Id, Request, Unreadable, answers, deposited
from refsync.resolvers.answers import fields, listed, word

_UNPUBLISHED = re.compile(r"\b(?:submitted|submission|withdrawn|rejected|under review|blind)\b", re.IGNORECASE)
_UNPUBLISHED_ID = re.compile(r"/(?:\w*_)?(?:Submission|Withdrawn|Rejected)\w*", re.IGNORECASE)


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each forum."""
    known = (one for one in ids if re.fullmatch(r"[\w-]{6,}", one[1]))
    return tuple(Request(path="/notes", params=(("id", one[1]),), ids=(one,)) for one in known)


def by_title(entry: Entry) -> Request | None:
    """None: OpenReview is asked by forum only."""
    return None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of the notes of an answer."""
    notes = fields(answers.json_of(body)).get("notes")
    if not isinstance(notes, list):
        raise Unreadable("an answer holds no notes")
    return answers.works(notes, lambda one: entry_of(one, tables))


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a note. A venue that a paper was only submitted to is none."""
    content = {name: _value(value) for name, value in fields(item.get("content")).items()}
    title = deposited.title(content.get("title"))
    if not title:
        return None
    venue, place = deposited.text(content.get("venue")), word(content.get("venueid"))
    if _UNPUBLISHED.search(venue) or _UNPUBLISHED_ID.search(place):
        venue = ""
    year = re.search(r"\b(?:19|20)\d\d\b", venue)
    authors = deposited.people(map(deposited.person, listed(content.get("authors"))))
    forum = word(item.get("forum")) or word(item.get("id"))
    address = word(content.get("pdf"))
    return Entry(
        kind=_kind(venue, place),
        title=title,
        authors=authors,
        authors_complete=True if authors else None,
        date=Date(year=int(year[0])) if year else _date(item, bool(venue)),
        venue=Venue(name=venue) if venue else None,
        abstract=deposited.paragraphs(content.get("abstract")),
        ids={"openreview": forum} if re.fullmatch(r"[\w-]{6,}", forum) else {},
        links=deposited.paper(urljoin("https://openreview.net/", address)) if address else {},
    )


def _value(value: Any) -> Any:
    """A field of a note: API 2 wraps each in an object."""
    return value.get("value") if isinstance(value, dict) else value


def _kind(venue: str, place: str) -> str:
    if not venue:
        return "preprint"
    if re.search(r"workshop", f"{venue} {place}", re.IGNORECASE):
        return "workshop-paper"
    return (
        "article"
        if re.match(r"(?:TMLR|DMLR|JMLR)\b|.*\bTransactions\b|.*\bJournal\b", place or venue)
        else "conference-paper"
    )


def _date(item: dict[str, Any], is_published: bool) -> Date | None:
    """The year in which a note was published, else, of what was not, the one in which it was written."""
    at = item.get("pdate") or (None if is_published else item.get("cdate"))
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at < 4e12:
        return None
    return Date(year=datetime.fromtimestamp(at / 1000, UTC).year)
