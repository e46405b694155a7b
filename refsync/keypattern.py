"""Knows the small language in which a person says how citation keys are made.

A pattern is text with fields in braces: `{author}{year}{titleword}`. A field may have alternatives, of which the first
that an entry has is taken, and filters: `{nickname|title:3w}`, `{venue|"misc"}`, `{author:4}`. Several patterns may stand
with ` | ` between them: the first of which an entry has every field is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from refsync import identifiers, names, titles
from refsync.model import Entry, Failure, Problem

# Words that tell nothing at the head of a title.
_SMALL = frozenset(
    [
        "a",
        "an",
        "the",
        "on",
        "of",
        "for",
        "in",
        "to",
        "and",
        "or",
        "with",
        "from",
        "by",
        "at",
        "as",
        "is",
        "are",
        "do",
        "does",
        "how",
        "what",
        "why",
        "when",
        "where",
        "via",
        "towards",
        "toward",
        "can",
        "your",
        "you",
        "its",
        "it",
    ]
)


def _families(entry: Entry) -> tuple[str, ...]:
    return tuple(names.ascii_word(one.family or one.literal or "") for one in entry.authors)


def _telling(entry: Entry) -> tuple[str, ...]:
    words = [word for word in map(names.ascii_word, titles.words(entry.title)) if word]
    return tuple([word for word in words if word not in _SMALL and not word.isdigit()] or words)


def _nickname(entry: Entry) -> tuple[str, ...]:
    head = entry.title.partition(":")[0].split()
    name = entry.aka[0] if entry.aka else (head[0] if len(head) == 1 and ":" in entry.title else "")
    return (names.ascii_word(name)[:24],)


def _venue(entry: Entry) -> tuple[str, ...]:
    return (names.ascii_word((entry.venue.short or "") if entry.venue else ""),)


def _identifier(entry: Entry) -> tuple[str, ...]:
    found = next((f"{one}-{entry.ids[one]}" for one in identifiers.SCHEMES if one in entry.ids), "")
    return (re.sub(r"[^a-z0-9]+", "-", found.lower()).strip("-"),)


# Each field as the words that it holds; without a filter they are joined.
FIELDS: Mapping[str, Callable[[Entry], tuple[str, ...]]] = {
    "author": lambda entry: _families(entry)[:1],
    "authors": _families,
    "lastauthor": lambda entry: _families(entry)[-1:],
    "year": lambda entry: (str(entry.year or ""),),
    "shortyear": lambda entry: (f"{entry.year % 100:02}" if entry.year else "",),
    "titleword": lambda entry: _telling(entry)[:1],
    "title": lambda entry: _telling(entry)[:3],
    "titlewords": _telling,
    "venue": _venue,
    "nickname": _nickname,
    "id": _identifier,
}
_PART = re.compile(r"\{([^{}]*)\}|([^{}]+)")
_LITERAL = re.compile(r"\"([A-Za-z0-9:_-]*)\"|'([A-Za-z0-9:_-]*)'")
_FILTER = re.compile(r"([1-9]\d?)(w?)|i")
_ALTERNATIVE = re.compile(r"\s+\|\s+(?=[^{}]*(?:\{|$))")

Maker = Callable[[Entry], str]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One pattern: the fields that it names, and what makes each part of a key."""

    fields: frozenset[str]
    parts: tuple[Maker, ...]


@cache
def compiled(pattern: str) -> tuple[Alternative, ...]:
    """The alternatives of a pattern. Raises Failure where it is not in the language."""
    return tuple(_alternative(one) for one in _ALTERNATIVE.split(pattern.strip()))


def made(entry: Entry, pattern: str) -> str:
    """The key that a pattern makes for an entry, "" when the entry lacks a field of every alternative."""
    found = ([part(entry) for part in one.parts] for one in compiled(pattern))
    return next(("".join(parts) for parts in found if all(parts)), "")


def made_with_gaps(entry: Entry, pattern: str) -> str:
    """The key that the first alternative makes of the fields that the entry has."""
    return "".join(part(entry) for part in compiled(pattern)[0].parts)


def names_author(pattern: str) -> bool:
    """Whether the pattern makes keys of authors at all."""
    return any(one.fields & {"author", "authors", "lastauthor"} for one in compiled(pattern))


def _alternative(pattern: str) -> Alternative:
    parts: list[Maker] = []
    used: set[str] = set()
    at = 0
    for found in _PART.finditer(pattern):
        if found.start() != at:
            break
        at = found.end()
        if found[1] is not None:
            parts.append(_field(found[1], used))
        elif wrong := re.search(r"[^A-Za-z0-9:_-]", found[2]):
            raise _wrong(wrong[0], "a character that no key may hold")
        else:
            parts.append(partial(_constant, found[2].lower()))
    if at != len(pattern):
        raise _wrong(pattern[at], "a brace that opens or closes nothing")
    if not used:
        what = "`key_pattern` names no field."
        raise Failure(Problem(where="refsync.yaml", what=what, hint=_HINT))
    return Alternative(frozenset(used), tuple(parts))


def _constant(text: str, entry: Entry) -> str:
    return text


def _field(text: str, used: set[str]) -> Maker:
    choices = [_choice(one.strip(), used) for one in text.split("|")]
    return lambda entry: next((word for choice in choices if (word := choice(entry))), "")


def _choice(text: str, used: set[str]) -> Maker:
    if literal := _LITERAL.fullmatch(text):
        return partial(_constant, (literal[1] or literal[2] or "").lower())
    name, *filters = text.split(":")
    if name not in FIELDS:
        raise _wrong(name, "no field of a key")
    if wrong := [one for one in filters if not _FILTER.fullmatch(one)]:
        raise _wrong(wrong[0], "no filter of a key")
    used.add(name)
    words_of = FIELDS[name]
    return lambda entry: _filtered(words_of(entry), filters)


def _filtered(words: tuple[str, ...], filters: list[str]) -> str:
    for one in filters:
        if one == "i":
            words = tuple(word[:1] for word in words)
        elif one.endswith("w"):
            words = words[: int(one[:-1])]
        else:
            words = ("".join(words)[: int(one)],)
    return "".join(words)


_HINT = f"Use {', '.join('{' + name + '}' for name in FIELDS)}; filters are :4 (letters), :2w (words), :i (initials)."


def _wrong(text: str, why: str) -> Failure:
    what = f"`key_pattern` holds {text!r}, which is {why}."
    return Failure(Problem(where="refsync.yaml", what=what, hint=_HINT))
