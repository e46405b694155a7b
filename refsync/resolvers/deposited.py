"""Knows the text that publishers deposit: entities, JATS and MathML in titles, names in capitals, groups as authors."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import replace

from refsync import names
from refsync.model import Person, Venue
from refsync.references import line, page_range

# What is markup in a title: a closed set, because titles also hold "a < b" and "Vec<T>", which no parser of HTML leaves
# alone. JATS 1.3 and MathML 3 as Crossref takes them, HTML as people type it.
_ELEMENTS = (
    "i|b|u|em|strong|italic|bold|underline|sub|sup|sc|scp|tt|monospace|roman|sans-serif|span|font|inf|small|ovl|strike|"
    "a|p|br|div|h[1-6]|ul|ol|li|list|list-item|label|title|sec|abstract|disp-quote|styled-content|named-content|ext-link|"
    "xref|inline-formula|disp-formula|inline-graphic|graphic|alternatives|tex-math|fixed-case|url|"
    "math|semantics|annotation|annotation-xml|none|mprescripts|m(?:i|n|o|s|text|space|row|sub|sup|subsup|frac|sqrt|root|over|"
    "under|underover|style|padded|phantom|fenced|table|tr|td|enclose|multiscripts|error|action)"
)
# An element with a prefix ("jats:related-article") is markup whatever its name.
_TAG = re.compile(
    rf"<(/?)(?:[a-z]\w*:(?P<prefixed>[a-z][\w-]*)|(?P<plain>{_ELEMENTS}))(?P<rest>(?:\s[^<>]*)?/?)>", re.IGNORECASE
)
_COMMENT = re.compile(r"<!--[^<>]*-->")
_DEEPEST = 20  # formulas within formulas; no one deposits more than four
_BLOCKS = frozenset({"p", "sec", "div", "abstract", "list-item", "li", "disp-quote", "br", "title", "label"})
_HEADING = re.compile(r"(?:abstract|summary)\W*", re.IGNORECASE)
_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})


def unescaped(value: str) -> str:
    """`value` without entities, however often they were escaped."""
    for _ in range(3):
        plain = html.unescape(value)
        if plain == value:
            break
        value = plain
    return value


def text(value: object) -> str:
    """One line of plain text out of a deposited string; formulas in TeX stay as they are, "" for what is no string."""
    if not isinstance(value, str):
        return ""
    if "<" not in value and "&" not in value and "\\n" not in value:
        return line(value).translate(_HYPHENS)
    return line(_BROKEN_LINE.sub(" ", _unmarked(unescaped(value), " "))).translate(_HYPHENS)


# A line break that was escaped once too often; never the head of a command of TeX.
_BROKEN_LINE = re.compile(r"\\n(?=\s|$)")
# A mark of a footnote after a word, not the star of A* or RRT*.
_FOOTNOTE = re.compile(r"(?<=[a-z]{2})\s?[*†‡]+$")


def title(value: object) -> str:
    """The title in a deposited string, without the mark of a footnote and the label of a file."""
    return _FOOTNOTE.sub("", text(value)).removeprefix("[PDF] ")


def paragraphs(value: object) -> str | None:
    """An abstract as plain text, a line each paragraph, without the word Abstract before it."""
    if not isinstance(value, str):
        return None
    plain = unescaped(value)
    # Without tags a blank line parts paragraphs, and a single break is only where a line was full.
    parts = _unmarked(plain, "\n").split("\n") if _TAG.search(plain) else re.split(r"\n\s*\n", plain)
    lines = [one for one in map(line, parts) if one]
    if lines and _HEADING.fullmatch(lines[0]):
        del lines[0]
    return "\n".join(lines) or None


def _unmarked(value: str, between: str) -> str:
    """The text between tags. Of a formula given in several ways the TeX is taken; blocks end with `between`."""
    if _TAG.search(value) is None:
        return value
    value = re.sub(r"\s+", " ", _COMMENT.sub("", value))
    # The formulas that are open, the outermost first, each with its text so far; before them the text itself.
    frames: list[tuple[str, list[str]]] = [("", [])]
    at = 0
    for tag in _TAG.finditer(value):
        frames[-1][1].append(value[at : tag.start()])
        at = tag.end()
        name = (tag["prefixed"] or tag["plain"]).lower()
        if name in _BLOCKS:
            frames[-1][1].append(between)
        elif name not in _FORMULAS or tag["rest"].endswith("/"):
            continue
        elif not tag[1]:
            frames += [(name, [])] if len(frames) < _DEEPEST else []
        elif any(name == opened for opened, _ in frames):
            while _close(frames) != name:
                pass
    frames[-1][1].append(value[at:])
    return "".join(part for _, parts in frames for part in parts)


# `annotation` is what a formula means in another notation, beside the formula itself: its text is dropped.
_FORMULAS = frozenset({"alternatives", "inline-formula", "disp-formula", "tex-math", "math", "annotation"})


class _Tex(str):
    """A formula in TeX, which stands for its other notations."""


def _close(frames: list[tuple[str, list[str]]]) -> str:
    """Ends the innermost formula: its text becomes part of what it stands in. Returns its name."""
    name, parts = frames.pop()
    if name == "tex-math":
        frames[-1][1].append(_Tex(_formula("".join(parts))))
    elif name == "math":
        frames[-1][1].append(re.sub(r"\s+", "", "".join(parts)))
    elif name != "annotation":
        tex = [part for part in parts if isinstance(part, _Tex)]
        frames[-1][1].append(_Tex("".join(tex)) if tex else "".join(parts))
    return name


def _formula(source: str) -> str:
    """TeX out of JATS: Springer deposits a whole document around each formula."""
    found = _DOCUMENT.search(source)
    inner = (found[1] if found else source).strip()
    if inner.startswith(("$$", "\\(", "\\[")):
        inner = inner[2:-2]
    return inner if not inner or inner.startswith("$") else f"${inner}$"


# ------------------------------------------------------------------------------------------------------------------
# Names

_GROUP = re.compile(r"\b(?:Collaborations?|Consortium|Team|Working Group|Study Group|Workshop|Task Force|Initiative)\b")
_NUMBERED = re.compile(r" \d{4}$")  # how DBLP tells people of one name apart
_ORDINAL = re.compile(r"(?:II|III|IV|VI{0,3})\.?", re.IGNORECASE)


def person(value: object) -> Person | None:
    """The person, or the group, that a display string names; None when it holds no letter."""
    name = _NUMBERED.sub("", _named(value))
    if not any(map(str.isalpha, name)):
        return None
    return Person(literal=name.rstrip(":; ")) if _GROUP.search(name) else recased(names.person(name))


def _named(value: object) -> str:
    """A name, or a part of one, without the marks of footnotes."""
    return text(_SUPERSCRIPT.sub("", value) if isinstance(value, str) else value).strip(_MARKS)


_SUPERSCRIPT = re.compile(r"<sup>[^<>]*</sup>", re.IGNORECASE)
_MARKS = " ,;*†‡§¶"


def of_parts(family: object, given: object, suffix: object = None) -> Person | None:
    """A person of parts as deposited, each kept whole; particles at the head of the family name stand apart."""
    last, first = _named(family), _named(given)
    if not any(map(str.isalpha, last)):
        return person(first)
    if last.islower() and " " not in last and first[:1].isupper():
        last = last.capitalize()
    after = text(suffix) or None
    if not first or "," in last or "," in first:
        found = Person(family=last, given=first or None)
    else:
        found = names.person(f"{last}, {first}")
    return recased(replace(found, suffix=found.suffix or after))


def group(value: object) -> Person | None:
    """A group that stands as an author."""
    name = text(value)
    return Person(literal=name) if any(map(str.isalnum, name)) else None


def recased(one: Person) -> Person:
    """The name as people write it where it is typed in capitals as a whole; one word alone may be a group's."""
    if not one.family or not one.given or len(one.family) < 2 or not (one.family.isupper() and one.given.isupper()):
        return one
    given = [part if "." in part or len(part) < 3 else _lowered(part) for part in one.given.split()]
    return replace(one, family=_lowered(one.family), given=" ".join(given))


