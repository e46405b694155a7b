"""Knows BibTeX: works as a .bib file that bibtex, biber and reference managers read alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from refsync import mapping, names, titles, venues
from refsync.formats import Export, Reading, unplaced
from refsync.formats import bibentries as read_as
from refsync.formats.dates import EXTENDED, MONTHS, said_beside
from refsync.formats.latex import ALIKE, SPECIAL, ascii_of, escape, escaped, split, text_of, verbatim, verbatim_of
from refsync.formats.options import Options, as_article, short_name, wished
from refsync.mapping import Fields, Pair, Table, Tables
from refsync.model import Catalog, Date, Entry, Person, Problem, Topic
from refsync.references import address, doi_of, keywords, line, page_range, stated

# Without an `@`: bibtex, pybtex and others take one anywhere for the start of an entry.
MARKER = "% Written by refsync build: edit the list or corrections.yaml, not this file."


# ------------------------------------------------------------------------------------------------------------------
# Files


@dataclass(frozen=True, kw_only=True)
class Context:
    """What values are written with: topic paths by id, words that keep their capitals, macros by the name of a venue,
    and the kinds whose type in the file is read as another kind."""

    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    macros: Mapping[str, str] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A .bib file: one field a line, in the order of mappings/bibtex.yaml."""
    return written(catalog, tables, options, "bibtex", pairs, _type)


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a .bib file of either dialect. What is broken is a Problem at its line; the others are read."""
    return read_as.works(text, where, tables, pairs(Context()))


def written(
    catalog: Catalog,
    tables: Tables,
    options: Options,
    column: str,
    pairs_of: Callable[[Context], dict[str, Pair]],
    type_of: Callable[[Entry, Mapping[str, str]], str],
) -> Export:
    """A .bib file by the table `column`. With venues as strings, the files of their names lie beside it."""
    table = tables.table(column).limited(options.only, options.omit)
    catalog = wished(catalog, options, tables.folder)
    macros = _macros(catalog.entries, venues.load(tables.folder)) if options.venues == "strings" else {}
    context = Context(paths=catalog.paths, words=tables.words, macros=macros, ambiguous=_ambiguous(tables, column))
    fields_of = mapping.writer(table, pairs_of(context))
    types = {kind: cells[column][0] for kind, cells in tables.kinds.items()}
    parts = [MARKER + "\n"]
    alike: set[str] = set()
    keys, problems = _keys(catalog.entries, column)
    for entry in catalog.entries:
        shown = as_article(entry) if options.preprints == "article" else entry
        type, fields = type_of(shown, types), fields_of(shown)
        if entry.extra:
            if more := said_beside(entry):
                fields = [(name, _text(more) if name == EXTENDED else value) for name, value in fields]
            fields += _extra(entry, table, fields)
        if options.preprints == "unpublished" and entry.kind == "preprint":
            type = "unpublished"
            fields += _as_note(entry, fields)
        if options.ascii:
            alike |= {mark for _, value in fields for mark in value if mark in ALIKE}
            fields = [(name, ascii_of(value, name in _VERBATIM)) for name, value in fields]
        body = "".join([f"  {name} = {value},\n" for name, value in fields])
        parts.append(f"\n@{type}{{{keys[entry.key]},\n{body}}}\n")
        if column == "bibtex" and options.cited:
            stubs = [alias for alias in entry.aliases if alias in options.cited]
            parts += [f"\n@{type}{{{_key(one)},\n{body}  aliasof = {{{_key(entry.key)}}},\n}}\n" for one in stubs]
    if any(row.fields == ("keywords",) for row in table.rows):
        parts.append(_groups(catalog.topics))
    problem = unplaced.counted(table, catalog.entries, partial(_has_own, table))
    text = "".join(parts)
    problems += [problem] if problem else []
    if alike:
        what = f"{''.join(sorted(alike))} cannot be spelt in ASCII but by letters that print alike."
        problems.append(Problem(where=column, what=what, hint="Without --ascii they stay.", check="ascii"))
    if options.ascii and not text.isascii():
        problems.append(_beyond_ascii(text))
    beside = _strings(catalog.entries, macros, tables, options) if macros else {}
    return Export(text=text, problems=tuple(problems), beside=beside)


def _ambiguous(tables: Tables, column: str) -> frozenset[str]:
    """The kinds that cannot be told by the type that they are written as."""
    types = {kind: cells[column][0] for kind, cells in tables.kinds.items()}
    return frozenset(kind for kind, type in types.items() if tables.kind_of("bibtex", type) != kind)


def _keys(entries: Iterable[Entry], column: str) -> tuple[dict[str, str], list[Problem]]:
    """Each key as it may stand in a .bib file, no two alike; those that had to be changed are told."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    taken: set[str] = set()
    for entry in entries:
        key = next(one for one in _numbered(_key(entry.key)) if one.casefold() not in taken)
        taken.add(key.casefold())
        found[entry.key] = key
        if key != entry.key:
            what = f"the key {entry.key!r} cannot stand in a .bib file: it is written {key!r}."
            problems.append(Problem(where=column, what=what, hint="Cite it by that key, or rename it.", check="key"))
    return found, problems


