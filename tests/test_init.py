"""`refsync init`: the settings that it proposes are read, fit the list, and overwrite nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from refsync import settings
from tests.test_example import run

PAPER = "\\documentclass{article}\\begin{document}\\cite{he2016deep}\\end{document}\n"


def test_a_list_becomes_settings(example: Path) -> None:
    (example / "paper").mkdir()
    (example / "paper" / "main.tex").write_text(PAPER, encoding="utf-8")
    (example / "old.bib").write_text("@misc{old, title = {Decoupled Knowledge Distillation}}\n", encoding="utf-8")
    (example / "references.bib").write_text("@misc{mine, title = {Mine}}\n", encoding="utf-8")
    result = run("init", example)
    assert result.returncode == 0 and result.stdout == "", result.stderr
    found = settings.load(example)
    assert found.title == "Awesome-Efficient-AI-for-Large-Scale-Models"
    assert found.sources == ("README.md",) and found.cited == ("paper/main.tex",)
    assert found.exports == ("list-references.bib", "references.json", "references.ris")
    assert found.keys.from_ == ("old.bib", "references.bib")
    assert "README.md: 150 entries" in (example / "refsync.yaml").read_text(encoding="utf-8")
    assert run("build", example).returncode == 0


def test_what_is_off_can_be_switched_on(example: Path) -> None:
    assert run("init", example / "README.md").returncode == 0
    text = (example / "refsync.yaml").read_text(encoding="utf-8")
    on = re.sub(r"^#(?: (?=\w+: [\[{\"\w])|(?=  - ))", "", text, flags=re.MULTILINE)
    on = re.sub(
        r"^(Read|Written|Lines|Settings|Papers|Bibliographies|Where|How|Your)\b", r"# \1", on, flags=re.MULTILINE
    )
    (example / "refsync.yaml").write_text(on, encoding="utf-8")
    found = settings.load(example)
    assert found.exports[-2:] == ("index.html", "survey.tex")
    assert found.mailto and found.dialect == "biblatex" and found.zotero.library == "user" and found.cited


def test_settings_that_there_are_stay(example: Path) -> None:
    (example / "refsync.yaml").write_text("title: Mine\n", encoding="utf-8")
    result = run("init", example)
    assert result.returncode == 4 and "there already" in result.stderr
    assert (example / "refsync.yaml").read_text(encoding="utf-8") == "title: Mine\n"


def test_dry_run_prints(example: Path) -> None:
    result = run("init", example, "--dry-run")
    assert result.returncode == 0 and "sources: [README.md]" in result.stdout
    assert [one.name for one in example.iterdir()] == ["README.md"]


@pytest.mark.parametrize("text", ["", "# Title\n\nNothing here.\n", None])
def test_where_there_is_no_list_it_says_so(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "README.md").write_text(text, encoding="utf-8")
    result = run("init", tmp_path)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "refsync.yaml").exists()


def test_a_title_of_any_marks_is_kept(tmp_path: Path) -> None:
    title = 'A: "list" #1 {of} papers, 深度 [x] - yes'
    (tmp_path / "README.md").write_text(f"# {title}\n\n- [A paper](https://arxiv.org/abs/1503.02531), 2015\n", "utf-8")
    assert run("init", tmp_path).returncode == 0
    assert "深度" in (settings.load(tmp_path).title or "")
