"""Knows which lines make one entry: a bullet with what is nested in it, several works in one bullet, labelled lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from refsync import identifiers
from refsync.formats.survey import authors, entries
from refsync.formats.survey.brackets import take_brackets
from refsync.formats.survey.drafts import EMOJI, GONE, URL, Draft
from refsync.formats.survey.hypertext import of_html
from refsync.formats.survey.links import is_paper_link, take_identifiers, take_links
from refsync.formats.survey.published import take_venue
from refsync.formats.survey.text import Block, Span, Text, joined
from refsync.formats.survey.words import Words


@dataclass(slots=True)
class Item:
    """One candidate for an entry: its text, or its row, and its lines (from 1, both ends included)."""

    container: str  # paragraph, item, row, heading
    text: Text
    line: int
    last_line: int
    row: Block | None = None
    label: Text | None = None
    under: tuple[str, ...] = ()
    venue: str | None = None
    year: int | None = None
    why: str = ""
    remarks: list[str] = field(default_factory=list)
    cells: list[tuple[str, Text]] = field(default_factory=list)


_PAIR = re.compile(r"^\s*([\w ./&-]{2,24}?)\s*(?:[:：]|(?=https?://))\s*(\S*)", re.UNICODE)


def is_pair(block: Block, words: Words) -> bool:
    """A bullet such as "- Paper: https://..." that says one thing of the paragraph before it."""
    if block.kind != "item" or block.children:
        return False
    if re.match(r"\s*\w[\w -]{1,20}\s*[:：]\s*https?://\S+\s*$", block.text.plain):
        return True
    found = _PAIR.match(block.text.plain)
    return bool(
        found
        and words.label(found[1])
        and (not found[2] or found[2].startswith("http") or block.text.marked("link", "code") or len(found[2]) < 8)
    )


_REMARK = re.compile(r"\W*((?!https?:)[^\W\d][\w /&()-]{1,28}?)\W*[:：]+\W*(\S.*)", re.DOTALL)


def is_remark(text: Text, words: Words) -> bool:
    """Whether a text is "Metrics: accuracy" or "Key: planning": one thing said of the work before it, and no link's label."""
    found = _REMARK.match(text.plain)
    if found is None or len(found[1].split()) > 3:
        return False
    if any(is_paper_link(span.href) or span.mark == "bold" for span in title_spans(text, words)):
        return False
    kind = words.label(found[1])
    linked = bool(text.marked("link") or URL.search(found[2]))
    return (kind is None or not linked) and words.column(found[1]) != "authors"


_CELLS = frozenset({"venue", "year", "date", "group", "tags", "rating", "nickname"})


def cell_of(text: Text, words: Words) -> tuple[str, Text] | None:
    """The field that a remark such as "Date: March 2026" fills, named as the column of a table would be."""
    found = _REMARK.match(text.plain)
    role = words.column(found[1]) if found else None
    return (role, text.cut(found.start(2), found.end(2))) if found and role in _CELLS else None


def take_remark(item: Item, text: Text, words: Words) -> None:
    """Keeps what a remark says of an item: a field, or words for its comment."""
    if cell := cell_of(text, words):
        item.cells.append(cell)
    else:
        item.remarks.append(" ".join(text.plain.split()))


def venue_of_remark(text: Text, words: Words) -> Text | None:
    """The venue that "Comments: published at ICSE 2023" says, as a Text; None when it says none."""
    found = _REMARK.match(text.plain)
    mention = words.mention(" ".join(found[2].split())) if found else None
    if found is None or mention is None or not (mention.known and mention.year):
        return None
    return text.cut(found.start(2), found.end(2))


