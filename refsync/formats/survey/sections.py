"""Knows how a list is divided: what stands under which heading, and which blocks are candidates for entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from refsync.formats.survey import bullets, headings
from refsync.formats.survey.bullets import Item
from refsync.formats.survey.headings import heading_text
from refsync.formats.survey.text import Block, Text, joined
from refsync.formats.survey.words import Words, plain_word


@dataclass(slots=True)
class Section:
    """What stands under one heading. `venue` and `year` are what the headings say for all of it.

    `runs` are the [start, end) of its blocks, without headings but those that are works; `others` those of them that
    are no candidates for entries.
    """

    path: tuple[str, ...]
    level: int
    line: int = 0
    noise: bool = False
    resources: bool = False
    venue: str | None = None
    year: int | None = None
    runs: list[tuple[int, int]] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    others: list[tuple[Block, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Division:
    """The title of a document, its sections in order, and the headings in it that are works."""

    title: str | None
    sections: list[Section]
    works: dict[int, headings.Titled]


def divided(blocks: Sequence[Block], words: Words) -> Division:
    """How a document is divided. What stands in a section `collect` tells, of each without the others."""
    title = headings.title_of(blocks)
    venue, year = words.of_heading(title.text.plain) if title else (None, None)
    stack: list[Section] = [Section(path=(), level=0, venue=venue, year=year)]
    sections = [stack[0]]
    works = headings.titled(blocks, words)
    at = 0
    while at < len(blocks):
        block = blocks[at]
        if block is title:
            at += 1
        elif at in works:
            stack = _above(stack, block.level)
            end = next((to for to in range(at + 1, len(blocks)) if blocks[to].kind in {"heading", "end"}), len(blocks))
            stack[-1].runs.append((at, end))
            at = end
        elif block.kind == "heading" or headings.is_pseudo(blocks, at, words):
            level = block.level or headings.PSEUDO
            stack = _above(stack, level)
            stack.append(_opened(block, stack[-1], level, words))
            sections.append(stack[-1])
            if block.kind != "heading":
                stack[-1].others.append((block, "heading"))
            at += 1
        elif block.kind == "end":
            stack = _above(stack, block.level)
            at += 1
        else:
            runs = stack[-1].runs
            start = runs.pop()[0] if runs and runs[-1][1] == at and runs[-1][0] not in works else at
            at += 1
            runs.append((start, at))
    return Division(" ".join(title.text.plain.split()) if title else None, sections, works)


_NO_ENTRIES = {"fence": "code block", "code": "code block", "html": "HTML", "comment": "HTML comment"}


def collect(section: Section, blocks: Sequence[Block], works: Mapping[int, headings.Titled], words: Words) -> None:
    """Finds the candidates for entries in a section, and what else stands there."""
    for start, end in section.runs:
        at = start
        while at < end:
            block = blocks[at]
            if at in works:
                at = _collect_titled(blocks, at, works[at], section, words)
            elif block.kind in {"item", "paragraph", "row"}:
                at = _collect(blocks, at, section, words)
            else:
                if why := _NO_ENTRIES.get(block.kind):
                    section.others.append((block, why))
                at += 1


def _above(stack: list[Section], level: int) -> list[Section]:
    return [one for one in stack if one.level < level or one is stack[0]]


def _opened(block: Block, parent: Section, level: int, words: Words) -> Section:
    text = heading_text(block.text.plain)
    form = plain_word(text)
    venue, year = words.of_heading(text)
    return Section(
        path=parent.path if form in words.unfold or _is_contents(form) else (*parent.path, text),
        level=level,
        line=block.line,
        noise=parent.noise or form in words.noise,
        resources=parent.resources or words.is_of_resources(text),
        venue=venue or parent.venue,
        year=year or parent.year,
    )


def _is_contents(form: str) -> bool:
    return "table of content" in form or form in {"contents", "toc", "目录"}


def _collect_titled(blocks: Sequence[Block], at: int, work: headings.Titled, section: Section, words: Words) -> int:
    """Takes a heading that is a work with what stands below it, up to the next heading."""
    item = Item("heading", work.text, blocks[at].line, work.last_line)
    section.items.append(item)
    place = at + 1
    while place < len(blocks) and blocks[place].kind not in {"heading", "end"}:
        block = blocks[place]
        if block.kind == "item" and place not in work.taken and bullets.cell_of(block.text, words):
            bullets.take_remark(item, block.text, words)
        elif place not in work.taken and block.kind != "rule":
            section.others.append((block, "text under a title"))
        place += 1
    return place


def _collect(blocks: Sequence[Block], at: int, section: Section, words: Words) -> int:
    block = blocks[at]
    if block.kind == "row":
        if block.cells != block.header or block.line != block.table:
            section.items.append(Item("row", Text(), block.line, block.last_line, row=block))
        return at + 1
    if block.kind == "paragraph":
        found = bullets.several(block.text, words)
        if len(found) > 1:
            section.items += _by_lines(block, found)
            return at + 1
        marked = bool(block.text.marked("bold", "link"))
        return _with_following(
            blocks, at, section, words, [Item("paragraph", block.text, block.line, block.last_line)], pairs=marked
        )
    return _with_following(blocks, at, section, words, list(bullets.flat(block, words)), pairs=False)


def _by_lines(block: Block, parts: Sequence[Text]) -> list[Item]:
    items: list[Item] = []
    line = block.line
    for part in parts:
        begin = len(part.plain) - len(part.plain.lstrip())
        end = len(part.plain.rstrip())
        breaks = [span.start for span in part.marked("line")]
        first = line + sum(at <= begin for at in breaks)
        last = line + sum(at <= end for at in breaks)
        items.append(Item("paragraph", part, first, min(last, block.last_line)))
        line += len(breaks)
    return items


def _with_following(
    blocks: Sequence[Block], at: int, section: Section, words: Words, items: list[Item], *, pairs: bool
) -> int:
    """Takes the items of a block, the last of them with the paragraphs and labelled bullets after it that belong to it."""
    following = at + 1
    texts: list[Text] = []
    while following < len(blocks) and items:
        block = blocks[following]
        if pairs and _is_picture(block) and _goes_on(blocks, following + 1, words):
            following += 1
            continue
        if pairs and block.kind == "item" and not block.children and bullets.is_remark(block.text, words):
            venue = bullets.venue_of_remark(block.text, words)
            if venue:
                texts.append(venue)
            else:
                bullets.take_remark(items[-1], block.text, words)
            items[-1].last_line = block.last_line
            following += 1
            continue
        if not (pairs and bullets.is_pair(block, words)) and not (
            block.kind == "paragraph"
            and block.text.plain.strip()
            and len(items[-1].text.plain.split()) > 2
            and not _is_within_page(block.text)
            and not headings.is_pseudo(blocks, following, words)
            and bullets.belongs(block.text, words)
        ):
            break
        texts.append(block.text)
        following += 1
    if texts:
        last = items[-1]
        last.text = joined([last.text, *texts])
        last.last_line = max(last.last_line, blocks[following - 1].last_line)
    section.items += items
    return following


def _is_picture(block: Block) -> bool:
    return block.kind == "paragraph" and not block.text.plain.strip() and bool(block.text.marked("image"))


def _goes_on(blocks: Sequence[Block], at: int, words: Words) -> bool:
    """Whether labelled bullets follow."""
    return at < len(blocks) and (
        bullets.is_pair(blocks[at], words) or (blocks[at].kind == "item" and bullets.is_remark(blocks[at].text, words))
    )


def _is_within_page(text: Text) -> bool:
    """Whether a text only leads elsewhere in the page: "back to top"."""
    links = text.marked("link")
    return bool(links) and all(span.href.startswith("#") for span in links)
