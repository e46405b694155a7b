"""Knows the words of survey lists (mappings/lists.yaml): labels of links, headers of columns, headings of noise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from refsync import documents
from refsync import venues as venue_table
from refsync.mapping import table_value


class _File(documents.Struct, forbid_unknown_fields=True, frozen=True):
    columns: dict[str, tuple[str, ...]]
    labels: dict[str, tuple[str, ...]]
    contents: tuple[str, ...]
    noise: tuple[str, ...]
    unfold: tuple[str, ...]
    resources: tuple[str, ...]
    prose: tuple[str, ...]
    awards: tuple[str, ...]
    status: tuple[str, ...]
    title_words: tuple[str, ...]
    organizations: tuple[str, ...]
    surnames: tuple[str, ...]
    beside_years: tuple[str, ...]
    beside_labels: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """The tables that a reader of lists needs, each ready to be asked."""

    columns: Mapping[str, str]
    labels: Mapping[str, str]
    contents: frozenset[str]
    noise: frozenset[str]
    unfold: frozenset[str]
    resources: frozenset[str]
    prose: re.Pattern[str]
    prose_words: frozenset[str]
    awards: frozenset[str]
    status: frozenset[str]
    title_words: frozenset[str]
    organizations: frozenset[str]
    beside_years: frozenset[str]
    beside_labels: frozenset[str]
    venues: venue_table.Venues
    beside: venue_table.Beside
    mentions: dict[str, venue_table.Mention | None] = field(default_factory=dict, compare=False, repr=False)
    named: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    def mention(self, text: str) -> venue_table.Mention | None:
        """What `text` says of a venue and a date, None when it is not shaped like one."""
        try:
            return self.mentions[text]
        except KeyError:
            if len(self.mentions) > 20000:
                self.mentions.clear()
            found = self.mentions[text] = venue_table.mention(text, self.venues, self.beside)
            return found

    def holds_prose(self, text: str) -> bool:
        """Whether a text holds a phrase of prose about the list: most texts hold not even a word of one."""
        return not self.prose_words.isdisjoint(_WORDS.findall(text.casefold())) and bool(self.prose.search(text))

    def label(self, text: str) -> str | None:
        """The kind of thing behind a link with this text (paper, code, project, ...), None when it is no label."""
        try:
            return self.named[text]
        except KeyError:
            if len(self.named) > 20000:
                self.named.clear()
            found = self.named[text] = self._label(text) if len(text) <= 60 else None
            return found

    def _label(self, text: str) -> str | None:
        form = plain_word(text)
        found = self.labels.get(form)
        if found is None and " " in form and len(form) <= 40:
            parts = [part for part in re.findall(r"[\w+#]+", form) if part not in self.beside_labels]
            kinds = {self.labels.get(part) for part in parts}
            if parts and len(parts) <= 3 and None not in kinds:
                found = next((kind for kind in self.labels.values() if kind in kinds and kind != "paper"), "paper")
        return found

    def of_heading(self, text: str) -> tuple[str | None, int | None]:
        """The venue and the year that a heading gives to all under it: "CVPR 2024", "2020 Venues", "ICML'21 papers"."""
        for found in re.finditer(
            r"(?<![\w&-])([A-Za-z][\w&/-]*[A-Za-z](?: [A-Z][\w&]*)?)[-\s]*['’]?((?:19|20)?\d\d)(?!\d)", text
        ):
            mention = self.mention(found[0])
            if mention and mention.known and mention.year:
                return mention.short, mention.year
        rest, year, _ = venue_table.dated(text)
        words = set(re.findall(r"[^\W\d_]+", rest.casefold())) - self.beside_years
        if year and re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", text):
            mention = self.mention(" ".join(word for word in rest.split() if word.casefold() not in self.beside_years))
            if mention and mention.known:
                return mention.short, year
            return None, year if not words else None
        mention = self.mention(text)
        return (mention.short, None) if mention and mention.known and mention.sure else (None, None)

    def is_group(self, text: str) -> bool:
        """Whether a few words name a company, a university or a laboratory rather than people."""
        found = _LETTERS.findall(text.casefold())
        return 0 < len(found) <= 8 and not self.organizations.isdisjoint(found)

    def holds_organization(self, text: str) -> bool:
        """Whether a text of any length holds a word by which groups are known."""
        return not self.organizations.isdisjoint(_LETTERS.findall(text.casefold()))

    def is_of_resources(self, heading: str) -> bool:
        """Whether a heading announces tools, courses, blogs and the like rather than papers."""
        form = plain_word(heading)
        parts = [set(re.findall(r"[^\W\d_]+", part)) for part in re.split(r"\band\b|[&,/]|与|和", form)]
        found = set().union(*parts)
        # "System and Tutorial" holds papers too; "Blogs and Posts" does not.
        return form in self.resources or (
            bool(found)
            and all(part & self.resources for part in parts if part)
            and not found & {"paper", "papers", "论文"}
        )

    def column(self, text: str) -> str | None:
        """The field that a column with this header holds."""
        return self.columns.get(plain_word(text))


_WORDS = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")
_ENDS = re.compile(r"^[^\w(]+|[^\w)+]+$")


def plain_word(text: str) -> str:
    """A label or heading as it is compared: lower case, without marks and emoji at its ends."""
    return " ".join(_ENDS.sub("", _SHORTCODE.sub(" ", text.casefold())).split())


@cache
def load(folder: Path | None = None) -> Words:
    """The words, read once; `folder` is the user's own folder of tables."""
    value, where = table_value("lists.yaml", folder)
    file = documents.checked(value, _File, where)
    return Words(
        columns={plain_word(word): name for name, listed in file.columns.items() for word in listed},
        labels={plain_word(word): name for name, listed in file.labels.items() for word in listed},
        contents=frozenset(map(plain_word, file.contents)),
        noise=frozenset(map(plain_word, file.noise)),
        unfold=frozenset(map(plain_word, file.unfold)),
        resources=frozenset(map(plain_word, file.resources)),
        prose_words=frozenset(max(reversed(_WORDS.findall(phrase.casefold())), key=len) for phrase in file.prose),
        prose=re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, file.prose)) + r")(?![\w-])", re.IGNORECASE),
        awards=frozenset(file.awards),
        status=frozenset(file.status),
        title_words=frozenset(file.title_words) - frozenset(file.surnames),
        organizations=frozenset(file.organizations),
        beside_years=frozenset(file.beside_years),
        beside_labels=frozenset(file.beside_labels),
        venues=venue_table.load(folder),
        beside=venue_table.beside(file.awards, file.status, venue_table.load(folder)),
    )
