"""What `add` promises: the neighbours' shape, the right place, every other byte as it was, and no work twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some
from pytest_httpserver import HTTPServer

from refsync import adding, formats, titles
from refsync.formats import survey
from refsync.formats.survey import inserting
from refsync.formats.survey.inserting import Insertion
from refsync.mapping import Tables
from refsync.model import Account
from tests.conftest import EXAMPLE
from tests.services import Services
from tests.test_example import run

CASES = sorted((Path(__file__).parent / "cases" / "adding").glob("*.yaml"))


def added(text: str, new: Account, topic: str) -> Insertion:
    reading = survey.read(inserting.plain(text), "list.md")
    return inserting.inserted(text, "list.md", new, adding.topic_of(topic, reading, new.year, "list.md"))


def without(one: Insertion) -> str:
    """The list without the lines that were written, by nothing but their count."""
    lines = one.text.splitlines(keepends=True)
    return "".join([*lines[: one.line - 1], *lines[one.line + one.written.count("\n") :]])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
def test_a_case(path: Path, end: str, mark: str) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    text = mark + case["list"].replace("\n", end)
    one = added(text, adding.told(case["new"]), case["topic"])
    assert (one.line, one.written) == (case["line"], case["written"])
    assert one.text.startswith(mark) and ("\r" in one.text) == (end == "\r\n")
    assert one.text.count("\n") == one.text.count(end)
    kept = [line for line in without(one).split(end) if line.strip()]
    assert kept == [line for line in text.split(end) if line.strip()], "every other line is as it was"


STYLES = {
    "linked": ("- [{title}]({url}), {venue} {year}", ""),
    "bold": ("* **{title}** ({venue} {year}) [[pdf]]({url})", ""),
    "quoted": ('1. "{title}", {venue}, {year}. [[Paper]({url})]', ""),
    "row": ("| [{title}]({url}) | {venue} | {year} |", "| Title | Venue | Year |\n|:--|:--|:--|\n"),
    "venue first": ("- [[{venue}]({url})] {title}. {year}", ""),
}
WORD = some.sampled_from(
    [
        "Learning",
        "Deep",
        "Graph",
        "Attention",
        "Networks",
        "Sparse",
        "Pruning",
        "Vision",
        "Models",
        "Efficient",
        "Language",
        "Training",
        "Search",
    ]
)
TITLE = some.lists(WORD, min_size=3, max_size=8).map(" ".join)
VENUE = some.sampled_from(["CVPR", "ICML", "NeurIPS", "ICLR", "ECCV"])
ENTRY = some.tuples(TITLE, VENUE, some.integers(2012, 2025), some.integers(10000, 99999))


@settings(max_examples=60, deadline=None)
@given(
    style=some.sampled_from(sorted(STYLES)),
    entries=some.lists(ENTRY, min_size=4, max_size=9, unique_by=(lambda one: one[0], lambda one: one[3])),
    end=some.sampled_from(["\n", "\r\n"]),
    is_closed=some.booleans(),
)
def test_it_reads_back_and_nothing_else_changes(
    style: str, entries: list[tuple[str, str, int, int]], end: str, is_closed: bool
) -> None:
    pattern, head = STYLES[style]
    lines = [
        pattern.format(title=title, venue=venue, year=year, url=f"https://a.org/papers/{number}.pdf")
        for title, venue, year, number in entries
    ]
    text = ("# A List\n\n## Topic\n\n" + head + "\n".join(lines[:-1]) + "\n" * is_closed).replace("\n", end)
    title, venue, year, number = entries[-1]
    new = Account(
        file="", line=0, last_line=0, title=title, venue=venue, year=year, url=f"https://a.org/papers/{number}.pdf"
    )
    one = added(text, new, "Topic")
    assert one.text.replace(one.written + end, "", 1) == text or one.text.replace(end + one.written, "", 1) == text
    read = [each for each in survey.read(inserting.plain(one.text), "list.md").accounts if each.line == one.line]
    assert len(read) == 1
    assert titles.comparison(read[0].title) == titles.comparison(title)
    assert (read[0].venue, read[0].year, read[0].url) == (venue, year, new.url)
    if style != "quoted":  # whose numbers are all 1
        assert one.written == lines[-1], "in the very shape of its neighbours"


LIST = """# A List

## Nets

