"""What a person knows better: every field, by every name, and what stays so in the builds that follow.

The command line runs in a folder that was built before the correction is made, as a person would do it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refsync import corrections, documents
from refsync.build import build
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog, Date, Entry, Person, Venue
from tests.test_bad_input import OUTPUTS, Ran, bytes_of, inside, put, run

LIST = """\
# A small list

## Models

- Jane Smith, John Doe. Graph Engines for Very Large Models. CVPR 2021
- Ann Bee and Carl Dee. [Sparse Attention in Long Documents](https://arxiv.org/abs/2101.00001). ICML 2020
- Ann Bee and Carl Dee. Sparse Attention in Long Papers. ICML 2021
- Tom Elk, Una Fir. A Survey of Graphs in the Wild. CVPR 2019
- Vic Gum, Wes Hay. A Survey of Graphs in the Wild. ACL 2022

## Data

- Carol Xu. Curated Corpora of Speech and Sound. ACL 2019
"""
GRAPH, SPARSE, PAPERS, CORPORA = "smith2021graph", "bee2020sparse", "bee2021sparse", "xu2019curated"


def catalog_of(folder: Path) -> Catalog:
    return catalog_file.read(documents.text_of(folder / "catalog.yaml"), "catalog.yaml")[0]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once")
    put(folder, {"README.md": LIST})
    build(folder)
    return folder


@pytest.fixture
def built(once: Path, tmp_path: Path) -> Path:
    assert {GRAPH, SPARSE, PAPERS, CORPORA} <= {entry.key for entry in catalog_of(once).entries}
    return Path(shutil.copytree(once, tmp_path / "survey"))


def corrected(folder: Path, text: str) -> tuple[Ran, Catalog]:
    """The build with these corrections, after which a second one has nothing to do: what is right stays right."""
    put(folder, {"corrections.yaml": text})
    ran = inside("build", folder)
    assert ran.code == 0, ran.err
    assert build(folder).written.changed == (), "a second build changes something again"
    return ran, catalog_of(folder)


# Every field: what is written, where it is found in the entry, and what is found there.
FIELDS: dict[str, tuple[str, Callable[[Entry], Any], Any]] = {
    "kind": ("chapter", lambda one: one.kind, "chapter"),
    "title": ("A Better Title", lambda one: one.title, "A Better Title"),
    "aka": ("[GraphEng]", lambda one: "GraphEng" in one.aka, True),
    "authors": (
        "[Aäron van den Oord, {family: Roe, given: R.}, {literal: The Team}]",
        lambda one: [(who.given, who.particle, who.family, who.literal) for who in one.authors],
        [("Aäron", "van den", "Oord", None), ("R.", None, "Roe", None), (None, None, None, "The Team")],
    ),
    "authors_complete": ("false", lambda one: one.authors_complete, False),
    "editors": ("[Eve Ditor]", lambda one: one.editors, (Person(family="Ditor", given="Eve"),)),
    "date": ("2022-03-04", lambda one: one.date, Date(year=2022, month=3, day=4)),
    "venue": (
        "{name: My Meeting, short: MM, publisher: Me, place: Home}",
        lambda one: one.venue,
        Venue(name="My Meeting", short="MM", publisher="Me", place="Home"),
    ),
    "volume": ("12", lambda one: one.volume, "12"),
    "number": ("3a", lambda one: one.number, "3a"),
    "pages": ("7", lambda one: one.pages, "7"),
    "edition": ("2", lambda one: one.edition, "2"),
    "genre": ("Demo", lambda one: one.genre, "Demo"),
    "version": ("1.5", lambda one: one.version, "1.5"),
    "accessed": ("2024-01-02", lambda one: one.accessed, Date(year=2024, month=1, day=2)),
    "abstract": (
        "'Of graphs: 100 % of {them} & \\LaTeX.'",
        lambda one: one.abstract,
        "Of graphs: 100 % of {them} & \\LaTeX.",
    ),
    "language": ("en", lambda one: one.language, "en"),
    "ids": (
        "{doi: 10.1000/x_y(1), openreview: abc}",
        lambda one: dict(one.ids),
        {"doi": "10.1000/x_y(1)", "openreview": "abc"},
    ),
    "links": ("{code: 'https://a.b/c'}", lambda one: one.links["code"], "https://a.b/c"),
    "tags": ("[one, two]", lambda one: one.tags, ("one", "two")),
    "groups": ("[Lab]", lambda one: one.groups, ("Lab",)),
    "has_code": ("true", lambda one: one.has_code, True),
    "rating": ("'5'", lambda one: one.rating, "5"),
    "comment": ("Worth it.", lambda one: one.comment, "Worth it."),
    "note": ("To appear.", lambda one: one.note, "To appear."),
    "extra": ("{shelf: B 12}", lambda one: dict(one.extra), {"shelf": "B 12"}),
}


@pytest.fixture(scope="module")
def every_field(once: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = Path(shutil.copytree(once, tmp_path_factory.mktemp("fields") / "survey"))
    lines = {name: f"  {name}: {value}" for name, (value, _, _) in FIELDS.items()}
    nickname = lines.pop("aka")
    return corrected(folder, "\n".join([f"{GRAPH}:", *lines.values(), f"{CORPORA}:", nickname, ""]))[1]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field(name: str, every_field: Catalog) -> None:
    _, found, wanted = FIELDS[name]
    entry = every_field.by_key[CORPORA if name == "aka" else GRAPH]
    assert found(entry) == wanted
    said = {label.partition(".")[0]: by.by for label, by in entry.said.items()}
    assert name == "aka" or said[name] == "corrections"


def test_no_field_is_missing_from_the_table() -> None:
    assert set(FIELDS) == set(corrections.Fix.__struct_fields__) - {"key", "hide", "keep"}


def test_corrections_touch_nothing_else(every_field: Catalog, once: Path) -> None:
    def others(catalog: Catalog) -> list[Entry]:
        return [entry for entry in catalog.entries if entry.key not in {GRAPH, CORPORA}]

    assert others(every_field) == others(catalog_of(once))


def test_a_correction_taken_back_leaves_no_trace(built: Path, once: Path) -> None:
    corrected(
        built, f"{GRAPH}: {{title: Another Title, date: 2001, pages: 1-2, ids: {{doi: 10.1000/x}}, authors: [A. B]}}\n"
    )
    (built / "corrections.yaml").unlink()
    build(built)
    assert {name: bytes_of(built)[name] for name in OUTPUTS} == {name: bytes_of(once)[name] for name in OUTPUTS}


NAMES = {
    "key": GRAPH,
    "key in other case": GRAPH.upper(),
    "title": "Graph Engines for Very Large Models",
    "title as typed by hand": "'graph engines,  for very LARGE models.'",
}


@pytest.mark.parametrize("how", NAMES)
def test_an_entry_is_named_by(how: str, built: Path) -> None:
    ran, catalog = corrected(built, f"{NAMES[how]}: {{note: found}}\n")
    assert {entry.key: entry.note for entry in catalog.entries if entry.note} == {GRAPH: "found"}
    assert "matches no entry" not in ran.err


def test_a_new_key_leaves_the_old_one_as_an_alias_which_still_names_it(built: Path) -> None:
    _, catalog = corrected(built, f"{GRAPH}: {{key: Engines:2021}}\n")
    assert catalog.by_key[GRAPH].key == "Engines:2021"
    assert catalog.by_key["Engines:2021"].aliases == (GRAPH,)
    _, catalog = corrected(built, f"{GRAPH}: {{note: by alias}}\n")
    assert (catalog.by_key[GRAPH].key, catalog.by_key[GRAPH].note) == ("Engines:2021", "by alias")
    # And back again: nobody's citation breaks.
    _, catalog = corrected(built, f"Engines:2021: {{key: {GRAPH}}}\n")
    assert (catalog.by_key["Engines:2021"].key, catalog.by_key[GRAPH].aliases) == (GRAPH, ("Engines:2021",))


@pytest.mark.parametrize("taken", [CORPORA, CORPORA.upper()])
def test_a_key_of_another_entry_is_not_taken_from_it(taken: str, built: Path) -> None:
    ran, catalog = corrected(built, f"{GRAPH}: {{key: {taken}}}\n")
    assert catalog.by_key[GRAPH].key == GRAPH
    assert catalog.by_key[CORPORA].title == "Curated Corpora of Speech and Sound"
    assert f"the key {taken!r} belongs to another entry" in ran.err


def test_what_is_hidden_keeps_its_key_and_comes_back_with_it(built: Path, once: Path) -> None:
    _, catalog = corrected(built, f"{GRAPH}: {{hide: true}}\n")
    assert GRAPH not in catalog.by_key
    assert catalog.retired[GRAPH].title == "Graph Engines for Very Large Models"
    assert not any(GRAPH.encode() in bytes_of(built)[name] for name in OUTPUTS[1:])
    # Another work that would be given the key, were it free.
    put(built, {"README.md": LIST + "- Jim Smith, Kit Low. Graph Wonders of the World. ACL 2021\n"})
    _, catalog = corrected(built, f"{GRAPH}: {{hide: true}}\n")
    assert [entry.key for entry in catalog.entries if entry.title == "Graph Wonders of the World"] == [f"{GRAPH}b"]
    (built / "corrections.yaml").unlink()
    put(built, {"README.md": LIST})
    build(built)
    after, before = catalog_of(built), catalog_of(once)
    assert after.entries == before.entries


def test_what_is_hidden_says_no_more_that_its_correction_matches_nothing(built: Path) -> None:
    """The second build finds the entry hidden already; the line in corrections.yaml has its effect all the same."""
    corrected(built, f"{GRAPH}: {{hide: true}}\n")
    ran = inside("check", built)
    assert "matches no entry" not in ran.out, ran.out


KEEP = {"by key": GRAPH, "by title": "Graph Engines for Very Large Models"}


@pytest.mark.parametrize("late", [False, True], ids=["before it goes", "after it has gone"])
@pytest.mark.parametrize("how", KEEP)
def test_what_is_kept_is_exported_though_gone_from_the_list(how: str, late: bool, built: Path) -> None:
    less = "\n".join(line for line in LIST.split("\n") if "Graph Engines" not in line)
    put(built, {"README.md": less})
    if late:
        build(built)
        assert GRAPH in catalog_of(built).retired
    _, catalog = corrected(built, f"{KEEP[how]}: {{keep: true}}\n")
    assert catalog.by_key[GRAPH].title == "Graph Engines for Very Large Models"
    assert GRAPH not in catalog.retired
    assert all(GRAPH.encode() in bytes_of(built)[name] for name in OUTPUTS)
    if not late:
        assert catalog.by_key[GRAPH].authors, "what was known of it is kept too"


def test_same_joins_two_works_and_the_older_key_stays(built: Path) -> None:
    pair = f"same: [[{PAPERS}, {SPARSE}]]\n"
    _, catalog = corrected(built, pair)
    one = catalog.by_key[SPARSE]
    assert (one.key, one.aliases) == (SPARSE, (PAPERS,)), "the key that stands first in the list stays"
    assert {"Sparse Attention in Long Documents", "Sparse Attention in Long Papers"} <= {one.title, *one.aka}
    # Still so when one of the two is reworded, and when another entry comes.
    put(built, {"README.md": LIST.replace("## Data", "- Lea Nox. Towers in the Sand. ACL 2020\n\n## Data")})
    _, catalog = corrected(built, pair)
    assert (catalog.by_key[PAPERS].key, catalog.by_key[SPARSE].key) == (SPARSE, SPARSE)
    assert len(catalog.entries) == 6


def test_same_taken_back_gives_both_their_keys(built: Path) -> None:
    """A key that a paper cites is never given to another work, so the two part again as they were."""
    corrected(built, f"same: [[{PAPERS}, {SPARSE}]]\n")
    _, catalog = corrected(built, "")
    assert catalog.by_key[SPARSE].title == "Sparse Attention in Long Documents"
    assert len({entry.key for entry in catalog.entries if "Sparse" in entry.title}) == 2


def test_same_taken_back_moves_no_key_to_the_other_work(tmp_path: Path) -> None:
    """Without identifiers the titles alone tell whose key it was before the two were joined."""
    documents_, papers = "Sparse Attention in Long Documents", "Sparse Attention in Long Papers"
    lines = f"- Ann Bee and Carl Dee. {documents_}. ICML 2020\n- Ann Bee and Carl Dee. {papers}. ICML 2021\n"
    put(tmp_path, {"README.md": f"# T\n\n{lines}"})
    build(tmp_path)
    assert catalog_of(tmp_path).by_key[SPARSE].title == documents_
    corrected(tmp_path, f"same: [[{SPARSE}, {PAPERS}]]\n")
    _, catalog = corrected(tmp_path, "")
    assert catalog.by_key[SPARSE].title == documents_, "the key passed to another work"


@pytest.mark.parametrize(
    "names",
    ["[Sparse Attention in Long Papers, Sparse Attention in Long Documents]", f"['arxiv:2101.00001', {PAPERS}]"],
)
def test_same_by_title_and_by_identifier(names: str, built: Path) -> None:
    _, catalog = corrected(built, f"same: [{names}]\n")
    assert len(catalog.entries) == 5
    assert {SPARSE, PAPERS} <= catalog.by_key.keys()


def test_different_keeps_two_works_apart_and_ends_the_question(built: Path, once: Path) -> None:
    assert "the titles are equal" in inside("check", built).out
    ran, catalog = corrected(built, "different: [[elk2019survey, gum2022survey]]\n")
    assert catalog.entries == catalog_of(once).entries
    assert "the titles are equal" not in inside("check", built).out
    assert "matches no entry" not in ran.err


def test_different_does_not_tear_a_repeated_work_in_two(built: Path) -> None:
    """A work that stands in the list twice is one, whatever it is told apart from."""
    put(
        built,
        {"README.md": LIST + "\n## Again\n\n- Jane Smith, John Doe. Graph Engines for Very Large Models. CVPR 2021\n"},
    )
    _, catalog = corrected(built, f"different: [[{GRAPH}, {CORPORA}]]\n")
    assert [entry.key for entry in catalog.entries if "Graph Engines" in entry.title] == [GRAPH]
    assert len(catalog.entries) == 6


def test_same_still_holds_for_what_is_hidden(built: Path) -> None:
    """Both lines of corrections.yaml name a work that is out of sight after the first build."""
    _, catalog = corrected(built, f"same: [[{PAPERS}, {SPARSE}]]\n{PAPERS}: {{hide: true}}\n")
    assert not [entry.title for entry in catalog.entries if "Sparse" in entry.title]


def test_a_new_title_with_a_nickname_keeps_the_key(built: Path) -> None:
    """The list goes on to state the old title; the entry must be known again by it."""
    _, catalog = corrected(built, f"{GRAPH}: {{title: A Better Title, aka: GraphEng}}\n")
    assert catalog.by_key[GRAPH].title == "A Better Title"
    assert len(catalog.entries) == 6


def test_the_line_that_a_question_asks_for_answers_it(built: Path) -> None:
    """What refsync tells a person to paste has to work as it stands, both ways."""
    ran = inside("check", built)
    questions = [line for line in ran.out.splitlines() if "perhaps one work" in line and "titles are equal" in line]
    assert len(questions) == 1, ran.out
    offers = questions[0].split("`")
    same, different = (next(one for one in offers if one.startswith(word)) for word in ("same:", "different:"))
    ran, catalog = corrected(built, different + "\n")
    assert len(catalog.entries) == 6
    assert "titles are equal" not in inside("check", built).out
    ran, catalog = corrected(built, same + "\n")
    assert len(catalog.entries) == 5
    assert "titles are equal" not in inside("check", built).out
    assert "matches no entry" not in ran.err


def test_lines_pasted_twice_are_joined(built: Path) -> None:
    text = f"same: [[{SPARSE}, {PAPERS}]]\ndifferent: [[{GRAPH}, {CORPORA}]]\nsame: [[{SPARSE}, {PAPERS}]]\ndifferent: [[{GRAPH}, {SPARSE}]]\n"
    ran, catalog = corrected(built, text)
    assert len(catalog.entries) == 5
    assert "without effect" not in ran.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smith2021grahp: {note: x}\n", "Did you mean `smith2021graph`?"),
        ("No Work of This Name: {note: x}\n", "Use a key of catalog.yaml or the title of an entry."),
        (f"same: [[{SPARSE}, bee2021sprase]]\n", "Did you mean `bee2021sparse`?"),
        (f"different: [[{SPARSE}, bee2021sprase]]\n", "Did you mean `bee2021sparse`?"),
    ],
)
def test_a_correction_that_matches_nothing_is_told_with_the_nearest_name(
    text: str, says: str, built: Path, once: Path
) -> None:
    put(built, {"corrections.yaml": text})
    ran = run("build", built)
    assert ran.code == 0, ran.err
    assert says in ran.err
    assert "matches no entry" in ran.err
    assert {name: bytes_of(built)[name] for name in OUTPUTS} == {name: bytes_of(once)[name] for name in OUTPUTS}
    check = inside("check", built)
    assert check.code == 3
    assert says in check.out


def test_a_kind_that_is_none_is_told(built: Path) -> None:
    """`kind` is a row of kinds.yaml; a misspelt one would make the work a mere `misc` in every export, in silence."""
    put(built, {"corrections.yaml": f"{GRAPH}: {{kind: articel}}\n"})
    ran = run("build", built)
    assert "Traceback" not in ran.err
    assert "articel" in ran.err and "article" in ran.err.replace("articel", ""), ran.err


def test_hiding_the_whole_list_is_no_fault_of_the_list(tmp_path: Path) -> None:
    put(tmp_path, {"README.md": "# T\n\n- Jane Smith. A Work of Some Kind. ACL 2020\n"})
    build(tmp_path)
    _, catalog = corrected(tmp_path, "A Work of Some Kind: {hide: true}\n")
    assert (catalog.entries, len(catalog.retired)) == ((), 1)
