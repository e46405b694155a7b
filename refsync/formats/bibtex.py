"""Knows BibTeX: works as a .bib file that bibtex, biber and reference managers read alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial

from refsync import identifiers, mapping, names, titles
from refsync.formats import Export, Reading, address, completed, date_of, keywords, line, page_range, stated
from refsync.formats.bibfile import Record, parts_of_name, people_in, records
from refsync.formats.latex import SPECIAL, escape, escaped, split, text_of, verbatim, verbatim_of
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Entry, Person, Problem

# Without an `@`: bibtex, pybtex and others take one anywhere for the start of an entry.
MARKER = "% Written by refsync build: edit the list or corrections.yaml, not this file."
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = dict(enumerate(_NAMES, 1))
_MONTH_NUMBERS = {name: number for number, name in MONTHS.items()}


# ------------------------------------------------------------------------------------------------------------------
# Writing


def write(catalog: Catalog, tables: Tables) -> Export:
    """A .bib file in UTF-8: one field a line, in the order of mappings/bibtex.yaml."""
    table = tables.table("bibtex")
    types = {kind: cells["bibtex"][0] for kind, cells in tables.kinds.items()}
    is_own = partial(_is_own, table.omitted)
    fields_of = mapping.writer(table, _pairs(catalog.paths, tables.words))
    parts = [MARKER + "\n"]
    for entry in catalog.entries:
        fields = fields_of(entry)
        if entry.extra:
            written = dict(fields)
            extra = sorted(entry.extra.items())
            fields += [(name, _text(value)) for name, value in extra if name not in written and is_own(name)]
        lines = [f"  {name} = {value},\n" for name, value in fields]
        parts.append(f"\n@{_type(entry, types)}{{{_key(entry.key)},\n{''.join(lines)}}}\n")
    problem = mapping.unplaced(table, catalog.entries, is_own)
    return Export(text="".join(parts), problems=(problem,) if problem else ())


def _type(entry: Entry, types: Mapping[str, str]) -> str:
    if entry.kind == "thesis" and (entry.genre or "").casefold().startswith("master"):
        return "mastersthesis"
    return types.get(entry.kind, "misc")


def _is_own(omitted: frozenset[str], name: str) -> bool:
    """Whether a name in `extra` may stand in a .bib file. RIS tags are in capitals, and may not."""
    return re.fullmatch(r"[a-z][a-z0-9_:-]*", name) is not None and name not in omitted


_KEY = re.compile(r"""[\s"#$%'(),<=>?@\\^`{|}~!]+""")


def _key(key: str) -> str:
    """`key` without the characters that end it in some reader; keys that refsync makes have none."""
    return _KEY.sub("-", key) or "unnamed"


def _pairs(paths: Mapping[str, tuple[str, ...]], words: frozenset[str]) -> dict[str, Pair]:
    """The functions that rows name. Venues and topics come again and again: what was written for one is remembered."""
    return {
        "text": Pair(cache(_text), text_of),
        "verbatim": Pair(_verbatim, verbatim_of),
        "title": Pair(_title_writer(words), text_of),
        "sort key": Pair(_sort_key, lambda value: (text_of(value), None, None)),
        "authors": Pair(_authors_writer(), _authors_of),
        "editors": Pair(_authors_writer(), lambda value: _authors_of(value)[0]),
        "publisher": Pair(_publisher, lambda value: (text_of(value),) * 2),
        "date": Pair(_date, _date_of),
        "day": Pair(_day, lambda value: date_of(text_of(value))),
        "page range": Pair(_pages, _pages_of),
        "doi": Pair(_verbatim, lambda value: identifiers.doi(verbatim_of(value))),
        "arxiv": Pair(_arxiv, _arxiv_of),
        "address": Pair(_address, lambda value: (verbatim_of(value), None, None)),
        "keywords": Pair(cache(partial(_keywords, paths)), _keywords_of),
    }


def _text(value: str) -> str:
    return f"{{{escaped(value)}}}"


def _sort_key(title: str, authors: tuple[Person, ...], editors: tuple[Person, ...]) -> str | None:
    return None if authors or editors or not title else _text(title)


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
        if None not in words and not title.isupper():
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
            return f"{parts[family]}, {parts[given]}"
        last = " ".join(parts[part] for part in (one.particle, family) if part)
        return ", ".join([last, *(parts[part] for part in (one.suffix, given) if part)])
    word = escaped(one.literal if one.literal is not None else names.natural(one))
    alone = one.literal is None and word.isalpha() and word.casefold() not in {"and", "others"}
    return word if alone or not word else f"{{{word}}}"


def _publisher(publisher: str | None, name: str | None) -> str | None:
    found = stated(publisher, name)
    return _text(found) if found else None


def _date(date: Date | str) -> tuple[str | None, str | None, str | None]:
    if isinstance(date, str):
        return _text(date), None, None
    return f"{{{date.year}}}", MONTHS.get(date.month or 0), f"{{{date.day}}}" if date.day else None


def _day(date: Date | str) -> str:
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


def _keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
    found = [escaped(one.replace(",", ";")) for one in keywords(paths, topics, tags)]
    return f"{{{', '.join(found)}}}" if found else None


