"""A list's months, replayed: each commit of its git history is built and synced into a sandbox.

    python -m tests.months [--file README.md] [--last N] [--seeds N] [SOURCE...]

A SOURCE is a repository, as a path or an address that git can clone; or a list, of which histories are made up
(tests/histories.py): that of the example where none is named. Prints one row a history, and has exit code 1 where a key of a work changed, an item was doubled or orphaned, or more of references.bib
changed than the entries explain.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from refsync import titles
from refsync.build import build
from refsync.model import Catalog, Failure
from refsync.sync.base import BaseFile
from refsync.sync.seen import client_key, is_gone
from tests import histories
from tests.library import World, world

EXAMPLE = Path(__file__).parent.parent / "examples" / "efficient-ai" / "README.md"
_BLOCK = re.compile(r"^@\w+\{([^,\s]+),.*?^\}$", re.M | re.S)
_MOST = 3  # lines of references.bib that may change for each line of a changed entry


@dataclass
class Months:
    """What a replay found: commits, those that could not be built, and every breach of what is promised, in words."""

    name: str
    commits: int = 0
    unbuilt: int = 0
    entries: int = 0
    moved_lines: int = 0  # lines of references.bib that changed
    changed_lines: int = 0  # lines of the entries that changed
    quiet: int = 0  # syncs of an unchanged catalog that wrote nothing, of `again`
    keys: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    noisy: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Every breach, in words."""
        return [*self.keys, *self.doubled, *self.orphaned, *self.noisy]

    def row(self) -> str:
        """The figures, as a row of the table."""
        ratio = self.moved_lines / self.changed_lines if self.changed_lines else 0.0
        cells = [
            self.name, self.commits, self.unbuilt, self.entries, len(self.keys), len(self.doubled), len(self.orphaned),
            f"{ratio:.2f}", len(self.noisy),
        ]  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"


