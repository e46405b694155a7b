"""Knows titles that nothing marks: in a reference string, behind authors, or before the venue that closes a line."""

from __future__ import annotations

import re

from refsync import identifiers
from refsync.formats.survey import authors
from refsync.formats.survey.brackets import CHINESE, take_bracket
from refsync.formats.survey.drafts import BRACKETS, GONE, Draft, addresses, code_word, inside, take_emoji
from refsync.formats.survey.heads import MARGIN, heads
from refsync.formats.survey.links import take_links
from refsync.formats.survey.published import SEPARATOR, is_mention, only_date
from refsync.names import without_et_al

_YEAR_CLOSED = re.compile(r"(?:19|20)\d\d[a-z]?\)?\s*[.,:]\s")
_YEAR_AFTER_NAMES = re.compile(r"\s*[.,]?\s*\(?((?:19|20)\d\d)[a-z]?\)?\s*[.,:]\s+")
_STOP = re.compile(rf"[.?!](?=\s|$|[{GONE}])")
# GB/T 7714 names the sort of a work behind its title: [J] journal, [C] proceedings, [D] thesis, [EB/OL] online.
_SORT_OF_WORK = re.compile(r"\s*\[(?:J|C|M|D|R|N|P|A|S|Z|EB|DB|CP)(?:/OL)?\]\s*[./]{0,2}\s*")


def reference(out: Draft) -> tuple[int, int] | None:
    """A title in a reference string: authors, year, title, each closed by a stop (APA, ACM)."""
    take_links(out)
    return _referenced(out)


def _referenced(out: Draft) -> tuple[int, int] | None:
    start = heads(out)
    if (sort := _SORT_OF_WORK.search(out.left, start)) and len(out.left[start : sort.start()].split()) > 2:
        stop = next(
            (
                found
                for found in re.finditer(r"\.\s+(?=\S)", out.left[start : sort.start()])
                if authors.read(out.left[start : start + found.start()], out.words.title_words)
            ),
            None,
        )
        out.blank(sort.start(), sort.end())
        begin = start + stop.end() if stop else start
        return begin, begin + len(out.text.plain[begin : sort.start()].rstrip())
    year = _YEAR_AFTER_NAMES.search(out.left, start) if _YEAR_CLOSED.search(out.left, start) else None
    if (
        year is None
        or year.start() == start
        or authors.read(out.left[start : year.start()], out.words.title_words) is None
    ):
        return None
    stop = _STOP.search(out.left, year.end())
    end = stop.start() + (stop[0] != ".") if stop else plain_end(out, year.end())
    return (year.end(), end) if len(out.text.plain[year.end() : end].split()) > 1 else None


def authored(out: Draft) -> tuple[int, int] | None:
    """A title without a mark that follows its authors: names from the left, up to the first part that is none."""
    take_links(out)
    return _authored_at(out, _head(out))


def _head(out: Draft) -> int:
    """Where an unmarked title or its authors begin."""
    take_emoji(out)
    return heads(out)


def _authored_at(out: Draft, start: int) -> tuple[int, int] | None:
    at, people = start, 0
    if " and " in out.left and (inverted := _INVERTED.match(out.left, start)):
        pair = inverted["names"].split(" and ")[0]
        read = None if authors.are_two(pair) else authors.read(inverted["names"], out.words.title_words)
        at, people = (inverted.end(), len(read[0])) if read else (at, 0)
    for found in () if people else _BETWEEN_NAMES.finditer(out.left, start):
        piece = out.left[at : found.start()].strip(MARGIN)
        if GONE in piece or " " not in piece or not authors.is_name(piece, out.words.title_words):
            break
        people += 1
        at = found.end()
        if found["stop"] is not None or found["end"] is not None:
            break
    # One name alone may be a nickname: it takes "et al.", or a reference that goes on to a venue.
    alone = people == 1 and (_ET_AL.search(out.left[start:at]) or _CITED.search(out.left, at))
    if people < 2 and (not alone or any(map(str.isupper, _LONG_WORD.findall(out.left, start, at)))):
        return None
    if people < 2 and out.left[start:at].rstrip().endswith(":"):
        return None
    end = plain_end(out, at)
    title = out.text.plain[at:end].strip(MARGIN)
    if len(title.split()) < 2 or title[:1].islower():
        return None
    # "Dan Moe. Another Work Altogether." and "Another Work. Dan Q. Moe.": of two that may be names the shorter is one.
    if authors.is_name(title, out.words.title_words) and (
        people > 1 or len(title.split()) <= len(out.left[start:at].split())
    ):
        return None
    return at, end


