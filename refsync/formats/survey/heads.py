"""Knows what stands before a title and within its mark without being a part of it: numbers, dates, tags, venues."""

from __future__ import annotations

import re

from refsync.formats.survey.brackets import take_bracket
from refsync.formats.survey.drafts import BRACKETS, EMOJI, GONE, Draft, inside
from refsync.formats.survey.published import only_date, take_compound, take_mention
from refsync.venues import dated

MARGIN = " \t\n,;:|-–—·•*_" + GONE
_NUMBER = re.compile(r"\s*(?:\(?(?!(?:19|20)\d\d)\d{1,4}[.)、](?:\s+|(?=[^\W\d_]{3}))|(?:\d{1,3}\s*[|｜]|[-*•▪●○])\s+)")
_REFERENCE_NUMBER = re.compile(r"\[(?!(?:19|20)\d\d\])\d{1,4}\]")
_DATED = re.compile(
    r"\s*(?P<year>(?:19|20)\d\d)(?:[./](?P<month>1[0-2]|0?[1-9]))?\s*[-–—:：|]\s*(?:(?P<venue>[^-–—\s][^-–—]{0,24}?)[-–—]\s*)?(?=\S)"
)


def heads(out: Draft, start: int = 0) -> int:
    """Understands what stands before the title (number, emoji, [VENUE], 2021-VENUE-, [tag]); where the title starts."""
    while True:
        left = out.left
        at = start + len(left[start:]) - len(left[start:].lstrip(MARGIN))
        if number := _NUMBER.match(left, at):
            out.blank(number.start(), number.end())
        elif emoji := EMOJI.match(left, at):
            out.blank(emoji.start(), emoji.end())
        elif reference := _REFERENCE_NUMBER.match(left, at):
            out.blank(reference.start(), reference.end())
        elif left[at : at + 1] in "[(【" and left[at : at + 1] and (bracket := BRACKETS.match(left, at)):
            inner = inside(bracket)
            after = left[bracket.end() :].strip(MARGIN)
            if not after or not take_bracket(
                out, inner.strip(), bracket.start(), bracket.end(), square=bracket[0][0] != "("
            ):
                return at
            out.blank(bracket.start(), bracket.end())
        elif ((dated := _DATED.match(left, at)) and _take_dated(out, dated)) or (
            (short := _SHORT_DATED.match(left, at)) and _take_short_dated(out, short)
        ):
            pass
        else:
            return at
        start = at


_SHORT_DATED = re.compile(r"\s*(?P<year>\d\d)[-_–](?P<venue>[A-Z][A-Za-z]*[A-Z][\w&+]*|[A-Z]{2,}\w*)[-_–]\s*(?=\S)")


def _take_short_dated(out: Draft, short: re.Match[str]) -> bool:
    """Understands "16-ATC-"."""
    if not take_mention(out, f"{short['venue']} '{short['year']}", expected=True):
        return False
    out.blank(short.start(), short.end())
    return True


def _take_dated(out: Draft, dated: re.Match[str]) -> bool:
    """Understands "2021-VENUE-" and "2021.05-". The middle is a venue only if it is shaped like one."""
    end = dated.end()
    venue = dated["venue"]
    if venue:
        found = out.words.mention(venue)
        if found and (found.known or venue.replace(" ", "").isupper()):
            take_mention(out, venue, expected=True)
        else:
            end = dated.start("venue")
    out.year = int(dated["year"])
    out.month = int(dated["month"]) if dated["month"] else None
    out.blank(dated.start(), end)
    return True


def peeled(out: Draft, start: int, end: int) -> tuple[int, int]:
    """A marked title without the brackets inside its mark: "[DCN] Deep & Cross Network (Stanford 2017)"."""
    plain = out.text.plain
    for pattern, take in ((_DATED, _take_dated), (_SHORT_DATED, _take_short_dated)):
        found = pattern.match(plain, start, end)
        if found and found.end() < end and found[0].rstrip()[-1:] in "-–" and take(out, found):
            start = found.end()
    first = BRACKETS.match(plain, start, end)
    inner = inside(first).strip() if first else ""
    if first and plain[first.end() : end].strip(MARGIN) and (first[0][0] in "[【" or only_date(inner)):
        if not take_mention(out, inner, expected=first[0][0] in "(（"):
            out.aka = out.aka or inner or None
        out.blank(start, first.end())
        start = first.end()
    for last in list(BRACKETS.finditer(plain, start, end))[-1:]:
        inner = inside(last).strip()
        rest, year, month = dated(inner)
        if plain[last.end() : end].strip(MARGIN + ".") or not year or last.start() <= start:
            continue
        mention = out.words.mention(inner)
        named = mention is not None and mention.known and take_mention(out, inner)
        in_link = any(span.start <= last.start() < span.end for span in out.text.marked("link"))
        if not named and not in_link and not (rest.strip(MARGIN + "()[]").isupper() and " " not in rest.strip()):
            named = take_compound(out, inner)
        if not named:
            out.year, out.month = out.year or year, out.month or month
            out.group = out.group or rest.strip(MARGIN) or None
        out.blank(last.start(), end)
        end = last.start()
    return start, end
