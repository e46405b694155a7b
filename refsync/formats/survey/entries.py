"""Knows how one entry is read: its title by a shape, then everything around it by what it is."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from refsync import identifiers
from refsync.formats.survey import authors, shapes
from refsync.formats.survey.brackets import take_brackets
from refsync.formats.survey.credits import take_authors, take_authors_named
from refsync.formats.survey.drafts import GONE, URL, Draft, take_rest
from refsync.formats.survey.heads import heads, peeled
from refsync.formats.survey.links import (
    RANK_BARE,
    RANK_TITLE,
    is_paper_link,
    take_badges,
    take_identifiers,
    take_link,
    take_links,
)
from refsync.formats.survey.published import take_venue
from refsync.formats.survey.text import Text
from refsync.formats.survey.words import Words

_EDGE = " \t\n,;:|-–—·•*_`" + GONE


_LONGEST = 1500  # what follows so much text is prose about the work, kept as its comment


@dataclass(slots=True)
class Vote:
    """The first shape that finds a title in a text: what an entry votes for, kept because its neighbours mostly agree."""

    shape: str
    text: Text
    draft: Draft
    found: tuple[int, int]


def vote(text: Text, words: Words) -> Vote | None:
    """What an entry votes for; None when no shape finds a title, which no favourite of its neighbours would either."""
    text = _unwrapped(text.cut(0, _head(text)) if len(text.plain) > _LONGEST else text)
    if (first := shapes.first(text, words)) is None:
        return _last_resort(text, words)
    shape, out, found = first
    cast = Vote(shape, text, out, found)
    return (_earlier_bold(cast, words) if shape == "linked" else None) or cast


def _last_resort(text: Text, words: Words) -> Vote | None:
    """The vote for the first link's text, where nothing else may be a title: "[[UWA Dataset](url)] . [tags]"."""
    for span in text.marked("link"):
        shown = text.plain[span.start : span.end]
        if any(c.isalpha() for c in shown) and words.label(shown) is None and not URL.match(shown.strip()):
            return Vote("linked", text, Draft.of(text, words), (span.start, span.end))
    return None


def _cast(name: str, text: Text, words: Words) -> Vote | None:
    out = Draft.of(text, words)
    found = shapes.SHAPES[name](out)
    return Vote(name, text, out, found) if found is not None else None


def _head(text: Text) -> int:
    """Length of the part of a long text that is looked at, up to the end of a word."""
    return text.plain.rfind(" ", 0, _LONGEST) + 1 or _LONGEST


def read(text: Text, words: Words, favourite: str | None, own: Vote | None = None) -> Draft | None:
    """The entry that `text` is, its title found by the section's favourite shape if that fits, else by the others.

    `own` is its vote, when it was asked before; it is used up.
    """
    own = own or vote(text, words)
    if own is None:
        return None
    out = next((out for cast in _candidates(own, words, favourite) if (out := _finished(cast)) is not None), None)
    if out is not None and len(text.plain) > _LONGEST:
        out.comment = " ".join(f"{out.comment or ''} {text.plain[_head(text) :]}".split())
    return out


def _candidates(own: Vote, words: Words, favourite: str | None) -> Iterator[Vote]:
    """The ways to read an entry, best first. Quotes and references leave no doubt; the other marks are worth what the neighbours say."""
    tried = {own.shape}
    if own.shape in {"quoted", "reference"} or favourite in {None, own.shape}:
        yield own
    else:
        assert favourite is not None
        head = _marked_at_head(own.text, words) if favourite in _UNMARKED else None
        # A link or bold type at the very head is a mark even among neighbours that have none.
        for name in (head, favourite, own.shape):
            if name is None or (name in tried and name != own.shape):
                continue
            tried.add(name)
            cast = own if name == own.shape else _cast(name, own.text, words)
            if cast is not None:
                yield cast
            if name == own.shape:
                break
    for name in shapes.SHAPES:
        if name not in tried and (cast := _cast(name, own.text, words)) is not None:
            yield cast


def _finished(cast: Vote) -> Draft | None:
    """The entry, everything around its title understood; None when the title is empty."""
    out, text = cast.draft, cast.text
    start, end = peeled(out, *cast.found)
    out.title = title_text(text.plain[start:end])
    if not out.title:
        return None
    out.title_at = start
    _take_title_link(out, start, end)
    out.blank(start, end)
    take_links(out)
    take_badges(out)
    if cast.shape not in _UNMARKED:
        heads(out)
    take_brackets(out)
    take_identifiers(out)
    take_venue(out)
    take_authors(out)
    take_authors_named(out)
    take_rest(out)
    settle(out)
    return out


_WRAPPED = re.compile(r"\s*(\[)((?:[^\[\]]|\[[^\[\]]*\]){40,})(\])(?=\s*(?:[\[(|.]|$))")


def _unwrapped(text: Text) -> Text:
    """A text without the brackets that hold title, authors and venue together: "[Title, Author, VENUE YEAR] [[Paper]]"."""
    found = _WRAPPED.match(text.plain)
    if found is None or any(span.start < found.end() and span.end > found.start() for span in text.marked("link")):
        return text
    plain = f"{text.plain[: found.start(1)]} {found[2]} {text.plain[found.end() :]}"
    return Text(plain, text.spans)


