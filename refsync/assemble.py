"""Makes the catalog of today out of what the sources say, what a person corrected, and what the last catalog pins.

Pure: values in, values out. The steps, in order: accounts become entries; entries that are one work are merged; each
work is recognised in the last catalog; topics, facts and keys are pinned; corrections are laid on top.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from refsync import corrections, facts, keys, lint, lock, matching, merging, titles, venues
from refsync.corrections import Corrections
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Problem, Retired, Said, Topic
from refsync.settings import Settings
from refsync.sources import Source

_Path = tuple[str, ...]


Renewal = Literal["none", "resolved", "provisional", "all"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A catalog and what there is to say about it."""

    catalog: Catalog
    problems: tuple[Problem, ...] = ()
    occurrences: int = 0
    papers: int = 0
    headings: int = 0
    gone: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()  # though gone from the list: papers cite them, or a person keeps them
    retitled: tuple[str, ...] = ()
    claims: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Work:
    """One work on its way: the entry, and the topic paths it stands under."""

    entry: Entry
    paths: tuple[_Path, ...]
    pins: tuple[str, ...] = field(default=())


def assembled(
    sources: Sequence[Source],
    *,
    settings: Settings,
    fixes: Corrections | None = None,
    last: Catalog | None = None,
    cited: frozenset[str] = frozenset(),
    imported: Sequence[Entry] = (),
    tables: Tables,
    name: str = "",
    renew: Renewal = "none",
) -> Result:
    """The catalog of `sources`. `cited` are keys that papers cite, `imported` entries whose keys papers already use;
    `renew` says which keys are made anew by the pattern, the old ones staying as aliases: none, provisional ones of works
    whose authors are known by now, all provisional ones, or all."""
    table = venues.load(tables.folder)
    fixes = fixes or Corrections()
    occurrences = _occurrences(sources, table)
    works, questions = _works(occurrences, fixes, last)
    problems: list[Problem] = [*_unsure(sources), *questions]
    recognised = (
        lock.recognised([work.entry for work in works], [set(work.paths) for work in works], last)
        if last
        else lock.Recognised()
    )
    topics = _topics(sources, works, last, recognised)
    ids = {topic.path: topic.id for topic in topics}
    graves = lock.Graveyard(last.retired if last else {})
    entries = [replace(work.entry, topics=tuple(ids[path] for path in work.paths)) for work in works]
    granted = fixes.granted()
    stated = entries
    before = corrections.named(last.entries) if last else {}
    fix_of = {old.key: fix for name, fix in fixes.fixes.items() if (old := corrections.look_up(name, before))}
    entries = [
        _with_facts(entry, recognised.by_work.get(at, ()), granted, fix_of, table) for at, entry in enumerate(entries)
    ]
    claims = _claims(stated, entries)
    problems = _without_settled(problems, entries)
    entries = _keyed(entries, works, recognised, graves, last, settings, imported, problems)
    gone = _gone(last, recognised)
    entries, retired, kept = _corrected(
        _still_called(entries, last, fixes), gone, graves, fixes, cited, table, problems
    )
    entries = [_final(entry, cited) for entry in entries]
    if renew != "none":
        entries = _renewed(entries, retired, settings.key_pattern, fixes, renew)
    catalog = Catalog(
        id=last.id if last else _identity(sources),
        title=settings.title
        or next((one.reading.title for one in sources if one.reading and one.reading.title), None)
        or name,
        topics=topics,
        entries=tuple(sorted(entries, key=lambda entry: entry.key)),
        retired=dict(sorted(retired.items())),
    )
    papers = sum(entry.kind != "web-page" for entry, _ in occurrences)
    return Result(
        catalog=catalog,
        problems=tuple(problems),
        occurrences=len(occurrences),
        papers=papers,
        headings=len({path for work in works for path in work.paths if path}),
        gone=tuple(entry.key for entry in gone if entry.key not in kept),
        kept=tuple(entry.key for entry in gone if entry.key in kept),
        retitled=tuple(entry.key for entry, _ in recognised.retitled),
        claims=claims,
    )


def _identity(sources: Sequence[Source]) -> str:
    """The id of a catalog, made once: from the text that it was first made of."""
    digest = hashlib.sha256("\n".join(source.text for source in sources).encode())
    return digest.hexdigest()[:16]


