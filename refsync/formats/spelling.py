"""Knows how the fields of a work become text: the rows of a format's table, compiled once to functions from value to text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from operator import itemgetter
from typing import Any

from refsync.mapping import Pair, Row, Table, Values, pair_of, values_of
from refsync.model import Entry
from refsync.recurring import Kept

Spelt = Callable[[str, Any], str]


def speller(table: Table, pairs: Mapping[str, Pair], spelt: Spelt) -> Callable[[Entry], str]:
    """A function from a work to the text of its fields, in the order of the rows: what `mapping.writer` says, spelt.

    `spelt` makes text of a field's name and value. What is made of a value that recurs is kept.
    """
    plans = {kind: _plan(rows, pairs, spelt) for kind, rows in table.written.items()}
    fallback = plans["document"]

    def text(entry: Entry) -> str:
        all_values, of_steps, steps = plans.get(entry.kind, fallback)
        values = all_values(entry)
        chosen = of_steps((*values, values))
        # Of the thirty rows of a table a work has ten: the others are passed over without a step of Python.
        return "".join([step(value) for step, value in zip(compress(steps, chosen), filter(None, chosen))])  # noqa: B905

    return text


_Plan = tuple[Callable[[Entry], Values], Callable[[Values], Values], tuple[Callable[[Any], str], ...]]


def _plan(rows: Iterable[Row], pairs: Mapping[str, Pair], spelt: Spelt) -> _Plan:
    """How works of a kind are written: all values that rows speak of; of these the one that each step takes, which for
    rows of several values is all of them; and the steps."""
    rows = tuple(rows)
    all_values, places = values_of({name: None for row in rows for name in (*row.entry, *row.when)})
    everything = len(places)
    at = [everything if len(row.entry) > 1 or row.when.keys() - {"kind"} else places[row.entry[0]] for row in rows]
    steps = tuple(_step(row, places, pair_of(row, pairs), spelt) for row in rows)
    # Two more, so that `itemgetter` makes a tuple of even one; without a step of their own they are passed over.
    return all_values, itemgetter(*at, everything, everything), steps


def _step(row: Row, places: Mapping[str, int], pair: Pair, spelt: Spelt) -> Callable[[Any], str]:
    line = _line(row.fields, pair.write, spelt)
    conditions = {places[name]: values for name, values in row.when.items() if name != "kind"}
    if len(row.entry) == 1 and not conditions:
        return Kept(line).__getitem__ if pair.recurs else line
    pick = _picked(tuple(places[name] for name in row.entry))
    spread: Callable[[Values], str] = lambda picked: line(*picked)  # noqa: E731
    made = Kept(spread).__getitem__ if pair.recurs else spread

    def picked_line(values: Values) -> str:
        picked = pick(values)
        return made(picked) if any(picked) else ""

    def conditional(values: Values) -> str:
        return picked_line(values) if all(values[at] in said for at, said in conditions.items()) else ""

    return conditional if conditions else picked_line


def _picked(at: tuple[int, ...]) -> Callable[[Values], Values]:
    return itemgetter(*at) if len(at) > 1 else itemgetter(slice(at[0], at[0] + 1))


def _line(names: tuple[str, ...], write: Callable[..., Any], spelt: Spelt) -> Callable[..., str]:
    """A function from the values of a row to the text of its field, or of its fields; "" when there is nothing to say."""
    if len(names) > 1:

        def lines(*values: Any) -> str:
            out = write(*values)
            return "".join([spelt(name, one) for name, one in zip(names, out, strict=True) if one]) if out else ""

        return lines
    (name,) = names

    def line(*values: Any) -> str:
        out = write(*values)
        return spelt(name, out) if out else ""

    return line
