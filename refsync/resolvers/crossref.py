"""Knows Crossref: DOIs and titles to works as publishers deposited them (REST API, api.crossref.org)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from refsync import identifiers
from refsync.mapping import Tables
from refsync.model import Date, Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, deposited
from refsync.resolvers.answers import fields, listed, word

_BATCH = 20
# A list answers 400 for a field that it does not know; `language` and `institution` are none of these.
_SELECT = ",".join(
    [
        "DOI", "type", "title", "subtitle", "author", "editor", "container-title", "publisher", "publisher-location",
        "volume", "issue", "page", "issued", "published", "published-print", "published-online", "ISBN", "abstract",
        "event", "assertion", "resource",
    ]
)  # fmt: skip
# What may stand in the value of a filter, in which a comma begins the next filter.
_FILTERED = re.compile(r"10\.\d{4,9}/[\w.()/-]+", re.ASCII)


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each twenty DOIs, and one for each that cannot stand in a filter."""
    plain = {one: None for one in ids if _FILTERED.fullmatch(one[1])}
    together = (
        Request(
            path="/works",
            params=(
                ("filter", ",".join(f"doi:{value}" for _, value in batch)),
                ("rows", str(len(batch))),
                ("select", _SELECT),
            ),
            ids=batch,
        )
        for batch in answers.batches(list(plain), _BATCH)
    )
    alone = (Request(path=f"/works/{quote(one[1], safe='')}", ids=(one,)) for one in ids if one not in plain)
    return (*together, *alone)


def by_title(entry: Entry) -> Request | None:
    """The five works that resemble title, first author and year the most; their order is a guess and no more."""
    title = deposited.text(entry.title)
    if not any(map(str.isalnum, title)):
        return None
    author = entry.authors[0].family or entry.authors[0].literal or "" if entry.authors else ""
    asked = " ".join(filter(None, [title, author, str(entry.year or "")]))
    return Request(path="/works", params=(("query.bibliographic", asked), ("rows", "5"), ("select", _SELECT)))


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a message of one work or of a list."""
    answer = fields(answers.json_of(body))
    message = fields(answer.get("message"))
    if answer.get("message-type") == "work":
        return answers.works([message], lambda one: entry_of(one, tables))
    if answer.get("message-type") == "work-list" and isinstance(message.get("items"), list):
        return answers.works(message["items"], lambda one: entry_of(one, tables))
    raise Unreadable("an answer is no message of works")


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a message; None for one without title, such as an issue of a journal."""
    title = next(filter(None, map(deposited.title, listed(item.get("title")))), "")
    if not title:
        return None
    kind = _kind(item, tables)
    authors = deposited.people(map(_person, listed(item.get("author"))))
    containers = [one for one in map(deposited.text, listed(item.get("container-title"))) if one]
    # Of two the first is the series, the last the proceedings or book itself.
    series = containers[0] if len(containers) > 1 else ""
    publisher = deposited.text(item.get("publisher"))
    if kind == "preprint":
        servers = [deposited.text(fields(one).get("name")) for one in listed(item.get("institution"))]
        publisher = next(filter(None, servers), publisher)
    isbn = deposited.isbn(next(iter(listed(item.get("ISBN"))), None)) if kind == "book" else {}
    doi = identifiers.of_doi(word(item.get("DOI")))
    return Entry(
        kind=kind,
        title=title,
        aka=_with_subtitle(title, item),
        authors=authors,
        authors_complete=True if authors else None,
        editors=deposited.people(map(_person, listed(item.get("editor")))),
        date=date_of(item),
        venue=deposited.venue(
            kind,
            containers[-1] if containers else "",
            publisher,
            series,
            deposited.text(item.get("publisher-location")),
        ),
        volume=deposited.text(item.get("volume")) or None,
        number=deposited.text(item.get("issue")) or None,
        pages=deposited.pages(item.get("page")),
        abstract=deposited.paragraphs(item.get("abstract")),
        language=word(item.get("language")) or None,
        ids=dict([doi] if doi else []) | isbn,
        links=deposited.paper(fields(fields(item.get("resource")).get("primary")).get("URL")),
    )


def _kind(item: dict[str, Any], tables: Tables) -> str:
    kind = tables.kind_of("crossref", word(item.get("type"))) or "document"
    if kind != "chapter":
        return kind
    # Springer deposits the papers of its proceedings as chapters, with the conference as an assertion.
    groups = (fields(fields(one).get("group")).get("name") for one in listed(item.get("assertion")))
    of_conference = bool(fields(item.get("event")).get("name")) or "ConferenceInfo" in groups
    return "conference-paper" if of_conference else kind


def _with_subtitle(title: str, item: dict[str, Any]) -> tuple[str, ...]:
    """The title with its subtitle, which is deposited apart ("NiagaraCQ"), where there is one."""
    first = next(filter(None, map(deposited.text, listed(item.get("subtitle")))), "")
    return (f"{title}: {first}",) if first and first.casefold() not in title.casefold() else ()


def _person(value: Any) -> Person | None:
    stated = fields(value)
    if stated.get("family") or stated.get("given"):
        return deposited.of_parts(stated.get("family"), stated.get("given"), stated.get("suffix"))
    return deposited.group(stated.get("name"))


def date_of(item: dict[str, Any]) -> Date | None:
    """The day of the printed work, which is the year that it is cited by, else that of the first one online."""
    for name in ("published-print", "published-online", "issued", "published"):
        parts = fields(item.get(name)).get("date-parts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list) and (found := answers.date(*parts[0][:3])):
            return found
    return None
