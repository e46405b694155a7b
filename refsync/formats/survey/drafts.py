"""Knows an entry on the way: what is known of it so far, and the text that nobody has understood yet.

Everything is classified by what it is, not by where it stands. A Draft takes the text apart: what has been understood
is blanked out, so that what is left at the end is what nobody understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from refsync.formats.survey.text import Text
from refsync.formats.survey.words import Words
from refsync.model import Person

GONE = "\x1f"  # stands for a character that has been understood
EDGE = " \t\n,.;:|-–—·•/" + GONE
URL = re.compile(r"https?://[^\s<>\"'，。）)\]]+(?:\([^\s<>()]*\)[^\s<>\"'，。）)\]]*)*", re.IGNORECASE)
BRACKETS = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)|【([^【】]*)】|（([^（）]*)）")
_PICTURES = r"\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f"
EMOJI = re.compile(rf"[:{_PICTURES}](?:(?<=:)[a-z0-9_+-]+:|(?<=[{_PICTURES}])[{_PICTURES}]*)")
_CODE_WORD = re.compile(r"(?:^|(?<=[\s,.;]))(?:code|codes|code available)\s*[.,;]*\s*$", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """An entry on the way: what is known so far, and the text that is not yet understood (`left`)."""

    text: Text
    words: Words
    left: str
    title: str = ""
    title_at: int = 0
    aka: str | None = None
    authors: tuple[Person, ...] = ()
    et_al: bool = False
    venue: str | None = None
    venue_known: bool = False
    year: int | None = None
    month: int | None = None
    ids: dict[str, str] = field(default_factory=dict)
    url: str | None = None
    url_rank: int = 9
    links: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    tags: list[str] = field(default_factory=list)
    has_code: bool = False
    ratings: list[str] = field(default_factory=list)
    comment: str | None = None
    inferred: set[str] = field(default_factory=set)
    preprint: bool = False

    @classmethod
    def of(cls, text: Text, words: Words) -> Draft:
        """An empty draft of `text`."""
        return cls(text=text, words=words, left=text.plain)

    def blank(self, start: int, end: int) -> None:
        """Marks [start, end) as understood."""
        self.left = self.left[:start] + GONE * (end - start) + self.left[end:]

    def copied(self) -> Draft:
        """A draft that goes on from here by itself."""
        return replace(
            self,
            ids=dict(self.ids),
            links=dict(self.links),
            tags=list(self.tags),
            ratings=list(self.ratings),
            inferred=set(self.inferred),
        )


def addresses(text: str) -> tuple[re.Match[str], ...]:
    """The bare addresses in a text, in order."""
    return tuple(URL.finditer(text)) if "://" in text else ()


def inside(bracket: re.Match[str]) -> str:
    """The text between the brackets that BRACKETS found."""
    return next(group for group in bracket.groups() if group is not None)


def take_emoji(out: Draft) -> None:
    """Understands emoji and their shortcodes: decoration."""
    for found in EMOJI.finditer(out.left):
        out.blank(found.start(), found.end())


def not_understood(left: str) -> str:
    """What nobody has understood of a text, as words."""
    return " ".join(left.replace(GONE, " ").split()).strip(EDGE + "()[]*_`'\"“”")


def code_word(text: str) -> re.Match[str] | None:
    """The word for code that closes a text."""
    return _CODE_WORD.search(text) if "code" in text.casefold() else None


_GONE_RUN = re.compile(rf"{GONE}+")


def take_rest(out: Draft) -> None:
    """What is left: a word for code, emoji, or prose, which is kept as the comment."""
    take_emoji(out)
    if found := code_word(out.left.rstrip(EDGE)):
        out.has_code = True
        out.blank(found.start(), found.end())
    prose = " ".join(part.strip(EDGE) for part in _GONE_RUN.split(out.left) if part.strip(EDGE + "()[]*_`'\"“”"))
    out.comment = " ".join(prose.split()) or None
