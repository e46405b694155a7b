"""Knows content negotiation: a DOI of any agency to CSL-JSON, as doi.org passes it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from refsync import identifiers
from refsync.formats import csl
from refsync.mapping import Tables
from refsync.model import Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, crossref, deposited
from refsync.resolvers.answers import fields, listed, word

# The variables of CSL that a work is read from; the agencies add a hundred of their own.
_TEXTS = ("volume", "issue", "page", "publisher-place", "edition", "language", "DOI")
_TITLES = ("container-title", "collection-title", "publisher")


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each DOI."""
    return tuple(Request(path=f"/{quote(one[1], safe='/')}", ids=(one,)) for one in ids)


def by_title(entry: Entry) -> Request | None:
    """None: doi.org is asked by DOI only."""
    return None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The work of a CSL-JSON item, or the works of a list of them."""
    answer = answers.json_of(body)
    items = answer if isinstance(answer, list) else [answer]
    if not items or not all(isinstance(one, dict) and one.keys() & {"title", "type", "DOI"} for one in items):
        raise Unreadable("an answer is no CSL-JSON")
    return answers.works(items, lambda one: entry_of(one, tables))


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of an item, read as CSL after what the agencies spell otherwise is put right."""
    title = deposited.title(_first(item.get("title")))
    if not title:
        return None
    known: dict[str, Any] = {name: text for name in _TEXTS if (text := deposited.text(word(item.get(name))))}
    known |= {name: text for name in _TITLES if (text := deposited.text(_first(item.get(name))))}
    known |= {"type": _type(item, tables), "title": title}
    entry = next(csl.works([("doi", known)], tables, []))
    authors = deposited.people(map(_person, listed(item.get("author"))))
    return replace(
        entry,
        title=title,
        authors=authors,
        authors_complete=True if authors else None,
        editors=deposited.people(map(_person, listed(item.get("editor")))),
        date=crossref.date_of(item),
        venue=entry.venue if entry.venue and entry.venue.name else None,
        pages=deposited.pages(entry.pages),
        abstract=deposited.paragraphs(item.get("abstract")),
        ids={**entry.ids, **(deposited.isbn(_first(item.get("ISBN"))) if entry.kind == "book" else {})},
        links=deposited.paper(fields(fields(item.get("resource")).get("primary")).get("URL")),
        extra={},
    )


def _first(value: Any) -> Any:
    return next(iter(listed(value)), None)


def _type(item: dict[str, Any], tables: Tables) -> str:
    """The type as CSL has it. Crossref sends its own names; DataCite says "article" of whatever it knows no type for."""
    type = word(item.get("type"))
    if tables.kind_of("csl", type) is None:
        return tables.kinds[tables.kind_of("crossref", type) or "document"]["csl"][0]
    named = identifiers.of_doi(word(item.get("DOI"))) or ("", "")
    return "document" if type == "article" and named[0] != "arxiv" else type


def _person(value: Any) -> Person | None:
    stated = fields(value)
    if stated.get("family") or stated.get("given"):
        particle = word(stated.get("non-dropping-particle"))
        family = " ".join(filter(None, (particle, word(stated.get("family")))))
        return deposited.of_parts(family, stated.get("given"), stated.get("suffix"))
    return deposited.group(stated.get("literal") or stated.get("name"))
