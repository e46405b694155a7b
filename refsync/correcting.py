"""Knows how corrections.yaml is added to: it is a person's file, so every byte stays that does not have to go.

What was written is read again before anybody gets it, and must be the old corrections with the new ones, no more and no less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refsync import corrections, documents
from refsync.documents import Place
from refsync.model import Catalog, Failure, Problem

_PARTS = ("ids", "links", "extra")  # corrections that add to what is there, each name for itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is corrected of one entry: the name that it has in the file, else the one that it gets; {field: value}; and what
    a comment says of it."""

    name: str
    fields: Mapping[str, Any]
    comment: str = ""


def names(catalog: Catalog, fixes: Iterable[str]) -> dict[str, str]:
    """What the entries are called, of which corrections speak: {key of the entry: the name in corrections.yaml}."""
    by_name = corrections.named(catalog.entries)
    return {entry.key: name for name in fixes if (entry := corrections.look_up(name, by_name)) is not None}


def added(text: str, lines: Sequence[Line]) -> str:
    """The text of a corrections.yaml with these in it. Raises Failure, with the lines to write by hand, where the file is
    written in a way that would not survive."""
    old = documents.parsed(text, corrections.FILE) or {}
    if not isinstance(old, dict):
        raise _failure(lines, "holds no mapping of keys or titles to what is corrected")
    wanted = {str(name): value for name, value in old.items()}
    newline = "\r\n" if "\r\n" in text else "\n"
    out = text
    for one in lines:
        wanted[one.name] = _merged(wanted.get(one.name), one.fields)
        out = _with(out, one, wanted[one.name], newline)
    try:
        found = documents.parsed(out, corrections.FILE)
    except Failure:
        found = None
    if found is None or {str(name): value for name, value in found.items()} != wanted:
        raise _failure(lines, "is written in a way that refsync cannot add to")
    return out


def _failure(lines: Sequence[Line], why: str) -> Failure:
    hint = "Add by hand: " + " ".join(f"{_inline(one.name)}: {_inline(dict(one.fields))}" for one in lines[:3])
    return Failure(Problem(where=corrections.FILE, what=f"{why}. Nothing was written.", hint=hint))


def _merged(old: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(old or {})
    for name, value in fields.items():
        is_joined = name in _PARTS and isinstance(out.get(name), dict)
        out[name] = {**out[name], **value} if is_joined else value
    return out


def _with(text: str, one: Line, whole: Mapping[str, Any], newline: str) -> str:
    """The text with the fields of one entry, whose corrections are then `whole`."""
    root = documents.places(text)
    found = next((pair for name, pair in (root.members if root else {}).items() if name == one.name), None)
    if found is None:
        return _appended(text, root, one, newline)
    values = {name: whole[name] for name in one.fields}
    for name, value in values.items():
        root = documents.places(text)
        key, place = (root or Place(0, 0, 0)).members[one.name]
        text = _with_field(text, key, place, name, value, newline)
    place = (documents.places(text) or Place(0, 0, 0)).members[one.name][0]
    return _commented(text, place, one.comment, newline)


def _appended(text: str, root: Place | None, one: Line, newline: str) -> str:
    """The text with an entry more, at its end."""
    if root is not None and root.is_flow:
        return _in_braces(text, root, f"{_inline(one.name)}: {_inline(dict(one.fields))}")
    indent = " " * (root.column if root is not None and root.members else 0)
    rows = [f"# {one.comment}"] if one.comment else []
    rows += [f"{_inline(one.name)}:", *(f"  {name}: {_inline(value)}" for name, value in one.fields.items())]
    start = text if not text.strip() or text.endswith(("\n", "\r")) else text + newline
    if root is not None and not root.is_mapping:
        return start  # `null`: told when it is read again
    return start + "".join(f"{indent}{row}{newline}" for row in rows)


def _with_field(text: str, key: Place, place: Place, name: str, value: Any, newline: str) -> str:
    """The text with a field of an entry that stands at `place`."""
    new = f"{name}: {_inline(value)}"
    if not place.is_mapping:  # the name alone
        return f"{text[: key.end]}: {{{new}}}{text[_after_colon(text, key) :]}"
    if name in place.members:
        at, old = place.members[name]
        end = old.end if not old.is_block else old.start + len(text[old.start : old.end].rstrip())
        kept = "".join(f"{newline}{' ' * at.column}{row}" for row in _comments(text, at, old, end))
        return f"{text[: _after_colon(text, at)]} {_inline(value)}{kept}{text[end:]}"
    if place.is_flow:
        return _in_braces(text, place, new)
    last_key, last = list(place.members.values())[-1]
    end = last.start + len(text[last.start : last.end].rstrip()) if last.is_block else last.end
    stop = _line_end(text, end)
    return f"{text[:stop]}{newline}{' ' * last_key.column}{new}{text[stop:]}"


def _after_colon(text: str, key: Place) -> int:
    return text.index(":", key.end) + 1


def _comments(text: str, key: Place, value: Place, end: int) -> list[str]:
    """The comments inside a value of several lines that goes."""
    if value.is_block or value.is_flow or "\n" not in text[key.end : end]:
        return []
    return re.findall(r"(?m)(?:^|\s)(#[^\r\n]*)", text[key.end : end])


def _in_braces(text: str, place: Place, new: str) -> str:
    """The text with a member more of a mapping in braces."""
    inner = text[place.start + 1 : place.end - 1]
    comma = ", " if inner.strip() and not inner.rstrip().endswith(",") else " " if inner.strip() else ""
    spot = place.start + 1 + len(inner.rstrip()) if "#" not in inner else place.end - 1
    return f"{text[:spot]}{comma}{new}{text[spot:]}"


def _commented(text: str, key: Place, comment: str, newline: str) -> str:
    """The text with a comment in a line of its own above an entry."""
    start = text.rfind("\n", 0, key.start) + 1
    if not comment or text[start : key.start].strip():
        return text
    return f"{text[:start]}{' ' * key.column}# {comment}{newline}{text[start:]}"


def _line_end(text: str, at: int) -> int:
    found = re.compile(r"\r?\n").search(text, at)
    return found.start() if found else len(text)


def _inline(value: Any) -> str:
    """A value on one line, that may stand in braces too."""
    if isinstance(value, str) and ("\n" in value or "\r" in value):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_inline(name)}: {_inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return documents.written(documents.FlowList([value])).strip()[1:-1]


def comment(title: str, who: str, when: str) -> str:
    """What a comment says of a correction that came from a library: whose it is, and of which day."""
    day = when[:16].replace("T", " ")
    by = f" by {_one_line(who)}" if who else ""
    return f"{_one_line(title)}: changed in Zotero{by}{f', {day} UTC' if day else ''}"


def _one_line(text: str) -> str:
    """A text as a comment holds it."""
    return " ".join(text.split())
