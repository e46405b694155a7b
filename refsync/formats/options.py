"""Knows what a person may wish of an export: which fields, which names of venues, how preprints are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from refsync import venues
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem, Venue


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How an export is wished; a format passes over what does not concern it.

    `only` and `omit` name fields, of the format or of the catalog; "+abstract" in `only` adds what is left out by
    default. `reader` is the program that the file is for. `cited` are the keys that papers cite, where that is known.
    `along` are the names of all files that are written together.
    """

    ascii: bool = False
    venues: Literal["full", "short", "strings"] = "full"
    preprints: Literal["misc", "article", "unpublished"] = "misc"
    only: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    reader: Literal["zotero"] | None = None
    cited: frozenset[str] = frozenset()
    along: tuple[str, ...] = ()


PLAIN = Options()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What is asked of one export beyond the settings of its folder; None is: as the settings say.

    `cited` are files of papers: only what they cite is exported. `topic` is a heading: only what stands under it is.
    """

    dialect: Literal["bibtex", "biblatex"] | None = None
    ascii: bool | None = None
    venues: Literal["full", "short", "strings"] | None = None
    preprints: Literal["misc", "article", "unpublished"] | None = None
    cited: tuple[Path, ...] = ()
    topic: str | None = None
    only: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    reader: Literal["zotero"] | None = None

    def options(self, usual: Options, cited: frozenset[str]) -> Options:
        """The options, `usual` where nothing else is asked; `cited` are the keys that papers cite."""
        given = {name: getattr(self, name) for name in ("ascii", "venues", "preprints", "only", "omit", "reader")}
        return replace(usual, cited=cited, **{name: value for name, value in given.items() if value not in (None, ())})


def checked(options: Options, tables: Tables) -> Options:
    """The options, when `only` and `omit` name fields of a catalog or a format. Raises Failure (exit 2) otherwise."""
    named = {name for column in ("bibtex", "biblatex", "csl", "ris") for name in tables.table(column).names}
    known = sorted(named | {one.name for one in fields(Entry)})
    for option, names in (("--only", options.only), ("--omit", options.omit)):
        for name in names:
            bare = name.removeprefix("+") if option == "--only" else name
            if bare not in known:
                near = get_close_matches(bare, known, n=1, cutoff=0.6)
                hint = f"Did you mean `{near[0]}`?" if near else "Name a field of the format, such as doi or abstract."
                raise Failure(Problem(where=option, what=f"no format has a field `{bare}`.", hint=hint), code=2)
    return options


_BIB = ("bibtex", "biblatex")
# The formats that an option changes, where it does not change all.
_CONCERNS = {
    "dialect": _BIB,
    "ascii": _BIB,
    "preprints": _BIB,
    "venues": (*_BIB, "csl", "csl-yaml", "ris", "hayagriva"),
    "reader": ("csl", "csl-yaml"),
}


def without_effect(wishes: Wishes, name: str) -> list[Problem]:
    """A Problem, when options are asked for that change nothing in the format of that name."""
    asked = [option for option, names in _CONCERNS.items() if getattr(wishes, option) and name not in names]
    if wishes.venues == "strings" and name not in _BIB and "venues" not in asked:
        asked.append("venues")
    if wishes.dialect and name in _BIB and wishes.dialect != name:
        asked.append("dialect")
    if not asked:
        return []
    said = ", ".join("--for" if option == "reader" else f"--{option}" for option in asked)
    has = "has" if len(asked) == 1 else "have"
    return [Problem(where=said, what=f"{has} no effect on {name}.", hint="It is written as without.")]


_ALWAYS = frozenset({"key", "kind", "title"})


def without_fields(catalog: Catalog, options: Options) -> Catalog:
    """The catalog without the fields of its entries that are not wished; key, kind and title always stay."""
    kept = {name for name in options.only if not name.startswith("+")}
    names = {one.name for one in fields(Entry)} - _ALWAYS
    gone = (names - kept if kept else set()) | (names & set(options.omit))
    if not gone:
        return catalog
    blank = {name: getattr(Entry(), name) for name in gone}
    return replace(catalog, entries=tuple(replace(entry, **blank) for entry in catalog.entries))


def wished(entries: Iterable[Entry], options: Options, folder: Path | None) -> Iterable[Entry]:
    """The works with the names of venues that are wished; `folder` holds the user's own tables."""
    if options.venues != "short":
        return entries
    table = venues.load(folder)
    return (_shortened(entry, table) for entry in entries)


def _shortened(entry: Entry, table: venues.Venues) -> Entry:
    if entry.venue is None:
        return entry
    name = short_name(entry.venue, table)
    return entry if name == entry.venue.name else replace(entry, venue=replace(entry.venue, name=name))


def short_name(venue: Venue, table: venues.Venues) -> str:
    """The name of a venue in a short bibliography: a journal's by ISO 4, another's as it is called ("NeurIPS")."""
    short = venue.short or table.short(venue.name)
    row = table.rows.get(short or "")
    if row is not None and row.kind == "journal":
        return row.iso4 or venue.name
    return short or venue.name


def as_article(entry: Entry) -> Entry:
    """A preprint as an article of the journal "arXiv preprint arXiv:1503.02531", which every style prints well."""
    number = entry.ids.get("arxiv")
    name = f"arXiv preprint arXiv:{number}" if number else entry.venue.name if entry.venue else None
    if entry.kind != "preprint" or name is None:
        return entry
    return replace(entry, kind="article", venue=Venue(name=name))
