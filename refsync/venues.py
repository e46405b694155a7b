"""Knows venues: "ICLR-W'22 (Oral)" is a workshop of ICLR in 2022, by the aliases of mappings/venues.yaml."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from refsync import documents
from refsync.mapping import table_value
from refsync.model import Venue

KINDS = ("conference", "workshop", "journal", "preprint", "book-series")


class Row(documents.Struct, forbid_unknown_fields=True, frozen=True):
    """One venue of the table."""

    kind: str
    name: str
    aliases: tuple[str, ...] = ()
    publisher: str | None = None
    iso4: str | None = None
    ambiguous: tuple[str, ...] = ()


class _Table(documents.Struct, forbid_unknown_fields=True, frozen=True):
    venues: dict[str, Row]


@dataclass(frozen=True, slots=True)
class Mention:
    """What a few words say of a venue: its short name, whether the table knows it, and the words beside it."""

    short: str
    known: bool
    sure: bool
    year: int | None = None
    month: int | None = None
    award: str | None = None


@dataclass(frozen=True)
class Venues:
    """The table, by comparison form of every name that a venue goes by."""

    rows: Mapping[str, Row]
    shorts: Mapping[str, str]
    ambiguous: frozenset[str]

    def short(self, text: str) -> str | None:
        """Canonical short name of a venue, also of a workshop of a known one ("KDDw" -> "KDD Workshop")."""
        form = comparison(text)
        if form in self.shorts:
            return self.shorts[form]
        base = re.sub(r"(?i)(?<=[A-Za-z])(?:[-\s']?w|s?\s*[-@]?\s*workshops?)$", "", text.strip())
        base = re.sub(r"(?i)^workshops?\s*(?:@|at|of|on)\s*", "", base)
        if base != text.strip() and (parent := self.shorts.get(comparison(base))):
            row = self.rows[parent]
            return parent if row.kind == "workshop" else f"{parent} Workshop" if row.kind == "conference" else None
        return None

    def venue(self, short: str) -> Venue:
        """The full Venue of a short name; one that the table does not know keeps the text as its name."""
        if row := self.rows.get(short):
            return Venue(name=row.name, short=short, kind=row.kind, publisher=row.publisher)
        parent = short.removesuffix(" Workshop")
        if parent != short and (row := self.rows.get(parent)):
            name = re.sub(r"^(?:Proceedings of the |Advances in )", "", row.name)
            return Venue(name=f"Workshops of the {name}", short=short, kind="workshop")
        return Venue(name=short)


def comparison(text: str) -> str:
    """The form in which equal names of a venue are equal: letters and digits, without "the" and "proceedings of"."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("&", " and ")
    text = re.sub(r"\b(?:proceedings of|proc\.?(?: of)?|the)\b", " ", text)
    return "".join(c for c in text if c.isalnum())


@cache
def load(folder: Path | None = None) -> Venues:
    """The table of venues, read once; `folder` is the user's own folder of tables."""
    value, where = table_value("venues.yaml", folder)
    table = documents.checked(value, _Table, where)
    shorts: dict[str, str] = {}
    for short, row in table.venues.items():
        for name in (short, *row.aliases, row.iso4 or "", row.name):
            form = comparison(name)
            # "Proceedings of the IEEE" says no more than "IEEE" when compared; an organisation is no venue.
            if form and (name is not row.name or len(form) > 8):
                shorts.setdefault(form, short)
    ambiguous = frozenset(comparison(name) for row in table.venues.values() for name in row.ambiguous)
    return Venues(rows=table.venues, shorts=shorts, ambiguous=ambiguous)


