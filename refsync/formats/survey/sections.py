"""Knows how a list is divided: headings, what stands under each, and which lines belong to one entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from refsync.formats.survey import authors, entries, fields
from refsync.formats.survey.markup import Block, Span, Text, of_html
from refsync.formats.survey.words import Words, plain_word


@dataclass(slots=True)
class Item:
    """One candidate for an entry: its text, or its row, and its lines (from 1, both ends included)."""

    container: str  # paragraph, item, row
    text: Text
    line: int
    last_line: int
    row: Block | None = None
    label: Text | None = None
    under: tuple[str, ...] = ()
    why: str = ""


@dataclass(slots=True)
class Section:
    """What stands under one heading. `venue` and `year` are what the headings say for all of it."""

    path: tuple[str, ...]
    level: int
    line: int = 0
    noise: bool = False
    resources: bool = False
    venue: str | None = None
    year: int | None = None
    items: list[Item] = field(default_factory=list)
    others: list[tuple[Block, str]] = field(default_factory=list)


def title_of(blocks: Sequence[Block]) -> Block | None:
    """The heading that is the document's title: the first, when no other stands above or beside it before papers do."""
    headings = [block for block in blocks if block.kind == "heading" and block.text.plain.strip()]
    if not headings:
        return None
    first = headings[0]
    peers = [one for one in headings[1:] if one.level <= first.level]
    if not peers:
        return first
    # Several headings of the first's level: it is still the title when hardly any of the entries stand under it.
    start = blocks.index(first)
    under = 0
    for block in blocks[start + 1 :]:
        if block.kind == "heading":
            break
        under += block.kind in {"item", "row"}
    everywhere = sum(block.kind in {"item", "row"} for block in blocks)
    return first if first.level == 1 and under * 5 <= everywhere else None


def divided(blocks: Sequence[Block], words: Words) -> tuple[str | None, list[Section]]:
    """The title of a document and its sections, in order."""
    title = title_of(blocks)
    venue, year = words.of_heading(title.text.plain) if title else (None, None)
    stack: list[Section] = [Section(path=(), level=0, venue=venue, year=year)]
    sections = [stack[0]]
    at = 0
    while at < len(blocks):
        block = blocks[at]
        if block.kind == "heading":
            if block is not title:
                stack = [one for one in stack if one.level < block.level]
                opened = _opened(block, stack[-1] if stack else Section(path=(), level=0), words)
                stack.append(opened)
                sections.append(opened)
        elif block.kind in {"item", "paragraph", "row"}:
            at = _collect(blocks, at, sections[-1], words)
            continue
        else:
            why = {"fence": "code block", "html": "HTML", "rule": ""}[block.kind]
            if why:
                sections[-1].others.append((block, why))
        at += 1
    name = " ".join(title.text.plain.split()) if title else None
    return name, sections


def heading_text(text: str) -> str:
    """A heading as a topic: one line, without numbers, emoji and marks at its ends."""
    return " ".join(fields.EMOJI.sub(" ", text).split()).strip(" :：#") or " ".join(text.split())


def _opened(block: Block, parent: Section, words: Words) -> Section:
    text = heading_text(block.text.plain)
    form = plain_word(text)
    section = Section(
        path=(*parent.path, text),
        level=block.level,
        line=block.line,
        noise=parent.noise or form in words.noise,
        resources=parent.resources or words.is_of_resources(text),
        venue=parent.venue,
        year=parent.year,
    )
    venue, year = words.of_heading(text)
    section.venue, section.year = venue or section.venue, year or section.year
    return section


def _collect(blocks: Sequence[Block], at: int, section: Section, words: Words) -> int:
    block = blocks[at]
    if block.kind == "row":
        if block.cells != block.header or block.line != block.table:
            section.items.append(Item("row", Text(), block.line, block.last_line, row=block))
        return at + 1
    if block.kind == "paragraph":
        following = at + 1
        pairs: list[Block] = []
        while following < len(blocks) and _is_pair(blocks[following], words):
            pairs.append(blocks[following])
            following += 1
        if pairs and block.text.marked("bold", "link"):
            text = _joined([block.text, *(one.text for one in pairs)])
            section.items.append(Item("paragraph", text, block.line, pairs[-1].last_line))
            return following
        section.items.append(Item("paragraph", block.text, block.line, block.last_line))
        return at + 1
    section.items.extend(_flat(block, words))
    return at + 1


_PAIR = re.compile(r"^\s*([\w ./&-]{2,24}?)\s*(?:[:：]|(?=https?://))\s*(\S*)", re.UNICODE)


