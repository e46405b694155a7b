"""Every format: what is written for a catalog, what is read from a file, and that neither loses a work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refsync import documents, formats
from refsync.formats import Format, Reading, bibfile
from refsync.formats import catalog as catalog_file
from refsync.formats.options import Options
from refsync.mapping import Tables
from refsync.model import Catalog, Date, Entry, Failure, Person, Problem, Topic, Venue
from refsync.references import line

CASES = Path(__file__).parent / "cases" / "formats"
SHARED = Path(__file__).parents[2] / "shared"
TABLES = Tables()
EXPORTS = [one for one in formats.FORMATS if one.is_read and not one.name.startswith("catalog")]
BIBTEX, BIBLATEX, CSL, RIS, HAYAGRIVA = (
    formats.named(name) for name in ("bibtex", "biblatex", "csl", "ris", "hayagriva")
)
# What is made to be looked at has tests of its own: counts and charts stand in it, not only works.
BIBLIOGRAPHIES = [one for one in formats.FORMATS if one.name not in {"html", "survey-table"}]
each_written = pytest.mark.parametrize("fmt", BIBLIOGRAPHIES, ids=lambda one: one.name)
each_format = pytest.mark.parametrize("fmt", [one for one in formats.FORMATS if one.is_read], ids=lambda one: one.name)
each_export = pytest.mark.parametrize("fmt", EXPORTS, ids=lambda one: one.name)


def expect(path: Path, text: str, accept: bool) -> None:
    """Compares with a file, which is not there when nothing is expected."""
    if accept and text:
        path.write_text(text, encoding="utf-8", newline="\n")
    elif accept:
        path.unlink(missing_ok=True)
    assert text == (path.read_text(encoding="utf-8") if path.exists() else "")


def ending(fmt: Format) -> str:
    return fmt.suffixes[0] if fmt.suffixes else f".{fmt.name}"


def catalog_of(path: Path) -> Catalog:
    return catalog_file.read(path.read_text(encoding="utf-8"), path.name)[0]


# ------------------------------------------------------------------------------------------------------------------
# Cases: a catalog and the files that are written for it; a file and the works that are read from it

WRITTEN = [
    (path, fmt)
    for fmt in BIBLIOGRAPHIES
    if not fmt.name.startswith("catalog")
    for folder in ("all", f"{fmt.name}/written")
    for path in CASES.glob(f"{folder}/*.yaml")
]
READ = [(path, fmt) for fmt in EXPORTS for path in CASES.glob(f"{fmt.name}/read/*{ending(fmt)}")]


@pytest.mark.parametrize(("path", "fmt"), sorted(WRITTEN, key=str), ids=lambda one: getattr(one, "stem", one.name))
def test_written(path: Path, fmt: Format, accept: bool) -> None:
    export = fmt.write(catalog_of(path), TABLES)
    expect(path.with_suffix(ending(fmt)), export.text, accept)
    expect(path.with_suffix(f"{ending(fmt)}.problems"), "".join(f"{one}\n" for one in export.problems), accept)


@pytest.mark.parametrize(("path", "fmt"), sorted(READ, key=str), ids=lambda one: getattr(one, "stem", one.name))
def test_read(path: Path, fmt: Format, accept: bool) -> None:
    reading = fmt.read(documents.text_of(path), path.name, TABLES)
    value = {
        "problems": [str(one) for one in reading.problems],
        "entries": [catalog_file.entry_value(one, origin=False) for one in reading.entries],
    }
    expect(path.with_suffix(".yaml"), documents.written(value), accept)


# ------------------------------------------------------------------------------------------------------------------
# What holds for every format

KINDS = catalog_of(CASES / "all" / "kinds.yaml")
NASTY = catalog_of(CASES / "all" / "nasty.yaml")
EMPTY = Catalog(id="empty", title="")


@each_format
def test_files_of_a_format_are_known_by_their_ending(fmt: Format) -> None:
    assert formats.named(fmt.name) is fmt
    assert all(formats.of_path(f"References{suffix.upper()}") is fmt for suffix in fmt.suffixes)


@each_format
@pytest.mark.parametrize("catalog", [EMPTY, KINDS, NASTY], ids=lambda one: one.id)
def test_every_work_is_written_and_read_back(fmt: Format, catalog: Catalog) -> None:
    export = fmt.write(catalog, TABLES)
    reading = fmt.read(export.text, "file", TABLES)
    assert [one.key for one in reading.entries] == [one.key for one in catalog.entries]
    assert not reading.problems
    assert sum("no place" in one.what for one in export.problems) <= 1, "one line for all that has no place"
    assert all(one.check == "no-place" for one in export.problems)
    assert export.text.endswith("\n") and "\r" not in export.text
    assert fmt.write(catalog, TABLES) == export


@each_written
@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
def test_another_entry_only_adds_lines(fmt: Format, catalog: Catalog) -> None:
    full = fmt.write(catalog, TABLES).text.splitlines()
    for left_out in range(len(catalog.entries)):
        entries = catalog.entries[:left_out] + catalog.entries[left_out + 1 :]
        remaining = iter(full)
        assert all(one in remaining for one in fmt.write(replace(catalog, entries=entries), TABLES).text.splitlines())


@each_format
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text=st.text(max_size=200) | st.text(alphabet='@{}[]",=TYERAUid -\n\\$%', max_size=120))
def test_no_text_is_a_traceback(fmt: Format, text: str) -> None:
    try:
        fmt.read(text, "file", TABLES)
    except Failure as failure:
        assert failure.problem.where.startswith("file")


@each_format
@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
def test_no_cut_or_change_of_a_file_is_a_traceback(fmt: Format, catalog: Catalog) -> None:
    text = fmt.write(catalog, TABLES).text
    for at in range(0, len(text), max(1, len(text) // 150)):
        for broken in (text[:at], text[:at] + text[at + 1 :], text[:at] + "}" + text[at:]):
            try:
                fmt.read(broken, "file", TABLES)
            except Failure as failure:
                assert failure.problem.where.startswith("file")


@each_export
def test_a_broken_record_costs_no_other(fmt: Format) -> None:
    text = fmt.write(KINDS, TABLES).text
    for at in range(200, len(text), max(1, len(text) // 60)):
        if text[at] in '{}"':
            reading = fmt.read(text[:at] + text[at + 1 :], "file", TABLES)
            assert len(reading.entries) >= len(KINDS.entries) - 2, text[at - 40 : at + 40]
            assert len(reading.entries) == len(KINDS.entries) or reading.problems


@pytest.mark.parametrize("fmt", [BIBTEX, BIBLATEX], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "person",
    [
        Person(family="de Souza e Silva", given="Ana"),
        Person(family="Souza e Silva", given="Ana", particle="de"),
        Person(family="Ortega y Gasset", given="José", suffix="Jr."),
        Person(family="hooks", given="bell"),
    ],
    ids=lambda one: one.family,
)
def test_small_words_of_a_family_name_stay_in_it(fmt: Format, person: Person) -> None:
    text = fmt.write(Catalog(id="x", title="", entries=(Entry(key="a", authors=(person,)),)), TABLES).text
    assert fmt.read(text, "x", TABLES).entries[0].authors == (person,), text


@pytest.mark.parametrize("fmt", [BIBTEX, BIBLATEX, CSL], ids=lambda one: one.name)
def test_a_range_comes_back_unless_the_date_has_changed_since(fmt: Format) -> None:
    kept = Entry(
        key="a", kind="article", title="T", date=Date(year=2019, month=5, day=3), extra={"date": "2019-05-03/2020"}
    )
    (back,) = fmt.read(fmt.write(Catalog(id="x", title="", entries=(kept,)), TABLES).text, "x", TABLES).entries
    assert back == kept
    changed = replace(kept, date=Date(year=2021))
    (back,) = fmt.read(fmt.write(Catalog(id="x", title="", entries=(changed,)), TABLES).text, "x", TABLES).entries
    assert back == replace(changed, extra={})


def test_a_group_that_loses_its_comma_is_told() -> None:
    work = Entry(key="a", title="T", authors=(Person(literal="Smith, Inc."),))
    export = RIS.write(Catalog(id="x", title="", entries=(work,)), TABLES)
    assert "AU  - Smith Inc.\n" in export.text
    assert ["'Smith, Inc.' is written without" in one.what for one in export.problems] == [True]


def test_what_has_no_place_is_counted_once() -> None:
    entries = (Entry(key="a", rating="5", links={"code": "x"}), Entry(key="b", rating="4", aliases=("c",), comment="y"))
    (problem,) = RIS.write(Catalog(id="x", title="", entries=entries), TABLES).problems
    assert problem.what == "3 fields of 2 entries have no place in RIS: rating (2), links.code (1)."


@each_export
@pytest.mark.parametrize("ids", [{}, {"arxiv": "2101.00001"}], ids=["", "of-arxiv"])
@pytest.mark.parametrize("kind", sorted(TABLES.kinds))
def test_a_kind_is_read_back(fmt: Format, kind: str, ids: dict[str, str]) -> None:
    work = Entry(key="k", kind=kind, title="T", venue=Venue(name="V"), ids=ids, links={"paper": "https://x.org/y"})
    (back,) = fmt.read(fmt.write(Catalog(id="x", title="", entries=(work,)), TABLES).text, "x", TABLES).entries
    # CSL and RIS have no workshops; in .bib files an arXiv id makes a preprint of what is vague.
    vague = {"document", "web-page"} if ids and fmt in {BIBTEX, BIBLATEX} else set()
    other = (
        {"workshop-paper": "conference-paper"} if fmt not in {BIBTEX, BIBLATEX} else dict.fromkeys(vague, "preprint")
    )
    assert back.kind in {kind, other.get(kind)}


@each_written
def test_authors_that_are_not_all_named_are_not_passed_over(fmt: Format) -> None:
    some, all_, unknown = (
        Catalog(id="x", title="", entries=(Entry(key="a", authors=(Person(family="Lee"),), authors_complete=known),))
        for known in (False, True, None)
    )
    told = fmt.write(some, TABLES).problems
    assert fmt.write(all_, TABLES).problems == fmt.write(unknown, TABLES).problems == ()
    if fmt.is_read and not told:
        assert fmt.read(fmt.write(some, TABLES).text, "x", TABLES).entries[0].authors_complete is False
    else:
        assert "1 field of 1 entry has no place" in told[0].what and "authors_complete (1)" in told[0].what


@pytest.mark.parametrize("field", [" a = ", "a = {x}, ", "\n a = \n"])
def test_an_entry_of_many_thousand_fields_takes_no_seconds(field: str) -> None:
    problems: list[Problem] = []
    text = f"@misc{{k, title = {{T}}, {field * 50000}}}\n@misc{{b, title = {{ok}}}}\n"
    found = bibfile.records(text, "x", problems)
    assert [one.key for one in found] == ["k", "b"] and found[0].fields["title"] == "T"
    assert ["more fields than any work" in one.what for one in problems] == [True]


def test_a_heading_with_an_at_sign_stays_a_group_and_no_entry() -> None:
    topics = (Topic(id="t1", path=("A @ b", "@c")),)
    work = Entry(key="a", title="T", topics=("t1",), tags=("d@e",))
    text = BIBTEX.write(Catalog(id="x", title="", topics=topics, entries=(work,)), TABLES).text
    assert_balanced(text)
    reading = BIBTEX.read(text, "x", TABLES)
    assert [one.path for one in reading.topics] == [("A @ b", "@c")] and len(reading.entries[0].topics) == 1
    assert reading.entries[0].tags == ("d@e",)


# ------------------------------------------------------------------------------------------------------------------
# The quick reading of .bib entries against bibtexparser, which reads what is not written in the usual way

BIB_FILES = sorted(CASES.rglob("*.bib")) + sorted(CASES.rglob("*.biblatex"))


@pytest.mark.parametrize("path", BIB_FILES, ids=lambda one: f"{one.parent.name}-{one.name}")
def test_the_quick_reading_is_that_of_bibtexparser(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = documents.text_of(path)
    quick: list[Problem] = []
    found = bibfile.records(text, path.name, quick)
    assert found
    monkeypatch.setattr(bibfile, "_usual", lambda *given: None)
    slow: list[Problem] = []
    assert bibfile.records(text, path.name, slow) == found
    assert slow == quick


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(value=st.text(alphabet='{}"\\ax,=#%~@\n 1', max_size=25))
def test_no_value_is_read_otherwise_for_being_read_quickly(value: str) -> None:
    text = f'@book{{k,\n  title = {{{value}}},\n  note = "{value}",\n}}\n'
    quick: list[Problem] = []
    found = bibfile.records(text, "x", quick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bibfile, "_usual", lambda *given: None)
        slow: list[Problem] = []
        assert bibfile.records(text, "x", slow) == found
    assert slow == quick


# ------------------------------------------------------------------------------------------------------------------
# Properties

# Single marks, and pieces of text that would open or close a record of some format.
WORDS = [
    "and",
    "BERT",
    "x",
    "A",
    "É",
    "ß",
    "中",
    "🤗",
    "50%",
    "$x$",
    "$O(N)$",
    "$\\alpha$",
    "\\input{x}",
    "\\\\",
    "\\&",
]
BREAKS = ["\n", "\u00ad", "  ", "ER  - ", "\nER  - \n\nTY  - BOOK\n", "},\n}\n@book{x,", '"}, {"id": "x"']
PIECES = st.sampled_from([*'{}\\$%&#_~^"@,;:<>|=()[]*+/!? -', *WORDS, *BREAKS])
ANY_TEXT = st.lists(PIECES | st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map("".join)
# What TeX takes for a space cannot come back as it was.
LIGATURES = re.compile(r"[\u2000-\u200f\u2028-\u202f]")
TEXT = ANY_TEXT.map(line).filter(lambda one: one and not LIGATURES.search(one))
WORD = st.from_regex(r"[A-ZÀÉÖ][a-zéöñ]{1,8}(?:[-'][A-Z][a-z]{1,5})?", fullmatch=True).filter(
    lambda one: one.lower() not in {"and", "others", "jr", "sr", "ii", "iii", "iv", "vi"}
)
PERSON = st.builds(
    Person,
    family=WORD,
    given=st.lists(WORD | st.sampled_from(["J.", "K. L."]), min_size=1, max_size=2).map(" ".join),
    particle=st.none() | st.sampled_from(["van den", "de", "von der"]),
    suffix=st.none() | st.just("Jr."),
) | st.builds(Person, literal=st.lists(WORD, min_size=2, max_size=3).map(" and ".join))
DATE = st.builds(Date, year=st.integers(1500, 2100)) | st.builds(
    Date, year=st.integers(1500, 2100), month=st.integers(1, 12), day=st.none() | st.integers(1, 28)
)
NUMBER = st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True)


@st.composite
def works(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(sorted(TABLES.kinds)))
    publisher = draw(st.none() | TEXT)
    name = draw(TEXT)
    if kind in {"book", "thesis", "report", "dataset", "software", "standard"}:
        publisher = name
    return Entry(
        key="key",
        kind=kind,
        title=draw(TEXT),
        authors=tuple(draw(st.lists(PERSON, max_size=3))),
        editors=tuple(draw(st.lists(PERSON, max_size=2))),
        date=draw(DATE | st.just("in press")),
        venue=draw(st.just(Venue(name=name, publisher=publisher, series=draw(TEXT), place=draw(TEXT)))),
        volume=draw(st.none() | NUMBER),
        number=draw(st.none() | NUMBER),
        pages=draw(st.none() | NUMBER | st.tuples(NUMBER, NUMBER).map("-".join)),
        edition=draw(st.none() | NUMBER),
        genre=draw(st.none() | TEXT),
        version=draw(st.none() | NUMBER),
        accessed=draw(st.none() | DATE),
        language=draw(st.none() | st.sampled_from(["en", "de"])),
        ids=draw(st.sampled_from([{}, {"doi": "10.1145/1_2.3"}, {"arxiv": "1503.02531"}])),
        links={"paper": "https://example.org/a_b?c=d&e=%20f#g"},
        tags=tuple(draw(st.lists(WORD, max_size=3, unique=True))),
        extra=draw(st.just({}) | st.fixed_dictionaries({"annote": TEXT, "C1": TEXT})),
    )


PLAIN_FIELDS = (
    "authors",
    "editors",
    "date",
    "volume",
    "number",
    "pages",
    "edition",
    "genre",
    "version",
    "accessed",
    "language",
)


@each_export
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(work=works())
def test_a_work_comes_back_with_all_that_has_a_place(fmt: Format, work: Entry) -> None:
    export = fmt.write(Catalog(id="x", title="", entries=(work,)), TABLES)
    reading = fmt.read(export.text, "file", TABLES)
    assert not reading.problems, export.text
    (back,) = reading.entries
    lost = re.findall(r"([\w.-]+) \(1\)", export.problems[0].what) if export.problems else []
    assert work.venue and back.key == work.key
    assert back.title == work.title, export.text
    assert set(back.tags) == set(work.tags)
    assert back.links["paper"] == work.links["paper"]
    assert back.ids.items() >= work.ids.items()
    assert all(f"extra.{name}" in lost or back.extra.get(name) == value for name, value in work.extra.items())
    for name in PLAIN_FIELDS:
        assert name in lost or getattr(back, name) == getattr(work, name), (name, export.text)
    for name in ("name", "publisher", "series", "place"):
        found = getattr(back.venue, name) if back.venue else None
        assert f"venue.{name}" in lost or found == getattr(work.venue, name) or work.kind == "preprint", export.text


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(title=ANY_TEXT, name=ANY_TEXT, url=ANY_TEXT, key=ANY_TEXT)
@each_export
def test_no_value_leaves_its_record(fmt: Format, title: str, name: str, url: str, key: str) -> None:
    people = (Person(literal=name), Person(family=name, given=name), Person(family=name))
    topics = (Topic(id="t", path=(title, name)),)
    venue = Venue(name=name, series=title)
    first = Entry(
        key=key, title=title, authors=people, venue=venue, links={"paper": url}, topics=("t",), tags=(name,), date=title
    )
    catalog = Catalog(id="x", title="", topics=topics, entries=(first, Entry(key="last", title="Last")))
    text = fmt.write(catalog, TABLES).text
    reading = fmt.read(text, "file", TABLES)
    assert len(reading.entries) == 2 and reading.entries[1] == Entry(key="last", title="Last"), text
    assert text.count("\n") == len(text.splitlines()) or fmt is not RIS
    if fmt is BIBTEX:
        assert_balanced(text)
    text.encode()


def assert_balanced(text: str) -> None:
    """Braces balance, an entry's last one stands alone, and no `@` stands outside an entry but its own."""
    depth = 0
    for at, mark in enumerate(text):
        assert mark != "@" or depth or text[at - 1] == "\n", text[at : at + 40]
        depth += (mark == "{") - (mark == "}")
        assert depth >= 0
    assert depth == 0


