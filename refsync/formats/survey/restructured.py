"""Knows reStructuredText: the same blocks as of Markdown. The one door of docutils."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from refsync.formats.survey.text import Block, Builder, Text


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a reStructuredText list, in order; what docutils cannot parse is left to be told as not understood."""
    from docutils import nodes
    from docutils.core import publish_doctree

    settings = {
        "report_level": 5,
        "halt_level": 5,
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "_disable_config": True,
        "doctitle_xform": False,
        "sectsubtitle_xform": False,
    }
    document = publish_doctree(text, settings_overrides=settings)
    return tuple(_Reader(nodes, text.split("\n")).blocks(document, 0))


class _Reader:
    """Walks a document tree of docutils, whose nodes know their lines only now and then."""

    def __init__(self, nodes: Any, lines: list[str]) -> None:
        self.nodes = nodes
        self.lines = lines
        self.seen = 0  # the last line that was found: text is looked for from here on

    def blocks(self, node: Any, level: int) -> Iterator[Block]:
        """The blocks below a node."""
        nodes = self.nodes
        for child in node.children:
            if isinstance(child, nodes.system_message):
                continue  # what docutils says of the text, not the text
            if isinstance(child, nodes.section):
                yield from self.blocks(child, level + 1)
            elif isinstance(child, nodes.title):
                line, last = self._place(child)
                yield Block("heading", line, last + 1, text=self._text(child), level=max(1, level))
            elif isinstance(child, nodes.paragraph | nodes.term):
                line, last = self._place(child)
                yield Block("paragraph", line, last, text=self._text(child))
            elif isinstance(child, nodes.bullet_list | nodes.enumerated_list):
                yield from self._items(child, 1)
            elif isinstance(child, nodes.footnote | nodes.citation):
                yield from self._item(child, 1)
            elif isinstance(child, nodes.table):
                yield from self._rows(child)
            elif isinstance(child, nodes.literal_block | nodes.comment):
                line, last = self._place(child)
                kind = "comment" if isinstance(child, nodes.comment) else "fence"
                yield Block(kind, line, last, text=Text(child.astext()))
            elif isinstance(child, nodes.Element):
                yield from self.blocks(child, level)

    def _items(self, node: Any, level: int) -> Iterator[Block]:
        for child in node.children:
            yield from self._item(child, level)

    def _item(self, node: Any, level: int) -> Iterator[Block]:
        nodes = self.nodes
        inner: list[Block] = []
        own = Text()
        line = last = 0
        for child in node.children:
            if isinstance(child, nodes.label | nodes.system_message):
                continue
            if isinstance(child, nodes.bullet_list | nodes.enumerated_list):
                inner += self._items(child, level + 1)
            elif isinstance(child, nodes.paragraph) and not line:
                line, last = self._place(child)
                own = self._text(child)
            elif isinstance(child, nodes.Element):
                holder = nodes.container()
                holder.children = [child]
                inner += self.blocks(holder, level)
        if line or inner:
            first = line or inner[0].line
            yield Block(
                "item",
                first,
                max([last, *(one.last_line for one in inner)]),
                text=own,
                level=level,
                children=tuple(inner),
            )

    def _rows(self, table: Any) -> Iterator[Block]:
        nodes = self.nodes
        header: tuple[Text, ...] = ()
        number = 0
        for row in table.findall(nodes.row):
            cells = []
            line, last = 0, 0
            for entry in row.children:
                builder = Builder()
                for child in entry.children:
                    here, end = self._place(child)
                    line, last = line or here, max(last, end)
                    builder.append(self._text(child))
                cells.append(builder.text())
            number = number or line or self.seen
            if isinstance(row.parent, nodes.thead):
                header = tuple(cells)
                yield Block(
                    "row", line or number, max(last, line, number), cells=header, header=header, table=line or number
                )
            else:
                yield Block(
                    "row", line or number, max(last, line, number), cells=tuple(cells), header=header, table=number
                )

    def _place(self, node: Any) -> tuple[int, int]:
        """First and last line of a node: where its first words stand, at or after what was found last."""
        source = node.rawsource or node.astext()
        wanted = next((line.strip() for line in source.split("\n") if line.strip()), "")
        height = len(source.strip().split("\n"))
        for at in range(max(0, self.seen - 1), len(self.lines)):
            if wanted and wanted in self.lines[at]:
                self.seen = at + 1
                return at + 1, min(at + height, len(self.lines))
        first = min(max(1, int(node.line or self.seen or 1)), len(self.lines))
        return first, min(first + height - 1, len(self.lines))

    def _text(self, node: Any) -> Text:
        builder = Builder()
        self._into(node, builder)
        return builder.text()

    def _into(self, node: Any, builder: Builder) -> None:
        nodes = self.nodes
        for child in node.children:
            if isinstance(child, nodes.Text):
                builder.add(str(child))
            elif isinstance(child, nodes.reference):
                builder.open("link", str(child.get("refuri") or f"#{child.get('refid') or child.get('refname') or ''}"))
                self._into(child, builder)
                builder.close("link")
            elif isinstance(child, nodes.strong | nodes.emphasis | nodes.literal):
                mark = (
                    "bold"
                    if isinstance(child, nodes.strong)
                    else "italic"
                    if isinstance(child, nodes.emphasis)
                    else "code"
                )
                builder.open(mark)
                self._into(child, builder)
                builder.close(mark)
            elif isinstance(child, nodes.image):
                builder.image(str(child.get("uri") or ""), str(child.get("alt") or ""))
            elif isinstance(
                child, nodes.footnote_reference | nodes.citation_reference | nodes.superscript | nodes.target
            ):
                continue
            elif isinstance(child, nodes.problematic):
                builder.add(re.sub(r"[`*_|]", "", child.astext()))
            elif isinstance(child, nodes.Element):
                self._into(child, builder)
