"""How long a large bibliography takes to index and to look titles up in: python -m benchmarks.libraries [RECORDS]"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from refsync import candidates, documents
from refsync.candidates import Found
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.resolvers.local import Library

EXAMPLE = Path(__file__).parent.parent / "examples" / "efficient-ai" / "catalog.yaml"


def near_miss(title: str, words: list[str], chance: random.Random) -> str:
    """A title that is nearly another: a word exchanged, a number put on, cut short, a sequel."""
    near = title.split()
    place = chance.randrange(len(near))
    made = (
        [*near[:place], chance.choice(words), *near[place + 1 :]],
        [*near, str(chance.randint(2, 9))],
        near[:-1],
        [*near, "revisited"],
    )
    return " ".join(made[chance.randrange(4)])


def written(path: Path, count: int, works: list[str]) -> None:
    """A CSL-JSON file of so many records; each tenth is nearly one of `works`: a word, a number, a prefix, a sequel."""
    chance = random.Random(11)
    words = sorted(
        {word for title in works for word in title.split()}
        | {f"{a}{b}" for a in "bcdfgklmnprst" for b in map(str, range(900))}
    )
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for at in range(count):
            title = " ".join(chance.sample(words, chance.randint(4, 12)))
            if at % 10 == 0:
                title = near_miss(chance.choice(works), words, chance)
            item = {
                "id": f"k{at}", "type": "paper-conference", "title": title, "container-title": "Proceedings of Some Conference",
                "author": [{"family": chance.choice(words).capitalize(), "given": "Ann"} for _ in range(4)],
                "issued": {"date-parts": [[chance.randint(2015, 2024)]]}, "DOI": f"10.1000/x{at}", "page": "1-10",
            }  # fmt: skip
            file.write((",\n" if at else "") + json.dumps(item))
        file.write("]")


def main(count: int) -> None:
    entries = catalog_file.read(documents.text_of(EXAMPLE), "catalog.yaml")[0].entries
    works = [one for one in entries if one.kind != "web-page"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written(folder / "all.json", count, [one.title for one in works])
        start = time.perf_counter()
        with Library.opened("csl:all.json", folder, folder / "cache", Tables()) as library:
            made = time.perf_counter() - start
            start = time.perf_counter()
            taken = []
            for work in works:
                hits = [Found(entry=one, by="x", via=work.title) for one in library.by_title(work.title)]
                taken += [one.entry.title for one in candidates.chosen(work, hits).accepted]
            asked = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count} records: index {made:.1f} s, {len(works)} titles {asked:.2f} s, {memory:.0f} MB")
        print(f"near misses taken for one of the works: {len(taken)}")
        print(*taken[:10], sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
