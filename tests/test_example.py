"""The example, end to end as a user runs it: what is read, merged, asked, written, and written again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from refsync import documents
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog
from tests.conftest import EXAMPLE, ROOT

OUTPUTS = ("catalog.yaml", "references.bib", "references.json", "references.ris")


def run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """refsync as a whole process."""
    command = [sys.executable, "-m", "refsync", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


def catalog_of(folder: Path) -> Catalog:
    return catalog_file.read(documents.text_of(folder / "catalog.yaml"), "catalog.yaml")[0]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("built")
    (folder / "README.md").write_bytes((EXAMPLE / "README.md").read_bytes())
    result = run("build", folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "", "stdout carries data, and a build has none"
    return folder, result.stderr


def test_works_and_headings(built: tuple[Path, str]) -> None:
    folder, summary = built
    catalog = catalog_of(folder)
    pages = [entry for entry in catalog.entries if entry.kind == "web-page"]
    assert (len(catalog.entries) - len(pages), len(pages)) == (143, 2)
    assert len({topic for entry in catalog.entries for topic in entry.topics}) == 13
    assert "143 works and 2 web pages under 13 headings (5 repeats)" in summary


REPEATS = {
    "MiniViT: Compressing Vision Transformers with Weight Multiplexing": (26, 65),
    "Patch Slimming for Efficient Vision Transformers": (63, 258),
    "Post-Training Quantization for Vision Transformer": (89, 103),
    "LiteTransformerSearch: Training-free On-device Search for Efficient Autoregressive Language Models": (152, 200),
    "Training Free Transformer Architecture Search": (154, 201),
}


@pytest.mark.parametrize("title", REPEATS)
def test_a_repeat_is_one_entry_in_all_its_topics(built: tuple[Path, str], title: str) -> None:
    (entry,) = [one for one in catalog_of(built[0]).entries if one.title == title]
    same_topic = title.startswith("Post-Training")
    assert len(entry.topics) == (1 if same_topic else 2)


def test_published_beats_preprint_and_tags_are_joined(built: tuple[Path, str]) -> None:
    (entry,) = [
        one for one in catalog_of(built[0]).entries if one.title.startswith("Post-Training Quantization for Vision")
    ]
    assert entry.venue is not None and entry.venue.short == "NeurIPS"
    assert set(entry.tags) == {"mixed", "qnn"}


def test_the_doubtful_pair_is_a_question_with_the_line_to_write(built: tuple[Path, str]) -> None:
    summary = built[1]
    assert "README.md:91 and README.md:99" in summary
    assert "same: [[fullyquantizedtransformer, fullyquantizedtransformerb]]" in summary


def test_answering_the_question_settles_it(example: Path) -> None:
    run("build", example)
    pair = "[[fullyquantizedtransformer, fullyquantizedtransformerb]]"
    (example / "corrections.yaml").write_text(f"different: {pair}\n")
    assert "README.md:91" not in run("build", example).stderr
    (example / "corrections.yaml").write_text(f"same: {pair}\n")
    for _ in range(2):
        assert "README.md:91" not in run("build", example).stderr
        assert len(catalog_of(example).entries) == 144
        assert catalog_of(example).by_key["fullyquantizedtransformerb"].key == "fullyquantizedtransformer"


def test_a_paper_without_a_venue_is_a_document(built: tuple[Path, str]) -> None:
    for entry in catalog_of(built[0]).entries:
        if entry.kind != "web-page":
            assert (entry.kind == "document") == (entry.venue is None or entry.venue.kind is None), entry.title


def test_a_year_from_an_arxiv_number_is_said_to_be_inferred(built: tuple[Path, str]) -> None:
    entry = next(one for one in catalog_of(built[0]).entries if one.title.startswith("Tinyvit"))
    assert entry.year == 2022
    assert (entry.said["date"].by, entry.said["date"].via) == ("inferred", "arxiv:2207.10666")


def test_the_summary_is_short_and_names_lines(built: tuple[Path, str]) -> None:
    lines = built[1].split("\n")
    assert sum("README.md:" in line for line in lines) <= 10
    for count in ("37 works without a year", "135 works without an author", "1 question"):
        assert count in built[1]
    assert any("README.md:73: no year" in line for line in lines)
    assert "refsync check" in built[1]


def test_check_lists_everything_and_exits_3(built: tuple[Path, str]) -> None:
    result = run("check", built[0], "--json")
    assert result.returncode == 3
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(one["check"] == "missing-year" for one in found) == 37
    assert all(one["where"] and one["what"] for one in found)


def test_the_committed_outputs_are_what_a_build_makes() -> None:
    result = run("build", EXAMPLE, "--dry-run")
    assert result.returncode == 0
    assert "unchanged everything" in result.stderr, result.stderr


def test_two_fresh_builds_are_equal(built: tuple[Path, str], example: Path) -> None:
    run("build", example)
    assert [(example / name).read_bytes() for name in OUTPUTS] == [(built[0] / name).read_bytes() for name in OUTPUTS]


def test_a_folder_and_its_list_file_build_alike(example: Path, built: tuple[Path, str]) -> None:
    run("build", "README.md", cwd=example)
    assert (example / "catalog.yaml").read_bytes() == (built[0] / "catalog.yaml").read_bytes()
