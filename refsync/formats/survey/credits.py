"""Knows who stands behind a work, as its line says: the run of text that is names, or companies and universities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from refsync.formats.survey import authors
from refsync.formats.survey.drafts import GONE, Draft

_RUN = re.compile(rf"[^{GONE}\n]+")
_YEAR_LAST = re.compile(r"[\s,]\(?((?:19|20)\d\d)\)?$")


def take_authors(out: Draft) -> None:
    """Understands the run of text that is a list of names."""
    for found in _RUN.finditer(out.left):
        piece = found[0].strip(" \t,;:|-–—·*_/()").lstrip(".")
        if not piece or out.authors:
            continue
        if year := _YEAR_LAST.search(piece):
            piece = piece[: year.start()].strip(" ,;(")
        if _is_group(out, piece):
            out.group = out.group or piece
            out.blank(found.start(), found.end())
            continue
        read = authors.read(piece, out.words.title_words)
        if read:
            out.authors, out.et_al = read
            out.year = out.year or (int(year[1]) if year else None)
            out.blank(found.start(), found.end())
            continue
        for start, end in _named_parts(found[0]):
            if read := authors.read(found[0][start:end], out.words.title_words):
                out.authors, out.et_al = read
                out.blank(found.start() + start, found.start() + end)
                break


_PARTED = re.compile(r"[\s。；e.](?:(?<=\s)[|｜]\s|(?<=[。；])|(?<=\be)t\.? ?al\b\.?,?|(?<=[a-z]{3}\.)\s)")


def _named_parts(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of the parts of a text that clear separators cut off, "et al." with what stands before it."""
    start = 0
    for found in _PARTED.finditer(text):
        end = found.end() if "al" in found[0] else found.start()
        if text[start:end].strip():
            yield start, end
        start = found.end()
    if start and text[start:].strip():
        yield start, len(text)


_BY = re.compile(r"(?:^|[\s,(;.-])[bB]y\s+((?:[A-Z]|\S+ [A-Z])[^.;:()]*?)[\s.)]*$")


def take_authors_named(out: Draft) -> None:
    """Understands "..., by Yuichi Niwa, Keisuke Ohashi" at the end of a remark."""
    for found in _RUN.finditer(out.left):
        named = _BY.search(found[0]) if not out.authors and "by" in found[0].casefold() else None
        read = authors.read(named[1], out.words.title_words) if named else None
        if named and read:
            out.authors, out.et_al = read
            out.blank(found.start() + named.start(), found.start() + named.end(1))


def _is_group(out: Draft, piece: str) -> bool:
    """Whether a run of text is all companies, universities or laboratories, as in "Tsinghua, Huawei Noah's Ark Lab"."""
    if not piece[:1].isupper() or not out.words.holds_organization(piece):
        return False
    parts = [part for part in _BETWEEN_GROUPS.split(piece) if part]
    groups = [out.words.is_group(part) for part in parts]
    return any(groups) and all(group or part.isupper() for group, part in zip(groups, parts, strict=True))


_BETWEEN_GROUPS = re.compile(r"\s*(?:,|&|/|\+|;|\band\b)\s*")