def _occurrences(sources: Sequence[Source], table: venues.Venues) -> list[tuple[Entry, _Path]]:
    """Every account of every source as an entry, with its topic path, in order."""
    out: list[tuple[Entry, _Path]] = []
    for at, source in enumerate(sources):
        by = source.name if at else None
        if source.reading is not None:
            out += [(merging.entry_of(one, table, by), one.topic) for one in source.reading.accounts]
        out += [(_of_bibliography(entry, source.name, by), ()) for entry in source.entries]
    return out


def _of_bibliography(entry: Entry, name: str, by: str | None) -> Entry:
    stated = [one for one in ("title", "authors", "date", "venue", "volume", "number", "pages") if getattr(entry, one)]
    return replace(entry, topics=(), said={one: Said(by=by) for one in stated} if by else {})


def _works(
    occurrences: Sequence[tuple[Entry, _Path]], fixes: Corrections, last: Catalog | None
) -> tuple[list[_Work], list[Problem]]:
    """The works that the occurrences are, and the questions which of them may be one."""
    entries = [replace(entry, key="") for entry, _ in occurrences]
    # What is hidden or gone is still meant by its name.
    buried = (
        [
            Entry(key=key, aliases=one.aliases, title=one.title, aka=one.aka, ids=one.ids)
            for key, one in last.retired.items()
        ]
        if last
        else []
    )
    named = corrections.named([*buried, *last.entries]) if last else {}
    problems: list[Problem] = []
    same = _pairs(fixes.same, entries, named, problems, within=True)
    different = _pairs(fixes.different, entries, named, problems, within=False)
    groups, questions = matching.groups(entries, same, different)
    works = []
    for members in groups:
        one = merging.merged([entries[at] for at in members])
        paths = tuple(dict.fromkeys(path for at in members if (path := occurrences[at][1])))
        pins = tuple(dict.fromkeys(key for at in members if (key := occurrences[at][0].key)))
        works.append(_Work(entry=one, paths=paths, pins=pins))
    place = {at: number for number, members in enumerate(groups) for at in members}
    problems += [_question(one, entries, place[one.first], place[one.second]) for one in questions]
    return works, problems


def _pairs(
    listed: Sequence[tuple[str, ...]],
    entries: Sequence[Entry],
    named: Mapping[str, Entry],
    problems: list[Problem],
    *,
    within: bool,
) -> set[frozenset[int]]:
    """Pairs of occurrences that a person's pairs of keys, titles or identifiers mean.

    `within`: the occurrences that one name means are paired too, as they are where names are said to be the same.
    """
    if not listed:
        return set()
    by_title: dict[str, list[int]] = {}
    by_id: dict[str, list[int]] = {}
    for at, entry in enumerate(entries):
        for title in (entry.title, *entry.aka):
            by_title.setdefault(titles.comparison(title), []).append(at)
        for scheme, value in entry.ids.items():
            by_id.setdefault(f"{scheme}:{value}", []).append(at)

    def places(name: str) -> list[int]:
        if name in by_id:
            return by_id[name]
        known = corrections.look_up(name, named)
        forms = (
            [titles.comparison(title) for title in (known.title, *known.aka)] if known else [titles.comparison(name)]
        )
        ids = [f"{scheme}:{value}" for scheme, value in known.ids.items()] if known else []
        hits = {at for form in forms for at in by_title.get(form, ())} | {
            at for one in ids for at in by_id.get(one, ())
        }
        if not hits:
            problems.append(corrections.unmatched(name, named, ()))
        return sorted(hits)

    out: set[frozenset[int]] = set()
    for group in listed:
        spots = [places(name) for name in group]
        for first in range(len(spots)):
            for second in range(first + 1, len(spots)):
                out |= {frozenset((a, b)) for a in spots[first] for b in spots[second] if a != b}
        if within:
            out |= {frozenset(pair) for spot in spots for pair in pairwise(spot)}
    return out


def _question(one: matching.Question, entries: Sequence[Entry], first: int, second: int) -> Problem:
    """The Problem that a question is. Its two names are filled in with keys once there are keys (see `_named`)."""
    places = [f"{at.file}:{at.line}" for number in (one.first, one.second) for at in entries[number].origin[:1]]
    hint = f"\0{first}\0{second}"
    return Problem(where=" and ".join(places), what=f"perhaps one work: {one.reason}.", hint=hint, check="question")


def _named(problem: Problem, entries: Sequence[Entry]) -> Problem:
    """A question with the keys of the works that it is about, by their places."""
    if not problem.hint.startswith("\0"):
        return problem
    first, second = (entries[int(place)].key for place in problem.hint[1:].split("\0"))
    line = f"[[{_yaml_word(first)}, {_yaml_word(second)}]]"
    return replace(problem, hint=f"Put into corrections.yaml `same: {line}` or `different: {line}`.")


