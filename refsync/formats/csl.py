"""Knows CSL-JSON: works as citation processors (citeproc, pandoc, Zotero) take them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from refsync import mapping
from refsync.formats import Export, Reading, Works, crossref, cslvalues, dates, unplaced
from refsync.formats.cslvalues import edtf_of, pairs, quoted, text_of
from refsync.formats.options import Options, wished
from refsync.formats.spelling import speller
from refsync.mapping import Table, Tables
from refsync.model import Catalog, Entry, Problem
from refsync.references import beside, completed, further_dois, line

# JSON has no comments: `custom` is CSL's own place for what is not CSL.
_OPENING = '{"custom": {"written-by": "refsync build"},\n'
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A CSL-JSON array, one variable a line, so that another entry only adds lines."""
    problems: list[Problem] = []
    text = "".join(pieces(Works.of(catalog), tables, options, problems))
    return Export(text=text, problems=tuple(problems))


def pieces(works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]:
    """The text of the same file, a work at a time."""
    table = tables.table("csl").limited(options.only, options.omit)
    types = {kind: cells["csl"][0] for kind, cells in tables.kinds.items()}
    texts = cslvalues.texts(works.head.paths)
    variables_of = speller(table, texts, lambda name: (f',\n  "{name}": ', ""))
    item_of = _item_of(table, works.head, types, options)
    count = unplaced.Count(table, partial(_has_place, table))
    is_usual = options.reader is None
    between = "["
    for entry in wished(works.entries, options, tables.folder):
        count.look(entry)
        if is_usual and not entry.extra:
            key, type = quoted(line(entry.key)), types.get(entry.kind, "document")
            opening = f'{_OPENING}  "id": {key},\n  "citation-key": {key},\n  "type": "{type}"'
            yield f"{between}{opening}{variables_of(entry)}"
        else:
            variables = ",\n".join([f'  "{name}": {_encoded(value)}' for name, value in item_of(entry)])
            yield f"{between}{_OPENING}{variables}"
        between = "\n}, "
    yield "[]\n" if between == "[" else "\n}]\n"
    problems += count.problems()


Item = list[tuple[str, Any]]


def items(catalog: Catalog, tables: Tables, options: Options) -> tuple[list[Item], tuple[Problem, ...]]:
    """Each work as CSL variables, in the order in which they are written; and what has no place in CSL."""
    table = tables.table("csl").limited(options.only, options.omit)
    types = {kind: cells["csl"][0] for kind, cells in tables.kinds.items()}
    item_of = _item_of(table, catalog, types, options)
    entries = tuple(wished(catalog.entries, options, tables.folder))
    problem = unplaced.counted(table, entries, partial(_has_place, table))
    return [item_of(entry) for entry in entries], (problem,) if problem else ()


def _item_of(table: Table, catalog: Catalog, types: Mapping[str, str], options: Options) -> Callable[[Entry], Item]:
    fields_of = mapping.writer(table, pairs(catalog.paths))

    def item(entry: Entry) -> Item:
        key = line(entry.key)
        fields = [("id", key), ("citation-key", key), ("type", types.get(entry.kind, "document")), *fields_of(entry)]
        if entry.extra:
            if more := dates.said_beside(entry):
                fields = [(name, dates.csl_of(more) if name == "issued" else one) for name, one in fields]
            written = dict(fields)
            own = [one for one in sorted(entry.extra.items()) if table.has_own(entry.kind, one[0])]
            fields += [(name, _own(value)) for name, value in own if name not in written]
        return _for_zotero(fields) if options.reader == "zotero" else fields

    return item


def _has_place(table: Table, kind: str, name: str) -> bool:
    return name == dates.EXTENDED or table.has_own(kind, name)


