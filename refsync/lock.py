"""Knows what the last catalog pins: which work of today is which of its entries, and so its key, topics and facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from refsync import identifiers, keys, matching, merging, names, titles
from refsync.model import Catalog, Entry, Retired, Topic

# Token-sort similarity from which a title at its old place is the old one edited, when nothing else tells.
_EDITED = 85
_NEARLY = 92


@dataclass(slots=True)
class Recognised:
    """Which entries of the last catalog each work of today was, by its place; and who was known by a near title only."""

    by_work: dict[int, list[Entry]] = field(default_factory=dict)
    retitled: list[tuple[Entry, int]] = field(default_factory=list)

    def claim(self, work: int, entry: Entry) -> None:
        """Notes that `work` was `entry`."""
        self.by_work.setdefault(work, []).append(entry)


def recognised(works: Sequence[Entry], paths: Sequence[set[tuple[str, ...]]], last: Catalog) -> Recognised:
    """Which entry of `last` each of `works` was: by identifier, by title, by its place and near title; one to one.

    `paths` are the topic paths of each work. An entry that a work shares an identifier with is claimed even when
    another one is already: two entries that turned out to be one work both leave it their keys.
    """
    found = Recognised()
    free = dict(enumerate(last.entries))
    _by_identifier(works, free, found)
    _by_title(works, free, found)
    renamed = topics(last, paths, works, found)
    _by_near_title(works, paths, free, found, last, renamed)
    return found


def _by_identifier(works: Sequence[Entry], free: dict[int, Entry], found: Recognised) -> None:
    index = {pair: at for at, work in reversed(list(enumerate(works))) for pair in work.ids.items()}
    for place, entry in list(free.items()):
        hits = Counter(index[pair] for pair in entry.ids.items() if pair in index)
        for at, _ in hits.most_common():
            if matching.same_identifier(entry, works[at]).same:
                found.claim(at, entry)
                del free[place]
                break


def _by_title(works: Sequence[Entry], free: dict[int, Entry], found: Recognised) -> None:
    """Equal titles: the pair that agrees most in year, venue and authors first, each side once."""
    index: dict[str, list[int]] = defaultdict(list)
    for at, work in enumerate(works):
        if at not in found.by_work:
            for form in _forms(work):
                index[form].append(at)
    pairs: list[tuple[int, int, int]] = []
    for place, entry in free.items():
        for at in {at for form in _forms(entry) for at in index.get(form, ())}:
            pairs.append((-_agreement(entry, works[at]), place, at))
    _take_pairs(sorted(pairs), free, found)
    _by_other_title(works, free, found)


def _by_other_title(works: Sequence[Entry], free: dict[int, Entry], found: Recognised) -> None:
    """Entries that a person, or an identifier, has made one work: each was known by another of the work's titles."""
    index = {form: at for at, work in reversed(list(enumerate(works))) for form in _forms(work)}
    for place, entry in list(free.items()):
        form = titles.comparison(entry.title)
        at = index.get(form)
        if at is None or form in {titles.comparison(one.title) for one in found.by_work.get(at, ())}:
            continue
        if (entry.kind == "web-page") == (works[at].kind == "web-page") and not matching.contradiction(
            entry, works[at]
        ):
            found.claim(at, free.pop(place))


def _forms(entry: Entry) -> set[str]:
    return {form for title in (entry.title, *entry.aka) if (form := titles.comparison(title))}


def _agreement(ours: Entry, theirs: Entry) -> int:
    """How much two entries with one title have in common besides it; a contradiction weighs against it."""
    same_venue = bool(ours.venue and theirs.venue and ours.venue.short == theirs.venue.short)
    same_title = titles.comparison(ours.title) == titles.comparison(theirs.title)
    score = (
        4 * same_title
        + 2 * (ours.date == theirs.date)
        + 2 * same_venue
        + 2 * bool(set(ours.links.values()) & set(theirs.links.values()))
    )
    if (ours.kind == "web-page") != (theirs.kind == "web-page"):
        score -= 6
    return score - (8 if matching.contradiction(ours, theirs) else 0)


def _take_pairs(pairs: Iterable[tuple[float, int, int]], free: dict[int, Entry], found: Recognised) -> None:
    for _, place, at in pairs:
        if place in free and at not in found.by_work:
            found.claim(at, free.pop(place))


