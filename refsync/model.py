"""What a catalog is made of: works, the people who wrote them, where they appeared, the topics they stand under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One author or editor. A group ("OpenAI") has only `literal` and is never split."""

    family: str | None = None
    given: str | None = None
    particle: str | None = None
    suffix: str | None = None
    literal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Date:
    """A date of publication; each later part may be missing."""

    year: int
    month: int | None = None
    day: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Venue:
    """Where a work appeared. `kind` is a kind of mappings/venues.yaml, None when the venue is not in that table."""

    name: str
    short: str | None = None
    kind: str | None = None
    series: str | None = None
    publisher: str | None = None
    place: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A heading of the list: its path from the outermost heading inward, and the id that outlives a new name."""

    id: str
    path: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Who said a field: a source (`by`), the day (`on`, ISO 8601), and the id or title it was found through (`via`)."""

    by: str
    on: str | None = None
    via: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A place in a source: file as given, first line counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One work. A field that nobody stated is None or empty, never guessed.

    `said` names who said a field; a field that is not in it was stated by the list itself.
    """

    key: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = "document"
    title: str = ""
    aka: tuple[str, ...] = ()
    authors: tuple[Person, ...] = ()
    authors_complete: bool | None = None
    editors: tuple[Person, ...] = ()
    date: Date | str | None = None
    venue: Venue | None = None
    volume: str | None = None
    number: str | None = None
    pages: str | None = None
    edition: str | None = None
    genre: str | None = None
    version: str | None = None
    accessed: Date | str | None = None
    abstract: str | None = None
    language: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    has_code: bool = False
    rating: str | None = None
    comment: str | None = None
    note: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)
    origin: tuple[Origin, ...] = ()

    @property
    def year(self) -> int | None:
        """The year of `date`, None when there is none or it could not be read."""
        return self.date.year if isinstance(self.date, Date) else None

    @property
    def month(self) -> int | None:
        """The month of `date` (1..12), None when not stated."""
        return self.date.month if isinstance(self.date, Date) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """What is remembered of a work that has left the list, so that its key is never given to another."""

    title: str
    ids: Mapping[str, str] = field(default_factory=dict)
    aka: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All works of a survey, each once, with the topics in the order of the list."""

    id: str
    title: str
    topics: tuple[Topic, ...] = ()
    entries: tuple[Entry, ...] = ()
    retired: Mapping[str, Retired] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> Mapping[str, Entry]:
        """Entries by key and by alias."""
        found = {alias: entry for entry in self.entries for alias in entry.aliases}
        found.update((entry.key, entry) for entry in self.entries)
        return found

    @cached_property
    def by_id(self) -> Mapping[tuple[str, str], Entry]:
        """Entries by (scheme, value) of each identifier."""
        return {pair: entry for entry in self.entries for pair in entry.ids.items()}

    @cached_property
    def paths(self) -> Mapping[str, tuple[str, ...]]:
        """Path of each topic by its id."""
        return {topic.id: topic.path for topic in self.topics}


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something a person should look at: where (`file:line` or a key), what it is, and what to do about it."""

    where: str
    what: str
    hint: str = ""
    check: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" {self.hint}" if self.hint else "")


class Failure(Exception):
    """Nothing can go on. Carries the Problem to show and the exit code of the contract."""

    def __init__(self, problem: Problem, code: int = 1) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What one place of a list says of a work: one occurrence, before any merging.

    `topic` is the heading path below the document's title; `day` is not read, and set only for what is to be written;
    `inferred` names the fields that the entry itself does not
    state (taken from a heading, a parent bullet, an arXiv number); `kind` is paper or resource; `confidence` is 0..1,
    and `doubts` say in words why it is not higher.
    """

    file: str
    line: int
    last_line: int
    topic: tuple[str, ...] = ()
    title: str = ""
    aka: str | None = None
    authors: tuple[Person, ...] = ()
    et_al: bool = False
    venue: str | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    tags: tuple[str, ...] = ()
    has_code: bool = False
    rating: str | None = None
    comment: str | None = None
    kind: str = "paper"
    inferred: tuple[str, ...] = ()
    confidence: float = 0.0
    doubts: tuple[str, ...] = ()
    raw: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A part of a list that is no entry: its lines, why it was left out, its text."""

    file: str
    line: int
    last_line: int
    why: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A list as read: its title, its headings in order, its accounts in document order, and what was left out."""

    file: str
    title: str | None
    topics: tuple[tuple[str, ...], ...]
    accounts: tuple[Account, ...]
    skipped: tuple[Skipped, ...] = ()
