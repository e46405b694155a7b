"""When a record of a source is a work of the list, and what titles of proceedings are a volume of."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.libraries import near_miss
from refsync import candidates, documents, names, proceedings, venues
from refsync.candidates import Found
from refsync.mapping import Tables
from refsync.model import Date, Entry, Failure
from refsync.resolvers.local import Library

CASES = documents.parsed(
    (Path(__file__).parent / "cases" / "evidence.yaml").read_text(encoding="utf-8"), "evidence.yaml"
)
SAYS = {"yes": True, "no": False, "ask": None, True: True, False: False}


def entry(value: dict[str, Any]) -> Entry:
    return Entry(
        title=value["title"],
        authors=tuple(map(names.person, value.get("authors", ()))),
        date=Date(year=value["year"]) if "year" in value else None,
        ids=value.get("ids", {}),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_a_title_decides_only_where_nothing_speaks_against_it(case: dict[str, Any]) -> None:
    verdict = candidates.by_title(entry(case["work"]), entry(case["record"]))
    assert verdict.same is SAYS[case["says"]], verdict.reason


def test_two_works_of_one_title_are_a_question() -> None:
    title = "Learning to Rank with Graph Networks"
    found = [
        Found(
            entry=Entry(title=title, ids={"arxiv": f"2101.0000{at}"}, authors=(names.person(who),)), by="x", via=title
        )
        for at, who in enumerate(["Ann Smith", "Bo Li"])
    ]
    choice = candidates.chosen(Entry(title=title), found)
    assert not choice.accepted
    assert len(choice.asked) == 2


def test_preprint_and_published_version_are_one() -> None:
    title = "Learning to Rank with Graph Networks"
    people = (names.person("Ann Smith"),)
    found = [
        Found(entry=Entry(title=title, ids=ids, authors=people, date=Date(year=year)), by="x", via=title)
        for ids, year in (({"arxiv": "2101.00001"}, 2021), ({"doi": "10.1/x"}, 2022))
    ]
    assert len(candidates.chosen(Entry(title=title), found).accepted) == 2


VOLUMES = {
    "2022 IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)": "CVPR",
    "Advances in Neural Information Processing Systems 35: Annual Conference on Neural Information Processing Systems 2022, NeurIPS 2022, New Orleans, LA, USA, November 28 - December 9, 2022": "NeurIPS",
    "KDD '21: The 27th ACM SIGKDD Conference on Knowledge Discovery and Data Mining, Virtual Event, Singapore": "KDD",
    "The Eleventh International Conference on Learning Representations, ICLR 2023, Kigali, Rwanda": "ICLR",
    "Proceedings of the Thirty-First International Joint Conference on Artificial Intelligence": "IJCAI",
    "Computer Vision – ECCV 2022": "ECCV",
    "ICLR 2026 Poster": "ICLR",
    "2021 IEEE/CVF International Conference on Computer Vision Workshops (ICCVW)": None,
    "Workshop on Energy Efficient Machine Learning and Cognitive Computing (EMC2) at NeurIPS 2019": None,
    "Companion Publication of the 2021 International Conference on Multimodal Interaction": None,
    "Findings of the Association for Computational Linguistics: EMNLP 2020": "EMNLP Findings",
}


@pytest.mark.parametrize("title", VOLUMES)
def test_the_venue_of_a_volume(title: str) -> None:
    assert proceedings.short_of(title, venues.load()) == VOLUMES[title]


WORDS = [
    "adaptive",
    "bayesian",
    "causal",
    "diffusion",
    "efficient",
    "federated",
    "generative",
    "hierarchical",
    "image",
    "joint",
    "kernel",
    "latent",
    "metric",
    "neural",
    "online",
    "policy",
    "quantum",
    "robust",
    "sparse",
    "temporal",
    "universal",
    "variational",
    "weighted",
    "graph",
    "speech",
    "vision",
    "language",
    "transfer",
]


def works(count: int, seed: int) -> list[dict[str, Any]]:
    """Records with titles of six to nine words, each tenth but nearly another's: CSL-JSON."""
    chance = random.Random(seed)
    out: list[dict[str, Any]] = []
    for at in range(count):
        title = " ".join(chance.sample(WORDS, chance.randint(6, 9)))
        if at % 10 == 9:
            title = near_miss(out[chance.randrange(len(out))]["title"], WORDS, chance)
        out.append(
            {"id": f"k{at}", "type": "paper-conference", "title": title, "issued": {"date-parts": [[2000 + at % 20]]}}
        )
    return out


