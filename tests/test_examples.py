"""The papers under examples/ are built as their first lines say, and every citation in them is answered."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from refsync.formats import catalog, cited
from tests.conftest import EXAMPLE, ROOT
from tests.test_example_exports import needed, run

EXAMPLES = ROOT / "examples"
PAPERS = ["latex/paper.tex", "latex/topics.tex", "markdown/paper.md", "typst/paper.typ"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the examples."""
    left = shutil.ignore_patterns("*.aux", "*.pdf", "*.log", "*.bbl")
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=left))


@pytest.mark.parametrize("name", PAPERS)
def test_every_citation_is_an_entry(name: str) -> None:
    known, _ = catalog.read((EXAMPLE / "catalog.yaml").read_text(encoding="utf-8"), "catalog.yaml")
    used = [one for one in cited.read((EXAMPLES / name).read_text(encoding="utf-8"), name) if one.key != "*"]
    assert len(used) >= 3
    assert [one for one in used if one.key not in known.by_key] == []


def test_biblatex_prints_a_section_per_topic(folder: Path) -> None:
    needed("pdflatex", "biber")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "topics"]
    run(*latex, cwd=folder / "latex")
    said = run("biber", "topics", cwd=folder / "latex")
    assert "ERROR" not in said
    run(*latex, cwd=folder / "latex")
    log = run(*latex, cwd=folder / "latex")
    assert "undefined" not in log and "Empty bibliography" not in log
    if shutil.which("pdftotext"):
        text = run("pdftotext", "topics.pdf", "-", cwd=folder / "latex")
        assert "Quantization for Vision Transformers" in text


def test_pandoc_makes_the_paper(folder: Path) -> None:
    needed("pandoc")
    said = run("pandoc", "--citeproc", "--fail-if-warnings", "paper.md", "-o", "paper.html", cwd=folder / "markdown")
    assert "not found" not in said
    text = (folder / "markdown" / "paper.html").read_text(encoding="utf-8")
    assert text.count("csl-entry") == 5 and "Swin" in text


def test_typst_makes_the_paper(folder: Path) -> None:
    typst = pytest.importorskip("typst", reason="typst is not installed")
    pdf = typst.compile(
        str(folder / "typst" / "paper.typ"), root=str(folder)
    )  # a citation without an entry is an error
    assert pdf.startswith(b"%PDF")


@pytest.mark.parametrize("is_there", [True, False])
def test_latexmkrc_rebuilds_where_refsync_is_and_is_silent_where_not(folder: Path, is_there: bool) -> None:
    needed("perl")
    references = folder / "efficient-ai" / "references.bib"
    references.unlink()
    of_refsync = str(Path(sys.executable).parent)
    others = [one for one in os.environ["PATH"].split(os.pathsep) if not (Path(one) / "refsync").exists()]
    path = os.pathsep.join([of_refsync, *others] if is_there else others)
    result = subprocess.run(
        ["perl", "latexmkrc"],
        cwd=folder / "latex",
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert references.exists() is is_there


def test_latexmk_builds_both_papers(folder: Path) -> None:
    needed("latexmk", "pdflatex", "biber")
    for paper in ("paper", "topics"):
        said = run("latexmk", "-pdf", "-interaction=nonstopmode", paper, cwd=folder / "latex")
        log = (folder / "latex" / f"{paper}.log").read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"(Citation|Reference) .* undefined", log), said[-2000:]
