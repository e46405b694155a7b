"""Knows CSL-JSON: works as citation processors (citeproc, pandoc, Zotero) take them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

from refsync import identifiers, mapping, names
from refsync.formats import Export, Reading, crossref, dates, unplaced
from refsync.formats.dates import date_of
from refsync.formats.options import Options, wished
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Entry, Person, Problem
from refsync.references import address, beside, completed, doi_of, further_dois, keywords, line, page_range, stated

# JSON has no comments: `custom` is CSL's own place for what is not CSL.
_OPENING = '{"custom": {"written-by": "refsync build"},\n'
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A CSL-JSON array, one variable a line, so that another entry only adds lines."""
    found, problems = items(catalog, tables, options)
    parts = [_OPENING + ",\n".join([f'  "{name}": {_encoded(value)}' for name, value in item]) for item in found]
    text = "[" + "\n}, ".join(parts) + "\n}]\n" if parts else "[]\n"
    return Export(text=text, problems=problems)


Item = list[tuple[str, Any]]


def items(catalog: Catalog, tables: Tables, options: Options) -> tuple[list[Item], tuple[Problem, ...]]:
    """Each work as CSL variables, in the order in which they are written; and what has no place in CSL."""
    table = tables.table("csl").limited(options.only, options.omit)
    catalog = wished(catalog, options, tables.folder)
    types = {kind: cells["csl"][0] for kind, cells in tables.kinds.items()}
    fields_of = mapping.writer(table, _pairs(catalog.paths))
    found: list[Item] = []
    for entry in catalog.entries:
        key = line(entry.key)
        fields = [("id", key), ("citation-key", key), ("type", types.get(entry.kind, "document")), *fields_of(entry)]
        if entry.extra:
            if more := dates.said_beside(entry):
                fields = [(name, dates.csl_of(more) if name == "issued" else one) for name, one in fields]
            written = dict(fields)
            own = [one for one in sorted(entry.extra.items()) if table.has_own(entry.kind, one[0])]
            fields += [(name, _own(value)) for name, value in own if name not in written]
        found.append(_for_zotero(fields) if options.reader == "zotero" else fields)
    problem = unplaced.counted(
        table, catalog.entries, lambda kind, name: name == dates.EXTENDED or table.has_own(kind, name)
    )
    return found, (problem,) if problem else ()


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
    entry_of = mapping.reader(table, _pairs({}))
    left_out: Counter[str] = Counter()
    for here, given in items:
        item, extra = crossref.as_csl(given, table.names, left_out)
        key = _text_of(item.get("citation-key")) or _text_of(item.get("id")) or ""
        here = f"{here} ({key})" if key else here
        name = _text_of(item.get("type")) or ""
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
        if kind in _PUBLISHED and (whole := _text_of(fields.pop("container-title", None))):
            extra["container-title"] = whole
        found, rest = entry_of(kind or "document", fields)
        extra |= {name: value if isinstance(value, str) else _encoded(value) for name, value in rest.items()}
        found["links"] = beside(further_dois(_text_of(fields.get("DOI")) or ""), found.get("links", {}))
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
        if (edtf := _edtf_of(value)) and name == "issued" and dates.start_of(edtf):
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


# ------------------------------------------------------------------------------------------------------------------
# Values


