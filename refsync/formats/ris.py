"""Knows RIS: works as EndNote, Mendeley, Zotero and publishers exchange them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial

from refsync import identifiers, mapping, names
from refsync.formats import Export, Reading, address, completed, keywords, line, page_range, stated
from refsync.formats.dates import date_of
from refsync.formats.options import Options, wished
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Person, Problem

# Publishers' own files begin with such a line; readers pass over it.
MARKER = "Provider: refsync build"
_TAG = re.compile(r"[A-Z][A-Z0-9]")


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """RIS records from TY to ER; every value on one line, so that none can begin a record of its own."""
    table = tables.table("ris").limited(options.only, options.omit)
    catalog = wished(catalog, options, tables.folder)
    types = {kind: cells["ris"][0] for kind, cells in tables.kinds.items()}
    fields_of = mapping.writer(table, _pairs(catalog.paths))
    parts = [MARKER + "\n"]
    for entry in catalog.entries:
        lines = [f"\nTY  - {types.get(entry.kind, 'GEN')}\nID  - {line(entry.key)}\n"]
        fields = fields_of(entry)
        if entry.extra:
            written = {"TY", "ID", "ER", *dict(fields)}
            extra = sorted(entry.extra.items())
            fields += [
                (name, line(value)) for name, value in extra if _is_own(entry.kind, name) and name not in written
            ]
        for tag, value in fields:
            lines += [f"{tag}  - {one}\n" for one in ((value,) if isinstance(value, str) else value)]
        lines.append("ER  - \n")
        parts.append("".join(lines))
    problem = mapping.unplaced(table, catalog.entries, _is_own)
    return Export(text="".join(parts), problems=(problem,) if problem else ())


def _is_own(kind: str, name: str) -> bool:
    return _TAG.fullmatch(name) is not None


# ------------------------------------------------------------------------------------------------------------------
# Reading


def read(text: str, where: str, tables: Tables) -> Reading:
    """The records of a RIS file. A record without its end is read and reported."""
    problems: list[Problem] = []
    entry_of = mapping.reader(tables.table("ris"), _pairs({}))
    entries = []
    for number, tags in _records(text, where, problems):
        extra = {}
        name, key = (" ".join(tags.pop(tag, ())) for tag in ("TY", "ID"))
        kind = tables.kind_of("ris", name)
        if kind is None:
            extra["TY"] = name
            what = f"{name or 'an empty TY'} is no type that refsync knows: read as a document."
            problems.append(Problem(where=f"{where}:{number}", what=what, hint="Its tags are kept."))
        found, rest = entry_of(kind or "document", tags)
        extra |= {tag: "; ".join(values) for tag, values in rest.items()}
        entries.append(completed(found, key, extra))
    if not entries and text.strip() and not text.startswith(MARKER):
        what = "holds no record: none begins with a line `TY  - ` of its own."
        problems.append(Problem(where=f"{where}:1", what=what, hint="RIS has one tag a line."))
    return Reading(entries=tuple(entries), problems=tuple(problems))


_LINE = re.compile(r"([A-Z][A-Z0-9]) {0,2}- ?(.*)")


def _records(text: str, where: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, tuple[str, ...]]]]:
    """Each record's first line and its tags. Lines before the first record are the provider's own."""
    tags: dict[str, list[str]] = {}
    started, last, stray = 0, "", False
    for number, raw in enumerate(text.split("\n"), 1):
        found = _LINE.match(raw.strip("\ufeff"))
        tag, value = (found[1], line(found[2])) if found else ("", line(raw))
        if tag == "TY":
            if tags:
                problems.append(_unclosed(where, started))
                yield started, _values(tags)
            tags, started, last = {"TY": [value]}, number, tag
        elif tag == "ER" and tags:
            yield started, _values(tags)
            tags, stray = {}, False
        elif tags and tag:
            tags.setdefault(tag, []).append(value)
            last = tag
        elif tags and value:
            tags[last][-1] = f"{tags[last][-1]} {value}".strip()
        elif value and (started or tag) and not stray:
            stray = True
            what = f"a line stands outside a record: {value[:60]!r}."
            problems.append(Problem(where=f"{where}:{number}", what=what, hint="A record begins with TY."))
    if tags:
        problems.append(_unclosed(where, started))
        yield started, _values(tags)
    if not started and not all(re.match(r"[A-Z][\w -]*: |\s*$", one) for one in text.split("\n")):
        problems.append(Problem(where=f"{where}:1", what="holds no record.", hint="A record begins with TY."))


def _unclosed(where: str, number: int) -> Problem:
    return Problem(where=f"{where}:{number}", what="a record has no ER line; it is read.", hint="Close it with ER.")


def _values(tags: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found = {tag: tuple(filter(None, values)) for tag, values in tags.items()}
    return {tag: values for tag, values in found.items() if values}


# ------------------------------------------------------------------------------------------------------------------
# Values: one string to write, a tuple of the strings of every line to read


def _pairs(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    return {
        "text": Pair(line, lambda values: "; ".join(dict.fromkeys(values))),
        "names": Pair(_names, lambda values: tuple(map(_person, values))),
        "publisher": Pair(stated, lambda values: ("; ".join(values),) * 2),
        "repository": Pair(_repository, lambda values: ("; ".join(values), None, None)),
        "date": Pair(_date, _date_of),
        "day": Pair(_day, lambda values: date_of(values[0])),
        "page range": Pair(_pages, _pages_of),
        "doi": Pair(line, lambda values: identifiers.doi(values[0])),
        "preprint doi": Pair(_preprint_doi, lambda values: (identifiers.doi(values[0]), None)),
        "isbn": Pair(line, partial(_shaped, re.compile(r"[\d-]{9,16}[\dXx]"))),
        "issn": Pair(line, partial(_shaped, re.compile(r"\d{4}-?\d{3}[\dXx]"))),
        "addresses": Pair(_addresses, _addresses_of),
        "keywords": Pair(cache(partial(keywords, paths)), lambda values: (None, tuple(dict.fromkeys(values)))),
    }


def _shaped(shape: re.Pattern[str], values: tuple[str, ...]) -> str | None:
    return values[0] if len(values) == 1 and shape.fullmatch(values[0]) else None


def _names(people: tuple[Person, ...]) -> list[str]:
    return [name for one in people if (name := _name(one))]


def _name(one: Person) -> str:
    """A name as "Last, First, Suffix"; a group has no comma, or it would be taken for a person."""
    if one.literal is not None:
        return line(one.literal.replace(",", " "))
    family = line(" ".join(part.replace(",", " ") for part in (one.particle, one.family) if part))
    return ", ".join(part for part in (family, line(one.given or ""), line(one.suffix or "")) if part)


def _person(name: str) -> Person:
    return names.person(name) if "," in name else Person(literal=name)


def _repository(name: str | None, publisher: str | None, arxiv: str | None) -> str | None:
    return stated(name, publisher) or ("arXiv" if arxiv else None)


def _date(date: Date | str) -> tuple[str, str | None]:
    """PY and DA. citation-js takes the PY of a conference paper for the event's year, so DA stands beside it."""
    if isinstance(date, str):
        return line(date), None
    return f"{date.year:04d}", _day(date)


