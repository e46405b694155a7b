"""Knows Markdown: the blocks of a list with their lines, and the marked text inside each. The one door of pyromark."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import Any

from refsync.formats.survey.hypertext import Hypertext, Marks, runs_script
from refsync.formats.survey.text import Block, Builder, Text


@cache
def _parser() -> Any:
    import pyromark

    return pyromark.Markdown(options=pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH)


_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)


# "##Title" without a space was a heading on GitHub before 2017, and old lists are full of them; "#12" refers to an issue.
_OLD_HEADING = re.compile(r"^(#{2,6}|#(?=\d?[^\W\d_\n][^\n]*\s|\d\s[^\W\d]))(?=[^\s#!])", re.MULTILINE)


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a Markdown text, in order."""
    front = _FRONT_MATTER.match(text)
    if front and ":" in front[0]:
        text = "\n" * front[0].count("\n") + text[front.end() :]
    page = Hypertext()
    _read(_OLD_HEADING.sub(r"\1 ", text), 0, page, 0)
    page.end()
    return tuple(page.out)


_MOST_TURNS = 30  # alternations of HTML and Markdown without an empty line between them; the rest stays HTML


def _read(text: str, before: int, page: Hypertext, depth: int) -> None:
    """Reads Markdown that begins after `before` lines into `page`, which holds what HTML is still open."""
    for block in _Outline(text, before).blocks():
        if block.kind == "html":
            source, markdown = _divided(block.text.plain) if depth < _MOST_TURNS else (block.text.plain, "")
            page.read(source, block.line)
            if markdown:
                _read(markdown, block.line - 1 + source.count("\n"), page, depth + 1)
        elif block.kind == "code" and page.table is not None:
            page.read(block.text.plain, block.line)  # tags that are indented like code
        else:
            if block.kind == "heading" and page.table is not None:
                page.end()  # a table that nobody closed
            if not page.take(block):
                page.out.append(block)


_MARKDOWN = re.compile(r"^ {0,3}(?:[-*+] |\d{1,4}[.)] |\||#{1,6} |\[|\*\*)", re.MULTILINE)


def _divided(source: str) -> tuple[str, str]:
    """HTML, and the Markdown that follows its last tag without the empty line that Markdown asks for."""
    if "<table" in source or "<!--" in source or "<pre" in source:
        return source, ""
    for tag in re.finditer(r">[ \t]*\n", source):
        if found := _MARKDOWN.match(source, tag.end()):
            return source[: found.start()], source[found.start() :]
    return source, ""


_MARKS = {"Strong": "bold", "Emphasis": "italic", "Strikethrough": "strike", "Link": "link"}
_INLINE = frozenset({*_MARKS, "Image"})
_NESTED = frozenset({"List", "Item", "BlockQuote"})
_NEWLINE = ord("\n")
_DEEPEST = 200  # deeper than any list is nested, and far from the depth at which Python would stop


