"""Knows how the values of a work stand in CSL-JSON, and what values of CSL-JSON say of a work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from refsync import identifiers, names
from refsync.formats import dates
from refsync.formats.dates import date_of
from refsync.mapping import Pair
from refsync.model import Date, Person
from refsync.recurring import Kept, People
from refsync.references import address, doi_of, keywords, line, page_range, stated


def pairs(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    """The functions that rows name, from values of a work to values of JSON and back. `paths` are those of topics."""
    return {
        "text": Pair(line, text_of, recurs=True),
        "title": Pair(line, _title_of),
        "paragraphs": Pair(_paragraphs, _paragraphs_of),
        "names": Pair(_names, _names_reader()),
        "publisher": Pair(stated, lambda value: (text_of(value), text_of(value)), recurs=True),
        "repository": Pair(_repository, lambda value: (text_of(value), None, None)),
        "date": Pair(_date, _date_of),
        "page range": Pair(_pages, lambda value: _pages(text_of(value) or "")),
        "doi": Pair(line, lambda value: doi_of(text_of(value) or "")),
        "arxiv": Pair(_arxiv, _arxiv_of),
        "arxiv number": Pair(_arxiv_number, _arxiv_number_of),
        "address": Pair(_address, lambda value: (text_of(value), None, None)),
        "keywords": Pair(partial(_keywords, paths), _keywords_of, recurs=True),
    }


quoted = json.encoder.encode_basestring  # a string of JSON, letters of all scripts as they are
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def texts(paths: Mapping[str, tuple[str, ...]]) -> dict[str, Pair]:
    """The same functions, to values as they stand in a file."""
    people = People(_name_text)

    def listed(value: tuple[Person, ...]) -> str | None:
        found = people.joined(value, ", ")
        return f"[{found}]" if found else None

    own: dict[str, Callable[..., Any]] = {"names": listed, "date": _date_text}
    return {
        name: Pair(own.get(name) or _encoding(pair.write), pair.read, pair.recurs)
        for name, pair in pairs(paths).items()
    }


def _name_text(one: Person) -> str:
    parts = [f'"{name}": {quoted(part)}' for name, part in _name(one).items()]
    return f"{{{', '.join(parts)}}}" if parts else ""


def _date_text(date: Date | str) -> str:
    if isinstance(date, str):
        return _encoded(_date(date))
    month = f", {date.month}" if date.month is not None else ""
    day = f", {date.day}" if month and date.day is not None else ""
    return f'{{"date-parts": [[{date.year}{month}{day}]]}}'


def _encoding(write: Callable[..., Any]) -> Callable[..., Any]:
    """`write`, and what it makes as JSON: one value or several."""

    def encoded(*values: Any) -> Any:
        out = write(*values)
        if not out:
            return None
        return quoted(out) if out.__class__ is str else tuple(map(quoted, out))

    return encoded


def text_of(value: Any) -> str | None:
    """A string, or a number as one; None for lists and objects, which are not for a row of text."""
    if isinstance(value, str):
        return line(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


# The markup that CSL-JSON allows in titles.
_MARKUP = re.compile(r"</?(?:i|b|sub|sup|sc|span)(?: [^<>]*)?>")


def _title_of(value: Any) -> str | None:
    text = text_of(value)
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


def _names_reader() -> Callable[[Any], tuple[Person, ...] | None]:
    """What reads lists of names; a person who stands in several of them is one value then."""
    known: Kept[tuple[tuple[str, Any], ...], Person | None] = Kept(lambda parts: _person(dict(parts)))

    def person(one: Mapping[str, Any] | str) -> Person | None:
        if isinstance(one, str):
            return names.person(one)
        try:
            return known[tuple(one.items())]
        except TypeError:  # a part that is a list or an object
            return _person(one)

    def names_of(value: Any) -> tuple[Person, ...] | None:
        value = [value] if isinstance(value, dict) else value
        if not isinstance(value, list) or not all(isinstance(one, dict | str | None) for one in value):
            return None
        return tuple([found for one in value if one and (found := person(one)) is not None])

    return names_of


def _person(name: Mapping[str, Any]) -> Person | None:
    if literal := text_of(name.get("literal")) or text_of(name.get("name")):
        return Person(literal=literal)
    parts = {field: text_of(name.get(own)) for field, own in _PARTS}
    particles = (text_of(name.get(f"{one}dropping-particle")) for one in ("", "non-"))
    parts["particle"] = " ".join(filter(None, particles)) or None
    return Person(**parts) if any(parts.values()) else None


def _repository(name: str | None, publisher: str | None, arxiv: str | None) -> str | None:
    return stated(name, publisher) or ("arXiv" if arxiv else None)


def _date(date: Date | str) -> dict[str, Any]:
    if isinstance(date, str):
        return dates.csl_of(date) or {"literal": line(date)}
    parts = [date.year, date.month, date.day]
    return {"date-parts": [parts[: parts.index(None)] if None in parts else parts]}


def edtf_of(value: Any) -> str | None:
    """The EDTF of a date that is more than a day: in parts, or as the text that pandoc writes."""
    if isinstance(value, dict) and "date-parts" in value:
        return dates.edtf_of(value)
    text = text_of(value.get("literal") or value.get("raw") if isinstance(value, dict) else value) or ""
    return text if isinstance(date_of(text), str) and dates.start_of(text) else None


def _date_of(value: Any) -> Date | str | None:
    if edtf := edtf_of(value):
        return dates.start_of(edtf) or edtf
    if not isinstance(value, dict):
        return date_of(text_of(value) or "")
    parts = value.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and any(parts[0]):
        numbers = [part for part in parts[0] if part]
        if all(isinstance(one, int) for one in numbers) and (found := dates.dated(*numbers[:3])):
            return found
        return date_of("-".join(map(str, numbers)))
    return date_of(text_of(value.get("literal")) or text_of(value.get("raw")) or "")


def _pages(pages: str) -> str:
    found = page_range(line(pages))
    return f"{found[0]}-{found[1]}" if found else line(pages)


def _arxiv(value: str) -> tuple[str, str]:
    return "arXiv", line(value)


def _arxiv_of(archive: Any, location: Any) -> str | None:
    return text_of(location) if (text_of(archive) or "").casefold() == "arxiv" else None


def _arxiv_number(value: str) -> str:
    return f"arXiv:{line(value)}"


def _arxiv_number_of(value: Any) -> str | None:
    found = identifiers.ARXIV_TEXT.fullmatch(text_of(value) or "")
    return found[1] if found else None


def _address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    return line(address(paper, page, ids) or "") or None


def _keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> str | None:
    return ", ".join(one.replace(",", ";") for one in keywords(paths, topics, tags)) or None


def _keywords_of(value: Any) -> tuple[None, tuple[str, ...]]:
    text = text_of(value) or ""
    return None, tuple(dict.fromkeys(filter(None, map(str.strip, text.split("," if "," in text else ";")))))
