"""Knows Semantic Scholar: identifiers of any scheme, and titles, to works (Academic Graph API)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from refsync import identifiers
from refsync.mapping import Tables
from refsync.model import Date, Entry, Venue
from refsync.resolvers import Id, Request, Unreadable, answers, arxiv, deposited
from refsync.resolvers.answers import fields, listed, word

_BATCH = 500
_FIELDS = (
    "title,authors,year,venue,publicationVenue,journal,externalIds,publicationDate,publicationTypes,abstract,url,"
    "openAccessPdf"
)
_ARXIV = re.compile(r"arxiv(?:\.org|\s*\(.*\))?|corr", re.IGNORECASE)


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each five hundred identifiers; the answer is in their order."""
    asked = [(one, name) for one in ids if (name := _name(one))]
    return tuple(
        Request(
            path="/graph/v1/paper/batch",
            params=(("fields", _FIELDS),),
            body={"ids": [name for _, name in batch]},
            ids=tuple(one for one, _ in batch),
        )
        for batch in answers.batches(asked, _BATCH)
    )


def _name(one: Id) -> str | None:
    """What Semantic Scholar calls an identifier. A DOI of arXiv it does not know: the id itself is asked for."""
    scheme, value = one
    if scheme == "doi":
        scheme, value = identifiers.of_doi(value) or one
    if scheme == "arxiv":
        known = arxiv.identified(value)
        return f"ARXIV:{known}" if known else None
    if scheme == "openreview":
        return f"URL:https://openreview.net/forum?id={value}"
    return {"doi": f"DOI:{value}", "acl": f"ACL:{value}", "s2": value}.get(scheme)


def by_title(entry: Entry) -> Request | None:
    """The one work whose title resembles the most; the answer is sparse, its `s2` finds the rest."""
    title = deposited.text(entry.title)
    if not any(map(str.isalnum, title)):
        return None
    return Request(path="/graph/v1/paper/search/match", params=(("query", title), ("fields", _FIELDS)))


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a batch (None for what is not known), of a search or of one paper."""
    answer = answers.json_of(body)
    if isinstance(answer, dict) and "paperId" in answer:
        answer = [answer]
    elif isinstance(answer, dict) and ("data" in answer or "total" in answer):
        answer = answer.get("data", [])
    if not isinstance(answer, list):
        raise Unreadable("an answer is no list of papers")
    return answers.works(answer, lambda one: entry_of(one, tables))


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a paper; None for null. Names are display strings, often initials."""
    title = deposited.title(fields(item).get("title"))
    if not title:
        return None
    ids = _ids(item)
    journal = fields(item.get("journal"))
    name = deposited.text(item.get("venue")) or deposited.text(journal.get("name"))
    is_arxiv = _ARXIV.fullmatch(name) is not None or (not name and "arxiv" in ids and "doi" not in ids)
    # In the journal of a preprint stands its arXiv id: "abs/2505.12081".
    volume = "" if is_arxiv else deposited.text(journal.get("volume"))
    authors = deposited.people(deposited.person(fields(one).get("name")) for one in listed(item.get("authors")))
    return Entry(
        kind="preprint" if is_arxiv else _kind(item, tables),
        title=title,
        authors=authors,
        authors_complete=True if authors else None,
        date=_date(item),
        venue=Venue(name=name) if name else None,
        volume=volume or None,
        pages=None if is_arxiv else deposited.pages(journal.get("pages")),
        abstract=deposited.paragraphs(item.get("abstract")),
        ids=ids,
        links=deposited.paper(fields(item.get("openAccessPdf")).get("url")),
    )


def _ids(item: dict[str, Any]) -> dict[str, str]:
    given = fields(item.get("externalIds"))
    found = dict(filter(None, [identifiers.of_doi(word(given.get("DOI")))]))
    if known := arxiv.identified(word(given.get("ArXiv"))):
        found["arxiv"] = known
    if anthology := identifiers.of_url(f"https://aclanthology.org/{word(given.get('ACL'))}"):
        found["acl"] = anthology[1]
    if re.fullmatch(r"[0-9a-f]{40}", word(item.get("paperId"))):
        found["s2"] = item["paperId"].strip()
    return found


def _kind(item: dict[str, Any], tables: Tables) -> str:
    """The venue says more than the types, which call every preprint a JournalArticle."""
    venue = fields(item.get("publicationVenue")).get("type")
    types = [word(one) for one in listed(item.get("publicationTypes"))]
    if venue == "conference" or (venue != "journal" and "Conference" in types):
        return "conference-paper"
    if venue == "journal" or (fields(item.get("journal")).get("name") and "JournalArticle" in types):
        return "article"
    spelt = (re.sub(r"(?<=[a-z])(?=[A-Z])", "-", one).lower() for one in types if one != "JournalArticle")
    return next(filter(None, (tables.kind_of("crossref", one) for one in spelt)), "document")


def _date(item: dict[str, Any]) -> Date | None:
    """The year, with month and day where the date is of that year; the first of January stands for no day at all."""
    year, day = answers.date(item.get("year")), answers.date_of_iso(item.get("publicationDate"))
    if day is None or (day.month, day.day) == (1, 1) or (year and year.year != day.year):
        return year or (Date(year=day.year) if day else None)
    return day
