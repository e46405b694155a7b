"""Knows dates as bibliographies spell them: ISO 8601, months in words, and EDTF for what is more than one day.

A Date is one day at most. What says more (a range, a season, "about") is kept beside it as text in EDTF level 1, the
extended form of ISO 8601 that biblatex reads, under the name `date` among the fields that refsync has none for.
Source: Library of Congress, EDTF (2019); biblatex 3.18 manual, section 2.3.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from refsync.dates import MONTHS, date_of, dated, month_named
from refsync.model import Date, Entry, Problem

__all__ = [
    "EXTENDED",
    "MONTHS",
    "csl_of",
    "date_of",
    "dated",
    "edtf_of",
    "month_named",
    "said_beside",
    "start_of",
    "undated",
]

EXTENDED = "date"

# ------------------------------------------------------------------------------------------------------------------
# More than one day

_PART = re.compile(r"(-?\d{4,6})(?:-(\d{2}))?(?:-(\d{2}))?([~?%]?)")
_SEASONS = {"spring": 1, "summer": 2, "autumn": 3, "fall": 3, "winter": 4}


def start_of(text: str) -> Date | None:
    """Where a range begins, or what is known of a date with a season or a doubt; None when `text` is no EDTF."""
    first, slash, last = text.strip().partition("/")
    found = _PART.fullmatch(first)
    if found is None or (slash and last not in {"", ".."} and not _PART.fullmatch(last)):
        return None
    month = int(found[2]) if found[2] else None
    if month is not None and 21 <= month <= 24:
        return dated(int(found[1])) if not found[3] else None
    return dated(int(found[1]), month, int(found[3]) if found[3] else None)


def said_beside(entry: Entry) -> str | None:
    """What a work says of its date beyond the Date that it has, in EDTF; None when nothing, or when it contradicts."""
    more = entry.extra.get(EXTENDED)
    return more if more and isinstance(entry.date, Date) and start_of(more) == entry.date else None


def edtf_of(value: dict[str, Any]) -> str | None:
    """The EDTF of a date in CSL-JSON that is more than a day or before our era; None when it is not so, or is odd."""
    parts = value.get("date-parts")
    if not isinstance(parts, list) or not 1 <= len(parts) <= 2:
        return None
    season, doubt = _season(value.get("season")), "~" if value.get("circa") not in (None, False, 0, "", "0") else ""
    found = [_edtf_part(one, season) for one in parts]
    if None in found:
        return None
    text = "/".join(f"{one}{doubt}" if one else ".." for one in found)
    return None if isinstance(date_of(text), Date) else text


def _season(value: Any) -> int | None:
    word = str(value).strip().lower()
    return int(word) if word in {"1", "2", "3", "4"} else _SEASONS.get(word)


def _edtf_part(part: Any, season: int | None) -> str | None:
    """One date of a range, "" for the open end of one."""
    if not isinstance(part, list) or not all(_is_number(one) or one is None for one in part[:3]):
        return None
    numbers = [int(one) for one in part[:3] if one is not None]
    if not numbers or numbers[0] == 0:
        return ""
    year = f"-{-numbers[0]:04d}" if numbers[0] < 0 else f"{numbers[0]:04d}"
    rest = numbers[1:] or ([20 + season] if season else [])
    return "-".join([year, *(f"{one:02d}" for one in rest)])


def _is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
    )


def csl_of(text: str) -> dict[str, Any] | None:
    """A date in EDTF as CSL-JSON has it; None when it is none."""
    halves = text.split("/")
    found = [_PART.fullmatch(one) if one not in {"", ".."} else None for one in halves]
    if len(halves) > 2 or found[0] is None or (len(found) == 2 and found[1] is None and halves[1] not in {"", ".."}):
        return None
    out: dict[str, Any] = {"date-parts": [_numbers(one) if one else [0] for one in found]}
    if season := [int(one[2]) - 20 for one in found if one and one[2] and int(one[2]) > 20]:
        out["season"] = season[0]
    if any(one and one[4] for one in found):
        out["circa"] = True
    return out


def _numbers(found: re.Match[str]) -> list[int]:
    year, month, day, _ = found.groups()
    if month and int(month) > 12:  # a season
        month = None
    return [int(one) for one in (year, month, day) if one]


# ------------------------------------------------------------------------------------------------------------------
# What is no date


def undated(entries: Iterable[tuple[str, Entry]]) -> list[Problem]:
    """A Problem for each (place, work) whose date holds a number and is none: "2001-02-30", "1996--1998"."""
    return [
        Problem(where=where, what=f"{entry.date!r} is no date that refsync knows: kept as text.", hint=_HINT)
        for where, entry in entries
        if isinstance(entry.date, str) and re.search(r"\d", entry.date) and not _is_early(entry.date)
    ]


_HINT = "Write it as 2019, 2019-05 or 2019-05-31."


def _is_early(text: str) -> bool:
    """Whether a date is before our era, which EDTF can say and a Date cannot."""
    halves: Sequence[str] = text.split("/")
    return text.startswith("-") and all(_PART.fullmatch(one) for one in halves)
