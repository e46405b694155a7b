"""Knows how a table of a list writes its rows: each cell by what most cells of its column do, and its blanks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from refsync.formats.survey.aligned import Neighbour, Part, Parts, form
from refsync.formats.survey.spelling import Spelling, rendered
from refsync.formats.survey.writing import holds_an_address, ranked, slots_of, without_remarks
from refsync.model import Account

_LETTERS = re.compile(r"\w{2,}")
_PIPE = re.compile(r"(?<!\\)\|")


def cells(parts: Parts) -> list[Parts]:
    """The cells of a table's row, what stands before the first pipe and after the last as cells too."""
    out: list[list[Part]] = [[]]
    for part in parts:
        texts = [part.text] if part.slot else _PIPE.split(part.text)
        for at, text in enumerate(texts):
            if at:
                out.append([])
            if text:
                out[-1].append(Part(part.slot, text))
    return [tuple(one) for one in out]


def row(neighbours: Sequence[Neighbour], new: Account, how: Spelling, number: int) -> list[str]:
    """The texts that a new row of a table may be, best first. Raises ValueError when there is no row to follow."""
    rows = [(cells(one.pattern.parts), one) for one in neighbours]
    counts: dict[int, float] = defaultdict(float)
    for found, one in rows:
        counts[len(found)] += one.weight
    if not counts:
        raise ValueError("no row to follow")
    width = max(counts, key=lambda one: counts[one])
    rows = [(found, one) for found, one in rows if len(found) == width]
    homes = _homes([(found, one) for found, one in rows], width)
    shown = [_cell([(found[at], one) for found, one in rows], new, how, number, homes[at]) for at in range(width)]
    return ["|".join(shown)]


def _homes(rows: Sequence[tuple[Sequence[Parts], Neighbour]], width: int) -> list[frozenset[str]]:
    """The slots that stand in each column more often than in any other."""
    votes: dict[str, list[float]] = defaultdict(lambda: [0.0] * width)
    for found, one in rows:
        for at, parts in enumerate(found):
            for slot in slots_of(parts):
                votes[slot][at] += one.weight
    return [frozenset(slot for slot, sums in votes.items() if sums[at] == max(sums)) for at in range(width)]


def _cell(
    column: Sequence[tuple[Parts, Neighbour]], new: Account, how: Spelling, number: int, at_home: frozenset[str]
) -> str:
    inner = [(_stripped(parts), one) for parts, one in column]
    counts = Counter(form(without_remarks(parts)) for parts, _ in inner)
    texts = Counter(part.text for parts, _ in inner for part in set(parts) if not part.slot)
    usable = [
        parts for parts in ranked(inner, new, at_home) if len(inner) < 2 or not _is_of_another(parts, counts, texts)
    ]
    text = rendered(usable[0], new, how, number, escaped=_piped) if usable else ""
    return _padded(text, column)


def _is_of_another(parts: Parts, counts: Mapping[tuple[str, ...], int], texts: Mapping[str, int]) -> bool:
    """Whether what would be copied says something of one neighbour alone: words in a cell of no fields, an address."""
    only = not slots_of(parts) and counts[form(parts)] == 1 and any(_LETTERS.search(part.text) for part in parts)
    return only or holds_an_address(parts, texts)


def _padded(text: str, column: Sequence[tuple[Parts, Neighbour]]) -> str:
    """A cell with the blanks that its column has: up to a common width, or always the same."""
    widths: dict[int, float] = defaultdict(float)
    pads: dict[tuple[str, str], float] = defaultdict(float)
    centred: dict[int, float] = defaultdict(float)
    for whole, one in column:
        shown = "".join(part.text for part in whole)
        if bool(shown.strip()) == bool(text):
            widths[len(shown)] += one.weight
            pads[_ends(shown)] += one.weight
            before, after = _ends(shown)
            centred[len(before) - len(after)] += one.weight
    if not pads:
        return f" {text} " if text else " "
    before, after = max(pads, key=lambda one: pads[one])
    width = max(widths, key=lambda one: widths[one])
    is_padded = widths[width] > pads[before, after]
    if is_padded and sum(centred[lean] for lean in (-1, 0, 1)) > _MOSTLY * sum(centred.values()):
        spare = max(2, width - len(text))
        more = spare % 2 if centred[-1] < centred[1] else 0  # the odd blank stands where it mostly does
        return f"{' ' * (spare // 2 + more)}{text}{' ' * (spare - spare // 2 - more)}"
    if is_padded:
        before = max(_leads(column, text).items(), key=lambda one: one[1])[0]
        if len(text) + len(before) < width:
            return f"{before}{text}".ljust(width)
        after = " " if len(after) > 1 else after  # too long for the width of the column
    return f"{before}{text}{after}"


_MOSTLY = 0.8  # of the cells of a column that is centred


def _leads(column: Sequence[tuple[Parts, Neighbour]], text: str) -> Mapping[str, float]:
    """The blanks before the cells of a column, weighed."""
    found: dict[str, float] = defaultdict(float)
    for whole, one in column:
        shown = "".join(part.text for part in whole)
        if bool(shown.strip()) == bool(text):
            found[_ends(shown)[0]] += one.weight
    return found


def _ends(text: str) -> tuple[str, str]:
    inner = text.strip()
    if not inner:
        return "", text
    at = text.index(inner)
    return text[:at], text[at + len(inner) :]


def _stripped(parts: Parts) -> Parts:
    found = list(parts)
    if found and not found[0].slot:
        found[0] = Part("", found[0].text.lstrip())
    if found and not found[-1].slot:
        found[-1] = Part("", found[-1].text.rstrip())
    return tuple(part for part in found if part.text)


def _piped(text: str) -> str:
    return _PIPE.sub(r"\\|", text)
