"""Knows RIS: works as EndNote, Mendeley, Zotero and publishers exchange them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from refsync import identifiers, mapping, names
from refsync.formats import Export, Reading, Works, unplaced
from refsync.formats.dates import date_of, undated
from refsync.formats.options import Options, wished
from refsync.formats.spelling import speller
from refsync.mapping import Fields, Pair, Tables
from refsync.model import Catalog, Date, Entry, Person, Problem
from refsync.recurring import People
from refsync.references import address, beside, completed, doi_of, further_dois, keywords, line, page_range, stated

# Publishers' own files begin with such a line; readers pass over it.
MARKER = "Provider: refsync build"
_TAG = re.compile(r"[A-Z][A-Z0-9]")


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """RIS records from TY to ER; every value on one line, so that none can begin a record of its own."""
    problems: list[Problem] = []
    text = "".join(pieces(Works.of(catalog), tables, options, problems))
    return Export(text=text, problems=tuple(problems))


def pieces(works: Works, tables: Tables, options: Options, problems: list[Problem]) -> Iterator[str]:
    """The text of the same file, a work at a time."""
    table = tables.table("ris").limited(options.only, options.omit)
    types = {kind: cells["ris"][0] for kind, cells in tables.kinds.items()}
    pairs = _pairs(works.head.paths)
    fields_of, text_of = mapping.writer(table, pairs), speller(table, pairs, lambda tag: (f"{tag}  - ", "\n"))
    count, commas = unplaced.Count(table, _is_own), _Commas()
    yield MARKER + "\n"
    for entry in wished(works.entries, options, tables.folder):
        count.look(entry)
        commas.look(entry)
        if entry.extra:
            text = "".join([_spelt(tag, value) for tag, value in _with_extra(fields_of(entry), entry)])
        else:
            text = text_of(entry)
        opening = f"\nTY  - {types.get(entry.kind, 'GEN')}\nID  - {line(entry.key)}\n"
        yield f"{opening}{text}ER  - \n"
    problems += [*count.problems(), *commas.problems()]


def _spelt(tag: str, value: str | list[str]) -> str:
    if isinstance(value, str):
        return f"{tag}  - {value}\n"
    return "".join([f"{tag}  - {one}\n" for one in value])


def _with_extra(fields: Fields, entry: Entry) -> Fields:
    """The fields of a work with those that refsync has no field for."""
    written = {"TY", "ID", "ER", *dict(fields)}
    whole = [(name, _whole_date(value, entry.extra.get(name))) for name, value in fields]
    # A work may have several numbers, and only one of them a field of its own.
    return whole + [
        (name, line(value))
        for name, value in sorted(entry.extra.items())
        if _is_own(entry.kind, name) and (name not in written or name == "SN")
    ]


class _Commas:
    """Groups that lose their commas, which in RIS part a family name from a given name: the first, and how many."""

    def __init__(self) -> None:
        self._first, self._count = "", 0

    def look(self, entry: Entry) -> None:
        for one in (*entry.authors, *entry.editors):
            if one.literal and "," in one.literal:
                self._first = self._first or one.literal
                self._count += 1

    def problems(self) -> Iterator[Problem]:
        if self._count:
            more = f" and {self._count - 1} more are" if self._count > 1 else " is"
            what = f"a name of a group has no comma in RIS: {line(self._first)!r}{more} written without."
            yield Problem(where="ris", what=what, hint="The catalog keeps them.", check="no-place")


def _whole_date(value: Any, kept: str | None) -> Any:
    """A date with the text that stands after it, when that was kept of the same day."""
    found = _DATED.fullmatch(kept or "")
    return kept if found and isinstance(value, str) and date_of(found[1]) == date_of(value) else value


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
        here = f"{where}:{number}" + f" ({key})" * bool(key)
        tags, kept = _usual(tags, kind or "document")
        found, rest = entry_of(kind or "document", tags)
        extra |= {**kept, **{tag: "; ".join(values) for tag, values in rest.items()}}
        found["links"] = beside(further_dois("; ".join(tags.get("DO", ()))), found.get("links", {}))
        entries.append(completed(found, key, extra))
        problems += undated([(here, entries[-1])])
    if not entries and text.strip() and not text.startswith(MARKER):
        what = "holds no record: none begins with a line `TY  - ` of its own."
        problems.append(Problem(where=f"{where}:1", what=what, hint="RIS has one tag a line."))
    return Reading(entries=tuple(entries), problems=tuple(problems))


Tags = dict[str, tuple[str, ...]]
_FULL = ("JF", "T2", "JO")
# Where the table has the full name of a journal and of a conference.
_FULL_NAME = {"article": "JF", "conference-paper": "T2", "workshop-paper": "T2"}
# Kinds whose rows of the table take a publisher for the name of the venue.
_PUBLISHED = frozenset({"book", "thesis", "report", "dataset", "software"})
_NUMBERED = frozenset({"report", "patent", "standard"})
_ISBN = re.compile(r"(?:97[89][ -]?)?(?:\d[ -]?){9}[\dXx]")
_ISSN = re.compile(r"\d{4}-?\d{3}[\dXx]")
_DATED = re.compile(r"([^/]*/[^/]*/[^/]*)/(.+)")


def _usual(given: Tags, kind: str) -> tuple[Tags, dict[str, str]]:
    """The tags of a record as the table has them, where programs differ; and what of them has no place there.

    A1 and A2 are older names of AU and ED, and stand beside them; SN holds several numbers; a date has a fourth part of
    any text; of the names of a journal JO is the full one or the short one; T2 of a book is its series.
    """
    tags, kept = dict(given), {}
    for name, older in (("AU", "A1"), ("ED", "A2")):
        if older in tags:
            tags[name] = tuple(dict.fromkeys((*tags.get(name, ()), *tags.pop(older))))
    for name in ("PY", "DA", "Y1", "Y2"):
        if name in tags and (found := _DATED.fullmatch(tags[name][0])):
            kept[name] = tags[name][0]
            tags[name] = (found[1], *tags[name][1:])
    if "DA" not in tags and "Y1" in tags:
        tags["DA"] = tags.pop("Y1")
    if {"PY", "DA"} <= tags.keys() and isinstance(date_of(tags["DA"][0]), str):
        kept["DA"] = "; ".join(tags.pop("DA"))  # "27-30 June 2016"
    if "SN" in tags and kind not in _NUMBERED:
        tags["SN"], others = _serial(tags["SN"], kind)
        kept |= {"SN": "; ".join(others)} if others else {}
    if kind in _FULL_NAME:
        _name_venue(tags, _FULL_NAME[kind])
    elif kind in _PUBLISHED and "T2" in tags:
        name = "T3" if kind in {"book", "report"} and "T3" not in tags else ""
        if name:
            tags[name] = tags.pop("T2")
        else:
            kept["T2"] = "; ".join(tags.pop("T2"))
    return {tag: values for tag, values in tags.items() if values}, kept


def _serial(values: tuple[str, ...], kind: str) -> tuple[tuple[str, ...], list[str]]:
    """The one number of SN that a work of this kind is known by, and the others: an ISSN, or a whole ISBN."""
    bare = {one: re.sub(r"\s*\([^()]*\)$", "", one) for value in values for one in re.split(r"\s*[;,]\s*", value)}
    shapes = (_ISSN, _ISBN) if kind == "article" else (_ISBN, _ISSN)
    chosen = next((one for shape in shapes for one, number in bare.items() if shape.fullmatch(number)), None)
    return ((bare[chosen],) if chosen else ()), [one for one in bare if one != chosen]


def _name_venue(tags: Tags, place: str) -> None:
    """Leaves the full name of a journal or conference in `place`, and a short one in J2 where no tag says it."""
    names_of = {tag: tags[tag][0] for tag in _FULL if tag in tags}
    if len(names_of) < 2 and not ("JO" in names_of and place == "T2"):
        return
    full = names_of.get("JF") or max(names_of.values(), key=len)
    tags[place] = (full,)
    for tag, name in names_of.items():
        if tag != place and (name == full or not {"J2", "JA"} & tags.keys()):
            del tags[tag]
        if name != full and not {"J2", "JA"} & tags.keys():
            tags["J2"] = (name,)


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
    people = People(_name)
    # A name has no line end, so that a list of them may be kept as one text.

    def names_of(values: tuple[Person, ...]) -> list[str]:
        found = people.joined(values, "\n")
        return found.split("\n") if found else []

    return {
        "text": Pair(line, _text_of, recurs=True),
        "prose": Pair(line, _text_of),
        "names": Pair(names_of, lambda values: tuple(map(_person, values))),
        "publisher": Pair(stated, lambda values: ("; ".join(values),) * 2, recurs=True),
        "repository": Pair(_repository, lambda values: ("; ".join(values), None, None)),
        "date": Pair(_date, _date_of),
        "day": Pair(_day, lambda values: date_of(values[0])),
        "page range": Pair(_pages, _pages_of),
        "doi": Pair(line, lambda values: doi_of(values[0])),
        "preprint doi": Pair(_preprint_doi, lambda values: (doi_of(values[0]), None)),
        "isbn": Pair(line, partial(_shaped, _ISBN)),
        "issn": Pair(line, partial(_shaped, _ISSN)),
        "addresses": Pair(_addresses, _addresses_of),
        "keywords": Pair(partial(keywords, paths), lambda values: (None, tuple(dict.fromkeys(values))), recurs=True),
    }


def _text_of(values: tuple[str, ...]) -> str:
    return "; ".join(dict.fromkeys(values))


def _shaped(shape: re.Pattern[str], values: tuple[str, ...]) -> str | None:
    return values[0] if len(values) == 1 and shape.fullmatch(values[0]) else None


def _name(one: Person) -> str:
    """A name as "Last, First, Suffix"; a group has no comma, or it would be taken for a person."""
    if one.literal is not None:
        return line(one.literal.replace(",", " "))
    whole = f"{one.particle} {one.family}" if one.particle and one.family else one.particle or one.family or ""
    family = line(whole.replace(",", " "))
    if family and one.given and not one.suffix:
        return f"{family}, {given}" if (given := line(one.given)) else family
    return ", ".join(part for part in (family, line(one.given or ""), line(one.suffix or "")) if part)


# "A. Smith", "J.-P. van den Berg", "John Q. Public": an initial with its full stop before one family name. What is
# written otherwise without a comma may be a group; "U.S. Army" is one.
_NATURAL = re.compile(
    r"(?!(?:U\.\s?[SKN]|E\.\s?U)\.)(?:[^\W\d_]+\s)?(?:[^\W\d_a-z]\.[\s-]?)+(?:[a-z]+\s)*[^\W\d_a-z][\w'’-]+"
)


def _person(name: str) -> Person:
    return names.person(name) if "," in name or _NATURAL.fullmatch(name) else Person(literal=name)


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
