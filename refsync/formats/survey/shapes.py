"""Knows how the title of an entry is marked: quotes, a link, bold type, or nothing but its place.

Each shape is a small recogniser that says where the title stands, or None. The shapes of a section vote, because
neighbours are written alike; an entry that the winner does not fit falls back on the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from refsync.formats.survey.drafts import GONE, URL, Draft
from refsync.formats.survey.heads import MARGIN
from refsync.formats.survey.links import take_links
from refsync.formats.survey.text import Span, Text
from refsync.formats.survey.unmarked import authored, first_unmarked, plain, plain_end, reference
from refsync.formats.survey.words import Words

_OPENING = re.compile(r"[\"“„«「『](?<![^\W_].)")
_OPEN, _CLOSE = '"“„«「『', '"”“»」』'


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
    nickname = plain[:opening].strip(MARGIN + "?[]")
    if named := _NAMED.match(plain, 0, opening):
        # "**CREST:** Yibing Song, Chao Ma. "Title."": a nickname, then the authors.
        out.aka = named[1].strip(MARGIN + "?[]") or None
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
    text = inner.strip(MARGIN + "[]()")
    if not text or out.words.label(text) or URL.match(text) or not any(c.isalpha() for c in text):
        return None
    before = plain[: span.start].strip(MARGIN + GONE)
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
    start = span.start + len(inner) - len(inner.lstrip(MARGIN))
    return start, span.start + len(inner.rstrip(MARGIN))


def _after_nickname(out: Draft, span: Span, text: str, *, bracketed: bool) -> tuple[int, int] | None:
    """A marked nickname: "**[DaViT]** DaViT: Dual ..." drops it, "[DISTMM](..): Accelerating ..." keeps it."""
    if len(text.split()) > 4:
        return None
    probe = Draft.of(out.text, out.words)
    take_links(probe)
    end = plain_end(probe, span.end)
    following = out.text.plain[span.end : end].strip(MARGIN)
    if len(following.split()) < 2:
        return None
    out.aka = text
    if bracketed:
        out.blank(span.start, span.end)
        start = out.text.plain.index(following[0], span.end)
        return start, end
    return span.start, end


SHAPES: Mapping[str, Callable[[Draft], tuple[int, int] | None]] = {
    "quoted": quoted,
    "linked": linked,
    "bold": bold,
    "reference": reference,
    "authored": authored,
    "plain": plain,
}


def first(text: Text, words: Words) -> tuple[str, Draft, tuple[int, int]] | None:
    """The first of SHAPES that finds a title in a text, the draft as it left it, and where the title stands."""
    out = Draft.of(text, words)
    for name in ("quoted", "linked", "bold"):
        if (found := SHAPES[name](out)) is not None:
            return name, out, found
    return first_unmarked(out)