IN_ASCII = [
    "H₂O₂, x₁₂ and CO₂⁺", "x² + y³", "It’s an ‘odd’ “quote”, ’tis O’Neill", "naïve Ångström œuvre Łđ ß þ ð Æ ı", "Việt Nguyễn ş ţ ă",
    "5 × 4 − 3 ± 2 ≤ 8 ≥ ∞ → ← α-β ∈ ℓ₁", "1990–2000 — and on…", "€ £ ¥ § © ® ™ ° µ", "a ~ b ^ c", "¿qué? ¡hola!",
]  # fmt: skip
AS_TYPED = ["a--b, option --foo and ---", "``tick'' and it''s", "?`x !`y", "-----"]


@pytest.mark.parametrize("title", IN_ASCII + AS_TYPED)
def test_text_in_ascii_is_read_back_as_it_was(title: str) -> None:
    work = Entry(key="k", title=title, authors=(Person(family=title.split()[0].strip(",?"), given="Zoë"),))
    for ascii in (True, False):
        export = BIBTEX.write(Catalog(id="x", title="", entries=(work,)), TABLES, Options(ascii=ascii))
        assert export.text.isascii() or not ascii
        assert not export.problems
        (back,) = BIBTEX.read(export.text, "file", TABLES).entries
        assert back.title == title and back.authors == work.authors, export.text


