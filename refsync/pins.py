"""Knows how a pin is written into refsync.yaml: the `sha` of a source, and no other byte of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from refsync import documents
from refsync.model import Failure, Problem
from refsync.settings import FILE

_Edit = tuple[int, int, str]  # from, to, what stands there instead


def pinned(text: str, shas: Mapping[int, str]) -> str:
    """`text` with the `sha` of each source at one of these places; an address alone becomes a mapping of `url` and `sha`.

    Raises Failure, naming the line that a person has to write, where the file is written so that this cannot be done.
    """
    mark, text = (text[:1], text[1:]) if text.startswith("\ufeff") else ("", text)
    wanted = _wanted(documents.parsed(text, FILE), shas)
    edits = sorted(_edits(text, shas), reverse=True)
    new = text
    for start, end, instead in edits:
        new = new[:start] + instead + new[end:]
    try:
        is_right = documents.parsed(new, FILE) == wanted
    except Failure:
        is_right = False
    if not is_right:
        lines = ", ".join(f"`sha: {sha}` (source {at + 1})" for at, sha in sorted(shas.items()))
        what = "is written so that `update` cannot pin its sources. Nothing changed."
        raise Failure(Problem(where=FILE, what=what, hint=f"Write each as url and sha, and put in {lines}."))
    return mark + new


def _wanted(value: Any, shas: Mapping[int, str]) -> Any:
    """What the file is to say."""
    sources = list(value["sources"])
    for at, sha in shas.items():
        old = sources[at]
        sources[at] = {**(old if isinstance(old, dict) else {"url": old}), "sha": sha}
    return {**value, "sources": sources}


def _edits(text: str, shas: Mapping[int, str]) -> Iterator[_Edit]:
    root = documents.composed(text, FILE)
    listed = next((value for key, value in root.value if key.value == "sources"), None)
    if listed is None or not isinstance(listed.value, list):
        return
    items = listed.value
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    for at, sha in shas.items():
        if at < len(items):
            yield _edit(text, items[at], _scalar(sha), in_flow=bool(listed.flow_style), end_of_line=end_of_line)


def _edit(text: str, item: Any, sha: str, *, in_flow: bool, end_of_line: str) -> _Edit:
    start, end = item.start_mark.index, item.end_mark.index
    if isinstance(item.value, str) and in_flow:
        return start, end, f"{{url: {text[start:end]}, sha: {sha}}}"
    if isinstance(item.value, str):
        stop = _line_end(text, end)
        line = f"{end_of_line}{' ' * (item.start_mark.column)}sha: {sha}"
        return start, stop, f"url: {text[start:stop]}{line}"
    pairs = item.value
    for key, value in pairs:
        if key.value == "sha":
            first, last = value.start_mark.index, value.end_mark.index
            return first, last, sha if first < last else f" {sha}"
    last = pairs[-1][1].end_mark
    if item.flow_style:
        return last.index, last.index, f", sha: {sha}"
    line = f"{' ' * pairs[0][0].start_mark.column}sha: {sha}"
    if last.column == 0 and last.index:  # the end of a text of several lines is the start of the next
        return last.index, last.index, f"{line}{end_of_line}"
    stop = _line_end(text, last.index)
    return stop, stop, f"{end_of_line}{line}"


def _line_end(text: str, at: int) -> int:
    """Where the line of `at` ends, before its line break."""
    stop = text.find("\n", at)
    stop = len(text) if stop < 0 else stop
    return stop - 1 if text[at:stop].endswith("\r") else stop


def _scalar(sha: str) -> str:
    """A revision as YAML has it: quoted where it would be taken for a number."""
    return documents.written({"sha": sha}).partition(": ")[2].strip()
