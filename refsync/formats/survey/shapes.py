"""Knows how the title of an entry is marked: quotes, a link, bold type, or nothing but its place.

Each shape is a small recogniser that says where the title stands, or None. The shapes of a section vote, because
neighbours are written alike; an entry that the winner does not fit falls back on the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from refsync import identifiers
from refsync.formats.survey import authors, fields
from refsync.formats.survey.fields import GONE, Draft
from refsync.formats.survey.text import Span, Text
from refsync.formats.survey.words import Words
from refsync.names import without_et_al
from refsync.venues import dated

_EDGE = " \t\n,;:|-–—·•*_" + GONE
_NUMBER = re.compile(r"\s*(?:\(?(?!(?:19|20)\d\d)\d{1,4}[.)、](?:\s+|(?=[^\W\d_]{3}))|(?:\d{1,3}\s*[|｜]|[-*•▪●○])\s+)")
_REFERENCE_NUMBER = re.compile(r"\[(?!(?:19|20)\d\d\])\d{1,4}\]")
_DATED = re.compile(
    r"\s*(?P<year>(?:19|20)\d\d)(?:[./](?P<month>1[0-2]|0?[1-9]))?\s*[-–—:：|]\s*(?:(?P<venue>[^-–—\s][^-–—]{0,24}?)[-–—]\s*)?(?=\S)"
)
_OPENING = re.compile(r"[\"“„«「『](?<![^\W_].)")
_OPEN, _CLOSE = '"“„«「『', '"”“»」』'


def heads(out: Draft, start: int = 0) -> int:
    """Understands what stands before the title (number, emoji, [VENUE], 2021-VENUE-, [tag]); where the title starts."""
    while True:
        left = out.left
        at = start + len(left[start:]) - len(left[start:].lstrip(_EDGE))
        if number := _NUMBER.match(left, at):
            out.blank(number.start(), number.end())
        elif emoji := fields.EMOJI.match(left, at):
            out.blank(emoji.start(), emoji.end())
        elif reference := _REFERENCE_NUMBER.match(left, at):
            out.blank(reference.start(), reference.end())
        elif left[at : at + 1] in "[(【" and left[at : at + 1] and (bracket := fields.BRACKETS.match(left, at)):
            inner = fields.inside(bracket)
            after = left[bracket.end() :].strip(_EDGE)
            if not after or not fields.take_bracket(
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
    if not fields.take_mention(out, f"{short['venue']} '{short['year']}", expected=True):
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
            fields.take_mention(out, venue, expected=True)
        else:
            end = dated.start("venue")
    out.year = int(dated["year"])
    out.month = int(dated["month"]) if dated["month"] else None
    out.blank(dated.start(), end)
    return True


def quoted(out: Draft) -> tuple[int, int] | None:
    """A title between quotes, at the start or after a nickname or authors."""
    plain = out.text.plain
    quote = _OPENING.search(plain)
    if quote is None:
        return None
    opening = quote.start()
    closings = [
        at for at in range(opening + 2, len(plain)) if plain[at] in _CLOSE and not plain[at + 1 : at + 2].isalnum()
    ]
    ending = next(
        (at for at in closings if plain[at - 1] in ",.?!" or re.match(r"\s*(?:[,.;:|\n\[(*_]|$)", plain[at + 1 :])),
        None,
    )
    if ending is None or len(plain[opening:ending].split()) < 2 or len(plain[:opening].split()) > 30:
        return None
    if ending - opening < 30 and re.match(r"\s*:\s*\w+\s+\w+", plain[ending + 1 :]):
        return None  # "Do Anything Now": the title goes on
    # A quoted word in a plain title ("Lossless" Compression ...) is no quoted title, unless a stop closes it.
    if (
        ending - opening < 20
        and plain[ending - 1] not in ".,"
        and len(plain[ending + 1 :].split()) > 3
        and plain[ending + 1 : ending + 2] == " "
    ):
        return None
    nickname = plain[:opening].strip(_EDGE + "?[]")
    if named := _NAMED.match(plain, 0, opening):
        # "**CREST:** Yibing Song, Chao Ma. "Title."": a nickname, then the authors.
        out.aka = named[1].strip(_EDGE + "?[]") or None
        out.blank(0, named.end())
    elif nickname and len(nickname.split()) <= 4 and plain[:opening].rstrip(" *_").endswith((":", "：")):
        out.aka = nickname
        out.blank(0, opening)
    out.blank(opening, opening + 1)
    out.blank(ending, ending + 1)
    return opening + 1, ending


_NAMED = re.compile(r"([^:：\n]{1,40}?)\s*[:：]\s+(?=\S+[ ,]\s*\S)")


def linked(out: Draft) -> tuple[int, int] | None:
    """A title that is the text of a link, with what follows a nickname that alone is the link."""
    for span in out.text.marked("link"):
        if (found := _marked_title(out, span)) is not None:
            return found
    return None


def bold(out: Draft) -> tuple[int, int] | None:
    """A title in bold type, with what follows a nickname that alone is bold."""
    for span in out.text.marked("bold"):
        if out.words.label(out.text.plain[span.start : span.end].strip("[]() ")):
            continue
        if (found := _marked_title(out, span)) is not None:
            return found
    return None


def _marked_title(out: Draft, span: Span) -> tuple[int, int] | None:
    plain = out.text.plain
    inner = plain[span.start : span.end]
    text = inner.strip(_EDGE + "[]()")
    if not text or out.words.label(text) or fields.URL.match(text) or not any(c.isalpha() for c in text):
        return None
    before = plain[: span.start].strip(_EDGE + GONE)
    mention = out.words.mention(text)
    if mention is not None and (mention.known or mention.year or before):
        return None
    if (
        plain[: span.start].rstrip()[-1:] == "["
        and plain[span.end :].lstrip()[:1] == "]"
        and len(plain[span.end :].split()) > 3
    ):
        return None
    bracketed = inner.strip().startswith("[") and inner.strip().endswith("]")
    after = plain[span.end :]
    goes_on = len(text.split()) <= 4 and re.match(r"\s*[:：]\s*\S", after)
    nickname = bracketed or goes_on or inner.rstrip().endswith((":", "："))
    if nickname and ((found := _after_nickname(out, span, text, bracketed=bracketed)) or bracketed):
        return found
    if len(text.split()) < 2 and before:
        return None
    start = span.start + len(inner) - len(inner.lstrip(_EDGE))
    return start, span.start + len(inner.rstrip(_EDGE))


def _after_nickname(out: Draft, span: Span, text: str, *, bracketed: bool) -> tuple[int, int] | None:
    """A marked nickname: "**[DaViT]** DaViT: Dual ..." drops it, "[DISTMM](..): Accelerating ..." keeps it."""
    if len(text.split()) > 4:
        return None
    probe = fields.draft(out.text, out.words)
    fields.take_links(probe)
    end = plain_end(probe, span.end)
    following = out.text.plain[span.end : end].strip(_EDGE)
    if len(following.split()) < 2:
        return None
    out.aka = text
    if bracketed:
        out.blank(span.start, span.end)
        start = out.text.plain.index(following[0], span.end)
        return start, end
    return span.start, end


def peeled(out: Draft, start: int, end: int) -> tuple[int, int]:
    """A marked title without the brackets inside its mark: "[DCN] Deep & Cross Network (Stanford 2017)"."""
    plain = out.text.plain
    for pattern, take in ((_DATED, _take_dated), (_SHORT_DATED, _take_short_dated)):
        found = pattern.match(plain, start, end)
        if found and found.end() < end and found[0].rstrip()[-1:] in "-–" and take(out, found):
            start = found.end()
    first = fields.BRACKETS.match(plain, start, end)
    inner = fields.inside(first).strip() if first else ""
    if first and plain[first.end() : end].strip(_EDGE) and (first[0][0] in "[【" or fields.only_date(inner)):
        if not fields.take_mention(out, inner, expected=first[0][0] in "(（"):
            out.aka = out.aka or inner or None
        out.blank(start, first.end())
        start = first.end()
    for last in list(fields.BRACKETS.finditer(plain, start, end))[-1:]:
        inner = fields.inside(last).strip()
        rest, year, month = dated(inner)
        if plain[last.end() : end].strip(_EDGE + ".") or not year or last.start() <= start:
            continue
        mention = out.words.mention(inner)
        named = mention is not None and mention.known and fields.take_mention(out, inner)
        in_link = any(span.start <= last.start() < span.end for span in out.text.marked("link"))
        if not named and not in_link and not (rest.strip(_EDGE + "()[]").isupper() and " " not in rest.strip()):
            named = fields.take_compound(out, inner)
        if not named:
            out.year, out.month = out.year or year, out.month or month
            out.group = out.group or rest.strip(_EDGE) or None
        out.blank(last.start(), end)
        end = last.start()
    return start, end


_YEAR_CLOSED = re.compile(r"(?:19|20)\d\d[a-z]?\)?\s*[.,:]\s")
_YEAR_AFTER_NAMES = re.compile(r"\s*[.,]?\s*\(?((?:19|20)\d\d)[a-z]?\)?\s*[.,:]\s+")


_STOP = re.compile(rf"[.?!](?=\s|$|[{GONE}])")


# GB/T 7714 names the sort of a work behind its title: [J] journal, [C] proceedings, [D] thesis, [EB/OL] online.
_SORT_OF_WORK = re.compile(r"\s*\[(?:J|C|M|D|R|N|P|A|S|Z|EB|DB|CP)(?:/OL)?\]\s*[./]{0,2}\s*")


def reference(out: Draft) -> tuple[int, int] | None:
    """A title in a reference string: authors, year, title, each closed by a stop (APA, ACM)."""
    fields.take_links(out)
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
    fields.take_links(out)
    return _authored_at(out, _head(out))


def _head(out: Draft) -> int:
    """Where an unmarked title or its authors begin."""
    fields.take_emoji(out)
    return heads(out)


def _authored_at(out: Draft, start: int) -> tuple[int, int] | None:
    at, people = start, 0
    if " and " in out.left and (inverted := _INVERTED.match(out.left, start)):
        pair = inverted["names"].split(" and ")[0]
        read = None if authors.are_two(pair) else authors.read(inverted["names"], out.words.title_words)
        at, people = (inverted.end(), len(read[0])) if read else (at, 0)
    for found in () if people else _BETWEEN_NAMES.finditer(out.left, start):
        piece = out.left[at : found.start()].strip(_EDGE)
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
    title = out.text.plain[at:end].strip(_EDGE)
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
    fields.take_links(out)
    return _plain_at(out, _head(out))


def _plain_at(out: Draft, start: int) -> tuple[int, int] | None:
    end = plain_end(out, start)
    return (start, end) if out.text.plain[start:end].strip(_EDGE) else None


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
        end = start + len(out.left[start:end].rstrip(_EDGE + "."))
        tail = out.left[start:end]
        shorter = _without_tail(out, tail)
        if shorter is None:
            break
        end = start + shorter
    return start + _without_authors(out, out.text.plain[start:end].rstrip(_EDGE))


# "Title - a remark of some words": a title goes on in capitals after a dash, a remark does not. Two spaces part as well.
_UNDERSTOOD = re.compile(rf"[\[(]?{GONE}+")
_DESCRIBED = re.compile(r"\s(?:[-–—]\s(?=[a-z]+(?:\s+\S+){5})|(?<=\w ) +(?=[A-Z]\w+(?:\s+\S+){7}))")


def _first_break(out: Draft, start: int) -> int:
    """Lines of one paragraph go on, unless the next line is only links and brackets."""
    at = out.left.find("\n", start)
    while at >= 0:
        rest = out.left[at + 1 :].strip(_EDGE + ".")
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
    for found in fields.BRACKETS.finditer(tail):
        last = found
        if last.end() == len(tail):
            inner = fields.inside(last).strip(GONE + " *_`")
            probe = fields.draft(out.text, out.words)
            if last.start() and fields.take_bracket(probe, inner, 0, 0, square=tail[last.start()] in "[【"):
                return last.start()
            if (
                last.start()
                and tail[last.start()] == "（"
                and fields.CHINESE.search(inner)
                and tail[: last.start()].isascii()
            ):
                return last.start()  # a note in Chinese behind a title in English
    for found in (*identifiers.arxiv_texts(tail), *fields.addresses(tail)):
        if found.end() == len(tail):
            return found.start()
    if (gone := tail.find(GONE)) >= 0 and tail[gone:].strip(_EDGE + ".") == "":
        return gone
    if code := fields.code_word(tail):
        return code.start() if re.search(r"[,.;]\s*$", tail[: code.start()]) else None
    lines = max(0, len(tail) - 160)
    for found in fields.SEPARATOR.finditer(tail, lines):
        piece = tail[found.end() :].strip(_EDGE + ".")
        if piece and GONE not in piece and (fields.is_mention(out.words, piece) or fields.only_date(piece)):
            return found.start() + (1 if tail[found.start()] in "?!" else 0)
    if (bar := _BAR.search(tail)) and (
        out.words.is_group(bar[1]) or (bar[0].lstrip()[0] == "|" and len(bar[1].split()) <= 4)
    ):
        return bar.start()
    if year := _YEAR_LAST.search(tail):
        return year.start() if fields.is_mention(out.words, tail[: year.start()].rsplit(" ", 1)[-1]) else None
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
        if comma and not (et_al or others or len(people) > 1) and not (out.left[len(body) :].strip(_EDGE)):
            continue
        if comma and len(people) > 1 and not others and not re.search(r"\band\b|&", suffix) and len(people) < 3:
            continue
        return len(head.rstrip(_EDGE + ".")) if not head.endswith(("?", "!")) else len(head)
    return len(body)


SHAPES: Mapping[str, Callable[[Draft], tuple[int, int] | None]] = {
    "quoted": quoted,
    "linked": linked,
    "bold": bold,
    "reference": reference,
    "authored": authored,
    "plain": plain,
}


def first(text: Text, words: Words) -> tuple[str, Draft, tuple[int, int]] | None:
    """The first of SHAPES that finds a title in a text, the draft as it left it, and where the title stands.

    A shape that finds none leaves behind what the next would do again: the links understood, the head passed over.
    """
    out = fields.draft(text, words)
    for name in ("quoted", "linked", "bold"):
        if (found := SHAPES[name](out)) is not None:
            return name, out, found
    fields.take_links(out)
    rest = out.copied()
    if (found := _referenced(out)) is not None:
        return "reference", out, found
    start = _head(rest)
    if (found := _authored_at(rest, start)) is not None:
        return "authored", rest, found
    return ("plain", rest, found) if (found := _plain_at(rest, start)) is not None else None