def _yaml_word(text: str) -> str:
    return text if text.replace("-", "").replace("_", "").isalnum() and text.isascii() else f'"{text}"'


def _unsure(sources: Sequence[Source]) -> list[Problem]:
    """Entries of which the reader itself is not sure, and what a source could not give."""
    out: list[Problem] = [problem for source in sources for problem in source.problems]
    for source in sources:
        for account in source.reading.accounts if source.reading else ():
            if account.confidence < 0.8:
                why = f": {'; '.join(account.doubts[:2])}" if account.doubts else ""
                what = f"perhaps misread: {account.title[:60]!r} (confidence {account.confidence:.2f}{why})."
                hint = "Compare the line with `refsync read`; corrections.yaml sets it right."
                out.append(Problem(where=f"{account.file}:{account.line}", what=what, hint=hint, check="unsure"))
    return out


def _topics(
    sources: Sequence[Source], works: Sequence[_Work], last: Catalog | None, found: lock.Recognised
) -> tuple[Topic, ...]:
    used = {path for work in works for path in work.paths}
    order = [path for source in sources if source.reading for path in source.reading.topics if path in used]
    order += [path for path in used if path not in set(order)]
    pinned = (
        lock.topics(last, [set(work.paths) for work in works], [work.entry for work in works], found) if last else {}
    )
    return lock.all_topics(order, pinned, last)


def _with_facts(
    entry: Entry,
    olds: Iterable[Entry],
    granted: frozenset[str],
    fix_of: Mapping[str, corrections.Fix],
    table: venues.Venues,
) -> Entry:
    for old in olds:
        fix = fix_of.get(old.key)
        entry = lock.with_facts(entry, old, granted, corrections.applied(entry, fix, table) if fix else None)
    return entry


def _without_settled(problems: Sequence[Problem], entries: Sequence[Entry]) -> list[Problem]:
    """The problems without doubts of the reader about entries in which a source knew a work: they were read right."""
    settled = {f"{at.file}:{at.line}" for entry in entries if merging.is_settled(entry) for at in entry.origin}
    return [one for one in problems if one.check != "unsure" or one.where not in settled]


def _claims(stated: Sequence[Entry], known: Sequence[Entry]) -> tuple[Problem, ...]:
    """What the list says that an accepted source contradicts: for its maintainer, who may mend the line."""
    out = []
    for work, entry in zip(stated, known, strict=True):
        where = lint.where(work) or work.title
        out += [
            Problem(
                where=where, what=f"{work.title!r}: {what}.", hint="Mend the line, or correct the entry.", check="list"
            )
            for what in (facts.disagreements(work, entry) if entry is not work else ())
        ]
    return tuple(out)


def _keyed(
    entries: Sequence[Entry],
    works: Sequence[_Work],
    recognised: lock.Recognised,
    graves: lock.Graveyard,
    last: Catalog | None,
    settings: Settings,
    imported: Sequence[Entry],
    problems: list[Problem],
) -> list[Entry]:
    """Every entry with its key: pinned, back from the retired, imported, or made now; in the order of the list."""
    taken = {key.casefold() for entry in (last.entries if last else ()) for key in (entry.key, *entry.aliases)}
    taken |= {key.casefold() for old, one in (last.retired if last else {}).items() for key in (old, *one.aliases)}
    wanted = _imported(entries, works, imported)
    taken |= {key.casefold() for pins in wanted.values() for key in pins}
    out = list(entries)
    made: list[int] = []
    for at, entry in enumerate(entries):
        olds = recognised.by_work.get(at)
        held = lock.inherited(olds) if olds else graves.raised(entry)
        pins = [key for key in wanted.get(at, ()) if _may_hold(key, held, last, at, recognised, problems)]
        if held is None and not pins:
            made.append(at)
            continue
        key, aliases = held or (pins[0], ())
        provisional = bool(olds) and all(lock.is_provisional(old) for old in olds or ())
        if pins and pins[0] != key:
            key, aliases, provisional = pins[0], (*aliases, key), False
        aliases = tuple(dict.fromkeys(alias for alias in (*pins, *aliases) if alias != key))
        out[at] = entry = lock.titled(entry, key, olds or ())
        out[at] = _with_key(entry, key, aliases, provisional=provisional and not pins)
    for at in made:
        if back := _split_off(out[at], last, settings):
            # What a person no longer calls the same takes its own key with it.
            out = [replace(one, aliases=tuple(alias for alias in one.aliases if alias != back)) for one in out]
            out[at] = _with_key(out[at], back, (), provisional=keys.is_provisional(out[at], settings.key_pattern))
            continue
        key = keys.unique(keys.base(out[at], settings.key_pattern), taken)
        taken.add(key.casefold())
        out[at] = _with_key(out[at], key, (), provisional=keys.is_provisional(out[at], settings.key_pattern))
    problems[:] = [_named(problem, out) for problem in problems]
    return out