def test_what_ascii_cannot_spell_is_told() -> None:
    export = BIBTEX.write(
        Catalog(id="x", title="", entries=(Entry(key="k", title="ﬁne Ħ 中"),)), TABLES, Options(ascii=True)
    )
    assert "title = {fine {Ħ} 中}" in export.text
    assert [one.what for one in export.problems] == [
        "ﬁ cannot be spelt in ASCII but by letters that print alike.",
        "2 characters have no spelling in ASCII and stay as they are: Ħ中",
    ]


# ------------------------------------------------------------------------------------------------------------------
# What other programs make of the files


def run(folder: Path, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8", timeout=120
    )


def bibliography(folder: Path, catalog: Catalog, style: str) -> tuple[str, str]:
    """What bibtex says of a catalog's .bib file, and the bibliography that it makes."""
    (folder / "x.bib").write_text(BIBTEX.write(catalog, TABLES).text, encoding="utf-8")
    (folder / "x.aux").write_text(f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{x}}\n")
    done = run(folder, "bibtex", "x")
    if "couldn't open style file" in done.stdout:
        pytest.skip(f"{style}.bst is not installed")
    assert done.returncode == 0, done.stdout
    return (folder / "x.blg").read_text(encoding="latin-1"), (folder / "x.bbl").read_text(encoding="utf-8")


