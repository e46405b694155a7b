"""Knows OpenAlex: DOIs and titles to works (api.openalex.org)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from refsync import identifiers, titles
from refsync.mapping import Tables
from refsync.model import Date, Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, deposited
from refsync.resolvers.answers import fields, listed, word

_BATCH = 100
_SHOWN = 100  # authors; a list of works cuts longer lists of authors there
_SELECT = (
    "id,doi,title,display_name,publication_year,publication_date,language,type,authorships,primary_location,locations,"
    "biblio,abstract_inverted_index"
)


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each hundred DOIs, and one for each that cannot stand in a filter."""
    plain = {one: None for one in ids if not re.search(r"[,|!\"\s]", one[1])}
    together = (
        Request(
            path="/works",
            params=(
                ("filter", "doi:" + "|".join(value for _, value in batch)),
                ("per_page", str(_BATCH)),
                ("select", _SELECT),
            ),
            ids=batch,
        )
        for batch in answers.batches(list(plain), _BATCH)
    )
    alone = (Request(path=f"/works/doi:{quote(one[1], safe='/')}", ids=(one,)) for one in ids if one not in plain)
    return (*together, *alone)


def by_title(entry: Entry) -> Request | None:
    """The five works that resemble the title the most: its words only, as marks would be operators of the search."""
    words = " ".join(titles.words(entry.title))
    return Request(path="/works", params=(("search", words), ("per_page", "5"), ("select", _SELECT))) if words else None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a page of results, or the one work of an answer."""
    answer = fields(answers.json_of(body))
    if isinstance(answer.get("results"), list):
        return answers.works(answer["results"], lambda one: entry_of(one, tables))
    if "openalex.org/W" in word(answer.get("id")):
        return answers.works([answer], lambda one: entry_of(one, tables))
    raise Unreadable("an answer holds no works")


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a record. Names are those of the paper: the profile's may be another person's."""
    title = deposited.title(item.get("title")) or deposited.title(item.get("display_name"))
    if not title:
        return None
    place = fields(item.get("primary_location"))
    source = fields(place.get("source"))
    authorships = listed(item.get("authorships"))
    is_cut = item.get("is_authors_truncated") is True or len(authorships) >= _SHOWN
    biblio = fields(item.get("biblio"))
    kind = _kind(item, place, tables)
    pages = "-".join(filter(None, (word(biblio.get(name)) for name in ("first_page", "last_page"))))
    publisher = "" if source.get("type") == "repository" else deposited.text(source.get("host_organization_name"))
    authors = deposited.people(map(_person, authorships))
    return Entry(
        kind=kind,
        title=title,
        authors=authors,
        authors_complete=not is_cut if authors else None,
        date=_date(item),
        venue=deposited.venue(kind, deposited.text(source.get("display_name")), publisher),
        volume=deposited.text(biblio.get("volume")) or None,
        number=deposited.text(biblio.get("issue")) or None,
        pages=deposited.pages(pages),
        abstract=_abstract(item.get("abstract_inverted_index")),
        language=word(item.get("language")) or None,
        ids=_ids(item, place),
        links=deposited.paper(place.get("landing_page_url")),
    )


def _kind(item: dict[str, Any], place: dict[str, Any], tables: Tables) -> str:
    """The kind by the type of the work; `article` is also what papers of conferences are called."""
    kind = tables.kind_of("openalex", word(item.get("type"))) or "document"
    if kind != "article":
        return kind
    if fields(place.get("source")).get("type") == "conference":
        return "conference-paper"
    return tables.kind_of("crossref", word(place.get("raw_type"))) or (
        kind if fields(place.get("source")).get("type") == "journal" else "document"
    )


def _person(authorship: Any) -> Person | None:
    stated = fields(authorship)
    return deposited.person(stated.get("raw_author_name")) or deposited.person(
        fields(stated.get("author")).get("display_name")
    )


def _date(item: dict[str, Any]) -> Date | None:
    """The day of publication; the first of January is what OpenAlex makes of a year."""
    year, day = answers.date(item.get("publication_year")), answers.date_of_iso(item.get("publication_date"))
    if day is None or (day.month, day.day) == (1, 1) or (year and year.year != day.year):
        return year or (Date(year=day.year) if day else None)
    return day


def _ids(item: dict[str, Any], place: dict[str, Any]) -> dict[str, str]:
    """The DOI, what the first location names, and the one arXiv id of the others; two of them would be two works."""
    found = dict(filter(None, [identifiers.of_doi(word(item.get("doi")))]))
    for scheme, value in _named([place]):
        found.setdefault(scheme, value)
    preprints = {value for scheme, value in _named(listed(item.get("locations"))) if scheme == "arxiv"}
    if len(preprints) == 1:
        found.setdefault("arxiv", preprints.pop())
    return found


def _named(places: Iterable[Any]) -> Iterable[Id]:
    for place in places:
        for name in ("landing_page_url", "pdf_url"):
            if (found := identifiers.of_url(word(fields(place).get(name)))) and found[0] != "doi":
                yield found


def _abstract(index: Any) -> str | None:
    """The text of an index of word -> positions."""
    placed = {at: text for text, places in fields(index).items() for at in listed(places) if isinstance(at, int)}
    return deposited.paragraphs(" ".join(placed[at] for at in sorted(placed)))