def topics(
    last: Catalog, paths: Sequence[set[tuple[str, ...]]], works: Sequence[Entry], found: Recognised
) -> dict[tuple[str, ...], str]:
    """The pinned id of each topic path of today that was a topic of `last`, under this name or another.

    A path that is new takes the id of one that is gone when most of the works recognised under either are the same.
    """
    pinned = {topic.path: topic.id for topic in last.topics}
    today = {path for one in paths for path in one}
    today |= {path[:depth] for path in today for depth in range(1, len(path))}
    out = {path: pinned[path] for path in today if path in pinned}
    gone = {topic.id for topic in last.topics} - set(out.values())
    if not gone:
        return out
    votes: Counter[tuple[tuple[str, ...], str]] = Counter()
    sizes: Counter[object] = Counter()
    for at, entries in found.by_work.items():
        for path in paths[at]:
            for depth in range(1, len(path) + 1):
                sizes[path[:depth]] += 1
        for entry in entries:
            for one in _with_parents(entry.topics, last):
                if one in gone:
                    sizes[one] += 1
                    votes.update((path[:depth], one) for path in paths[at] for depth in range(1, len(path) + 1))
    for (path, one), count in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0])):
        if path not in out and one in gone and count * 2 > max(sizes[path], sizes[one]):
            out[path] = one
            gone.discard(one)
    return out


def _with_parents(ids: Iterable[str], last: Catalog) -> set[str]:
    by_path = {topic.path: topic.id for topic in last.topics}
    paths = [last.paths[one] for one in ids if one in last.paths]
    return {by_path[path[:depth]] for path in paths for depth in range(1, len(path) + 1) if path[:depth] in by_path}


def _by_near_title(
    works: Sequence[Entry],
    paths: Sequence[set[tuple[str, ...]]],
    free: dict[int, Entry],
    found: Recognised,
    last: Catalog,
    renamed: Mapping[tuple[str, ...], str],
) -> None:
    """Titles edited in place: alike, in one topic, and nothing contradicts. The nearest pair first, each side once.

    Outside its topic an entry is recognised only by its link, or by a title that is all but equal.
    """
    fresh = [at for at in range(len(works)) if at not in found.by_work]
    here: dict[str, list[int]] = defaultdict(list)
    for at in fresh:
        for path in paths[at]:
            if path in renamed:
                here[renamed[path]].append(at)
    pairs: dict[tuple[int, int], float] = {}
    for place, entry in free.items():
        for at in {at for one in entry.topics for at in here.get(one, ())}:
            if (score := _edited(entry, works[at])) is not None:
                pairs[place, at] = score + 200
    # Moved and edited in one commit: the link is the same, or the title is all but equal.
    for place, at in _akin(free, works, fresh):
        score = _edited(free[place], works[at])
        if score is not None and score >= _NEARLY:
            pairs.setdefault((place, at), score)
    ranked = sorted((-score, place, at) for (place, at), score in pairs.items())
    before = set(found.by_work)
    _take_pairs(ranked, free, found)
    found.retitled = [(entries[0], at) for at, entries in found.by_work.items() if at not in before]


def _akin(free: Mapping[int, Entry], works: Sequence[Entry], fresh: Sequence[int]) -> set[tuple[int, int]]:
    """Pairs that share a link or one of their three rarest words: the only ones worth a closer look."""
    features = {place: _features(entry) for place, entry in free.items()}
    news = {at: _features(works[at]) for at in fresh}
    frequency = Counter(one for listed in (*features.values(), *news.values()) for one in listed)
    index: dict[str, list[int]] = defaultdict(list)
    for at, listed in news.items():
        for one in sorted(listed, key=lambda one: (frequency[one], one))[:3]:
            index[one].append(at)
    return {
        (place, at)
        for place, listed in features.items()
        for one in sorted(listed, key=lambda one: (frequency[one], one))[:3]
        for at in index.get(one, ())[:60]
    }


def _features(entry: Entry) -> set[str]:
    return {*titles.words(entry.title), *entry.links.values()}


