"""Knows how one entry is read: its title by a shape, then everything around it by what it is."""

from __future__ import annotations

import html
import re

from refsync import identifiers
from refsync.formats.survey import authors, fields, shapes
from refsync.formats.survey.fields import Draft
from refsync.formats.survey.text import Text
from refsync.formats.survey.words import Words

_EDGE = " \t\n,;:|-–—·•*_`" + fields.GONE


_LONGEST = 1500  # what follows so much text is prose about the work, kept as its comment


def shape_of(text: Text, words: Words) -> str | None:
    """The first shape that finds a title: what an entry votes for."""
    text = text.cut(0, _LONGEST)
    for name, find in shapes.SHAPES.items():
        if find(fields.draft(text, words)) is not None:
            return name
    return None


def read(text: Text, words: Words, favourite: str | None) -> Draft | None:
    """The entry that `text` is, its title found by the section's favourite shape if that fits, else by the others."""
    if len(text.plain) > _LONGEST:
        cut = text.plain.rfind(" ", 0, _LONGEST) + 1 or _LONGEST
        out = read(text.cut(0, cut), words, favourite)
        if out is not None:
            out.comment = " ".join(f"{out.comment or ''} {text.plain[cut:]}".split())
        return out
    text = _unwrapped(text)
    # Quotes leave no doubt; the other marks are worth what the neighbours say.
    # A link or bold type at the very head is a mark even among neighbours that have none.
    order = list(dict.fromkeys(["quoted", *([favourite] if favourite else []), *shapes.SHAPES]))
    if favourite in _UNMARKED and (head := _marked_at_head(text, words)):
        order.insert(1, head)
    if (head := _earlier_bold(text, words)) and "linked" in order:
        order.remove(head)
        order.insert(order.index("linked"), head)
    for name in order:
        out = fields.draft(text, words)
        found = shapes.SHAPES[name](out)
        if found is None:
            continue
        start, end = shapes.peeled(out, *found)
        out.title = title_text(text.plain[start:end])
        if not out.title:
            continue
        out.title_at = start
        _take_title_link(out, start, end)
        out.blank(start, end)
        fields.take_links(out)
        fields.take_badges(out)
        if name not in {"plain", "authored", "reference"}:
            shapes.heads(out)
        fields.take_brackets(out)
        fields.take_identifiers(out)
        fields.take_venue(out)
        fields.take_authors(out)
        fields.take_authors_named(out)
        fields.take_rest(out)
        settle(out)
        return out
    return None


_WRAPPED = re.compile(r"\s*(\[)((?:[^\[\]]|\[[^\[\]]*\]){40,})(\])(?=\s*(?:[\[(|.]|$))")


def _unwrapped(text: Text) -> Text:
    """A text without the brackets that hold title, authors and venue together: "[Title, Author, VENUE YEAR] [[Paper]]"."""
    found = _WRAPPED.match(text.plain)
    if found is None or any(span.start < found.end() and span.end > found.start() for span in text.marked("link")):
        return text
    plain = f"{text.plain[: found.start(1)]} {found[2]} {text.plain[found.end() :]}"
    return Text(plain, text.spans)


_UNMARKED = frozenset({"plain", "authored", "reference"})


def _earlier_bold(text: Text, words: Words) -> str | None:
    """The shape of a bold title that stands before every linked text: "**Title** [Buy or read](...)"."""
    if not (text.marked("bold") and text.marked("link")):
        return None
    bold, linked = (shapes.SHAPES[name](fields.draft(text, words)) for name in ("bold", "linked"))
    if bold is None or linked is None or bold[1] > linked[0]:
        return None
    shown = text.plain[bold[0] : bold[1]]
    return "bold" if len(shown.split()) > 2 and authors.read(shown, words.title_words) is None else None


def _marked_at_head(text: Text, words: Words) -> str | None:
    """The shape of a marked title that nothing stands before, None when there is none."""
    for name, mark in (("linked", "link"), ("bold", "bold")):
        if not text.marked(mark):
            continue
        probe = fields.draft(text, words)
        found = shapes.SHAPES[name](probe)
        if found is not None and shapes.heads(probe) >= found[0]:
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
            fields.take_link(out, span.href, fields.RANK_TITLE)


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
                if label.rstrip(" 0123456789") not in known and fields.is_paper_link(href)
            ),
            None,
        )
        if href:
            fields.take_link(out, href, fields.RANK_BARE)
    if out.url and re.search(r"//(?:www\.)?(?:github\.com|gitlab\.com)/", out.url) and not out.ids:
        out.links.setdefault("code", out.url)


_PAGE = re.compile(
    r"^https?://[^/]+/?$|^https?://(?:www\.)?(?:blog\.|[^/]*/(?:[^?]*/)?blogs?/)|//[^/]*(?:medium\.com|substack\.com)/",
    re.IGNORECASE,
)


_SITE = re.compile(
    r"^https?://[^/]*(?:\.github\.io|readthedocs\.io|readthedocs\.org|sites\.google\.com)(?:/|$)",
    re.IGNORECASE,
)


def is_resource(out: Draft, *, among_resources: bool) -> bool:
    """Whether an entry is a tool, a page or another list rather than a paper. What has no address is a paper."""
    address = out.url or next(iter(out.links.values()), None)
    if address is None or out.ids:
        return False
    if out.venue and (out.venue_known and fields.is_paper_link(address) if among_resources else True):
        return False
    if among_resources:
        return not (out.url is None and out.venue_known and out.year and "year" not in out.inferred)
    if out.authors or out.year:
        return False
    if not fields.is_paper_link(address) or _PAGE.search(address):
        return True
    return len(out.title.split()) < 4 and bool(_SITE.search(address)) and not address.lower().endswith(".pdf")


def is_anchored(out: Draft) -> bool:
    """Whether something besides the title says that this is a work: venue, year, identifier, paper link or authors."""
    return bool(out.venue or out.year or out.ids or out.authors or (out.url and fields.is_paper_link(out.url)))
