"""Knows what is different between two catalogs: works that came, went and changed, each field by field, and headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refsync import names, titles
from refsync.formats.catalog import date_text, entry_value
from refsync.model import Catalog, Date, Entry, Person, Venue

# What is said of an entry rather than by it: who said a field, and what it was called before.
_BESIDE = frozenset({"said", "aliases", "origin"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """One field of a work: what it was and what it is, as values of the catalog; None where there is nothing."""

    name: str
    old: object
    new: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One work: `sign` is + (came), - (went) or ~ (changed, with its `fields`); `entry` is as it is now, or last was."""

    sign: str
    entry: Entry
    fields: tuple[Changed, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """All that is different, works in the order of their keys; headings as (old path, new path), None for none."""

    works: tuple[Difference, ...] = ()
    topics: tuple[tuple[tuple[str, ...] | None, tuple[str, ...] | None], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both catalogs say the same."""
        return not (self.works or self.topics)

    def counts(self) -> Mapping[str, int]:
        """How many works came, went and changed."""
        return {
            name: sum(one.sign == sign for one in self.works)
            for sign, name in (("+", "added"), ("~", "changed"), ("-", "removed"))
        }


def between(before: Catalog, after: Catalog) -> Differences:
    """What of `after` is different from `before`. A work is the same by its key or an alias, else by an identifier, else
    by its title."""
    pairs = _pairs(before, after)
    old_of = {new.key: old for old, new in pairs if new}
    works = [Difference(sign="-", entry=old) for old, new in pairs if new is None]
    for new in after.entries:
        old = old_of.get(new.key)
        if old is None:
            works.append(Difference(sign="+", entry=new))
        elif fields := _fields(old, new, before, after):
            works.append(Difference(sign="~", entry=new, fields=fields))
    return Differences(works=tuple(sorted(works, key=lambda one: one.entry.key)), topics=_topics(before, after))


def _pairs(before: Catalog, after: Catalog) -> list[tuple[Entry, Entry | None]]:
    """Each work of `before` with what it is in `after`, one to one."""
    by_title = {titles.comparison(one.title): one for one in after.entries}
    taken: set[str] = set()
    found: dict[str, Entry | None] = {}
    for look in (_by_key(after), _by_id(after), lambda one: by_title.get(titles.comparison(one.title))):
        for old in before.entries:
            new = look(old) if found.get(old.key) is None else None
            if new is not None and new.key not in taken:
                taken.add(new.key)
                found[old.key] = new
    return [(old, found.get(old.key)) for old in before.entries]


def _by_key(after: Catalog) -> Any:
    return lambda one: after.by_key.get(one.key)


def _by_id(after: Catalog) -> Any:
    return lambda one: next((after.by_id[pair] for pair in one.ids.items() if pair in after.by_id), None)


def _fields(old: Entry, new: Entry, before: Catalog, after: Catalog) -> tuple[Changed, ...]:
    was, now = _value(old, before), _value(new, after)
    out: list[Changed] = []
    for name in dict.fromkeys([*now, *was]):
        one, two = was.get(name), now.get(name)
        if one == two or name in _BESIDE:
            continue
        if isinstance(one or {}, Mapping) and isinstance(two or {}, Mapping) and name in {"ids", "links", "extra"}:
            inner_old, inner_new = dict(one or {}), dict(two or {})
            out += [
                Changed(name=f"{name}.{part}", old=inner_old.get(part), new=inner_new.get(part))
                for part in dict.fromkeys([*inner_new, *inner_old])
                if inner_old.get(part) != inner_new.get(part)
            ]
        else:
            out.append(Changed(name=name, old=one, new=two))
    return tuple(out)


def _value(entry: Entry, catalog: Catalog) -> dict[str, Any]:
    """An entry as it is written, its topics as paths: ids of topics say nothing to a person."""
    value = entry_value(entry, origin=False)
    if "topics" in value:
        value["topics"] = [" > ".join(catalog.paths.get(one, (one,))) for one in value["topics"]]
    return value


def _topics(before: Catalog, after: Catalog) -> tuple[tuple[tuple[str, ...] | None, tuple[str, ...] | None], ...]:
    old, new = before.paths, after.paths
    pairs = [(old.get(one), new.get(one)) for one in dict.fromkeys([*new, *old])]
    return tuple((one, two) for one, two in pairs if one != two)


def shown(name: str, value: object) -> str:
    """A value of a field on one line, for people."""
    if value is None or value == "" or value == []:
        return "nothing"
    if name in {"authors", "editors"} and isinstance(value, list):
        people = [names.natural(Person(**one)) for one in value]
        return ", ".join(people[:6]) + (f" and {len(people) - 6} more" if len(people) > 6 else "")
    if isinstance(value, Mapping):
        named = value.get("short") or value.get("name")
        return str(named) if named else ", ".join(f"{part} {text}" for part, text in value.items())
    text = "; ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def summary(entry: Entry) -> str:
    """A work in one line: its title, the first authors, venue and year."""
    people = [names.natural(one) for one in entry.authors[:3]]
    by = ", ".join(people) + (" et al." if len(entry.authors) > 3 or entry.authors_complete is False else "")
    venue = entry.venue.short or entry.venue.name if isinstance(entry.venue, Venue) else ""
    date = date_text(entry.date) if isinstance(entry.date, Date) else (entry.date or "")
    return ". ".join(
        part for part in (entry.title.rstrip("."), by.rstrip("."), " ".join(filter(None, (venue, date)))) if part
    )


def headline(found: Differences) -> str:
    """ "3 added, 1 changed, 2 removed", with the headings that changed."""
    parts = [f"{count} {name}" for name, count in found.counts().items() if count]
    if found.topics:
        parts.append(f"{len(found.topics)} heading{'s' if len(found.topics) > 1 else ''}")
    return ", ".join(parts) or "no changes"


_VERBS = {"+": "Added", "~": "Changed", "-": "Removed"}


def markdown(found: Differences) -> str:
    """The differences as Markdown, for a pull request."""
    lines = [f"**Catalog: {headline(found)}**", ""]
    for sign, verb in _VERBS.items():
        works = [one for one in found.works if one.sign == sign]
        if not works:
            continue
        lines += [f"### {verb}", ""]
        for one in works:
            lines.append(f"- `{one.entry.key}` {_escaped(summary(one.entry) if sign != '~' else one.entry.title)}")
            lines += [
                f"  - {field.name}: {_escaped(shown(field.name, field.old))} → {_escaped(shown(field.name, field.new))}"
                for field in one.fields
            ]
        lines.append("")
    if found.topics:
        lines += ["### Headings", ""]
        lines += [f"- {_path(old)} → {_path(new)}" for old, new in found.topics] + [""]
    return "\n".join(lines)


def _path(path: tuple[str, ...] | None) -> str:
    return _escaped(" > ".join(path)) if path else "nothing"


def _escaped(text: str) -> str:
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return text


def as_json(found: Differences) -> dict[str, Any]:
    """The differences as values that JSON holds: `works` ({sign, key, title, fields: {name: [old, new]}}), `topics`, `counts`."""
    return {
        "works": [
            {
                "sign": one.sign,
                "key": one.entry.key,
                "title": one.entry.title,
                "fields": {field.name: [field.old, field.new] for field in one.fields},
            }
            for one in found.works
        ],
        "topics": [[list(old) if old else None, list(new) if new else None] for old, new in found.topics],
        "counts": dict(found.counts()),
    }
