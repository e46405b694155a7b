"""Knows citation keys: made once, kept for ever, unique without regard to case."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Collection, Iterator

from refsync import names, titles
from refsync.model import Entry, Failure, Problem

PATTERN = "{author}{year}{titleword}"
GRAMMAR = "A key is made of the letters a-z, digits and : _ - and begins with a letter or a digit."
_MADE = re.compile(r"[a-z0-9][a-z0-9:_-]*")
# What bibtex, biber, pandoc and the common readers all take in a key that a person made.
_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_./+-]*")
_FIELDS = frozenset({"author", "year", "titleword", "title", "venue", "nickname"})
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


def is_usable(key: str) -> bool:
    """Whether a key that a person wrote works in every program that reads it."""
    return bool(_USABLE.fullmatch(key))


def checked_pattern(pattern: str) -> str:
    """The pattern, when it holds only fields that a key may be made of. Raises Failure otherwise."""
    try:
        parts = [part for part in string.Formatter().parse(pattern) if part[1] is not None]
        used = {str(name) for _, name, _, _ in parts}
        wrong = sorted(used - _FIELDS) + [
            f"{spec or conversion}" for _, _, spec, conversion in parts if spec or conversion
        ]
    except ValueError as error:
        used, wrong = set(), [str(error)]
    if wrong or not used:
        what = (
            f"`key_pattern` holds {wrong[0]!r}, which is no field of a key."
            if wrong
            else "`key_pattern` names no field."
        )
        hint = "Use " + ", ".join("{" + name + "}" for name in sorted(_FIELDS)) + "."
        raise Failure(Problem(where="refsync.yaml", what=what, hint=hint))
    return pattern


def is_provisional(entry: Entry) -> bool:
    """Whether a key made for this entry now would lack its author."""
    return not entry.authors


def base(entry: Entry, pattern: str = PATTERN) -> str:
    """The key that the pattern makes for an entry, before it is made unique; never empty.

    Without an author it is the nickname or the first words of the title, and the year. A title in another script
    falls back on an identifier, a nickname, then `w` and a hash of the title.
    """
    parts = _parts(entry)
    made = pattern.format_map(parts) if entry.authors else (parts["nickname"] or parts["title"]) + parts["year"]
    made = re.sub(r"[^a-z0-9:_-]+", "", made).strip(":_-")
    if not made or (not entry.authors and not (parts["nickname"] or parts["title"])) or made == parts["year"]:
        made = _of_identifier(entry) or _of_hash(entry)
    return made if _MADE.fullmatch(made) else _of_hash(entry)


def _parts(entry: Entry) -> dict[str, str]:
    words = [word for word in map(names.ascii_word, titles.words(entry.title)) if word]
    telling = [word for word in words if word not in _SMALL and not word.isdigit()] or words
    first = entry.authors[0] if entry.authors else None
    author = names.ascii_word((first.family or first.literal or "") if first else "")
    head = entry.title.partition(":")[0].split()
    nickname = entry.aka[0] if entry.aka else (head[0] if len(head) == 1 and ":" in entry.title else "")
    return {
        "author": author,
        "year": str(entry.year or ""),
        "titleword": telling[0] if telling else "",
        "title": "".join(telling[:3]),
        "nickname": names.ascii_word(nickname)[:24],
        "venue": names.ascii_word((entry.venue.short or "") if entry.venue else ""),
    }


def _of_identifier(entry: Entry) -> str:
    for scheme in ("arxiv", "doi", "acl", "openreview", "isbn"):
        if value := entry.ids.get(scheme):
            made = re.sub(r"[^a-z0-9]+", "-", f"{scheme}-{value}".lower()).strip("-")
            if made != scheme:
                return made
    return ""


def _of_hash(entry: Entry) -> str:
    text = titles.comparison(entry.title) or entry.title or " ".join(entry.links.values())
    return "w" + hashlib.sha256(text.encode()).hexdigest()[:8]


def unique(key: str, taken: Collection[str]) -> str:
    """`key`, or `key` with the first suffix (b, c, ... z, ab, ...) that nobody holds. `taken` is casefolded."""
    if key.casefold() not in taken:
        return key
    return next(one for one in (f"{key}{suffix}" for suffix in _suffixes()) if one.casefold() not in taken)


def is_suffixed(key: str, base: str) -> bool:
    """Whether `key` is `base`, or `base` made unique."""
    return bool(re.fullmatch(re.escape(base) + "[a-z]{0,3}", key))


def _suffixes() -> Iterator[str]:
    yield from string.ascii_lowercase[1:]
    for first in _suffixes():
        for second in string.ascii_lowercase:
            yield first + second
