"""Knows Markdown: the blocks of a list with their lines, and the marked text inside each. The one door of markdown-it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """A marked run of a Text: [start, end) and what marks it; `href` for links and images."""

    start: int
    end: int
    mark: str  # link, image, bold, italic, code, strike, heading
    href: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Text without markup, and where the markup was. Line breaks of either sort are newlines."""

    plain: str = ""
    spans: tuple[Span, ...] = ()

    def marked(self, *marks: str) -> tuple[Span, ...]:
        """The spans with one of these marks, in order."""
        return tuple(span for span in self.spans if span.mark in marks)

    def cut(self, start: int, end: int) -> Text:
        """The part [start, end), with the spans that touch it."""
        kept = tuple(
            replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if (span.start < end and span.end > start) or (span.start == span.end and start <= span.start < end)
        )
        return Text(self.plain[start:end], kept)

    def __bool__(self) -> bool:
        return bool(self.plain.strip() or self.spans)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document; lines count from 1, both ends included.

    `kind`: heading (with `level`), paragraph, item (a bullet or number, with `children`), row (with `cells` and the
    `header` of its table), fence, html, rule.
    """

    kind: str
    line: int
    last_line: int
    text: Text = Text()
    level: int = 0
    ordered: bool = False
    cells: tuple[Text, ...] = ()
    header: tuple[Text, ...] = ()
    table: int = 0
    children: tuple[Block, ...] = field(default=())


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    # Deeper than any list is nested, and far from the depth at which Python would stop.
    return MarkdownIt("commonmark", {"maxNesting": 200}).enable(["table", "strikethrough"])


_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a Markdown text, in order."""
    front = _FRONT_MATTER.match(text)
    if front and ":" in front[0]:
        text = "\n" * front[0].count("\n") + text[front.end() :]
    tokens = _parser().parse(text)
    return tuple(_blocks(tokens, 0, len(tokens)))


def _blocks(tokens: Sequence[Any], start: int, end: int) -> Iterator[Block]:
    at = start
    while at < end:
        token = tokens[at]
        close = _close(tokens, at) if token.nesting == 1 else at
        line, last = (token.map[0] + 1, token.map[1]) if token.map else (0, 0)
        kind = token.type
        if kind == "heading_open":
            yield Block("heading", line, last, text=inline(tokens[at + 1]), level=int(token.tag[1]))
        elif kind == "paragraph_open":
            yield Block("paragraph", line, last, text=inline(tokens[at + 1]))
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            yield from _items(tokens, at + 1, close, ordered=kind.startswith("ordered"), level=1)
        elif kind == "blockquote_open":
            yield from _blocks(tokens, at + 1, close)
        elif kind == "table_open":
            yield from _rows(tokens, at + 1, close, line)
        elif kind in {"fence", "code_block"}:
            yield Block("fence", line, last, text=Text(token.content))
        elif kind == "html_block":
            yield Block("html", line, last, text=Text(token.content))
        elif kind == "hr":
            yield Block("rule", line, last)
        at = close + 1


def _close(tokens: Sequence[Any], at: int) -> int:
    level = tokens[at].level
    at += 1
    while not (tokens[at].nesting == -1 and tokens[at].level == level):
        at += 1
    return at


def _items(tokens: Sequence[Any], start: int, end: int, *, ordered: bool, level: int) -> Iterator[Block]:
    at = start
    while at < end:
        close = _close(tokens, at)
        line, last = tokens[at].map[0] + 1, tokens[at].map[1]
        inner = list(_item_children(tokens, at + 1, close, level))
        # The first paragraph is the item's own text; what follows are its children.
        own = inner.pop(0).text if inner and inner[0].kind == "paragraph" else Text()
        yield Block("item", line, last, text=own, level=level, ordered=ordered, children=tuple(inner))
        at = close + 1


