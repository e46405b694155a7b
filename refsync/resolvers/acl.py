"""Knows the ACL Anthology: its ids to works, from the .bib of a paper or the XML of a collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote
from xml.etree.ElementTree import Element

from refsync import identifiers
from refsync.formats import bibtex
from refsync.formats.dates import date_of
from refsync.mapping import Tables
from refsync.model import Date, Entry, Person, Venue
from refsync.resolvers import Id, Request, Unreadable, answers, deposited


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each paper."""
    known = (one for one in ids if identifiers.of_url(f"https://aclanthology.org/{one[1]}") == one)
    return tuple(Request(path=f"/{quote(one[1])}.bib", ids=(one,)) for one in known)


def by_title(entry: Entry) -> Request | None:
    """None: the Anthology is asked by id only."""
    return None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a .bib file, or of a collection of the Anthology's own XML."""
    if body.lstrip()[:5] == b"<?xml" or body.lstrip()[:11] == b"<collection":
        return _of_collection(body, tables)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("an answer is not UTF-8") from None
    if re.match(r"\s*(?:%[^\n]*\s*)*@\w+\s*\{", text) is None:
        raise Unreadable("an answer is no .bib file")
    reading = bibtex.read(text, "acl", tables)
    if reading.problems:
        raise Unreadable(f"an answer is no whole .bib file: {reading.problems[0].what}")
    return answers.works(reading.entries, _of_bib)


def _of_bib(entry: Entry) -> Entry | None:
    """The entry of a .bib file as a work: without the key and the fields that are the file's own."""
    if not entry.title:
        return None
    complete = entry.authors_complete is not False
    return replace(
        entry,
        key="",
        title=deposited.title(entry.title),
        authors_complete=complete if entry.authors else None,
        ids={scheme: value for scheme, value in entry.ids.items() if scheme != "isbn" or entry.kind == "book"},
        extra={},
    )


# ------------------------------------------------------------------------------------------------------------------
# XML


def _of_collection(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    root = answers.xml_of(body)
    if root.tag != "collection":
        raise Unreadable("an answer is no collection of the Anthology")
    papers = [(volume, paper) for volume in root.findall("volume") for paper in volume.findall("paper")]
    return answers.works(papers, lambda one: entry_of(one, tables))


def entry_of(item: tuple[Element, Element], tables: Tables) -> Entry | None:
    """The work of a <paper> in its <volume>."""
    volume, paper = item
    title = deposited.title(_text(paper.find("title")))
    if not title:
        return None
    meta = volume.find("meta")
    meta = Element("meta") if meta is None else meta
    book = deposited.text(_text(meta.find("booktitle")))
    named = identifiers.of_url(f"https://aclanthology.org/{_text(paper.find('url'))}")
    doi = identifiers.of_doi(_text(paper.find("doi")))
    authors = deposited.people(_people(paper, "author"))
    is_journal = volume.get("type") == "journal"
    return Entry(
        kind="article" if is_journal else "workshop-paper" if "Workshop" in book else "conference-paper",
        title=title,
        authors=authors,
        authors_complete=True if authors else None,
        editors=deposited.people(_people(meta, "editor")),
        date=_date(meta),
        venue=Venue(
            name=book, publisher=_text(meta.find("publisher")) or None, place=_text(meta.find("address")) or None
        )
        if book
        else None,
        pages=deposited.pages(_text(paper.find("pages"))),
        abstract=deposited.paragraphs(_text(paper.find("abstract"))),
        ids=dict(one for one in (named, doi) if one),
        links=deposited.paper(identifiers.link(*named)) if named else {},
    )


def _text(element: Element | None) -> str:
    """All the text in an element, formulas between dollars, for fixed-case and the like mark parts of words."""
    if element is None:
        return ""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    mark = "$" if element.tag == "tex-math" else ""
    yield mark + (element.text or "")
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
    yield mark


def _people(element: Element, role: str) -> Iterator[Person | None]:
    for one in element.findall(role):
        yield deposited.of_parts(_text(one.find("last")), _text(one.find("first")))


def _date(meta: Element) -> Date | None:
    year = date_of(_text(meta.find("year")))
    return year if isinstance(year, Date) else None