def _split_off(entry: Entry, last: Catalog | None, settings: Settings) -> str | None:
    """The key that a work had before it was made one with another: an alias of that one, made of this one's title."""
    form = titles.comparison(entry.title)
    made = keys.base(entry, settings.key_pattern)
    for old in last.entries if last else ():
        if old.aliases and form and form in {titles.comparison(title) for title in old.aka}:
            for alias in old.aliases:
                if keys.is_suffixed(alias, made):
                    return alias
    return None


def _with_key(entry: Entry, key: str, aliases: tuple[str, ...], *, provisional: bool) -> Entry:
    said = {name: by for name, by in entry.said.items() if name != "key"}
    if provisional:
        said["key"] = Said(by=merging.PROVISIONAL)
    return replace(entry, key=key, aliases=aliases, said=said)


def _imported(
    entries: Sequence[Entry], works: Sequence[_Work], imported: Sequence[Entry]
) -> dict[int, tuple[str, ...]]:
    """The keys that papers already use, by work: from bibliographies among the sources, and from `keys: {from}`."""
    out = {at: tuple(filter(keys.is_usable, work.pins)) for at, work in enumerate(works) if work.pins}
    by_id = {pair: at for at, entry in enumerate(entries) for pair in entry.ids.items()}
    by_title: dict[str, int] = {}
    for at, entry in enumerate(entries):
        for title in (entry.title, *entry.aka):
            by_title.setdefault(titles.comparison(title), at)
    for one in imported:
        hits = [by_id[pair] for pair in one.ids.items() if pair in by_id]
        form = titles.comparison(one.title)
        if not hits and form in by_title and not matching.contradiction(one, entries[by_title[form]]):
            hits = [by_title[form]]
        if hits and keys.is_usable(one.key):
            out[hits[0]] = (*out.get(hits[0], ()), one.key)
    return out


def _may_hold(
    key: str,
    held: tuple[str, tuple[str, ...]] | None,
    last: Catalog | None,
    at: int,
    recognised: lock.Recognised,
    problems: list[Problem],
) -> bool:
    """Whether an imported key is free for this work: no other entry, past or present, has it."""
    if held is not None and key.casefold() in {one.casefold() for one in (held[0], *held[1])}:
        return True
    mine = {one.casefold() for old in recognised.by_work.get(at, ()) for one in (old.key, *old.aliases)}
    others = {one.casefold() for entry in (last.entries if last else ()) for one in (entry.key, *entry.aliases)}
    others |= {one.casefold() for one in (last.retired if last else {})}
    if key.casefold() in others - mine:
        what = f"the key {key!r} of `keys: from` belongs to another entry of catalog.yaml."
        problems.append(
            Problem(where="refsync.yaml", what=what, hint="Rename one of them in corrections.yaml.", check="key")
        )
        return False
    return True


def _gone(last: Catalog | None, recognised: lock.Recognised) -> list[Entry]:
    """The entries of the last catalog that no work of today is."""
    if last is None:
        return []
    here = {entry.key for entries in recognised.by_work.values() for entry in entries}
    return [entry for entry in last.entries if entry.key not in here]