# What bibtex says of fields that a list does not state; and of @patent, which only some styles know.
MISSING = re.compile(
    r"Warning--(?:empty|missing|to sort, need|there's a number but no (?:volume|series)|can't use both)"
)
UNKNOWN_TYPE = re.compile(r'Warning--entry type for "n-patent" isn\'t style-file defined')


@pytest.mark.parametrize("style", ["plain", "IEEEtran"])
@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
def test_bibtex_takes_every_entry(tmp_path: Path, catalog: Catalog, style: str) -> None:
    log, made = bibliography(tmp_path, catalog, style)
    warnings = [one for one in log.splitlines() if one.startswith("Warning--")]
    assert [one for one in warnings if not MISSING.match(one) and not UNKNOWN_TYPE.match(one)] == []
    assert "error" not in log.lower()
    assert made.count("\\bibitem") == len(catalog.entries)


def test_latex_sets_the_bibliography(tmp_path: Path) -> None:
    _, made = bibliography(tmp_path, KINDS, "plain")
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{url}\\begin{document}\n"
    (tmp_path / "y.tex").write_text(f"{head}{made}\n\\end{{document}}\n", encoding="utf-8")
    done = run(tmp_path, "pdflatex", "-interaction=nonstopmode", "y.tex")
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_style_in_sentence_case_prints_titles_right(tmp_path: Path) -> None:
    wanted = documents.parsed(
        (CASES / "bibtex" / "sentence-case.yaml").read_text(encoding="utf-8"), "sentence-case.yaml"
    )
    entries = tuple(Entry(key=f"k{at:03}", title=title) for at, title in enumerate(wanted))
    _, made = bibliography(tmp_path, Catalog(id="x", title="", entries=entries), "plain")
    found = dict(re.findall(r"\\bibitem\{k(\d+)\}\s*(.*?)\.\s*\n\n", made, re.DOTALL))
    printed = [" ".join(found[f"{at:03}"].replace("{", "").replace("}", "").split()) for at in range(len(wanted))]
    assert printed == list(wanted.values())


