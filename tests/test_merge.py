"""Merges by git of what refsync writes: two branches that each add come together, and the next build is clean."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from refsync import gitattributes, mergedriver
from refsync.cli import cli
from refsync.formats import catalog
from refsync.model import Catalog, Entry, Retired, Venue
from refsync.sync import base as bases
from refsync.sync import basemerge
from refsync.sync.base import Base, Owner, Record
from tests.conftest import ROOT
from tests.test_example import run

PEOPLE = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
OWNER = Owner(server="https://api.zotero.org", library="groups/1", catalog="c")


def git(folder: Path, *command: str, code: int = 0) -> str:
    environment = {**os.environ, **PEOPLE, "GIT_CONFIG_GLOBAL": os.devnull, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["git", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def lines(*titles: str) -> str:
    return "".join(f"- [{title}](https://example.org/{at})\n" for at, title in enumerate(titles))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A survey in a repository: two sections far enough apart that git merges the list by itself."""
    text = "# Papers\n\n## Early Works\n\n" + lines("Learning to Prune", "Learning to Quantize")
    text += "\nText.\n\nText.\n\nText.\n\n## Late Works\n\n" + lines("Attention at Length", "Routing by Experts")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    gitattributes.registered(tmp_path, f"{Path(sys.executable).as_posix()} -m refsync")
    run("build", tmp_path)
    commit(tmp_path, "first")
    return tmp_path


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def add(folder: Path, after: str, title: str) -> None:
    path = folder / "README.md"
    text = path.read_text("utf-8")
    line = next(one for one in text.splitlines() if after in one)
    slug = title.replace(" ", "-")
    path.write_text(text.replace(line, f"{line}\n- [{title}](https://example.org/{slug})"), encoding="utf-8")


def test_two_branches_that_each_add_entries_merge(folder: Path) -> None:
    git(folder, "checkout", "-q", "-b", "other")
    add(folder, "Learning to Quantize", "Learning to Distill")
    run("build", folder)
    commit(folder, "theirs")
    git(folder, "checkout", "-q", "main")
    add(folder, "Routing by Experts", "Routing by Lot")
    run("build", folder)
    commit(folder, "ours")
    keys = {one.key for branch in ("main", "other") for one in known(folder, branch).entries}
    git(folder, "merge", "-q", "--no-edit", "other")
    assert git(folder, "status", "--porcelain") == ""
    merged = (folder / "catalog.yaml").read_text("utf-8")
    assert "<<<" not in merged and {one.key for one in known(folder).entries} == keys and len(keys) == 6
    done = run("build", folder)
    assert done.returncode == 0 and "both sides" not in done.stderr
    assert (folder / "catalog.yaml").read_text("utf-8") == merged
    assert "Routing by Lot" in (folder / "references.bib").read_text("utf-8").replace("{", "").replace("}", "")


def known(folder: Path, branch: str | None = None) -> Catalog:
    path = folder / "catalog.yaml"
    text = git(folder, "show", f"{branch}:catalog.yaml") if branch else path.read_text("utf-8")
    return catalog.read(text, "catalog.yaml")[0]


def test_two_bases_merge(folder: Path) -> None:
    path = folder / "zotero-groups-1.jsonl"

    def write(version: int, *records: Record) -> None:
        value = Base(owner=OWNER, version=version, records={(one.what, one.id): one for one in records})
        path.write_text(bases.written(value), encoding="utf-8")

    one, two, three, four = (
        Record(what="item", id=name, key=f"KEY{at}", fields={"title": name, "date": "2020"})
        for at, name in enumerate("abcd")
    )
    write(5, one, two)
    commit(folder, "base")
    git(folder, "checkout", "-q", "-b", "other")
    write(9, one, replace(two, fields={"title": "B", "date": "2020"}, tags=("x",)), three)
    commit(folder, "theirs")
    git(folder, "checkout", "-q", "main")
    write(7, one, replace(two, fields={"title": "b", "date": "2021"}, tags=("y",)), four)
    commit(folder, "ours")
    git(folder, "merge", "-q", "--no-edit", "other")
    merged = bases.read(path)
    assert merged is not None and merged.version == 9
    assert [id for _, id in sorted(merged.records)] == ["a", "b", "c", "d"]
    both = merged.records["item", "b"]
    assert both.fields == {"title": "B", "date": "2021"} and set(both.tags) == {"x", "y"}


