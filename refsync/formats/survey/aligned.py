"""Knows where each thing that was read of an entry stands in its source: the entry as a pattern, text and fields in turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from refsync.formats.survey import bylines
from refsync.formats.survey.bylines import Byline
from refsync.formats.survey.words import Words
from refsync.model import Account

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Part(NamedTuple):
    """A run of the source: the field that stands there ("" for text that belongs to none), and how it is spelt."""

    slot: str
    text: str


Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """An entry as its source has it. `byline` is how its authors are printed, `between_tags` what parts its tags."""

    account: Account
    parts: tuple[Part, ...]
    byline: Byline | None = None
    between_tags: str | None = None

    @property
    def shown(self) -> frozenset[str]:
        """The fields that stand in it."""
        return frozenset(part.slot for part in self.parts if part.slot)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the list as an example to follow, and how much it counts."""

    pattern: Pattern
    weight: float


def form(parts: Sequence[Part]) -> tuple[str, ...]:
    """What two entries have in common that are written alike: the text between their fields, and which fields."""
    return tuple(f"\0{part.slot}" if part.slot else part.text for part in parts)


@dataclass(slots=True)
class _Claims:
    """The runs of a source that are known to be fields."""

    source: str
    found: list[tuple[int, int, str]] = field(default_factory=list)
    byline: Byline | None = None
    between_tags: str | None = None

    def is_free(self, start: int, end: int) -> bool:
        return start < end and all(end <= one or start >= two for one, two, _ in self.found)

    def take(self, pattern: re.Pattern[str], slot: str, group: int = 0, start: int = 0, *, every: bool = False) -> bool:
        """Claims the first free place where a pattern fits (or every one)."""
        hits = [hit.span(group) for hit in pattern.finditer(self.source, start) if self.is_free(*hit.span(group))]
        for hit in hits if every else hits[:1]:
            self.found.append((*hit, slot))
        return bool(hits)

    def span(self, slot: str) -> tuple[int, int] | None:
        return next(((start, end) for start, end, name in self.found if name == slot), None)

    def parts(self) -> tuple[Part, ...]:
        out: list[Part] = []
        at = 0
        for start, end, slot in sorted(self.found):
            if at < start:
                out.append(Part("", self.source[at:start]))
            out.append(Part(slot, self.source[start:end]))
            at = end
        if at < len(self.source):
            out.append(Part("", self.source[at:]))
        return tuple(out)


def pattern(account: Account, source: str, words: Words, *, labelled: bool = False) -> Pattern | None:
    """The pattern of an entry whose lines are `source` (joined by LF); None when its title is not found there.

    `labelled`: the first line is a bullet that names the work, under which the entry is nested.
    """
    claims = _Claims(source)
    _take_addresses(claims, account)
    if labelled and not _take_label(claims):
        return None
    if not _take_title(claims, account.title):
        return None
    if account.aka:
        claims.take(_spelt(account.aka), "aka")
    _take_authors(claims, account)
    for scheme, value in account.ids.items():
        claims.take(re.compile(rf"(?<![\w.]){re.escape(value)}(?:v\d+)?(?!\w)", re.IGNORECASE), f"id:{scheme}")
    _take_tags(claims, account.tags)
    if account.group:
        claims.take(_spelt(account.group), "group")
    _take_venue(claims, account, words)
    _take_date(claims, account)
    if account.rating:
        claims.take(_spelt(account.rating.split(";")[0].strip()), "rating")
    if account.comment:
        claims.take(_spelt(account.comment), "comment")
    if account.has_code and "code" not in account.links:
        claims.take(re.compile(r"(?<![\w/])codes?(?![\w/])", re.IGNORECASE), "code!")
    _take_repository(claims, account)
    _take_marker(claims)
    return Pattern(account, claims.parts(), claims.byline, claims.between_tags)


def addresses(account: Account) -> dict[str, str]:
    """The addresses of an entry by the slot that each fills."""
    links = {f"link:{label}": href for label, href in account.links.items() if href != account.url}
    return {"url": account.url, **links} if account.url else links


