"""Knows headings: the title of a list, what a heading gives to all under it, and headings that are works themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from refsync.formats.survey import bullets
from refsync.formats.survey.drafts import EMOJI
from refsync.formats.survey.links import is_paper_link
from refsync.formats.survey.text import Block, Span, Text, joined
from refsync.formats.survey.words import Words, plain_word

PSEUDO = 20  # the level of a bold paragraph that heads what follows: below everything else


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


def heading_text(text: str) -> str:
    """A heading as a topic: one line, without numbers, emoji and marks at its ends."""
    return " ".join(EMOJI.sub(" ", text).split()).strip(" :：#*") or " ".join(text.split())


def is_pseudo(blocks: Sequence[Block], at: int, words: Words) -> bool:
    """Whether a paragraph is a heading in all but markup: bold, short and over works; bold and a venue; or but a year."""
    block = blocks[at]
    if block.kind != "paragraph":
        return False
    text = block.text
    plain = text.plain.strip()
    if not plain or "\n" in plain or len(plain) > 90:
        return False
    if _YEAR.fullmatch(plain):
        return at + 1 < len(blocks) and blocks[at + 1].kind in {"item", "row"}
    marked = text.marked("bold")
    if not marked or sum(span.end - span.start for span in _outermost(marked)) < len(plain) - 4:
        return False
    if any(not span.href.startswith("#") for span in text.marked("link")):
        return False
    shown = heading_text(plain)
    if any(words.of_heading(shown)) and len(shown.split()) <= 4:
        return True
    following = next(
        (
            one
            for one in blocks[at + 1 :]
            if (one.kind not in {"rule", "comment"} and one.text.plain.strip()) or one.kind == "row"
        ),
        None,
    )
    if following is None or len(shown.split()) > 8 or bullets.is_pair(following, words):
        return False
    if following.kind == "item" and bullets.is_remark(following.text, words):
        return False
    if following.kind in {"row", "item"}:
        return not bullets.belongs(following.text, words) or following.kind == "row"
    return following.kind == "paragraph" and bool(bullets.title_spans(following.text, words))


_YEAR = re.compile(r"(?:19|20)\d\d")


def _outermost(spans: Sequence[Span]) -> list[Span]:
    out: list[Span] = []
    for span in spans:
        if not out or span.start >= out[-1].end:
            out.append(span)
    return out


@dataclass(frozen=True, slots=True)
class Titled:
    """A heading that is a work: its text with what belongs to it, and how many blocks that is."""

    text: Text
    last_line: int
    taken: frozenset[int]


_ABSTRACT = re.compile(r"\W*(?:abstract|tl;?dr|authors?|摘要|作者)\b", re.IGNORECASE)
_DATED = re.compile(r"[(\[（【]([^()\[\]（）【】]{3,40})[)\]）】]\W*$")


def titled(blocks: Sequence[Block], words: Words) -> dict[int, Titled]:
    """The headings that are works, by their place: "### Title (VENUE YEAR)", with a link, an abstract or authors below.

    What a level of headings is, its majority decides: a lone heading that may be a title is a topic.
    """
    signs: dict[int, int] = {}
    found: dict[int, Titled] = {}
    leaves: dict[int, list[int]] = {}
    for at, block in enumerate(blocks):
        if block.kind != "heading" or not block.text.plain.strip():
            continue
        leaves.setdefault(block.level, []).append(at)
        sign = _sign(block, words)
        one = _under(blocks, at, words, sure=sign > 2) if sign or len(block.text.plain.split()) > 3 else None
        if one is not None:
            found[at] = one
            signs[at] = sign + _leads(blocks, at, words)
    chosen: dict[int, Titled] = {}
    for places in leaves.values():
        clear = [at for at in places if signs.get(at, 0) > 0]
        for at in clear:
            if signs[at] > 1 or len(clear) * 2 > len(places) or (signs[at] and len(clear) > 4):
                chosen[at] = found[at]
    return chosen


def _sign(block: Block, words: Words) -> int:
    """How clearly a heading's own text is a title: 3 with a link that says so, 2 as a link or with a venue and its year."""
    text = block.text
    plain = " ".join(EMOJI.sub(" ", text.plain).split())
    if plain_word(plain) in words.noise or len(plain.split()) < 4:
        return 0
    covered = [
        span for span in text.marked("link") if span.end - span.start > len(plain) * 0.7 and is_paper_link(span.href)
    ]
    if covered:
        return 2
    labels = [
        span for span in text.marked("link") if words.label(text.plain[span.start : span.end].strip("[]() ")) == "paper"
    ]
    if any(is_paper_link(span.href) for span in labels):
        return 3
    dated = _DATED.search(plain)
    mention = words.mention(dated[1]) if dated else None
    if mention and (mention.known or mention.year) and len(plain[: dated.start() if dated else 0].split()) > 3:
        return 2 if mention.known and mention.year else 1
    return 0


def _leads(blocks: Sequence[Block], at: int, words: Words) -> int:
    """1 when the first thing below a heading is what a title is followed by: authors, links, an abstract."""
    following = blocks[at + 1] if at + 1 < len(blocks) else None
    if following is None or len(blocks[at].text.plain.split()) < 3:
        return 0
    leads = bullets.is_pair(following, words) or (
        following.kind in {"paragraph", "item"}
        and bool(_ABSTRACT.match(following.text.plain) or bullets.belongs(following.text, words))
        and (bool(following.text.plain.strip()) or bool(following.text.marked("link")))
    )
    return int(leads)


def _title_end(text: Text, words: Words) -> int:
    """Where the title of a heading ends: before its labelled links and the emoji at its end."""
    end = min(
        (span.start for span in text.marked("link") if words.label(text.plain[span.start : span.end].strip("[]() "))),
        default=len(text.plain),
    )
    return len(EMOJI.sub(lambda found: " " * len(found[0]), text.plain[:end]).rstrip(" [("))


def _is_work(text: Text, words: Words) -> bool:
    """Whether a bullet below a heading is a work: a linked title, or a bold one at its head."""
    head = len(text.plain) - len(text.plain.lstrip())
    return any(
        is_paper_link(span.href) if span.mark == "link" else span.start <= head + 2
        for span in bullets.title_spans(text, words)
    )


def _under(blocks: Sequence[Block], at: int, words: Words, *, sure: bool) -> Titled | None:
    """The heading with what belongs to it, None when works or headings stand below it."""
    block = blocks[at]
    plain = block.text.plain
    own = Text(plain, (*block.text.spans, Span(0, _title_end(block.text, words), "bold")))
    texts, last, taken = [own], block.last_line, set()
    for place in range(at + 1, len(blocks)):
        one = blocks[place]
        if one.kind in {"heading", "end"}:
            if one.kind == "heading" and block.level < one.level < 7:
                return None
            break
        if sure and one.kind in {"row", "item"}:
            continue
        if one.kind == "row":
            return None
        if one.kind not in {"item", "paragraph"}:
            continue
        if one.kind == "item" and (venue := bullets.venue_of_remark(one.text, words)):
            texts.append(venue)
            last = one.last_line
            taken.add(place)
        elif bullets.is_pair(one, words) or (not one.children and bullets.belongs(one.text, words)):
            texts.append(one.text)
            last = one.last_line
            taken.add(place)
        elif (one.kind == "item" and _is_work(one.text, words)) or (
            one.kind == "paragraph" and place > at + 1 and bullets.title_spans(one.text, words) and not taken
        ):
            return None
    return Titled(joined(texts), last, frozenset(taken))