# ------------------------------------------------------------------------------------------------------------------
# Reading


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a .bib file. An entry that cannot be read is a Problem at its line; the others are read."""
    problems: list[Problem] = []
    entry_of = mapping.reader(tables.table("bibtex"), _pairs({}, frozenset()))
    entries = []
    for record in records(text, where, problems):
        kind = tables.kind_of("bibtex", record.type)
        fields, extra = _usual(record)
        if kind is None:
            extra["entrytype"] = record.type
            what = f"@{record.type} is no type that refsync knows: read as a document."
            problems.append(Problem(where=f"{where}:{record.line}", what=what, hint="Its fields are kept."))
        entry, rest = entry_of(kind or "document", fields)
        extra.update((name, text_of(value)) for name, value in rest.items())
        entries.append(_judged(completed(entry, record.key, extra), record.type))
    return Reading(entries=tuple(entries), problems=tuple(problems))


def _usual(record: Record) -> tuple[dict[str, str], dict[str, str]]:
    """The fields of a record in the usual spelling, and those that have none: biblatex's `date` as year, month and
    day, a month as its number, an address in `howpublished` as `url`."""
    fields, extra = dict(record.fields), {}
    if date := fields.pop("date", None):
        start, _, end = text_of(date).partition("/")
        found = date_of(start)
        if isinstance(found, Date) and not end:
            given = {"year": found.year, "month": found.month, "day": found.day}
            fields = {**{name: str(part) for name, part in given.items() if part}, **fields}
        elif "year" in fields:
            extra["date"] = text_of(date)
        else:
            fields["year"] = date
    if month := fields.pop("month", None):
        stated_month = text_of(month)
        number, day = _month_of(stated_month)
        if number and fields.get("year", "").strip("{} ").isdecimal():
            fields["month"] = str(number)
            if day:
                fields.setdefault("day", day)
        else:
            extra["month"] = stated_month
    if "url" not in fields and re.match(r"\s*(?:\\url\s*\{\s*)?https?://\S+$", fields.get("howpublished", "")):
        fields["url"] = fields.pop("howpublished")
    if record.type == "mastersthesis":
        fields.setdefault("type", "Master's thesis")
    return fields, extra


def _month_of(text: str) -> tuple[int | None, str | None]:
    """Month and day of "6", "June" and "10 jun"."""
    if text.isdecimal():
        return (int(text), None) if 1 <= int(text) <= 12 else (None, None)
    found = re.fullmatch(r"(\d{1,2})?\W*([A-Za-z]{3})[a-z]*\W*(\d{1,2})?", text)
    return (_MONTH_NUMBERS.get(found[2].lower()), found[1] or found[3]) if found else (None, None)


def _judged(entry: Entry, type: str) -> Entry:
    """An entry with the arXiv id that its text names; a @misc, @online or @article of arXiv's is a preprint."""
    ids = dict(entry.ids)
    venue = entry.venue.name if entry.venue else ""
    said = f"{venue} {entry.note or ''}"
    if "arxiv" not in ids and (found := identifiers.ARXIV_TEXT.search(said)):
        ids["arxiv"] = found[1]
    if re.match(r"(?i)corr\b", venue) and (found := re.match(r"abs/(\S+)", entry.volume or "")):
        ids.setdefault("arxiv", found[1])
    of_arxiv = re.match(r"(?i)(?:arxiv|corr)\b", venue) is not None
    vague = entry.kind in {"document", "web-page"} and "arxiv" in ids
    is_preprint = of_arxiv if type in {"article", "techreport"} else vague
    return replace(entry, ids=ids, kind="preprint" if is_preprint else entry.kind)


def _authors_of(value: str) -> tuple[tuple[Person, ...], bool | None]:
    found = people_in(value)
    complete = None
    if found and found[-1].strip().lower() == "others":
        found, complete = found[:-1], False
    return tuple(one for name in found if (one := _person(name))), complete


# biblatex's extended name format: "family=Oord, given=Aäron, prefix=van den".
_NAMED_PART = re.compile(r"(?:^|,)\s*(family|given|prefix|suffix)\s*=\s*([^,]*)")
_BIBLATEX_PARTS = {"family": "last", "given": "first", "prefix": "von", "suffix": "jr"}


def _person(name: str) -> Person | None:
    """A Person out of BibTeX's four parts. A name in braces as a whole is a group's, or one that must not be split."""
    if named := dict(_NAMED_PART.findall(name)):
        parts = {_BIBLATEX_PARTS[part]: text_of(value) for part, value in named.items()}
    else:
        parts = {part: text_of(" ".join(words)) for part, words in parts_of_name(name).items()}
    last = parts.get("last", "")
    if name.strip().startswith("{") and name.strip().endswith("}") and not (parts.get("first") or parts.get("von")):
        return Person(literal=last) if last else None
    found = {"family": last, "given": parts.get("first"), "particle": parts.get("von"), "suffix": parts.get("jr")}
    known = {part: text for part, text in found.items() if text}
    return Person(**known) if known else None


def _date_of(year: str | None, month: str | None, day: str | None) -> Date | str | None:
    if year is None:
        return None
    text = text_of(year)
    if not re.fullmatch(r"\d{4}", text):
        return text or None
    number = text_of(day) if day else ""
    return Date(
        year=int(text),
        month=int(month) if month else None,
        day=int(number) if month and number.isdecimal() and 1 <= int(number) <= 31 else None,
    )


def _pages_of(value: str) -> str:
    text = text_of(value)
    found = page_range(text)
    return f"{found[0]}-{found[1]}" if found else text


def _arxiv_of(eprint: str | None, prefix: str | None, kind: str | None) -> str | None:
    """The arXiv id of an eprint; None when it is another archive's."""
    archive = verbatim_of(prefix or kind or "arXiv").casefold()
    value = re.sub(r"(?i)^arxiv:\s*", "", verbatim_of(eprint or ""))
    found = identifiers.of_url(f"https://arxiv.org/abs/{value}") if archive == "arxiv" else None
    return found[1] if found else None


def _keywords_of(value: str) -> tuple[None, tuple[str, ...]]:
    found = map(text_of, value.split("," if "," in value else ";"))
    return None, tuple(dict.fromkeys(filter(None, found)))
