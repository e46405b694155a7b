"""The tables: all of ours load, a wrong one says where and what, a user's own stands before ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from refsync import formats, mapping, titles
from refsync.formats import biblatex, bibvalues, cslvalues, ris, unplaced
from refsync.mapping import Pair, Tables
from refsync.model import Entry, Failure, Venue

TABLES = Tables()
PAIRS = {
    "bibtex": bibvalues.pairs(bibvalues.Context()),
    "biblatex": biblatex.pairs(TABLES, bibvalues.Context()),
    "csl": cslvalues.pairs({}),
    "ris": ris._pairs({}),
}
PLAIN = {"text": Pair(str, str), "range": Pair(lambda one: tuple(one.split("-")), lambda a, b: f"{a}-{b}")}


def own(folder: Path, rows: str, rest: str = "") -> Tables:
    (folder / "ris.yaml").write_text(f"name: RIS\nrows:\n{rows}\n{rest}", encoding="utf-8")
    return Tables(folder)


def problem_of(tables: Tables) -> str:
    with pytest.raises(Failure) as caught:
        mapping.writer(tables.table("ris"), PLAIN)
    return str(caught.value.problem)


# ------------------------------------------------------------------------------------------------------------------
# Ours


@pytest.mark.parametrize("column", PAIRS)
def test_every_row_names_functions_that_exist_and_none_is_idle(column: str) -> None:
    table = TABLES.table(column)
    assert mapping.writer(table, PAIRS[column]) and mapping.reader(table, PAIRS[column])
    assert {row.converter for row in table.rows} == set(PAIRS[column])


@pytest.mark.parametrize("column", PAIRS)
@pytest.mark.parametrize("kind", TABLES.kinds)
def test_a_field_of_a_format_is_written_once_for_a_kind(column: str, kind: str) -> None:
    fields = [name for row in TABLES.table(column).written[kind] for name in row.fields]
    assert sorted(fields) == sorted(set(fields))


@pytest.mark.parametrize("column", PAIRS)
@pytest.mark.parametrize("kind", TABLES.kinds)
def test_every_field_of_an_entry_is_placed_left_out_or_reported(column: str, kind: str) -> None:
    entry = Entry(kind=kind, venue=Venue(name="x"))
    every = {one.name: "x" for one in dataclasses.fields(Entry) if getattr(entry, one.name) in (None, "", (), False)}
    full = dataclasses.replace(entry, **every, extra={}, ids={}, links={}, said={})
    problem = unplaced.counted(TABLES.table(column), [full], lambda kind, name: False)
    assert problem is not None and "rating (1)" in problem.what
    assert not {"title", "authors", "date", "topics", "tags"} & set(problem.what.replace("(", " ").split())


def test_kinds_are_those_of_the_contract() -> None:
    contract = """article conference-paper workshop-paper preprint book chapter thesis report dataset software web-page
        blog-post patent standard presentation document"""
    assert sorted(TABLES.kinds) == sorted(contract.split())


def test_a_name_of_several_kinds_is_read_as_the_first() -> None:
    assert TABLES.kind_of("bibtex", "misc") == "document"
    assert TABLES.kind_of("bibtex", "inproceedings") == "conference-paper"
    assert TABLES.kind_of("crossref", "posted-content") == "preprint"
    assert TABLES.kind_of("ris", "NONE") is None


def test_words_are_several_hundred_and_none_is_needless() -> None:
    assert len(TABLES.words) > 1000
    needless = [one for one in TABLES.words if one.isalpha() and any(map(str.isupper, one[1:]))]
    assert needless == []
    assert not TABLES.words & {"May", "March", "Lie", "Go", "The", "A", "Learning", "Deep"}


@pytest.mark.parametrize("fmt", formats.FORMATS, ids=lambda one: one.name)
def test_a_format_is_imported_only_when_it_is_used(fmt: formats.Format) -> None:
    assert fmt.module.startswith("refsync.formats.")


# ------------------------------------------------------------------------------------------------------------------
# Wrong ones


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("- {entyr: title, ris: TI}", "row 1: unknown key `entyr`. Did you mean `entry`?"),
        (
            "- {entry: title, ris: TI, as: txet}",
            "row 1 (`title`): `as: txet` names no pair of functions. Did you mean `text`?",
        ),
        ("- {entry: titel, ris: TI}", "row 1: an entry has no field `titel`. Did you mean `title`?"),
        ("- {entry: venue.nmae, ris: TI}", "row 1: a venue has no field `nmae`. Did you mean `name`?"),
        ("- {entry: title.x, ris: TI}", "row 1: an entry has no field `title.x`"),
        (
            "- {entry: title, ris: TI, when: {kind: artcle}}",
            "row 1: `artcle` is no kind of kinds.yaml. Did you mean `article`?",
        ),
        ("- {entry: title, ris: TI, when: {knd: article}}", "row 1: an entry has no field `knd`. Did you mean `kind`?"),
        ("- {entry: title, bibtex: title}", "row 1: unknown key `bibtex`"),
        ("- {entry: title}", "row 1: names no `ris` field"),
        ("- {entry: 7, ris: TI}", "row 1"),
        ("- title", "expected `object`, got `str`"),
    ],
)
def test_a_wrong_row_says_where_and_what(tmp_path: Path, row: str, said: str) -> None:
    found = problem_of(own(tmp_path, row))
    assert found.startswith(str(tmp_path / "ris.yaml")) and said in found


def test_a_wrong_field_that_is_left_out_says_so(tmp_path: Path) -> None:
    tables = own(tmp_path, "- {entry: title, ris: TI}", "left out:\n- {entry: aliasses, because: it is ours}")
    assert "Did you mean `aliases`?" in problem_of(tables)


# ------------------------------------------------------------------------------------------------------------------
# What a row does


def test_a_row_runs_both_ways(tmp_path: Path) -> None:
    rows = "- {entry: venue.name, ris: T2, when: {kind: [article]}}\n- {entry: pages, ris: [SP, EP], as: range}"
    table = own(tmp_path, rows).table("ris")
    write, read = mapping.writer(table, PLAIN), mapping.reader(table, PLAIN)
    entry = Entry(kind="article", venue=Venue(name="J"), pages="1-9")
    assert write(entry) == [("T2", "J"), ("SP", "1"), ("EP", "9")]
    found, rest = read("article", {"T2": "J", "SP": "1", "EP": "9", "XX": "y"})
    assert (Entry(**found), rest) == (entry, {"XX": "y"})
    assert write(dataclasses.replace(entry, kind="book")) == [("SP", "1"), ("EP", "9")]


def test_of_several_rows_for_one_field_the_first_is_written(tmp_path: Path) -> None:
    rows = "- {entry: version, ris: ET, when: {kind: software}}\n- {entry: edition, ris: ET}"
    table = own(tmp_path, rows).table("ris")
    write, entry = mapping.writer(table, PLAIN), Entry(kind="software", version="1", edition="2")
    assert write(entry) == [("ET", "1")]
    assert write(dataclasses.replace(entry, kind="book")) == [("ET", "2")]
    problem = unplaced.counted(table, [entry], lambda kind, name: False)
    assert problem is not None and problem.what.endswith("edition (1).")


def test_a_row_of_another_kind_reads_what_is_left(tmp_path: Path) -> None:
    rows = "- {entry: venue.name, ris: JF, when: {kind: article}}\n- {entry: venue.name, ris: T2, when: {kind: book}}"
    read = mapping.reader(own(tmp_path, rows).table("ris"), PLAIN)
    assert read("book", {"JF": "J"})[0]["venue"] == Venue(name="J")
    entry, rest = read("book", {"JF": "J", "T2": "B"})
    assert entry["venue"] == Venue(name="B") and rest == {"JF": "J"}


def test_when_looks_at_any_field_of_the_entry(tmp_path: Path) -> None:
    write = mapping.writer(own(tmp_path, "- {entry: title, ris: TI, when: {venue.kind: journal}}").table("ris"), PLAIN)
    assert write(Entry(title="T", venue=Venue(name="J", kind="journal"))) == [("TI", "T")]
    assert write(Entry(title="T", venue=Venue(name="J"))) == write(Entry(title="T")) == []


def test_a_field_that_is_left_out_is_read_and_not_written(tmp_path: Path) -> None:
    tables = own(tmp_path, "- {entry: note, ris: N1}", "left out:\n- {entry: note, because: it is private}")
    table = tables.table("ris")
    assert mapping.writer(table, PLAIN)(Entry(note="n")) == []
    assert mapping.reader(table, PLAIN)("book", {"N1": "n"})[0]["note"] == "n"
    assert unplaced.counted(table, [Entry(note="n")], lambda kind, name: False) is None


def test_a_users_table_stands_before_ours_and_the_others_stay(tmp_path: Path) -> None:
    tables = own(tmp_path, "- {entry: title, ris: XX}")
    text = formats.named("ris").write(mapping_catalog("T"), tables).text  # type: ignore[union-attr]
    assert "XX  - T" in text and "TI  -" not in text
    assert mapping.table_path("ris.yaml", tmp_path) == tmp_path / "ris.yaml"
    assert tables.table("csl") == TABLES.table("csl")


def mapping_catalog(title: str) -> formats.Catalog:
    return formats.Catalog(id="x", title="", entries=(Entry(key="k", title=title),))


# ------------------------------------------------------------------------------------------------------------------
# Which letters of a title keep their case


@pytest.mark.parametrize(
    ("title", "marked"),
    [
        ("BERT's GPT-3, 3D and COCO,", "[BERT]'s [GPT-3], [3D] and [COCO],"),
        ("DenseNet-Type Few-Shot U-Net", "[DenseNet]-Type Few-Shot [U-Net]"),
        ("A Study: A Survey of A* and A/B", "A Study: A Survey of [A]* and [A/B]"),
        ("Q-Learning, K-Means, X-Ray", "[Q]-Learning, [K]-Means, [X]-Ray"),
        ("What I Saw in Part II", "What [I] Saw in Part [II]"),
        ("Gaussians and Bayes's Rule", "[Gaussians] and [Bayes]'s Rule"),
        ("Lie Algebra and the Game of Go", "[Lie] Algebra and the Game of [Go]"),
        ("May Models Lie or Go?", "May Models Lie or Go?"),
        ("O'Reilly and L'Hôpital", "[O'Reilly] and [L'Hôpital]"),
        ("ATTENTION IS ALL YOU NEED", "ATTENTION IS ALL YOU NEED"),
        ("NAS", "[NAS]"),
        ("T5 and Top-5 of the 1990s", "[T5] and Top-5 of the 1990s"),
        ("深度学习 BERT 综述", "深度学习 [BERT] 综述"),
        ("", ""),
    ],
)
def test_protected(title: str, marked: str) -> None:
    runs = titles.protected(title, TABLES.words)
    assert "".join(f"[{text}]" if kept else text for text, kept in runs) == marked
    assert "".join(text for text, _ in runs) == title
