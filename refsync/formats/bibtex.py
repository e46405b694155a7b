"""Knows BibTeX: works as a .bib file that bibtex, biber and reference managers read alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from refsync import mapping, venues
from refsync.formats import Export, Reading, Works, unplaced
from refsync.formats import bibentries as read_as
from refsync.formats.bibbeside import groups, macros_of, numbered, strings
from refsync.formats.bibvalues import MARKER, Context, pairs, text
from refsync.formats.dates import EXTENDED, said_beside
from refsync.formats.latex import ALIKE, ascii_of
from refsync.formats.options import Options, as_article, wished
from refsync.formats.spelling import speller
from refsync.mapping import Fields, Pair, Table, Tables
from refsync.model import Catalog, Date, Entry, Problem


class Dialect(NamedTuple):
    """One of the two sorts of .bib files: its table, the functions that rows name, and the type that a work is."""

    column: str
    pairs_of: Callable[[Tables, Context], dict[str, Pair]]
    type_of: Callable[[Entry, Mapping[str, str]], str]


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A .bib file: one field a line, in the order of mappings/bibtex.yaml."""
    return written(catalog, tables, options, _BIBTEX)


def pieces(works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]:
    """The text of the same file, a work at a time."""
    return pieces_of(works, tables, options, problems, _BIBTEX)


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a .bib file of either dialect. What is broken is a Problem at its line; the others are read."""
    return read_as.works(text, where, tables, pairs(Context()))


def written(catalog: Catalog, tables: Tables, options: Options, dialect: Dialect) -> Export:
    """A .bib file of a dialect. With venues as strings, the files of their names lie beside it."""
    problems: list[Problem] = []
    text = "".join(pieces_of(Works.of(catalog), tables, options, problems, dialect))
    macros = _macros(catalog, tables, options)
    beside = strings(catalog.entries, macros, tables, options) if macros else {}
    return Export(text=text, problems=tuple(problems), beside=beside)


def pieces_of(
    works: Works, tables: Tables, options: Options, problems: list[Problem], dialect: Dialect
) -> Iterator[str]:
    """The text of a .bib file, a work at a time. With venues as strings, the works must be in memory too."""
    if not options.ascii:
        yield from _pieces(works, tables, options, problems, dialect)
        return
    beyond: set[str] = set()
    for piece in _pieces(works, tables, options, problems, dialect):
        if not piece.isascii():
            beyond.update(mark for mark in piece if not mark.isascii())
        yield piece
    if beyond:
        problems.append(_beyond_ascii(beyond))


def _pieces(works: Works, tables: Tables, options: Options, problems: list[Problem], dialect: Dialect) -> Iterator[str]:
    column = dialect.column
    table = tables.table(column).limited(options.only, options.omit)
    context = Context(
        paths=works.head.paths,
        words=tables.words,
        macros=_macros(works.head, tables, options),
        ambiguous=_ambiguous(tables, column),
    )
    types = {kind: cells[column][0] for kind, cells in tables.kinds.items()}
    type_of, pairs_of = dialect.type_of, dialect.pairs_of(tables, context)
    text_of = speller(table, pairs_of, lambda name: (f",\n  {name} = ", ""))
    unusual = _Unusual(table, mapping.writer(table, pairs_of), options)
    is_usual = not options.ascii and options.preprints == "misc"
    aliases = options.cited if column == "bibtex" else frozenset()
    renamed = _renamed(works, column, problems)
    count = unplaced.Count(table, partial(_has_own, table))
    yield MARKER + "\n"
    for entry in wished(works.entries, options, tables.folder):
        count.look(entry)
        if is_usual and not entry.extra:
            type, body = type_of(entry, types), text_of(entry)
        else:
            shown, fields = unusual.fields(entry)
            body = "".join([f",\n  {name} = {value}" for name, value in fields])
            type = "unpublished" if unusual.is_unpublished(entry) else type_of(shown, types)
        key = renamed.get(entry.key, entry.key) if renamed else entry.key
        yield f"\n@{type}{{{key}{body},\n}}\n"
        for alias in entry.aliases if aliases else ():
            if alias in aliases:
                yield f"\n@{type}{{{_key(alias)}{body},\n  aliasof = {{{_key(entry.key)}}},\n}}\n"
    if any(row.fields == ("keywords",) for row in table.rows):
        yield groups(works.head.topics)
    problems += [*count.problems(), *unusual.problems(column)]


class _Unusual:
    """The fields of works that are not written as the rows say: in ASCII, preprints as something else, fields kept in
    `extra`."""

    def __init__(self, table: Table, fields_of: Callable[[Entry], Fields], options: Options) -> None:
        self._table, self._fields_of, self._options = table, fields_of, options
        self._alike: set[str] = set()

    def is_unpublished(self, entry: Entry) -> bool:
        """Whether the work shall be an @unpublished."""
        return self._options.preprints == "unpublished" and entry.kind == "preprint"

    def fields(self, entry: Entry) -> tuple[Entry, Fields]:
        """The work as it is shown, and its fields."""
        shown = as_article(entry) if self._options.preprints == "article" else entry
        fields = self._fields_of(shown)
        if entry.extra:
            if more := said_beside(entry):
                fields = [(name, text(more) if name == EXTENDED else value) for name, value in fields]
            fields += _extra(entry, self._table, fields)
        if self.is_unpublished(entry):
            fields += _as_note(entry, fields)
        if self._options.ascii:
            self._alike |= {mark for _, value in fields for mark in value if mark in ALIKE}
            fields = [(name, ascii_of(value, name in _VERBATIM)) for name, value in fields]
        return shown, fields

    def problems(self, column: str) -> Iterator[Problem]:
        """What is spelt in ASCII so that it is read as something else."""
        if self._alike:
            what = f"{''.join(sorted(self._alike))} cannot be spelt in ASCII but by letters that print alike."
            yield Problem(where=column, what=what, hint="Without --ascii they stay.", check="ascii")


def _macros(catalog: Catalog, tables: Tables, options: Options) -> dict[str, str]:
    return macros_of(catalog.entries, venues.load(tables.folder)) if options.venues == "strings" else {}


def _ambiguous(tables: Tables, column: str) -> frozenset[str]:
    """The kinds that cannot be told by the type that they are written as."""
    types = {kind: cells[column][0] for kind, cells in tables.kinds.items()}
    return frozenset(kind for kind, type in types.items() if tables.kind_of("bibtex", type) != kind)


def _renamed(works: Works, column: str, problems: list[Problem]) -> dict[str, str]:
    """The keys that cannot stand in a .bib file as they are, each with the one that is written; no two are alike."""
    if works.are_distinct and all(key and _KEY.search(key) is None for key in works.keys):
        return {}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for given in works.keys:
        key = _key(given)
        if (folded := key.casefold()) in taken:
            key = next(one for one in numbered(key) if one.casefold() not in taken)
            folded = key.casefold()
        taken.add(folded)
        if key != given:
            found[given] = key
            what = f"the key {given!r} cannot stand in a .bib file: it is written {key!r}."
            problems.append(Problem(where=column, what=what, hint="Cite it by that key, or rename it.", check="key"))
    return found


_VERBATIM = frozenset({"url", "doi", "eprint", "primaryclass", "eprintclass", "isbn", "issn", "urldate", "file"})


def _beyond_ascii(marks: set[str]) -> Problem:
    found = "".join(sorted(marks))
    have = "character has" if len(found) == 1 else "characters have"
    what = f"{len(found)} {have} no spelling in ASCII and stay as they are: {found[:40]}"
    return Problem(where="bibtex", what=what, hint="Use lualatex or biber for these.", check="ascii")


def _type(entry: Entry, types: Mapping[str, str]) -> str:
    if entry.kind == "thesis" and (entry.genre or "").casefold().startswith("master"):
        return "mastersthesis"
    return types.get(entry.kind, "misc")


def _extra(entry: Entry, table: Table, fields: Fields) -> Fields:
    """What refsync has no field for, as the fields of the format that it was read from."""
    taken = {name for name, _ in fields}
    if isinstance(entry.date, Date) and not said_beside(entry):
        taken.add(EXTENDED)  # it was of a date that the work no longer has
    kept = [(name, value) for name, value in sorted(entry.extra.items()) if name not in taken]
    return [(name, text(value)) for name, value in kept if _has_own(table, entry.kind, name)]


def _has_own(table: Table, kind: str, name: str) -> bool:
    """Whether a name in `extra` may stand in a .bib file. RIS tags are in capitals, and may not."""
    if name in table.omitted or re.fullmatch(r"[a-z][a-z0-9_:-]*", name) is None:
        return False
    return name == EXTENDED or table.has_own(kind, name) if table.own else True


def _as_note(entry: Entry, fields: Fields) -> Fields:
    """@unpublished wants a note: where the preprint lies."""
    number = entry.ids.get("arxiv")
    note = f"arXiv:{number}" if number else entry.venue.name if entry.venue else "Preprint"
    return [] if "note" in dict(fields) else [("note", text(note))]


_KEY = re.compile(r"""[\s"#$%'(),<=>?@\\^`{|}~!]+""")


def _key(key: str) -> str:
    """`key` without the characters that end it in some reader; keys that refsync makes have none."""
    return _KEY.sub("-", key) or "unnamed"


_BIBTEX = Dialect("bibtex", lambda _, context: pairs(context), _type)