def test_biber_takes_every_entry(tmp_path: Path) -> None:
    (tmp_path / "x.bib").write_text(BIBTEX.write(NASTY, TABLES).text, encoding="utf-8")
    done = run(tmp_path, "biber", "--tool", "--output-file=y.bib", "x.bib")
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    written = (tmp_path / "y.bib").read_text(encoding="utf-8")
    assert len(re.findall(r"^@(?!comment)", written, re.MULTILINE | re.IGNORECASE)) == len(NASTY.entries)


@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
@each_export
def test_pandoc_cites_every_entry(tmp_path: Path, catalog: Catalog, fmt: Format) -> None:
    if fmt is RIS:
        pytest.skip("pandoc reads RIS only since version 3")
    name = {"csl": "x.json", "csl-yaml": "x.yaml"}.get(fmt.name, "x.bib")
    (tmp_path / name).write_text(fmt.write(catalog, TABLES).text, encoding="utf-8")
    head = f"---\nbibliography: {name}\nnocite: '@*'\n---\n"
    done = run(tmp_path, "pandoc", "--citeproc", "-f", "markdown", "-t", "html", text=head)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r'id="ref-', done.stdout)) == len(catalog.entries), done.stdout


@pytest.mark.parametrize("catalog", [EMPTY, KINDS, NASTY], ids=lambda one: one.id)
def test_csl_is_valid_by_its_schema(catalog: Catalog) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = SHARED / "export" / "csl-data.json"
    if not schema.exists():
        pytest.skip("csl-data.json is not beside the checkout")
    jsonschema.validate(json.loads(CSL.write(catalog, TABLES).text), json.loads(schema.read_text()))


@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
def test_rispy_reads_every_record(catalog: Catalog) -> None:
    rispy = pytest.importorskip("rispy")
    found = rispy.loads(RIS.write(catalog, TABLES).text)
    assert [one["id"] for one in found] == [one.key for one in catalog.entries]
    assert [one["title"] for one in found] == [line(one.title) for one in catalog.entries]


@pytest.mark.parametrize("catalog", [KINDS, NASTY], ids=lambda one: one.id)
def test_bibutils_reads_every_record(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "x.ris").write_text(RIS.write(catalog, TABLES).text, encoding="utf-8")
    done = run(tmp_path, "ris2xml", "x.ris")
    assert done.returncode == 0 and done.stdout.count("<mods ") == len(catalog.entries), done.stderr


def test_reading_is_a_value() -> None:
    assert Reading(entries=()) == BIBTEX.read("", "file", TABLES)