def flat(block: Block, words: Words) -> Iterator[Item]:
    """The candidates that a bullet and what is nested in it are."""
    own = [block.text]
    nested: list[Block] = []
    remarks: list[Block] = []
    last = block.line + len(block.text.marked("line"))
    for child in block.children:
        if child.kind == "paragraph":
            own.append(child.text)
            last = child.last_line
        elif child.kind == "html":
            own.append(of_html(child.text.plain))
            last = child.last_line
        elif child.kind == "item":
            if not child.children and (venue := venue_of_remark(child.text, words)):
                own.append(venue)
                last = child.last_line
            elif not child.children and is_remark(child.text, words):
                remarks.append(child)
            elif not child.children and (belongs(child.text, words) or is_pair(child, words)):
                own.append(child.text)
                last = child.last_line
            else:
                nested.append(child)
        elif child.kind == "row":
            nested.append(child)
    text = joined(own)
    if remarks or nested:
        # Under a marked title what has no title of its own is said of it; else a bullet may be a work.
        if _is_titled(block.text, words):
            remarks += [child for child in nested if not _stands_alone(child, words)]
            nested = [child for child in nested if _stands_alone(child, words)]
            last = max([last, *(child.last_line for child in remarks)])
        else:
            nested = sorted([*nested, *remarks], key=lambda child: child.line)
            remarks = []
    parts = several(text, words)
    if len(parts) > 1:
        for part in parts:
            yield _told(Item("item", part, block.line, last), remarks, words)
        for child in nested:
            yield from _nested(child, words)
        return
    inner = [item for child in nested for item in _nested(child, words)]
    linked = any(is_paper_link(span.href) for span in text.marked("link"))
    if text and nested and all(_is_citation(child.text, text, words) for child in nested):
        # "* Lab [[Paper]](..)" over "* Authors, Title, Venue": the child is the entry, the label lends it its link.
        if len(inner) == 1 and not any(is_paper_link(span.href) for span in inner[0].text.marked("link")):
            inner[0].label = text
        if len(inner) > 1 and not linked and not text.marked("link"):
            for item in inner:
                item.under = (_name(text), *item.under)
        yield Item("item", text, block.line, last, why="label of the reference below")
        yield from inner
        return
    if text and inner and _heads(text, words):
        # A bullet of plain words over bullets of works is a heading of theirs.
        name = _name(text)
        place, year = words.of_heading(name)
        for item in inner:
            item.under = (name, *item.under)
            item.venue, item.year = item.venue or place, item.year or year
        yield Item("item", text, block.line, last, why="heading of the bullets below")
    elif text:
        yield _told(Item("item", text, block.line, last), remarks, words)
    yield from inner


def _told(item: Item, remarks: Sequence[Block], words: Words) -> Item:
    for child in remarks:
        take_remark(item, child.text, words)
    return item


def _name(text: Text) -> str:
    return " ".join(EMOJI.sub(" ", text.plain).split()).strip(" :：#*") or text.plain.strip()


def _is_titled(text: Text, words: Words) -> bool:
    """Whether a bullet has a marked title, which may be short when it is a link to the paper at its head."""
    head = len(text.plain) - len(text.plain.lstrip())
    return bool(title_spans(text, words)) or any(
        span.start == head and _leads_to_paper(span) and _may_be_title(text, span, words, 1)
        for span in text.marked("link")
    )


def _stands_alone(block: Block, words: Words) -> bool:
    """Whether a bullet nested under a marked title is a work of its own: with a marked title, or read as one."""
    if block.kind != "item" or block.children or title_spans(block.text, words):
        return True
    if is_remark(block.text, words):
        return False
    draft = entries.read(block.text, words, None)
    return draft is not None and bool(draft.ids or draft.url or (draft.venue_known and draft.year))


def _nested(block: Block, words: Words) -> Iterator[Item]:
    if block.kind == "row":
        yield Item("row", Text(), block.line, block.last_line, row=block)
    else:
        yield from flat(block, words)


def _heads(text: Text, words: Words) -> bool:
    if any(not span.href.startswith("#") for span in text.marked("link")):
        return False
    name = " ".join(text.plain.split()).strip(" :：*")
    if any(words.of_heading(name)) and len(name.split()) <= 4:
        return True
    return not _is_anchored(text, words) and (not text.marked("bold", "quoted") or len(name.split()) <= 8)


_YEAR_NEXT = re.compile(r"[\s*_]*[(\[]\s*(?:19|20)\d\d\s*[)\]]")


def several(text: Text, words: Words) -> list[Text]:
    """The works of a bullet or paragraph that names more than one: each a marked title of its own."""
    spans = [span for span in text.marked("link") if _may_be_title(text, span, words, 2)]
    starts = [span.start for span in spans if _YEAR_NEXT.match(text.plain, span.end)]
    if len(starts) < 2:
        starts = _at_line_starts(text, words) or _numbered(text)
    if len(starts) < 2:
        starts = [span.start for span in spans if _leads_to_paper(span) and len(_shown(text, span).split()) > 3]
    if len(starts) < 2:
        starts = _joined_by_and(text, [span for span in spans if is_paper_link(span.href)])
    if len(starts) < 2:
        return [text]
    return text.parted(starts[1:])