def _for_zotero(item: Item) -> Item:
    """The item as Zotero imports it whole (run, November 2026).

    It refuses a file that holds a `software`, and takes a book with a version for a program; it drops particles and
    suffixes of names, and knows a journal's short name as `journalAbbreviation` only.
    """
    values = dict(item)
    if values["type"] == "software":
        values["type"] = "book" if values.get("version") else "webpage" if "URL" in values else "document"
    for role in _ROLES & values.keys():
        values[role] = [_unparted(one) for one in values[role]]
    renamed = {"container-title-short": "journalAbbreviation"}
    return [(renamed.get(name, name), value) for name, value in values.items()]


_ROLES = frozenset({"author", "editor"})


def _unparted(name: Mapping[str, str]) -> dict[str, str]:
    family = " ".join(name[part] for part in ("non-dropping-particle", "family") if part in name)
    given = ", ".join(name[part] for part in ("given", "suffix") if part in name)
    known = {"family": family, "given": given, "literal": name.get("literal", "")}
    return {part: text for part, text in known.items() if text}


def _own(value: str) -> Any:
    """A variable kept in `extra`; names and dates are kept there as JSON."""
    if value[:1] in {"[", "{"}:
        with suppress(ValueError):
            return json.loads(value)
    return line(value)


# ------------------------------------------------------------------------------------------------------------------
# Reading


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a CSL-JSON file. A broken item is a Problem at its line; the others are read."""
    problems: list[Problem] = []
    entries = works(_items(text, where, problems), tables, problems)
    return Reading(entries=tuple(entries), problems=tuple(problems))


def works(items: Iterable[tuple[str, dict[str, Any]]], tables: Tables, problems: list[Problem]) -> Iterator[Entry]:
    """The works that items of CSL variables are, each with its place; what is odd in one is added to `problems`."""
    table = tables.table("csl")
    entry_of = mapping.reader(table, pairs({}))
    left_out: Counter[str] = Counter()
    for here, given in items:
        item, extra = crossref.as_csl(given, table.names, left_out)
        key = text_of(item.get("citation-key")) or text_of(item.get("id")) or ""
        here = f"{here} ({key})" if key else here
        name = text_of(item.get("type")) or ""
        kind = tables.kind_of("csl", name) or tables.kind_of("crossref", name)
        if kind is None:
            extra |= {"type": name} if name else {}
            what = f"{name} is no type that refsync knows" if name else "an item has no type"
            what += ": read as a document."
            problems.append(Problem(where=here, what=what, hint="Its variables are kept."))
        fields = {name: value for name, value in item.items() if value is not None and name not in _NOT_FIELDS}
        if kind == "book" and fields.get("version"):
            kind = "software"  # as files for Zotero spell it
        extra |= _beyond_a_day(fields)
        if kind in _PUBLISHED and (whole := text_of(fields.pop("container-title", None))):
            extra["container-title"] = whole
        found, rest = entry_of(kind or "document", fields)
        extra |= {name: value if isinstance(value, str) else _encoded(value) for name, value in rest.items()}
        found["links"] = beside(further_dois(text_of(fields.get("DOI")) or ""), found.get("links", {}))
        entry = completed(found, key, extra)
        problems += dates.undated([(here, entry)])
        yield entry
    if left_out:
        names_of = ", ".join(f"{name} ({count})" for name, count in sorted(left_out.items()))
        what = f"{left_out.total()} fields are Crossref's own account of a record, and left out: {names_of}."
        problems.append(Problem(where="crossref", what=what, hint="A reference has no use for them."))


def _beyond_a_day(fields: Mapping[str, Any]) -> dict[str, str]:
    """What dates say that a Date cannot hold, to be kept: of the work's own date in EDTF, of others as it stands."""
    found = {}
    for name, value in fields.items():
        if name not in {"issued", "accessed"}:
            continue
        if (edtf := edtf_of(value)) and name == "issued" and dates.start_of(edtf):
            found[dates.EXTENDED] = edtf
        elif (edtf and name == "accessed") or (isinstance(value, dict) and value.get("season") and not edtf):
            found[name] = _encoded(value)
    return found


