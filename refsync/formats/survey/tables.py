"""Knows tables of papers: which column holds what, by its header and by its content, and a row as an entry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from refsync.formats.survey import authors, entries
from refsync.formats.survey.brackets import take_brackets
from refsync.formats.survey.drafts import EMOJI, GONE, URL, Draft
from refsync.formats.survey.heads import heads
from refsync.formats.survey.links import RANK_PAPER, is_paper_link, take_identifiers, take_link
from refsync.formats.survey.published import only_date, take_mention, take_venue
from refsync.formats.survey.text import Block, Text
from refsync.formats.survey.words import Words

_EMPTY = re.compile(r"^[\s\-–—/*_·.xX×✗✘❌?]*$|^(?:n/?a|none|null|tbd)$", re.IGNORECASE)


def is_header(cells: Sequence[Text], words: Words) -> bool:
    """Whether a row is nothing but names of columns: most of them known ones, none with a link."""
    shown = [cell for cell in cells if cell.plain.strip()]
    known = sum(words.column(cell.plain) is not None for cell in shown)
    return known * 2 > len(shown) > 1 and not any(cell.marked("link") for cell in shown)


def roles(rows: Sequence[Block], words: Words) -> list[str]:
    """The field of each column ("" when nothing tells), for the rows of one table without its header."""
    header = rows[0].header
    width = max((len(row.cells) for row in rows), default=len(header))
    found = [words.column(header[at].plain) or "" if at < len(header) else "" for at in range(width)]
    columns = [[row.cells[at] for row in rows if at < len(row.cells)] for at in range(width)]
    for at in range(width):
        if not found[at]:
            found[at] = _by_content(columns[at], words)
    titles = [at for at in range(width) if found[at] == "title"]
    if len(titles) > 1:
        best = max(titles, key=lambda at: _titleness(columns[at]))
        for at in titles:
            if at != best:
                found[at] = _by_content(columns[at], words) or (
                    "nickname" if _titleness(columns[at]) < 3 else "comment"
                )
    elif not titles and width:
        best = max(
            range(width),
            key=lambda at: _titleness(columns[at]) if found[at] not in {"authors", "comment", "venue"} else 0,
        )
        if _titleness(columns[best]) >= 3:
            found[best] = "title"
    return found


def _titleness(cells: Sequence[Text]) -> float:
    """Mean number of words of the cells that hold some: titles are long and differ from each other."""
    texts = [cell.plain.strip() for cell in cells if cell.plain.strip()]
    if not texts:
        return 0.0
    distinct = len(set(texts)) / len(texts)
    return distinct * sum(min(len(text.split()), 20) for text in texts) / len(texts)


def _by_content(cells: Sequence[Text], words: Words) -> str:
    texts = [cell.plain.strip() for cell in cells if not _EMPTY.match(cell.plain.strip())]
    if not texts:
        return ""
    votes: Counter[str] = Counter()
    for text in texts:
        if only_date(text):
            votes["year"] += 1
        elif (mention := words.mention(text)) and (mention.known or mention.year):
            votes["venue"] += 1
        elif (kind := words.label(text)) in {"paper", "code", "project"}:
            votes[kind] += 1
        elif authors.read(text, words.title_words) and len(text.split(",")) > 1:
            votes["authors"] += 1
    role, count = votes.most_common(1)[0] if votes else ("", 0)
    return role if count * 2 > len(texts) else ""


def read_row(
    row: Block, columns: Sequence[str], words: Words, favourite: str | None, own: entries.Vote | None
) -> Draft | None:
    """The entry that a row is, None when its title cell holds none."""
    at = columns.index("title") if "title" in columns else -1
    if at < 0 or at >= len(row.cells) or not row.cells[at]:
        return None
    out = entries.read(title_of(row.cells[at]), words, favourite, own) if own else None
    if out is None:
        return None
    for role, cell in zip(columns, row.cells, strict=False):
        if role != "title" and not (_EMPTY.match(cell.plain.strip()) and not cell.spans):
            take_cell(out, role, cell)
    entries.settle(out)
    return out


def title_of(cell: Text) -> Text:
    """A cell without the bold type that only stresses a part of its title."""
    if len(cell.plain.split()) > 30:
        return cell  # a title with prose behind it
    lines = cell.plain.count("\n")
    linked = sum(span.end - span.start for span in cell.marked("link"))
    shown = len(cell.plain.strip()) - linked
    stressed = [
        span
        for span in cell.marked("bold", "italic")
        if not lines
        and (span.end - span.start) < 0.6 * shown
        and cell.plain[span.start : span.end].strip("[]() ")
        and "[" not in cell.plain[span.start : span.end]
    ]
    return Text(cell.plain, tuple(span for span in cell.spans if span not in stressed)) if stressed else cell


def take_cell(out: Draft, role: str, cell: Text) -> None:
    """Takes what a cell in a column of this role says."""
    text = " ".join(cell.plain.split())
    links = [span for span in cell.marked("link") if span.href]
    if role == "venue":
        _take_venue_cell(out, cell, text)
    elif role in {"year", "date"}:
        if dated := only_date(text):
            if out.year is None or "year" in out.inferred or role == "year":
                out.year, out.month = dated
                out.inferred.discard("year")
        elif role == "date":
            _take_venue_cell(out, cell, text)
    elif role == "authors":
        read = authors.read(text, ())
        if read:
            out.authors, out.et_al = read
    elif role == "group":
        out.group = out.group or text or None
    elif role == "nickname":
        out.aka = out.aka or text or None
    elif role == "tags":
        out.tags += [tag for tag in re.split(r"\s*[,;/|]\s*", text) if tag]
    elif role == "comment":
        out.comment = out.comment or text or None
    elif role == "rating":
        out.ratings += [text] if text else []
    _take_cell_links(out, role, cell, links)


def _take_cell_links(out: Draft, role: str, cell: Text, links: Sequence[object]) -> None:
    if not links and role in {"paper", "code", "project", ""}:
        urls = list(URL.finditer(cell.plain))
        for found in urls:
            _take_role_link(out, role, found[0])
        return
    for span in cell.marked("link"):
        label = out.words.label(cell.plain[span.start : span.end])
        if role == "code" and label in {None, "code", "paper"}:
            _take_role_link(out, "code", span.href)
        elif role in {"paper", "venue", ""} and label in {None, "paper"}:
            _take_role_link(out, "paper", span.href)
        elif label or role == "project":
            _take_role_link(out, label or role, span.href)


def _take_role_link(out: Draft, role: str, href: str) -> None:
    if role in {"code", "project"} or not is_paper_link(href):
        kind = "code" if re.search(r"github\.com|gitlab\.com", href) else role or "link"
        out.links.setdefault(kind, href)
        out.has_code = out.has_code or kind == "code"
    elif role in {"paper", ""}:
        take_link(out, href, RANK_PAPER)
    else:
        out.links.setdefault(role, href)


def _take_venue_cell(out: Draft, cell: Text, text: str) -> None:
    text = " ".join(EMOJI.sub(" ", text).split())
    stated = out.year if "year" not in out.inferred else None
    inner = Draft.of(Text(text), out.words)
    if not take_mention(inner, text, expected=True):
        take_identifiers(inner)
        take_brackets(inner)
        take_venue(inner)
        heads(inner)
        left = " ".join(inner.left.replace(GONE, " ").split()).strip(" ,;.()[]")
        if inner.venue is None and left and not any(c.isdigit() for c in left):
            inner.venue = left
    if inner.venue:
        out.venue, out.venue_known = inner.venue, inner.venue_known
    if inner.year and stated is None:
        out.year, out.month = inner.year, inner.month
        out.inferred.discard("year")
    out.ratings += inner.ratings
    out.ids = {**inner.ids, **out.ids}
