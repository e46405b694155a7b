"""The example's exports in the programs that people use: no error, no entry lost, and the paper compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import rispy

from tests.conftest import EXAMPLE, ROOT

ENTRIES = 145


def needed(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, errors="replace", check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout + result.stderr


@pytest.mark.parametrize("style", ["plain", "IEEEtran"])
def test_bibtex_takes_every_entry(tmp_path: Path, style: str) -> None:
    needed("bibtex", "kpsewhich")
    if not subprocess.run(["kpsewhich", f"{style}.bst"], capture_output=True, check=False).stdout:
        pytest.skip(f"{style}.bst is not installed")
    shutil.copy(EXAMPLE / "references.bib", tmp_path)
    (tmp_path / "all.aux").write_text(f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{references}}\n")
    said = run("bibtex", "all", cwd=tmp_path)
    # The list does not give every author and year: a style may say so, and nothing else.
    warnings = [
        line
        for line in said.splitlines()
        if "arning" in line and not re.search(r"--empty (?:author|year)|\(There were", line)
    ]
    assert not warnings and "rror" not in said
    assert (tmp_path / "all.bbl").read_text(encoding="utf-8", errors="replace").count("\\bibitem{") == ENTRIES


def test_pandoc_cites_every_entry(tmp_path: Path) -> None:
    needed("pandoc")
    (tmp_path / "all.md").write_text("---\nnocite: '@*'\n---\n")
    out = run(
        "pandoc",
        "--citeproc",
        f"--bibliography={EXAMPLE / 'references.json'}",
        "all.md",
        "-t",
        "html",
        "--wrap=none",
        cwd=tmp_path,
    )
    assert out.count('class="csl-entry"') == ENTRIES
    assert "Are Sixteen Heads Really Better Than One?" in out


def test_rispy_reads_every_entry() -> None:
    with (EXAMPLE / "references.ris").open(encoding="utf-8") as file:
        records = rispy.load(file)
    assert len(records) == ENTRIES
    assert all(record["title"] and record["id"] for record in records)


def test_bibutils_reads_every_entry(tmp_path: Path) -> None:
    needed("ris2xml")
    assert run("ris2xml", EXAMPLE / "references.ris", cwd=tmp_path).count("<mods ID=") == ENTRIES


def test_the_paper_compiles_with_every_citation_resolved(tmp_path: Path) -> None:
    needed("pdflatex", "bibtex", "kpsewhich")
    if not subprocess.run(["kpsewhich", "lmodern.sty"], capture_output=True, check=False).stdout:
        pytest.skip("lmodern is not installed")
    (tmp_path / "efficient-ai").mkdir()
    (tmp_path / "latex").mkdir()
    shutil.copy(EXAMPLE / "references.bib", tmp_path / "efficient-ai")
    shutil.copy(ROOT / "examples" / "latex" / "paper.tex", tmp_path / "latex")
    folder = tmp_path / "latex"
    for command in (["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"], ["bibtex", "paper"]) * 2:
        run(*command, cwd=folder)
    log = run("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper", cwd=folder)
    assert "undefined" not in log and (folder / "paper.pdf").stat().st_size > 10_000
