"""Knows the shape of a .bib file: entries, fields, names, and where one is broken. The one door of bibtexparser."""

from __future__ import annotations

import calendar
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from refsync.model import Problem


class Record(NamedTuple):
    """An entry of a .bib file, values in LaTeX, each on one line."""

    line: int
    type: str
    key: str
    fields: dict[str, str]


_START = re.compile(r"@[ \t]*([A-Za-z]+)\s*[{(]")
_LINE_START = re.compile(r"^[ \t]*@[ \t]*[A-Za-z]+\s*[{(]", re.MULTILINE)


def records(text: str, where: str, problems: list[Problem]) -> list[Record]:
    """The entries of a file. What cannot be read is added to `problems`; each entry is parsed by itself, so that a broken
    one takes no other with it."""
    return list(_blocks(text, where, problems))


def _blocks(text: str, where: str, problems: list[Problem]) -> Iterator[Record]:
    parser: Any = None
    macros = dict(_MONTHS)
    at, number, counted = 0, 1, 0
    while found := _START.search(text, at):
        number += text.count("\n", counted, found.start())
        counted = found.start()
        here = f"{where}:{number}"
        _check_between(text[at : found.start()], here, problems)
        if (usual := _usual(text, found, number, macros)) is not None:
            record, at = usual
            yield record
            continue
        end = _end(text, found.end(), text[found.end() - 1])
        next_start = _LINE_START.search(text, found.end())
        limit = next_start.start() if next_start else len(text)
        if found[1].lower() in {"comment", "preamble"}:
            at = end if end is not None else limit
            continue
        at = limit if end is None or end > limit else end
        if end is None or end > limit:
            block = text[found.start() : limit]
            problems.append(_broken(here, block, "its closing brace is missing"))
            yield _salvaged(block, number)
            continue
        block = text[found.start() : end]
        parser = parser or _parser()
        odd = _parsed(parser, block, number, here, problems)
        if odd is not None:
            yield odd
        else:
            macros.update((name.lower(), str(value)) for name, value in parser.bib_database.strings.items())
    _check_between(text[at:], f"{where}:{number + text.count(chr(10), counted, at)}", problems)


_MONTHS = {name[:3].lower(): name for name in calendar.month_name if name}
# An entry as programs write it: a plain key, fields in braces or quotes, numbers, macros, and nothing joined by `#`.
# Braces within a value nest to a depth of five; what is nested deeper, or odd in any way, is left to bibtexparser.
_INNER = r"[^{}]*"
for _ in range(5):
    _INNER = rf"[^{{}}]*(?:\{{{_INNER}\}}[^{{}}]*)*"
_HEAD = re.compile(r"\s*([^\s,={}()\"#%~\\']+)\s*,")
_VALUE = re.compile(
    rf"""\s*([A-Za-z][\w-]*)\s*=\s*(?:\{{({_INNER})\}}|"([^"{{}}]*(?:\{{{_INNER}\}}[^"{{}}]*)*)"|([0-9]+)|([A-Za-z][\w-]*))\s*(?:,|(?=\}}))"""
)
_CLOSING = re.compile(r"\s*\}")
_NO_ENTRY = frozenset({"comment", "preamble", "string"})


def _usual(text: str, opened: re.Match[str], number: int, macros: Mapping[str, str]) -> tuple[Record, int] | None:
    """The entry that begins at `opened` and where it ends, when it is written in the usual way; None when not."""
    type = opened[1].lower()
    head = _HEAD.match(text, opened.end())
    if head is None or type in _NO_ENTRY or text[opened.end() - 1] != "{":
        return None
    fields: dict[str, str] = {}
    at = head.end()
    while found := _VALUE.match(text, at):
        name, braced, quoted, digits, macro = found.groups()
        value = braced if braced is not None else quoted if quoted is not None else digits
        if value is None and (value := macros.get(macro.lower())) is None:
            return None
        name = name.lower()
        if name in fields or value.strip() == "{}":
            return None
        fields[name] = " ".join(value.split())
        at = found.end()
    closed = _CLOSING.match(text, at)
    if closed is None or "\n@" in text[opened.end() : at] or not fields:
        return None
    return Record(number, type, head[1], fields), closed.end()


