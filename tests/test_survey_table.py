"""The table of a survey in LaTeX: it is a paper by itself and a part of one, whatever the list says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from refsync import formats
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.model import Catalog
from tests.conftest import EXAMPLE
from tests.test_example import run as refsync
from tests.test_example_exports import needed, run
from tests.test_formats import KINDS, NASTY

TABLE = formats.named("survey-table")
TABLES = Tables()


def catalog() -> Catalog:
    return catalog_file.read((EXAMPLE / "catalog.yaml").read_text(encoding="utf-8"), "catalog.yaml")[0]


def test_every_entry_stands_under_each_of_its_topics(tmp_path: Path) -> None:
    result = refsync("convert", EXAMPLE / "catalog.yaml", tmp_path / "survey.tex")
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "survey.tex").read_text(encoding="utf-8")
    cited = re.findall(r"\\cite\{([^}]+)\}", text)
    assert sorted(cited) == sorted(one.key for one in catalog().entries for _ in one.topics)
    assert text.count("\\textbf{") == len({topic for one in catalog().entries for topic in one.topics})
    assert refsync("convert", EXAMPLE / "catalog.yaml", tmp_path / "survey.tex").returncode == 0, "it is refsync's own"


def test_a_paper_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "survey.tex").write_text("\\documentclass{article}\n", encoding="utf-8")
    assert refsync("convert", EXAMPLE / "catalog.yaml", tmp_path / "survey.tex").returncode == 4


@pytest.mark.parametrize("program", ["pdflatex", "lualatex"])
@pytest.mark.parametrize("one", [catalog(), KINDS, NASTY], ids=["example", "kinds", "nasty"])
def test_it_compiles_by_itself(program: str, one: Catalog, tmp_path: Path) -> None:
    needed(program, "bibtex")
    (tmp_path / "survey.tex").write_text(TABLE.write(one, TABLES).text, encoding="utf-8")
    (tmp_path / "references.bib").write_text(formats.named("bibtex").write(one, TABLES).text, encoding="utf-8")
    if (program, one.id) == ("pdflatex", NASTY.id):
        (tmp_path / "references.bib").unlink()  # it holds what pdflatex cannot set, as `check` says
    once = [program, "-interaction=nonstopmode", "-halt-on-error", "survey"]
    run(*once, cwd=tmp_path)
    if not (tmp_path / "references.bib").exists():
        return
    run("bibtex", "survey", cwd=tmp_path)
    run(*once, cwd=tmp_path)
    log = run(*once, cwd=tmp_path)
    assert "undefined" not in log, [line for line in log.splitlines() if "undefined" in line]


@pytest.mark.parametrize("program", ["pdflatex", "lualatex"])
def test_a_paper_takes_it_in(program: str, tmp_path: Path) -> None:
    needed(program, "bibtex")
    (tmp_path / "survey.tex").write_text(TABLE.write(catalog(), TABLES).text, encoding="utf-8")
    shutil.copy(EXAMPLE / "references.bib", tmp_path)
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{longtable,booktabs,array}\n\\begin{document}\nBefore.\n\\input{survey}\n"
        "After.\n\\bibliographystyle{plain}\n\\bibliography{references}\n\\end{document}\n",
        encoding="utf-8",
    )
    for command in ([program, "-interaction=nonstopmode", "-halt-on-error", "paper"], ["bibtex", "paper"]) * 2:
        run(*command, cwd=tmp_path)
    log = run(program, "-interaction=nonstopmode", "-halt-on-error", "paper", cwd=tmp_path)
    assert "undefined" not in log
    if shutil.which("pdftotext"):
        assert (
            "After."
            in subprocess.run(
                ["pdftotext", "paper.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True
            ).stdout
        )