_UNMARKED = frozenset({"plain", "authored", "reference"})


def _earlier_bold(linked: Vote, words: Words) -> Vote | None:
    """The vote for a bold title that stands before the linked text: "**Title** [Buy or read](...)"."""
    if not any(span.start < linked.found[0] for span in linked.text.marked("bold")):
        return None
    bold = _cast("bold", linked.text, words)
    if bold is None or bold.found[1] > linked.found[0]:
        return None
    shown = linked.text.plain[bold.found[0] : bold.found[1]]
    return bold if len(shown.split()) > 2 and authors.read(shown, words.title_words) is None else None


def _marked_at_head(text: Text, words: Words) -> str | None:
    """The shape of a marked title that nothing stands before, None when there is none."""
    for name, mark in (("linked", "link"), ("bold", "bold")):
        if not text.marked(mark):
            continue
        probe = Draft.of(text, words)
        found = shapes.SHAPES[name](probe)
        if found is not None and heads(probe) >= found[0]:
            return name
    return None


def title_text(text: str) -> str:
    """A title as it is kept: one line, without the stop that ends a sentence, entities decoded."""
    title = " ".join(html.unescape(text).replace("\u00ad", "").replace("\u00a0", " ").split())
    title = title.strip(_EDGE)
    if title.endswith(".") and not title.endswith("..."):
        title = title.rstrip(".").rstrip(_EDGE)
    if title[:1] in '"“' and title[-1:] in '"”' and not re.search(r"[\"“”]", title[1:-1]):
        title = title[1:-1].strip(_EDGE + ".")
    return title


def _take_title_link(out: Draft, start: int, end: int) -> None:
    for span in out.text.marked("link"):
        if span.start < end and span.end > start:
            take_link(out, span.href, RANK_TITLE)


def settle(out: Draft) -> None:
    """The rules that hold between fields: an arXiv number stands for the venue arXiv and tells a year."""
    if out.venue is None and out.preprint:
        out.venue, out.venue_known = "arXiv", True
    arxiv = out.ids.get("arxiv")
    if arxiv and out.year and out.venue == "arXiv" and arxiv[:4] == str(out.year) and arxiv[4:5] == ".":
        out.year = None  # "arXiv 2011" of 2011.13526 is the month of its number
    if out.year is None and arxiv and (date := identifiers.arxiv_date(arxiv)):
        out.year = date[0]
        out.inferred.add("year")
    out.has_code = out.has_code or "code" in out.links
    if out.url is None:
        known = set(out.words.labels.values())
        href = next(
            (
                href
                for label, href in out.links.items()
                if label.rstrip(" 0123456789") not in known and is_paper_link(href)
            ),
            None,
        )
        if href:
            take_link(out, href, RANK_BARE)
    if out.url and not out.ids and _FORGE.search(out.url):
        out.links.setdefault("code", out.url)


_FORGE = re.compile(r"//(?:www\.)?(?:github\.com|gitlab\.com)/")
_PAGE = re.compile(
    r"^https?://[^/]+/?$|^https?://(?:www\.)?(?:blog\.|[^/]*/(?:[^?]*/)?blogs?/)|//[^/]*(?:medium\.com|substack\.com)/",
    re.IGNORECASE,
)


_SITE = re.compile(
    r"^https?://[^/]*(?:\.github\.io|readthedocs\.io|readthedocs\.org|sites\.google\.com)(?:/|$)",
    re.IGNORECASE,
)


# A list of where to publish: the entry is the conference, not a paper in it.
_VENUE_ITSELF = re.compile(r"\b(?:Conference|Symposium|Workshop) (?:on|for)\b|\b[Ww]orkshop$")


def is_resource(out: Draft, *, among_resources: bool) -> bool:
    """Whether an entry is a tool, a page or another list rather than a paper. What has no address is a paper."""
    address = out.url or next(iter(out.links.values()), None)
    if address is None or out.ids:
        return False
    if out.venue and (out.venue_known and is_paper_link(address) if among_resources else True):
        return False
    if among_resources:
        return not (out.url is None and out.venue_known and out.year and "year" not in out.inferred)
    if out.authors or out.year:
        return False
    if not is_paper_link(address) or _PAGE.search(address) or _VENUE_ITSELF.search(out.title):
        return True
    return len(out.title.split()) < 4 and bool(_SITE.search(address)) and not address.lower().endswith(".pdf")


_FEW = 5  # entries of a section, below which nothing is usual


def is_page(out: Draft) -> bool:
    """Whether an entry has an address and nothing else beside its title: a paper only if its neighbours are papers."""
    return bool(out.url or out.links) and not (out.ids or out.venue or out.year or out.authors)


def are_pages(drafts: Sequence[Draft]) -> bool:
    """Whether a section is of resources by what most of its entries are, whatever its heading says."""
    return len(drafts) >= _FEW and sum(is_resource(out, among_resources=False) for out in drafts) * 5 >= len(drafts) * 4


def is_anchored(out: Draft) -> bool:
    """Whether something besides the title says that this is a work: venue, year, identifier, paper link or authors."""
    return bool(out.venue or out.year or out.ids or out.authors or (out.url and is_paper_link(out.url)))