def _end(text: str, at: int, opening: str) -> int | None:
    """Where the entry that opened just before `at` is closed; braces count, escaped or not, as in bibtex."""
    depth = 0
    for mark in re.compile(r"[{})]").finditer(text, at):
        if mark[0] == "{":
            depth += 1
        elif depth == 0 and mark[0] == ("}" if opening == "{" else ")"):
            return mark.end()
        elif mark[0] == "}":
            depth -= 1
    return None


def _check_between(text: str, where: str, problems: list[Problem]) -> None:
    """Text between entries is a comment, unless it is the rest of an entry that was closed too early."""
    if "=" not in text:
        return
    if found := re.search(r"^[\s,]*[a-zA-Z]+\s*=\s*[{\"\d].*", text, re.MULTILINE):
        what = f"a field stands outside an entry: {found[0].strip()[:60]!r}."
        problems.append(Problem(where=where, what=what, hint="The entry before it is closed too early."))


def _broken(here: str, block: str, why: str) -> Problem:
    first = " ".join(block.split())[:60]
    what = f"an entry is broken, {why}: {first!r}. What is whole in it is read."
    return Problem(where=here, what=what, hint="Mend it and run again.")


_FIELD = re.compile(
    r"""([A-Za-z][\w:-]*)\s*=\s*(?:\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|"([^"{}]*)"|(\d+)|[{"]([^{}"\n]*))"""
)


def _salvaged(block: str, number: int) -> Record:
    """What is whole in an entry that cannot be parsed; a value that is not closed ends with its line."""
    head = re.match(r"@\s*([A-Za-z]+)\s*[{(]\s*([^\s,={}()]*)\s*,?", block)
    fields: dict[str, str] = {}
    for name, *values in _FIELD.findall(block, head.end() if head else 0):
        fields.setdefault(name.lower(), next(filter(None, values), "").strip(" ,"))
    return Record(number, head[1].lower() if head else "misc", head[2] if head else "", fields)


def _parser() -> Any:
    from bibtexparser.bparser import BibTexParser

    # It warns of every @string that is set twice, once for each entry read.
    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())
    parser = BibTexParser(common_strings=True, ignore_nonstandard_types=False, interpolate_strings=True)
    parser.expect_multiple_parse = True
    return parser


_MOST = 2000  # bibtexparser takes a tenth of a millisecond for each `=`


def _parsed(parser: Any, block: str, number: int, here: str, problems: list[Problem]) -> Record | None:
    """One block as a record; None for an @string. What bibtexparser passes over in silence is a Problem."""
    from bibtexparser.bibdatabase import UndefinedString

    if block.count("=") > _MOST:
        problems.append(_broken(here, block, "it has more fields than any work"))
        return _salvaged(block, number)
    known = parser.bib_database.entries
    known.clear()
    is_string = block[1:].lstrip().lower().startswith("string")
    for _ in range(1 + block.count("=")):
        try:
            parser.parse(block, partial=False)
            break
        except UndefinedString as error:
            name = str(error.args[0])
            parser.bib_database.strings[name] = name
            what = f"the macro `{name}` has no @string: its name is taken for its text."
            problems.append(Problem(where=here, what=what, hint=f'Add @string{{{name} = "..."}}.'))
        except RecursionError:
            known.clear()
            break
    if is_string:
        return None
    if len(known) != 1:
        problems.append(_broken(here, block, "a field or the key is not as it should be"))
        return _salvaged(block, number)
    fields = {
        name.lower(): " ".join(value.split()) for name, value in known[0].items() if name not in {"ID", "ENTRYTYPE"}
    }
    twice = sorted(name for name, count in Counter(_field_names(block)).items() if count > 1)
    if twice:
        what = f"{', '.join(f'`{name}`' for name in twice)} stands twice in {known[0]['ID']}: the first is read."
        problems.append(Problem(where=here, what=what, hint="Remove one of them."))
    return Record(number, known[0]["ENTRYTYPE"].lower(), known[0]["ID"].strip(), fields)


