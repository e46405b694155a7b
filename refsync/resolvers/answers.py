"""Knows what an answer is made of: JSON or XML of which nothing is certain, and the words, lists and fields in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar
from xml.etree import ElementTree

from refsync.model import Date, Entry
from refsync.resolvers import Unreadable

_T = TypeVar("_T")


def json_of(body: bytes) -> Any:
    """The value of a JSON answer. Raises Unreadable, of the page of a bot check too."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("an answer is not JSON") from None


def xml_of(body: bytes) -> ElementTree.Element:
    """The root of an XML answer. Raises Unreadable; no source sends a DTD, so one is refused for what it could expand to."""
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", body, re.IGNORECASE):
        raise Unreadable("an answer is a page or holds a DTD")
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Unreadable("an answer is not XML") from None


def works(items: Iterable[_T], entry_of: Callable[[_T], Entry | None]) -> tuple[Entry | None, ...]:
    """The works of items, in their order: None for one that is broken, so that it does not cost the others."""

    def tried(item: _T) -> Entry | None:
        try:
            return entry_of(item)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return None

    return tuple(map(tried, items))


def batches(values: Sequence[_T], size: int) -> Iterable[tuple[_T, ...]]:
    """`values` in groups of at most `size`."""
    ahead = iter(values)
    while batch := tuple(islice(ahead, size)):
        yield batch


def fields(value: object) -> dict[str, Any]:
    """An object, an empty one for all else."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """A list; one object or word stands for a list of it, as DBLP spells lists of one; else an empty one."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict | str) and value else []


def word(value: object) -> str:
    """A string or a number as a string, "" for all else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def date(year: object, month: object = None, day: object = None) -> Date | None:
    """A date of numbers or strings; a part that cannot be one is left out with those after it."""
    found = _number(year, 1000, 2999)
    if found is None:
        return None
    in_year = _number(month, 1, 12)
    return Date(year=found, month=in_year, day=_number(day, 1, 31) if in_year else None)


def date_of_iso(text: object) -> Date | None:
    """The date at the head of "2017-06-12T17:57:34Z"."""
    found = re.match(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?!\d)", word(text))
    return date(*found.groups()) if found else None


def _number(value: object, least: int, most: int) -> int | None:
    text = word(value)
    number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None
    return number if number is not None and least <= number <= most else None
