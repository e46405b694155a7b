"""The language of key patterns, and `refsync rekey`."""

from __future__ import annotations

from pathlib import Path

import pytest

from refsync import keypattern, keys
from refsync.model import Date, Entry, Failure, Person, Venue
from tests.test_example import run

ENTRY = Entry(
    title="The Swin Transformer: Hierarchical Vision with Shifted Windows",
    authors=(Person(family="Łiu", given="Ze"), Person(family="van Gogh", given="V.")),
    date=Date(year=2021),
    venue=Venue(name="x", short="ICCV"),
    aka=("Swin",),
    ids={"arxiv": "2103.14030"},
)


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("{author}{year}{titleword}", "liu2021swin"),
        ("{authors:i}-{shortyear}", "lv-21"),
        ("{lastauthor:3}:{titlewords:2w}", "van:swintransformer"),
        ("{venue}_{year}", "iccv_2021"),
        ("{nickname|title}{year}", "swin2021"),
        ("{author:4}{venue|'misc'}", "liuiccv"),
        ("ref-{id}", "ref-arxiv-2103-14030"),
    ],
)
def test_a_pattern_makes_a_key(pattern: str, key: str) -> None:
    assert keypattern.made(ENTRY, pattern) == key == keys.base(ENTRY, pattern)


def test_the_first_alternative_that_is_whole_is_used() -> None:
    bare = Entry(title="Untold Things", date=Date(year=2020))
    assert keys.base(bare, "{author}{year} | {title:1w}x{year}") == "untoldx2020"
    assert keys.base(Entry(title="Untold Things", authors=ENTRY.authors), "{author}{year}{titleword}") == "liuuntold"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "paper",
        "{auther}",
        "{author",
        "author}",
        "{author:x}",
        "{author:0}",
        "{title:0w}",
        "{a}{",
        "é{year}",
        "{author!r}",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Failure, match="key_pattern"):
        keypattern.compiled(pattern)


def test_rekey_makes_provisional_keys_final(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "# L\n\n## T\n\n- [Some Work on Nets](https://arxiv.org/abs/2101.00001). ICML 2021\n"
    )
    run("build", tmp_path)
    first = (tmp_path / "catalog.yaml").read_text()
    (tmp_path / "corrections.yaml").write_text("someworknets2021: {authors: [Lee, Ann]}\n")
    run("build", tmp_path)
    assert "key: someworknets2021" in (tmp_path / "catalog.yaml").read_text() and "provisional" in first
    dry = run("rekey", tmp_path, "--dry-run")
    assert dry.returncode == 0 and dry.stdout.startswith("someworknets2021 -> "), dry.stderr
    done = run("rekey", tmp_path)
    new = done.stdout.split()[-1]
    text = (tmp_path / "catalog.yaml").read_text()
    assert f"key: {new}" in text and "aliases: [someworknets2021]" in text and "provisional" not in text
    assert run("rekey", tmp_path).stdout == ""
    (tmp_path / "refsync.yaml").write_text("key_pattern: '{venue}{shortyear}'\n")
    run("build", tmp_path)
    assert f"key: {new}" in (tmp_path / "catalog.yaml").read_text()
    assert run("rekey", tmp_path, "--all").stdout == f"{new} -> icml21\n"
