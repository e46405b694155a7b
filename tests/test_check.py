"""`refsync check`: each named check finds its fault, is silent without it, and can be switched off."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from refsync import lint
from refsync.model import Catalog, Date, Entry, Person, Venue
from tests.conftest import ROOT, committed
from tests.test_example import run

LIST = "# Papers\n\n## Nets\n\n- [A Work on Nets](https://arxiv.org/abs/2101.00001). Ann Lee, Bo Kim. ICML 2021\n"
CLEAN = Entry(
    key="lee2021work",
    kind="conference-paper",
    title="A Work on Nets",
    authors=(Person(family="Lee", given="Ann"),),
    date=Date(year=2021),
    venue=Venue(name="Proceedings of ICML", short="ICML", kind="conference"),
)


def found(*entries: Entry) -> list[tuple[str, str]]:
    return [(one.check, one.what) for one in lint.problems(Catalog(id="x", title="", entries=entries))]


def test_a_clean_entry_has_no_problem() -> None:
    assert found(CLEAN) == []


def changed(**fields: object) -> Entry:
    from dataclasses import replace

    return replace(CLEAN, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "entries"),
    [
        ("missing-title", (changed(title=""),)),
        ("missing-year", (changed(date=None),)),
        ("missing-author", (changed(authors=()),)),
        ("missing-venue", (changed(venue=None),)),
        ("unknown-venue", (changed(venue=Venue(name="Some Place")),)),
        ("date", (changed(date="in press"),)),
        ("shared-id", (changed(ids={"doi": "10.1/x"}), changed(key="b", title="Another", ids={"doi": "10.1/x"}))),
        ("crowded-label", tuple(changed(key=f"k{at}", title=f"Work {at}") for at in range(32))),
        ("pdflatex", (changed(title="深度 Nets"),)),
        ("pdflatex", (changed(authors=(Person(family="Лебедев", given="Пётр"),)),)),
    ],
)
def test_each_check_finds_its_fault(check: str, entries: tuple[Entry, ...]) -> None:
    assert {name for name, _ in found(*entries)} == {check}


def test_labels_are_crowded_only_past_31_and_accents_are_set() -> None:
    assert found(*(changed(key=f"k{at}", title=f"Work {at}") for at in range(31))) == []
    assert found(changed(title="Über Naïve “Bayes” — Ørsted’s Œuvre in Łódź…")) == []


def folder(tmp_path: Path, **files: str) -> Path:
    names = {"list": "README.md", "settings": "refsync.yaml", "paper": "paper.tex", "ours": "ours.bib"}
    for name, text in {"list": LIST, **files}.items():
        (tmp_path / names[name]).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_in_order_is_silent(tmp_path: Path) -> None:
    folder(tmp_path)
    run("build", tmp_path)
    done = run("check", tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_dead_citations_are_named_with_the_nearest_key(tmp_path: Path) -> None:
    folder(tmp_path, settings="cited: [paper.tex]\n", paper="\\cite{lee2021work}\n\\cite{lee2021works,other99}\n")
    done = run("check", tmp_path, "--json")
    said = [json.loads(one) for one in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [(one["check"], one["where"]) for one in said] == [("dead-cite", "paper.tex:2")] * 2
    assert said[0]["hint"] == "Did you mean lee2021work?" and "other99" in said[1]["what"]


def test_stale_exports_are_found_and_fixed(tmp_path: Path) -> None:
    folder(tmp_path)
    run("build", tmp_path)
    (tmp_path / "README.md").write_text(
        f"{LIST}- [Better Works](https://arxiv.org/abs/2101.00002). Cy Roe, Di Fu. ICML 2021\n"
    )
    done = run("check", tmp_path)
    assert done.returncode == 3 and done.stdout.count("is not what a build would write now") == 4
    assert run("check", tmp_path, "--fix").returncode == 0
    assert run("check", tmp_path).returncode == 0
    assert "Better Works" in (tmp_path / "references.bib").read_text(encoding="utf-8")


def test_checks_are_switched_off(tmp_path: Path) -> None:
    folder(tmp_path, list="# Papers\n\n## Nets\n\n- [A Work on Nets](https://arxiv.org/abs/2101.00001). ICML 2021\n")
    run("build", tmp_path)
    assert "no author" in run("check", tmp_path).stdout
    assert run("check", tmp_path, "--without", "missing-author").returncode == 0
    (tmp_path / "refsync.yaml").write_text("checks: {missing-author: false}\n")
    assert run("check", tmp_path).returncode == 0
    wrong = run("check", tmp_path, "--without", "missing-auhtor")
    assert wrong.returncode == 2 and "missing-author" in wrong.stderr and "--without" in wrong.stderr
    (tmp_path / "refsync.yaml").write_text("checks: {missing-auhtor: false}\n")
    assert "refsync.yaml" in run("check", tmp_path).stderr


def test_works_and_keys_of_another_bibliography(tmp_path: Path) -> None:
    ours = "@misc{nets, title={A Work on Nets}}\n@misc{lee2021work, title={Something Else}}\n@misc{x, title={Mine}}\n"
    folder(tmp_path, ours=ours)
    run("build", tmp_path)
    done = run("check", tmp_path, "--also", tmp_path / "ours.bib", "--json")
    assert [json.loads(one)["check"] for one in done.stdout.splitlines()] == ["work-twice", "key-twice"]


def test_another_bibliography_without_entries_is_told(tmp_path: Path) -> None:
    folder(tmp_path, ours="% nothing here\n")
    done = run("check", tmp_path, "--also", tmp_path / "ours.bib")
    assert done.returncode == 1 and "holds no entries" in done.stderr


def test_only_what_is_new_since_a_revision(tmp_path: Path) -> None:
    folder(tmp_path, list=f"{LIST}- [An Old Fault](https://arxiv.org/abs/2101.00003). ICML 2021\n")
    run("build", tmp_path)
    committed(tmp_path)
    assert run("check", tmp_path).returncode == 3
    assert run("check", tmp_path, "--since", "HEAD").returncode == 0
    text = (tmp_path / "README.md").read_text()
    (tmp_path / "README.md").write_text(
        text.replace("- [An", "- [A New Fault](https://arxiv.org/abs/2101.00004). ICML 2021\n- [An")
    )
    run("build", tmp_path)
    done = run("check", tmp_path, "--since", "HEAD")
    assert done.returncode == 3 and done.stdout.count("\n") == 1 and "A New Fault" in done.stdout
    for wrong in ("nothing", "--help"):
        assert run("check", tmp_path, f"--since={wrong}").returncode == 2
    lines = (tmp_path / "README.md").read_text().split("\n")
    moved = [*lines[:1], "", "Some words in front.", *(line for line in lines[1:] if "Old Fault" not in line)]
    old = next(line for line in lines if "Old Fault" in line)
    (tmp_path / "README.md").write_text("\n".join([*moved, "", "## Elsewhere", "", old, ""]))
    run("build", tmp_path)
    done = run("check", tmp_path, "--since", "HEAD", "--markdown")
    assert done.stdout.count("\n") == 1 and done.stdout.startswith("- [ ] `README.md:") and "A New Fault" in done.stdout


def test_against_a_revision_that_had_no_list_everything_is_new(tmp_path: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    survey = tmp_path / "survey"
    for text in ("# Nothing yet\n", None):
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        if text is not None:
            survey.mkdir()
            (survey / "README.md").write_text(text)
        else:
            (survey / "README.md").unlink()
            (tmp_path / "x").write_text("x")
        subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run(["git", *who, "commit", "-qm", "x"], cwd=tmp_path, check=True)
    survey.mkdir(exist_ok=True)
    folder(survey, list=f"{LIST}- [An Old Fault](https://arxiv.org/abs/2101.00003). ICML 2021\n")
    run("build", survey)
    for since, says in (("HEAD", ""), ("HEAD~1", "cannot be built")):
        done = run("check", survey, "--since", since)
        assert done.returncode == 3 and "An Old Fault" in done.stdout and says in done.stderr, done.stderr


def test_a_bibliography_beside_it_is_read_by_the_folder_s_own_tables_and_in_any_encoding(tmp_path: Path) -> None:
    folder(tmp_path, settings="mappings: tables\n")
    (tmp_path / "tables").mkdir()
    kinds = (ROOT / "mappings" / "kinds.yaml").read_text(encoding="utf-8")
    (tmp_path / "tables" / "kinds.yaml").write_text(
        kinds.replace("csl: thesis,", "csl: [thesis, opus],"), encoding="utf-8"
    )
    (tmp_path / "theirs.json").write_text('[{"id": "x1", "type": "opus", "title": "A Work on Nets"}]', encoding="utf-8")
    (tmp_path / "old.bib").write_bytes(b"@book{x2, title={A Work on Nets}, author={Andr\xe9}}\n")
    both = ("--also", tmp_path / "theirs.json", "--also", tmp_path / "old.bib")
    done = run("check", tmp_path, "--json", *both)
    assert done.returncode == 3, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["where"] for one in found if one["check"] == "work-twice"] == ["theirs.json", "old.bib"]


def test_an_export_that_is_named_twice(tmp_path: Path) -> None:
    folder(tmp_path, settings="exports: [a.bib, A.bib]\n")
    done = run("build", tmp_path)
    assert done.returncode == 1 and "`exports` names 'A.bib' twice" in done.stderr
