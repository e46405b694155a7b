"""Knows venues: "ICLR-W'22 (Oral)" is a workshop of ICLR in 2022, by the aliases of mappings/venues.yaml."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

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
    loose: Mapping[str, str]
    acronyms: frozenset[str]
    vocabulary: frozenset[str]

    def short(self, text: str) -> str | None:
        """Canonical short name of a venue, also of a workshop of a known one ("KDDw" -> "KDD Workshop")."""
        form = comparison(text)
        if form in self.shorts:
            return None if _is_word(text, form, self) or text.strip() in PUBLISHERS else self.shorts[form]
        if len(text) > 20 and (found := self.loose.get(_loose(text))):
            return found
        whole = text.strip()
        lowered = whole.casefold()
        base = _WORKSHOP_AFTER.sub("", whole) if lowered.endswith(("w", "workshop", "workshops")) else whole
        base = _WORKSHOP_BEFORE.sub("", base) if lowered.startswith("workshop") else base
        if base != whole and (parent := self.shorts.get(comparison(base))):
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


# A publisher by itself is no venue, though journals are called by its name: "Proceedings of the IEEE".
PUBLISHERS = frozenset({"IEEE", "ACM", "Elsevier", "Springer", "USENIX"})
_WORKSHOP_AFTER = re.compile(r"(?<=[A-Za-z])(?:[-\s']?w|s?\s*[-@]?\s*workshops?)$", re.IGNORECASE)
_WORKSHOP_BEFORE = re.compile(r"^workshops?\s*(?:@|at|of|on)\s*", re.IGNORECASE)


def _is_word(text: str, form: str, table: Venues) -> bool:
    """Whether what reads like an acronym is a word or a name: "James" is no JAMES, "Tom M" no TOMM."""
    if form not in table.acronyms:
        return False
    words = re.sub(r"[^\w\s]|\d", " ", text).split()
    return (
        len(words) > 1 and words[0].istitle() and len(words[0]) > 2 and all(len(word) == 1 for word in words[1:])
    ) or (len(words) == 1 and len(form) > 3 and words[0].istitle() and not any(c.isdigit() for c in text))


def comparison(text: str) -> str:
    """The form in which equal names of a venue are equal: letters and digits, without "the" and "proceedings of"."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("&", " and ")
    if "proc" in text or "the" in text:
        text = _UNCOMPARED.sub(" ", text)
    return text if text.isalnum() else _MARKS.sub("", text)


_UNCOMPARED = re.compile(r"\b(?:proceedings of|proc\.?(?: of)?|the)\b")
_MARKS = re.compile(r"[\W_]+")


_WORDS = re.compile(r"[^\W\d_]+")
_BESIDE = frozenset(
    ["w", "workshop", "workshops", "st", "nd", "rd", "th", "s", "accepted", "proceedings", "proc", "vol", "pp"]
)
_ORDINAL = re.compile(
    r"\b\d+(?:st|nd|rd|th)\b|\b(?:(?:twenty|thirty|forty|fifty|sixty)-?)?(?:first|second|third|fourth|fifth|sixth|seventh|"
    r"eighth|ninth)\b|\b(?:ten|eleven|twelf|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twentie|thirtie|"
    r"fortie)th\b"
)
_UNTOLD = frozenset(
    [
        *(
            "proceedings",
            "proc",
            "of",
            "the",
            "in",
            "on",
            "for",
            "and",
            "annual",
            "ieee",
            "acm",
            "cvf",
            "rsj",
            "usenix",
        ),
        *("international", "intl", "int", "joint", "conference", "conf", "conferences", "symposium", "meeting"),
        *("a", "an", "to", "vol"),
    ]
)


_YEAR_OR_BRACKET = re.compile(r"\b(?:19|20)\d\d\b|['’]\d\d\b|\([^()]*\)")
_PARTS = re.compile(r"[^\W_]+")


