"""Knows text with its markup taken out: what was marked, and the blocks that a document is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """A marked run of a Text: [start, end) and what marks it; `href` for links and images."""

    start: int
    end: int
    mark: str  # link, image, bold, italic, code, strike; line where a line of the source ends
    href: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Text without markup, and where the markup was. Line breaks of either sort are newlines."""

    plain: str = ""
    spans: tuple[Span, ...] = ()

    def marked(self, *marks: str) -> tuple[Span, ...]:
        """The spans with one of these marks, in order."""
        return tuple([span for span in self.spans if span.mark in marks]) if self.spans else ()

    def cut(self, start: int, end: int) -> Text:
        """The part [start, end), with the spans that touch it."""
        kept = tuple(
            Span(max(span.start, start) - start, min(span.end, end) - start, span.mark, span.href)
            for span in self.spans
            if (span.start < end and span.end > start) or (span.start == span.end and start <= span.start < end)
        )
        return Text(self.plain[start:end], kept)

    def parted(self, places: Sequence[int]) -> list[Text]:
        """The parts before, between and after `places`, which are in order."""
        parts: list[Text] = []
        held: list[Span] = []
        at = 0
        for start, end in pairwise((0, *places, len(self.plain))):
            while at < len(self.spans) and self.spans[at].start < end:
                held.append(self.spans[at])
                at += 1
            parts.append(Text(self.plain, tuple(held)).cut(start, end))
            held = [span for span in held if span.end > end]
        return parts

    def moved(self, by: int) -> list[Span]:
        """The spans as they are when the text stands so far behind the start of another."""
        return [Span(span.start + by, span.end + by, span.mark, span.href) for span in self.spans]

    def __bool__(self) -> bool:
        return bool(self.plain.strip()) or any(span.mark != "line" for span in self.spans)


def joined(texts: Sequence[Text]) -> Text:
    """One Text of several, each on a line of its own."""
    if len(texts) == 1:
        return texts[0]
    plain: list[str] = []
    spans: list[Span] = []
    length = 0
    for text in texts:
        if plain:
            plain.append("\n")
            length += 1
        spans += text.moved(length)
        plain.append(text.plain)
        length += len(text.plain)
    return Text("".join(plain), tuple(spans))


@dataclass(slots=True)
class Block:
    """One block of a document; lines count from 1, both ends included.

    `kind`: heading (with `level`: 1 to 6, from 7 the summary of a folded part), end (of a folded part, with its
    `level`), paragraph, item (a bullet or number, with `children`), row (with `cells` and the `header` of its table),
    fence, code (indented), html, comment, rule.
    """

    kind: str
    line: int
    last_line: int
    text: Text = Text()
    level: int = 0
    cells: tuple[Text, ...] = ()
    header: tuple[Text, ...] = ()
    table: int = 0
    children: tuple[Block, ...] = field(default=())


_BLANKS = re.compile(r"[ \t]{3,}")


class Builder:
    """Collects plain text and the spans over it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.spans: list[Span] = []
        self.opened: list[tuple[str, int, str]] = []

    def add(self, text: str) -> None:
        """Goes on with `text`; a long run of blanks says no more than two."""
        if "   " in text:
            text = _BLANKS.sub("  ", text)
        if text:
            self.parts.append(text)
            self.length += len(text)

    def open(self, mark: str, href: str = "") -> None:
        """What follows is marked."""
        self.opened.append((mark, self.length, href))

    def close(self, mark: str) -> None:
        """The innermost mark of this sort ends here."""
        for at in range(len(self.opened) - 1, -1, -1):
            if self.opened[at][0] == mark:
                _, start, href = self.opened.pop(at)
                if self.length > start or mark == "link":
                    self.spans.append(Span(start, self.length, mark, href))
                return

    def image(self, src: str, alt: str) -> None:
        """An image stands here: a mark of no width."""
        self.spans.append(Span(self.length, self.length, "image", f"{src}\n{alt}"))

    def line(self) -> None:
        """A line of the source ends here: a line break, unless a tag made one just before."""
        if not (self.parts and self.parts[-1].endswith("\n")):
            self.add("\n")
        self.spans.append(Span(self.length, self.length, "line"))

    def append(self, text: Text) -> None:
        """Goes on with a Text, marks and all."""
        self.spans += text.moved(self.length)
        self.add(text.plain)

    def text(self) -> Text:
        """What has been collected."""
        for mark, start, href in self.opened:
            if mark == "link" and self.length > start:
                self.spans.append(Span(start, self.length, mark, href))
        self.opened.clear()
        return Text("".join(self.parts), tuple(sorted(self.spans, key=lambda span: (span.start, -span.end))))
