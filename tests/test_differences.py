"""What `diff` says: works that came, went and changed, field by field, since the last build or a revision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from refsync import differences
from refsync.model import Catalog, Date, Entry, Person, Topic, Venue
from tests.conftest import committed
from tests.test_example import run

WORK = Entry(
    key="lee2021one",
    title="One Network for All",
    authors=(Person(family="Lee", given="Ann"),),
    date=Date(year=2021),
    venue=Venue(name="arXiv", short="arXiv", kind="preprint"),
    ids={"arxiv": "2101.00001"},
    topics=("nets",),
)
BEFORE = Catalog(id="x", title="Nets", topics=(Topic(id="nets", path=("Nets",)),), entries=(WORK,))


def test_fields_are_told_one_by_one() -> None:
    now = replace(
        WORK,
        venue=Venue(name="Computer Vision", short="CVPR", kind="conference"),
        ids={**WORK.ids, "doi": "10.1/x"},
        comment="good",
    )
    found = differences.between(BEFORE, replace(BEFORE, entries=(now,)))
    assert [
        (one.name, differences.shown(one.name, one.old), differences.shown(one.name, one.new))
        for one in found.works[0].fields
    ] == [
        ("venue", "arXiv", "CVPR"),
        ("ids.doi", "nothing", "10.1/x"),
        ("comment", "nothing", "good"),
    ]
    assert differences.headline(found) == "1 changed"


def test_a_work_with_another_key_is_the_same_by_its_identifier_or_title() -> None:
    for now in (replace(WORK, key="other", title="Another Title"), replace(WORK, key="other", ids={})):
        found = differences.between(BEFORE, replace(BEFORE, entries=(now,)))
        assert [one.sign for one in found.works] == ["~"]


def test_a_heading_that_is_called_otherwise_is_no_change_of_works() -> None:
    after = replace(BEFORE, topics=(Topic(id="nets", path=("Networks",)),))
    found = differences.between(BEFORE, after)
    assert found.topics == ((("Nets",), ("Networks",)),)
    assert "Nets → Networks" in differences.markdown(found)


ENTRIES = some.lists(some.integers(0, 30), unique=True, max_size=12).map(
    lambda numbers: tuple(replace(WORK, key=f"k{one}", title=f"Title {one}", ids={}) for one in sorted(numbers))
)


@given(before=ENTRIES, after=ENTRIES)
def test_it_is_empty_only_for_equal_catalogs_and_counts_both_ways(
    before: tuple[Entry, ...], after: tuple[Entry, ...]
) -> None:
    one, two = replace(BEFORE, entries=before), replace(BEFORE, entries=after)
    forth, back = differences.between(one, two).counts(), differences.between(two, one).counts()
    assert differences.between(one, one).is_empty
    assert (forth["added"], forth["removed"]) == (back["removed"], back["added"])
    assert differences.between(one, two).is_empty == (before == after)


LIST = "# Nets\n\n## All\n\n- [One Network for All](https://arxiv.org/abs/2101.00001), Ann Lee, CVPR 2021\n"


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(LIST, encoding="utf-8")
    run("build", tmp_path)
    committed(tmp_path)
    quiet = run("diff", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "no changes\n")
    more = "- [Two Networks for Some](https://arxiv.org/abs/2201.00002), Bo Wu, ICML 2022\n"
    (tmp_path / "README.md").write_text(LIST.replace("CVPR", "ICML") + more, encoding="utf-8")
    before = sorted(tmp_path.rglob("*.yaml"))[0].read_bytes()
    for arguments in (("diff", tmp_path), ("diff", "HEAD", tmp_path)):
        done = run(*arguments)
        assert "venue: CVPR -> ICML" in done.stdout and "+ wu2022two" in done.stdout
        assert done.stderr == "1 added, 1 changed\n"
    assert sorted(tmp_path.rglob("*.yaml"))[0].read_bytes() == before, "nothing is written"
    assert "- `wu2022two` Two Networks for Some. Bo Wu. ICML 2022" in run("diff", tmp_path, "--markdown").stdout
    value = json.loads(run("diff", tmp_path, "--json").stdout)
    assert value["counts"] == {"added": 1, "changed": 1, "removed": 0}
    run("build", tmp_path)
    assert run("diff", tmp_path).stderr == "no changes\n"
    assert "1 added" in run("diff", "HEAD", tmp_path).stderr
    wrong = run("diff", "nothing", tmp_path)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