@pytest.mark.parametrize("kind", ["csl", "bib", "ris", "catalog"])
def test_a_library_is_precise(kind: str, tmp_path: Path) -> None:
    """Of the works asked for, half are not in the library; their near misses are, and none is taken."""
    records = works(3000, seed=7)
    held = records[::2] + records[9::10]
    suffix = {"csl": "json", "bib": "bib", "ris": "ris", "catalog": "yaml"}[kind]
    (tmp_path / "all.json").write_text(json.dumps(held), encoding="utf-8")
    if kind != "csl":
        from refsync import convert

        convert_file(tmp_path / "all.json", tmp_path / f"all.{suffix}", convert)
    with Library.opened(f"{kind}:all.{suffix}", tmp_path, tmp_path / "cache", Tables()) as library:
        assert library.count == len(held)
        titles_held = {one["title"] for one in held}
        wrong, found, asked = 0, 0, records[:600]
        for one in asked:
            work = Entry(title=one["title"], date=Date(year=one["issued"]["date-parts"][0][0]))
            hits = [Found(entry=hit, by="x", via=work.title) for hit in library.by_title(work.title)]
            choice = candidates.chosen(work, hits)
            found += bool(choice.accepted)
            wrong += any(hit.entry.title.casefold() != work.title for hit in choice.accepted)
        assert wrong == 0
        assert found >= 0.9 * sum(one["title"] in titles_held for one in asked)


def convert_file(source: Path, target: Path, convert: Any) -> None:
    from click.testing import CliRunner

    from refsync.cli import cli

    result = CliRunner().invoke(cli, ["convert", str(source), str(target)])
    assert result.exit_code == 0, result.output


def test_an_index_follows_its_files(tmp_path: Path) -> None:
    file = tmp_path / "a.bib"
    file.write_text("@misc{a, title={First of the Titles}}", encoding="utf-8")
    for expected in (1, 2):
        with Library.opened("bib:.", tmp_path, tmp_path / "cache", Tables()) as library:
            assert library.count == expected
        (tmp_path / "b.bib").write_text("@misc{b, title={Second of the Titles}, doi={10.1234/b}}", encoding="utf-8")
    with Library.opened("bib:.", tmp_path, tmp_path / "cache", Tables()) as library:
        assert [one.title for one in library.by_id("doi", "10.1234/b")] == ["Second of the Titles"]


@pytest.mark.parametrize(
    "text", ["", "[", "[{]", '[{"title": "A Whole Work", "id": "a"}, {"title": "Cut of', "{}", "<html>"]
)
def test_a_broken_library_gives_what_is_whole(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with Library.opened("csl:x.json", tmp_path, tmp_path / "cache", Tables()) as library:
        assert [one.title for one in library.by_title("A Whole Work")] == ["A Whole Work"] * ("Whole" in text)
        assert library.problems, "what is not whole is told"


def test_a_compressed_library_and_one_that_is_not_there(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "x.bib.gz").write_bytes(gzip.compress(b"@misc{a, title={Packed Away in a Box}}"))
    with Library.opened("bib:x.bib.gz", tmp_path, tmp_path / "cache", Tables()) as library:
        assert library.count == 1
    for spec in ("bib:nothing.bib", "ris:."):
        with pytest.raises(Failure):
            Library.opened(spec, tmp_path, tmp_path / "cache", Tables())
