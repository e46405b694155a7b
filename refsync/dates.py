"""Knows one day, month or year as people spell it: ISO 8601, and months in words.

What says more than a Date can hold (a range, a season) is in formats/dates.py.
"""

from __future__ import annotations

import calendar
import re

from refsync.model import Date

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = dict(enumerate(_NAMES, 1))
_NUMBERS = {name: number for number, name in MONTHS.items()}

_NUMERIC = re.compile(r"(\d{4})(?:[-/](\d{1,2})?(?:[-/](\d{1,2})?/?)?)?")
# "2019 May 3", "3 May 2019", "May 3, 2019", "2019/May/03": each part by its group.
_WORD = r"(?P<month>[A-Za-z]{3})[a-z]{0,6}\.?"
_IN_WORDS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<year>\d{{4}})[\s,/-]+{_WORD}(?:[\s/-]+(?P<day>\d{{1,2}}))?",
        rf"(?:(?P<day>\d{{1,2}})[\s.-]+)?{_WORD}[\s,-]+(?P<year>\d{{4}})",
        rf"{_WORD}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
    )
)


def date_of(text: str) -> Date | str | None:
    """A date such as "2017", "2017-06", "2017/06/12/", "12 June 2017"; what is no day of the calendar stays text."""
    text = " ".join(text.split())
    if found := _NUMERIC.fullmatch(text):
        year, month, day = (int(part) if part else None for part in found.groups())
        return dated(year or 0, month, day if month else None) or text
    for form in _IN_WORDS:
        if (found := form.fullmatch(text)) and (month := month_named(found["month"])):
            return dated(int(found["year"]), month, int(found["day"]) if found["day"] else None) or text
    return text or None


def dated(year: int, month: int | None = None, day: int | None = None) -> Date | None:
    """The Date of these numbers; None when the calendar has no such day."""
    if not 1 <= year <= 9999 or (month is not None and not 1 <= month <= 12):
        return None
    if day is not None and (month is None or not 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return Date(year=year, month=month, day=day)


def month_named(word: str) -> int | None:
    """The number of a month by its English name or the first letters of it."""
    return _NUMBERS.get(word[:3].lower())
