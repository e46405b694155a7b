"""Knows arXiv: ids to the works of an Atom feed (arXiv API user's manual)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from refsync import identifiers
from refsync.mapping import Tables
from refsync.model import Entry, Venue
from refsync.references import line
from refsync.resolvers import Id, Request, Unreadable, answers, deposited

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_BATCH = 100


def by_ids(ids: Sequence[Id]) -> tuple[Request, ...]:
    """A request for each hundred ids. One malformed id fails its whole batch, so such are not asked for."""
    asked = [(one, value) for one in ids if (value := identified(one[1])) is not None]
    return tuple(
        Request(
            path="/api/query",
            params=(("id_list", ",".join(value for _, value in batch)), ("start", "0"), ("max_results", str(_BATCH))),
            ids=tuple(one for one, _ in batch),
        )
        for batch in answers.batches(asked, _BATCH)
    )


def by_title(entry: Entry) -> Request | None:
    """None: arXiv is asked by id only, at one request in three seconds."""
    return None


def parse(body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
    """The works of a feed, in its own order; () for ids that arXiv does not know."""
    feed = answers.xml_of(body)
    if feed.tag != f"{_ATOM}feed":
        raise Unreadable("an answer is no feed")
    entries = feed.findall(f"{_ATOM}entry")
    if any(_is_error(one) for one in entries):
        raise Unreadable(f"arXiv says: {line(entries[0].findtext(f'{_ATOM}summary') or 'Error')[:200]}")
    total = line(feed.findtext(f"{_SEARCH}totalResults") or "")
    if not entries and total != "0":
        # Seen under load: a page of nothing, with a total that says otherwise.
        raise Unreadable("arXiv sent an empty page")
    return answers.works(entries, lambda one: entry_of(one, tables))


def _is_error(entry: Element) -> bool:
    if "/api/errors" in (entry.findtext(f"{_ATOM}id") or ""):
        return True
    return entry.findtext(f"{_ATOM}title") == "Error" and identified(entry.findtext(f"{_ATOM}id") or "") is None


def identified(text: str) -> str | None:
    """The arXiv id, without its version, in an id or an address of arXiv; None when it is malformed."""
    value = text.strip()
    found = identifiers.of_url(value if "/abs/" in value else f"https://arxiv.org/abs/{value}")
    # The class in "math.GT/0309136" says nothing that the number does not, and arXiv's answers leave it out.
    return re.sub(r"\.[a-z]{2}/", "/", found[1]) if found and found[0] == "arxiv" else None


def entry_of(item: Element, tables: Tables) -> Entry | None:
    """The work of an <entry>. The DOI and the journal that its author typed are hints, not facts."""
    title = deposited.title(item.findtext(f"{_ATOM}title"))
    value = identified(item.findtext(f"{_ATOM}id") or "")
    if not title or value is None:
        return None
    ids = {"arxiv": value}
    category = item.find(f"{_ARXIV}primary_category")
    if category is not None and re.fullmatch(r"[a-z-]+(?:\.[A-Za-z-]+)?", category.get("term", "")):
        ids["arxiv-class"] = category.get("term", "")
    doi = identifiers.doi(item.findtext(f"{_ARXIV}doi") or "")
    hints = {
        "hint-doi": doi if doi and not doi.startswith("10.48550/") else None,
        "hint-venue": deposited.text(item.findtext(f"{_ARXIV}journal_ref")) or None,
    }
    authors = [one.findtext(f"{_ATOM}name") for one in item.findall(f"{_ATOM}author")]
    return Entry(
        kind="preprint",
        title=title,
        authors=deposited.people(map(deposited.person, authors)),
        authors_complete=True if authors else None,
        date=answers.date_of_iso(item.findtext(f"{_ATOM}published")),
        venue=Venue(name="arXiv"),
        abstract=deposited.paragraphs(item.findtext(f"{_ATOM}summary")),
        ids=ids,
        links=deposited.paper(identifiers.link("arxiv", value)),
        extra={name: text for name, text in hints.items() if text},
    )
