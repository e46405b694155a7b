"""The example, completed from the bibliography beside it: what is settled, what is asked, and that no field is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from refsync import documents, names, titles
from refsync.cli import cli
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog, Entry
from tests.conftest import EXAMPLE, SHARED

WORKS = SHARED / "metadata" / "known-works.jsonl"
DECOYS = [
    "Training Compute-Optimal Protein Language Models",
    "TRNAS: A Training-Free Robust Neural Architecture Search",
    "Transformers in Time Series: A Survey",
    "Deep Learning",
    "Neural Architecture Search: A Survey",
    "Knowledge Distillation: A Survey",
    "Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction without Convolutions",
]


def resolved(folder: Path, monkeypatch: pytest.MonkeyPatch, *files: str) -> tuple[Catalog, list[dict[str, Any]]]:
    """The catalog of a copy of the example with only these files beside its list, and the outcomes."""
    for name in ("README.md", *files):
        shutil.copy(EXAMPLE / name, folder / name)
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / "cache"))
    options = ["--offline", "--json", "--source", "bib:known.bib"]
    result = CliRunner().invoke(cli, ["resolve", str(folder), *options])
    assert result.exit_code == 0, result.output
    return catalog_of(folder), [json.loads(line) for line in result.stdout.splitlines()]


def catalog_of(folder: Path) -> Catalog:
    return catalog_file.read(documents.text_of(folder / "catalog.yaml"), "catalog.yaml")[0]


def works(catalog: Catalog) -> list[Entry]:
    return [one for one in catalog.entries if one.kind != "web-page"]


def complete(catalog: Catalog) -> int:
    return sum(bool(one.authors) and one.authors_complete is not False for one in works(catalog))


def test_the_bibliography_settles_most_and_asks_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog, outcomes = resolved(tmp_path, monkeypatch, "known.bib")
    assert len(works(catalog)) == len(outcomes) == 143
    assert sum(one["state"] == "resolved" for one in outcomes) >= 135
    rest = [one for one in outcomes if one["state"] != "resolved"]
    assert all(one["line"] and one["why"] for one in rest)
    assert not {one.title for one in catalog.entries} & set(DECOYS)


def test_with_corrections_the_rest_has_its_authors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog, _ = resolved(tmp_path, monkeypatch, "known.bib", "corrections.yaml")
    assert complete(catalog) >= 138


def test_what_ships_is_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of the shipped folder changes nothing, and neither does resolving it again."""
    shutil.copytree(EXAMPLE, tmp_path / "efficient-ai")
    shutil.copytree(EXAMPLE.parent / "latex", tmp_path / "latex")
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(tmp_path / "cache"))
    for command in (["build"], ["resolve", "--offline"]):
        result = CliRunner().invoke(cli, [command[0], str(tmp_path / "efficient-ai"), *command[1:]])
        assert result.exit_code == 0, result.output
        for file in EXAMPLE.iterdir():
            assert (tmp_path / "efficient-ai" / file.name).read_bytes() == file.read_bytes(), (command, file.name)


@pytest.mark.skipif(not WORKS.exists(), reason="the table of true metadata is not beside this checkout")
@pytest.mark.parametrize("files", [(), ("corrections.yaml",)])
def test_no_field_is_wrong(files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [json.loads(line) for line in WORKS.read_text(encoding="utf-8").splitlines()]
    by_title = {titles.comparison(one["list_title"]): one for one in known}
    catalog, outcomes = resolved(tmp_path, monkeypatch, "known.bib", *files)
    settled = {one["title"] for one in outcomes if one["state"] == "resolved"}
    wrong = []
    for entry in works(catalog):
        if not settled & {entry.title, *entry.aka}:
            continue
        forms = [titles.comparison(title) for title in (entry.title, *entry.aka)]
        true = next(by_title[form] for form in forms if form in by_title)
        wrong += [(entry.key, *one) for one in differences(entry, true)]
    assert not wrong


def differences(entry: Entry, true: dict[str, Any]) -> list[tuple[str, object, object]]:
    """The fields of a work that contradict what is known of it; what is missing is not wrong."""
    doi = true["doi"] if not (true["doi"] or "").startswith("10.48550/") else None
    pairs: list[tuple[str, object, object]] = [
        ("title", titles.comparison(entry.title), titles.comparison(true["title"] or "")),
        ("year", entry.year, true["year"]),
        ("arxiv", entry.ids.get("arxiv"), true["arxiv_id"]),
        ("doi", entry.ids.get("doi"), doi and doi.lower()),
        ("pages", entry.pages, true["pages"]),
    ]
    if true["authors"]:
        mine = [names.surname(one) for one in entry.authors]
        theirs = [names.surname(names.person(f"{one.get('given') or ''} {one['family']}")) for one in true["authors"]]
        plain = [names.folded(one["family"]) for one in true["authors"]]
        pairs.append(("authors", mine, plain if mine == plain else theirs))
    return [(name, mine, theirs) for name, mine, theirs in pairs if mine and mine != theirs]