_BETWEEN_NAMES = re.compile(
    r"\s*,?\s*(?:et\.? al\.?|and others)\s*[,.:]?\s+(?P<stop>)|,\s*(?:and|&)\s+|,\s+|\s+(?:and|&)\s+|(?<=\w\w)(?:\.|:)\s+(?P<end>)"
)
# "Yang, Jianchao and Wright, John, Title" and "Salvador, Jordi, and Eduardo Pérez-Pellitero, Title".
_FAMILY, _GIVEN = r"[^\W\d_][^,;.&\d]{0,30}?", r"[A-Z][^,;&\d]{0,30}?"
_INVERTED = re.compile(
    rf"(?P<names>(?:{_FAMILY}, {_GIVEN} and )+{_FAMILY}, {_GIVEN}"
    rf"|{_FAMILY}, {_GIVEN}(?:, {_GIVEN} [^,;&\d]{{1,30}})*,? and {_GIVEN} [^,;&\d]{{1,30}}?)(?:, |\. (?=[A-Z]))"
)
_LONG_WORD = re.compile(r"\w\w+")
_ET_AL = re.compile(r"(?i)et\.? al|and others")
# A reference goes on to a venue or an identifier; a title with a comma in it does not.
_CITED = re.compile(r"(?i)arxiv|\b(?:19|20)\d\d\b")


def plain(out: Draft) -> tuple[int, int] | None:
    """A title without a mark: what remains between the head and the venue, year, authors and links at the end."""
    take_links(out)
    return _plain_at(out, _head(out))


def _plain_at(out: Draft, start: int) -> tuple[int, int] | None:
    end = plain_end(out, start)
    return (start, end) if out.text.plain[start:end].strip(MARGIN) else None


def plain_end(out: Draft, start: int) -> int:
    """Where an unmarked title that begins at `start` ends: the line is read from its right end."""
    end = len(out.left)
    newline = _first_break(out, start)
    end = min(end, newline)
    # What stands before a labelled link is the title; what follows it is about the work.
    prose = _DESCRIBED.search(out.left, start, end)
    if prose and len(out.left[start : prose.start()].split()) > (
        1 if len(out.left[prose.end() : end].split()) < 9 else 0
    ):
        end = prose.start()
    label = _UNDERSTOOD.search(out.left, start, end)
    if label and len(out.left[start : label.start()].split()) > 1:
        end = label.start()
    while True:
        end = start + len(out.left[start:end].rstrip(MARGIN + "."))
        tail = out.left[start:end]
        shorter = _without_tail(out, tail)
        if shorter is None:
            break
        end = start + shorter
    return start + _without_authors(out, out.text.plain[start:end].rstrip(MARGIN))


# "Title - a remark of some words": a title goes on in capitals after a dash, a remark does not. Two spaces part as well.
_UNDERSTOOD = re.compile(rf"[\[(]?{GONE}+")
_DESCRIBED = re.compile(r"\s(?:[-–—]\s(?=[a-z]+(?:\s+\S+){5})|(?<=\w ) +(?=[A-Z]\w+(?:\s+\S+){7}))")


