"""Knows what an entry of a .bib file takes from another: by `crossref`, by `xdata`, as the member of a set.

Source: biblatex 3.18 manual, section 2.4.1 and appendix B (default inheritance); btxdoc, section 3 (crossref).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refsync.formats.bibfile import Record
from refsync.model import Problem

_OF_BOOKS = frozenset({"inproceedings", "conference", "incollection", "inbook", "suppbook", "bookinbook", "suppcollection", "inreference"})  # fmt: skip
_VOLUMES = frozenset({"book", "collection", "proceedings", "reference"})
_ARTICLES = frozenset({"article", "suppperiodical"})
# What is said of the whole is not said of its part: its identifiers and addresses, what it is about, how long it is.
_ITS_OWN = frozenset(
    {
        "crossref", "xref", "xdata", "ids", "entryset", "entrysubtype", "execute", "label", "options", "presort",
        "related", "relatedoptions", "relatedstring", "relatedtype", "shorthand", "shorthandintro", "sortkey", "key",
        "shorttitle", "sorttitle", "indextitle", "indexsorttitle", "doi", "url", "urldate", "eprint", "eprinttype",
        "eprintclass", "archiveprefix", "primaryclass", "isbn", "abstract", "keywords", "note", "annote", "annotation",
        "file", "pages", "pagetotal", "pubstate", "timestamp", "biburl", "bibsource", "aliasof",
    }
)  # fmt: skip
_TITLES = ("title", "subtitle", "titleaddon")


def resolved(found: Sequence[Record], where: str, problems: list[Problem]) -> list[Record]:
    """The entries that are works, each with the fields that it lacks and its parents have. A parent that is not there,
    and a set, is a Problem."""
    by_key: dict[str, Record] = {}
    for one in found:
        by_key.setdefault(one.key.casefold(), one)
    out = []
    for one in found:
        if one.type == "xdata":
            continue
        if one.type == "set":
            members = one.fields.get("entryset", "")
            what = f"@set {one.key} is no work: its members ({members}) are read, the key is not."
            problems.append(Problem(where=f"{where}:{one.line}", what=what, hint="Cite one of them."))
            continue
        _take_data(one, by_key, where, problems)
        if "crossref" in one.fields:
            _take_parent(one, by_key, where, problems)
        out.append(one)
    return out


def _take_data(one: Record, by_key: Mapping[str, Record], where: str, problems: list[Problem]) -> None:
    """Adds the fields of the containers that `xdata` names, and of those that they name."""
    waiting = _keys(one.fields.pop("xdata", ""))
    seen: set[str] = set()
    while waiting:
        key = waiting.pop(0)
        data = by_key.get(key.casefold())
        if data is None or data.type != "xdata":
            problems.append(_missing(one, "xdata", key, where))
        elif key.casefold() not in seen:
            seen.add(key.casefold())
            waiting += _keys(data.fields.get("xdata", ""))
            for name, value in data.fields.items():
                if name != "xdata":
                    one.fields.setdefault(name, value)


def _take_parent(one: Record, by_key: Mapping[str, Record], where: str, problems: list[Problem]) -> None:
    """Adds what the whole says that holds of its part too; its title is the part's `booktitle` or the like."""
    key = one.fields["crossref"].strip()
    parent = by_key.get(key.casefold())
    if parent is None or parent is one:
        problems.append(_missing(one, "crossref", key, where))
        return
    del one.fields["crossref"]
    _take_data(parent, by_key, where, problems)
    prefix = _title_of_whole(one.type, parent.type)
    for name, value in parent.fields.items():
        if name not in _TITLES and name not in _ITS_OWN:
            one.fields.setdefault(name, value)
    if prefix and not one.fields.keys() & {f"{prefix}title", "journal" if prefix == "journal" else ""}:
        for name in _TITLES:
            if name in parent.fields:
                one.fields.setdefault(f"{prefix}{name}", parent.fields[name])


def _title_of_whole(part: str, whole: str) -> str | None:
    """What the title of a whole is called in its part: the word before `title`."""
    if part in _ARTICLES:
        return "journal"
    if part in _OF_BOOKS:
        return "main" if whole.startswith("mv") else "book"
    return "main" if part in _VOLUMES and whole.startswith("mv") else None


def _keys(value: str) -> list[str]:
    return [key.strip() for key in value.split(",") if key.strip()]


def _missing(one: Record, field: str, key: str, where: str) -> Problem:
    what = f"`{field}` of {one.key or 'an entry'} names {key!r}, which no entry is."
    return Problem(where=f"{where}:{one.line}", what=what, hint="Add that entry, or remove the field.")
