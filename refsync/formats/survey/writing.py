"""Knows how a list writes its entries: from its neighbours' patterns, the text of a new one in their shape."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from refsync.formats.survey import aligned
from refsync.formats.survey.aligned import Neighbour, Part, Parts, Pattern, form
from refsync.formats.survey.spelling import Spelling, rendered
from refsync.model import Account

_ODDS = 0.2  # how much less a neighbour counts for each thing in which it differs from the new entry


# What an entry may have that its line shows or not, and what it costs where a neighbour had no such thing to show.
_MISSED = {
    "url": 2.0,
    "tags": 2.0,
    "group": 2.0,
    "rating": 2.0,
    "comment": 2.0,
    "code!": 2.0,
    "authors": 0.7,
    "venue": 0.7,
    "year": 0.7,
}
_LINK_MISSED, _LACKS, _OTHER_SORT, _NO_COLON, _STRANGE = 2.0, 4.0, 1.5, 0.3, 1.0


def available(account: Account) -> frozenset[str]:
    """The slots that an entry has something for."""
    have = {
        "title",
        "label",
        "number",
        "indent",
        *aligned.addresses(account),
        *(f"id:{scheme}" for scheme in account.ids),
    }
    if _colon(account.title):
        have |= {"head", "rest", "aka"}
    for name in ("aka", "authors", "venue", "month", "day", "tags", "group", "rating", "comment"):
        if getattr(account, name):
            have.add(name)
    if account.year:
        have |= {"year", "yy"}
    if account.has_code and "code" not in account.links:
        have.add("code!")
    if aligned.repository(account):
        have.add("repository")
    return frozenset(have)


def _colon(title: str) -> bool:
    head, colon, rest = title.partition(":")
    return bool(colon and head.strip() and rest.strip())


def _shows(shown: frozenset[str], name: str) -> bool:
    if name == "title":
        return bool(shown & {"title", "head"})
    return name in shown or (name == "year" and "yy" in shown) or (name == "code!" and "link:code" in shown)


def _worth(parts: Parts, one: Account, new: Account, have: frozenset[str], named: frozenset[str]) -> float:
    """How well a pattern of the entry `one` fits the new one, 0..1; `named` are the slots that matter here."""
    shown = frozenset(part.slot for part in parts if part.slot)
    cost = _LACKS * len(shown - have)
    had = available(one)
    for name in (have & named) - shown:
        missed = _MISSED.get(name, _LINK_MISSED if name.startswith("link:") else 0.0)
        if missed and not _shows(shown, name):
            own = name in had and not (name == "url" and one.url and one.url not in one.raw)
            cost += 0.0 if own else missed
    if one.venue and new.venue and (one.venue == "arXiv") != (new.venue == "arXiv"):
        cost += _OTHER_SORT
    if "title" in shown and _colon(new.title) and not _colon(one.title):
        cost += _NO_COLON
    return float(_ODDS**cost)


def ranked(
    examples: Sequence[tuple[Parts, Neighbour]], new: Account, at_home: frozenset[str] | None = None
) -> list[Parts]:
    """The patterns that a new entry may be written by, best first: what most of those neighbours do that are most like it.

    `at_home` are the slots that belong here, where they are parts of entries that are patterns.
    """
    have = available(new)
    named = frozenset(part.slot for parts, _ in examples for part in parts if part.slot)
    named = named if at_home is None else named & at_home
    seen = Counter(word for parts, _ in examples for word in _words(parts))
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    best: dict[tuple[str, ...], tuple[float, Parts]] = {}
    for parts, neighbour in examples:
        parts = without_remarks(parts)
        # Words that no other neighbour has say something of that entry alone.
        strange = sum(seen[word] == 1 for word in _words(parts)) if len(examples) > 1 else 0
        strange += len(slots_of(parts) - at_home) if at_home is not None else 0
        score = (
            neighbour.weight
            * _worth(parts, neighbour.pattern.account, new, have, named)
            * _ODDS ** (_STRANGE * min(strange, _MOST_STRANGE))
        )
        key = form(parts)
        sums[key] += score
        if key not in best or score > best[key][0]:
            best[key] = score, parts
    order = sorted(sums, key=lambda key: -sums[key])
    return [_mended(best[key][1], examples, have, named) for key in order]


def slots_of(parts: Parts) -> frozenset[str]:
    """The fields that stand in a pattern."""
    return frozenset(part.slot for part in parts if part.slot)


def holds_an_address(parts: Parts, texts: Mapping[str, int]) -> bool:
    """Whether a pattern holds an address that no other has (`texts` counts them): it is of one neighbour's work."""
    return any("://" in part.text and texts[part.text] <= 1 for part in parts if not part.slot)


_MOST_STRANGE = 4
_WORDS = re.compile(r"\w{2,}")


def _words(parts: Parts) -> set[str]:
    return {word for part in without_remarks(parts) if not part.slot for word in _WORDS.findall(part.text)}


_REMARK = re.compile(r"[ \t]*<!--.*?-->", re.DOTALL)


def without_remarks(parts: Parts) -> Parts:
    """A pattern without comments in HTML, which say something of one entry."""
    return tuple(part if part.slot else Part("", _REMARK.sub("", part.text)) for part in parts)


_START, _END = Part("^", ""), Part("$", "")