- [One Network for All](https://arxiv.org/abs/2101.00001), CVPR 2021
- [Two Networks for Some](https://arxiv.org/abs/2201.00002), CVPR 2022
- [Three Networks for None](https://arxiv.org/abs/2301.00003), CVPR 2023

## Years

### 2021

- [Four Networks in 2021](https://arxiv.org/abs/2101.00004), ICML 2021

### 2022

- [Five Networks in Space](https://arxiv.org/abs/2201.00005), ICML 2022
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(LIST, encoding="utf-8")
    return tmp_path


STATED = ("--title", "A Work on Nets", "--venue", "ICML", "--year", "2022", "--offline")


def test_the_line_is_shown_and_written_only_with_a_yes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / ".cache"))
    command = ("add", "https://a.org/9.pdf", folder, "--topic", "nets", *STATED)
    line = "- [A Work on Nets](https://a.org/9.pdf), ICML 2022\n"
    refused = run(*command)
    assert (refused.returncode, refused.stdout) == (4, line) and "--yes" in refused.stderr
    shown = run(*command, "--dry-run")
    assert (shown.returncode, shown.stdout) == (0, line)
    assert (folder / "README.md").read_text(encoding="utf-8") == LIST
    done = run(*command, "--yes")
    assert (done.returncode, done.stdout) == (0, line) and "README.md:7" in done.stderr
    assert (folder / "README.md").read_text(encoding="utf-8").replace(line, "") == LIST
    again = run(*command, "--yes")
    assert again.returncode == 1 and "README.md:7: the list has it already" in again.stderr


TWICE = {
    "an arXiv number": ("2101.00001", "--title", "Something Else Entirely"),
    "its address": ("https://arxiv.org/pdf/2101.00001v2.pdf", "--title", "Something Else Entirely"),
    "its DOI at arXiv": ("10.48550/arXiv.2101.00001", "--title", "Something Else Entirely"),
    "its title": ("10.1145/1234567.1234568", "--title", "One network, for ALL!"),
}


@pytest.mark.parametrize("name", sorted(TWICE))
def test_a_work_that_is_there_is_refused_with_its_line(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / ".cache"))
    identifier, *more = TWICE[name]
    done = run("add", identifier, folder, "--topic", "Nets", *more, "--offline", "--yes")
    assert done.returncode == 1 and "README.md:5: the list has it already" in done.stderr
    assert (folder / "README.md").read_text(encoding="utf-8") == LIST


WRONG = {
    "no identifier": (("foo", "--topic", "Nets"), 2, "no DOI, arXiv number or link"),
    "no heading": (("2401.00009", "--topic", "Netz", *STATED), 2, "Did you mean 'Nets'?"),
    "unknown to all": (("2401.00009", "--topic", "Nets", "--offline"), 1, "no source knows"),
    "no link": (("2401.00009", "--topic", "Nets", "--link", "code", *STATED), 2, "LABEL=URL"),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_cannot_be_added_is_one_clear_line(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / ".cache"))
    (identifier, *options), code, said = WRONG[name]
    done = run("add", identifier, folder, *options)
    assert done.returncode == code and said in done.stderr
    assert done.stderr.count("\n") == 1 and not done.stdout
    assert (folder / "README.md").read_text(encoding="utf-8") == LIST


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"title": "A B", "authors": 3}', '{"title": "A B", "year": "soon"}'])
def test_a_file_that_describes_no_work_is_one_clear_line(text: str, folder: Path) -> None:
    (folder / "entry.json").write_text(text, encoding="utf-8")
    done = run("add", folder / "entry.json", folder, "--topic", "Nets")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "describes a work" in done.stderr


def test_where_a_heading_holds_years_the_one_of_the_work_is_meant(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / ".cache"))
    done = run("add", "2203.00009", folder, "--topic", "Years", *STATED, "--json", "--dry-run")
    value = json.loads(done.stdout)
    assert value["topic"] == ["Years", "2022"] and not value["written"]
    assert value["text"] == "- [A Work on Nets](https://arxiv.org/abs/2203.00009), ICML 2022"


def test_what_the_reader_says_of_an_entry_is_enough_to_add_it(tmp_path: Path) -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    own = "| [Transformers in Vision: A Survey](https://arxiv.org/pdf/2101.01169.pdf) | arxiv [Oct'21] | MBZ University of AI      |"
    assert own in text
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    told = [json.loads(line) for line in run("read", tmp_path / "README.md", "--json").stdout.splitlines()]
    value = next(one for one in told if one["title"] == "Transformers in Vision: A Survey")
    (tmp_path / "entry.json").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "README.md").write_text(text.replace(f"{own}\n", ""), encoding="utf-8")
    done = run("add", tmp_path / "entry.json", tmp_path, "--topic", "Transformer Surveys", "--yes")
    assert done.returncode == 0, done.stderr
    written = " ".join(done.stdout.split())
    assert written == " ".join(own.split())


def test_what_sources_say_is_written_in_the_list_s_style(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = formats.of_path("x.bib")
    assert known is not None
    works = known.read((EXAMPLE / "known.bib").read_text(encoding="utf-8"), "known.bib", Tables()).entries
    monkeypatch.setenv("REFSYNC_CACHE_DIR", str(folder / ".cache"))
    with HTTPServer(threaded=True) as server:
        world = Services(server, works)
        monkeypatch.setenv("REFSYNC_MIRROR", world.address)
        done = run("add", "https://arxiv.org/abs/2103.14030", folder, "--topic", "Nets", "--yes")
        unknown = run("add", "2401.99999", folder, "--topic", "Nets", "--yes")
    title = "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows"
    assert done.stdout == f"- [{title}](https://arxiv.org/abs/2103.14030), ICCV 2021\n", done.stderr
    assert unknown.returncode == 1 and unknown.stderr.count("\n") == 1
    again = run("add", "arXiv:2103.14030", folder, "--topic", "Nets", "--offline", "--yes")
    assert again.returncode == 1 and "has it already" in again.stderr
