"""Knows which entries of a catalog a few words mean: of the title, an author, a year, a nickname, with slips of the hand.

Words are looked up among the distinct words of the whole catalog, so that ten thousand entries take no longer than their
vocabulary. A word that is nowhere is taken for the nearest ones.
"""

from __future__ import annotations

import heapq
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from refsync import titles
from refsync.model import Entry

# What a word counts for, by where it stands in an entry.
_KEY, _NICKNAME, _SURNAME, _TITLE, _YEAR, _VENUE, _GIVEN = 9, 8, 5, 4, 3, 2, 1
_BEGUN, _SLIPPED = 0.8, 0.6  # a word that is only begun, or spelt otherwise, counts for so much of itself
Lookup = Callable[[Sequence[str]], Mapping[str, bytes]]  # the places of some words, by word
_WEIGHTS = 16  # a place is an entry's number times this, plus the weight


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry by its number in the catalog; `whole` when every word was found in it, `named` when the words are its key
    or its nickname and nothing else."""

    number: int
    score: float
    whole: bool
    named: bool


def vocabulary(entries: Sequence[Entry]) -> dict[str, bytes]:
    """The places of each word of the entries: numbers of entries with what the word counts there, packed."""
    found: dict[str, array[int]] = {}
    for number, entry in enumerate(entries):
        weights: dict[str, int] = {}
        for weight, texts in _texts(entry):
            for text in texts:
                for word in titles.words(text):
                    weights[word] = max(weight, weights.get(word, 0))
        for word, weight in weights.items():
            found.setdefault(word, array("I")).append(number * _WEIGHTS + weight)
    return {word: places.tobytes() for word, places in found.items()}


def _texts(entry: Entry) -> Iterable[tuple[int, Iterable[str]]]:
    people = (*entry.authors, *entry.editors)
    head, colon, _ = entry.title.partition(":")
    yield _KEY, (entry.key, *entry.aliases)
    yield _NICKNAME, (*entry.aka, *([head] if colon and len(head.split()) == 1 else ()))
    yield _SURNAME, (one.family or one.literal or "" for one in people)
    yield _TITLE, (entry.title,)
    yield _YEAR, (str(entry.year or ""),)
    yield _VENUE, ((entry.venue.short or "", entry.venue.name) if entry.venue else ())
    yield _GIVEN, (one.given or "" for one in people)


def hits(query: str, words: Sequence[str], places_of: Lookup, total: int, limit: int) -> list[Hit]:
    """At most `limit` entries that `query` may mean, the best first. `words` is the whole vocabulary, sorted; `places_of`
    looks some of it up, and `total` counts the entries."""
    asked = titles.words(query)
    scores: dict[int, float] = {}
    met: dict[int, int] = {}
    best: dict[int, int] = {}
    for word in asked:
        for number, (points, weight) in _met(_near(word, words), places_of, total).items():
            scores[number] = scores.get(number, 0.0) + points
            met[number] = met.get(number, 0) + 1
            best[number] = max(best.get(number, 0), weight)
    ranked = [(-met[number], -score, number) for number, score in scores.items()]
    return [
        Hit(
            number=number,
            score=round(-score, 4),
            whole=-missed == len(asked),
            named=len(asked) == 1 and best[number] >= _NICKNAME,
        )
        for missed, score, number in heapq.nsmallest(limit, ranked)
    ]


def _met(near: Mapping[str, float], places_of: Lookup, total: int) -> dict[int, tuple[float, int]]:
    """What each entry gains by one word, and what the word is there when it stands as it was typed; rare words gain more."""
    gained: dict[int, tuple[float, int]] = {}
    for word, packed in places_of(list(near)).items():
        places = array("I", packed)
        quality = near[word]
        each = quality * math.log(1 + total / len(places))
        for place in places:
            number, weight = place // _WEIGHTS, place % _WEIGHTS
            points, known = each * weight, weight if quality == 1 else 0
            if number in gained:
                points, known = max(points, gained[number][0]), max(known, gained[number][1])
            gained[number] = (points, known)
    return gained


def _near(word: str, words: Sequence[str]) -> dict[str, float]:
    """The words of the vocabulary that a typed word may be, each with how well it fits: itself, what it begins, else
    what is spelt nearly so."""
    found: dict[str, float] = {}
    if len(word) > 1 or not word.isascii():
        found = dict.fromkeys(words[bisect_left(words, word) : bisect_left(words, word + chr(0x10FFFF))], _BEGUN)
    if not word.isascii():  # scripts that put no spaces between words
        found |= {one: _BEGUN for one in words if word in one}
    if word in found or len(word) == 1:
        found[word] = 1.0
    return found or _slipped(word, words)


def _slipped(word: str, words: Sequence[str]) -> dict[str, float]:
    if len(word) < 4 or word.isdigit():
        return {}
    from refsync import matching

    most = 1 if len(word) < 8 else 2
    lengths = range(len(word) - most, len(word) + most + 1)
    return dict.fromkeys(matching.misspelt(word, [one for one in words if len(one) in lengths], most), _SLIPPED)
