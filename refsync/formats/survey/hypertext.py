"""Knows the HTML that stands inside lists: tables, folded parts, bullets and headings, as blocks. The one door of HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

from refsync.formats.survey.text import Block, Builder, Text

FOLDED = 7  # the level of the outermost folded part: below every heading of Markdown

_MARKS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "bold", "code": "code", "a": "link"}
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "details", "summary", "dd", "dt"})
_SILENT = frozenset({"script", "style", "sup"})  # superscripts are footnote marks


_SCRIPT = re.compile(r"[\s\x00-\x1f]*(?:javascript|vbscript|data|file):", re.IGNORECASE)


def runs_script(href: str) -> bool:
    """Whether an address would run a script, or open a file, where it is followed."""
    return bool(_SCRIPT.match(href))


class Marks(HTMLParser):
    """Inline HTML into a Builder: line breaks, links, marks and images."""

    def __init__(self, builder: Builder) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = builder
        self.muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A mark opens, a line ends, or an image stands here."""
        if tag in _BREAKS:
            self.builder.add("\n")
        elif tag == "img":
            values = dict(attrs)
            self.builder.image(values.get("src") or "", values.get("alt") or "")
        elif tag in _SILENT:
            self.muted += 1
        elif tag in _MARKS:
            href = dict(attrs).get("href") or ""
            if tag != "a" or (href and not runs_script(href)):
                self.builder.open(_MARKS[tag], href)

    def handle_endtag(self, tag: str) -> None:
        """A mark closes."""
        if tag in _SILENT:
            self.muted = max(0, self.muted - 1)
        elif tag in _MARKS:
            self.builder.close(_MARKS[tag])
        elif tag in {"summary", "p", "div"}:
            self.builder.add("\n")

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self.muted:
            self.builder.add(data)

    def close(self) -> None:
        """Nothing follows: a comment that nobody closed goes as far as the text, as browsers have it.

        HTMLParser looks for its end once more behind each "<!", which takes minutes for a file full of them.
        """
        if self.rawdata.startswith(("<!", "<?")):
            rest, self.rawdata = self.rawdata, ""
            self.handle_comment(rest.removeprefix("<!--"))
        super().close()


def of_html(source: str) -> Text:
    """The Text of a piece of HTML."""
    marks = Marks(Builder())
    marks.feed(source)
    marks.close()
    return marks.builder.text()


