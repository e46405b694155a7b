"""Knows how an entry is put into the text of a list: at its place, in its neighbours' shape, every other byte as it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from refsync import titles
from refsync.formats import survey
from refsync.formats.survey import aligned, cells, markup, placing, sections, spelling, words, writing
from refsync.formats.survey.aligned import Neighbour, Parts
from refsync.model import Account, Failure, Problem, Reading

Topic = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Insertion:
    """An entry as written: its first line (from 1), its own text without the end of its last line, the text of the whole
    list with it, and the fields of the entry that the list has no place for."""

    line: int
    written: str
    text: str
    left_out: tuple[str, ...]


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def inserted(text: str, file: str, new: Account, topic: Topic, tables_folder: Path | None = None) -> Insertion:
    """The list `text` (its own line ends and byte order mark kept) with `new` under the heading `topic`.

    Raises Failure when the list has no such heading, nothing to follow, or when what would be written does not read back
    as the entry.
    """
    page = _Page(text, file, tables_folder)
    why = "no entry of it could be followed"
    second: Insertion | None = None
    for one in page.candidates(new, topic):
        after = page.read(one.text)
        if (wrong := page.misread(one, new, after)) is not None:
            why = wrong
        elif page.is_as_before(one, new, after):
            return one
        elif second is None and page.keeps_all(one, new, after):
            second = one
    if second is not None:
        return second
    what = f"the entry would not read back from its line: {why}. Nothing changed."
    hint = f"Write it by hand under {' > '.join(topic)!r}."
    raise Failure(Problem(where=file, what=what, hint=hint))


def only_names(text: str, file: str, same: Account, new: Account, tables_folder: Path | None = None) -> bool:
    """Whether the entry `same` of a list is no entry at all, but a bullet that names the work and waits for it."""
    label = _Page(text, file, tables_folder).bare_label(new)
    return label is not None and label.line == same.line


class _Page:
    """A list with what stands where in it."""

    def __init__(self, text: str, file: str, tables_folder: Path | None) -> None:
        self.text, self.file, self.tables = text, file, tables_folder
        self.lines = _LINE.findall(text)
        self.lexicon = words.load(tables_folder)
        self.reading = self.read(text)
        self.rows = {
            row.line: row.table for row in markup.blocks(plain(text)) if row.kind == "row" and row.line != row.table
        }
        self.accounts = [self._trimmed(one) for one in self.reading.accounts]
        self.labels = self._labels()

    def read(self, text: str) -> Reading:
        """The list `text` as the reader sees it."""
        return survey.read(plain(text), self.file, self.tables)

    def _trimmed(self, one: Account) -> Account:
        last = min(one.last_line, len(self.lines))
        while last > one.line and not self.lines[last - 1].strip():
            last -= 1
        return replace(one, last_line=last)

    def _source(self, one: Account) -> str:
        return plain("".join(self.lines[one.line - 1 : one.last_line])).removesuffix("\n")

    def _labels(self) -> dict[int, int]:
        """The lines of the bullets that only name what is nested in them, by the line of the one entry that is."""
        within = {line for one in self.accounts for line in range(one.line, one.last_line + 1)}
        found: dict[int, int] = {}
        for one in self.accounts:
            if one.line - 1 in within or one.line < 2 or one.last_line + 1 > len(self.lines) + 1:
                continue
            label, own = (_BULLET.match(self.lines[at]) for at in (one.line - 2, one.line - 1))
            after = _BULLET.match(self.lines[one.last_line]) if one.last_line < len(self.lines) else None
            if label and own and len(label[1]) < len(own[1]) and not (after and len(after[1]) >= len(own[1])):
                found[one.line] = one.line - 1
        return found

    def _pattern(self, one: Account) -> aligned.Pattern | None:
        label = self.labels.get(one.line)
        whole = replace(one, line=label or one.line)
        return aligned.pattern(one, self._source(whole), self.lexicon, labelled=label is not None)

    def bare_label(self, new: Account) -> Account | None:
        """A bullet that has the address of the new entry and names it, where such bullets have the entries nested in them."""
        for one in self.accounts if self.labels and new.url else ():
            if one.url == new.url and not (one.authors or one.venue) and one.title != new.title:
                bullet = _BULLET.match(self.lines[one.line - 1])
                if bullet and one.line == one.last_line:
                    return one
        return None

    def _alone(self) -> list[Account]:
        """The entries that share no line with another."""
        return [
            one
            for at, one in enumerate(self.accounts)
            if (at == 0 or self.accounts[at - 1].last_line < one.line)
            and (at + 1 == len(self.accounts) or one.last_line < self.accounts[at + 1].line)
        ]

    def candidates(self, new: Account, topic: Topic) -> Iterator[Insertion]:
        """The ways in which the entry may be written, best first."""
        if label := self.bare_label(new):
            yield from self._nested(new, label, topic)
            return
        here = [one for one in self.accounts if one.topic == topic]
        table = self._table_of(here)
        here = [one for one in here if self.rows.get(one.line) == table]
        numbers = [self._number(one) for one in here]
        at = placing.place(here, numbers, new)
        neighbours = self._neighbours(here, topic, at, table)
        if not neighbours:
            what = "there is no entry whose shape a new one could follow."
            raise Failure(Problem(where=self.file, what=what, hint="Write the first one by hand."))
        own = [one for one in neighbours if one.weight >= _HERE]
        if len(own) >= _ENOUGH and not any("url" in one.pattern.shown for one in own):
            new = replace(new, url=None)  # a section of titles alone stays one
        how = spelling.of(neighbours)
        known = {part.slot for one in neighbours for part in one.pattern.parts}
        if table is not None:
            texts = cells.row(neighbours, new, how, _next_number(numbers, at))
        else:
            texts = writing.line(neighbours, new, how, _next_number(numbers, at))
        for text in dict.fromkeys(texts):
            yield self._put(text, here, at, topic, table, _left_out(new, known, text))

    def _nested(self, new: Account, label: Account, topic: Topic) -> Iterator[Insertion]:
        """The ways in which the entry may be nested in the bullet that names it."""
        here = [one for one in self.accounts if one.line in self.labels and one.topic == topic]
        at = sum(one.line < label.line for one in here)
        found: list[Neighbour] = []
        for one in self._neighbours(here, topic, at, None):
            if one.pattern.account.line in self.labels:
                parts = _below_label(one.pattern.parts)
                found.append(replace(one, pattern=replace(one.pattern, parts=parts)))
        how = spelling.of(found)
        own = replace(new, url=None)  # the bullet that names it has its address
        for text in dict.fromkeys(writing.line(found, own, how, 1)):
            yield self._put(text, [label], 1, topic, 0, ())

    def _table_of(self, here: Sequence[Account]) -> int | None:
        """The table (by its first line) that most of the entries are rows of; None when most are no rows."""
        counts: dict[int | None, int] = {}
        for one in here:
            table = self.rows.get(one.line)
            counts[table] = counts.get(table, 0) + 1
        return max(counts, key=lambda table: counts[table]) if counts else None

    def _neighbours(self, here: Sequence[Account], topic: Topic, at: int, table: int | None) -> list[Neighbour]:
        before, after = here[:at], here[at:]
        near = {id(one): len(before) - number for number, one in enumerate(before)}
        near |= {id(one): number + 1 for number, one in enumerate(after)}
        header = self.lines[table - 1].split("|") if table else []
        found: list[Neighbour] = []
        alone = self._alone()
        middle = (
            here[min(at, len(here) - 1)].line if here else next((one.line for one in alone if one.topic >= topic), 0)
        )
        alone.sort(key=lambda one: (id(one) not in near, one.topic[:-1] != topic[:-1], abs(one.line - middle)))
        for one in alone:
            if len(found) >= _MOST:
                break
            other = self.rows.get(one.line)
            if (table is None) != (other is None):
                continue
            if table and other and other != table and len(self.lines[other - 1].split("|")) != len(header):
                continue
            if (pattern := self._pattern(one)) is None:
                continue
            distance = near.get(id(one))
            if distance is not None:
                weight = _HERE * (1 + _NEAREST / distance)
            else:
                weight = _BESIDE if one.topic[:-1] == topic[:-1] else 1.0
            found.append(Neighbour(pattern, weight))
        return found

    def _number(self, one: Account) -> int | None:
        pattern = aligned.pattern(one, self._source(one), self.lexicon)
        return next((int(part.text) for part in pattern.parts if part.slot == "number"), None) if pattern else None

    def _put(
        self, written: str, here: Sequence[Account], at: int, topic: Topic, table: int | None, left_out: tuple[str, ...]
    ) -> Insertion:
        usual = placing.gap(self.lines, self.accounts, at, None)
        gap = placing.gap(self.lines, here, at, usual)
        gap = gap if gap is not None else ("" if table is not None else "\n")
        if at:
            place, body = here[at - 1].last_line, f"{gap}{written}\n"
        elif here:
            place, body = here[0].line - 1, f"{written}\n{gap}"
        else:
            place = self._foot(topic)
            body = f"\n{written}\n"
        start = place + (body.index(written) and body[: body.index(written)].count("\n")) + 1
        end = self._line_end(place)
        lines = list(self.lines)
        if place and not lines[place - 1].endswith(("\n", "\r")):
            lines[place - 1] += end  # the last line of a file without an end: the new one takes its part
            body = body.removesuffix("\n")
        lines[place:place] = [body.replace("\n", end)]
        return Insertion(line=start, written=written, text="".join(lines), left_out=left_out)

    def _line_end(self, place: int) -> str:
        for line in (*reversed(self.lines[:place]), *self.lines[place:]):
            if found := re.search(r"\r\n|\r|\n", line):
                return found[0]
        return "\n"

    def _foot(self, topic: Topic) -> int:
        """The last line of a section without entries that holds something."""
        blocks = markup.blocks(plain(self.text))
        heads = [one for one in sections.divided(blocks, self.lexicon).sections if one.line]
        place = next((at for at, one in enumerate(heads) if one.path == topic), None)
        if place is None:
            what = f"has no heading {' > '.join(topic)!r}."
            raise Failure(Problem(where=self.file, what=what, hint="Write the heading first."), code=2)
        first = heads[place].line
        last = heads[place + 1].line - 1 if place + 1 < len(heads) else len(self.lines)
        while last > first and _BETWEEN_SECTIONS.fullmatch(self.lines[last - 1].strip()):
            last -= 1
        return last

    def misread(self, one: Insertion, new: Account, after: Reading) -> str | None:
        """Why an entry as written does not read back, None when it does; `after` is the list with it as read."""
        own, _ = _parted(one, after)
        if len(own) != 1:
            return "it is taken for " + ("no entry" if not own else f"{len(own)} entries")
        return _difference(own[0], new)

    def is_as_before(self, one: Insertion, new: Account, after: Reading) -> bool:
        """Whether every other entry is read as before."""
        return [_identity(each) for each in _parted(one, after)[1]] == [_identity(each) for each in self._others(new)]

    def keeps_all(self, one: Insertion, new: Account, after: Reading) -> bool:
        """Whether no other entry is lost: what it is taken for may depend on its neighbours."""
        left = Counter(titles.comparison(each.title) for each in self._others(new))
        return not left - Counter(titles.comparison(each.title) for each in _parted(one, after)[1])

    def _others(self, new: Account) -> list[Account]:
        label = self.bare_label(new)
        return [each for each in self.reading.accounts if label is None or each.line != label.line]


_BULLET = re.compile(r"([ \t]*)[-*+][ \t]")


def _below_label(parts: Parts) -> Parts:
    """What of a labelled entry stands below its label."""
    at = next(at for at, part in enumerate(parts) if not part.slot and "\n" in part.text)
    first = aligned.Part("", parts[at].text.partition("\n")[2])
    return (*((first,) if first.text else ()), *parts[at + 1 :])


def _parted(one: Insertion, after: Reading) -> tuple[list[Account], list[Account]]:
    """(what the new lines are read as, the other entries)."""
    last = one.line + one.written.count("\n")
    own = [each for each in after.accounts if one.line <= each.line <= last]
    return own, [each for each in after.accounts if not one.line <= each.line <= last]


def _difference(read: Account, new: Account) -> str | None:
    """The first field that is read otherwise than it is; what a line does not show cannot be wrong."""
    if titles.comparison(read.title) != titles.comparison(new.title):
        return f"the title is read as {read.title!r}"
    shown = {name for name in ("venue", "year", "month") if name not in read.inferred}
    for name in ("venue", "year", "month", "url"):
        value = getattr(read, name)
        if value and (name in shown or name == "url") and value != getattr(new, name):
            if name == "venue" and new.venue and titles.comparison(value) == titles.comparison(new.venue):
                continue
            return f"the {name} is read as {value}"
    if read.authors and len(read.authors) > len(new.authors):
        return "the authors are read otherwise"
    wrong = next((label for label, href in read.links.items() if href not in {new.url, *new.links.values()}), None)
    if wrong:
        return f"the link {wrong!r} is read as {read.links[wrong]}"
    return None


def _identity(one: Account) -> tuple[object, ...]:
    return one.title, one.topic, one.url, one.venue, one.year, len(one.authors)


def _next_number(numbers: Sequence[int | None], at: int) -> int:
    """The number of an entry at a place: the next after the one before it."""
    before = next((one for one in reversed(numbers[:at]) if one is not None), None)
    after = next((one for one in numbers[at:] if one is not None), None)
    if before is not None and sum(one == before for one in numbers) * 2 > len(numbers) > 1:
        return before  # every one has the same: what shows the list counts them
    return before + 1 if before is not None else max(1, (after or 1) - 1)


_MOST = 150  # entries that are looked at, the nearest first
_ENOUGH = 3  # entries of a section, from which it shows what it does not show
_HERE, _BESIDE, _NEAREST = (
    8.0,
    2.0,
    10.0,
)  # how much an entry of the section counts, one of a section beside it, a next one
_BETWEEN_SECTIONS = re.compile(r"|(?:<[^>]*>\s*)+|-{3,}|\*{3,}")


def _left_out(new: Account, known: set[str], written: str) -> tuple[str, ...]:
    """The fields of an entry that no neighbour shows."""
    texts: dict[str, object] = {
        "venue": new.venue,
        "year": new.year,
        "group": new.group,
        "rating": new.rating,
        "comment": new.comment,
    }
    texts |= {"tags": new.tags, "authors": new.authors}
    out = [name for name, value in texts.items() if value and not known & ({name, "yy"} if name == "year" else {name})]
    out += [slot.removeprefix("link:") for slot, href in aligned.addresses(new).items() if href not in written]
    return tuple(out)


def plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