def _corrected(
    entries: Sequence[Entry],
    gone: Sequence[Entry],
    graves: lock.Graveyard,
    fixes: Corrections,
    cited: frozenset[str],
    table: venues.Venues,
    problems: list[Problem],
) -> tuple[list[Entry], dict[str, Retired], set[str]]:
    """The entries with the corrections laid on them, what is retired, and the keys kept though gone from the list."""
    by_name = corrections.named([*gone, *entries])
    retired = dict(graves.retired)
    fix_of: dict[str, corrections.Fix] = {}
    for name, fix in fixes.fixes.items():
        entry = corrections.look_up(name, by_name)
        if entry is not None:
            fix_of[entry.key] = fix
        elif fix.keep and (key := _buried(name, retired)):
            one = retired.pop(key)
            entries = [*entries, Entry(key=key, aliases=one.aliases, title=one.title, aka=one.aka, ids=one.ids)]
        else:
            problems.append(corrections.unmatched(name, by_name, retired))
    kept: set[str] = set()
    for entry in gone:
        fix = fix_of.get(entry.key, corrections.Fix())
        if fix.keep or {entry.key, *entry.aliases} & cited:
            entries = [*entries, replace(entry, topics=())]
            kept.add(entry.key)
        else:
            retired[entry.key] = _retired(entry)
    taken = {key.casefold(): entry.key for entry in entries for key in (entry.key, *entry.aliases)}
    taken |= {key.casefold(): old for old, one in retired.items() for key in (old, *one.aliases)}
    out: list[Entry] = []
    for entry in entries:
        fix = fix_of.get(entry.key, corrections.Fix())
        if fix.hide:
            retired[entry.key] = _retired(entry)
            continue
        entry = corrections.applied(entry, fix, table)
        out.append(_renamed(entry, fix.key, taken, problems))
    return out, retired, kept


def _still_called(entries: Sequence[Entry], last: Catalog | None, fixes: Corrections) -> list[Entry]:
    """The entries, each with the title that a correction names it by when the list has retitled it since: for good, as
    what a person knows better of a work outlives its title."""
    out = list(entries)
    before, now = corrections.named(last.entries if last else ()), corrections.named(entries)
    place = {key: at for at, entry in enumerate(entries) for key in (*entry.aliases, entry.key)}
    for name in fixes.fixes:
        old = corrections.look_up(name, before)
        if old is not None and old.key in place and corrections.look_up(name, now) is None:
            entry = out[place[old.key]]
            out[place[old.key]] = replace(entry, aka=(*entry.aka, name))
    return out


def _buried(name: str, retired: Mapping[str, Retired]) -> str | None:
    """The retired key that a name of corrections.yaml means: a key or a title."""
    form = titles.comparison(name)
    by_title = (key for key, one in retired.items() if form and titles.comparison(one.title) == form)
    return name if name in retired else next(by_title, None)


def _retired(entry: Entry) -> Retired:
    return Retired(title=entry.title, ids=entry.ids, aka=entry.aka, aliases=entry.aliases)


def _renamed(entry: Entry, key: str | None, taken: dict[str, str], problems: list[Problem]) -> Entry:
    """The entry under the key that a person gives it; the old one stays as an alias."""
    if key is None or key == entry.key:
        return entry
    if taken.get(key.casefold(), entry.key) != entry.key:
        what = f"the key {key!r} belongs to another entry ({taken[key.casefold()]})."
        problems.append(Problem(where=corrections.FILE, what=what, hint="Choose another key.", check="key"))
        return entry
    taken[key.casefold()] = entry.key
    aliases = tuple(alias for alias in (*entry.aliases, entry.key) if alias != key)
    return _with_key(entry, key, aliases, provisional=False)


def _final(entry: Entry, cited: frozenset[str]) -> Entry:
    """A provisional key that a paper cites is final."""
    if lock.is_provisional(entry) and {entry.key, *entry.aliases, "*"} & cited:
        return _with_key(entry, entry.key, entry.aliases, provisional=False)
    return entry


def _renewed(
    entries: Sequence[Entry], retired: Mapping[str, Retired], pattern: str, fixes: Corrections, renew: Renewal
) -> list[Entry]:
    """The entries with provisional keys made final, as the pattern makes them now: the old ones stay as aliases.

    Of all keys those stay that a person chose in corrections.yaml.
    """
    chosen = {fix.key for fix in fixes.fixes.values() if fix.key}
    taken = {key.casefold() for entry in entries for key in (entry.key, *entry.aliases)}
    taken |= {key.casefold() for old, one in retired.items() for key in (old, *one.aliases)}
    out = []
    for entry in entries:
        is_due = lock.is_provisional(entry) and (renew != "resolved" or bool(entry.authors))
        if entry.key in chosen or not (renew == "all" or is_due):
            out.append(entry)
            continue
        made = keys.base(entry, pattern)
        mine = next((alias for alias in (entry.key, *entry.aliases) if keys.is_suffixed(alias, made)), None)
        key = mine or keys.unique(made, taken)
        taken.add(key.casefold())
        aliases = tuple(dict.fromkeys(one for one in (*entry.aliases, entry.key) if one != key))
        out.append(_with_key(entry, key, aliases, provisional=False))
    return out
