"""Knows citation keys: made once, kept for ever, unique without regard to case."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Collection, Iterator

from refsync import identifiers, keypattern, titles
from refsync.model import Entry

PATTERN = "{author}{year}{titleword}"
GRAMMAR = "A key is made of the letters a-z, digits and : _ - and begins with a letter or a digit."
_MADE = re.compile(r"[a-z0-9][a-z0-9:_-]*")
# What bibtex, biber, pandoc and the common readers all take in a key that a person made.
_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_./+-]*")


def is_usable(key: str) -> bool:
    """Whether a key that a person wrote works in every program that reads it."""
    return bool(_USABLE.fullmatch(key))


def is_provisional(entry: Entry, pattern: str = PATTERN) -> bool:
    """Whether a key made for this entry now would lack the author that the pattern asks for."""
    return not entry.authors and keypattern.names_author(pattern)


def base(entry: Entry, pattern: str = PATTERN) -> str:
    """The key that the pattern makes for an entry, before it is made unique; never empty.

    Where the entry lacks a field, it is made of those that it has; without an author it is the nickname or the first
    words of the title, and the year. A title in another script falls back on an identifier, a nickname, then `w` and a
    hash of the title.
    """
    year = str(entry.year or "")
    made = keypattern.made(entry, pattern)
    if not made and is_provisional(entry, pattern):
        made = keypattern.made(entry, "{nickname|title}") + year
    elif not made:
        made = keypattern.made_with_gaps(entry, pattern)
    made = re.sub(r"[^a-z0-9:_-]+", "", made).strip(":_-")
    if not made or made == year:
        made = _of_identifier(entry) or _of_hash(entry)
    return made if _MADE.fullmatch(made) else _of_hash(entry)


def _of_identifier(entry: Entry) -> str:
    for scheme in (*identifiers.SCHEMES, "isbn"):
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
