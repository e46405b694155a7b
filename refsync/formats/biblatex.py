"""Knows BibLaTeX: works as a .bib file in the names of biblatex's data model, for documents that biber works for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from refsync.formats import Export, Reading, Works, bibentries, bibtex, bibvalues
from refsync.formats.latex import escaped, text_of, verbatim
from refsync.formats.options import Options
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Entry, Problem
from refsync.references import line


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A .bib file: one field a line, in the order of mappings/biblatex.yaml."""
    return bibtex.written(catalog, tables, options, _BIBLATEX)


def pieces(works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]:
    """The text of the same file, a work at a time."""
    return bibtex.pieces_of(works, tables, options, problems, _BIBLATEX)


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a .bib file of either dialect."""
    return bibtex.read(text, where, tables)


def _type(entry: Entry, types: Mapping[str, str]) -> str:
    return types.get(entry.kind, "misc")


def pairs(tables: Tables, context: bibvalues.Context) -> dict[str, Pair]:
    """The functions that rows name: those of BibTeX, and those of values that biblatex spells otherwise."""
    named = {code: names[0] for code, names in bibentries.languages(tables).items()}
    # A file of either dialect is read by the table of BibTeX.
    own: dict[str, Callable[..., Any]] = {
        "date": _date,
        "volume": partial(_volume, "vol. "),
        "part": partial(_volume, ""),
        "genre": _genre,
        "report type": _report_type,
        "language": partial(_language, named),
        "aliases": _aliases,
        "repository": partial(_repository, context.macros),
        "eprint": _eprint,
    }
    # `archiveprefix` is an alias that biblatex knows and biber's data model does not.
    shared = {name: pair for name, pair in bibvalues.pairs(context).items() if name not in {"sort key", "arxiv"}}
    return {**shared, **{name: Pair(write, text_of) for name, write in own.items()}}


def _date(date: Date | str | None, kind: str) -> tuple[str | None, str | None] | None:
    """The date, and the state of a work that has none or is a preprint."""
    if isinstance(date, str):
        return None, f"{{{bibentries.STATES.get(line(date).casefold()) or escaped(date)}}}"
    return bibvalues.day(date) if date else None, "{prepublished}" if kind == "preprint" else None


def _volume(label: str, volume: str) -> tuple[str | None, str | None]:
    """A volume, and the field for one that is no whole number: biber takes no other."""
    text = line(volume)
    return (f"{{{text}}}", None) if text.isdecimal() and text.isascii() else (None, f"{{{label}{escaped(text)}}}")


def _eprint(value: str) -> tuple[str, str]:
    return f"{{{verbatim(value)}}}", "{arxiv}"


def _genre(genre: str) -> str:
    text = line(genre)
    known = {"phd thesis": "phdthesis", "master's thesis": "mathesis"}
    return f"{{{known.get(text.casefold()) or escaped(text)}}}"


def _report_type(genre: str | None, kind: str) -> str:
    """The sort of a report, which biblatex wants in every one."""
    return _genre(genre) if genre else "{techreport}"


def _language(names: Mapping[str, str], language: str) -> str:
    return f"{{{names.get(language) or escaped(language)}}}"


def _aliases(aliases: tuple[str, ...]) -> str:
    return f"{{{','.join(aliases)}}}"


def _repository(macros: Mapping[str, str], name: str | None, arxiv: str | None) -> str | None:
    """The server of a preprint, unless its `eprint` says it."""
    if not name or (arxiv and name.casefold() == "arxiv"):
        return None
    return macros.get(name) or f"{{{escaped(name)}}}"


_BIBLATEX = bibtex.Dialect("biblatex", pairs, _type)