class Hypertext(Marks):
    """HTML blocks of a document, fed one after another with Markdown between them; `out` is what they are."""

    def __init__(self) -> None:
        super().__init__(Builder())
        self.out: list[Block] = []
        self.container = "paragraph"
        self.level = 0
        self.folded = 0
        self.bullets = 0
        self.started = 0
        self.base = 0
        self.table: _Table | None = None

    def read(self, source: str, line: int) -> None:
        """Goes on with `source`, which begins at `line`."""
        self.base = line - self.getpos()[0]
        if not self.builder.length:
            self.started = line
        self.feed(source)
        self.close()
        self.clear_cdata_mode()
        self.muted = 0
        if self.table is None or self.table.cell is None:
            self._flush("paragraph")

    def take(self, block: Block) -> bool:
        """Goes on with a block of Markdown, if it stands in a cell of a table."""
        if self.table is None or self.table.cell is None:
            return False
        self.builder.add("\n")
        self.builder.append(block.text)
        for child in block.children:
            self.take(child)
        return True

    def end(self) -> None:
        """Closes whatever is still open."""
        self.close()
        if self.table is not None:
            self._close_table()
        self._flush("paragraph")

    def _line(self) -> int:
        return self.base + self.getpos()[0]

    def _flush(self, following: str, level: int = 0) -> None:
        text = self.builder.text()
        if self.container == "fence":
            self.out.append(Block("fence", self.started, self._line(), text=text))
        elif text and (text.plain.strip() or self.container != "heading"):
            last = max(self.started, self._line())
            self.out.append(Block(self.container, self.started, last, text=text, level=self.level))
        self._start(following, level)

    def _start(self, following: str, level: int = 0) -> None:
        self.builder = Builder()
        self.container, self.level, self.started = following, level, self._line()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block or a mark opens."""
        open_block: Callable[[dict[str, str | None]], None] | None = getattr(self, f"_open_{tag}", None)
        if self.table is not None and self.table.cell is not None and tag not in _OF_TABLES:
            super().handle_starttag(tag, attrs)
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._flush("heading", int(tag[1]))
        elif open_block is not None:
            open_block(dict(attrs))
        elif tag in {"p", "div", "center", "blockquote", "hr"} and self.container == "paragraph":
            self._flush("paragraph")
        else:
            super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """A block or a mark closes."""
        close_block: Callable[[], None] | None = getattr(self, f"_close_{tag}", None)
        if self.table is not None and self.table.cell is not None and tag not in _OF_TABLES:
            super().handle_endtag(tag)
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            if self.container == "heading" and self.level < FOLDED:
                self._flush("paragraph")
        elif close_block is not None:
            close_block()
        elif tag in {"p", "div", "center", "blockquote"} and self.container == "paragraph":
            self._flush("paragraph")
        else:
            super().handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        """Text; a paragraph begins where its first word stands."""
        if not self.builder.length and not self.builder.spans and (shown := data.lstrip()):
            self.started = self._line() + data[: len(data) - len(shown)].count("\n")
            data = shown
        elif not self.builder.length and not data.strip():
            return
        if self.table is not None and self.table.cell is None:
            return  # white space between the cells
        super().handle_data(data)

    def handle_comment(self, data: str) -> None:
        """A comment may hide entries: it is kept, to be told."""
        if self.table is None and data.strip():
            line = self._line()
            self.out.append(Block("comment", line, line + data.count("\n"), text=Text(data)))

    def _open_details(self, attrs: dict[str, str | None]) -> None:
        self._flush("paragraph")
        self.folded += 1

    def _close_details(self) -> None:
        self._flush("paragraph")
        if self.folded:
            self.folded -= 1
            line = self._line()
            self.out.append(Block("end", line, line, level=FOLDED + self.folded))

    def _open_summary(self, attrs: dict[str, str | None]) -> None:
        self._flush("heading", FOLDED + max(0, self.folded - 1))

    def _close_summary(self) -> None:
        if self.container == "heading" and self.level >= FOLDED:
            self._flush("paragraph")

    def _open_pre(self, attrs: dict[str, str | None]) -> None:
        self._flush("fence")

    def _close_pre(self) -> None:
        if self.container == "fence":
            self._flush("paragraph")

    def _open_ul(self, attrs: dict[str, str | None]) -> None:
        self._flush("paragraph")
        self.bullets += 1

    _open_ol = _open_ul

    def _close_ul(self) -> None:
        self._flush("paragraph")
        self.bullets = max(0, self.bullets - 1)

    _close_ol = _close_ul

    def _open_li(self, attrs: dict[str, str | None]) -> None:
        self._flush("item", max(1, self.bullets))

    def _close_li(self) -> None:
        if self.container == "item":
            self._flush("paragraph")

    def _open_table(self, attrs: dict[str, str | None]) -> None:
        if self.table is None:
            self._flush("paragraph")
            self.table = _Table(self._line())

    def _close_table(self) -> None:
        if self.table is not None:
            self._close_td()
            self.out += self.table.rows(self._line())
            self.table = None
            self._start("paragraph")

    def _open_tr(self, attrs: dict[str, str | None]) -> None:
        if self.table is not None:
            self._close_td()
            self.table.open_row(self._line())

    def _close_tr(self) -> None:
        if self.table is not None:
            self._close_td()
            self.table.close_row(self._line())

    def _open_td(self, attrs: dict[str, str | None], *, heading: bool = False) -> None:
        if self.table is not None:
            self._close_td()
            self.table.open_cell(attrs, heading=heading)
            self._start("cell")

    def _open_th(self, attrs: dict[str, str | None]) -> None:
        self._open_td(attrs, heading=True)

    def _close_td(self) -> None:
        if self.table is not None and self.table.cell is not None:
            self.table.close_cell(self.builder.text())
            self._start("paragraph")

    _close_th = _close_td


_OF_TABLES = frozenset({"table", "tr", "td", "th"})
_WIDEST = 200  # a span over more columns or rows than any table has is a slip of the pen


class _Table:
    """The rows of an HTML table, cells that span several of them filled in."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.cell: tuple[int, int] | None = None  # columns and rows that the open cell spans
        self.cells: list[Text] = []
        self.headings = 0
        self.spanning: dict[int, tuple[int, Text]] = {}
        self.in_row = False
        self.row_line = line
        self.found: list[tuple[int, int, tuple[Text, ...], bool]] = []

    def open_row(self, line: int) -> None:
        """A row begins."""
        self.close_row(line)
        self.in_row, self.row_line = True, line

    def close_row(self, line: int) -> None:
        """The row ends, if one is open."""
        if not self.in_row:
            return
        self._fill()
        self.in_row = False
        if self.cells:
            self.found.append((self.row_line, line, tuple(self.cells), self.headings * 2 > len(self.cells)))
        self.cells, self.headings = [], 0

    def open_cell(self, attrs: dict[str, str | None], *, heading: bool) -> None:
        """A cell begins; cells of rows above that span this one come first."""
        self.in_row = True
        self._fill()
        self.cell = (_count(attrs.get("colspan")), _count(attrs.get("rowspan")))
        self.headings += heading

    def close_cell(self, text: Text) -> None:
        """The cell ends with this text."""
        columns, rows = self.cell or (1, 1)
        for at in range(columns):
            shown = text if at == 0 else Text()
            if rows > 1:
                self.spanning[len(self.cells)] = (rows - 1, shown)
            self.cells.append(shown)
        self.cell = None

    def _fill(self) -> None:
        while (left := self.spanning.get(len(self.cells))) is not None:
            rows, text = left
            if rows > 1:
                self.spanning[len(self.cells)] = (rows - 1, text)
            else:
                del self.spanning[len(self.cells)]
            self.cells.append(text)

    def rows(self, line: int) -> list[Block]:
        """The rows; those of the header cells at the head of the table are its header."""
        self.close_row(line)
        header: tuple[Text, ...] = ()
        table, works = self.line, 0
        out: list[Block] = []
        for first, last, cells, heading in self.found:
            if heading and not works:
                if sum(bool(cell) for cell in cells) > 1:
                    header, table = cells, first
                out.append(Block("row", first, last, cells=cells, header=cells, table=first))
            else:
                works += 1
                out.append(Block("row", first, last, cells=cells, header=header, table=table))
        return out


def _count(text: str | None) -> int:
    return max(1, min(int(text), _WIDEST)) if text and text.isdecimal() and text.isascii() else 1