def _joined_by_and(text: Text, spans: Sequence[Span]) -> list[int]:
    """Where linked titles begin that nothing but "and" or a comma parts."""
    runs = [
        (one, two)
        for one, two in pairwise(spans)
        if re.fullmatch(r"[\s,;，；、&]*(?:and|&|和|[,;，；、])[\s,;，；、]*", text.plain[one.end : two.start])
    ]
    return [runs[0][0].start, *(two.start for _, two in runs)] if runs else []


def _shown(text: Text, span: Span) -> str:
    return text.plain[span.start : span.end].strip("[]() ")


def _may_be_title(text: Text, span: Span, words: Words, least: int) -> bool:
    shown = _shown(text, span)
    if len(shown.split()) < least or words.label(shown) is not None or URL.match(shown):
        return False
    mention = words.mention(shown)
    return mention is None or not (mention.known or mention.year)


def _leads_to_paper(span: Span) -> bool:
    return identifiers.of_url(span.href) is not None or span.href.lower().endswith(".pdf")


_LINE_HEAD = re.compile(r"[\s\d.)(*+•·▪–—-]*(?:\[[^\]]{1,25}\]\s*)?$")


def _at_line_starts(text: Text, words: Words) -> list[int]:
    """Where lines begin that each begin with a marked title."""
    if "\n" not in text.plain:
        return []
    starts: list[int] = []
    for span in text.marked("link", "bold"):
        line = text.plain.rfind("\n", 0, span.start) + 1
        if line in starts[-1:] or not _LINE_HEAD.match(EMOJI.sub("", text.plain[line : span.start])):
            continue
        if _may_be_title(text, span, words, 4):
            starts.append(line)
    return starts


_NUMBERED = re.compile(r"^[ \t]*(?:(?:\[(\d{1,4})\]|(\d{1,4})[.、)）])[ \t]*)(?=[^\s\d].{15})", re.MULTILINE)


def _numbered(text: Text) -> list[int]:
    """Where lines begin that are numbered one after another, up or down."""
    found = list(_NUMBERED.finditer(text.plain))
    numbers = [int(one[1] or one[2]) for one in found]
    steps = {two - one for one, two in pairwise(numbers)}
    return [one.start() for one in found] if steps in ({1}, {-1}) else []


def title_spans(text: Text, words: Words) -> list[Span]:
    """The marked runs of a text that may be titles: long enough, and neither labels nor venues."""
    return [span for span in text.marked("link", "bold") if _may_be_title(text, span, words, 3)]


def _is_anchored(text: Text, words: Words) -> bool:
    draft = entries.read(text, words, None)
    return draft is not None and entries.is_anchored(draft)


def _is_citation(text: Text, label: Text, words: Words) -> bool:
    """Whether a nested bullet is a reference that begins with its authors, or with the name that its label has."""
    draft = entries.read(text, words, None)
    if draft is None:
        return False
    name = label.plain.strip().partition(",")[0].partition("[")[0].strip().casefold()
    if (
        sum(word in words.title_words for word in name.split()) > 1
        and len(name.split()) > 4
        and any(is_paper_link(span.href) for span in label.marked("link"))
    ):
        # The label may be a title itself; then what reads like a reference below it is its authors.
        return bool(draft.authors) and any(word in words.title_words for word in draft.title.casefold().split())
    named = 0 < len(name.split()) <= 3 and draft.title.casefold().startswith(f"{name}:") and draft.url is None
    return named or (bool(draft.authors) and draft.title_at > 0)


def lent_address(item: Item, words: Words) -> str | None:
    """The address that the label of a nested citation lends it: of its link to the paper, else of any."""
    text = item.label or Text()
    spans = [span for span in text.marked("link") if is_paper_link(span.href)]
    spans.sort(key=lambda span: words.label(text.plain[span.start : span.end].strip("[]() ")) != "paper")
    return spans[0].href if spans else None


def belongs(text: Text, words: Words) -> bool:
    """Whether a text says more of the title before it (authors, venue, labelled links) and is no entry of its own."""
    if title_spans(text, words) or is_remark(text, words):
        return False
    probe = Draft.of(text, words)
    take_links(probe)
    take_brackets(probe)
    take_identifiers(probe)
    take_venue(probe)
    if authors.read(probe.left.replace(GONE, " "), words.title_words):
        return True
    return not probe.left.replace(GONE, "").strip(" ,.;:|-–—*_()[]")
