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
from refsync.model import Date, Entry, Failure, Said, Venue
from refsync.resolvers.local import Library

CASES = documents.parsed(
    (Path(__file__).parent / "cases" / "evidence.yaml").read_text(encoding="utf-8"), "evidence.yaml"
)
SAYS = {"yes": True, "no": False, "ask": None, True: True, False: False}


TABLE = venues.load()


def entry(value: dict[str, Any]) -> Entry:
    """A work or a record, its venue as the table knows it."""
    plain = Entry(
        kind=value.get("kind", "document"),
        title=value["title"],
        authors=tuple(map(names.person, value.get("authors", ()))),
        date=Date(year=value["year"]) if "year" in value else None,
        venue=Venue(name=value["venue"]) if "venue" in value else None,
        ids=value.get("ids", {}),
        said={f"ids.{scheme}": Said(by="corrections") for scheme in value.get("given", ())},
    )
    return proceedings.placed(plain, TABLE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_a_title_decides_only_where_nothing_speaks_against_it(case: dict[str, Any]) -> None:
    verdict = candidates.by_title(entry(case["work"]), entry(case["record"]))
    assert verdict.same is SAYS[case["says"]], verdict.reason


IDENTIFIED = documents.parsed(
    (Path(__file__).parent / "cases" / "identified.yaml").read_text(encoding="utf-8"), "identified.yaml"
)


@pytest.mark.parametrize("case", IDENTIFIED, ids=lambda case: case["what"])
def test_an_identifier_decides_and_the_title_confirms_it(case: dict[str, Any]) -> None:
    found = [
        Found(entry=entry(one), by="x", via=one.get("via", "arxiv:2101.00001"), is_identified=True)
        for one in case["records"]
    ]
    choice = candidates.chosen(entry(case["work"]), found)
    assert (len(choice.accepted), choice.is_conflict) == (case["accepts"], case["accepts"] == 0), choice.why


LEARNED = documents.parsed(
    (Path(__file__).parent / "cases" / "learned.yaml").read_text(encoding="utf-8"), "learned.yaml"
)


@pytest.mark.parametrize("case", LEARNED, ids=lambda case: case["what"])
def test_an_identifier_that_a_record_named_has_to_agree_with_it(case: dict[str, Any]) -> None:
    accepted = [Found(entry=entry(one), by="x", via="title") for one in case["accepted"]]
    assert candidates.follows(entry(case["work"]), accepted, entry(case["record"])) is (case["says"] in {"yes", True})


def test_two_records_of_one_title_without_authors_are_no_bridge() -> None:
    title = "Learning to Rank with Graph Networks"
    found = [
        Found(entry=entry({"title": title, **more}), by="x", via=title)
        for more in ({"authors": ["Ann Smith"], "venue": "ICML", "year": 2020}, {"venue": "ECCV", "year": 2020})
    ]
    choice = candidates.chosen(Entry(title=title), found)
    assert not choice.accepted
    assert len(choice.asked) == 2


PLACED = {
    "Preprint at arXiv": ("preprint", "preprint"),
    "arXiv preprint arXiv:2101.00001": ("arXiv", "preprint"),
    "Submitted to ICML": (None, "preprint"),
    "under review at NeurIPS 2026": (None, "preprint"),
    "To appear in CVPR 2026": ("CVPR", "document"),
    "In press": (None, "document"),
}


@pytest.mark.parametrize("name", PLACED)
def test_a_hope_for_a_venue_is_none(name: str) -> None:
    record = entry({"title": "Learning to Rank", "venue": name})
    expected, kind = PLACED[name]
    venue = record.venue
    if expected == "preprint":
        assert venue is not None
        assert venue.kind == "preprint"
    else:
        assert (venue.short if venue else None) == expected
    assert record.kind == kind or (venue is not None and venue.kind == kind)


def test_a_book_is_no_workshop_of_its_name() -> None:
    """ "Low-Power Computer Vision" is a book and a workshop; its chapters are not papers of the workshop."""
    for kind in ("book", "chapter"):
        record = entry({"title": "Quantizing", "kind": kind, "venue": "Low-Power Computer Vision"})
        assert record.venue is not None
        assert record.venue.kind is None
    eccv = entry({"title": "Quantizing", "kind": "chapter", "venue": "Computer Vision – ECCV 2022"})
    assert eccv.venue is not None
    assert eccv.venue.short == "ECCV"


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