def _edited(old: Entry, new: Entry) -> float | None:
    """How alike the title is that an entry had and the one it may have now; None when it is another work.

    A nickname put before the title or taken away, words added, dropped or misspelt are edits; a content word that is
    exchanged for another one makes another work, unless the titles are nearly equal or a link says otherwise.
    """
    ours, theirs = titles.comparison(old.title), titles.comparison(new.title)
    if not ours or not theirs or (old.kind == "web-page") != (new.kind == "web-page"):
        return None
    if matching.contradiction(old, new) or matching.turns(ours, theirs):
        return None
    score = matching.similarity(ours, theirs)
    if set(old.links.values()) & set(new.links.values()) and score >= matching.SANE:
        return 100 + score
    if len(ours.split()) < 3 or len(theirs.split()) < 3:
        return score if score >= _NEARLY else None
    if score >= _NEARLY or (score >= _EDITED and not matching.exchanges(ours, theirs)):
        return score
    return 95.0 if _part_apart(old.title, new.title) else None


def _part_apart(ours: str, theirs: str) -> bool:
    """Whether one title is the other without a nickname or a subtitle, and what is left is long enough to be known by."""
    for head, of_head, of_rest, form in titles.parted(ours, theirs):
        if len(head.split()) <= 3 and of_rest == form:
            return len(form.split()) >= 3
        if of_head == form:
            return len(form.split()) >= 5
    return False


# ---------------------------------------------------------------------------------------------------------------
# What is pinned


def with_facts(work: Entry, old: Entry, granted: frozenset[str] = frozenset(), corrected: Entry | None = None) -> Entry:
    """`work` with the facts that sources gave its entry before, where the id or title they were found by still holds.

    `corrected` is the work as a person has corrected it, and `granted` are the titles (in comparison form) and identifiers ("doi:10.1/x") that a person gave works by hand."""
    changed: dict[str, Any] = {}
    said = dict(work.said)
    is_other = _is_other_by_now(corrected or work, old)
    moved = _is_elsewhere(corrected or work, old)
    for name, by in sorted(old.said.items()):
        if by.by in merging.OWN or not _holds(by.via, work, granted):
            continue
        if is_other and not _is_of_id(by.via):
            continue
        if moved and name in _OF_A_PLACE:
            continue
        whole, dot, label = name.partition(".")
        if dot:
            # What the list itself says by now stands.
            if label in getattr(old, whole, {}) and label not in getattr(work, whole):
                learned, known = {label: getattr(old, whole)[label]}, changed.get(whole, getattr(work, whole))
                # The paper's own link is the first; identifiers that were looked up follow those of the list.
                changed[whole] = {**learned, **known} if whole == "links" else {**known, **learned}
                said[name] = by
        elif name in Entry.__dataclass_fields__ and name not in {"key", "aliases", "topics"}:
            changed[name] = getattr(old, name)
            said[name] = by
    if "authors" in changed:
        changed["authors_complete"] = old.authors_complete
    if "venue" in changed:
        changed["kind"] = old.kind
    if "title" in changed and titles.comparison(changed["title"]) != titles.comparison(work.title):
        changed["aka"] = tuple(dict.fromkeys((*work.aka, work.title)))
    return replace(work, **changed, said=said) if changed else work


# What stands with a venue, and means nothing beside another one.
_OF_A_PLACE = frozenset(["kind", "volume", "number", "pages", "ids.doi", "ids.acl", "ids.isbn"])


def _is_of_id(via: str | None) -> bool:
    """Whether a fact was found through an identifier, not a title."""
    scheme, colon, _ = (via or "").partition(":")
    return bool(colon) and scheme in {*identifiers.SCHEMES, "isbn"}


def _is_other_by_now(work: Entry, old: Entry) -> bool:
    """Whether what the list, or a person, says of a work has changed so much that a record found by its title need no longer
    be it. What a source had said is not compared: the list may always have said otherwise."""

    def stated(name: str) -> bool:
        return name not in old.said or old.said[name].by in merging.OWN

    if stated("venue") and old.venue and work.venue and old.venue != work.venue and old.venue.kind != "preprint":
        return True
    if stated("date") and old.year and work.year and abs(old.year - work.year) > 1:
        return True
    if old.authors and work.authors and not matching.share_author(old, work):
        return True  # a source is believed only where it names one of the list's
    learned = {
        name.partition(".")[2] for name, by in old.said.items() if name.startswith("ids.") and by.by not in merging.OWN
    }
    return any(scheme in learned and work.ids[scheme] != old.ids.get(scheme) for scheme in work.ids)


def _is_elsewhere(work: Entry, old: Entry) -> bool:
    """Whether a person has given a work another venue than the one that its volume, pages and DOI are of."""
    given = "venue" in work.said and work.said["venue"].by == merging.CORRECTIONS
    return (
        given
        and old.venue is not None
        and work.venue is not None
        and ((old.venue.short or old.venue.name) != (work.venue.short or work.venue.name))
    )


