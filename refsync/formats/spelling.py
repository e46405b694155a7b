"""Knows how the fields of a work become text: the rows of a format's table, compiled once to functions from value to text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from operator import itemgetter
from typing import Any

from refsync.mapping import Pair, Row, Table, Values, pair_of, values_of
from refsync.model import Entry
from refsync.recurring import Kept

Around = Callable[[str], tuple[str, str]]


def speller(table: Table, pairs: Mapping[str, Pair], around: Around) -> Callable[[Entry], str]:
    """A function from a work to the text of its fields, in the order of the rows: what `mapping.writer` says, spelt.

    `around` says of a field's name what stands before its value and after; of a list each value stands so.
    What is made of a value that recurs is kept.
    """
    plans = {kind: _plan(rows, pairs, around) for kind, rows in table.written.items()}
    fallback = plans["document"]

    def text(entry: Entry) -> str:
        all_values, of_steps, steps = plans.get(entry.kind, fallback)
        values = all_values(entry)
        chosen = of_steps((*values, values))
        # Of the thirty rows of a table a work has ten: the others are passed over without a step of Python.
        return "".join([step(value) for step, value in zip(compress(steps, chosen), filter(None, chosen))])  # noqa: B905

    return text


_Plan = tuple[Callable[[Entry], Values], Callable[[Values], Values], tuple[Callable[[Any], str], ...]]


def _plan(rows: Iterable[Row], pairs: Mapping[str, Pair], around: Around) -> _Plan:
    """How works of a kind are written: all values that rows speak of; of these the one that each step takes, which for
    rows of several values is all of them; and the steps."""
    rows = tuple(rows)
    all_values, places = values_of({name: None for row in rows for name in (*row.entry, *row.when)})
    everything = len(places)
    at = [everything if len(row.entry) > 1 or row.when.keys() - {"kind"} else places[row.entry[0]] for row in rows]
    steps = tuple(_step(row, places, pair_of(row, pairs), around) for row in rows)
    # Two more, so that `itemgetter` makes a tuple of even one; without a step of their own they are passed over.
    return all_values, itemgetter(*at, everything, everything), steps


def _step(row: Row, places: Mapping[str, int], pair: Pair, around: Around) -> Callable[[Any], str]:
    """A function from the value of a row, or from all values when it takes several, to its text; "" for nothing to say."""
    conditions = {places[name]: values for name, values in row.when.items() if name != "kind"}
    made = (
        _one(pair.write, *around(row.fields[0])) if len(row.fields) == 1 else _several(pair.write, row.fields, around)
    )
    if len(row.entry) == 1 and not conditions:
        return Kept(made).__getitem__ if pair.recurs else made
    at = tuple(places[name] for name in row.entry)
    pick = itemgetter(*at) if len(at) > 1 else itemgetter(slice(at[0], at[0] + 1))
    kept: Kept[Values, str] | None = Kept(lambda picked: made(*picked)) if pair.recurs else None

    def step(values: Values) -> str:
        picked = pick(values)
        if not any(picked):
            return ""
        return made(*picked) if kept is None else kept[picked]

    def conditional(values: Values) -> str:
        return step(values) if all(values[at] in said for at, said in conditions.items()) else ""

    return conditional if conditions else step


def _one(write: Callable[..., Any], before: str, after: str) -> Callable[..., str]:
    """The text of a row that is one field."""
    between = after + before

    def text(*values: Any) -> str:
        if not (out := write(*values)):
            return ""
        return f"{before}{between.join(out) if out.__class__ is list else out}{after}"

    return text


def _several(write: Callable[..., Any], names: tuple[str, ...], around: Around) -> Callable[..., str]:
    """The text of a row that is several fields."""
    marks = tuple(map(around, names))

    def text(*values: Any) -> str:
        if not (out := write(*values)):
            return ""
        return "".join([f"{before}{one}{after}" for (before, after), one in zip(marks, out, strict=True) if one])

    return text