_MONTHS = {
    name: at // 2 + 1
    for at, name in enumerate(
        [
            "jan",
            "january",
            "feb",
            "february",
            "mar",
            "march",
            "apr",
            "april",
            "may",
            "may",
            "jun",
            "june",
            "jul",
            "july",
            "aug",
            "august",
            "sep",
            "september",
            "oct",
            "october",
            "nov",
            "november",
            "dec",
            "december",
        ]
    )
} | {"sept": 9}
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_FULL_YEAR = r"(?:19[5-9]\d|20[0-4]\d)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![A-Za-z])(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+)?(?P<month>{_MONTH})\.?,?\s*(?:\d{{1,2}}(?:st|nd|rd|th)?,\s*)?['’‘`]?(?P<year>{_FULL_YEAR}|(?<=['’‘`])\d{{2}})(?!\d)",
        rf"(?<!\d)(?P<year>{_FULL_YEAR})\s*[./-]\s*(?P<num>0?[1-9]|1[0-2])(?:[./-]\d{{1,2}})?(?!\d)",
        rf"(?<!\d)(?P<year>{_FULL_YEAR})\s*[,/ ]?\s*(?P<month>{_MONTH})(?![A-Za-z])",
        rf"(?<![\d.])(?P<year>{_FULL_YEAR})(?![\d])",
        r"\s?['’‘`´]\s?(?P<year>\d{2})(?!\d)",
        r"(?<=[A-Za-z])[-\s]?(?P<year>(?:0\d|1\d|2\d|9\d))$",
    )
)


def dated(text: str) -> tuple[str, int | None, int | None]:
    """`text` without its date, the year and the month (1..12): "arxiv [Oct'21]" gives ("arxiv []", 2021, 10)."""
    for pattern in _DATES:
        hits = list(pattern.finditer(text))
        if not hits:
            continue
        found = hits[-1]
        groups = found.groupdict()
        year = int(groups["year"])
        if year < 100:
            year += 1900 if year > 50 else 2000
        month = _MONTHS.get((groups.get("month") or "").lower()) or int(groups.get("num") or 0) or None
        return f"{text[: found.start()]} {text[found.end() :]}", year, month
    return text, None, None


_EDGE = " \t\n,.;:|-–—*_`\"'“”‘’"


@cache
def _beside(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of the words that may stand beside a venue, longest first."""
    return re.compile(
        r"(?<![\w])(?:" + "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True)) + r")(?![\w%])",
        re.IGNORECASE,
    )


def mention(text: str, table: Venues, awards: tuple[str, ...], status: tuple[str, ...]) -> Mention | None:
    """What `text` as a whole says of a venue and a date, None when it is not shaped like a venue.

    `sure` is False for an acronym that the table does not know and for a name with another sense without a year.
    """
    rest, year, month = dated(text)
    shown = _beside(awards)
    found = [m[0] for m in shown.finditer(rest)]
    whole = rest.strip(_EDGE + "()[]")
    # A name such as "Demo" or "Long" alone is no venue; beside one it is a mark.
    short = table.short(whole)
    if short is None:
        rest = re.sub(r"[\[({<]\s*[\])}>]", " ", shown.sub(" ", rest))
        rest = re.sub(r"[\[(]\s*[,;/&+-]*\s*[\])]", " ", rest)
        whole = " ".join(rest.strip(_EDGE + "()[]").split())
        short = table.short(whole) or table.short(_strip_words(whole, status))
    else:
        found = []
    award = ", ".join(found) or None
    if short is not None:
        known_form = comparison(whole)
        sure = year is not None or known_form not in table.ambiguous
        return Mention(short, True, sure, year, month, award)
    if (
        re.fullmatch(r"[A-Z][A-Za-z]{0,8}[A-Z][A-Za-z]*(?:[-/@&+ ][A-Z][A-Za-z]*[A-Z][A-Za-z]*)?", whole)
        and len(whole) <= 20
    ):
        return Mention(whole, False, False, year, month, award)
    return None


def _strip_words(text: str, status: tuple[str, ...]) -> str:
    pattern = _beside(status)
    while True:
        match = pattern.match(text)
        trimmed = text[match.end() :].strip(_EDGE) if match else text
        tails = list(pattern.finditer(trimmed))[-1:]
        if tails and tails[0].end() == len(trimmed) and tails[0].start() > 0:
            trimmed = trimmed[: tails[0].start()].strip(_EDGE)
        if trimmed == text:
            return text
        text = trimmed
