"""Makes catalogs of any size that look like those of real surveys: the same works for the same number.

A few venues have most of the works and people write more than one of them (both fall off as 1/rank), one name in seven
is not plain ASCII, and one work in ten is nasty: what breaks writers stands in its title, its names or its fields.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

from refsync import mapping
from refsync.formats import catalog as catalog_file
from refsync.model import Catalog, Date, Entry, Origin, Person, Topic, Venue

_WORDS = [
    "learning",
    "deep",
    "network",
    "networks",
    "model",
    "models",
    "representation",
    "graph",
    "transformer",
    "efficient",
    "adaptive",
    "sparse",
    "vision",
    "language",
    "attention",
    "robust",
    "federated",
    "causal",
    "diffusion",
    "contrastive",
    "retrieval",
    "quantization",
    "pruning",
    "distillation",
    "segmentation",
    "detection",
    "generation",
    "reasoning",
    "alignment",
    "planning",
    "benchmark",
    "dataset",
    "survey",
    "towards",
    "without",
    "beyond",
    "for",
    "with",
    "via",
    "of",
    "the",
    "a",
    "on",
    "in",
    "and",
    "from",
    "to",
    "large",
    "scale",
    "pre-trained",
    "self-supervised",
    "few-shot",
    "end-to-end",
    "BERT",
    "GPT-4",
    "ViT",
    "ImageNet",
    "LLMs",
    "3D",
    "Bayesian",
]
_GIVEN = [
    "Ada",
    "Bo",
    "Carla",
    "Dmitri",
    "Elif",
    "Farid",
    "Grete",
    "Haruki",
    "Ines",
    "Jan",
    "Kofi",
    "Lin",
    "Maya",
    "Nils",
    "Olga",
    "Priya",
    "Quan",
    "Rosa",
    "Sven",
    "Tuan",
]
_FAMILY = [
    "Smith",
    "Zhang",
    "Wang",
    "Li",
    "Okafor",
    "Rossi",
    "Tanaka",
    "Ivanova",
    "Silva",
    "Kim",
    "Larsen",
    "Haddad",
    "Costa",
    "Dubois",
    "Singh",
    "Brown",
    "Lee",
]
_ACCENTED = ["Müller", "Nguyễn", "Novák", "Øster", "Çelik", "Łukaszewicz", "Peña", "Žižek", "王", "Şahin"]
_NASTY_TITLES = (
    "100% of $5 & #1_fits {all}: a_b ~ c^2",
    "Learning $O(n^2)$ bounds for $\\alpha$-divergence and \\emph{more}",
    "An unbalanced { brace — and “quotes” ``of'' every -- kind",
    "深層学習の調査: 𝔘nicode, emoji 🦙 and a\u0301ccents",
    "ALL IN CAPITALS TELLS NOTHING OF NAMES",
    "Zero\u200bwidth and  two  spaces\tand a \u00ad soft hyphen",
    "L'Hôpital's U-Net? Yes! A Lie Algebra of New York",
)
_NASTY_PEOPLE = (
    Person(literal="OpenAI, Inc. & Friends"),
    Person(family="Oord", given="Aäron", particle="van den"),
    Person(family="King", given="Martin Luther", suffix="Jr."),
    Person(family="Barnes and Noble", given="A."),
    Person(family="de la Cruz"),
)

T = TypeVar("T")


class _Ranked(Generic[T]):
    """Values of which the n-th is drawn 1/n times as often as the first."""

    def __init__(self, values: list[T]) -> None:
        self.values = values
        self.weights = list(accumulate(1 / rank for rank in range(1, len(values) + 1)))

    def drawn(self, chance: random.Random, count: int = 1) -> list[T]:
        return chance.choices(self.values, cum_weights=self.weights, k=count)


def head(count: int) -> Catalog:
    """The catalog of `count` works without its entries."""
    topics = tuple(Topic(id=f"t{at}", path=(f"Part {at // 8 + 1}", f"Methods & Models {at}")) for at in range(40))
    return Catalog(id=f"made{count}", title=f"{count} works", topics=topics)


def catalog(count: int) -> Catalog:
    """A catalog of so many works, in memory."""
    one = head(count)
    return Catalog(id=one.id, title=one.title, topics=one.topics, entries=tuple(entries(count)))


def write_lines(path: Path, count: int) -> None:
    """The same catalog as a .jsonl file, without ever being whole in memory."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(catalog_file.write_lines(head(count)))
        for entry in entries(count):
            file.write(catalog_file.line_of(entry))


