"""How long lists take to read: python -m benchmarks.lists [LIST ...]

Prints the time for each LIST, for a generated one of 3 MB, and the time per entry from 100 to 10,000 entries,
beside what markdown-it alone takes, which refsync does not use: a measure of the machine.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from refsync.formats import survey

_SOME = """
learning deep network model representation graph transformer efficient adaptive sparse vision language attention robust
federated causal diffusion contrastive retrieval quantization pruning distillation segmentation detection generation
reasoning alignment planning benchmark dataset survey towards without beyond for with via of
Ada Bo Carla Dmitri Elif Farid Grete Haruki Ines Jan Kofi Lin Maya Nils Olga Priya Quan Rosa Sven Tuan
Smith Zhang Müller Okafor Rossi Tanaka Ivanova Silva Nguyen Kim Larsen Haddad Novák Costa Dubois Singh
CVPR ICML NeurIPS ICLR ACL EMNLP ECCV ICCV AAAI KDD SIGIR arXiv TPAMI JMLR USENIX-Security OSDI
"""
_LINES = [line.split() for line in _SOME.strip().splitlines()]
_WORDS = [*_LINES[0], *_LINES[1], *_LINES[2]]
_NAMES, _FAMILIES, _VENUES = _LINES[3:]


def _entry(pick: random.Random, number: int) -> str:
    """One entry in one of eight common shapes; no two are the same."""
    title = " ".join(pick.choice(_WORDS) for _ in range(pick.randint(5, 11))).title() + f": Study {number}"
    people = [f"{pick.choice(_NAMES)} {pick.choice(_FAMILIES)}" for _ in range(pick.randint(2, 6))]
    names, venue, year = ", ".join(people), pick.choice(_VENUES), pick.randint(2012, 2026)
    link = f"https://arxiv.org/abs/{year % 100:02}{pick.randint(1, 12):02}.{number % 100000:05}"
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"- [{title}]({link}), {names}, {venue} {year}",
        lambda: f"- **{title}**. *{names}*. {venue} {year}. [[paper]({link})] [[code](https://github.com/a/b{number})]",
        lambda: f'* **Nick{number}**: "{title}", {venue}, {year} (*Google*). [[Paper]({link})]',
        lambda: f"- [[{venue}]({link})] {title}. [__`qnn`__] [[code](https://github.com/a/b{number})]",
        lambda: f"{number}. {names}, {title}, {venue}, {year}. [[Paper]]({link})",
        lambda: f"- {title} ({venue} {year})",
        lambda: f"**{title}** \\\n*{names}* \\\n{venue} {year}. [[Paper]({link})]\n",
        lambda: f"- [{title}]({link}) | {venue}' {year % 100:02}",
    )
    return shapes[number // 20 % len(shapes)]()


def generated(entries: int | None = None, size: int = 0) -> str:
    """A list of so many entries, or of at least `size` bytes, with a heading every twenty."""
    pick = random.Random(7)
    return "\n".join(_lines(pick, entries, size))


def _lines(pick: random.Random, entries: int | None, size: int) -> Iterator[str]:
    yield "# A generated list"
    number = length = 0
    while number < entries if entries is not None else length < size:
        if number % 20 == 0:
            yield f"\n## Topic {number // 20}\n"
        text = _entry(pick, number)
        length += len(text) + 1
        number += 1
        yield text


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    """(seconds of the fastest of three runs, its result)."""
    best, result = float("inf"), None
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def _row(name: str, text: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    bare, _ = _timed(lambda: parser.parse(text))
    taken, reading = _timed(lambda: survey.read(text, "list.md"))
    count = len(reading.accounts)  # type: ignore[attr-defined]
    per = f"{taken / max(count, 1) * 1e3:8.2f}"
    print(f"{name:44} {len(text) / 1e6:6.2f} {count:8} {bare:11.2f} {taken:8.2f} {per}")


def main() -> None:
    """Prints the table."""
    survey.read("# Warm\n\n- [A title of it](https://arxiv.org/abs/2001.00001), CVPR 2020\n", "list.md")
    print(f"{'list':44} {'MB':>6} {'entries':>8} {'markdown-it':>11} {'read, s':>8} {'ms/entry':>8}")
    for count in (100, 1000, 10_000):
        _row(f"generated, {count} entries", generated(count))
    _row("generated, 3 MB", generated(size=3_000_000))
    paths = [Path(name) for name in sys.argv[1:]]
    for path in paths:
        _row(path.name[:44], path.read_text(encoding="utf-8"))
    if len(paths) > 1:
        _row("all of them as one", "\n\n".join(path.read_text(encoding="utf-8") for path in paths))


if __name__ == "__main__":
    main()
