"""Knows DataCite: DOIs, those of arXiv's preprints among them, to works (REST API, api.datacite.org)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from refsync import identifiers
from refsync.mapping import Tables
from refsync.model import Date, Entry, Person
from refsync.resolvers import Id, Request, Unreadable, answers, arxiv, deposited
from refsync.resolvers.answers import fields, listed, word

_BATCH = 50


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each fifty DOIs."""
    asked = [(one, value) for one in ids if (value := _doi(one))]
    return tuple(
        Request(
            path="/dois",
            params=(
                ("query", "doi:(" + " OR ".join(f'"{value}"' for _, value in batch) + ")"),
                ("page[size]", str(_BATCH)),
            ),
            ids=tuple(one for one, _ in batch),
        )
        for batch in answers.batches(asked, _BATCH)
    )


def _doi(one: Id) -> str | None:
    """The DOI of an identifier; None for one that would end the quotation it stands in."""
    scheme, value = one
    if scheme == "arxiv":
        known = arxiv.identified(value)
        return f"10.48550/arxiv.{known}" if known else None
    return None if re.search(r"[\"\\\s]", value) else value


def by_title(entry: Entry) -> Request | None:
    """None: DataCite is asked by DOI only."""
    return None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a list or of one record, in JSON:API or bare."""
    answer = fields(answers.json_of(body))
    data = answer.get("data")
    if isinstance(data, list):
        return answers.works(data, lambda one: entry_of(one, tables))
    if isinstance(data, dict) or "titles" in answer:
        return answers.works([data or answer], lambda one: entry_of(one, tables))
    raise Unreadable("an answer holds no records")


def entry_of(item: Any, tables: Tables) -> Entry | None:
    """The work of a record, with or without the envelope of JSON:API."""
    said = fields(item.get("attributes")) or item
    titles = [one for one in map(fields, listed(said.get("titles"))) if not one.get("titleType")]
    title = next(filter(None, (deposited.title(one.get("title")) for one in titles)), "")
    if not title:
        return None
    kind = _kind(fields(said.get("types")), tables)
    container = fields(said.get("container"))
    publisher = said.get("publisher")
    authors = deposited.people(map(_person, listed(said.get("creators"))))
    doi = identifiers.of_doi(word(said.get("doi")))
    return Entry(
        kind=kind,
        title=title,
        authors=authors,
        authors_complete=True if authors else None,
        date=_date(said),
        venue=deposited.venue(
            kind,
            deposited.text(container.get("title")),
            deposited.text(publisher.get("name") if isinstance(publisher, dict) else publisher),
        ),
        volume=deposited.text(container.get("volume")) or None,
        number=deposited.text(container.get("issue")) or None,
        pages=deposited.pages("-".join(filter(None, (word(container.get(f"{at}Page")) for at in ("first", "last"))))),
        abstract=_abstract(said),
        language=word(said.get("language")) or None,
        ids=dict([doi] if doi else []),
        links=deposited.paper(said.get("url")),
    )


def _kind(types: dict[str, Any], tables: Tables) -> str:
    """DataCite's general types ("BookChapter") are those of Crossref or OpenAlex in another spelling; Text is vague."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", word(types.get("resourceTypeGeneral"))).lower()
    return tables.kind_of("crossref", name) or tables.kind_of("openalex", name) or "document"


def _person(value: Any) -> Person | None:
    stated = fields(value)
    name = stated.get("name")
    if stated.get("nameType") == "Organizational":
        return deposited.group(name)
    if stated.get("familyName"):
        return deposited.of_parts(stated.get("familyName"), stated.get("givenName"))
    return deposited.person(name)


def _date(said: dict[str, Any]) -> Date | None:
    """The year of publication, with month and day where a date of the first version says them for that year."""
    year = answers.date(said.get("publicationYear"))
    dates = {word(one.get("dateType")): one.get("date") for one in map(fields, reversed(listed(said.get("dates"))))}
    for name in ("Issued", "Available"):
        found = answers.date_of_iso(dates.get(name))
        if found and (year is None or (found.month and found.year == year.year)):
            return found
    return year


def _abstract(said: dict[str, Any]) -> str | None:
    kinds = (
        (one.get("descriptionType"), one.get("description")) for one in map(fields, listed(said.get("descriptions")))
    )
    return next((deposited.paragraphs(value) for kind, value in kinds if kind == "Abstract"), None)
