"""Histories of lists, made up: what maintainers do to a list of papers over months, as texts of it, one a commit.

An edit works on the lines of a real list: a line is an entry where it is a bullet or a row of a table that has a link.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

_HEADING = re.compile(r"^#{2,4} +\S")
_TITLE = re.compile(r"[A-Za-z]{5,}")
Lines = list[str]
Edit = Callable[[Lines, random.Random, Lines], Lines]  # (lines, chance, entries that were removed)


def is_entry(line: str) -> bool:
    """Whether a line is an entry: a bullet or a row with a link."""
    return bool(re.match(r"^\s*([-*+]|\d+\.|\|)\s*\S", line)) and "http" in line and not set(line) <= set("|-: ")


def _entries(lines: Lines) -> list[int]:
    """The lines of entries that stand alone: what is indented below one goes with it, and is left."""
    return [
        at for at, line in enumerate(lines)
        if is_entry(line) and not (at + 1 < len(lines) and lines[at + 1].startswith((" ", "\t")))
        and not line.startswith((" ", "\t"))
    ]  # fmt: skip


def move(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """A section changes places with another."""
    heads = [at for at, line in enumerate(lines) if _HEADING.match(line)]
    level = {len(line) - len(line.lstrip("#")) for line in (lines[at] for at in heads)}
    if not level:
        return lines
    heads = [at for at in heads if len(lines[at]) - len(lines[at].lstrip("#")) == min(level)]
    if len(heads) < 3:
        return lines
    parts = [lines[start:end] for start, end in zip(heads, [*heads[1:], len(lines)], strict=True)]
    one, other = chance.sample(range(len(parts)), 2)
    parts[one], parts[other] = parts[other], parts[one]
    return [*lines[: heads[0]], *(line for part in parts for line in part)]


def reorder(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """An entry goes to the place of another of its section."""
    known = _entries(lines)
    pairs = [(a, b) for a, b in pairwise(known) if b == a + 1]
    if pairs:
        a, b = chance.choice(pairs)
        lines = [*lines[:a], lines[b], lines[a], *lines[b + 1 :]]
    return lines


def edit(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """A word of a title is mended in place, or a letter of it is lost."""
    known = _entries(lines)
    if not known:
        return lines
    at = chance.choice(known)
    words = [
        match for match in _TITLE.finditer(lines[at]) if "/" not in lines[at][max(0, match.start() - 40) : match.end()]
    ]
    if not words:
        return lines
    word = chance.choice(words)
    new = word[0][:2] + word[0][3:]
    return [*lines[:at], lines[at][: word.start()] + new + lines[at][word.end() :], *lines[at + 1 :]]


def remove(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """An entry goes."""
    known = _entries(lines)
    if len(known) < 5:
        return lines
    at = chance.choice(known)
    gone.append(lines[at])
    return [*lines[:at], *lines[at + 1 :]]


def bring_back(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """An entry that went comes again, somewhere among others of its form."""
    if not gone:
        return lines
    line = gone.pop(chance.randrange(len(gone)))
    places = [at for at in _entries(lines) if lines[at][:2] == line[:2] and lines[at].count("|") == line.count("|")]
    if not places:
        gone.append(line)
        return lines
    at = chance.choice(places)
    return [*lines[:at], line, *lines[at:]]


def rename(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """A heading gets another name."""
    heads = [at for at, line in enumerate(lines) if _HEADING.match(line)]
    if not heads:
        return lines
    at = chance.choice(heads)
    new = lines[at].rstrip() + chance.choice([" and More", " Methods", " (Updated)"])
    return [*lines[:at], new, *lines[at + 1 :]]


def split(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """The second half of a section becomes one of its own."""
    heads = [at for at, line in enumerate(lines) if _HEADING.match(line)]
    ends = [*heads[1:], len(lines)]
    for start, end in chance.sample(list(zip(heads, ends, strict=True)), len(heads)):
        known = [at for at in _entries(lines) if start < at < end and not lines[at].startswith("|")]
        if len(known) >= 4:
            middle = known[len(known) // 2]
            mark = "#" * (len(lines[start]) - len(lines[start].lstrip("#")))
            return [*lines[:middle], "", f"{mark} Other Work {chance.randrange(1000)}", "", *lines[middle:]]
    return lines


def nothing(lines: Lines, chance: random.Random, gone: Lines) -> Lines:
    """Prose changes, no entry does."""
    return [*lines, "", f"Thanks to contributor {chance.randrange(1000)}."]


EDITS: tuple[Edit, ...] = (move, reorder, edit, edit, edit, remove, bring_back, rename, split, nothing, reorder)


def texts(text: str, seed: int, count: int) -> Iterator[str]:
    """`count` versions of a list, each with one to four edits more than the one before."""
    chance = random.Random(seed)
    lines, gone = text.split("\n"), list[str]()
    yield text
    for _ in range(count - 1):
        for _ in range(chance.randint(1, 4)):
            lines = chance.choice(EDITS)(lines, chance, gone)
        yield "\n".join(lines)
