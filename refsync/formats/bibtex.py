"""Knows BibTeX: works as a .bib file that bibtex, biber and reference managers read alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from refsync import mapping, titles
from refsync.formats import Export, Reading, address, line, page_range
from refsync.mapping import Pair, Tables
from refsync.model import Catalog, Date, Entry, Person, Problem

# Without an `@`: bibtex, pybtex and others take one anywhere for the start of an entry.
MARKER = "% Written by refsync build: edit the list or corrections.yaml, not this file."
MONTHS = dict(enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1))


def write(catalog: Catalog, tables: Tables) -> Export:
    """A .bib file in UTF-8: one field a line, in the order of mappings/bibtex.yaml."""
    table = tables.table("bibtex")
    names = {kind: cells["bibtex"] for kind, cells in tables.kinds.items()}
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
        parts.append(f"\n@{_type(entry, names)}{{{_key(entry.key)},\n{''.join(lines)}}}\n")
    problem = mapping.unplaced(table, catalog.entries, is_own)
    return Export(text="".join(parts), problems=(problem,) if problem else ())


def _type(entry: Entry, names: Mapping[str, tuple[str, ...]]) -> str:
    if entry.kind == "thesis" and (entry.genre or "").casefold().startswith("master"):
        return "mastersthesis"
    return names.get(entry.kind, names["document"])[0]


def _is_own(omitted: frozenset[str], name: str) -> bool:
    """Whether a name in `extra` may stand in a .bib file. RIS tags are in capitals, and may not."""
    return re.fullmatch(r"[a-z][a-z0-9_:-]*", name) is not None and name not in omitted


def _key(key: str) -> str:
    """`key` without the characters that end it in some reader; keys that refsync makes have none."""
    return re.sub(r"""[\s"#$%'(),<=>?@\\^`{|}~!]+""", "-", key) or "unnamed"


# ------------------------------------------------------------------------------------------------------------------
# Values


def _pairs(paths: Mapping[str, tuple[str, ...]], words: frozenset[str]) -> dict[str, Pair]:
    return {
        "text": Pair(_text, _unread),
        "verbatim": Pair(_verbatim, _unread),
        "title": Pair(_title_writer(words), _unread),
        "authors": Pair(_authors, _unread),
        "editors": Pair(_authors, _unread),
        "publisher": Pair(_publisher, _unread),
        "date": Pair(_date, _unread),
        "day": Pair(_day, _unread),
        "page range": Pair(_pages, _unread),
        "doi": Pair(_verbatim, _unread),
        "arxiv": Pair(_arxiv, _unread),
        "address": Pair(_address, _unread),
        "keywords": Pair(_keywords_writer(paths), _unread),
    }


def _unread(*values: str) -> None:
    return None


