"""Knows how sure a reading is: by what is left unexplained, and by what an entry has unlike its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from refsync import identifiers
from refsync.formats.survey.drafts import GONE, Draft

SURE = 0.8  # from here on an entry is sure; below it is a question to a person
_CERTAIN, _DOUBT = 0.95, 0.2


def measured(first: float, doubts: Sequence[str]) -> float:
    """The confidence of an entry that its section gave `first` and that has these doubts, 0..1."""
    return round(max(0.05, min(first, _CERTAIN) - _DOUBT * min(len(doubts), 3)), 2)


def of_entry(out: Draft, *, resource: bool) -> list[str]:
    """What is doubtful about one entry by itself, each doubt a few words. A tool may be called by a single word."""
    return [
        *([] if resource else _of_name(out)),
        *_of_title(out),
        *_of_rest(out),
        *_of_authors(out),
        *_of_ids(out),
    ]


_TITLE_ENDS = re.compile(r"(?:\b(?:19|20)\d\d|\bet\.? al\.?|[,;:(\[]|\b(?:and|the|of|in|by))$", re.IGNORECASE)
# Looked for in a title without case.
_TITLE_HOLDS = re.compile(
    r"https?:|\b10\.\d{4,}/|arxiv:|\[[jcmd]\]|//|\bet al\b|\(\s*(?:19|20)\d\d\s*\)|:\s*\d+[-–]\d+|\s\|\s|:[a-z_]+:"
)
_SENTENCES = re.compile(r"[a-z]{3}\.\s+[A-Z][a-z]")
_PARTS = re.compile(r",\s+|\.\s+|\s[-–|]\s")


def _of_name(out: Draft) -> list[str]:
    title = out.title
    first = title.split()[0] if title.split() else ""
    found = ["the title is a single word"] if first == title.strip() else []
    if title[:1] in "[(" or (title[:1].islower() and not any(c.isupper() or c.isdigit() for c in first)):
        found.append("the title does not begin like one")
    return found


def _of_title(out: Draft) -> list[str]:
    title = out.title
    words = title.split()
    found: list[str] = []
    if len(words) > 30 or len(title) > 220:
        found.append("the title is very long")
    if _TITLE_ENDS.search(title, max(0, len(title) - 8)) or _TITLE_HOLDS.search(title.casefold()):
        found.append("the title holds more than a title")
    if title.count("(") != title.count(")") or title.count("[") != title.count("]"):
        found.append("a bracket of the title is not closed")
    if "." in title and _SENTENCES.search(title):
        found.append("the title holds two sentences")
    pieces = [piece.strip() for piece in _PARTS.split(title)[1:]]
    if any(_names_venue(out, piece) for piece in pieces):
        found.append("the title ends in what may be a venue")
    return found


def _names_venue(out: Draft, text: str) -> bool:
    found = out.words.mention(text) if text else None
    return found is not None and (found.known or found.year is not None)


_UNDERSTOOD = re.compile(rf"[{GONE}\n]+")


def _of_rest(out: Draft) -> list[str]:
    """What nobody understood: a few capitalised words may be a venue or names, a sentence is prose."""
    found: list[str] = []
    for part in _UNDERSTOOD.split(out.left):
        text = part.strip(" \t,.;:|-–—·•*_/()[]\"'“”‘’`&+#>")
        words = text.split()
        if not words or not any(c.isalpha() for c in text):
            continue
        capital = sum(word[0].isupper() or word[0].isdigit() for word in words)
        if len(words) <= 12 and capital * 2 >= len(words) and len(text) > 2:
            found.append(f"not understood: {text[:60]}")
            break
    return found


def _of_authors(out: Draft) -> list[str]:
    found: list[str] = []
    people = out.authors
    alone = [person for person in people if not person.given and not person.literal]
    if people and len(alone) * 2 >= len(people) and len(people) > 1:
        found.append("names without given names")
    if any(len(f"{p.family or ''} {p.given or ''} {p.literal or ''}".split()) > 5 for p in people):
        found.append("a name of many words")
    words = {word.casefold() for p in people for word in f"{p.family or ''}".split()}
    if (words & out.words.title_words) - {"do", "an", "so", "to", "in", "on"}:
        found.append("a name that may be a part of the title")
    return found


def _of_ids(out: Draft) -> list[str]:
    found: list[str] = []
    numbers = {
        value
        for span in out.text.marked("link")
        if (id_ := identifiers.of_url(span.href)) and id_[0] == "arxiv"
        for value in [id_[1]]
    }
    if len(numbers) > 1:
        found.append("several arXiv numbers")
    arxiv = out.ids.get("arxiv")
    date = identifiers.arxiv_date(arxiv) if arxiv else None
    if date and out.year and not date[0] - 2 <= out.year <= date[0] + 3:
        found.append("its year and its arXiv number are far apart")
    return found


@dataclass(frozen=True, slots=True)
class Habits:
    """What most entries of a section have: a stated venue, authors, a link."""

    venue: bool = False
    authors: bool = False
    link: bool = False
    year: bool = False


_FEW = 4


def habits(drafts: Sequence[Draft]) -> Habits:
    """What at least four of five entries of a section have, when there are enough to tell."""
    if len(drafts) < _FEW:
        return Habits()
    has = Counter[str]()
    for out in drafts:
        has["venue"] += bool(out.venue)
        has["authors"] += bool(out.authors)
        has["link"] += bool(out.url or out.links)
        has["year"] += bool(out.year and "year" not in out.inferred)
    often = {name for name, count in has.items() if count * 5 >= len(drafts) * 4}
    return Habits(venue="venue" in often, authors="authors" in often, link="link" in often, year="year" in often)


def among(out: Draft, usual: Habits) -> list[str]:
    """What an entry lacks that its neighbours have."""
    lacks = [
        name
        for name, wanted, there in (
            ("venue", usual.venue, out.venue),
            ("authors", usual.authors, out.authors),
            ("year", usual.year, out.year and "year" not in out.inferred),
        )
        if wanted and not there
    ]
    return [f"no {name}, unlike its neighbours" for name in lacks]