def _loose(text: str) -> str:
    """The words of a long name that tell it from others: without its sponsors, its number and "international"."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("&", " and ")
    text = _ORDINAL.sub(" ", _YEAR_OR_BRACKET.sub(" ", text))
    words = [word for word in _PARTS.findall(text) if word not in _UNTOLD]
    return " ".join(words) if len(words) > 1 else ""


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
    loose: dict[str, str] = {}
    twice: set[str] = set()
    for short, row in table.venues.items():
        for name in (row.name, *row.aliases):
            form = _loose(name) if len(name) > 20 else ""
            if form and loose.setdefault(form, short) != short:
                twice.add(form)
    for form in twice:
        del loose[form]
    spelt = [name for short, row in table.venues.items() for name in (short, *row.aliases)]
    acronyms = frozenset(comparison(name) for name in spelt if name.isupper()) - {
        comparison(name) for name in spelt if name.istitle()
    }
    names = (name for short, row in table.venues.items() for name in (short, *row.aliases, row.iso4 or "", row.name))
    vocabulary = frozenset(word for name in names for word in _WORDS.findall(name.casefold()))
    return Venues(
        rows=table.venues, shorts=shorts, ambiguous=ambiguous, loose=loose, acronyms=acronyms, vocabulary=vocabulary
    )


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
        rf"(?<![\d/.-])(?P<num>0?[1-9]|1[0-2])[./](?P<year>{_FULL_YEAR})(?![\d/-])",
        rf"(?<![\d.])(?P<year>{_FULL_YEAR})(?P<num>0[1-9]|1[0-2])(?:[0-2]\d|3[01])?(?![\d.])",
        rf"(?<!\d)(?P<year>{_FULL_YEAR})\s*[,/ ]?\s*(?P<month>{_MONTH})(?![A-Za-z])",
        rf"(?<![\d.])(?P<year>{_FULL_YEAR})(?![\d])",
        r"\s?['’‘`´]\s?(?P<year>\d{2})(?!\d)",
        r"^(?P<year>[012]\d|9\d)-(?=[A-Z]{2})",
        r"(?<=[A-Za-z])[-\s]?(?P<year>(?:0\d|1\d|2\d|9\d))$",
    )
)


_DIGIT = re.compile(r"\d")


def dated(text: str) -> tuple[str, int | None, int | None]:
    """`text` without its date, the year and the month (1..12): "arxiv [Oct'21]" gives ("arxiv []", 2021, 10)."""
    if not _DIGIT.search(text):
        return text, None, None
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


@dataclass(frozen=True, slots=True)
class Beside:
    """What may stand beside the name of a venue: marks of distinction and how far a paper has come.

    `words` are all those of the names of venues and of what stands beside them.
    """

    awards: re.Pattern[str]
    status: re.Pattern[str]
    words: frozenset[str]


def beside(awards: tuple[str, ...], status: tuple[str, ...], table: Venues) -> Beside:
    """These phrases, ready to be looked for."""
    words = {word for phrase in (*awards, *status) for word in _WORDS.findall(phrase.casefold())}
    return Beside(_any_of(awards), _any_of(status), table.vocabulary | _BESIDE | words | set(_MONTHS))


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of these phrases, longest first."""
    return re.compile(
        r"(?<![\w])(?:" + "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True)) + r")(?![\w%])",
        re.IGNORECASE,
    )


def mention(text: str, table: Venues, beside: Beside) -> Mention | None:
    """What `text` as a whole says of a venue and a date, None when it is not shaped like a venue.

    Text past 200 characters is prose. `sure` is False for an acronym that the table does not know and for a name with another sense without a year.
    """
    if len(text) > 200 or _is_other(text, beside):
        return None
    rest, year, month = dated(text)
    found = [m[0] for m in beside.awards.finditer(rest)]
    whole = rest.strip(_EDGE + "()[]")
    if whole in PUBLISHERS:
        return None
    # A name such as "Demo" or "Long" alone is no venue; beside one it is a mark.
    short = table.short(whole)
    if short is None:
        rest = _EMPTY.sub(" ", beside.awards.sub(" ", rest) if found else rest)
        rest = _EMPTIED.sub(" ", rest)
        first, whole = whole, " ".join(rest.strip(_EDGE + "()[]").split())
        bare = _strip_words(whole, beside.status)
        others = (name for name in dict.fromkeys((whole, bare)) if name != first)
        short = next(filter(None, map(table.short, others)), None)
        short = short or _without_volume(bare, table) or _by_acronym(bare, table)
    else:
        found = []
    award = ", ".join(found) or None
    if short is not None:
        known_form = comparison(whole)
        if len(known_form) < 3 and not whole.isupper():
            return None  # "e.g."
        if year is None and known_form in table.ambiguous and " " in whole and whole.islower():
            return None  # "machine learning": the field, not the journal
        sure = year is not None or known_form not in table.ambiguous
        return Mention(short, True, sure, year, month, award)
    if len(whole) <= 20 and _ACRONYM.fullmatch(whole):
        return Mention(whole, False, False, year, month, award)
    if year and len(bare) <= 100 and bare[:1].isupper() and _VENUE_NOUN.search(bare) and len(bare.split()) > 1:
        if any(not _VENUE_NOUN.search(part) for part in bare.split(",")[:-1]):
            return None  # a name or a part of the title stands before it
        return Mention(_VOLUME.sub("", bare).strip(_EDGE), False, False, year, month, award)
    return None


