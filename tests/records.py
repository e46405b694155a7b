"""Recorded exchanges with a library, sent again: in the same order, at the same times, with the keys that ours has made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

WORDING = ("message", "loginURL", "emails")


class Replay(Protocol):
    """Sends records to a library whose clock stands at `clock`."""

    clock: datetime

    def sent(self, record: dict[str, Any]) -> list[str]:
        """What differs in the answer to a record."""


def replayed(path: Path, replay: Replay) -> dict[str, list[str]]:
    """What differs in the answer to each record of a file, by its name."""
    records = recorded(path)
    found = {}
    for number, record in enumerate(records):
        if latest := moment(records, number):
            replay.clock = max(replay.clock, datetime.fromisoformat(latest))
        found[record["name"]] = replay.sent(record)
    return found


def recorded(path: Path) -> list[dict[str, Any]]:
    """The records of a file; where it is not here, the test is skipped."""
    if not path.is_file():
        pytest.skip(f"the recorded exchanges (../shared/zotero/{path.name}) are not here")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check(differences: Mapping[str, list[str]], known: Mapping[str, str], least: int) -> None:
    """Whether the answers differ where it is known that they do, and nowhere else."""
    failing = {name: why for name, why in differences.items() if why}
    assert failing.keys() == known.keys(), {name: why[:3] for name, why in failing.items() if name not in known}
    assert len(differences) - len(failing) >= least


@dataclass
class Made:
    """Which key of ours stands for which of theirs, from the places where both made one."""

    keys: dict[str, str] = field(default_factory=dict)

    def ours(self, text: str) -> str:
        """A text with our keys for theirs."""
        for theirs, ours in self.keys.items():
            text = text.replace(theirs, ours)
        return text

    def mapped(self, value: Any) -> Any:
        """A value of JSON with our keys for theirs."""
        return json.loads(self.ours(json.dumps(value)))

    def learn(self, wanted: Any, got: Any, *names: str) -> None:
        """Takes the keys of what was written, and those that stand under `names`."""
        if not (isinstance(wanted, dict) and isinstance(got, dict)):
            return
        for index, key in wanted.get("success", {}).items():
            if (ours := got.get("success", {}).get(index)) and ours != key:
                self.keys[key] = ours
        for name in names:
            if name in wanted and name in got:
                self.keys[wanted[name]] = got[name]


def expanded(value: Any) -> Any:
    """Long runs of one character are written {"$repeat": [char, count]}."""
    match value:
        case {"$repeat": [char, count]}:
            return char * count
        case dict():
            return {name: expanded(one) for name, one in value.items()}
        case list():
            return [expanded(one) for one in value]
    return value


def different(at: str, got: Any, wanted: Any) -> Iterator[str]:
    """Where two bodies differ; the wording of messages aside."""
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in sorted(got.keys() | wanted.keys()):
            if name in WORDING:
                continue
            if name not in got or name not in wanted:
                yield f"{at}.{name} {'is missing' if name in wanted else 'is too much'}"
            elif name in ("collections", "tags") and isinstance(got[name], list):  # their order means nothing
                yield from different(f"{at}.{name}", sorted(map(str, got[name])), sorted(map(str, wanted[name])))
            else:
                yield from different(f"{at}.{name}", got[name], wanted[name])
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from different(f"{at}[{number}]", one, other)
    elif isinstance(got, str) and isinstance(wanted, str) and not at:
        if re.fullmatch(r"([0-9A-Z]{8}\n)*\n?", wanted) and got.split() != wanted.split():
            yield f"{got.split()[:9]}, not {wanted.split()[:9]}"
    elif got != wanted:
        yield f"{at} {str(got)[:80]}, not {str(wanted)[:80]}"


def moment(records: list[dict[str, Any]], at: int) -> str:
    """What the server's clock said at a record: the latest time in its answer, else that of the object when next read."""
    record = records[at]
    if record["response"]["status"] == 204:
        path = record["request"]["path"]
        again = (one for one in records[at:] if one["request"]["path"] == path and one["request"]["method"] == "GET")
        record = next(again, record)
    return max(re.findall(r'"(2026-[\d-]+T[\d:]+Z)"', json.dumps(record["response"]["body"])), default="")