def _day(date: Date | str) -> str:
    if isinstance(date, str):
        return line(date)
    month, day = (f"{part:02d}" if part else "" for part in (date.month, date.day))
    return f"{date.year:04d}/{month}/{day}/"


def _date_of(year: tuple[str, ...] | None, day: tuple[str, ...] | None = None) -> Date | str | None:
    """The more exact of both, as long as they name one year."""
    found = [date_of(values[0]) for values in (day, year) if values]
    exact = [one for one in found if isinstance(one, Date)]
    if len(exact) == 2 and exact[0].year != exact[1].year:
        return exact[1]
    return exact[0] if exact else found[-1] if found else None


def _pages(pages: str) -> tuple[str, str | None]:
    return page_range(line(pages)) or (line(pages), None)


def _pages_of(first: tuple[str, ...] | None, last: tuple[str, ...] | None) -> str | None:
    if first is None:
        return None
    found = page_range(first[0])
    return f"{first[0]}-{last[0]}" if last else "-".join(found) if found else first[0]


def _preprint_doi(doi: str | None, arxiv: str | None) -> str | None:
    return line(doi) if doi else f"10.48550/arXiv.{line(arxiv)}" if arxiv else None


def _addresses(paper: str | None, page: str | None, arxiv: str | None, ids: Mapping[str, str], _: object) -> list[str]:
    """The work's address, and that of its preprint: no tag of its own holds an arXiv id."""
    found = [address(paper, page, ids), identifiers.link("arxiv", arxiv) if arxiv else None]
    if arxiv and found[0] and identifiers.of_url(found[0]) == ("arxiv", arxiv):
        del found[1]
    return list(dict.fromkeys(line(one) for one in found if one))


def _addresses_of(values: tuple[str, ...]) -> tuple[str, None, None, dict[str, str], dict[str, str]]:
    """The first address is the work's own; of the others, those that name an identifier are that, the rest links."""
    ids, links = {}, {}
    for number, url in enumerate(values[1:], 2):
        found = identifiers.of_url(url)
        if found is not None and found[0] not in ids:
            ids[found[0]] = found[1]
        else:
            links[f"link {number}"] = url
    return values[0], None, None, ids, links
