"""Knows where and when a work was published, as its line says: venue and date between separators or in one bracket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from refsync import venues
from refsync.formats.survey.drafts import EDGE, GONE, Draft
from refsync.formats.survey.words import Words
from refsync.venues import dated, shaped

# The characters that may begin a match stand first, so that the others are passed over at once.
SEPARATOR = re.compile(
    rf"[{GONE}\n|;.,:@\s，。；：](?:(?<=[{GONE}\n|;])[{GONE}\n|;]*|(?<=\.)(?=\s|$|[A-Za-z]{{2,}}\s*['’]?\d{{2}})"
    r"|(?<=,)(?:(?!\d)|(?=(?:19|20)\d\d(?!\d)))|(?<=\s)[-–—·•:]\s|(?<=[，。；：])|(?<=[?!]\s)|(?<=:)\s|(?<=\s)/\s|(?<=\s@))"
)
_YEAR_FIRST = re.compile(r"^((?:19|20)\d\d)(?:[./](1[0-2]|0?[1-9]))?[\s:,-]+(?=[^\W\d])")
_RANK = re.compile(r"(?i)^(?:ccf|core|sci|ei|jcr|q)[\s-]*[a-d1-4*]*\*?$|^(?:none|n/?a|-)$")
_STATUS_FIRST = re.compile(r"^(?:preprint|in press|to appear|accepted)\W+", re.IGNORECASE)
_PARTS = re.compile(r"\s*[,;|]\s*")


def take_compound(out: Draft, inner: str) -> bool:
    """Understands "2022-EMNLP, CCF-B", "VLDB 2021 from Tim Kraska", "2023 Biophysics Reviews": venue and date with words."""
    text, year, month = inner, None, None
    if first := _YEAR_FIRST.match(inner):
        text, year, month = inner[first.end() :], int(first[1]), int(first[2]) if first[2] else None
    parts = [part for part in _PARTS.split(text) if part and not _RANK.match(part)]
    probe = Draft(text=out.text, words=out.words, left="")
    unknown: list[str] = []
    bare = False
    for part in parts:
        if only := only_date(_STATUS_FIRST.sub("", part)):
            probe.year, probe.month = only
            bare = True
        elif not (take_mention(probe, part) or _take_leading(probe, part)) and out.words.label(part) is None:
            unknown.append(part)
    year = probe.year or year
    if probe.venue is None and len(unknown) == 1:
        left, told, told_month = dated(unknown[0])
        year, month = year or told, month or told_month
        rest = " ".join(left.split()).strip(EDGE + "()[]")
        if not year:
            return False
        if out.words.is_group(rest) and "@" not in rest:
            return False
        if rest.casefold() in out.words.title_words:
            return False
        if rest[:1].isupper() and 1 <= len(rest.split()) <= 7 and not re.search(r"[.!?]\s", rest):
            probe.venue = rest
            unknown = []
    if bare and not unknown and probe.venue is None and out.year is None:
        out.year, out.month = year, probe.month or month
        return True
    if probe.venue is None or (year is None and not probe.venue_known) or len(unknown) > 1:
        return False
    if unknown and (len(unknown[0].split()) > 4 or (year is None and len(unknown[0].split()) > 2)):
        return False
    if out.venue is None or (probe.venue_known and not out.venue_known):
        out.venue, out.venue_known = probe.venue, probe.venue_known
    if out.year is None:
        out.year, out.month = year, probe.month or month
    out.ratings += probe.ratings
    return True


def _take_leading(out: Draft, text: str) -> bool:
    """Understands a known venue with words behind it: "NAACL 2022 Technical Track"."""
    words = text.split()
    for count in range(min(len(words) - 1, 8), 0, -1):
        found = out.words.mention(" ".join(words[:count]))
        if found is not None and found.known and found.sure:
            return take_mention(out, " ".join(words[:count]))
    return False


def take_mention(out: Draft, text: str, *, expected: bool = False) -> bool:
    """Understands `text` as venue and date. An unknown acronym counts only with a year or where one is `expected`."""
    found = out.words.mention(text)
    if found is None or not (found.known or found.year or expected):
        if expected and (dated := only_date(text)):
            out.year, out.month = out.year or dated[0], out.month or dated[1]
            return True
        return False
    if not found.known and not expected and not found.year:
        return False
    if not found.known and expected and not found.year and text != text.upper():
        return False
    if out.venue is None or (found.known and not out.venue_known):
        out.venue, out.venue_known = found.short, found.known
    elif found.short not in {out.venue, "arXiv"} and out.venue == "arXiv":
        out.venue = found.short  # published beats preprint
    if found.year and (out.year is None or found.short == out.venue):
        out.year, out.month = found.year, found.month
    if found.award:
        out.ratings.append(found.award)
    return True


def only_date(text: str) -> tuple[int, int | None] | None:
    """(year, month) of a text that is a date and nothing else."""
    rest, year, month = dated(text)
    return (year, month) if year and not rest.strip(EDGE + "[]()'’") else None


def take_venue(out: Draft) -> None:
    """Understands the venue and year that stand between separators in the text that is left."""
    parts = _segments(out.left)
    while found := next(_mentions(out, parts), None):
        start, end = found
        if not take_mention(out, out.left[start:end]):
            break
        out.blank(start, end)
        parts = _segments(out.left)
    for start, end in parts:
        piece = out.left[start:end]
        if piece.casefold() in out.words.status and len(piece) > 4:
            out.blank(start, end)  # "Preprint", "In press": how far it has come, not where
            continue
        if out.venue is None and out.title and len(piece) > 3 and (named := out.words.mention(piece)) and named.known:
            take_mention(out, piece)
            out.blank(start, end)
            continue
        if out.venue is None and out.title and shaped(piece) and not piece.isupper():
            out.venue = piece
            out.blank(start, end)
            continue
        if first := _YEAR_IN_CHINESE.match(piece):
            out.year = out.year or int(first[1])
            out.blank(start, start + first.end())
            continue
        if dated := only_date(out.left[start:end]):
            out.year, out.month = out.year or dated[0], out.month or dated[1]
            out.blank(start, end)


_YEAR_IN_CHINESE = re.compile(r"((?:19|20)\d\d)\s*(?=[\u4e00-\u9fff])")


def _mentions(out: Draft, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of up to three neighbouring parts of the text that is left that name a venue, the longest first."""
    all_parts = len(parts) <= 24
    if not all_parts:
        parts = [*parts[:16], *parts[-8:]]  # between them is prose
    # In prose about a work an acronym with a year is a benchmark as often as a venue.
    in_prose = len(out.left.replace(GONE, "")) > 150
    signs = [venues.signs(out.left[start:end], out.words.beside) for start, end in parts] if all_parts else []
    for width in (2, 1) if in_prose else (3, 2, 1):
        for at in range(len(parts) - width + 1):
            if signs and venues.are_other(signs[at : at + width]):
                continue
            start, end = parts[at][0], parts[at + width - 1][1]
            piece = out.left[start:end]
            if end - start <= 160 and GONE not in piece.strip(GONE) and is_mention(out.words, piece):
                mention = out.words.mention(piece)
                if mention is not None and (mention.known or not in_prose):
                    yield start, end


def is_mention(words: Words, text: str) -> bool:
    """Whether running text is, as a whole, a venue: one the table knows, or an acronym with a year."""
    found = words.mention(text)
    return found is not None and ((found.known and found.sure) or (not found.known and found.year is not None))


def _segments(left: str) -> list[tuple[int, int]]:
    """[start, end) of the parts of a text between its separators."""
    parts: list[tuple[int, int]] = []
    start = 0
    for stop, after in [*map(re.Match.span, SEPARATOR.finditer(left)), (len(left), len(left))]:
        if start < stop and (piece := left[start:stop].rstrip(EDGE)):
            end = start + len(piece)
            parts.append((end - len(piece.lstrip(EDGE)), end))
        start = after
    return parts