def _take_addresses(claims: _Claims, account: Account) -> None:
    found = addresses(account)
    for slot in sorted(found, key=lambda one: -len(found[one])):
        # Where an address goes on, it is another.
        claims.take(re.compile(rf"(?<![\w/:]){re.escape(found[slot])}(?![^\s()<>\[\]\"'|]*[\w/])"), slot, every=True)


_LABEL = re.compile(r"[ \t]*[-*+][ \t]+([^\[\n]*[^\[\n\s,:])")


def _take_label(claims: _Claims) -> bool:
    hit = _LABEL.match(claims.source)
    if hit is None or not claims.is_free(*hit.span(1)):
        return False
    claims.found.append((*hit.span(1), "label"))
    return True


_MARKUP = r"(?:[*_`\]\)\[]|\([^()\s]*\))*"
_ENTITIES = {"&": "(?:&amp;|&)", "<": r"(?:&lt;|\\?<)", ">": r"(?:&gt;|\\?>)"}


def _spelt(text: str) -> re.Pattern[str]:
    """A text as a source may spell it: escaped, broken over lines."""
    return re.compile(_spelling(text))


def _spelling(text: str) -> str:
    head = r"(?<!\w)" if text[:1].isalnum() else ""
    tail = r"(?!\w)" if text[-1:].isalnum() else ""
    words = (
        "".join(_ENTITIES.get(c) or (c if c.isalnum() else rf"\\?{re.escape(c)}") for c in word)
        for word in text.split()
    )
    return head + r"[\s\u00a0]+".join(words) + tail


def _take_title(claims: _Claims, title: str) -> bool:
    if not title.strip():
        return False
    if claims.take(_spelt(title), "title"):
        return True
    # "[DISTMM](url): Accelerating ...": the name is marked, and the rest of the title follows.
    head, colon, rest = title.partition(":")
    if not colon or not rest.strip():
        return False
    whole = re.compile(
        rf"({_spelling(head.strip())})(?:{_MARKUP}|[\s:：])*?[:：](?:{_MARKUP}|\s)*?({_spelling(rest.strip())})"
    )
    for hit in whole.finditer(claims.source):
        if claims.is_free(*hit.span(1)) and claims.is_free(*hit.span(2)):
            claims.found += [(*hit.span(1), "head"), (*hit.span(2), "rest")]
            return True
    return False


def _take_authors(claims: _Claims, account: Account) -> None:
    if account.authors and (hit := bylines.found(claims.source, account.authors, et_al=account.et_al)):
        start, end, byline = hit
        if claims.is_free(start, end):
            claims.found.append((start, end, "authors"))
            claims.byline = byline


def _take_tags(claims: _Claims, tags: Sequence[str]) -> None:
    spans: list[tuple[int, int]] = []
    for tag in tags:
        after = spans[-1][1] if spans else 0
        hits = (hit.span() for hit in _spelt(tag).finditer(claims.source, after) if claims.is_free(*hit.span()))
        if (hit := next(hits, None)) is None:
            return
        spans.append(hit)
    if spans and claims.is_free(spans[0][0], spans[-1][1]):
        claims.found.append((spans[0][0], spans[-1][1], "tags"))
        claims.between_tags = claims.source[spans[0][1] : spans[1][0]] if len(spans) > 1 else None


_WORD = re.compile(r"[^\W\d_]+|\d+")
_LONGEST_VENUE = 14  # words


def _take_venue(claims: _Claims, account: Account, words: Words) -> None:
    """Claims the longest run of free words that names the venue and no date."""
    if not account.venue or "venue" in account.inferred:
        return
    places = [hit.span() for hit in _WORD.finditer(claims.source) if claims.is_free(*hit.span())]
    best: tuple[int, int] | None = None
    for at, (start, _) in enumerate(places):
        for _, end in places[at : at + _LONGEST_VENUE]:
            text = claims.source[start:end]
            if "\n\n" in text or not claims.is_free(start, end) or (best and end - start <= best[1] - best[0]):
                continue
            if text == account.venue or _names(text, account.venue, words):
                best = start, end
    if best is None:
        claims.take(_spelt(account.venue), "venue")
        return
    start, end = best
    if claims.source[end : end + 1] == "." and account.venue.endswith("."):
        end += 1
    claims.found.append((start, end, "venue"))


