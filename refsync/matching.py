"""Knows whether two accounts are of the same work: yes, no, or ask a person, with the reason.

The measured rules are those of record linkage on titles of computing papers: equal comparison forms are safe
(precision 1.00), token-sort similarity from 92 up nearly so, anything below is at most a question, and subset
measures (token-set, partial) are never used, because "Neural Architecture Search" is a subset of half a survey.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from refsync import names, titles
from refsync.model import Entry, Person

NEAR = 92  # token_sort_ratio from which two titles of otherwise agreeing works are nearly surely one
MAYBE = 85  # and from which a person is asked
SANE = 60  # below this, two titles under one identifier contradict each other
# Words that make another work of a title: a survey of it, a comment on it, a notice about it, a short form of it.
_TURNING = frozenset(
    """
    survey review overview tutorial workshop supplement comment comments commentary reply response rebuttal discussion
    correction corrections erratum errata corrigendum corrigenda addendum retraction retracted withdrawn withdrawal
    editorial preface foreword poster demo demonstration abstract keynote talk thesis dissertation supplementary appendix
    revisited extended summary
    """.split()  # noqa: SIM905
)
_ROMAN = re.compile(r"^(?:i{2,3}|iv|v|vi{1,3}|ix|x)$")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`same` is True, False, or None for: ask. `reason` is said to a person."""

    same: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """Two entries (by their place in the sequence) that may be one work."""

    first: int
    second: int
    reason: str


def similarity(first: str, second: str) -> float:
    """Token-sort similarity of two comparison forms, 0..100."""
    from rapidfuzz import fuzz

    return fuzz.token_sort_ratio(first, second)


def in_order(form: str) -> str:
    """The words of a comparison form in the order of the alphabet: what token-sort similarity compares."""
    return " ".join(sorted(form.split()))


def nearest(form: str, others: Mapping[int, str], least: float, limit: int) -> list[int]:
    """The names of those of `others` (each with its words in order) that are at least so similar, nearest first."""
    from rapidfuzz import fuzz, process

    hits = process.extract(in_order(form), others, scorer=fuzz.ratio, score_cutoff=least, limit=limit, processor=None)
    return [name for _, score, name in sorted(hits, key=lambda hit: (-hit[1], hit[2]))]


def edits(first: str, second: str) -> int:
    """How many letters must be added, dropped, changed or exchanged with their neighbour to make one word of another."""
    from rapidfuzz.distance import OSA

    return OSA.distance(first, second)


def misspelt(word: str, others: Sequence[str], most: int) -> list[str]:
    """Those of `others` that are at most so many edits away from `word`, the nearest first."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    hits = process.extract(word, others, scorer=OSA.distance, score_cutoff=most, limit=20, processor=None)
    return [one for one, _, _ in hits]


def contradiction(first: Entry, second: Entry) -> str | None:
    """Why two entries with one title are perhaps two works; None when nothing speaks against it."""
    for scheme in ("arxiv", "doi", "acl"):  # a paper has a page at OpenReview for each venue that it was sent to
        ours, theirs = first.ids.get(scheme), second.ids.get(scheme)
        if ours and theirs and ours != theirs:
            if scheme == "doi" and (ours.startswith("10.48550/") or theirs.startswith("10.48550/")):
                continue
            return f"{scheme} {ours} and {theirs} differ"
    if not _share_surname(first, second):
        return "they have no author in common"
    if first.year and second.year and abs(first.year - second.year) > 2:
        return f"the years {first.year} and {second.year} differ"
    return None


def share_author(first: Entry, second: Entry) -> bool:
    """Whether two entries that both name authors name one in common."""
    return bool(first.authors and second.authors) and _share_surname(first, second)


def _share_surname(first: Entry, second: Entry) -> bool:
    ours = {names.surname(one) for one in first.authors} - {""}
    theirs = {names.surname(one) for one in second.authors} - {""}
    return not ours or not theirs or bool(ours & theirs) or any(_swapped(one, first) for one in second.authors)


def _swapped(person: Person, first: Entry) -> bool:
    """Whether one entry has a person's two names the other way round: "Liu Yu" is Yu Liu in the order of his country."""
    given, family = names.folded(person.given or ""), names.folded(person.family or "")
    return bool(given and family) and any(
        names.folded(one.family or "") == given and names.folded(one.given or "") == family for one in first.authors
    )


