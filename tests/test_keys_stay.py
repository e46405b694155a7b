"""A key, once given, stays with its work through whatever a maintainer does to the list, and never goes to another."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from refsync import assemble, titles
from refsync.formats import catalog as catalog_file
from refsync.formats import survey
from refsync.mapping import Tables
from refsync.model import Catalog, Entry
from refsync.settings import Settings
from refsync.sources import Source
from tests.conftest import EXAMPLE

# New works for the list: real titles of other fields, none near another or near one of the example.
ARRIVALS = (
    "The Part-Time Parliament",
    "Dynamo: Amazon's Highly Available Key-value Store",
    "MapReduce: Simplified Data Processing on Large Clusters",
    "A Relational Model of Data for Large Shared Data Banks",
    "Time, Clocks, and the Ordering of Events in a Distributed System",
    "New Directions in Cryptography",
    "The Anatomy of a Large-Scale Hypertextual Web Search Engine",
    "Communicating Sequential Processes",
    "Reflections on Trusting Trust",
    "An Axiomatic Basis for Computer Programming",
    "Spanner: Google's Globally-Distributed Database",
    "Bigtable: A Distributed Storage System for Structured Data",
)


@dataclass
class Line:
    """One entry of the list as its maintainer sees it: the work it stands for, and the text of its line."""

    work: int
    text: str
    row: bool


@dataclass
class List:
    """A list that can be edited: sections of headings and entries, and the works that were ever in it."""

    sections: list[tuple[str, list[Line]]] = field(default_factory=list)
    away: list[tuple[int, Line]] = field(default_factory=list)
    arrived: int = 0
    count: int = 0

    def text(self) -> str:
        out = ["# A list", ""]
        for heading, lines in self.sections:
            out += [heading, ""]
            if lines and lines[0].row:
                out += ["| Title | Venue | Group |", "|:--|:--|:--|"]
            for line in lines:
                out += [line.text] if line.row else [line.text, ""]
            out.append("")
        return "\n".join(out)

    def places(self) -> list[tuple[int, int]]:
        return [(at, to) for at, (_, lines) in enumerate(self.sections) for to in range(len(lines))]


def the_example() -> List:
    """The example list, its entries apart: two lines that are one work share its number."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    reading = survey.read(text, "README.md")
    known: dict[str, int] = {}
    out = List()
    sections: dict[tuple[str, ...], list[Line]] = {path: [] for path in reading.topics}
    for account in reading.accounts:
        work = known.setdefault(titles.comparison(account.title), len(known))
        plain = " ".join(account.raw.split())
        sections[account.topic].append(Line(work, plain, "|" in plain))
    out.sections = [("#" * (len(path) + 1) + " " + path[-1], lines) for path, lines in sections.items()]
    out.count = len(known)
    return out


def built(listed: List, last: Catalog | None) -> Catalog:
    """A build in memory, through the text of catalog.yaml, as the command does it."""
    if last is not None:
        last, problems = catalog_file.read(catalog_file.write(last), "catalog.yaml")
        assert not problems
    source = Source(name="README.md", text=listed.text(), reading=survey.read(listed.text(), "README.md"))
    return assemble.assembled([source], settings=Settings(), last=last, tables=Tables()).catalog


def held(listed: List, catalog: Catalog) -> dict[int, Entry]:
    """The entry of each work that is in the list, known by the place of its line."""
    lines = listed.text().split("\n")
    numbers: dict[str, list[int]] = {}
    for number, text in enumerate(lines, 1):
        numbers.setdefault(text, []).append(number)
    by_line = {at.line: entry for entry in catalog.entries for at in entry.origin}
    return {
        line.work: by_line[number]
        for _, section in listed.sections
        for line in section
        for number in numbers[line.text]
        if number in by_line
    }


# ---------------------------------------------------------------------------------------------------------------
# What maintainers do


def insert(listed: List, rng: random.Random) -> None:
    if listed.arrived == len(ARRIVALS):
        return
    at = rng.randrange(len(listed.sections))
    lines = listed.sections[at][1]
    row = bool(lines) and lines[0].row
    title = ARRIVALS[listed.arrived]
    listed.arrived += 1
    text = (
        f"| [{title}](https://example.org/{listed.arrived}.pdf) | **ICML'21** | MIT |" if row else f"{title}. ICML 2021"
    )
    lines.insert(rng.randint(0, len(lines)), Line(listed.count, text, row))
    listed.count += 1


def delete(listed: List, rng: random.Random) -> None:
    if len(listed.away) < 12 and (places := listed.places()):
        at, to = rng.choice(places)
        listed.away.append((at, listed.sections[at][1].pop(to)))


def put_back(listed: List, rng: random.Random) -> None:
    if listed.away:
        at, line = listed.away.pop(rng.randrange(len(listed.away)))
        lines = listed.sections[at][1]
        lines.insert(rng.randint(0, len(lines)), line)


def reorder(listed: List, rng: random.Random) -> None:
    rng.shuffle(rng.choice(listed.sections)[1])


def move(listed: List, rng: random.Random) -> None:
    """To another topic that is written in the same manner."""
    places = listed.places()
    if places:
        at, to = rng.choice(places)
        line = listed.sections[at][1][to]
        others = [n for n, (_, lines) in enumerate(listed.sections) if n != at and lines and lines[0].row == line.row]
        if others:
            del listed.sections[at][1][to]
            target = listed.sections[rng.choice(others)][1]
            target.insert(rng.randint(0, len(target)), line)