def _field_names(block: str) -> list[str]:
    """The names of the fields of one entry, as often as they stand there."""
    outside, at, depth = [], 0, 0
    for mark in re.finditer(r"[{}]", block):
        if mark[0] == "{":
            depth += 1
        if depth == 1 or (mark[0] == "{" and depth == 2):
            outside.append(block[at : mark.start()])
        if mark[0] == "}":
            depth -= 1
        at = mark.end()
    return [name.lower() for name in re.findall(r"([A-Za-z][\w:-]*)\s*=", re.sub(r'"[^"]*"', "", "".join(outside)))]


_GROUPS = re.compile(r"@comment\s*\{\s*jabref-meta:\s*grouping:(.*?)^\s*\}", re.IGNORECASE | re.DOTALL | re.MULTILINE)
_GROUP = re.compile(r"^(\d+) KeywordGroup:((?:[^;\\]|\\.)*);", re.MULTILINE)
_UNIT = re.compile(r"((?:[^;\\]|\\.)*);")


def groups_in(text: str) -> list[tuple[tuple[str, ...], str]]:
    """The groups of JabRef that stand for a keyword, as (path, keyword), in their order."""
    found: list[tuple[tuple[str, ...], str]] = []
    comment = _GROUPS.search(text)
    above: list[str] = []
    for depth, quoted in _GROUP.findall(comment[1]) if comment else ():
        units = [_unquoted(unit) for unit in _UNIT.findall(_unquoted(quoted))]
        if len(units) >= 6:
            above[int(depth) - 1 :] = [units[0]]
            if units[2].lower() == "keywords" and units[5] == "0":
                found.append((tuple(above), units[3]))
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_AND_OR_BRACE = re.compile(r"[{}]|\s+and\s+", re.IGNORECASE)


def people_in(value: str) -> list[str]:
    """The names of an author field, split at each "and" that stands outside braces."""
    if "{" not in value:
        return [name.strip() for name in _AND.split(value) if name.strip()]
    out, at, depth = [], 0, 0
    for found in _AND_OR_BRACE.finditer(value):
        if found[0] in "{}":
            depth += 1 if found[0] == "{" else -1
        elif depth == 0:
            out.append(value[at : found.start()])
            at = found.end()
    return [name.strip() for name in (*out, value[at:]) if name.strip()]


def parts_of_name(name: str) -> dict[str, list[str]]:
    """The words of a name as BibTeX tells them apart: first, von, last, jr."""
    from bibtexparser.customization import InvalidName, splitname

    try:
        parts: dict[str, list[str]] = splitname(name, strict_mode=False)
    except InvalidName:
        parts = {"last": [name]}
    return parts


_SUFFIX = re.compile(
    r"(?:jr|sr|[ivx]+|\d(?:st|nd|rd|th)|ph\.? ?d|m\.? ?d|esq|s\.? ?j|o\.? ?p|dr|hab|ing|.{1,3})\.*", re.IGNORECASE
)
_BRACED = re.compile(r"\{[^{}]*\}|&#?\w+;")


def is_jumbled(name: str) -> bool:
    """Whether what stands between two "and"s is more than a name: names with `;` or with commas between them.

    BibTeX knows "von Last, Jr, First" (btxdoc, section 4); more commas, or a second part that is no suffix, are a list.
    """
    if ";" not in name and name.count(",") < 2:
        return False
    while (bare := _BRACED.sub("", name)) != name:
        name = bare
    parts = [part.strip() for part in name.split(",")]
    if ";" in name or len(parts) > 3:
        return "=" not in name
    return len(parts) == 3 and parts[1] != "" and _SUFFIX.fullmatch(parts[1]) is None and "=" not in name