def _first_break(out: Draft, start: int) -> int:
    """Lines of one paragraph go on, unless the next line is only links and brackets."""
    at = out.left.find("\n", start)
    while at >= 0:
        rest = out.left[at + 1 :].strip(MARGIN + ".")
        if authors.read(rest.partition("\n")[0].partition(GONE)[0].split(". ")[0], out.words.title_words):
            return at
        if not _ONLY_LINKS.sub("", rest):
            return at
        at = out.left.find("\n", at + 1)
    return len(out.left)


_ONLY_LINKS = re.compile(rf"\[[^\]]*\]|[{GONE}\s|,]")
_BAR = re.compile(r"\s[|–—]\s+([^|–—]{2,60})$")
_YEAR_LAST = re.compile(r"\s\(?(?:19|20)\d\d\)?$")


def _without_tail(out: Draft, tail: str) -> int | None:
    """Length of `tail` without its last bracket, identifier, venue, year or code word; None when it has none."""
    for found in BRACKETS.finditer(tail):
        last = found
        if last.end() == len(tail):
            inner = inside(last).strip(GONE + " *_`")
            probe = Draft.of(out.text, out.words)
            if last.start() and take_bracket(probe, inner, 0, 0, square=tail[last.start()] in "[【"):
                return last.start()
            if last.start() and tail[last.start()] == "（" and CHINESE.search(inner) and tail[: last.start()].isascii():
                return last.start()  # a note in Chinese behind a title in English
    for found in (*identifiers.arxiv_texts(tail), *addresses(tail)):
        if found.end() == len(tail):
            return found.start()
    if (gone := tail.find(GONE)) >= 0 and tail[gone:].strip(MARGIN + ".") == "":
        return gone
    if code := code_word(tail):
        return code.start() if re.search(r"[,.;]\s*$", tail[: code.start()]) else None
    lines = max(0, len(tail) - 160)
    for found in SEPARATOR.finditer(tail, lines):
        piece = tail[found.end() :].strip(MARGIN + ".")
        if piece and GONE not in piece and (is_mention(out.words, piece) or only_date(piece)):
            return found.start() + (1 if tail[found.start()] in "?!" else 0)
    if (bar := _BAR.search(tail)) and (
        out.words.is_group(bar[1]) or (bar[0].lstrip()[0] == "|" and len(bar[1].split()) <= 4)
    ):
        return bar.start()
    if year := _YEAR_LAST.search(tail):
        return year.start() if is_mention(out.words, tail[: year.start()].rsplit(" ", 1)[-1]) else None
    return None


_BEFORE_NAMES = re.compile(r"[\s.,](?:(?<=[.?!]\s)\s*|(?<=\.)(?=[A-Z][a-z]+\s)|(?<=,)\s+|(?<=\s)[-–—|]\s)")


def _without_authors(out: Draft, body: str) -> int:
    """Length of `body` without the names that close it."""
    _, et_al = without_et_al(body)
    for found in _BEFORE_NAMES.finditer(body):
        head, suffix = body[: found.start()].rstrip(), body[found.end() :]
        if len(head.split()) < 2 or not suffix.strip():
            continue
        comma = found[0].strip() == ","
        read = authors.read(suffix, out.words.title_words)
        if read is None:
            continue
        people, others = read
        if comma and not (et_al or others or len(people) > 1) and not (out.left[len(body) :].strip(MARGIN)):
            continue
        if comma and len(people) > 1 and not others and not re.search(r"\band\b|&", suffix) and len(people) < 3:
            continue
        return len(head.rstrip(MARGIN + ".")) if not head.endswith(("?", "!")) else len(head)
    return len(body)


def first_unmarked(out: Draft) -> tuple[str, Draft, tuple[int, int]] | None:
    """The first of these shapes that finds a title, the draft as it left it, and where the title stands.

    A shape that finds none leaves behind what the next would do again: the links understood, the head passed over.
    """
    take_links(out)
    rest = out.copied()
    if (found := _referenced(out)) is not None:
        return "reference", out, found
    start = _head(rest)
    if (found := _authored_at(rest, start)) is not None:
        return "authored", rest, found
    return ("plain", rest, found) if (found := _plain_at(rest, start)) is not None else None
