"""Knows content negotiation: a DOI of any agency to CSL-JSON, as doi.org passes it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from refsync.formats import csl
from refsync.mapping import Tables
from refsync.model import Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, deposited
from refsync.resolvers.answers import fields, listed, word

# The variables of CSL that a work is read from; the agencies add a hundred of their own.
_TEXTS = ("volume", "issue", "page", "publisher-place", "edition", "language", "DOI")
_DATES = ("published-print", "published-online", "issued", "published")


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
    type = word(item.get("type"))
    if tables.kind_of("csl", type) is None:
        # Crossref sends its own names of types.
        kind = tables.kind_of("crossref", type) or "document"
        type = tables.kinds[kind]["csl"][0]
    known: dict[str, Any] = {name: text for name in _TEXTS if (text := deposited.text(word(item.get(name))))}
    known |= {
        name: text
        for name in ("container-title", "collection-title", "publisher")
        if (text := deposited.text(_first(item.get(name))))
    }
    known |= {role: people for role in ("author", "editor") if (people := _names(item.get(role)))}
    if dated := next((item[name] for name in _DATES if _is_date(item.get(name))), None):
        known["issued"] = {"date-parts": fields(dated)["date-parts"]}
    entry = next(csl.works([("doi", {"type": type, "title": title, **known})], tables, []))
    isbn = word(_first(item.get("ISBN"))) if entry.kind == "book" else ""
    return replace(
        entry,
        title=title,
        pages=deposited.pages(entry.pages),
        authors_complete=True if entry.authors else None,
        abstract=deposited.paragraphs(item.get("abstract")),
        ids={**entry.ids, **({"isbn": isbn} if isbn else {})},
        links=deposited.paper(fields(fields(item.get("resource")).get("primary")).get("URL")),
        extra={},
    )


def _first(value: Any) -> Any:
    return next(iter(listed(value)), None)


def _is_date(value: Any) -> bool:
    parts = fields(value).get("date-parts")
    return (
        isinstance(parts, list)
        and bool(parts)
        and isinstance(parts[0], list)
        and answers.date(*parts[0][:1] or [None]) is not None
    )


_PARTS = {
    "family": "family",
    "given": "given",
    "particle": "non-dropping-particle",
    "suffix": "suffix",
    "literal": "literal",
}


def _names(value: Any) -> list[dict[str, str]]:
    people = deposited.people(map(_person, listed(value)))
    return [{name: part for field, name in _PARTS.items() if (part := getattr(one, field))} for one in people]


def _person(value: Any) -> Person | None:
    stated: Mapping[str, Any] = fields(value)
    if stated.get("family") or stated.get("given"):
        particle = word(stated.get("non-dropping-particle"))
        family = " ".join(filter(None, (particle, word(stated.get("family")))))
        return deposited.of_parts(family, stated.get("given"), stated.get("suffix"))
    return deposited.group(stated.get("literal") or stated.get("name"))