def _item_children(tokens: Sequence[Any], start: int, end: int, level: int) -> Iterator[Block]:
    at = start
    while at < end:
        token = tokens[at]
        close = _close(tokens, at) if token.nesting == 1 else at
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            yield from _items(tokens, at + 1, close, ordered=token.type.startswith("ordered"), level=level + 1)
        else:
            yield from _blocks(tokens, at, close + 1)
        at = close + 1


def _rows(tokens: Sequence[Any], start: int, end: int, table: int) -> Iterator[Block]:
    header: tuple[Text, ...] = ()
    cells: list[Text] = []
    line = 0
    for at in range(start, end):
        token = tokens[at]
        if token.type == "tr_open":
            cells, line = [], token.map[0] + 1
        elif token.type == "inline":
            cells.append(inline(token))
        elif token.type == "tr_close":
            if not header:
                header = tuple(cells)
            yield Block("row", line, line, cells=tuple(cells), header=header, table=table)


_MARKS = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}
_TAG_MARKS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "bold", "code": "code", "a": "link"}


def inline(token: Any) -> Text:
    """The Text of an inline token: one pass over its children."""
    builder = _Builder()
    for child in token.children or ():
        kind = child.type
        if kind == "text":
            builder.add(child.content)
        elif kind in {"softbreak", "hardbreak"}:
            builder.add("\n")
        elif kind in _MARKS:
            builder.open(_MARKS[kind])
        elif kind in {"strong_close", "em_close", "s_close", "link_close"}:
            builder.close({"strong": "bold", "em": "italic", "s": "strike", "link": "link"}[kind[:-6]])
        elif kind == "link_open":
            builder.open("link", str(child.attrs.get("href", "")))
        elif kind == "code_inline":
            builder.open("code")
            builder.add(child.content)
            builder.close("code")
        elif kind == "image":
            builder.image(str(child.attrs.get("src", "")), child.content)
        elif kind == "html_inline":
            builder.tags.feed(child.content)
    return builder.text()


def of_html(source: str) -> Text:
    """The Text of a piece of HTML."""
    builder = _Builder()
    builder.tags.feed(source)
    builder.tags.close()
    return builder.text()


class _Builder:
    """Collects plain text and the spans over it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.spans: list[Span] = []
        self.opened: list[tuple[str, int, str]] = []
        self.muted = 0
        self.tags = _Tags(self)

    def add(self, text: str) -> None:
        if text and not self.muted:
            self.parts.append(text)
            self.length += len(text)

    def open(self, mark: str, href: str = "") -> None:
        self.opened.append((mark, self.length, href))

    def close(self, mark: str) -> None:
        for at in range(len(self.opened) - 1, -1, -1):
            if self.opened[at][0] == mark:
                _, start, href = self.opened.pop(at)
                if self.length > start or mark == "link":
                    self.spans.append(Span(start, self.length, mark, href))
                return

    def image(self, src: str, alt: str) -> None:
        self.spans.append(Span(self.length, self.length, "image", f"{src}\n{alt}"))

    def text(self) -> Text:
        for mark, start, href in self.opened:
            if mark == "link" and self.length > start:
                self.spans.append(Span(start, self.length, mark, href))
        plain = "".join(self.parts)
        return Text(plain, tuple(sorted(self.spans, key=lambda span: (span.start, -span.end))))


class _Tags(HTMLParser):
    """Inline HTML: line breaks, links, marks and images count; superscripts are footnote marks and are dropped."""

    def __init__(self, builder: _Builder) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = builder

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"br", "p", "div", "li", "tr"}:
            self.builder.add("\n")
        elif tag == "img":
            self.builder.image(values.get("src") or "", values.get("alt") or "")
        elif tag == "sup":
            self.builder.muted += 1
        elif tag in _TAG_MARKS and (tag != "a" or values.get("href")):
            self.builder.open(_TAG_MARKS[tag], values.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "sup":
            self.builder.muted = max(0, self.builder.muted - 1)
        elif tag in _TAG_MARKS:
            self.builder.close(_TAG_MARKS[tag])

    def handle_data(self, data: str) -> None:
        self.builder.add(data)