class _Outline:
    """Markdown as a stream of what begins, ends and stands where, told as blocks.

    The parser says {"Start": what}, {"End": what}, {"Text": words} and the like, `what` being a name or {name: more},
    each with the bytes [start, end) that it covers.
    """

    def __init__(self, text: str, before: int) -> None:
        # Half a pair of surrogates, which no file holds, has no bytes.
        self.source = text.replace("\x00", "\ufffd").encode("utf-8", "replace")
        self.events = iter(_parser().events_with_range(self.source.decode(), merge_text=True))
        self.ahead: Any = None  # what has been seen but not been told yet
        self.before = before
        self.starts = [0, *accumulate(len(line) + 1 for line in self.source.split(b"\n"))]
        self.depth = self.flattened = 0

    def _line(self, byte: int) -> int:
        return self.before + bisect_right(self.starts, byte)

    def _next(self) -> Any:
        if self.ahead is None:
            return next(self.events, None)
        event, self.ahead = self.ahead, None
        return event

    def blocks(self) -> Iterator[Block]:
        """The blocks up to the end of what they stand in."""
        while (event := self._next()) is not None:
            said, where = event
            # Behind a tab a nested list is said to begin with the end of the line before it.
            first = self._line(where["start"] + (self.source[where["start"]] == _NEWLINE))
            last = self._line(where["end"] - 1)
            if said == "Rule":
                yield Block("rule", first, last)
                continue
            if isinstance(said, str) or not ("Start" in said or "End" in said):
                yield self._untold_paragraph(event)
                continue
            if "End" in said:
                if not self.flattened:
                    return
                self.flattened -= 1
                continue
            what = said["Start"]
            name = _name(what)
            if name in _NESTED and self.depth >= _DEEPEST:
                self.flattened += 1
            elif name in _NESTED:
                self.depth += 1
                if name == "Item":
                    yield self._item(first, last)
                else:
                    yield from self.blocks()
                self.depth -= 1
            elif name == "Paragraph":
                yield Block("paragraph", first, last, text=self._closed())
            elif name == "Heading":
                yield Block("heading", first, last, text=self._closed(), level=int(what["Heading"]["level"][1]))
            elif name == "Table":
                yield from self._rows()
            elif name == "CodeBlock":
                kind = "code" if what["CodeBlock"] == "Indented" else "fence"
                yield Block(kind, first, last, text=self._verbatim())
            elif name == "HtmlBlock":
                yield Block("html", first, last, text=self._verbatim())
            else:
                yield self._untold_paragraph(event)

    def _untold_paragraph(self, event: Any) -> Block:
        """Text in a bullet: without an empty line between bullets no paragraph is said to begin."""
        self.ahead = event
        start = event[1]["start"]
        text = self._text()
        return Block("paragraph", self._line(start), self._line(start) + len(text.marked("line")), text=text)

    def _item(self, first: int, last: int) -> Block:
        inner = list(self.blocks())
        # The first paragraph is the item's own text; what follows are its children.
        own = inner.pop(0).text if inner and inner[0].kind == "paragraph" else Text()
        return Block("item", first, last, text=own, children=tuple(inner))

    def _rows(self) -> Iterator[Block]:
        header: tuple[Text, ...] = ()
        table = 0
        while "Start" in (event := self._next())[0]:
            line = self._line(event[1]["start"])
            cells: list[Text] = []
            while "Start" in self._next()[0]:
                cells.append(self._closed())
            if not table:
                header, table = tuple(cells), line
            yield Block("row", line, line, cells=tuple(cells), header=header, table=table)

    def _verbatim(self) -> Text:
        """The text up to the end of a block of code or HTML."""
        parts: list[str] = []
        while "End" not in (said := self._next()[0]):
            parts += said.values()
        return Text("".join(parts))

    def _closed(self) -> Text:
        """The text up to the end of the block that it fills."""
        text = self._text()
        self._next()
        return text

    def _text(self) -> Text:
        """The text up to where a block begins or ends."""
        builder = Builder()
        tags: Marks | None = None
        while (event := self._next()) is not None:
            said = event[0]
            if said.__class__ is str:
                if said == "Rule":
                    break
                if tags is None or not tags.muted:
                    builder.line()
                continue
            ((sort, what),) = said.items()
            if sort == "InlineHtml":
                tags = tags or Marks(builder)
                tags.feed(what)
                continue
            if sort in {"Start", "End"}:
                name = _name(what)
                if name not in _INLINE:
                    break
                if name == "Image":
                    alternative = self._alternative()
                    if tags is None or not tags.muted:
                        builder.image(what["Image"]["dest_url"], alternative)
                    continue
            if tags is not None and tags.muted:
                continue
            if sort == "Text":
                builder.add(what)
            elif sort == "Start":
                href = what["Link"]["dest_url"] if name == "Link" else ""
                if not runs_script(href):
                    builder.open(_MARKS[name], href)
            elif sort == "End":
                builder.close(_MARKS[name])
            elif sort == "Code":
                builder.open("code")
                builder.add(what)
                builder.close("code")
        self.ahead = event
        return builder.text()

    def _alternative(self) -> str:
        """The text in place of an image, up to its end."""
        parts: list[str] = []
        opened = 1
        while opened:
            said = self._next()[0]
            if isinstance(said, str):
                parts.append(" ")
            elif "Start" in said or "End" in said:
                opened += 1 if "Start" in said else -1
            else:
                parts += said.values()
        return "".join(parts)


def _name(what: Any) -> str:
    return what if what.__class__ is str else next(iter(what))