HEAD = (
    "| history | commits | not built | entries | keys changed | doubled | orphaned | lines of .bib per changed line | noisy |\n"
    "|:--|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def revisions(repository: Path, name: str) -> Iterator[tuple[str, str]]:
    """(commit, text) of a file at each commit that changed it, the oldest first; renames of the file are followed."""
    log = _git(repository, "log", "--follow", "--format=%x00%H", "--name-only", "--", name)
    for block in reversed(log.split("\0")[1:]):  # git cannot both follow and reverse
        commit, *names = block.split()
        try:
            yield commit, _git(repository, "show", f"{commit}:{names[-1] if names else name}")
        except subprocess.CalledProcessError:
            continue  # the commit that removed it


def _git(folder: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def replayed(name: str, texts: Iterable[tuple[str, str]], folder: Path) -> Months:
    """Builds and syncs each text of a list in turn, as a maintainer does who lets refsync run after every commit."""
    found = Months(name)
    survey = folder / "survey"
    survey.mkdir()
    last: tuple[Catalog, str] | None = None
    with world(folder / "state") as there:
        for commit, text in texts:
            found.commits += 1
            (survey / "README.md").write_text(text, encoding="utf-8", newline="")
            try:
                catalog = build(survey, force=True).catalog
            except Failure:
                found.unbuilt += 1  # an empty file, a page of prose: told, and the catalog stays
                continue
            bib = (survey / "references.bib").read_text(encoding="utf-8")
            there.sync(catalog, is_forced=True)
            if there.sync(catalog, is_forced=True).writes:
                found.noisy.append(f"{commit[:8]}: a second sync writes")
            _look(found, commit[:8], there, catalog)
            if last is not None:
                _compare(found, commit[:8], last[0], catalog)
                _count_lines(found, commit[:8], last[1], bib)
            last, found.entries = (catalog, bib), len(catalog.entries)
    return found


def _named(catalog: Catalog) -> dict[tuple[str, str], str]:
    """The key of each work by what it is known by, whatever its key; what two entries have in common tells neither."""
    pairs = [
        (name, entry.key)
        for entry in catalog.entries
        for name in entry.ids.items() or [("title", titles.comparison(entry.title))]
    ]
    count = Counter(name for name, _ in pairs)
    return {name: key for name, key in pairs if count[name] == 1}


def _compare(found: Months, commit: str, old: Catalog, new: Catalog) -> None:
    """Keys that the same work no longer has."""
    now = _named(new)
    kept = {key for entry in new.entries for key in (entry.key, *entry.aliases)}
    changed = {(key, now[name]) for name, key in _named(old).items() if name in now and now[name] != key}
    found.keys += [f"{commit}: {key} became {other}" for key, other in sorted(changed) if key not in kept]


def _look(found: Months, commit: str, there: World, catalog: Catalog) -> None:
    """Items of one work, and items that stand nowhere or where their entry is not."""
    items, shelves = there.all("items"), there.all("collections")
    living = {key: one for key, one in items.items() if not is_gone(one) and one["itemType"] != "attachment"}
    cited = Counter(one["citationKey"] for one in living.values())
    found.doubled += [f"{commit}: {count} items of {key}" for key, count in cited.items() if count > 1]
    base = BaseFile(there.files(catalog.id).base, there.place.owner(catalog.id)).load()
    topics = {client_key(catalog.id, "collection", one.id): one.id for one in catalog.topics}
    for entry in catalog.entries:
        record = base.records.get(("item", entry.key))
        data = living.get(record.key) if record else None
        if data is None:
            found.orphaned.append(f"{commit}: {entry.key} has no item")
        elif {topics[one] for one in data["collections"] if one in topics} != set(entry.topics):
            found.orphaned.append(f"{commit}: {entry.key} is not where its entry is")
    found.orphaned += [f"{commit}: {key} stands nowhere" for key, one in living.items() if not one["collections"]]
    lost = {one for data in living.values() for one in data["collections"]} - shelves.keys()
    found.orphaned += [f"{commit}: a collection {one} is gone" for one in lost]


def _count_lines(found: Months, commit: str, old: str, new: str) -> None:
    """How many lines of references.bib changed, and how many lines the changed entries have."""
    before, after = _blocks(old), _blocks(new)
    changed = [one for one in {*before, *after} if before.get(one) != after.get(one)]
    lines = sum(max(before.get(one, "").count("\n"), after.get(one, "").count("\n")) + 1 for one in changed)
    # The entries as they stand; JabRef's groups, which follow the topics of the list, apart.
    texts = ("\n".join(one.values()).split("\n") for one in (before, after))
    moved = sum(
        line[0] in "+-" and line[:3] not in {"+++", "---"} for line in difflib.unified_diff(*texts, n=0, lineterm="")
    )
    found.moved_lines += moved
    found.changed_lines += lines
    if moved > _MOST * lines:
        found.noisy.append(f"{commit}: {moved} lines of references.bib for {lines} lines of changed entries")


def _blocks(bib: str) -> Mapping[str, str]:
    return {match[1]: match[0] for match in _BLOCK.finditer(bib)}


def main(arguments: list[str]) -> int:
    """Prints the table; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.months")
    parser.add_argument("sources", nargs="*", default=[str(EXAMPLE)])
    parser.add_argument("--file", default="README.md")
    parser.add_argument("--last", type=int, default=0, help="only the last N commits")
    parser.add_argument("--seeds", type=int, default=2, help="how many histories are made up of a list")
    wanted = parser.parse_args(arguments)
    faults = 0
    print(HEAD, flush=True)
    for months in _all(wanted):
        print(months.row(), flush=True)
        for fault in months.faults[:20]:
            print(f"  {fault}", file=sys.stderr)
        faults += len(months.faults)
    return 1 if faults else 0


def _all(wanted: argparse.Namespace) -> Iterator[Months]:
    for one in wanted.sources:
        path = Path(one)
        if path.is_file():
            for seed in range(wanted.seeds):
                made = histories.texts(path.read_text(encoding="utf-8"), seed, wanted.last or 20)
                yield _replayed(f"{path.name}, made up {seed}", ((f"{at:08}", text) for at, text in enumerate(made)))
            continue
        with tempfile.TemporaryDirectory() as name:
            repository = path
            if not path.is_dir():
                repository = Path(name) / "clone"
                subprocess.run(["git", "clone", "-q", "--", one, str(repository)], check=True)
            yield _replayed(path.name, list(revisions(repository, wanted.file))[-wanted.last :])


def _replayed(name: str, texts: Iterable[tuple[str, str]]) -> Months:
    with tempfile.TemporaryDirectory() as folder:
        return replayed(name, texts, Path(folder))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
