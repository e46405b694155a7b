"""Knows Hayagriva, the bibliography format of Typst: works as YAML, each in the parent that it appeared in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from refsync import documents, titles
from refsync.formats import Export, Reading
from refsync.formats.catalog import MARKER
from refsync.formats.options import Options, wished, without_fields
from refsync.mapping import Tables, table_value
from refsync.model import Catalog, Date, Entry, Failure, Person, Problem
from refsync.references import address, line, page_range

# In a title braces keep capitals, dollars hold formulas; `\` takes their meaning away.
_MARKS = re.compile(r"[\\{}$]")


class _Kind(documents.Struct, forbid_unknown_fields=True, frozen=True):
    type: str
    venue: str
    parent: str | None = None


class _File(documents.Struct, forbid_unknown_fields=True, frozen=True):
    kinds: dict[str, _Kind]


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A mapping from key to entry."""
    value, where = table_value("hayagriva.yaml", tables.folder)
    kinds = documents.checked(value, _File, where).kinds
    shown = tuple(wished(without_fields(catalog, options).entries, options, tables.folder))
    works = {line(entry.key): _work(entry, kinds, tables.words) for entry in shown}
    text = documents.written(works) if works else "{}\n"
    return Export(text=f"{MARKER}\n{text}", problems=_unplaced(shown))


def read(text: str, where: str, tables: Tables) -> Reading:
    """Nothing: Hayagriva is written only. Raises Failure (exit 2)."""
    what = "Hayagriva is a format that refsync writes and does not read."
    raise Failure(Problem(where=where, what=what, hint="Convert the file that it was made from."), code=2)


def _unplaced(entries: Sequence[Entry]) -> tuple[Problem, ...]:
    """The one Problem that counts stated fields without a place in the format."""
    found = [names for entry in entries if (names := _homeless(entry))]
    counts = Counter(name for names in found for name in names)
    if not counts:
        return ()
    listed = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    total = f"{counts.total()} {'field' if counts.total() == 1 else 'fields'}"
    of = f"{len(found)} {'entry' if len(found) == 1 else 'entries'}"
    what = f"{total} of {of} {'has' if counts.total() == 1 else 'have'} no place in Hayagriva: {listed}."
    return (Problem(where="hayagriva", what=what, hint="The catalog keeps them."),)


def _homeless(entry: Entry) -> list[str]:
    names = [name for name in ("tags", "topics", "version", "rating") if getattr(entry, name)]
    names += [f"links.{name}" for name in entry.links if name not in {"paper", "page"}]
    names += [f"ids.{name}" for name in entry.ids if name not in {*_SCHEMES, "acl", "openreview", "arxiv-class"}]
    names += ["venue.series"] if entry.venue and entry.venue.series else []
    names += ["date"] if isinstance(entry.date, str) else []
    names += ["authors_complete"] if entry.authors_complete is False else []
    return [*names, *(f"extra.{name}" for name in entry.extra)]


def _work(entry: Entry, kinds: Mapping[str, _Kind], words: frozenset[str]) -> dict[str, Any]:
    kind = kinds.get(entry.kind) or kinds["document"]
    venue = entry.venue
    own: dict[str, Any] = {
        "type": kind.type,
        "title": _title(entry.title, words),
        "author": [_name(one) for one in entry.authors],
        "editor": [_name(one) for one in entry.editors],
        "date": _date(entry.date),
        "publisher": line(venue.publisher or "") if venue else "",
        "location": line(venue.place or "") if venue else "",
        "edition": line(entry.edition or ""),
        "page-range": _pages(entry.pages),
        "genre": line(entry.genre or ""),
        "serial-number": _numbers(entry),
        "url": _url(entry),
        "language": line(entry.language or ""),
        "abstract": line(entry.abstract or ""),
        "note": line(entry.note or ""),
    }
    within = {"volume": _numeric(entry.volume), "issue": _numeric(entry.number)}
    if venue and kind.venue != "parent":
        own[kind.venue] = own.get(kind.venue) or line(venue.name)
    if kind.parent and (venue or entry.kind == "preprint"):
        name = line(venue.name) if venue else "arXiv"
        own["parent"] = {"type": kind.parent, "title": {"value": _escaped(name), **_short(entry)}, **within}
        own["parent"] = {name: one for name, one in own["parent"].items() if one}
    else:
        own.update(within)
    return {name: one for name, one in own.items() if one}


def _short(entry: Entry) -> dict[str, str]:
    return {"short": _escaped(line(entry.venue.short))} if entry.venue and entry.venue.short else {}


def _escaped(text: str) -> str:
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", text)


def _title(title: str, words: frozenset[str]) -> str:
    """A title with braces around what a style in sentence case must not lower."""
    runs = titles.protected(line(title), words)
    return "".join(f"{{{_escaped(text)}}}" if kept else _escaped(text) for text, kept in runs)


def _name(one: Person) -> str | dict[str, str]:
    if one.literal is not None:
        return {"name": line(one.literal)}
    parts = {"name": one.family, "given-name": one.given, "prefix": one.particle, "suffix": one.suffix}
    return {name: line(part) for name, part in parts.items() if part}


def _date(date: Date | str | None) -> str | int:
    """A date that Typst can read; what is none has no place."""
    if not isinstance(date, Date):
        return ""
    parts = [f"{date.year:04d}", *(f"{part:02d}" for part in (date.month, date.day) if part)]
    return "-".join(parts) if len(parts) > 1 else date.year


def _pages(pages: str | None) -> str:
    found = page_range(pages or "")
    return f"{found[0]}-{found[1]}" if found else line(pages or "")


def _numeric(value: str | None) -> str | int:
    text = line(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


_SCHEMES = ("doi", "arxiv", "isbn", "issn", "pmid", "pmcid")


def _numbers(entry: Entry) -> dict[str, str]:
    return {scheme: line(entry.ids[scheme]) for scheme in _SCHEMES if scheme in entry.ids}


def _url(entry: Entry) -> dict[str, Any] | str:
    url = address(entry.links.get("paper"), entry.links.get("page"), entry.ids)
    date = _date(entry.accessed)
    return ({"value": line(url), "date": date} if date else line(url)) if url else ""
