"""`refsync convert`: any format into any other, only what is asked for, and never over another's file."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from refsync import convert, formats, selection
from refsync.formats.options import Options
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Topic
from tests.conftest import EXAMPLE
from tests.test_example import run
from tests.test_formats import KINDS

TABLES = Tables()
READABLE = [one for one in formats.FORMATS if one.is_read]
LIST = "# Papers\n\n## Nets\n\n- [B Work on Nets](https://arxiv.org/abs/2101.00001). Ann Lee, Bo Kim. ICML 2021\n"
LIST += "- [A Work on Trees](https://arxiv.org/abs/2101.00002). Cy Roe. In *Nature*, 2021\n"


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(READABLE, 2)), ids=lambda one: one.name)
def test_every_format_becomes_every_other(first: formats.Format, second: formats.Format) -> None:
    text = convert.write(KINDS, first, TABLES, Options()).text
    there = convert.read(text, "x", first.name, TABLES)
    again = convert.read(convert.write(there.catalog, second, TABLES, Options()).text, "y", second.name, TABLES)
    assert sorted(one.key for one in again.catalog.entries) == sorted(one.key for one in KINDS.entries)
    assert {one.key: one.title for one in again.catalog.entries} == {one.key: one.title for one in KINDS.entries}
    assert not again.problems


def test_a_list_keeps_its_order_and_a_catalog_is_sorted(tmp_path: Path) -> None:
    (tmp_path / "list.md").write_text(LIST)
    assert run("convert", tmp_path / "list.md", tmp_path / "x.json").returncode == 0
    assert [one["title"] for one in json.loads((tmp_path / "x.json").read_text())] == [
        "B Work on Nets",
        "A Work on Trees",
    ]
    assert run("convert", tmp_path / "x.json", tmp_path / "x.yaml").returncode == 0
    keys = [line.split()[-1] for line in (tmp_path / "x.yaml").read_text().splitlines() if line.startswith("- key:")]
    assert keys == sorted(keys) and len(keys) == 2


def test_standard_input_and_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "refsync", "convert", "-", "-", "--from", "list", "--to", "bibtex"]
    done = subprocess.run(command, input=LIST, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("\n@") == 3, done.stderr  # two entries and the groups


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["list.md", "x.zip"], 2, "--to"),
        (["list.md", "x.bib", "--to", "word"], 2, "bibtex, biblatex"),
        (["list.md", "-"], 2, "--to"),
        (["none.bib", "x.json"], 1, "no such file"),
        (["list.md", "x.bib", "--omit", "absract"], 2, "abstract"),
        (["list.md", "x.bib", "--topic", "Netz"], 2, "Nets"),
        (["x.typ", "x.bib", "--from", "hayagriva"], 2, "--from"),
        (["empty.bib", "x.json"], 1, "no entries"),
        (
            ["cut.json", "x.bib"],
            1,
            "cut.json:2: holds no entries: is not valid JSON: Expecting ',' delimiter (line 2, column 1)",
        ),
        (["list.md", "nowhere/x.bib"], 1, "no folder 'nowhere'"),
        (["list.md", "theirs.bib"], 4, "not written by refsync"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    (tmp_path / "list.md").write_text(LIST)
    (tmp_path / "empty.bib").write_text("% nothing\n")
    (tmp_path / "cut.json").write_text("[1, 2\n")
    (tmp_path / "theirs.bib").write_text("@book{a, title={T}}\n")
    command = [sys.executable, "-m", "refsync", "convert", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code and says in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "x.bib").exists()
    assert (tmp_path / "theirs.bib").read_text() == "@book{a, title={T}}\n"


def test_force_overwrites_and_a_second_run_needs_none(tmp_path: Path) -> None:
    (tmp_path / "x.bib").write_text("@book{a, title={T}}\n")
    command = ("convert", EXAMPLE / "catalog.yaml", tmp_path / "x.bib")
    assert run(*command, "--force").returncode == 0
    assert run(*command).returncode == 0


def test_only_what_a_paper_cites(tmp_path: Path) -> None:
    (tmp_path / "p.tex").write_text("\\cite{zhao2022decoupled} \\cite{zhao2022decouple}\n")
    done = run("convert", EXAMPLE / "catalog.yaml", tmp_path / "x.bib", "--cited", tmp_path / "p.tex")
    assert done.returncode == 0 and (tmp_path / "x.bib").read_text().count("@inproceedings{") == 1
    assert "no entry has the key 'zhao2022decouple'. Did you mean zhao2022decoupled?" in done.stderr
    (tmp_path / "all.tex").write_text("\\nocite{*}\n")
    run("convert", EXAMPLE / "catalog.yaml", tmp_path / "y.ris", "--cited", tmp_path / "all.tex")
    assert (tmp_path / "y.ris").read_text().count("TY  - ") == 145


def test_a_file_is_not_emptied_because_nothing_is_cited(tmp_path: Path) -> None:
    (tmp_path / "p.tex").write_text("\\cite{nothing}\n")
    command = ("convert", EXAMPLE / "catalog.yaml", tmp_path / "x.bib", "--cited", tmp_path / "p.tex")
    first = run(*command)
    assert first.returncode == 0 and "none of the 145 entries is asked for" in first.stderr
    assert run(*command).returncode == 0, "a file of none may be written again"
    assert run(*command[:3]).returncode == 0
    before = (tmp_path / "x.bib").read_bytes()
    refused = run(*command)
    assert refused.returncode == 4 and "x.bib: would lose its entries" in refused.stderr
    assert (tmp_path / "x.bib").read_bytes() == before
    assert run(*command, "--force").returncode == 0 and (tmp_path / "x.bib").read_bytes() != before


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("x.json", ["--ascii"], "--ascii: has no effect on csl"),
        ("x.ris", ["--dialect", "biblatex", "--venues", "strings", "--for", "zotero"], "--dialect, --for, --venues: have no effect on ris"),
        ("x.yaml", ["--preprints", "article", "--venues", "short"], "--preprints, --venues: have no effect on catalog"),
        ("x.bib", ["--ascii", "--dialect", "biblatex", "--venues", "short"], ""),
        ("x.json", ["--for", "zotero", "--venues", "short"], ""),
    ],
)  # fmt: skip
def test_an_option_that_changes_nothing_is_told(tmp_path: Path, target: str, options: list[str], said: str) -> None:
    done = run("convert", EXAMPLE / "catalog.yaml", tmp_path / target, *options)
    assert done.returncode == 0 and said in done.stderr
    assert ("no effect" in done.stderr) == bool(said)


@pytest.mark.skipif(sys.platform == "win32", reason="a Unix shell closes the descriptor")
def test_nobody_is_there_to_take_the_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "refsync", "convert", str(EXAMPLE / "catalog.yaml"), "-", "--to", "bibtex"]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "refsync: standard output: is closed.\n"


def test_an_alias_that_a_paper_cites_gets_an_entry_of_its_own_in_bibtex() -> None:
    catalog = Catalog(id="x", title="", entries=(Entry(key="new", aliases=("old", "older"), title="T"),))
    bibtex, biblatex = (formats.named(name) for name in ("bibtex", "biblatex"))
    assert bibtex and biblatex
    text = bibtex.write(catalog, TABLES, Options(cited=frozenset({"old"}))).text
    assert "@misc{old," in text and "older" not in text
    assert [one.aliases for one in bibtex.read(text, "x", TABLES).entries] == [("old",)]
    assert "ids = {old,older}" in biblatex.write(catalog, TABLES).text


def test_topics() -> None:
    topics = (Topic(id="m", path=("Models",)), Topic(id="r", path=("Models", "RNNs")), Topic(id="d", path=("Data",)))
    entries = tuple(Entry(key=name, title=name, topics=(name,)) for name in ("m", "r", "d"))
    catalog = Catalog(id="x", title="", topics=topics, entries=entries)

    def under(topic: str) -> list[str]:
        return [one.key for one in selection.under(catalog, topic).entries]

    assert (
        under("Models") == ["m", "r"]
        and under("models > rnns") == ["r"]
        and under("RNNs") == ["r"]
        and under("d") == ["d"]
    )
    with pytest.raises(Failure, match="RNNs"):
        under("RNN")


def test_fields() -> None:
    entry = Entry(
        key="k", title="T", abstract="A", tags=("x",), ids={"doi": "10.1/2"}, links={"paper": "https://x.org"}
    )
    catalog = Catalog(id="x", title="", entries=(entry,))

    def names(**options: tuple[str, ...]) -> set[str]:
        text = formats.FORMATS[0].write(catalog, TABLES, Options(**options)).text  # type: ignore[arg-type]
        return {line.split()[0] for line in text.splitlines() if " = " in line}

    assert names() == {"title", "key", "doi", "url", "keywords"}
    assert names(omit=("doi", "keywords")) == {"title", "key", "url"}
    assert names(only=("title", "doi")) == {"title", "key", "doi"} or names(only=("title", "doi")) == {"title", "doi"}
    assert names(only=("+abstract",)) == {"title", "key", "doi", "url", "keywords", "abstract"}


def test_venues_as_macros_lie_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "list.md").write_text(LIST)
    assert run("convert", tmp_path / "list.md", tmp_path / "x.bib", "--venues", "strings").returncode == 0
    assert "booktitle = icml," in (tmp_path / "x.bib").read_text()
    full, short = ((tmp_path / name).read_text() for name in ("venues.bib", "venues-short.bib"))
    assert "@string{icml = {Proceedings of the International Conference on Machine Learning}}" in full
    assert "@string{icml = {ICML}}" in short


def test_a_file_for_zotero_holds_no_type_that_it_refuses() -> None:
    csl = formats.named("csl")
    assert csl
    items = json.loads(csl.write(KINDS, TABLES, Options(reader="zotero")).text)
    assert all(one["type"] != "software" for one in items) and any(
        one["type"] == "book" and one.get("version") for one in items
    )
    assert all(set(name) <= {"family", "given", "literal"} for one in items for name in one.get("author", []))
    back = csl.read(csl.write(KINDS, TABLES, Options(reader="zotero")).text, "x", TABLES)
    assert {one.kind for one in back.entries} >= {"software", "dataset", "preprint"}


def test_lines_in_another_encoding_are_read_and_told(tmp_path: Path) -> None:
    (tmp_path / "x.bib").write_bytes(b"@book{a,\n title={Caf\xe9}}\n@book{b, title={Z\xc3\xbcrich}}\n")
    done = run("convert", tmp_path / "x.bib", tmp_path / "x.json")
    assert done.returncode == 0 and "x.bib:2: is not valid UTF-8" in done.stderr
    assert [one["title"] for one in json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))] == ["Café", "Zürich"]


def test_keys_that_cannot_stand_in_a_bib_file_stay_apart_and_are_told() -> None:
    catalog = Catalog(id="x", title="", entries=(Entry(key="a b", title="One"), Entry(key="a-b", title="Two")))
    export = formats.FORMATS[0].write(catalog, TABLES)
    assert [one.key for one in formats.FORMATS[0].read(export.text, "x", TABLES).entries] == ["a-b", "a-b-2"]
    assert len([one for one in export.problems if one.check == "key"]) == 2


@pytest.mark.parametrize("depth", [6, 95, 500, 20000])
def test_braces_of_any_depth_cost_no_other_entry(depth: int) -> None:
    text = f"@misc{{a, title={'{' * depth}x{'}' * depth}}}\n@misc{{b, title={{ok}}}}\n"
    reading = formats.FORMATS[0].read(text, "x", TABLES)
    assert [one.key for one in reading.entries] == ["a", "b"] and reading.entries[1].title == "ok"


def test_a_doi_keeps_its_angle_brackets() -> None:
    doi = "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o"
    catalog = Catalog(id="x", title="", entries=(Entry(key="k", title="T", ids={"doi": doi}),))
    for name in ("bibtex", "biblatex", "csl", "ris"):
        known = formats.named(name)
        assert known and known.read(known.write(catalog, TABLES).text, "x", TABLES).entries[0].ids == {"doi": doi}


def test_an_initial_is_no_suffix() -> None:
    ris = formats.named("ris")
    assert ris
    (entry,) = ris.read("TY  - JOUR\nAU  - Smith, V.\nAU  - King, Martin, Jr.\nTI  - T\nER  - \n", "x", TABLES).entries
    assert [(one.family, one.given, one.suffix) for one in entry.authors] == [
        ("Smith", "V.", None),
        ("King", "Martin", "Jr."),
    ]


def test_signs_spelt_as_commands_are_text() -> None:
    (entry,) = formats.FORMATS[0].read("@misc{a, title={p {\\textless} 0.05 \\textgreater{} q}}", "x", TABLES).entries
    assert entry.title == "p < 0.05 > q"