_VERBATIM = frozenset({"url", "doi", "eprint", "primaryclass", "eprintclass", "isbn", "issn", "urldate", "file"})


def _beyond_ascii(text: str) -> Problem:
    found = "".join(sorted({mark for mark in text if not mark.isascii()}))
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
    return [(name, _text(value)) for name, value in kept if _has_own(table, entry.kind, name)]


def _has_own(table: Table, kind: str, name: str) -> bool:
    """Whether a name in `extra` may stand in a .bib file. RIS tags are in capitals, and may not."""
    if name in table.omitted or re.fullmatch(r"[a-z][a-z0-9_:-]*", name) is None:
        return False
    return name == EXTENDED or table.has_own(kind, name) if table.own else True


def _as_note(entry: Entry, fields: Fields) -> Fields:
    """@unpublished wants a note: where the preprint lies."""
    number = entry.ids.get("arxiv")
    note = f"arXiv:{number}" if number else entry.venue.name if entry.venue else "Preprint"
    return [] if "note" in dict(fields) else [("note", _text(note))]


_KEY = re.compile(r"""[\s"#$%'(),<=>?@\\^`{|}~!]+""")


def _key(key: str) -> str:
    """`key` without the characters that end it in some reader; keys that refsync makes have none."""
    return _KEY.sub("-", key) or "unnamed"


# ------------------------------------------------------------------------------------------------------------------
# Beside the entries: names of venues, groups


def _macros(entries: Iterable[Entry], table: venues.Venues) -> dict[str, str]:
    """A macro for each name of a venue: its short name in small letters, which no other has and no month."""
    taken = set(MONTHS.values())
    found: dict[str, str] = {}
    for venue in (entry.venue for entry in entries if entry.venue is not None):
        if venue.name not in found:
            base = re.sub(
                r"[^a-z0-9]+", "-", names.ascii_word(venue.short or table.short(venue.name) or venue.name)
            ).strip("-")[:40]
            base = base if base[:1].isalpha() else f"venue-{base}".rstrip("-")
            name = next(one for one in _numbered(base) if one not in taken)
            taken.add(name)
            found[venue.name] = name
    return found


