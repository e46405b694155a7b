"""How many requests and how much time of its own a sync takes: python -m benchmarks.syncing [--profile NAME]"""

from __future__ import annotations

import cProfile
import pstats
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from refsync import documents
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.model import Catalog, Date, Entry, Person, Topic, Venue
from refsync.settings import Settings, Zotero
from refsync.sync import places, run
from refsync.sync.desired import Desired, desired
from tests.foreign import foreign

EXAMPLE = Path(__file__).parent.parent / "examples" / "efficient-ai" / "catalog.yaml"
TABLES = Tables()
LINKED = Settings(zotero=Zotero(links=True))
MANY, SHELVES, FOREIGN = 10_000, 30, 5_000
PROFILED = sys.argv[2] if sys.argv[1:2] == ["--profile"] else None


HEAD = """## Requests and time

`python -m benchmarks.syncing` wrote this. The server is a process of its own; own CPU is the time of a processor (seconds)
that refsync takes from the first request to the last, the catalog already made.

```text"""


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    """What names a sandbox in a process of its own, so that its time is not counted."""
    command = [sys.executable, "-m", "refsync", "sandbox", str(folder / "library.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            pairs = [process.stdout.readline().removeprefix("export ").strip().partition("=") for _ in range(2)]
            yield {name: value for name, _, value in pairs}
        finally:
            process.terminate()


def measured(label: str, wanted: Desired, folder: Path, given: dict[str, str]) -> run.Report:
    """One sync as a command makes it, and the line that says what it took."""
    profile = cProfile.Profile() if label == PROFILED else None
    start, own = time.perf_counter(), time.process_time()
    if profile:
        profile.enable()
    with places.opened("user", state=folder, environment=given) as (place, library):
        owner = place.owner(wanted.catalog)
        files = run.Files(
            base=places.base_path(folder, owner, None),
            mirror=places.mirror_path(folder, owner),
            journal=folder / "runs",
        )
        report = run.sync(wanted, place, library, files, run.Wishes(is_sure=True))
    if profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumtime").print_stats(45)
    own, passed = time.process_time() - own, time.perf_counter() - start
    counts = {name: count for name, count in report.plan.counts.items() if count}
    shown = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{label:32} {report.reads:6} {report.writes:6} {own:8.2f} {passed:8.2f}  {shown}", flush=True)
    assert not report.refused
    return report


def large() -> Catalog:
    """A catalog of many entries under some topics, two levels deep."""
    chance = random.Random(7)
    topics = [
        Topic(id=f"t{at}", path=(f"Topic {at - at % 5}", f"Part {at}")[: 1 + bool(at % 5)]) for at in range(SHELVES)
    ]
    words = [
        f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("ning", "tion", "work", "sis", "ment", "ral")
    ]
    entries = [
        Entry(
            key=f"key{at}",
            kind=("conference-paper", "article", "preprint")[at % 3],
            title=f"{' '.join(chance.sample(words, 7)).title()} {at}",
            authors=tuple(Person(family=chance.choice(words).title(), given="Ann B.") for _ in range(5)),
            authors_complete=True,
            date=Date(year=2000 + at % 25),
            venue=(
                Venue(name="International Conference on Machine Learning", short="ICML", kind="conference"),
                Venue(name="A Journal of Things", kind="journal"),
                Venue(name="arXiv", kind="preprint"),
            )[at % 3],
            pages="1-12",
            ids={"doi": f"10.1234/{at}"} if at % 3 else {"arxiv": f"{2000 + at % 25 % 12}.{at:05}"},
            topics=tuple(sorted({f"t{at % SHELVES}", f"t{chance.randrange(SHELVES)}"})),
            tags=("one", f"tag{at % 50}"),
            abstract="A sentence of an abstract that goes on. " * 12,
            links={"code": f"https://a.test/{at}"} if at % 2 else {},
        )
        for at in range(MANY)
    ]
    return Catalog(id="f" * 16, title="Many", topics=tuple(topics), entries=tuple(entries))


def one_changed(catalog: Catalog) -> Catalog:
    """The catalog with another year of its first entry."""
    return replace(catalog, entries=(replace(catalog.entries[0], date=Date(year=1999)), *catalog.entries[1:]))


def thrice(name: str, catalog: Catalog) -> tuple[run.Report, ...]:
    """A first sync, an unchanged one, one with one changed entry, of an empty library."""
    own = time.process_time()
    wanted, changed = desired(catalog, TABLES, LINKED), desired(one_changed(catalog), TABLES, LINKED)
    made = (time.process_time() - own) / 2
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as given:
        reports = (
            measured(f"{name}, first", wanted, Path(folder), given),
            measured(f"{name}, unchanged", wanted, Path(folder), given),
            measured(f"{name}, one entry changed", changed, Path(folder), given),
        )
    print(f"{'  the catalog as items, each time':46} {made:8.2f}")
    return reports


def among_foreign(catalog: Catalog) -> None:
    """Syncs into a library that a person has kept for years."""
    items, _ = foreign(catalog.entries, FOREIGN)
    wanted = desired(catalog, TABLES, LINKED)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as given:
        for start in range(0, len(items), 50):
            answer = requests.post(
                f"{given['ZOTERO_API_URL']}/users/1/items",
                json=items[start : start + 50],
                headers={"Zotero-API-Key": given["ZOTERO_API_KEY"]},
                timeout=60,
            ).json()
            assert not answer["failed"], answer["failed"]
        measured("among 5,000 foreign items, first", wanted, Path(folder), given)
        report = measured("among 5,000 foreign, unchanged", wanted, Path(folder), given)
        assert report.writes == 0 and not report.plan.changes


def main() -> None:
    print(HEAD)
    example = catalog_file.read(documents.text_of(EXAMPLE), "catalog.yaml")[0]
    print(f"{'sync':32} {'reads':>6} {'writes':>6} {'own CPU':>8} {'seconds':>8}  changes")
    _, again, _ = thrice("the example (145 entries)", example)
    assert again.writes == 0
    among_foreign(example)
    first, again, changed = thrice("10,000 entries", large())
    assert first.reads + first.writes < 500 and again.writes == 0 and changed.writes == 1
    print("```")


if __name__ == "__main__":
    main()