_SPECIAL = re.compile(r"[&%#_$~^\\{}]")
# As pandoc has it, lest "$5 and $100" be a formula: no space inside the dollars, no digit after.
_MATH = re.compile(r"(?<!\\)\$(?![\s$])((?:\\[A-Za-z,;:!{}]|[^$\\%#&~\n])*?)(?<![\s\\])\$(?!\d)")
_ESCAPES = {
    **{mark: f"\\{mark}" for mark in "&%#_${}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
}
_NAMED_BRACES = {**_ESCAPES, "{": "\\textbraceleft{}", "}": "\\textbraceright{}"}


def escaped(text: str) -> str:
    """`text` as one line of LaTeX in UTF-8. Formulas stay; braces are balanced, or spelt out."""
    text = line(text)
    if _SPECIAL.search(text) is None:
        return text
    # bibtex counts braces, escaped ones too.
    escapes = _ESCAPES if _balanced(text) else _NAMED_BRACES
    out, at = [], 0
    for found in _formulas(text):
        out.append(_SPECIAL.sub(lambda mark: escapes[mark[0]], text[at : found.start()]))
        out.append(f"{{{found[0]}}}" if any(map(str.isupper, found[1])) else found[0])
        at = found.end()
    out.append(_SPECIAL.sub(lambda mark: escapes[mark[0]], text[at:]))
    return "".join(out)


def _formulas(text: str) -> list[re.Match[str]]:
    """The parts of `text` in dollars that are formulas: with a command, or without a space."""
    if text.count("$") < 2 or not _balanced(text):
        return []
    found = _MATH.finditer(text)
    return [one for one in found if ("\\" in one[1] or " " not in one[1]) and _balanced(one[1])]


def _balanced(text: str) -> bool:
    depth = 0
    for mark in text:
        depth += (mark == "{") - (mark == "}")
        if depth < 0:
            return False
    return depth == 0


def _text(value: str) -> str:
    return f"{{{escaped(value)}}}"


def _verbatim(value: str) -> str:
    """An address or identifier as it is; only what would end the value is percent-encoded."""
    return f"{{{_UNSAFE.sub(lambda mark: f'%{ord(mark[0]):02X}', line(value))}}}"


# A percent sign that is an encoding already stays.
_UNSAFE = re.compile(r"[{}\\ ]|%(?![0-9A-Fa-f]{2})")


class _TitleWords(dict[str, str | None]):
    """Words of titles with their braces, each judged once; None for a word that needs its neighbours to be judged."""

    def __init__(self, proper: frozenset[str]) -> None:
        self.proper = proper

    def __missing__(self, word: str) -> str | None:
        out = None
        if _SPECIAL.search(word) is None and not titles.holds_term(word, self.proper):
            runs = titles.protected(word, self.proper)
            out = "".join([f"{{{text}}}" if kept else text for text, kept in runs])
        self[word] = out
        return out


def _title_writer(proper: frozenset[str]) -> Callable[[str], str]:
    judged = _TitleWords(proper)

    def written(title: str) -> str:
        title = line(title)
        words = [judged[word] for word in title.split(" ")]
        if None in words or title.isupper():
            return f"{{{_slow_title(title, proper)}}}"
        return f"{{{' '.join(words)}}}"  # type: ignore[arg-type]  # none of them is None

    return written


def _slow_title(title: str, proper: frozenset[str]) -> str:
    """A title with formulas, special characters or terms of several words."""
    out, at = [], 0
    escapes = _ESCAPES if _balanced(title) else _NAMED_BRACES
    for start, end, formula in [*((*one.span(), one[0]) for one in _formulas(title)), (len(title), len(title), "")]:
        for text, kept in titles.protected(title[at:start], proper) if start > at else ():
            text = _SPECIAL.sub(lambda mark: escapes[mark[0]], text)
            out.append(f"{{{text}}}" if kept else text)
        out.append(f"{{{formula}}}" if any(map(str.isupper, formula)) else formula)
        at = end
    return "".join(out)


# ------------------------------------------------------------------------------------------------------------------
# Names

_PLAIN_NAME = re.compile(r"(?!.*\b(?:[aA][nN][dD]|others)\b)(?! )(?:[A-Za-zÀ-ɏ.'’-]| (?! |$))+")


def _authors(people: tuple[Person, ...], complete: bool | None = None) -> str | None:
    if not people:
        return None
    found = [_name(one) for one in people]
    if complete is False:
        found.append("others")
    return f"{{{' and '.join(found)}}}"


def _name(one: Person) -> str:
    """A name as "von Last, Jr, First"; in braces when it is a group, or would be split."""
    family, given = one.family, one.given
    if family and given and one.literal is None and one.particle is None and one.suffix is None:
        if _PLAIN_NAME.fullmatch(family) and _PLAIN_NAME.fullmatch(given):
            return f"{family}, {given}"
    if one.literal is not None or not given:
        whole = one.literal if one.literal is not None else " ".join(filter(None, (one.particle, family, one.suffix)))
        word = escaped(whole)
        return word if one.literal is None and word.isalpha() and word != "others" else f"{{{word}}}"
    last = " ".join(_name_part(part) for part in (one.particle, family) if part) or "{}"
    return ", ".join([last, *(_name_part(part) for part in (one.suffix, given) if part)])


def _name_part(part: str) -> str:
    word = escaped(part)
    return f"{{{word}}}" if "," in word or re.search(r"\band\b", word, re.IGNORECASE) or word == "others" else word


def _publisher(publisher: str | None, name: str | None) -> str | None:
    stated = publisher or name
    return _text(stated) if stated else None


# ------------------------------------------------------------------------------------------------------------------
# Dates, pages, identifiers


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


def _keywords_writer(paths: Mapping[str, tuple[str, ...]]) -> Callable[..., str | None]:
    """Topics and tags with a comma between them; a comma inside one becomes a semicolon. A topic is written once."""
    written = {topic: escaped(" > ".join(path).replace(",", ";")) for topic, path in paths.items()}

    def keywords(topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
        found = [written[one] if one in written else escaped(one) for one in topics]
        found += [escaped(tag.replace(",", ";")) for tag in tags]
        return f"{{{', '.join(filter(None, dict.fromkeys(found)))}}}" if found else None

    return keywords


def read(text: str, where: str, tables: Tables) -> Reading:
    """The works of a .bib file."""
    return Reading(entries=(), problems=(Problem(where=where, what="not read yet."),))
