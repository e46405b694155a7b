"""Knows Markdown: the blocks of a list with their lines, and the marked text inside each. The one door of markdown-it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

from refsync.formats.survey.hypertext import Hypertext, Marks
from refsync.formats.survey.text import Block, Builder, Text, Unread

Env = dict[str, Any]  # what markdown-it remembers of a document beside its blocks


@cache
def _parsers() -> tuple[Any, Any]:
    """The parser of blocks, which leaves what stands inside them alone, and the parser of that."""
    from markdown_it import MarkdownIt

    class Verbatim(MarkdownIt):
        """Addresses stay as they are written; those that would run a script are no links."""

        def normalizeLink(self, url: str) -> str:
            return url

    # Deeper than any list is nested, and far from the depth at which Python would stop.
    outer, inner = (Verbatim("commonmark", {"maxNesting": 200}).enable(["table", "strikethrough"]) for _ in range(2))
    return outer.disable(["inline", "text_join"]), inner


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


_DEEPEST = 30  # alternations of HTML and Markdown without an empty line between them; the rest stays HTML


def _read(text: str, before: int, page: Hypertext, depth: int) -> None:
    """Reads Markdown that begins after `before` lines into `page`, which holds what HTML is still open."""
    env: Env = {}
    tokens = _parsers()[0].parse(text, env)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        close = _close(tokens, at) if token.nesting == 1 else at
        if token.type == "html_block":
            line = before + token.map[0] + 1
            source, markdown = _divided(token.content) if depth < _DEEPEST else (token.content, "")
            page.read(source, line)
            if markdown:
                _read(markdown, line - 1 + source.count("\n"), page, depth + 1)
        elif token.type == "code_block" and page.table is not None:
            page.read(token.content, before + token.map[0] + 1)  # tags that are indented like code
        else:
            if token.type == "heading_open" and page.table is not None:
                page.end()  # a table that nobody closed
            for block in _blocks(tokens, at, close + 1, before, env):
                if not page.take(block):
                    page.out.append(block)
        at = close + 1


_MARKDOWN = re.compile(r"^ {0,3}(?:[-*+] |\d{1,4}[.)] |\||#{1,6} |\[|\*\*)", re.MULTILINE)


def _divided(source: str) -> tuple[str, str]:
    """HTML, and the Markdown that follows its last tag without the empty line that Markdown asks for."""
    if "<table" in source or "<!--" in source or "<pre" in source:
        return source, ""
    for tag in re.finditer(r">[ \t]*\n", source):
        if found := _MARKDOWN.match(source, tag.end()):
            return source[: found.start()], source[found.start() :]
    return source, ""


def _blocks(tokens: Sequence[Any], start: int, end: int, before: int, env: Env) -> Iterator[Block]:
    at = start
    while at < end:
        token = tokens[at]
        close = _close(tokens, at) if token.nesting == 1 else at
        line, last = (before + token.map[0] + 1, before + token.map[1]) if token.map else (0, 0)
        kind = token.type
        if kind == "heading_open":
            yield Block("heading", line, last, source=_unread(tokens[at + 1], env), level=int(token.tag[1]))
        elif kind == "paragraph_open":
            yield Block("paragraph", line, last, source=_unread(tokens[at + 1], env))
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            yield from _items(tokens, at + 1, close, before, env, ordered=kind.startswith("ordered"), level=1)
        elif kind == "blockquote_open":
            yield from _blocks(tokens, at + 1, close, before, env)
        elif kind == "table_open":
            yield from _rows(tokens, at + 1, close, before, env)
        elif kind in {"fence", "code_block"}:
            yield Block("fence", line, last, source=Text(token.content))
        elif kind == "html_block":
            yield Block("html", line, last, source=Text(token.content))
        elif kind == "hr":
            yield Block("rule", line, last)
        at = close + 1


def _close(tokens: Sequence[Any], at: int) -> int:
    level = tokens[at].level
    at += 1
    while not (tokens[at].nesting == -1 and tokens[at].level == level):
        at += 1
    return at


def _items(
    tokens: Sequence[Any], start: int, end: int, before: int, env: Env, *, ordered: bool, level: int
) -> Iterator[Block]:
    at = start
    while at < end:
        close = _close(tokens, at)
        line, last = before + tokens[at].map[0] + 1, before + tokens[at].map[1]
        inner = list(_item_children(tokens, at + 1, close, before, env, level))
        # The first paragraph is the item's own text; what follows are its children.
        own = inner.pop(0).source if inner and inner[0].kind == "paragraph" else Text()
        yield Block("item", line, last, source=own, level=level, ordered=ordered, children=tuple(inner))
        at = close + 1


def _item_children(tokens: Sequence[Any], start: int, end: int, before: int, env: Env, level: int) -> Iterator[Block]:
    at = start
    while at < end:
        token = tokens[at]
        close = _close(tokens, at) if token.nesting == 1 else at
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            yield from _items(
                tokens, at + 1, close, before, env, ordered=token.type.startswith("ordered"), level=level + 1
            )
        else:
            yield from _blocks(tokens, at, close + 1, before, env)
        at = close + 1


def _rows(tokens: Sequence[Any], start: int, end: int, before: int, env: Env) -> Iterator[Block]:
    header: tuple[Unread, ...] = ()
    cells: list[Unread] = []
    line = table = 0
    for at in range(start, end):
        token = tokens[at]
        if token.type == "tr_open":
            cells, line = [], before + token.map[0] + 1
        elif token.type == "inline":
            cells.append(_unread(token, env))
        elif token.type == "tr_close":
            if not table:
                header, table = tuple(cells), line
            yield Block("row", line, line, row=tuple(cells), head=header, table=table)


_MARKS = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}
_CLOSES = {"strong_close": "bold", "em_close": "italic", "s_close": "strike", "link_close": "link"}


def _unread(token: Any, env: Env) -> Unread:
    return Unread(partial(inline, token.content, env))


_MARKUP = re.compile(r"[\n\\`~*_\[!<&\x00]")


def inline(content: str, env: Env) -> Text:
    """The Text of what stands inside a block; `env` knows the links that the document defines elsewhere."""
    if not _MARKUP.search(content):
        builder = Builder()
        builder.add(content)
        return builder.text()
    (token,) = _parsers()[1].parseInline(content, env)
    builder = Builder()
    tags: Marks | None = None
    for child in token.children or ():
        kind = child.type
        if kind == "html_inline":
            tags = tags or Marks(builder)
            tags.feed(child.content)
        elif tags is not None and tags.muted:
            continue
        elif kind == "text":
            builder.add(child.content)
        elif kind in {"softbreak", "hardbreak"}:
            builder.line()
        elif kind in _MARKS:
            builder.open(_MARKS[kind])
        elif kind in _CLOSES:
            builder.close(_CLOSES[kind])
        elif kind == "link_open":
            builder.open("link", str(child.attrs.get("href", "")))
        elif kind == "code_inline":
            builder.open("code")
            builder.add(child.content)
            builder.close("code")
        elif kind == "image":
            builder.image(str(child.attrs.get("src", "")), child.content)
    return builder.text()