def _edit(listed: List, rng: random.Random, pattern: str, repl: str, *, rows: bool = True) -> None:
    """Changes the title of one line that the pattern fits, where the work stands in one line only."""
    counts: dict[int, int] = {}
    for at, to in listed.places():
        counts[listed.sections[at][1][to].work] = counts.get(listed.sections[at][1][to].work, 0) + 1
    fitting = [
        (at, to)
        for at, to in listed.places()
        if counts[(line := listed.sections[at][1][to]).work] == 1
        and (rows or not line.row)
        and re.search(pattern, line.text)
    ]
    if fitting:
        at, to = rng.choice(fitting)
        line = listed.sections[at][1][to]
        listed.sections[at][1][to] = replace(line, text=re.sub(pattern, repl, line.text, count=1))


def misspell(listed: List, rng: random.Random) -> None:
    _edit(listed, rng, r"(?<=[a-z]{3})([a-z])([a-z])(?=[a-z]{2,} )", r"\2\1")


def recase(listed: List, rng: random.Random) -> None:
    _edit(listed, rng, r"\b(Search|Architecture|Transformer|Knowledge|Quantization|Network)(s?)\b(?=[ :])", r"\1\2-")


def add_word(listed: List, rng: random.Random) -> None:
    _edit(listed, rng, r"\b(Neural Architecture Search|Vision Transformers?|Knowledge Distillation)\b", r"Deep \1")


def split_nickname(listed: List, rng: random.Random) -> None:
    _edit(listed, rng, r"(?<![\w\].])[A-Za-z]\w*(?:-\w+)?: (?=\w+ \w+ \w+)", "")


def add_venue(listed: List, rng: random.Random) -> None:
    _edit(listed, rng, r"^(?!.*\d{4})(?!.*\[)([A-Z][^?.|]+[a-z])$", r"\1. ICLR 2021", rows=False)


def rename_topic(listed: List, rng: random.Random) -> None:
    at = rng.randrange(len(listed.sections))
    heading, lines = listed.sections[at]
    listed.sections[at] = (f"{heading} (renamed)", lines)


EDITS = {
    edit.__name__: edit
    for edit in (
        insert,
        delete,
        put_back,
        reorder,
        move,
        misspell,
        recase,
        add_word,
        split_nickname,
        add_venue,
        rename_topic,
    )
}


@given(
    commits=st.lists(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=6), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
# Shrinking would build thousands of lists; the commits of a failure are short enough to read.
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
def test_no_key_changes_or_passes_on(commits: list[list[str]], seed: int) -> None:
    rng = random.Random(seed)
    listed = the_example()
    catalog = built(listed, None)
    owner: dict[str, int] = {}
    keys: dict[int, str] = {}
    for commit in [[], *commits]:
        for name in commit:
            EDITS[name](listed, rng)
        catalog = built(listed, catalog)
        for work, entry in held(listed, catalog).items():
            assert keys.setdefault(work, entry.key) in (entry.key, *entry.aliases), (commit, entry.title)
            assert owner.setdefault(entry.key, work) == work, (commit, entry.title)


@pytest.mark.parametrize("name", sorted(EDITS))
def test_every_edit_changes_something(name: str) -> None:
    """An edit that never changes the list would make the property above say nothing of it."""
    listed = the_example()
    rng = random.Random(1)
    if name == "put_back":
        delete(listed, rng)
    before = listed.text()
    EDITS[name](listed, rng)
    assert listed.text() != before


def test_a_new_entry_adds_only_its_own_lines(tmp_path: object) -> None:
    from refsync import formats

    listed = the_example()
    old = built(listed, None)
    insert(listed, random.Random(3))
    new = built(listed, old)
    (entry,) = set(new.by_key) - set(old.by_key)
    # catalog.jsonl holds the lines of the list, which move; the page counts and draws the whole.
    steady = [one for one in formats.FORMATS if one.name not in {"catalog-lines", "html"}]
    writers = {one.name: (lambda catalog, one=one: one.write(catalog, Tables()).text) for one in steady}
    for name, write in {**writers, "catalog": catalog_file.write}.items():
        before, after = write(old).split("\n"), write(new).split("\n")
        added = list(after)
        kept = iter(after)
        assert all(line in kept for line in before), f"{name}: a line of another entry changed"
        for line in before:
            added.remove(line)
        assert any(entry in line for line in added)


def test_a_work_in_place_of_another_gets_its_own_key() -> None:
    """Near misses: the title that takes another's place, in one commit, is not its new spelling."""
    pairs = [
        ("Transformers in Vision: A Survey", "Transformers in Time Series: A Survey"),
        ("Fully Quantized Transformer for Improved Translation", "Fully Quantized Transformer for Machine Translation"),
        ("YOLOv3: An Incremental Improvement of Detection", "YOLOv4: An Incremental Improvement of Detection"),
        ("Deep Learning for Graphs", "Deep Learning for Graphs: A Survey"),
        (
            "Post-Training Quantization for Vision Transformer",
            "FQ-ViT: Post-Training Quantization for Fully Quantized Vision Transformer",
        ),
    ]
    for old, new in pairs:
        listed = List(
            sections=[("## Topic", [Line(0, f"{old}. ICML 2021", False), Line(1, f"{ARRIVALS[0]}. ICML 2020", False)])]
        )
        first = built(listed, None)
        listed.sections[0][1][0] = Line(2, f"{new}. ICML 2021", False)
        second = built(listed, first)
        key = next(one.key for one in first.entries if one.title == old)
        assert next(one.key for one in second.entries if one.title == new) != key, (old, new)
        assert key in second.retired