def _lowered(name: str) -> str:
    words = (part if _ORDINAL.fullmatch(part) else re.sub(r"[^\W\d_]+", _capital, part) for part in name.split(" "))
    return " ".join(words)


def _capital(letters: re.Match[str]) -> str:
    return letters[0].capitalize()


def people(found: Iterable[Person | None]) -> tuple[Person, ...]:
    """The people that there are."""
    return tuple(one for one in found if one is not None)


# ------------------------------------------------------------------------------------------------------------------
# Places


def pages(value: object) -> str | None:
    """Pages as "12-19", or as they are where they are no range."""
    stated = line(unescaped(value)) if isinstance(value, str) else ""
    found = page_range(stated)
    if found is None:
        return stated or None
    return f"{found[0]}-{found[1]}" if found[0] != found[1] else found[0]


# Works for which the publisher itself is the venue.
_ALONE = frozenset({"book", "thesis", "report", "dataset", "software", "standard"})


def venue(kind: str, container: str, publisher: str, series: str = "", place: str = "") -> Venue | None:
    """Where a work appeared: in a container, else at the publisher or repository that stands for one."""
    if not container and kind == "preprint":
        return Venue(name=publisher) if publisher else None
    name = container or (publisher if kind in _ALONE else "")
    if not name:
        return None
    return Venue(name=name, series=series or None, publisher=publisher or None, place=place or None)


def isbn(value: object) -> dict[str, str]:
    """The identifier of a book out of an ISBN in any spelling, an address of one too."""
    digits = re.sub(r"^.*/|[\s-]", "", value) if isinstance(value, str) else ""
    return {"isbn": digits} if re.fullmatch(r"\d{9}[\dXx]|97[89]\d{10}", digits, re.ASCII) else {}


def paper(address: object) -> dict[str, str]:
    """The link of a work, unless it is none or only says the DOI again."""
    url = address.strip() if isinstance(address, str) else ""
    if not re.match(r"https?://[^\s<>\"]+$", url) or re.match(r"https?://(?:dx\.|www\.)?doi\.org/", url):
        return {}
    return {"paper": url}
