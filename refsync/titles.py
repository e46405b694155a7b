"""Knows when two titles are the same, in every script; and which letters of a title keep their case."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from refsync.names import LETTERS

_TAGS = re.compile(r"</?[a-zA-Z][^<>]{0,40}>")
# Letters that LaTeX spells: an alpha-divergence is no beta-divergence.
_GREEK = re.compile(
    r"\\(?:var)?(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega)"
    r"(?![a-zA-Z])\s*",
    re.IGNORECASE,
)
_VOICED = frozenset("\u3099\u309a")  # of kana: a bus is no path
_LATEX = re.compile(r"\\[a-zA-Z]+\s*|[\\${}]")
_APART = re.compile(r"(?:[^\w+#]|_)+")


@lru_cache(maxsize=65536)
def comparison(title: str) -> str:
    """The form in which equal titles are equal: the words of every script, folded, one space apart.

    Entities, tags, LaTeX, accents, case and punctuation are gone; `+` and `#` stay, because C, C++ and C# are three
    things. Empty for a title without words: such a title equals nothing.
    """
    text = unicodedata.normalize("NFKC", html.unescape(title)).replace("\u00ad", "")
    text = _GREEK.sub(r"\1", _TAGS.sub("", text)) if "\\" in text else _TAGS.sub("", text)
    text = unicodedata.normalize("NFKD", _LATEX.sub("", text))
    text = "".join(c for c in text if c in _VOICED or not unicodedata.combining(c))
    text = unicodedata.normalize("NFKC", text).casefold().translate(LETTERS)
    text = _APART.sub(" ", text).strip()
    return text if any(c.isalnum() for c in text) else ""


def parted(first: str, second: str) -> Iterator[tuple[str, str, str, str]]:
    """Each of two titles that has a colon: what stands before it, the comparison forms of that and of what follows, and
    the form of the other title."""
    for title, other in ((first, second), (second, first)):
        head, colon, rest = title.partition(":")
        if colon:
            yield head, comparison(head), comparison(rest), comparison(other)


def words(title: str) -> tuple[str, ...]:
    """The words of the comparison form."""
    return tuple(comparison(title).split())


# A word, or the part of one between hyphens; "O'Reilly" and "L'Hôpital" are one part, "BERT's" is "BERT".
_PART = re.compile(r"[^\W_]+(?:['’](?=[A-ZÀ-ÖØ-Þ])[^\W_]+)?")
_INSIDE = re.compile(r"[-./&+'’]|-\.")
Spans = list[tuple[int, int]]


# A name at the head that stands as its author spells it: "D-Bot: ...", "ditto: ...", "pyannote.audio 2.1".
_NAMED = re.compile(r"([^\W_]+(?:-[^\W_]+)+(?=: )|[a-z][^\W_A-Z]*(?=: )|[a-z]+\.[a-z]+(?= ))")
# The first word of a second sentence, which a style must not lower: "Half Done! Composition Sampling ...".
_NEW_SENTENCE = re.compile(r"(?<!\bvs)(?<!\b[A-Za-z])(?<!\b[DMS][rt])[.?!]['\"’”)]? ([^\W\d_a-z][^\W_]*)")


def is_of_names(title: str) -> bool:
    """Whether a title holds what is a name only by its place in the title, so that no word of it tells by itself."""
    if ":" not in title and "." not in title and "?" not in title and "!" not in title:
        return False
    return _NAMED.match(title) is not None or _NEW_SENTENCE.search(title) is not None


def protected(title: str, proper: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    """`title` as runs of text, each with whether its capitals must stay when a style lowers the title.

    Kept are parts with a capital inside or beside a digit (BERT, ViT, 3D, T5), symbols of one capital (the Q of
    "Q-learning"), Roman numerals, the proper nouns and terms of `proper`, a hyphenated name before a colon, and what begins
    a second sentence. Hyphenated parts are judged apart: a
    title in Title Case reads "Few-Shot" where the sentence says "few-shot". A title all in capitals tells nothing.
    """
    if _all_capitals(title):
        return ((title, False),)
    terms, spans = _term_spans(title, proper) if holds_term(title, proper) else ([], [])
    named = _NAMED.match(title)
    if named and not any(first < named.end(1) for first, _ in spans):
        terms.append(named.span(1))
        spans.append(named.span(1))
    if "." in title or "?" in title or "!" in title:
        spans += [found.span(1) for found in _NEW_SENTENCE.finditer(title)]
    begun = {start for start, _ in spans}
    for found in _PART.finditer(title):
        start, end = found.span()
        if start in begun or any(first <= start < last for first, last in terms):
            continue
        if _keeps_case(title, start, end, proper) or (title[start].isdigit() and _joined(title, spans, start)):
            spans.append((start, end))
    return _runs(title, sorted(spans))


def _keeps_case(title: str, start: int, end: int, proper: frozenset[str]) -> bool:
    part = title[start:end]
    if part.islower() or not any(map(str.isupper, part)):
        return False
    if len(part) == 1:
        # "A" by itself is the article; in "A*", "A/B" or "Vitamin-A" it is a symbol.
        beside = title[max(start - 1, 0) : start] + title[end : end + 1]
        return part != "A" or any(mark in "*-/&+" for mark in beside)
    if any(map(str.isupper, part[1:])) or not part.isalpha():
        return True
    return part in proper or (part.endswith("s") and part[:-1] in proper)


def _joined(title: str, spans: Spans, start: int) -> bool:
    """Whether a number belongs to the name before it: "GPT-3"."""
    return any(_INSIDE.fullmatch(title[end:start]) is not None for _, end in spans)


def _runs(title: str, spans: Spans) -> tuple[tuple[str, bool], ...]:
    runs: list[tuple[str, bool]] = []
    at = 0
    for start, end in spans:
        between = title[at:start]
        if runs and runs[-1][1] and _INSIDE.fullmatch(between):
            runs[-1] = (runs[-1][0] + title[at:end], True)
        else:
            if between:
                runs.append((between, False))
            runs.append((title[start:end], True))
        at = end
    if at < len(title) or not runs:
        runs.append((title[at:], False))
    return tuple(runs)


def _all_capitals(title: str) -> bool:
    return title.isupper() and sum(len(part) > 1 and part.isalpha() for part in _PART.findall(title)) >= 4


def _term_spans(title: str, proper: frozenset[str]) -> tuple[Spans, Spans]:
    """Where the terms of several words stand in a title, and where those of their words that have a capital do."""
    pattern, rows = _terms(proper)
    terms, kept = [], []
    for found in pattern.finditer(title):
        terms.append(found.span())
        parts = _PART.finditer(rows[found[0].casefold()])
        kept += [(found.start() + one.start(), found.start() + one.end()) for one in parts if not one[0].islower()]
    return terms, kept


def holds_term(text: str, proper: frozenset[str]) -> bool:
    """Whether a term of several words or parts ("New York", "U-Net") may begin in `text`."""
    first = _first_parts(proper)
    return text in first if text.isalnum() else not first.isdisjoint(_PART.findall(text))


@lru_cache(maxsize=8)
def _first_parts(proper: frozenset[str]) -> frozenset[str]:
    first = {_PART.findall(term)[0] for term in proper if not term.isalnum()}
    return frozenset(first | {part.capitalize() for part in first if part.islower()})


@lru_cache(maxsize=8)
def _terms(proper: frozenset[str]) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all terms ("Lie algebra" in Title Case too), and the term as the table has it by its lower case."""
    several = sorted((term for term in proper if not term.isalnum()), key=lambda term: (-len(term), term))
    patterns = [re.sub(r"(?<![^\W_])[a-z]", lambda at: f"[{at[0]}{at[0].upper()}]", re.escape(one)) for one in several]
    pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(patterns) or '(?!)'})(?![^\W_])")
    return pattern, {term.casefold(): term for term in several}