def _holds(via: str | None, work: Entry, granted: frozenset[str]) -> bool:
    """Whether a fact found through this id or title is still a fact of this work."""
    if via is None or via in granted or titles.comparison(via) in granted:
        return True
    scheme, colon, value = via.partition(":")
    if colon and scheme in work.ids:
        return work.ids[scheme] == value
    if colon and scheme in {*identifiers.SCHEMES, "isbn"}:
        return False
    return titles.comparison(via) in _forms(work) or not titles.comparison(via)


def inherited(entries: Sequence[Entry]) -> tuple[str, tuple[str, ...]]:
    """The key and the aliases that a work has from the entries it was: a final key before a provisional one.

    Of two alike the shorter stays: of `smith2021deep` and `smith2021deepb` the first was there before.
    """
    first = min(entries, key=lambda one: (is_provisional(one), len(one.key), one.key))
    others = [alias for one in entries for alias in (*one.aliases, one.key) if alias != first.key]
    return first.key, tuple(dict.fromkeys([*first.aliases, *others]))


def titled(entry: Entry, key: str, olds: Sequence[Entry]) -> Entry:
    """A work that goes by several titles, under the one that its key was given to; the others are kept in `aka`."""
    old = next((one for one in olds if one.key == key), None)
    form = titles.comparison(old.title) if old is not None else ""
    mine = next((title for title in entry.aka if titles.comparison(title) == form), None)
    if not form or mine is None or len(olds) + len(entry.aka) < 2 or "title" in entry.said:
        return entry
    if len(mine.split()) < 3 or titles.comparison(entry.title) == form:
        return entry  # a nickname
    others = tuple(title for title in entry.aka if title != mine)
    return replace(entry, title=mine, aka=(entry.title, *others))


def is_provisional(entry: Entry) -> bool:
    """Whether the key of an entry of the last catalog was made without an author and nobody has relied on it yet."""
    return "key" in entry.said and entry.said["key"].by == merging.PROVISIONAL


class Graveyard:
    """The works that have left the list, found again by identifier or by equal title, each once."""

    def __init__(self, retired: Mapping[str, Retired]) -> None:
        self.retired = dict(retired)
        self._ids = {pair: key for key, one in retired.items() for pair in one.ids.items()}
        self._titles: dict[str, list[str]] = defaultdict(list)
        for key, one in retired.items():
            for form in {titles.comparison(title) for title in (one.title, *one.aka)} - {""}:
                self._titles[form].append(key)

    def raised(self, work: Entry) -> tuple[str, tuple[str, ...]] | None:
        """Key and aliases of a work that is back, None when it was never here."""
        ids = [self._ids[pair] for pair in work.ids.items() if pair in self._ids]
        by_title = [key for form in _forms(work) for key in self._titles.get(form, ())]
        for key in (*ids, *by_title):
            one = self.retired.get(key)
            if one is not None and not matching.contradiction(work, Entry(title=one.title, ids=one.ids)):
                del self.retired[key]
                return key, one.aliases
        return None


def slug(path: tuple[str, ...]) -> str:
    """The id that a new topic is given: its path in ASCII words, a hash where there are none."""
    parts = ["-".join(word for word in map(names.ascii_word, titles.words(one)) if word) for one in path]
    if not all(parts):
        parts = [part or keys.base(Entry(title=one)) for part, one in zip(parts, path, strict=True)]
    return "/".join(part if len(part) <= 60 else part[:61].rpartition("-")[0] for part in parts)


def numbered(path: tuple[str, ...], taken: set[str]) -> str:
    """A slug that no topic holds yet."""
    first = made = slug(path)
    count = 1
    while made in taken:
        count += 1
        made = f"{first}-{count}"
    taken.add(made)
    return made


def all_topics(
    order: Sequence[tuple[str, ...]], pinned: Mapping[tuple[str, ...], str], last: Catalog | None
) -> tuple[Topic, ...]:
    """The topics of today in the list's order, parents before children, each with its pinned or a new id."""
    paths = list(dict.fromkeys(path[:depth] for path in order for depth in range(1, len(path) + 1)))
    taken = {topic.id for topic in last.topics} if last else set()
    return tuple(Topic(id=pinned.get(path) or numbered(path, taken), path=path) for path in paths)
