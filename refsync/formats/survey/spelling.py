"""Knows how a list spells what it writes: venues, months, names, tags; and a new entry by a pattern, in that spelling."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from refsync.formats.survey import aligned, bylines
from refsync.formats.survey.aligned import MONTHS, Neighbour, Parts
from refsync.model import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class Spelling:
    """How a list spells what it writes: venues by short name, months by number, names of authors, what parts tags."""

    venues: Mapping[str, str]
    months: Mapping[int, str]
    month: str
    byline: bylines.Byline
    between_tags: str | None


def of(neighbours: Sequence[Neighbour]) -> Spelling:
    """What most of the neighbours do, the nearest counting most."""
    venues: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    months: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    sorts: dict[str, float] = defaultdict(float)
    tags: dict[str, float] = defaultdict(float)
    for one in neighbours:
        account = one.pattern.account
        for part in one.pattern.parts:
            if part.slot == "venue" and account.venue:
                venues[account.venue][part.text] += one.weight
            elif part.slot == "month" and account.month:
                months[account.month][part.text] += one.weight
                sorts[_sort(part.text, account.month)] += one.weight
        if one.pattern.between_tags:
            tags[one.pattern.between_tags] += one.weight
    return Spelling(
        venues={name: _first(texts) for name, texts in venues.items()},
        months={number: _first(texts) for number, texts in months.items()},
        month=_first(sorts) if sorts else "full",
        byline=bylines.usual((one.pattern.byline, one.weight) for one in neighbours if one.pattern.byline),
        between_tags=_first(tags) if tags else None,
    )


def _first(votes: Mapping[str, float]) -> str:
    return max(votes, key=lambda one: votes[one])


def _sort(text: str, month: int) -> str:
    if text.isdigit():
        return "two digits" if text.startswith("0") else ("digits" if month < 10 else "")
    return "short" if len(text) < len(MONTHS[month - 1]) else ("full" if len(text) > 3 else "")


def _month(number: int, how: Spelling) -> str:
    if how.months.get(number, "0").isalpha():
        return how.months[number]
    name = MONTHS[number - 1]
    return {"two digits": f"{number:02d}", "digits": str(number), "short": name[:3]}.get(how.month, name)


def rendered(parts: Parts, new: Account, how: Spelling, number: int, *, escaped: Callable[[str], str] = str) -> str:
    """The text of a new entry by a pattern. `number` is its own where the section is numbered."""
    head, _, rest = new.title.partition(":")
    found = {
        **aligned.addresses(new),
        **{f"id:{scheme}": value for scheme, value in new.ids.items()},
        "title": escaped(new.title),
        "head": escaped(head.strip()),
        "rest": escaped(rest.strip()),
        "aka": escaped(new.aka or head.strip()),
        "label": escaped(new.aka or head.strip()),
        "year": str(new.year),
        "yy": f"{(new.year or 0) % 100:02d}",
        "month": _month(new.month, how) if new.month else "",
        "day": f"{new.day or 0:02d}",
        "authors": escaped(bylines.printed(new.authors, how.byline, et_al=new.et_al)),
        "venue": how.venues.get(new.venue or "", new.venue or ""),
        "group": new.group or "",
        "rating": (new.rating or "").split(";")[0].strip(),
        "comment": new.comment or "",
        "repository": aligned.repository(new) or "",
        "number": str(number),
    }
    out = ""
    for at, part in enumerate(parts):
        if not part.slot:
            # A title that ends in a mark of its own takes no stop behind it.
            out += part.text[1:] if part.text.startswith(".") and out.endswith(("?", "!", ".")) else part.text
        elif part.slot == "tags":
            between = how.between_tags or _around(parts, at)
            out += between.join(new.tags)
        elif part.slot == "indent":
            marker = re.match(r"[ \t>]*\d{1,4}[.)][ \t]+", out)
            out += " " * len(marker[0].expandtabs(4)) if marker else part.text
        else:
            out += found.get(part.slot, part.text)
    return out


_CLOSING, _OPENING = re.compile(r"[^\w\s]*"), re.compile(r"[^\w\s]*$")


def _around(parts: Parts, at: int) -> str:
    """What parts two tags where no neighbour has two: the marks that close one and open the next."""
    before = parts[at - 1].text if at and not parts[at - 1].slot else ""
    after = parts[at + 1].text if at + 1 < len(parts) and not parts[at + 1].slot else ""
    close, opening = _CLOSING.match(after), _OPENING.search(before)
    marks = (close[0] if close else "", opening[0] if opening else "")
    return f"{marks[0]} {marks[1]}" if all(marks) and "|" not in "".join(marks) else ", "