# Kinds whose rows of the table take a publisher for the name of the venue: what else contains them has no place.
_PUBLISHED = frozenset({"book", "thesis", "report", "dataset", "software", "standard"})
_NOT_FIELDS = frozenset({"id", "citation-key", "type", "custom"})
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\]]*")
_LISTS = ("items", "references")


def _items(text: str, where: str, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The items of a file with their places, each decoded by itself. An object that holds them is looked into."""
    at, number, counted = 0, 1, 0
    while (start := text.find("{", at)) >= 0:
        problems += _strays(text, at, start, where)
        number += text.count("\n", counted, start)
        counted = start
        here = f"{where}:{number}"
        try:
            item, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            at = _after_broken(text, start)
            item = _salvaged(text[start:at])
            name = item.get("citation-key") or item.get("id")
            of = f"the item {name!r}" if name else "an item"
            what = f"{of} is not valid JSON: {_why(error)}. What is whole in it is read."
            problems.append(Problem(where=here, what=what, hint="Mend it and run again."))
            if not item:
                continue
        for one in _inside(item):
            if isinstance(one, dict) and one.keys() & {"type", "title", "id", "DOI"}:
                yield here, one
            else:
                what = f"{_encoded(one)[:60]} is no reference."
                problems.append(Problem(where=here, what=what, hint="Remove it."))
    if not text.strip():
        problems.append(Problem(where=f"{where}:1", what="is empty: no JSON.", hint="An empty list is `[]`."))
    elif at == 0 and not re.fullmatch(r"\s*\[\s*\]\s*", text):
        problems.append(_no_items(text, where))
    else:
        problems += _strays(text, at, len(text), where)


def _inside(item: dict[str, Any]) -> list[Any]:
    """The items that an object holds: a list of them, or the answer of Crossref; else it is one itself."""
    if isinstance(message := item.get("message"), dict):
        item = message
    return next((item[name] for name in _LISTS if isinstance(item.get(name), list) and "type" not in item), [item])


def _strays(text: str, at: int, end: int, where: str) -> Iterator[Problem]:
    """What stands between items and is neither one nor a mark of JSON."""
    between = _BETWEEN.match(text, at, end)
    start = between.end() if between else at
    if said := text[start:end].strip(" \t\n\r,[]"):
        what = f"{line(said)[:60]!r} is no reference."
        yield Problem(where=f"{where}:{text.count(chr(10), 0, start) + 1}", what=what, hint="Remove it.")


def _why(error: Exception) -> str:
    """What is wrong with JSON, and where."""
    if not isinstance(error, json.JSONDecodeError):
        return "nested too deeply"
    return f"{error.msg} (line {error.lineno}, column {error.colno})"


def _no_items(text: str, where: str) -> Problem:
    """Why a file without an object holds no item."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        number = getattr(error, "lineno", 1)
        what = f"is not valid JSON: {_why(error)}."
        return Problem(where=f"{where}:{number}", what=what, hint="CSL-JSON is a list of objects.")
    return Problem(where=f"{where}:1", what="holds no references.", hint="CSL-JSON is a list of objects.")


def _after_broken(text: str, start: int) -> int:
    """Where the item after a broken one begins: the next object that holds an id or a type."""
    for found in re.compile(r"\{").finditer(text, start + 1):
        try:
            item, _ = _DECODER.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if item.keys() & {"id", "type"} and not item.keys() & {"family", "literal"}:
            return found.start()
    return len(text)


def _salvaged(text: str) -> dict[str, Any]:
    """The variables with a text of their own in an item that is not valid JSON."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r'"([A-Za-z_-]+)"\s*:\s*("(?:[^"\\\n]|\\.)*(?:"|$))', text, re.MULTILINE):
        with suppress(ValueError):
            found.setdefault(name, json.loads(value if value.endswith('"') and len(value) > 1 else f'{value}"'))
    return {name: value for name, value in found.items() if name not in {"family", "given", "literal", "suffix"}}
