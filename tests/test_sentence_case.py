"""Titles in the sentence case of two programs: the share that comes out right on titles that were never tuned on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import sentence_case

ROWS = sentence_case.titles()
# docs/exports.md has the figures; below this one something was broken.
LEAST = 0.97


def test_the_cases_are_400_titles_that_differ_in_case_only() -> None:
    assert len({row["published"] for row in ROWS}) == 400
    assert all(row["published"].casefold() == row["sentence"].casefold() for row in ROWS)
    assert [sum(row["half"] == half for row in ROWS) for half in ("tune", "gate")] == [200, 200]


@pytest.mark.parametrize(
    ("program", "printed_by"), [("bibtex", sentence_case.by_bibtex), ("pandoc", sentence_case.by_pandoc)]
)
def test_titles_come_out_right(
    tmp_path: Path, program: str, printed_by: Callable[[Sequence[str], Path], list[str]]
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    printed = printed_by([row["published"] for row in ROWS], tmp_path)
    pairs = list(zip(printed, ROWS, strict=True))
    for half in ("tune", "gate"):
        right = [sentence_case.alike(one, row["sentence"], program) for one, row in pairs if row["half"] == half]
        assert sum(right) >= LEAST * len(right), half


@pytest.mark.parametrize(
    ("title", "wrong"),
    [("BERT for Nets", "Bert for nets"), ("BERT for Nets", "BERT for Nets"), ("D-Bot: A Bot", "D-bot: A bot")],
)
def test_a_fault_in_the_case_is_seen(title: str, wrong: str) -> None:
    assert not sentence_case.alike(wrong, title.replace(" for Nets", " for nets").replace("A Bot", "A bot"), "bibtex")