def test_two_bases_with_no_common_ancestor_merge(folder: Path) -> None:
    first = Base(owner=OWNER, version=3, records={("item", "a"): Record(what="item", id="a", key="OLD")})
    second = Base(owner=OWNER, version=4, records={("item", "a"): Record(what="item", id="a", key="NEW")})
    assert basemerge.merged(None, first, second, "x").records["item", "a"].key == "NEW"
    assert basemerge.merged(None, second, first, "x").records["item", "a"].key == "NEW"


def test_what_a_side_removed_is_removed_unless_the_other_changed_it() -> None:
    record = Record(what="item", id="a", key="K", tags=("x",))
    old, gone = (Base(owner=OWNER, version=3, records=one) for one in ({("item", "a"): record}, {}))
    changed = Base(owner=OWNER, version=4, records={("item", "a"): replace(record, tags=())})
    assert basemerge.merged(old, old, gone, "x").records == {}
    assert basemerge.merged(old, gone, changed, "x").records == changed.records


def test_bases_of_two_libraries_are_left_to_a_person(folder: Path) -> None:
    path = folder / "zotero-groups-1.jsonl"
    path.write_text(bases.written(Base(owner=OWNER)), encoding="utf-8")
    commit(folder, "base")
    git(folder, "checkout", "-q", "-b", "other")
    path.write_text(bases.written(Base(owner=replace(OWNER, catalog="d"))), encoding="utf-8")
    commit(folder, "theirs")
    git(folder, "checkout", "-q", "main")
    path.write_text(bases.written(Base(owner=replace(OWNER, catalog="e"))), encoding="utf-8")
    commit(folder, "ours")
    said = git(folder, "merge", "-q", "--no-edit", "other", code=1)
    assert "zotero-groups-1.jsonl: the sides are of different libraries" in said and "Traceback" not in said
    assert "<<<<<<< ours" in path.read_text("utf-8")


def made(**fields: object) -> Catalog:
    entry = replace(Entry(key="a", title="A Title", tags=("x", "y"), ids={"doi": "10.1/x"}), **fields)
    return Catalog(id="c", title="T", entries=(entry,))


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        ({"tags": ("x",)}, {}, {"tags": ("x",)}),
        ({}, {"tags": ("y", "z")}, {"tags": ("y", "z")}),
        ({"note": "n"}, {"venue": Venue(name="V")}, {"note": "n", "venue": Venue(name="V")}),
        ({"ids": {}}, {"ids": {"doi": "10.1/x", "arxiv": "1"}}, {"ids": {"arxiv": "1"}}),
        ({"ids": {"doi": "10.1/y"}}, {}, {"ids": {"doi": "10.1/y"}}),
        ({"note": "ours"}, {"note": "theirs"}, {"note": "ours"}),
    ],
)
def test_what_a_side_changed_is_that_sides(
    ours: dict[str, object], theirs: dict[str, object], both: dict[str, object]
) -> None:
    merged, told = mergedriver.catalogs(made(), made(**ours), made(**theirs), "catalog.yaml")
    assert merged.entries == made(**both).entries and not told


def test_what_a_side_retired_is_retired() -> None:
    without = Catalog(id="c", title="T", retired={"a": Retired(title="A Title")})
    for ours, theirs in ((made(), without), (without, made())):
        merged, _ = mergedriver.catalogs(made(), ours, theirs, "catalog.yaml")
        assert not merged.entries and "a" in merged.retired
    merged, _ = mergedriver.catalogs(made(), without, made(note="n"), "catalog.yaml")
    assert [one.key for one in merged.entries] == ["a"]


def test_a_file_of_a_person_is_not_merged(tmp_path: Path) -> None:
    for name, text in (("o", "a\n"), ("a", "b\n"), ("b", "c\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    arguments = ["merge-driver", *(str(tmp_path / name) for name in "oab"), "references.bib"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1 and done.stderr.count("\n") == 1 and "was not written by refsync" in done.stderr
    assert "<<<<<<< ours\nb\n" in (tmp_path / "a").read_text("utf-8")


def test_init_tells_git_once_and_keeps_a_persons_lines(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["init", "--git", str(tmp_path)]).exit_code == 1  # no repository
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("*.png binary\nreferences.bib -diff", encoding="utf-8")
    for _ in range(2):
        done = CliRunner().invoke(cli, ["init", "--git", str(tmp_path)])
        assert done.exit_code == 0, done.stderr
        text = (tmp_path / ".gitattributes").read_text("utf-8")
        assert text.startswith("*.png binary\nreferences.bib -diff\ncatalog.yaml merge=refsync linguist-generated")
        assert text.count("references.json merge=refsync") == 1 and text.count("references.bib") == 2
    assert "merge-driver %O %A %B %P" in git(tmp_path, "config", "merge.refsync.driver")
