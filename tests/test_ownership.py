"""Whose files are whose: what refsync writes, what it leaves as it is, and what a merge of two branches leaves behind.

refsync runs as a whole process, and the merges are made by git itself.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from refsync import documents
from refsync.build import build
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog, Date, Entry, Said
from tests.test_bad_input import LIST, OUTPUTS, bytes_of, put, run


def times_of(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def catalog_of(folder: Path) -> Catalog:
    return catalog_file.read(documents.text_of(folder / "catalog.yaml"), "catalog.yaml")[0]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("once")
    put(folder, {"README.md": LIST})
    assert run("build", folder).code == 0
    return folder


@pytest.fixture
def built(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "survey"))


def test_a_second_build_touches_nothing(example: Path) -> None:
    assert run("build", example).code == 0
    data, times = bytes_of(example), times_of(example)
    assert set(data) == {"README.md", *OUTPUTS}
    again = run("build", example)
    assert (again.code, "everything" in again.err, "wrote" in again.err) == (0, True, False), again.err
    assert (bytes_of(example), times_of(example)) == (data, times)


def test_only_what_changes_is_written(built: Path) -> None:
    times = times_of(built)
    (built / "references.ris").write_bytes(b"")
    ran = run("build", built)
    assert "references.ris" in ran.err.split("wrote")[1].splitlines()[0]
    assert {name for name, at in times_of(built).items() if at != times[name]} == {"references.ris"}


@pytest.mark.parametrize("present", [False, True], ids=["first build", "later build"])
def test_a_dry_run_writes_nothing_at_all(present: bool, built: Path) -> None:
    if not present:
        for name in OUTPUTS:
            (built / name).unlink()
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    data, times = bytes_of(built), times_of(built)
    ran = run("build", built, "--dry-run")
    assert ran.code == 0, ran.err
    assert ", ".join(OUTPUTS) in ran.err, "it is not said what would be written"
    assert run("check", built).code in {0, 3}
    assert (bytes_of(built), times_of(built)) == (data, times)
    assert built.stat().st_mtime_ns <= max(times.values()) or not present, "a temporary file came and went"


def test_check_tells_an_output_that_is_out_of_date(built: Path) -> None:
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    ran = run("check", built)
    assert ran.code == 3, ran.err
    assert all(f"{name}: is not what a build would write now" in ran.out for name in OUTPUTS)


def test_a_checkout_with_crlf_builds_to_the_same_bytes(example: Path) -> None:
    put(example, {"corrections.yaml": "dong2022sort:\n  note: |\n    one\n    two\n", "refsync.yaml": "title: A\n"})
    assert run("build", example).code == 0
    unix = bytes_of(example)
    outputs = {name: unix[name] for name in OUTPUTS}
    assert not any(b"\r" in data for data in outputs.values())
    put(example, {name: data.replace(b"\n", b"\r\n") for name, data in unix.items()})
    assert run("build", example).code == 0
    assert {name: bytes_of(example)[name] for name in OUTPUTS} == outputs


def test_a_bom_before_every_file_is_no_part_of_it(built: Path, once: Path) -> None:
    """Editors on Windows put one there; a catalog with one is still ours, and so is every export."""
    put(built, {name: b"\xef\xbb\xbf" + data for name, data in bytes_of(built).items()})
    ran = run("build", built)
    assert ran.code == 0, ran.err
    assert {name: bytes_of(built)[name] for name in OUTPUTS} == {name: bytes_of(once)[name] for name in OUTPUTS}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_linked_export_stays_a_link(built: Path) -> None:
    (built / "references.bib").rename(built / "paper.bib")
    (built / "references.bib").symlink_to("paper.bib")
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    ran = run("build", built)
    assert ran.code == 0, ran.err
    assert (built / "references.bib").is_symlink()
    assert b"A Work of Another Kind" in (built / "paper.bib").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_an_export_linked_out_of_the_folder_is_refused_by_its_name(built: Path) -> None:
    """Whether it is written there or refused, the message must not tell a person to name a file as it is named."""
    outside = built.parent / "paper.bib"
    (built / "references.bib").rename(outside)
    (built / "references.bib").symlink_to(outside)
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    before = outside.read_bytes()
    ran = run("build", built)
    assert (built / "references.bib").is_symlink()
    if ran.code == 0:
        assert b"A Work of Another Kind" in outside.read_bytes()
    else:
        assert outside.read_bytes() == before
        assert "link" in ran.err, ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such permissions")
def test_permissions_are_kept_and_new_files_get_those_of_the_umask(built: Path) -> None:
    modes = {"catalog.yaml": 0o600, "references.bib": 0o664, "references.json": 0o444}
    for name, mode in modes.items():
        (built / name).chmod(mode)
    (built / "references.ris").unlink()
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    line = [sys.executable, "-m", "refsync", "build", str(built)]
    done = subprocess.run(
        ["sh", "-c", 'umask 027; exec "$@"', "sh", *line], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = {name: stat.S_IMODE((built / name).stat().st_mode) for name in OUTPUTS}
    assert found == {**modes, "references.ris": 0o640}


def test_a_file_of_a_person_beside_ours_is_left_alone(built: Path) -> None:
    mine = {"mine.bib": "@book{a, title={B}}\n", "notes.md": "# Notes\n", ".references.bib.tmp": "x"}
    put(built, mine)
    put(built, {"README.md": LIST + "- Dan Moe. A Work of Another Kind. ACL 2020\n"})
    assert run("build", built).code == 0
    after = bytes_of(built)
    assert {name: after[name].decode() for name in mine} == mine
    assert set(after) == {"README.md", *OUTPUTS, *mine}, "a temporary file was left"


def test_a_key_that_is_cited_is_final_with_the_first_build(tmp_path: Path) -> None:
    r"""`\nocite{*}` cites the entries of this build too, not only those of the last: a second build has nothing to do."""
    untold = "# T\n\n- A Work without an Author. CVPR 2021\n"
    put(tmp_path, {"README.md": untold, "refsync.yaml": "cited: [a.tex]\n", "a.tex": "\\nocite{*}\n"})
    assert run("build", tmp_path).code == 0
    before = bytes_of(tmp_path)
    assert run("build", tmp_path).code == 0
    assert bytes_of(tmp_path) == before


def test_no_order_of_a_set_shows_in_an_output(example: Path) -> None:
    """Sets and their order are another in each process; the outputs are not."""
    found = []
    for seed in ("0", "1"):
        folder = example / seed
        put(folder, {"README.md": (example / "README.md").read_bytes()})
        assert run("build", folder, env={"PYTHONHASHSEED": seed}).code == 0
        found.append(bytes_of(folder))
    assert found[0] == found[1]


# ---------------------------------------------------------------------------------------------------------------
# Merges


def git(folder: Path, *arguments: str, code: int = 0) -> None:
    """git without the settings of whoever runs the tests."""
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

# The headings are far apart, so that the lists themselves merge; the keys of what is added are neighbours.
BASE = LIST.replace("## Data", "## Engines\n\n- Ed Fox. A Fixed Engine for the Many. ACL 2018\n\n## Data")
OURS = BASE.replace(
    "## Engines",
    "- Jo Mann. A New Method for Us. CVPR 2022\n- Jo Moss. Another of Our Methods. CVPR 2022\n\n## Engines",
)
THEIRS = BASE + "- Al Marx. A New Corpus of Theirs. ACL 2022\n- Al Mott. Another of Their Corpora. ACL 2022\n"


def conflicted(folder: Path, style: str, ours: Callable[[], None], theirs: Callable[[], None]) -> None:
    """A folder in the midst of a merge: `ours` and `theirs` each change it on a branch of their own."""
    git(folder, "init", "-q", "-b", "ours")
    put(folder, {"README.md": BASE})
    build(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    git(folder, "checkout", "-qb", "theirs")
    theirs()
    git(folder, "commit", "-qam", "theirs")
    git(folder, "checkout", "-q", "ours")
    ours()
    git(folder, "commit", "-qam", "ours")
    git(folder, "-c", f"merge.conflictStyle={style}", "merge", "-q", "theirs", code=1)
    assert b"<<<<<<<" not in (folder / "README.md").read_bytes()


def check_conflict(folder: Path, style: str) -> None:
    """The catalog holds conflict markers: else a test would pass that tests nothing."""
    text = (folder / "catalog.yaml").read_bytes()
    assert b"\n<<<<<<< " in text, "git merged the catalog without a conflict"
    assert (b"\n||||||| " in text) == (style == "diff3")


def listed(folder: Path, text: str, **facts: dict[str, Any]) -> Callable[[], None]:
    """An edit of the list and a build; then what a resolver found, by key, as it would stand in the catalog."""

    def make() -> None:
        put(folder, {"README.md": text})
        build(folder)
        catalog = catalog_of(folder)
        entries = [_resolved(entry, facts.get(entry.key, {})) for entry in catalog.entries]
        text_with_facts = catalog_file.write(replace(catalog, entries=tuple(entries)))
        put(folder, {"catalog.yaml": text_with_facts})
        build(folder)

    return make


def _resolved(entry: Entry, facts: dict[str, Any]) -> Entry:
    said = {name: Said(by="crossref", on="2026-01-02", via=entry.title) for name in facts}
    return replace(entry, **facts, said={**entry.said, **said})


@needs_git
@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_a_conflict_is_read_and_both_sides_are_kept(style: str, tmp_path: Path) -> None:
    ours = listed(tmp_path, OURS, mann2022new={"pages": "1-9"}, smith2021graph={"volume": "12"})
    theirs = listed(tmp_path, THEIRS, marx2022new={"pages": "10-19"}, smith2021graph={"abstract": "Of graphs."})
    keys: dict[str, set[str]] = {}

    def noting(name: str, make: Callable[[], None]) -> Callable[[], None]:
        def made() -> None:
            make()
            keys[name] = {entry.key for entry in catalog_of(tmp_path).entries}

        return made

    conflicted(tmp_path, style, noting("ours", ours), noting("theirs", theirs))
    check_conflict(tmp_path, style)
    assert keys["ours"] != keys["theirs"]
    ran = run("build", tmp_path)
    assert ran.code == 0, ran.err
    after = bytes_of(tmp_path)
    for name in OUTPUTS:
        assert not any(mark in after[name] for mark in (b"<<<<<<<", b"=======", b"|||||||", b">>>>>>>")), name
    catalog = catalog_of(tmp_path)
    assert {entry.key for entry in catalog.entries} == keys["ours"] | keys["theirs"]
    assert catalog.by_key["mann2022new"].pages == "1-9"
    assert catalog.by_key["marx2022new"].pages == "10-19"
    both = catalog.by_key["smith2021graph"]
    assert (both.volume, both.abstract) == ("12", "Of graphs.")
    assert {"volume", "abstract"} <= both.said.keys()
    assert build(tmp_path).written.changed == ()
    assert {path: data for path, data in bytes_of(tmp_path).items() if ".git" not in path} == {
        path: data for path, data in after.items() if ".git" not in path
    }


@needs_git
@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_both_sides_made_one_key_for_two_works(style: str, tmp_path: Path) -> None:
    """The side that is merged into keeps the key, the other work gets one of its own, and a person is told."""
    mine = "- Ann Poe. Trees of Glass and Light. CVPR 2022\n\n## Engines"
    ours = listed(tmp_path, BASE.replace("## Engines", mine), poe2022trees={"pages": "1-9"})
    theirs = listed(
        tmp_path, BASE + "- Bob Poe. Trees in Forests under Water. ACL 2022\n", poe2022trees={"pages": "10-19"}
    )
    conflicted(tmp_path, style, ours, theirs)
    check_conflict(tmp_path, style)
    ran = run("build", tmp_path)
    assert ran.code == 0, ran.err
    assert "both sides of the merge use 'poe2022trees'" in ran.err
    catalog = catalog_of(tmp_path)
    titles = {entry.key: (entry.title, entry.pages) for entry in catalog.entries if "poe" in entry.key}
    assert titles == {
        "poe2022trees": ("Trees of Glass and Light", "1-9"),
        "poe2022treesb": ("Trees in Forests under Water", "10-19"),
    }
    before = catalog_of(tmp_path)
    build(tmp_path)
    assert catalog_of(tmp_path) == before


@needs_git
def test_a_merge_that_gives_the_facts_of_one_work_to_another(tmp_path: Path) -> None:
    """git merges line by line: what theirs found out of a work lands in the one that ours put in its place.

    Each fact says through which title it was found, and so is dropped where it does not belong.
    """
    other = BASE.replace(
        "Ed Fox. A Fixed Engine for the Many. ACL 2018", "Ed Ford. A Moving Engine for the Few. ACL 2019"
    )
    conflicted(tmp_path, "merge", listed(tmp_path, other), listed(tmp_path, THEIRS, fox2018fixed={"pages": "3-4"}))
    text = (tmp_path / "catalog.yaml").read_text(encoding="utf-8")
    between = text[text.index("key: ford2019moving") : text.index("key: marx2022new")]
    assert ("pages: 3-4" in between, "<<<<<<<" in text) == (True, False), "git no longer merges these two in silence"
    ran = run("build", tmp_path)
    assert ran.code == 0, ran.err
    catalog = catalog_of(tmp_path)
    assert catalog.by_key["ford2019moving"].pages is None
    assert "pages" not in catalog.by_key["ford2019moving"].said
    assert "fox2018fixed" in catalog.retired
    assert {"marx2022new", "mott2022another"} <= {entry.key for entry in catalog.entries}
    assert not any(b"<<<<<<<" in data for data in (bytes_of(tmp_path)[name] for name in OUTPUTS))
    put(tmp_path, {"README.md": THEIRS})
    build(tmp_path)
    assert "fox2018fixed" in {entry.key for entry in catalog_of(tmp_path).entries}


ENTRY = "- key: {key}\n{aliases}  title: {title}\n  date: 2022\n{fact}"


def test_an_alias_of_ours_is_no_door_for_another_work_of_theirs(tmp_path: Path) -> None:
    """Ours renamed its `poe2022trees`; theirs made that key for another work: neither takes the facts of the other."""
    ours = ENTRY.format(
        key="glass", aliases="  aliases: [poe2022trees]\n", title="Trees of Glass and Light", fact="  pages: 1-9\n"
    )
    theirs = ENTRY.format(
        key="poe2022trees", aliases="", title="Forests under Deep Water", fact="  abstract: Of water.\n  volume: '7'\n"
    )
    text = f"# refsync\nrefsync: 1\nid: a\nentries:\n<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> theirs\n"
    catalog, problems = catalog_file.read(text, "catalog.yaml")
    assert {entry.title for entry in catalog.entries} == {"Trees of Glass and Light", "Forests under Deep Water"}
    glass = catalog.by_key["glass"]
    assert (glass.pages, glass.volume, glass.abstract) == ("1-9", None, None)
    assert glass.aliases == ("poe2022trees",), "the key of a work that is cited by it was taken away"
    assert problems, "a person whose key has changed is not told"


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_conflict_at_the_head_of_the_catalog(ends: str, built: Path, once: Path) -> None:
    text = (built / "catalog.yaml").read_text(encoding="utf-8")
    whole = f"<<<<<<< HEAD\n{text}=======\n{text.replace('title: A small list', 'title: Another')}>>>>>>> theirs\n"
    put(built, {"catalog.yaml": whole.replace("\n", ends)})
    ran = run("build", built)
    assert ran.code == 0, ran.err
    assert {name: bytes_of(built)[name] for name in OUTPUTS} == {name: bytes_of(once)[name] for name in OUTPUTS}


def test_what_looks_like_a_marker_in_a_comment_is_text(tmp_path: Path) -> None:
    """A line of seven signs may be the heading of a note; it is no conflict when nothing opens it."""
    put(
        tmp_path,
        {"README.md": LIST, "corrections.yaml": "bee2020sparse:\n  note: |\n    Notes\n    =======\n    end\n"},
    )
    build(tmp_path)
    assert catalog_of(tmp_path).by_key["bee2020sparse"].note == "Notes\n=======\nend\n"
    assert build(tmp_path).written.changed == ()


def test_dates_of_both_sides(tmp_path: Path) -> None:
    """A date that only one side knows is kept; where both know one, ours stands."""
    head = "# refsync\nrefsync: 1\nid: a\nentries:\n"
    ours = "- {key: a, title: One Work, date: 2021}\n- {key: b, title: Other Work}\n"
    theirs = "- {key: a, title: One Work, date: 2022}\n- {key: b, title: Other Work, date: 2022-03}\n"
    catalog, _ = catalog_file.read(f"{head}<<<<<<< a\n{ours}=======\n{theirs}>>>>>>> b\n", "catalog.yaml")
    assert [entry.date for entry in catalog.entries] == [Date(year=2021), Date(year=2022, month=3)]