def _names(text: str, venue: str, words: Words) -> bool:
    mention = words.mention(text)
    return mention is not None and mention.short == venue and not (mention.year or mention.month or mention.award)


def _take_date(claims: _Claims, account: Account) -> None:
    if account.year is None or "year" in account.inferred:
        return
    year = f"{account.year:04d}"
    venue = claims.span("venue")
    glued = re.compile(rf"{year[2:]}(?!\d)")
    if not claims.take(re.compile(rf"(?<![\d/]){year}(?!\d)"), "year") and not claims.take(
        re.compile(rf"['’‘`´]\s*({year[2:]})(?!\d)"), "yy", 1
    ):
        hit = glued.match(claims.source, venue[1]) if venue else None
        if hit is None or not claims.is_free(*hit.span()):
            return
        claims.found.append((*hit.span(), "yy"))
    near = claims.span("year") or claims.span("yy")
    if account.month is None or near is None:
        return
    name = MONTHS[account.month - 1]
    month = re.compile(rf"(?<![\w])(?:{name}|{name[:4]}|{name[:3]})\b|(?<!\d)0?{account.month}(?!\d)", re.IGNORECASE)
    hits = [hit.span() for hit in month.finditer(claims.source) if claims.is_free(*hit.span())]
    hits = [hit for hit in hits if min(abs(hit[0] - near[1]), abs(near[0] - hit[1])) <= _NEAR]
    if not hits:
        return
    claims.found.append((*min(hits, key=lambda hit: min(abs(hit[0] - near[1]), abs(near[0] - hit[1]))), "month"))
    _take_day(claims)


_DAY_AFTER = re.compile(r"[-/. ](\d\d?)(?!\d)")
_DAY_BEFORE = re.compile(r"(?<!\d)(\d\d?)[-/. ]$")


def _take_day(claims: _Claims) -> None:
    """Claims the day beside a month: "2024-06-04", "10 Jun 2022"."""
    month, year = claims.span("month"), claims.span("year")
    if month is None or year is None:
        return
    after = _DAY_AFTER.match(claims.source, month[1])
    before = _DAY_BEFORE.search(claims.source, max(0, month[0] - 3), month[0])
    for hit in (after, before):
        if hit and 0 < int(hit[1]) < 32 and claims.is_free(*hit.span(1)):
            claims.found.append((*hit.span(1), "day"))
            return


_NEAR = 4  # characters at most between a month and its year
_REPOSITORY = re.compile(r"https?://(?:www\.)?git(?:hub|lab)\.com/([\w.-]+/[\w.-]+?)(?:\.git)?(?:[/#?]|$)")


def repository(account: Account) -> str | None:
    """ "owner/name" of the code of an entry, by which its badges are made."""
    hits = (_REPOSITORY.match(href) for href in (account.links.get("code"), account.url) if href)
    return next((hit[1] for hit in hits if hit), None)


def _take_repository(claims: _Claims, account: Account) -> None:
    if name := repository(account):
        claims.take(re.compile(rf"(?<=/){re.escape(name)}(?![\w-])"), "repository", every=True)


_NUMBER = re.compile(r"[ \t>]*(?:\|[ \t]*)?(?:\[|\()?(\d{1,4})(?=[.)\]、）])[.)\]、）]?")
_MARKER = re.compile(r"[ \t>]*(?:[-*+•]|\d{1,4}[.)])[ \t]+")
_INDENT = re.compile(r"(?<=\n)[ \t]+(?=\S)")


def _take_marker(claims: _Claims) -> None:
    """Claims the number of an entry, and the indents that are as wide as its marker."""
    number = _NUMBER.match(claims.source)
    if number and claims.is_free(*number.span(1)):
        claims.found.append((*number.span(1), "number"))
    marker = _MARKER.match(claims.source)
    for hit in _INDENT.finditer(claims.source) if marker and number else ():
        if hit[0] == " " * len(marker[0].expandtabs(4)) and claims.is_free(*hit.span()):  # type: ignore[index]
            claims.found.append((*hit.span(), "indent"))
