"""Exchanges with a library as tests/cases/sandbox/ writes them: what is asked, and what of the answer has to be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from refsync import documents
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "cases" / "sandbox"


def exchanges(pattern: str) -> list[Any]:
    """The exchanges of the files that a pattern names, each a list of steps."""
    return [
        pytest.param(steps, id=f"{path.stem}: {name}")
        for path in sorted(FOLDER.glob(pattern))
        for name, steps in documents.parsed(path.read_text(encoding="utf-8"), str(path)).items()
    ]


def named(names: Mapping[str, str], text: str) -> str:
    """A text with what names stand for."""
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def body(step: Mapping[str, Any]) -> str | None:
    """What a step sends: a text as it is, objects as JSON; `long` are objects with a field of so many letters."""
    sent = step.get("body")
    if "long" in step:
        sent = [{field: "x" * size} | ({"itemType": kind} if kind else {}) for field, size, kind in step["long"]]
    if isinstance(sent, list):
        sent = sent * step.get("repeat", 1)
    return sent if isinstance(sent, str) or sent is None else json.dumps(sent)


def compare(step: Mapping[str, Any], got: Any, names: dict[str, str]) -> None:
    """Checks the objects of an answer, and keeps under `names` what the step says."""
    assert "answer" not in step or holds(got, step["answer"]), got
    if "failed" in step:
        assert {at: one["code"] for at, one in got["failed"].items()} == step["failed"], got["failed"]
    assert "count" not in step or len(got) == step["count"]
    for name, of in step.get("keep", {}).items():
        names[name] = got[of] if isinstance(of, str) else got[of[0]][of[1]]


def holds(got: Any, wanted: Any) -> bool:
    """Whether an answer has all that is wanted: of an object what is named (null: is not there), lists as long."""
    if isinstance(wanted, dict) and wanted and isinstance(got, dict):
        return all(name not in got if one is None else holds(got.get(name), one) for name, one in wanted.items())
    if isinstance(wanted, list) and isinstance(got, list):
        return len(got) == len(wanted) and all(map(holds, got, wanted))
    return bool(got == wanted)
