"""Lists as they are written, and what the reader makes of each: a case is a .md file and its expected .yaml."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from refsync import documents, names
from refsync.formats import survey
from refsync.model import Account
from tests.conftest import EXAMPLE, SHARED

CASES = sorted(path for path in (Path(__file__).parent / "cases" / "lists").glob("*") if path.suffix in {".md", ".rst"})


def shown(account: Account) -> dict[str, Any]:
    """An account as a case states it: what is empty is left out."""
    value = {
        "line": account.line, "topic": list(account.topic), "title": account.title, "aka": account.aka,
        "authors": [names.inverted(one) for one in account.authors], "et_al": account.et_al, "venue": account.venue,
        "year": account.year, "month": account.month, "ids": dict(account.ids), "url": account.url,
        "links": dict(account.links), "group": account.group, "tags": list(account.tags), "has_code": account.has_code,
        "rating": account.rating, "comment": account.comment, "inferred": list(account.inferred),
        "kind": account.kind if account.kind != "paper" else None, "sure": account.confidence >= 0.8,
    }  # fmt: skip
    return {name: part for name, part in value.items() if part not in (None, [], {}, False) or name == "sure"}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path, accept: bool) -> None:
    reading = survey.read(case.read_text(encoding="utf-8"), case.name)
    value = {
        "entries": [shown(account) for account in reading.accounts],
        "skipped": [documents.Flow(line=one.line, why=one.why) for one in reading.skipped],
    }
    expected = case.with_suffix(".yaml")
    if accept:
        expected.write_text(documents.written(value), encoding="utf-8", newline="\n")
    assert documents.parsed(documents.written(value), "read") == documents.parsed(
        expected.read_text(encoding="utf-8"), expected.name
    )


@pytest.mark.parametrize("case", [path for path in CASES if path.suffix == ".md"], ids=lambda path: path.stem)
def test_every_line_is_an_entry_or_listed_as_left_out(case: Path) -> None:
    """Nothing is lost silently: each line with text is a heading, in an entry, or under --skipped."""
    text = case.read_text(encoding="utf-8")
    reading = survey.read(text, case.name)
    covered = {line for one in (*reading.accounts, *reading.skipped) for line in range(one.line, one.last_line + 1)}
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        furniture = not plain or plain.startswith("#") or set(plain) <= set("|:- ")
        furniture |= "<summary" in plain or "<th" in plain
        furniture |= re.sub(r"</?[a-z]+(?: [a-z]+=\"[^\"]*\")*>", "", plain).strip() == "" or bool(
            re.match(r"\[[^\]]+\]: ", plain)
        )
        header = (
            plain.startswith("|") and number < text.count("\n") and set(text.split("\n")[number].strip()) <= set("|:- ")
        )
        assert number in covered or furniture or header, f"{case.name}:{number}: {plain}"


def test_the_shared_gold_of_the_example_is_met(tmp_path: Path) -> None:
    """Every field of every entry, by the labels that a person gave each line."""
    score, gold = SHARED / "lists" / "score.py", SHARED / "lists" / "efficient-ai" / "gold.jsonl"
    if not gold.exists():
        pytest.skip("the labelled lists are not here")
    read = [sys.executable, "-m", "refsync", "read", str(EXAMPLE / "README.md"), "--json"]
    out = subprocess.run(read, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    (tmp_path / "p.jsonl").write_text(out, encoding="utf-8")
    totals = tmp_path / "totals.json"
    command = [
        sys.executable,
        str(score),
        str(tmp_path / "p.jsonl"),
        "--gold",
        str(gold),
        "--strict",
        "--json",
        str(totals),
    ]
    subprocess.run(command, check=True, capture_output=True)
    assert set(json.loads(totals.read_text()).values()) == {1.0}


def test_how_much_is_read_is_told_as_it_goes() -> None:
    text = "\n".join(f"## Topic {n}\n\n- [A Title of {n}](https://arxiv.org/abs/2001.{n:05})\n" for n in range(20))
    shares: list[float] = []
    survey.read(text, "list.md", told=shares.append)
    assert len(shares) > 10 and shares == sorted(shares) and shares[-1] == 1