def _is_pair(block: Block, words: Words) -> bool:
    """A bullet such as "- Paper: https://..." that says one thing of the paragraph before it."""
    if block.kind != "item" or block.children:
        return False
    if re.match(r"\s*\w[\w -]{1,20}\s*[:：]\s*https?://\S+\s*$", block.text.plain):
        return True
    found = _PAIR.match(block.text.plain)
    return bool(
        found
        and words.label(found[1])
        and (not found[2] or found[2].startswith("http") or block.text.spans or len(found[2]) < 8)
    )


def _joined(texts: Sequence[Text]) -> Text:
    plain: list[str] = []
    spans: list[Span] = []
    length = 0
    for text in texts:
        if plain:
            plain.append("\n")
            length += 1
        spans += [replace(span, start=span.start + length, end=span.end + length) for span in text.spans]
        plain.append(text.plain)
        length += len(text.plain)
    return Text("".join(plain), tuple(spans))


def _flat(block: Block, words: Words) -> Iterator[Item]:
    """The candidates that a bullet and what is nested in it are."""
    own = [block.text]
    nested: list[Block] = []
    last = block.line + max(0, block.text.plain.count("\n"))
    for child in block.children:
        if child.kind == "paragraph":
            own.append(child.text)
            last = child.last_line
        elif child.kind == "html":
            own.append(of_html(child.text.plain))
            last = child.last_line
        elif child.kind == "item":
            if not child.children and _belongs(child.text, words):
                own.append(child.text)
                last = child.last_line
            else:
                nested.append(child)
    text = _joined(own)
    parts = _several(text, words)
    if len(parts) > 1:
        for part in parts:
            yield Item("item", part, block.line, last)
        for child in nested:
            yield from _flat(child, words)
        return
    inner = [item for child in nested for item in _flat(child, words)]
    if text and nested and all(_is_citation(child.text, words) for child in nested):
        # "* Lab [[Paper]](..)" over "* Authors, Title, Venue": the child is the entry, the label lends it its link.
        if len(inner) == 1 and not any(fields.is_paper_link(span.href) for span in inner[0].text.marked("link")):
            inner[0].label = text
        yield Item("item", text, block.line, last, why="label of the reference below")
        yield from inner
        return
    if text and inner and not text.spans and not _is_anchored(text, words):
        # A bullet of plain words over bullets of works is a heading of theirs.
        for item in inner:
            item.under = (heading_text(text.plain), *item.under)
        yield Item("item", text, block.line, last, why="heading of the bullets below")
    elif text:
        yield Item("item", text, block.line, last)
    yield from inner


_YEAR_NEXT = re.compile(r"[\s*_]*[(\[]\s*(?:19|20)\d\d\s*[)\]]")


def _several(text: Text, words: Words) -> list[Text]:
    """The works of a bullet that names more than one: each a linked title with its year in brackets."""
    starts = [
        span.start
        for span in text.marked("link")
        if len(text.plain[span.start : span.end].split()) > 1
        and words.label(text.plain[span.start : span.end]) is None
        and _YEAR_NEXT.match(text.plain, span.end)
    ]
    if len(starts) < 2:
        return [text]
    ends = [*starts[1:], len(text.plain)]
    return [text.cut(0 if at == 0 else start, end) for at, (start, end) in enumerate(zip(starts, ends, strict=True))]


def _is_anchored(text: Text, words: Words) -> bool:
    draft = entries.read(text, words, None)
    return draft is not None and entries.is_anchored(draft)


def _is_citation(text: Text, words: Words) -> bool:
    """Whether a nested bullet is a reference that begins with its authors."""
    draft = entries.read(text, words, None)
    return draft is not None and bool(draft.authors) and draft.title_at > 0


def lent_address(item: Item, words: Words) -> str | None:
    """The address that the label of a nested citation lends it: of its link to the paper, else of any."""
    text = item.label or Text()
    spans = [span for span in text.marked("link") if fields.is_paper_link(span.href)]
    spans.sort(key=lambda span: words.label(text.plain[span.start : span.end].strip("[]() ")) != "paper")
    return spans[0].href if spans else None


def _belongs(text: Text, words: Words) -> bool:
    """Whether a nested bullet says more of its parent (authors, venue, labelled links) and is no entry of its own."""
    probe = fields.draft(text, words)
    fields.take_links(probe)
    titles = [span for span in text.marked("link", "bold") if len(text.plain[span.start : span.end].split()) > 2]
    if titles:
        return False
    fields.take_brackets(probe)
    fields.take_identifiers(probe)
    fields.take_venue(probe)
    if authors.read(probe.left.replace(fields.GONE, " "), words.title_words):
        return True
    return not probe.left.replace(fields.GONE, "").strip(" ,.;:|-–—*_()[]")