_EMPTY = re.compile(r"[\[({<]\s*[\])}>]")
_EMPTIED = re.compile(r"[\[(]\s*[,;/&+-]*\s*[\])]")
_ACRONYM = re.compile(r"[A-Z][A-Za-z]{0,8}[A-Z][A-Za-z]*(?:[-/@&+ ][A-Z][A-Za-z]*[A-Z][A-Za-z]*)?")
_VOLUME = re.compile(
    r"[\s,;:]+(?:(?:vol(?:ume)?|no|nr|issue|number|pp?|pages?|art(?:icle)?)\.?\s*)?(?:[A-Z]?\d[\d:()\s.–-]*|\([\d\s–-]*\))\s*$",
    re.IGNORECASE,
)


def _without_volume(text: str, table: Venues) -> str | None:
    """The short name of "Nature 596" or "Commun. ACM 36, 7": a known name and numbers behind it."""
    while found := _VOLUME.search(text):
        text = text[: found.start()].rstrip(_EDGE)
        if short := table.short(text):
            return short
    return None


_LAST_ACRONYM = re.compile(r"\(([A-Z][\w&/ -]{1,20}?)\)\s*$")


def _by_acronym(text: str, table: Venues) -> str | None:
    """The short name in "2022 IEEE 38th International Conference on Data Engineering (ICDE)"."""
    found = _LAST_ACRONYM.search(text)
    return table.short(found[1]) if found and len(text.split()) > 3 else None


# What an unknown venue is known by: a word for a sort of venue in a name in capitals.
_SORTS = (
    *("Transactions", "Journal", "Proceedings", "Proc.", "Conference", "Conf.", "Workshop", "Workshops", "Symposium"),
    *("Letters", "Magazine", "Annals", "Bulletin", "Trans.", "J.", "Lett.", "Int.", "Intl", "Archives of"),
    *("Communications of", "Trends in", "Frontiers in", "Advances in", "Reports", "Quarterly", "Reviews"),
    *("Companion", "Colloquium", "Congress"),
)
_VENUE_NOUN = re.compile(rf"\b(?:{'|'.join(map(re.escape, _SORTS))})(?![\w-])")
_NOUNS = frozenset(_WORDS.findall(sort)[0] for sort in _SORTS)


def shaped(text: str) -> bool:
    """Whether a few words in capitals name a venue by its sort: "Advances in Intelligent Systems and Computing"."""
    return text[:1].isupper() and 1 < len(text.split()) <= 12 and bool(_VENUE_NOUN.search(text)) and "," not in text


_CAPITALS = re.compile(r"[A-Z].*[A-Z]")


_SORT_OF = re.compile(r"(?:conference|symposium|workshop|transactions) on |journal of |advances in ")


class Signs(NamedTuple):
    """What the words of a text tell of whether it names a venue, whatever else stands there."""

    words: int
    strange: bool  # one stands in no name of a venue nor beside one
    open: bool  # one is a sort of venue, or a bracket may hold an acronym


def signs(text: str, beside: Beside) -> Signs:
    """The signs of a text."""
    words = _WORDS.findall(text)
    strange = not beside.words.issuperset(map(str.casefold, words))
    return Signs(len(words), strange, "(" in text or not _NOUNS.isdisjoint(words))


def are_other(parts: Sequence[Signs]) -> bool:
    """Whether texts with these signs, side by side, surely name no venue."""
    strange = False
    count = 0
    for part in parts:
        if part.open:
            return False
        count += part.words
        strange = strange or part.strange
    return strange and count > 2


def _is_other(text: str, beside: Beside) -> bool:
    """Whether a text of several words holds one that stands in no name of a venue nor beside one: most texts do."""
    if "(" in text:
        return False
    words = _WORDS.findall(text)
    if len(words) < 3:
        return bool(words) and not any(word.casefold() in beside.words or _CAPITALS.search(word) for word in words)
    # A name of several words is written in capitals, unless a program has lowered it: "international conference on ...".
    if (
        len(words) > 5
        and _SORT_OF.search(text) is None
        and 2 * sum(word[0].islower() for word in words if len(word) > 3) > len(words)
    ):
        return True
    if not _NOUNS.isdisjoint(words) and _VENUE_NOUN.search(text):
        return False
    return not beside.words.issuperset(map(str.casefold, words))


def _strip_words(text: str, status: re.Pattern[str]) -> str:
    """A text without the words at its ends that say how far a paper has come."""
    while True:
        match = status.match(text)
        trimmed = text[match.end() :].strip(_EDGE) if match else text
        tails = list(status.finditer(trimmed))[-1:]
        if tails and tails[0].end() == len(trimmed) and tails[0].start() > 0:
            trimmed = trimmed[: tails[0].start()].strip(_EDGE)
        if trimmed == text:
            return text
        text = trimmed