def _pairs(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    return {
        "text": Pair(line, _text_of),
        "title": Pair(line, _title_of),
        "paragraphs": Pair(_paragraphs, _paragraphs_of),
        "names": Pair(_names, _names_of),
        "publisher": Pair(stated, lambda value: (_text_of(value), _text_of(value))),
        "repository": Pair(_repository, lambda value: (_text_of(value), None, None)),
        "date": Pair(_date, _date_of),
        "page range": Pair(_pages, lambda value: _pages(_text_of(value) or "")),
        "doi": Pair(line, lambda value: doi_of(_text_of(value) or "")),
        "arxiv": Pair(_arxiv, _arxiv_of),
        "arxiv number": Pair(_arxiv_number, _arxiv_number_of),
        "address": Pair(_address, lambda value: (_text_of(value), None, None)),
        "keywords": Pair(cache(partial(_keywords, paths)), _keywords_of),
    }


def _text_of(value: Any) -> str | None:
    """A string, or a number as one; None for lists and objects, which are not for a row of text."""
    if isinstance(value, str):
        return line(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


# The markup that CSL-JSON allows in titles.
_MARKUP = re.compile(r"</?(?:i|b|sub|sup|sc|span)(?: [^<>]*)?>")


def _title_of(value: Any) -> str | None:
    text = _text_of(value)
    return line(_MARKUP.sub("", text)) if text else None


def _paragraphs(text: str) -> str:
    return "\n".join(map(line, text.splitlines())).strip()


def _paragraphs_of(value: Any) -> str | None:
    return _paragraphs(value) if isinstance(value, str) else None


_PARTS = (("family", "family"), ("given", "given"), ("particle", "non-dropping-particle"), ("suffix", "suffix"))


def _names(people: tuple[Person, ...]) -> list[dict[str, str]]:
    return [name for one in people if (name := _name(one))]


def _name(one: Person) -> dict[str, str]:
    if one.literal is not None:
        return {"literal": line(one.literal)} if one.literal else {}
    return {name: line(part) for field, name in _PARTS if (part := getattr(one, field))}


def _names_of(value: Any) -> tuple[Person, ...] | None:
    value = [value] if isinstance(value, dict) else value
    if not isinstance(value, list) or not all(isinstance(one, dict | str | None) for one in value):
        return None
    found = (names.person(one) if isinstance(one, str) else _person(one) for one in value if one)
    return tuple(one for one in found if one is not None)


def _person(name: Mapping[str, Any]) -> Person | None:
    if literal := _text_of(name.get("literal")) or _text_of(name.get("name")):
        return Person(literal=literal)
    parts = {field: _text_of(name.get(own)) for field, own in _PARTS}
    particles = (_text_of(name.get(f"{one}dropping-particle")) for one in ("", "non-"))
    parts["particle"] = " ".join(filter(None, particles)) or None
    return Person(**parts) if any(parts.values()) else None


def _repository(name: str | None, publisher: str | None, arxiv: str | None) -> str | None:
    return stated(name, publisher) or ("arXiv" if arxiv else None)


def _date(date: Date | str) -> dict[str, Any]:
    if isinstance(date, str):
        return dates.csl_of(date) or {"literal": line(date)}
    parts = [date.year, date.month, date.day]
    return {"date-parts": [parts[: parts.index(None)] if None in parts else parts]}


def _edtf_of(value: Any) -> str | None:
    """The EDTF of a date that is more than a day: in parts, or as the text that pandoc writes."""
    if isinstance(value, dict) and "date-parts" in value:
        return dates.edtf_of(value)
    text = _text_of(value.get("literal") or value.get("raw") if isinstance(value, dict) else value) or ""
    return text if isinstance(date_of(text), str) and dates.start_of(text) else None


def _date_of(value: Any) -> Date | str | None:
    if edtf := _edtf_of(value):
        return dates.start_of(edtf) or edtf
    if not isinstance(value, dict):
        return date_of(_text_of(value) or "")
    parts = value.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and any(parts[0]):
        numbers = [part for part in parts[0] if part]
        if all(isinstance(one, int) for one in numbers) and (found := dates.dated(*numbers[:3])):
            return found
        return date_of("-".join(map(str, numbers)))
    return date_of(_text_of(value.get("literal")) or _text_of(value.get("raw")) or "")


def _pages(pages: str) -> str:
    found = page_range(line(pages))
    return f"{found[0]}-{found[1]}" if found else line(pages)


def _arxiv(value: str) -> tuple[str, str]:
    return "arXiv", line(value)


def _arxiv_of(archive: Any, location: Any) -> str | None:
    return _text_of(location) if (_text_of(archive) or "").casefold() == "arxiv" else None


def _arxiv_number(value: str) -> str:
    return f"arXiv:{line(value)}"


def _arxiv_number_of(value: Any) -> str | None:
    found = identifiers.ARXIV_TEXT.fullmatch(_text_of(value) or "")
    return found[1] if found else None


def _address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    return line(address(paper, page, ids) or "") or None


def _keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
    return ", ".join(one.replace(",", ";") for one in keywords(paths, topics, tags)) or None


def _keywords_of(value: Any) -> tuple[None, tuple[str, ...]]:
    text = _text_of(value) or ""
    return None, tuple(dict.fromkeys(filter(None, map(str.strip, text.split("," if "," in text else ";")))))