def _mended(
    parts: Parts, examples: Sequence[tuple[Parts, Neighbour]], have: frozenset[str], named: frozenset[str]
) -> Parts:
    """A pattern without the slots that a new entry has nothing for, and with those that it must show."""
    slots = [part for part in parts if part.slot]
    kept = [part for part in slots if part.slot in have]
    shown = frozenset(part.slot for part in kept)
    wanted = [name for name in sorted(have & named - shown) if (name in _MISSED or name.startswith("link:"))]
    wanted = [name for name in wanted if not _shows(shown, name) and _MISSED.get(name, _LINK_MISSED) >= _LINK_MISSED]
    if len(kept) == len(slots) and not wanted:
        return parts
    between = _between(examples)
    for name in wanted:
        kept = _with(kept, name, examples)
    return _joined(parts, kept, between)


Between = Mapping[tuple[str, str], Mapping[str, float]]


def _between(examples: Iterable[tuple[Parts, Neighbour]]) -> Between:
    """The texts that stand between two slots that follow each other, weighed; "^" and "$" are the ends."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for parts, neighbour in examples:
        last, text = "^", ""
        for part in (*without_remarks(parts), _END):
            if part.slot:
                found[last, part.slot][text] += neighbour.weight
                last, text = part.slot, ""
            else:
                text += part.text
    return found


def _with(kept: list[Part], name: str, examples: Sequence[tuple[Parts, Neighbour]]) -> list[Part]:
    """`kept` with a slot at the place that it mostly has among them."""
    places: dict[int, float] = defaultdict(float)
    sample = Part(name, "")
    for parts, neighbour in examples:
        slots = [part for part in parts if part.slot]
        at = next((at for at, part in enumerate(slots) if part.slot == name), None)
        if at is None:
            continue
        sample = slots[at]
        before = {part.slot for part in slots[:at]}
        place = max((at + 1 for at, part in enumerate(kept) if part.slot in before), default=0)
        places[place] += neighbour.weight
    place = max(places, key=lambda one: places[one])
    return [*kept[:place], sample, *kept[place:]]


def _joined(parts: Parts, kept: Sequence[Part], between: Between) -> Parts:
    """The slots that are kept, with the texts between them: their own, else what other neighbours have there."""
    own = _between([(parts, Neighbour(Pattern(_NOBODY, parts), 1.0))])
    out: list[Part] = []
    for one, two in zip((_START, *kept), (*kept, _END), strict=True):
        pair = one.slot, two.slot
        texts = own.get(pair) or between.get(pair)
        if texts:
            text = max(texts, key=lambda text: texts[text])
        else:
            without = _without_middle(parts, one.slot, two.slot)
            text = without if without is not None else _glue(one.slot, two.slot, between)
        out += [Part("", text), *([two] if two is not _END else [])]
    return tuple(part for part in out if part.slot or part.text)


_NOBODY = Account(file="", line=0, last_line=0)
_PAIRS = {"]": "[", ")": "(", "}": "{", "】": "【", "）": "（"}
_STRESSED = re.compile(r"[*_`]+$")


def _without_middle(parts: Parts, one: str, two: str) -> str | None:
    """What stays between two slots when those between them go; None when they do not stand in this order."""
    ends = [_START, *parts, _END]
    first = next((at for at, part in enumerate(ends) if part.slot == one), None)
    last = next((at for at, part in enumerate(ends) if part.slot == two), None)
    if first is None or last is None or first > last:
        return None
    texts = [""]  # before, between and after the slots that go
    for part in ends[first + 1 : last]:
        if part.slot:
            texts.append("")
        else:
            texts[-1] += part.text
    text = texts[0]
    for after in texts[1:]:
        text = _closed(text, after)
    return text


def _closed(before: str, after: str) -> str:
    """The text that is left of that before and that after a slot which goes: what closes only what the first opened
    goes with it."""
    opened: list[str] = []
    for char in before:
        if char in _PAIRS.values():
            opened.append(char)
        elif opened and _PAIRS.get(char) == opened[-1]:
            opened.pop()
    if (marks := _STRESSED.search(before)) and after.startswith(marks[0]):
        after = after[len(marks[0]) :]
    while after and opened and _PAIRS.get(after[0]) == opened[-1]:
        opened.pop()
        after = after[1:]
    return after


def _glue(one: str, two: str, between: Between) -> str:
    """What stands between two slots that never follow each other: how the first is closed and the second opened."""
    after = [text for (first, _), texts in between.items() if first == one for text in texts]
    before = [text for (_, second), texts in between.items() if second == two for text in texts]
    close = _shared_head(after)
    opening = _shared_head([text[::-1] for text in before])[::-1]
    if not close.strip() and not opening.strip():
        return close or opening or " "
    return close + ("" if close.endswith((" ", "\n")) or opening.startswith((" ", "\n", ",", ".")) else " ") + opening


def _shared_head(texts: Sequence[str]) -> str:
    """The characters with which all texts begin."""
    columns = zip(*texts, strict=False)
    return "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))


def line(neighbours: Sequence[Neighbour], new: Account, how: Spelling, number: int) -> list[str]:
    """The texts that a new entry may be, best first, in several lines (parted by LF) where its neighbours are."""
    examples = [(one.pattern.parts, one) for one in neighbours]
    texts = Counter(part.text for parts, _ in examples for part in set(parts) if not part.slot)
    found = ranked(examples, new)
    usable = [parts for parts in found if len(examples) < 2 or not holds_an_address(parts, texts)] or found
    usable.sort(key=lambda parts: not _is_balanced(parts))
    return [rendered(parts, new, how, number) for parts in usable[:_TRIED]]


def _is_balanced(parts: Parts) -> bool:
    """Whether every bracket of a pattern is closed: one put together of two ways of writing may have lost one."""
    text = "".join(part.text for part in parts if not part.slot)
    return text.count("[") == text.count("]") and text.count("(") == text.count(")")


_TRIED = 12  # ways of writing, until one reads back