def entries(count: int) -> Iterator[Entry]:
    """So many works, no two with one key, in the order of their keys."""
    chance = random.Random(count)
    venues, people = _Ranked(_venues()), _Ranked(_people(chance, max(50, min(count, 200_000))))
    for at in range(count):
        yield _nasty(chance, at, people) if at % 10 == 9 else _usual(chance, at, venues, people)


def _usual(chance: random.Random, at: int, venues: _Ranked[Venue], people: _Ranked[Person]) -> Entry:
    venue = venues.drawn(chance)[0]
    year = chance.randint(2008, 2026)
    is_preprint = chance.random() < 0.2
    kind = "preprint" if is_preprint else "article" if venue.kind == "journal" else "conference-paper"
    first = chance.randint(1, 9000)
    ids = {"arxiv": f"{year % 100:02}{chance.randint(1, 12):02}.{at % 100000:05}"} if is_preprint else {}
    if not is_preprint and chance.random() < 0.8:
        ids["doi"] = f"10.{chance.randint(1000, 1200)}/{year}.{at}"
    return Entry(
        key=_key(at),
        kind=kind,
        title=_title(chance, at),
        authors=tuple(dict.fromkeys(people.drawn(chance, chance.choice((1, 2, 3, 3, 4, 4, 5, 6, 8))))),
        authors_complete=chance.random() < 0.9,
        date=Date(year=year, month=chance.choice((None, None, 6, 12))),
        venue=Venue(name="arXiv") if is_preprint else venue,
        volume=str(first % 90 + 1) if kind == "article" else None,
        pages=None if is_preprint else f"{first}-{first + 11}",
        ids=ids,
        links={"paper": f"https://example.org/{year}/paper_{at}.pdf"} if chance.random() < 0.7 else {},
        topics=(f"t{chance.randint(0, 39)}",),
        tags=("survey",) if chance.random() < 0.1 else (),
        has_code=chance.random() < 0.3,
        origin=(Origin(file="README.md", line=at + 10),),
    )


def _nasty(chance: random.Random, at: int, people: _Ranked[Person]) -> Entry:
    """A work with what breaks writers, each sort in turn."""
    sort = at // 10
    kinds = ("book", "chapter", "thesis", "report", "dataset", "software", "web-page", "patent", "document", "article")
    many = people.drawn(chance, 60 if sort % 20 == 0 else 2)
    return Entry(
        key=_key(at),
        aliases=(f"old{at}",),
        kind=kinds[sort % len(kinds)],
        title=f"{_NASTY_TITLES[sort % len(_NASTY_TITLES)]} ({at})",
        authors=(_NASTY_PEOPLE[sort % len(_NASTY_PEOPLE)], *many),
        authors_complete=sort % 3 > 0,
        date="in press" if sort % 7 == 0 else Date(year=1990 + sort % 30, month=sort % 12 + 1, day=sort % 28 + 1),
        venue=Venue(name=f"Sömething & Co. {sort % 40}", publisher="Ümlaut_Press", place="New York"),
        number=f"{sort % 9} (suppl.)",
        pages=("e1–e20", "12", "12, 15--19")[sort % 3],
        ids={"doi": f"10.1000/a_b({at})<x>%20;2-#", "isbn": "978-3-16-148410-0"},
        links={"paper": f"https://example.org/~me/a b{{{at}}}?x=1&y=%zz", "code": "https://github.com/a/b"},
        topics=("t1", "t2", "unknown"),
        tags=("C#, C++", "50% off"),
        note="See p. 5 & ff.",
        abstract="Two lines\n\nwith a { and a $.",
        extra={"shorttitle": "Short & sweet", "keyin": "x", "KW": "y"} if sort % 4 == 0 else {},
        origin=(Origin(file="README.md", line=at + 10),),
    )


def _key(at: int) -> str:
    return f"w{at:08}"


def _title(chance: random.Random, at: int) -> str:
    """Of the usual words; every second title has one that no other has."""
    words = chance.choices(_WORDS, k=chance.randint(5, 12)) + ([f"study{at}"] if at % 2 else [])
    return " ".join([words[0].capitalize(), *words[1:]])


def _venues() -> list[Venue]:
    """Those of mappings/venues.yaml, in its order."""
    rows = mapping.table_value("venues.yaml")[0]["venues"]
    return [
        Venue(name=row["name"], short=short, kind=row["kind"], publisher=row.get("publisher"))
        for short, row in rows.items()
    ]


def _people(chance: random.Random, count: int) -> list[Person]:
    families = _FAMILY * 5 + _ACCENTED
    found = {
        (chance.choice(families) + chance.choice(("", "", "son", "ova")), f"{chance.choice(_GIVEN)} {letter}.")
        for letter in map(chr, chance.choices(range(65, 91), k=count))
    }
    return [Person(family=family, given=given) for family, given in sorted(found)]