def _numbered(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _strings(entries: Iterable[Entry], macros: Mapping[str, str], tables: Tables, options: Options) -> dict[str, str]:
    """venues.bib with the full names, and the same macros with the short ones: a paper swaps one file."""
    table = venues.load(tables.folder)
    known = {entry.venue.name: entry.venue for entry in entries if entry.venue is not None}
    rows = sorted((macro, known[name]) for name, macro in macros.items())
    files = {}
    for file, full in (("venues.bib", True), ("venues-short.bib", False)):
        values = [(macro, _text(venue.name if full else short_name(venue, table))) for macro, venue in rows]
        lines = [f"@string{{{macro} = {ascii_of(one) if options.ascii else one}}}\n" for macro, one in values]
        files[file] = f"{MARKER}\n\n{''.join(lines)}"
    return files


_JABREF = re.compile(r"[\\;]")


def _groups(topics: Iterable[Topic]) -> str:
    """JabRef's comment that shows the topics as a tree of groups, each found by its keyword.

    A group is "depth KeywordGroup:name;context;field;keyword;case;regex;expanded;colour;icon;description;" where 2 is
    the context that includes what stands under subgroups, and `;` is quoted once for the name and once for the line
    (JabRef, GroupSerializer).
    """
    paths = {path[:depth] for topic in topics for path in [topic.path] for depth in range(1, len(path) + 1)}
    if not paths:
        return ""
    order = list(dict.fromkeys(t.path[:depth] for t in topics for depth in range(1, len(t.path) + 1)))
    lines = []
    for path in _tree(order):
        name, keyword = (_unmarked(one) for one in (escaped(path[-1]), _keyword(" > ".join(map(line, path)))))
        unit = ";".join((*map(_quoted, (name,)), "2", "keywords", _quoted(keyword), "0", "0", "1", "", "", "", ""))
        lines.append(f"{len(path)} KeywordGroup:{_quoted(unit)};\n")
    return f"\n@comment{{jabref-meta: grouping:\n0 AllEntriesGroup:;\n{''.join(lines)}}}\n"


def _tree(paths: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Paths as a tree is walked: each below its parent, siblings in the order given."""
    place: dict[tuple[str, ...], int] = {}
    for number, path in enumerate(paths):
        place.setdefault(path, number)
    return sorted(place, key=lambda path: [place[path[:depth]] for depth in range(1, len(path) + 1)])


def _quoted(text: str) -> str:
    return _JABREF.sub(lambda mark: f"\\{mark[0]}", text)


def _unmarked(text: str) -> str:
    """An `@` is the start of an entry wherever it stands outside one, in a comment too: it is spelt by its number."""
    return text.replace("@", "{\\char64}")


# ------------------------------------------------------------------------------------------------------------------
# Values


def pairs(context: Context) -> dict[str, Pair]:
    """The functions that rows name. Venues and topics come again and again: what was written for one is remembered."""
    return {
        "text": Pair(cache(_text), text_of),
        "venue": Pair(cache(partial(_venue, context.macros)), text_of),
        "verbatim": Pair(_verbatim, verbatim_of),
        "title": Pair(_title_writer(context.words), text_of),
        "sort key": Pair(_sort_key, lambda value: (text_of(value), None, None)),
        "authors": Pair(_authors_writer(), read_as.authors),
        "editors": Pair(_authors_writer(), lambda value: read_as.authors(value)[0]),
        "publisher": Pair(_publisher, lambda value: (text_of(value),) * 2),
        "date": Pair(_date, read_as.date),
        "day": Pair(day, read_as.day),
        "page range": Pair(_pages, read_as.pages),
        "kind": Pair(partial(_subtype, context.ambiguous), lambda value: None),
        "doi": Pair(_verbatim, lambda value: doi_of(verbatim_of(value))),
        "arxiv": Pair(_arxiv, read_as.arxiv),
        "address": Pair(_address, lambda value: (verbatim_of(value), None, None)),
        "keywords": Pair(cache(partial(_keywords, context.paths)), read_as.keyword_list),
    }


def _text(value: str) -> str:
    return f"{{{escaped(value)}}}"


def _venue(macros: Mapping[str, str], name: str) -> str:
    return macros.get(name) or _text(name)


def _sort_key(title: str, authors: tuple[Person, ...], editors: tuple[Person, ...]) -> str | None:
    return None if authors or editors or not title else _text(title)


def _subtype(ambiguous: frozenset[str], kind: str, arxiv: str | None) -> str | None:
    return f"{{{kind}}}" if kind in ambiguous and not (kind == "preprint" and arxiv) else None


def _verbatim(value: str) -> str:
    return f"{{{verbatim(value)}}}"


class _TitleWords(dict[str, str | None]):
    """Words of titles with their braces, each judged once; None for a word that needs its neighbours to be judged."""

    def __init__(self, proper: frozenset[str]) -> None:
        self.proper = proper

    def __missing__(self, word: str) -> str | None:
        out = None
        if SPECIAL.search(word) is None and not titles.holds_term(word, self.proper):
            out = _braced(word, word, self.proper)
        self[word] = out
        return out


def _title_writer(proper: frozenset[str]) -> Callable[[str], str]:
    judged = _TitleWords(proper)

    def written(title: str) -> str:
        title = line(title)
        words = [judged[word] for word in title.split(" ")]
        if None not in words and not title.isupper() and not titles.is_of_names(title):
            return f"{{{' '.join(words)}}}"  # type: ignore[arg-type]  # None was looked for
        parts = (_braced(part, title, proper) if formula is None else formula for part, formula in split(title))
        return f"{{{''.join(parts)}}}"

    return written


def _braced(part: str, title: str, proper: frozenset[str]) -> str:
    """A part of a title with braces around what keeps its capitals."""
    runs = ((escape(text, title), kept) for text, kept in titles.protected(part, proper))
    return "".join([f"{{{text}}}" if kept else text for text, kept in runs])


class _NameParts(dict[str, str]):
    """Parts of names as BibTeX takes them, each judged once; in braces when it would be split."""

    def __missing__(self, part: str) -> str:
        word = escaped(part)
        splits = "," in word or re.search(r"\b(?:and|others)\b", word, re.IGNORECASE)
        self[part] = out = f"{{{word}}}" if splits else word
        return out


def _authors_writer() -> Callable[..., str | None]:
    parts = _NameParts()

    def authors(people: tuple[Person, ...], complete: bool | None = None) -> str | None:
        found = [name for one in people if (name := _name(one, parts))]
        if found and complete is False:
            found.append("others")
        return f"{{{' and '.join(found)}}}" if found else None

    return authors


def _name(one: Person, parts: _NameParts) -> str:
    """A name as "von Last, Jr, First"; in braces when it is a group, or has one part only and that would be split."""
    family, given = one.family, one.given
    if one.literal is None and family and given:
        if one.particle is None and one.suffix is None:
            return f"{_last(family, parts)}, {parts[given]}"
        last = " ".join(filter(None, (parts[one.particle] if one.particle else "", _last(family, parts))))
        return ", ".join([last, *(parts[part] for part in (one.suffix, given) if part)])
    word = escaped(one.literal if one.literal is not None else names.natural(one))
    alone = one.literal is None and word.isalpha() and word.casefold() not in {"and", "others"}
    return word if alone or not word else f"{{{word}}}"


def _last(family: str, parts: _NameParts) -> str:
    """A family name; in braces when BibTeX would take words of it for the von part: all up to the last small one."""
    word = parts[family]
    small = any(part[:1].islower() for part in family.split()[:-1])
    return f"{{{word}}}" if small and not word.startswith("{") else word


def _publisher(publisher: str | None, name: str | None) -> str | None:
    found = stated(publisher, name)
    return _text(found) if found else None


def _date(date: Date | str) -> tuple[str | None, str | None, str | None]:
    if isinstance(date, str):
        return _text(date), None, None
    month = MONTHS.get(date.month or 0)
    return f"{{{date.year}}}", month, f"{{{date.day}}}" if date.day else None


def day(date: Date | str) -> str:
    """A day as ISO 8601, as far as it is known."""
    if isinstance(date, str):
        return _text(date)
    parts = [f"{date.year:04d}", *(f"{part:02d}" for part in (date.month, date.day) if part)]
    return f"{{{'-'.join(parts)}}}"


def _pages(pages: str) -> str:
    pages = line(pages)
    found = page_range(pages)
    return f"{{{escaped(found[0])}--{escaped(found[1])}}}" if found else _text(pages)


def _arxiv(value: str) -> tuple[str, str, str]:
    # BibTeX styles and arXiv itself know `archiveprefix`; Zotero's import keeps the id only with `eprinttype`.
    return _verbatim(value), "{arXiv}", "{arxiv}"


def _address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    url = address(paper, page, ids)
    return _verbatim(url) if url else None


def _keyword(text: str) -> str:
    return escaped(text.replace(",", ";"))


def _keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
    of_groups = {" > ".join(paths[one]) for one in topics if one in paths}
    found = [_unmarked(_keyword(one)) if one in of_groups else _keyword(one) for one in keywords(paths, topics, tags)]
    return f"{{{', '.join(found)}}}" if found else None
