"""Reads a survey list in Markdown or reStructuredText: what each line of it says of a work, and what was left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from refsync import collecting
from refsync.formats.survey import (
    apart,
    authors,
    bullets,
    confidence,
    entries,
    headings,
    markup,
    matter,
    restructured,
    sections,
    tables,
    words,
)
from refsync.formats.survey.bullets import Item
from refsync.formats.survey.drafts import EMOJI, GONE, Draft, not_understood
from refsync.formats.survey.links import RANK_PAPER, is_paper_link, take_link
from refsync.formats.survey.sections import Section
from refsync.formats.survey.text import Block, Text
from refsync.formats.survey.words import Words, plain_word
from refsync.model import Account, Reading, Skipped


def read(
    text: str, file: str, tables_folder: Path | None = None, told: Callable[[float], None] = lambda share: None
) -> Reading:
    """The accounts of a list, in document order; `file` is named in each as given, and its ending tells the markup.

    `told` hears now and then how much of the list has been read, 0..1.
    """
    with collecting.paused():
        return _read(text, file, tables_folder, told)


def _read(text: str, file: str, tables_folder: Path | None, told: Callable[[float], None]) -> Reading:
    lexicon = words.load(tables_folder)
    blocks = restructured.blocks(text) if file.lower().endswith((".rst", ".rest")) else markup.blocks(text)
    division = sections.divided(blocks, lexicon)
    lines = text.split("\n")

    def said(section: Section) -> tuple[list[Account], list[Skipped]]:
        sections.collect(section, blocks, division.works, lexicon)
        return _said(section, lexicon, lines, file)

    sizes = [sum(blocks[end - 1].last_line - blocks[at].line for at, end in one.runs) for one in division.sections]
    parts = apart.mapped(said, division.sections, sizes, told)
    accounts = sorted((one for found, _ in parts for one in found), key=lambda one: one.line)
    skipped = [one for _, others in parts for one in others]
    none = matter.around(accounts)
    for at, why in none.items():
        one = accounts[at]
        skipped.append(Skipped(file=file, line=one.line, last_line=one.last_line, why=why, raw=one.raw))
    accounts = [one for at, one in enumerate(accounts) if at not in none]
    skipped += _untold(lines, blocks, accounts, skipped, file)
    return Reading(
        file=file,
        title=division.title,
        topics=tuple(dict.fromkeys(section.path for section in division.sections if section.path)),
        accounts=tuple(accounts),
        skipped=tuple(sorted(skipped, key=lambda one: (one.line, one.last_line))),
    )


def _said(section: Section, lexicon: Words, lines: list[str], file: str) -> tuple[list[Account], list[Skipped]]:
    """What a section says of works, and what of it was left out."""
    accounts: list[Account] = []
    skipped: list[Skipped] = []
    candidates = list(_section(section, lexicon))
    drafts = [draft for _, draft, _, _ in candidates if draft is not None]
    usual = confidence.habits(drafts)
    pages = not section.resources and entries.are_pages(drafts)
    for item, draft, first, why in candidates:
        raw = "\n".join(lines[item.line - 1 : item.last_line]).strip()
        if draft is None:
            skipped.append(Skipped(file=file, line=item.line, last_line=item.last_line, why=why, raw=raw))
        else:
            accounts.append(_account(draft, item, section, file, raw, first, usual, pages=pages))
    for block, why in section.others:
        raw = "\n".join(lines[block.line - 1 : block.last_line]).strip()
        skipped.append(Skipped(file=file, line=block.line, last_line=block.last_line, why=why, raw=raw))
    return accounts, skipped


_DEFINITION = re.compile(
    r"\s*\[[^\]]+\]:|\s*(?:---|\.\.\.)\s*$|[\s>*+-]*$|(?:\s*</?[a-z][a-z0-9]*(?:\s(?![^<>]*(?:href|src)=)[^<>]*)?/?>\s*)+$"
)


def _untold(
    lines: list[str], blocks: Sequence[Block], accounts: list[Account], skipped: list[Skipped], file: str
) -> list[Skipped]:
    """Runs of lines that are in no entry and in nothing left out: whatever happens to a line, it is told."""
    spans = [(one.line, one.last_line) for one in accounts] + [(one.line, one.last_line) for one in skipped]
    told = {line for first, last in spans for line in range(first, last + 1)}
    for block in blocks:
        if block.kind in {"heading", "rule", "end"}:
            told |= set(range(block.line, block.last_line + 1))
        elif block.kind == "row":
            told |= {block.table, block.table + 1}
    found: list[Skipped] = []
    for number, line in enumerate(lines, 1):
        if number in told or _DEFINITION.match(line):
            continue
        if found and found[-1].last_line == number - 1:
            found[-1] = replace(found[-1], last_line=number, raw=f"{found[-1].raw}\n{line}")
        else:
            found.append(Skipped(file=file, line=number, last_line=number, why="not understood", raw=line.strip()))
    return found


def _section(section: Section, lexicon: Words) -> Iterator[tuple[Item, Draft | None, float, str]]:
    """Each candidate of a section with what it was read as, how sure that is, or why it was left out."""
    if section.noise:
        yield from ((item, None, 0.0, f'under "{section.path[-1]}"') for item in section.items)
        return
    rows = [item for item in section.items if item.row is not None]
    others = [item for item in section.items if item.row is None and not item.why]
    own = {id(item): entries.vote(item.text, lexicon) for item in others}
    votes = Counter(vote.shape for vote in own.values() if vote)
    favourite = votes.most_common(1)[0][0] if votes else None
    read = {id(item): _item(item, section, lexicon, favourite, own[id(item)]) for item in others}
    agreed = sum(draft is not None and entries.is_anchored(draft) for draft, _, _ in read.values())
    bare = sum(why == "bare" for _, _, why in read.values())
    works = Counter(item.container for item in others if read[id(item)][0] is not None and read[id(item)][2] != "bare")
    works["row"] += len(rows)
    read |= _rows(rows, lexicon)
    for item in section.items:
        if item.why:
            yield item, None, 0.0, item.why
            continue
        draft, first, why = read[id(item)]
        if draft is not None and not section.path and not (draft.ids or draft.venue or draft.year or draft.authors):
            draft, why = None, "prose before the first heading"
        elif why == "bare" and works.total() > works[item.container] and bare < works.total():
            # Where the works are bullets or rows, a paragraph without any anchor is prose about them.
            draft, why = None, "prose"
        elif why == "bare" and agreed + bare < 2:
            first = min(first, 0.6)
        yield item, draft, first, why


def _item(
    item: Item, section: Section, lexicon: Words, favourite: str | None, own: entries.Vote | None
) -> tuple[Draft | None, float, str]:
    plain = " ".join(item.text.plain.split())
    if not plain:
        return None, 0.0, "no text"
    links = item.text.marked("link")
    if links and all(span.href.startswith("#") for span in links):
        return None, 0.0, "table of contents"
    if item.container == "paragraph" and plain[:1] == "(" and plain[-1:] == ")":
        return None, 0.0, "caption"
    if item.container == "paragraph" and _are_people(item.text, lexicon):
        return None, 0.0, "names"
    draft = entries.read(item.text, lexicon, favourite, own) if own else None
    if draft is None:
        return None, 0.0, "no title found"
    for role, cell in item.cells:
        tables.take_cell(draft, role, cell)
    if draft.url is None and (address := bullets.lent_address(item, lexicon)):
        take_link(draft, address, RANK_PAPER)
        entries.settle(draft)
    if item.container == "paragraph" and len(not_understood(draft.left[: draft.title_at]).split()) > 1:
        return None, 0.0, "prose"
    anchored = entries.is_anchored(draft)
    linked = any(span.start <= draft.title_at < span.end for span in item.text.marked("link"))
    at_head = linked and item.container == "item" and not plain[: min(draft.title_at, len(plain))].strip("[(*_ -–•")
    prose = not (linked and draft.url and is_paper_link(draft.url)) and (
        lexicon.holds_prose(draft.title) if at_head else _is_prose(plain, draft, lexicon)
    )
    if prose and not (draft.venue or draft.ids or draft.year):
        return None, 0.0, "prose"
    if not (draft.ids or draft.authors or draft.url):
        if _NEWS.match(plain):
            return None, 0.0, "news"
        if not draft.venue and lexicon.holds_prose(draft.title):
            return None, 0.0, "prose"
    if anchored:
        return draft, 0.95 if not draft.comment else 0.8, ""
    if links or len(plain.split()) < 2:
        if section.resources and linked:
            return draft, 0.9, ""
        return (draft, 0.5, "") if draft.links or draft.url else (None, 0.0, "no work found")
    return draft, 0.8, "bare"


_NEWS = re.compile(r"\W*(?:20\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./]20\d\d)\b")


_REMARK = re.compile(r"\s*\([^()]*\)\s*$")


def _are_people(text: Text, lexicon: Words) -> bool:
    """Whether a paragraph is nothing but names: the authors of what stands above it, or people to thank."""
    plain = _REMARK.sub("", text.plain) if text.plain.rstrip().endswith(")") else text.plain
    read = authors.read(plain, lexicon.title_words)
    return read is not None and len(read[0]) > 2


_LABELLED = re.compile(r"\W*([\w ]{3,20}?)\s*[:：]\s")


def _is_prose(plain: str, draft: Draft, lexicon: Words) -> bool:
    """Whether a text talks about the list rather than naming a work."""
    if (
        EMOJI.sub("", plain).rstrip().endswith((":", "：", "。", "！"))
        or len(plain) > 400
        or not any(c.isalpha() for c in plain.partition("(")[0])
    ):
        return True
    if (label := _LABELLED.match(plain)) and plain_word(label[1]) in lexicon.noise:
        return True
    return lexicon.holds_prose(draft.title) or lexicon.holds_prose(draft.left.replace(GONE, " "))


def _rows(rows: list[Item], lexicon: Words) -> dict[int, tuple[Draft | None, float, str]]:
    found: dict[int, tuple[Draft | None, float, str]] = {}
    by_table: dict[int, list[Item]] = {}
    for item in rows:
        assert item.row is not None
        by_table.setdefault(item.row.table, []).append(item)
    for group in by_table.values():
        blocks = [item.row for item in group if item.row is not None]
        if not blocks[0].header and len(blocks) > 1 and tables.is_header(blocks[0].cells, lexicon):
            found[id(group[0])] = (None, 0.0, "header of a table")
            blocks = [replace(block, header=blocks[0].cells) for block in blocks[1:]]
            group = group[1:]
        columns = tables.roles(blocks, lexicon)
        at = columns.index("title") if "title" in columns else -1
        heads = _heading_rows(blocks, at)
        own = {
            row.line: entries.vote(tables.title_of(row.cells[at]), lexicon)
            for row in blocks
            if 0 <= at < len(row.cells) and row.line not in heads
        }
        votes = Counter(vote.shape for vote in own.values() if vote)
        favourite = votes.most_common(1)[0][0] if votes else None
        under: tuple[str, ...] = ()
        for item, row in zip(group, blocks, strict=True):
            if row.line in heads:
                under = (headings.heading_text(row.cells[heads[row.line]].plain),)
                found[id(item)] = (None, 0.0, "heading of the rows below")
                continue
            item.under = under
            draft = tables.read_row(row, columns, lexicon, favourite, own.get(row.line))
            found[id(item)] = (draft, 0.95, "") if draft else (None, 0.0, "table row without a title")
    return found


def _heading_rows(rows: Sequence[Block], title: int) -> dict[int, int]:
    """The rows with a single cell of plain words among rows with several, by their line: the place of that cell."""
    found: dict[int, int] = {}
    filled = [[at for at, cell in enumerate(row.cells) if cell.plain.strip() or cell.marked("link")] for row in rows]
    if sum(len(cells) > 1 for cells in filled) * 2 <= len(rows):
        return found
    for row, cells in zip(rows, filled, strict=True):
        if len(cells) == 1 and cells[0] in {0, title} and not row.cells[cells[0]].marked("link"):
            found[row.line] = cells[0]
    return found


def _account(
    draft: Draft,
    item: Item,
    section: Section,
    file: str,
    raw: str,
    first: float,
    usual: confidence.Habits,
    *,
    pages: bool,
) -> Account:
    venue, year = item.venue or section.venue, item.year or section.year
    if draft.venue is None and venue:
        draft.venue = venue
        draft.inferred.add("venue")
    if year and (draft.year is None or "year" in draft.inferred):
        draft.year = year
        draft.inferred.add("year")
    resource = (pages and entries.is_page(draft)) or entries.is_resource(draft, among_resources=section.resources)
    if resource and draft.url is None:
        draft.url = next(
            (draft.links[label] for label in ("project", "code", *draft.links) if label in draft.links), None
        )
    doubts = [*confidence.of_entry(draft, resource=resource), *([] if resource else confidence.among(draft, usual))]
    comment = "; ".join(filter(None, [draft.comment, *item.remarks])) or None
    return Account(
        file=file,
        line=item.line,
        last_line=item.last_line,
        topic=(*section.path, *item.under),
        title=draft.title,
        aka=draft.aka,
        authors=draft.authors,
        et_al=draft.et_al,
        venue=draft.venue,
        year=draft.year,
        month=draft.month,
        ids=dict(draft.ids),
        url=draft.url,
        links=dict(draft.links),
        group=draft.group,
        tags=tuple(dict.fromkeys(draft.tags)),
        has_code=draft.has_code,
        rating="; ".join(dict.fromkeys(draft.ratings)) or None,
        comment=comment,
        kind="resource" if resource else "paper",
        inferred=tuple(sorted(draft.inferred)),
        confidence=confidence.measured(first, doubts),
        doubts=tuple(doubts),
        raw=raw,
    )
