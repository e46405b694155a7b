"""Knows what stands in the brackets of an entry: venue, date, tags, stars, a group, an acronym, an identifier."""

from __future__ import annotations

import re

from refsync.formats.survey.drafts import BRACKETS, EMOJI, GONE, Draft, inside
from refsync.formats.survey.links import take_identifier
from refsync.formats.survey.published import take_compound, take_mention

_STARS = re.compile(r"^[\s~]*\d+(?:\.\d+)?\s*[kK]?\+?\s*(?::[a-z_]+:|⭐️?|★|🔥|stars?|citations?)*\s*$")


def take_brackets(out: Draft, start: int = 0, end: int | None = None) -> None:
    """Understands the brackets in [start, end): venue, date, tags, stars, group, identifier."""
    end = len(out.left) if end is None else end
    for found in BRACKETS.finditer(out.left, start, end):
        inner = inside(found).strip(GONE + " *_`,;")
        if take_bracket(out, inner, found.start(), found.end(), square=found[0][0] in "[【"):
            out.blank(found.start(), found.end())


def take_bracket(out: Draft, inner: str, start: int, end: int, *, square: bool) -> bool:
    """Understands one bracket with this text; False when it is none of the known sorts."""
    inner = EMOJI.sub(" ", inner).strip() or inner
    if not inner.strip(GONE + " "):
        return True
    kind = out.words.label(inner)
    if kind and out.words.venues.short(inner) is None:
        out.has_code = out.has_code or kind == "code"
        return True
    if _STARS.match(inner) and not re.fullmatch(r"(?:19|20)\d\d", inner):
        out.ratings.append(inner)
        return True
    if take_identifier(out, inner):
        return True
    if _spells(inner, out.text.plain[:start]):
        out.aka = out.aka or inner
        return True
    if take_mention(out, inner, expected=True) or take_compound(out, inner):
        return True
    if inner.casefold() in out.words.awards:
        out.ratings.append(inner)
        return True
    if out.text.plain[start : start + 1] == "（" and len(inner) <= 16 and CHINESE.search(inner):
        out.tags += [tag for tag in re.split(r"\s*[,，、;；]\s*", inner) if tag]
        return True
    marks = {span.mark for span in out.text.marked("italic", "code") if start < span.end and end > span.start}
    if not square and "italic" in marks and out.group is None:
        out.group = inner.strip(" *_")
        return True
    if square and (_is_tag(inner) or "code" in marks):
        out.tags += [tag for tag in re.split(r"\s*[,;|/]\s*", inner.strip("*_` ")) if tag]
        return True
    return False


CHINESE = re.compile(r"[\u4e00-\u9fff]")
_INITIALS = re.compile(r"[A-Z][A-Za-z]{1,9}")


def _spells(acronym: str, before: str) -> bool:
    """Whether a word in brackets is made of the initials of the words before it: "Human Feedback (HF)"."""
    if not _INITIALS.fullmatch(acronym) or sum(map(str.isupper, acronym)) < 2:
        return False
    initials = "".join(word[0] for word in re.findall(r"[^\W_]+", before)[-2 * len(acronym) :]).upper()
    wanted = "".join(filter(str.isupper, acronym))
    at = -1
    return all((at := initials.find(letter, at + 1)) >= 0 for letter in wanted) and initials[-1:] == wanted[-1]


def _is_tag(text: str) -> bool:
    plain = text.strip("*_` ")
    return (
        len(plain.split()) <= 3 and len(plain) <= 30 and not plain.endswith(":") and bool(re.match(r"[\w+#-]", plain))
    )
