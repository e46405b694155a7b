"""Knows DBLP: titles to works of computer science (search API, dblp.org).

It answers programs with the page of a bot check at times: that is Unreadable, never "not found".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from refsync import identifiers, titles
from refsync.mapping import Tables
from refsync.model import Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, deposited
from refsync.resolvers.answers import fields, listed, word

# DBLP's own types; "Books and Theses" are told apart by the key.
_KINDS = {
    "Journal Articles": "article",
    "Conference and Workshop Papers": "conference-paper",
    "Parts in Books or Collections": "chapter",
    "Books and Theses": "book",
    "Editorship": "book",
    "Data and Artifacts": "dataset",
}


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """None: DBLP is asked by title only."""
    return ()


def by_title(entry: Entry) -> Request | None:
    """The works that hold every word of the title; marks would be operators of the search."""
    words = " ".join(titles.words(entry.title))
    params = (("q", words), ("format", "json"), ("h", "30"), ("f", "0"))
    return Request(path="/search/publ/api", params=params) if words else None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of the hits; a paper and its preprint are two of them."""
    hits = fields(fields(fields(answers.json_of(body)).get("result")).get("hits"))
    if not hits:
        raise Unreadable("an answer is no result of a search")
    return answers.works(listed(hits.get("hit")), lambda one: entry_of(one, tables))


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a hit."""
    info = fields(item.get("info"))
    title = _title(info.get("title"))
    if not title:
        return None
    key = word(info.get("key"))
    venue = next(filter(None, map(deposited.text, listed(info.get("venue")))), "")
    is_preprint = venue == "CoRR" or key.startswith("journals/corr/")
    kind = "preprint" if is_preprint else _kind(word(info.get("type")), key)
    addresses = [deposited.unescaped(word(one)) for one in listed(info.get("ee"))]
    authors = deposited.people(map(_person, listed(fields(info.get("authors")).get("author"))))
    return Entry(
        kind=kind,
        title=title,
        authors=() if info.get("type") == "Editorship" else authors,
        authors_complete=True if authors and info.get("type") != "Editorship" else None,
        editors=authors if info.get("type") == "Editorship" else (),
        date=answers.date(info.get("year")),
        venue=deposited.venue(kind, venue, deposited.text(info.get("publisher"))),
        volume=None if is_preprint else deposited.text(info.get("volume")) or None,
        number=deposited.text(info.get("number")) or None,
        pages=deposited.pages(info.get("pages")),
        ids=_ids(info, addresses, is_preprint),
        links=next(filter(None, map(deposited.paper, addresses)), {}),
    )


def _title(value: Any) -> str:
    """The title without the full stop that DBLP ends every title with."""
    title = deposited.title(value)
    return title.removesuffix(".") if not title.endswith("..") else title


def _kind(type: str, key: str) -> str:
    if key.startswith("phd/"):
        return "thesis"
    return _KINDS.get(type, "document")


def _person(value: Any) -> Person | None:
    return deposited.person(fields(value).get("text") if isinstance(value, dict) else value)


def _ids(info: dict[str, Any], addresses: list[str], is_preprint: bool) -> dict[str, str]:
    """The DOI, what the addresses name, and for a preprint the arXiv id that its volume holds."""
    doi = deposited.unescaped(word(info.get("doi")))
    named = [identifiers.of_doi(doi), *map(identifiers.of_url, addresses)]
    if is_preprint and (number := re.fullmatch(r"abs/(\S+)", word(info.get("volume")))):
        named.append(identifiers.of_url(f"https://arxiv.org/abs/{number[1]}"))
    found: dict[str, str] = {}
    for one in filter(None, named):
        found.setdefault(*one)
    return found
