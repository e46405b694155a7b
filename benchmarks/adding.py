"""How well an entry is written back: deleted from its list, added from what is known of it, compared with its own line.

`python -m benchmarks.adding [LIST ...]`: of each list 20 papers (those that are labelled where LABELS names some), else the
example and the labelled lists beside the project, where they lie. "Shape" is the container, the fields and their order, and
the emphasis, brackets and separators around them; words of labels, blanks and stops are not counted.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from refsync.formats import survey
from refsync.formats.survey import aligned, inserting, words, writing
from refsync.model import Account, Failure

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "efficient-ai" / "README.md"
SHARED = ROOT.parent / "shared" / "lists"
_EACH = 20
_BLANKS_AND_WORDS = re.compile(r"[\w\s.]")


def shape(account: Account, source: str) -> str | None:
    """What an entry has in common with those written alike; None when its title is not found in `source`."""
    pattern = aligned.pattern(account, source, words.load())
    if pattern is None:
        return None
    parts = aligned.form(writing.without_remarks(pattern.parts))
    return "".join(one if one[:1] == "\0" else _BLANKS_AND_WORDS.sub("", one.replace("__", "**")) for one in parts)


def outcomes(text: str, file: str, lines: Collection[int]) -> Iterator[tuple[Account, str, str | None, Failure | None]]:
    """For each entry that begins on one of `lines`: (it, its own text, the text that is written for it, why none is)."""
    own = text.split("\n")
    for account in survey.read(text, file).accounts:
        if account.line not in lines:
            continue
        last = account.last_line
        while last > account.line and not own[last - 1].strip():
            last -= 1
        end = last
        while account.line > 1 and not own[account.line - 2].strip() and end < len(own) and not own[end].strip():
            end += 1
        original = "\n".join(own[account.line - 1 : last])
        rest = "\n".join(own[: account.line - 1] + own[end:])
        new = replace(account, line=0, last_line=0, raw="", inferred=(), day=_day(account, original))
        try:
            inserted = inserting.inserted(rest, file, new, _heading(account, rest, file))
        except Failure as failure:
            yield account, original, None, failure
        else:
            yield account, original, inserted.written, None


def _day(account: Account, source: str) -> int | None:
    """The day of publication, which the reader of lists does not keep, and sources know."""
    pattern = aligned.pattern(account, source, words.load())
    return next((int(part.text) for part in pattern.parts if part.slot == "day"), None) if pattern else None


def _heading(account: Account, rest: str, file: str) -> tuple[str, ...]:
    reading = survey.read(rest, file)
    known = {*reading.topics, *(one.topic for one in reading.accounts)}
    return next((path for at in range(len(account.topic), 0, -1) if (path := account.topic[:at]) in known), ())


def measured(path: Path, lines: Collection[int]) -> Counter[str]:
    """How many entries were tried, refused, written in the same shape, and written byte for byte."""
    counts: Counter[str] = Counter()
    for account, original, written, _ in outcomes(path.read_text(encoding="utf-8"), path.name, lines):
        counts["entries"] += 1
        counts["refused"] += written is None
        counts["bytes"] += written == original
        counts["shape"] += written is not None and (
            written == original or shape(account, written) == shape(account, original)
        )
    return counts


def sampled(path: Path) -> set[int]:
    """The lines of 20 papers of a list, always the same."""
    reading = survey.read(path.read_text(encoding="utf-8"), path.name)
    papers = [one.line for one in reading.accounts if one.kind == "paper"]
    return set(random.Random(8).sample(papers, min(_EACH, len(papers))))


def labelled() -> dict[Path, set[int]]:
    """The lines that are labelled, by list; empty where the lists are not there."""
    labels = SHARED / "dev-gold.jsonl"
    found: dict[Path, set[int]] = {}
    for line in labels.read_text(encoding="utf-8").splitlines() if labels.exists() else ():
        value = json.loads(line)
        found.setdefault(SHARED / "dev" / value["file"], set()).add(value["line"])
    return found


def main() -> None:
    """Prints a row for each list."""
    named = [Path(name) for name in sys.argv[1:]]
    lists = {path: sampled(path) for path in named} or {EXAMPLE: sampled(EXAMPLE), **labelled()}
    if not named and len(lists) == 1:
        print("the labelled lists are not beside the project: only the example is measured", file=sys.stderr)
    print("| list | entries | same shape | byte for byte | refused |\n|:--|--:|--:|--:|--:|")
    total: Counter[str] = Counter()
    for path, lines in lists.items():
        counts = measured(path, lines)
        total += counts
        _row("the example" if path == EXAMPLE else path.stem.replace("__", "/"), counts)
    _row("all", total)


def _row(name: str, counts: Counter[str]) -> None:
    shares = " | ".join(f"{counts[key] / max(1, counts['entries']):.0%}" for key in ("shape", "bytes"))
    print(f"| {name} | {counts['entries']} | {shares} | {counts['refused']} |", flush=True)


if __name__ == "__main__":
    main()
