"""Knows how the values of a work stand in a .bib file: titles that keep their capitals, names in parts, months as macros."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from refsync import names, titles
from refsync.formats import bibentries as read_as
from refsync.formats.dates import MONTHS
from refsync.formats.latex import SPECIAL, escape, escaped, split, text_of, verbatim, verbatim_of
from refsync.mapping import Pair
from refsync.model import Date, Person
from refsync.recurring import Kept, People
from refsync.references import address, doi_of, keywords, line, page_range, stated

# Without an `@`: bibtex, pybtex and others take one anywhere for the start of an entry.
MARKER = "% Written by refsync build: edit the list or corrections.yaml, not this file."


@dataclass(frozen=True, kw_only=True)
class Context:
    """What values are written with: topic paths by id, words that keep their capitals, macros by the name of a venue,
    and the kinds whose type in the file is read as another kind."""

    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    macros: Mapping[str, str] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()


def pairs(context: Context) -> dict[str, Pair]:
    """The functions that rows name. Venues and topics come again and again: what was written for one is remembered."""
    authors = _authors_writer()
    return {
        "text": Pair(text, text_of, recurs=True),
        "prose": Pair(text, text_of),
        "venue": Pair(partial(_venue, context.macros), text_of, recurs=True),
        "verbatim": Pair(_verbatim, verbatim_of),
        "title": Pair(_title_writer(context.words), text_of),
        "sort key": Pair(_sort_key, lambda value: (text_of(value), None, None)),
        "authors": Pair(authors, read_as.authors),
        "editors": Pair(authors, lambda value: read_as.authors(value)[0]),
        "publisher": Pair(_publisher, lambda value: (text_of(value),) * 2, recurs=True),
        "date": Pair(_date, read_as.date),
        "day": Pair(day, read_as.day),
        "page range": Pair(_pages, read_as.pages),
        "kind": Pair(partial(_subtype, context.ambiguous), lambda value: None),
        "doi": Pair(_verbatim, lambda value: doi_of(verbatim_of(value))),
        "arxiv": Pair(_arxiv, read_as.arxiv),
        "address": Pair(_address, lambda value: (verbatim_of(value), None, None)),
        "keywords": Pair(partial(_keywords, context.paths), read_as.keyword_list, recurs=True),
    }


def text(value: str) -> str:
    return f"{{{escaped(value)}}}"


def _venue(macros: Mapping[str, str], name: str) -> str:
    return macros.get(name) or text(name)


def _sort_key(title: str, authors: tuple[Person, ...], editors: tuple[Person, ...]) -> str | None:
    return None if authors or editors or not title else text(title)


def _subtype(ambiguous: frozenset[str], kind: str, arxiv: str | None) -> str | None:
    return f"{{{kind}}}" if kind in ambiguous and not (kind == "preprint" and arxiv) else None


def _verbatim(value: str) -> str:
    return f"{{{verbatim(value)}}}"


def _title_writer(proper: frozenset[str]) -> Callable[[str], str]:
    """What writes titles. Their words are judged once, all but those that need their neighbours to be judged: None."""

    def judged(word: str) -> str | None:
        if _FORMULAS.search(word) is not None or titles.holds_term(word, proper):
            return None
        if word != word.lower():
            return _braced(word, word, proper)
        return word if word.isalnum() else escape(word, word)

    words = Kept(judged)

    def written(title: str) -> str:
        title = line(title)
        parts = list(map(words.__getitem__, title.split(" ")))
        if None not in parts and not title.isupper() and not titles.is_of_names(title):
            return f"{{{' '.join(parts)}}}"  # type: ignore[arg-type]  # None was looked for
        whole = (_braced(part, title, proper) if formula is None else formula for part, formula in split(title))
        return f"{{{''.join(whole)}}}"

    return written


_FORMULAS = re.compile(r"[${}]")


def _braced(part: str, title: str, proper: frozenset[str]) -> str:
    """A part of a title with braces around what keeps its capitals."""
    runs = titles.protected(part, proper)
    if SPECIAL.search(part) is not None:
        runs = tuple((escape(text, title), kept) for text, kept in runs)
    return "".join([f"{{{text}}}" if kept else text for text, kept in runs])


def _name_part(part: str) -> str:
    """A part of a name as BibTeX takes it; in braces when it would be split."""
    word = escaped(part)
    splits = "," in word or re.search(r"\b(?:and|others)\b", word, re.IGNORECASE)
    return f"{{{word}}}" if splits else word


def _authors_writer() -> Callable[..., str | None]:
    parts = Kept(_name_part)
    known = People(lambda one: _name(one, parts))

    def authors(people: tuple[Person, ...], complete: bool | None = None) -> str | None:
        found = known.joined(people, " and ")
        return (f"{{{found} and others}}" if complete is False else f"{{{found}}}") if found else None

    return authors


def _name(one: Person, parts: Kept[str, str]) -> str:
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


def _last(family: str, parts: Kept[str, str]) -> str:
    """A family name; in braces when BibTeX would take words of it for the von part: all up to the last small one."""
    word = parts[family]
    if " " not in family or word.startswith("{"):
        return word
    small = any(part[:1].islower() for part in family.split()[:-1])
    return f"{{{word}}}" if small else word


def _publisher(publisher: str | None, name: str | None) -> str | None:
    found = stated(publisher, name)
    return text(found) if found else None


def _date(date: Date | str) -> tuple[str | None, str | None, str | None]:
    if isinstance(date, str):
        return text(date), None, None
    month = MONTHS.get(date.month or 0)
    return f"{{{date.year}}}", month, f"{{{date.day}}}" if date.day else None


def day(date: Date | str) -> str:
    """A day as ISO 8601, as far as it is known."""
    if isinstance(date, str):
        return text(date)
    parts = [f"{date.year:04d}", *(f"{part:02d}" for part in (date.month, date.day) if part)]
    return f"{{{'-'.join(parts)}}}"


def _pages(pages: str) -> str:
    pages = line(pages)
    found = page_range(pages)
    if found is None:
        return text(pages)
    first, last = (one if one.isdecimal() else escaped(one) for one in found)
    return f"{{{first}--{last}}}"


def _arxiv(value: str) -> tuple[str, str, str]:
    # BibTeX styles and arXiv itself know `archiveprefix`; Zotero's import keeps the id only with `eprinttype`.
    return _verbatim(value), "{arXiv}", "{arxiv}"


def _address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    url = address(paper, page, ids)
    return _verbatim(url) if url else None


def keyword(text: str) -> str:
    return escaped(text.replace(",", ";"))


def _keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
    of_groups = {" > ".join(paths[one]) for one in topics if one in paths}
    found = [unmarked(keyword(one)) if one in of_groups else keyword(one) for one in keywords(paths, topics, tags)]
    return f"{{{', '.join(found)}}}" if found else None


def unmarked(text: str) -> str:
    """An `@` is the start of an entry wherever it stands outside one, in a comment too: it is spelt by its number."""
    return text.replace("@", "{\\char64}")
