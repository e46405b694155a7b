"""Makes one entry out of several accounts of a work; each field remembers who said it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from refsync import titles
from refsync.model import Account, Date, Entry, Origin, Said, Venue
from refsync.venues import Venues

INFERRED = "inferred"
CORRECTIONS = "corrections"
PROVISIONAL = "provisional"
# What refsync itself may put under `said`; every other name is a source whose facts outlive a build.
OWN = frozenset({INFERRED, CORRECTIONS, PROVISIONAL})

_KINDS = {"journal": "article", "conference": "conference-paper", "workshop": "workshop-paper", "preprint": "preprint"}
_T = TypeVar("_T")


def is_sourced(entry: Entry, name: str) -> bool:
    """Whether a source said a field, rather than the list, a person or refsync itself."""
    return name in entry.said and entry.said[name].by not in OWN


def is_settled(entry: Entry) -> bool:
    """Whether a source has settled the work: something was found through its title or an identifier."""
    return any(by.via is not None and by.by not in OWN for by in entry.said.values())


def entry_of(account: Account, table: Venues, source: str | None = None) -> Entry:
    """What one account of a list says, as an Entry without key and topics. `source` is named when it is not the list."""
    venue = table.venue(account.venue) if account.venue else None
    links = dict(account.links)
    if account.url:
        links = {"paper" if account.kind == "paper" else "page": account.url, **links}
    said: dict[str, Said] = {}
    stated = {
        "title": account.title, "aka": account.aka, "authors": account.authors, "date": account.year,
        "venue": account.venue, "ids": account.ids, "links": links, "comment": account.comment,
    }  # fmt: skip
    if source:
        said = {name: Said(by=source) for name, value in stated.items() if value}
    for name in account.inferred:
        said["date" if name in {"year", "month"} else name] = Said(by=INFERRED, via=_via(account, name))
    return Entry(
        kind=kind_of(account.kind, venue),
        title=account.title,
        aka=(account.aka,) if account.aka and _tells(account.aka, account.title) else (),
        authors=account.authors,
        authors_complete=not account.et_al if account.authors else None,
        date=Date(year=account.year, month=account.month) if account.year else None,
        venue=venue,
        ids=account.ids,
        links=links,
        tags=account.tags,
        groups=(account.group,) if account.group else (),
        has_code=account.has_code,
        rating=account.rating,
        comment=account.comment,
        said=said,
        origin=(Origin(file=account.file, line=account.line),),
    )


def _via(account: Account, name: str) -> str:
    arxiv = account.ids.get("arxiv")
    return f"arxiv:{arxiv}" if arxiv and name in {"year", "month"} else "heading"


def _tells(aka: str, title: str) -> bool:
    """Whether a nickname says something that the head of the title does not."""
    return titles.comparison(title.partition(":")[0]) != titles.comparison(aka)


def kind_of(kind: str, venue: Venue | None) -> str:
    """The kind of a work of a list: by its venue; a document when that is not known."""
    if kind == "resource":
        return "web-page"
    return _KINDS.get(venue.kind or "", "document") if venue else "document"


def merged(entries: Sequence[Entry]) -> Entry:
    """One entry that says what all of them say. Their order matters only where nothing else decides.

    A published venue beats a preprint; the year is that of the venue that won; a stated value beats an inferred one;
    the longest list of authors wins; topics, tags, links, groups, identifiers are joined.
    """
    if len(entries) == 1:
        return entries[0]
    best = max(entries, key=_weight)
    ranked = sorted(entries, key=lambda one: one is not best)
    venues = [one for one in ranked if one.venue]
    venued = max(venues, key=lambda one: (_rank(one.venue), not _inferred(one, "venue"))) if venues else None
    dates = [one for one in ranked if one.date]
    dated = max(dates, key=lambda one: (not _inferred(one, "date"), one is venued, _precision(one))) if dates else None
    if venued is not None and venued.date is not None and (dated is None or not _inferred(venued, "date")):
        dated = venued
    authored = max(ranked, key=lambda one: (len(one.authors), bool(one.authors_complete)))
    taken: dict[str, Entry | None] = {"title": best, "venue": venued, "date": dated, "authors": authored}
    said = {name: who.said[name] for name, who in taken.items() if who is not None and name in who.said}
    kinds = [one.kind for one in ranked]
    return replace(
        best,
        kind=venued.kind if venued else next((kind for kind in kinds if kind != "document"), "document"),
        aka=_other_titles(best, ranked),
        authors=authored.authors,
        authors_complete=authored.authors_complete,
        date=dated.date if dated else None,
        venue=venued.venue if venued else None,
        ids=_joined([one.ids for one in ranked]),
        links=_joined_links([one.links for one in entries]),
        topics=_union([one.topics for one in entries]),
        tags=_union([one.tags for one in entries]),
        groups=_union([one.groups for one in entries]),
        has_code=any(one.has_code for one in entries),
        rating="; ".join(_union([(one.rating,) for one in entries if one.rating])) or None,
        comment="\n".join(_union([(one.comment,) for one in entries if one.comment])) or None,
        extra=_joined([one.extra for one in ranked]),
        said=_joined([{name: by for name, by in one.said.items() if name not in taken} for one in ranked]) | said,
        origin=tuple(sorted({place for one in entries for place in one.origin}, key=lambda at: (at.file, at.line))),
        **_firsts(ranked),
    )


def _other_titles(best: Entry, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Nicknames and the titles that other accounts give the work, so that each of them is known again."""
    out: dict[str, str] = {}
    for one in entries:
        for title in (*one.aka, one.title):
            if (form := titles.comparison(title)) != titles.comparison(best.title):
                out.setdefault(form, title)
    return tuple(out.values())


def _firsts(entries: Sequence[Entry]) -> dict[str, Any]:
    """The fields of which any one value is as good as another: the first that is there."""
    names = [
        "volume",
        "number",
        "pages",
        "edition",
        "genre",
        "version",
        "accessed",
        "abstract",
        "language",
        "note",
        "editors",
    ]
    return {
        name: next((value for one in entries if (value := getattr(one, name))), getattr(Entry(), name))
        for name in names
    }


def _weight(entry: Entry) -> tuple[int, int, int, str]:
    """How much an account says: identifiers weigh most, then venue, authors and year; the title settles a draw."""
    stated = sum(map(bool, (entry.venue, entry.authors, entry.date)))
    return (len(entry.ids), stated, len(entry.links), entry.title)


def _rank(venue: Venue | None) -> int:
    order = ("preprint", None, "book-series", "workshop", "conference", "journal")
    return order.index(venue.kind) if venue and venue.kind in order else 0


def _precision(entry: Entry) -> int:
    return 2 if entry.month else 1


def _inferred(entry: Entry, name: str) -> bool:
    return name in entry.said and entry.said[name].by == INFERRED


def _union(values: Sequence[tuple[_T, ...]]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(value for one in values for value in one))


def _joined(values: Sequence[Mapping[str, _T]]) -> dict[str, _T]:
    out: dict[str, _T] = {}
    for one in values:
        for name, value in one.items():
            out.setdefault(name, value)
    return out


def _joined_links(values: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """All links, each address once; a second one with the same label is numbered."""
    out: dict[str, str] = {}
    for one in values:
        for label, address in one.items():
            if address in out.values():
                continue
            name, count = label, 1
            while name in out:
                count += 1
                name = f"{label} {count}"
            out[name] = address
    return out