def turns(first: str, second: str) -> bool:
    """Whether the words that two comparison forms do not share make two works of them: numbers, "survey", "reply"."""
    ours, theirs = set(first.split()), set(second.split())
    apart = ours ^ theirs
    return any(word in _TURNING or _ROMAN.match(word) or any(c.isdigit() for c in word) for word in apart)


def exchanges(ours: str, theirs: str) -> bool:
    """Whether a word of one comparison form stands in the place of another word; a misspelling is no other word.

    A word dropped here and another put in there are two edits, not an exchange.
    """
    from rapidfuzz import fuzz

    for old, new in apart(ours, theirs):
        spelt = [word for word in old if any(fuzz.ratio(word, other) >= 70 for other in new)]
        if old and new and len(spelt) < min(len(old), len(new)):
            return True
    return False


def apart(ours: str, theirs: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words of two comparison forms at each place where they differ, in order; of one that only lacks some there are none."""
    from difflib import SequenceMatcher

    left, right = ours.split(), theirs.split()
    for tag, start, end, first, last in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            yield left[start:end], right[first:last]


def same_identifier(first: Entry, second: Entry) -> Verdict:
    """The verdict on two entries that share an identifier: their titles must not contradict it."""
    ours, theirs = titles.comparison(first.title), titles.comparison(second.title)
    if not ours or not theirs or similarity(ours, theirs) >= SANE or _contained(ours, theirs):
        return Verdict(True, "one identifier")
    rare = {word for word in set(ours.split()) & set(theirs.split()) if len(word) > 6}
    if len(rare) >= 2:
        return Verdict(True, "one identifier")
    return Verdict(None, f'they share an identifier, but the titles "{first.title}" and "{second.title}" disagree')


def _contained(first: str, second: str) -> bool:
    """Whether one title is a nickname or a part of the other, word for word."""
    shorter, longer = sorted((first, second), key=len)
    return f" {shorter} " in f" {longer} "


def same_title(first: Entry, second: Entry) -> Verdict:
    """The verdict on two entries whose titles are equal in comparison form."""
    if (first.kind == "web-page") != (second.kind == "web-page"):
        return Verdict(False, "one is a paper, the other a web page")
    why = contradiction(first, second)
    return Verdict(None, f"the titles are equal, but {why}") if why else Verdict(True, "one title")


def near(first: Entry, second: Entry) -> Verdict:
    """The verdict on two entries with different titles: never yes, a question when the titles are nearly alike."""
    ours, theirs = titles.comparison(first.title), titles.comparison(second.title)
    score = similarity(ours, theirs)
    if score < MAYBE or turns(ours, theirs) or contradiction(first, second):
        return Verdict(False, "the titles differ")
    if min(len(ours.split()), len(theirs.split())) < 4 and not (first.authors and second.authors):
        return Verdict(False, "the titles are short and differ")
    return Verdict(None, f"the titles are nearly alike ({score:.0f} of 100)")


def groups(
    entries: Sequence[Entry],
    same: Collection[frozenset[int]] = (),
    different: Collection[frozenset[int]] = (),
) -> tuple[list[list[int]], list[Question]]:
    """Which entries are one work: groups of places in `entries`, in order, and the questions that remain.

    `same` and `different` are pairs of places that a person has decided. Linear in entries but for near titles, which
    are compared only where they share their rarest words.
    """
    cluster = _Clusters(entries, different)
    for pair in same:
        first, second = sorted(pair)
        cluster.join(first, second)
    asked: dict[frozenset[int], str] = {}
    for bucket in _buckets(entries, lambda entry: [f"{scheme}:{value}" for scheme, value in entry.ids.items()]):
        _settle(cluster, bucket, same_identifier, asked)
    for bucket in _buckets(entries, lambda entry: [titles.comparison(entry.title)]):
        _settle(cluster, bucket, same_title, asked)
    for first, second in _neighbours(entries, cluster):
        verdict = near(entries[first], entries[second])
        if verdict.same is None:
            asked.setdefault(frozenset((first, second)), verdict.reason)
    questions: dict[frozenset[int], Question] = {}
    for pair, reason in asked.items():
        first, second = sorted(pair)
        roots = frozenset((cluster.root(first), cluster.root(second)))
        if len(roots) == 2 and not cluster.apart(first, second):
            questions.setdefault(roots, Question(first, second, reason))
    return cluster.listed(), sorted(questions.values(), key=lambda one: (one.first, one.second))


class _Clusters:
    """A union-find over entries that keeps apart what a person keeps apart. `face` is what a group as a whole states."""

    def __init__(self, entries: Sequence[Entry], different: Collection[frozenset[int]]) -> None:
        self.parent = list(range(len(entries)))
        self.members: list[list[int]] = [[at] for at in range(len(entries))]
        self.face = list(entries)
        self.foes: dict[int, set[int]] = defaultdict(set)
        for pair in different:
            first, second = sorted(pair)
            self.foes[first].add(second)
            self.foes[second].add(first)

    def root(self, at: int) -> int:
        while self.parent[at] != at:
            self.parent[at] = self.parent[self.parent[at]]
            at = self.parent[at]
        return at

    def apart(self, first: int, second: int) -> bool:
        if not self.foes:
            return False
        theirs = set(self.members[self.root(second)])
        return any(self.foes[one] & theirs for one in self.members[self.root(first)] if one in self.foes)

    def join(self, first: int, second: int) -> None:
        ours, theirs = sorted((self.root(first), self.root(second)))
        if ours == theirs or self.apart(first, second):
            return
        one, other = self.face[ours], self.face[theirs]
        self.face[ours] = replace(
            one, ids={**other.ids, **one.ids}, authors=one.authors or other.authors, date=one.date or other.date
        )
        self.parent[theirs] = ours
        self.members[ours] += self.members[theirs]
        self.members[theirs] = []

    def listed(self) -> list[list[int]]:
        return [sorted(members) for members in self.members if members]


def _buckets(entries: Sequence[Entry], forms: Callable[[Entry], Iterable[str]]) -> Iterator[list[int]]:
    """Places of the entries that have a form in common, for each form that more than one has."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, entry in enumerate(entries):
        for form in forms(entry):
            if form:
                found[form].append(at)
    return (bucket for bucket in found.values() if len(bucket) > 1)


def _settle(
    cluster: _Clusters, bucket: list[int], judge: Callable[[Entry, Entry], Verdict], asked: dict[frozenset[int], str]
) -> None:
    """Joins each entry of a bucket to the first group in it that nothing contradicts; doubts are asked."""
    heads = bucket[:1]
    for at in bucket[1:]:
        doubts: list[tuple[int, str]] = []
        for head in heads:
            if cluster.root(at) == cluster.root(head):
                break
            verdict = judge(cluster.face[cluster.root(head)], cluster.face[cluster.root(at)])
            if verdict.same:
                cluster.join(head, at)
                if cluster.root(at) == cluster.root(head):
                    break
            elif verdict.same is None:
                doubts.append((head, verdict.reason))
        else:
            heads.append(at)
            for head, reason in doubts[:3]:
                asked.setdefault(frozenset((head, at)), reason)


def _neighbours(entries: Sequence[Entry], cluster: _Clusters) -> Iterator[tuple[int, int]]:
    """Pairs of groups whose titles share one of their rarest words: every pair that may be nearly alike.

    Titles that are alike to 85 of 100 share most of their words, so they share one of the rarest third and a word.
    A word that 60 titles have among their rarest tells nothing, and is passed over to stay linear.
    """
    first_of: dict[str, int] = {}
    for members in cluster.listed():
        form = titles.comparison(entries[members[0]].title)
        if form:
            first_of.setdefault(form, members[0])
    frequency = Counter(word for form in first_of for word in set(form.split()))
    index: dict[str, list[int]] = defaultdict(list)
    for form, at in first_of.items():
        rare = sorted(set(form.split()), key=lambda word: (frequency[word], word))
        for word in rare[: len(rare) // 3 + 2]:
            index[word].append(at)
    seen: set[tuple[int, int]] = set()
    for places in index.values():
        if len(places) <= 60:
            seen.update((min(pair), max(pair)) for pair in combinations(places, 2))
    yield from sorted(seen)
