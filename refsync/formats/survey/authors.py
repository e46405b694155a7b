"""Knows lists of authors as people type them: full names, initials, "Last, First", APA, MLA, "et al."."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from refsync import names
from refsync.model import Person

_WORD = re.compile(
    r"(?:[^\W\d_][\w'’`´-]*\.?|[A-Z]\.(?:-?[A-Z]\.)*)$",
)
_PARTICLE = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "la",
        "le",
        "du",
        "di",
        "da",
        "del",
        "della",
        "dos",
        "das",
        "bin",
        "ibn",
        "al",
        "el",
        "ten",
        "ter",
        "zu",
        "af",
        "y",
        "e",
        "st",
        "ul",
        "ur",
    ]
)
_BETWEEN = _PARTICLE | frozenset(["and", "et", "al", "et.al", "others", "jr", "sr"])
_LEAD = re.compile(r"^(?:(?:authors?|by|written by|from)\s*[:：]?\s+|(?:authors?|作者)\s*[:：]\s*)", re.IGNORECASE)
_INITIAL = r"(?:[A-Z]\.?(?:[\s-]?[A-Z]\.?){0,3})"
_APA_GIVEN = rf",\s*({_INITIAL})(?=\s*(?:,|&|\band\b|$))"
_APA = re.compile(rf"([^\W\d_][\w'’ -]*?){_APA_GIVEN}")
_APA_SIGN = re.compile(_APA_GIVEN)


_FOOTNOTE_MARK = re.compile(r"[*†‡§¶⋆\d]")
_FOOTNOTE = re.compile(r"(?<=\w)\s*[*†‡§¶⋆]+(?=\s*(?:,|;|&|and\b|$))|(?<=[a-z])\d+(?:,\d+)*(?=\s*(?:,|;|&|and\b|$))")
_LAST_INITIAL = re.compile(r"(?:^|[\s.-])[A-Z]$")


def read(text: str, title_words: Collection[str]) -> tuple[tuple[Person, ...], bool] | None:
    """The persons of `text` and whether it ends in "et al."; None when `text` is not shaped like a list of names."""
    original = text
    text = _LEAD.sub("", " ".join(text.replace("\u00a0", " ").replace("~", " ").split()).strip(" ,;.:|*_"))
    if any(word[0].islower() and word.strip(",;.:*") not in _BETWEEN and "'" not in word for word in text.split()):
        return None
    text, et_al = names.without_et_al(text)
    dotted = not et_al and original.rstrip(" ,;:|*_").endswith(".")
    if _FOOTNOTE_MARK.search(text):
        text = _FOOTNOTE.sub("", text)
    text = text.strip(" ,;*†‡")
    # The stop that closes a sentence goes; the one of a last initial stays.
    if dotted and _LAST_INITIAL.search(text):
        text += "."
    if not text or len(text) > 20000:
        return None
    people = _divided(text)
    if not people or not _are_names(people, title_words, et_al=et_al):
        return None
    return tuple(names.person(one) for one in people), et_al


_AND = re.compile(r"\s*(?:,\s*)?(?:\band\b|&)\s*")
_COMMA_OR_AND = re.compile(r"\s*(?:[,;，、]|\band\b|&)\s*")
_BETWEEN_PEOPLE = re.compile(r"\s*(?:[,，、]|\band\b|&|\s\|\s|\s/\s|\s·\s)\s*")
_OTHER_COMMA = re.compile(r"[，、|/·]")


def _divided(text: str) -> list[str]:
    """The single names, each as "Given Family" or "Family, Given"."""
    if ";" in text:
        return [part for part in re.split(r"\s*;\s*(?:and\s+|&\s*)?", text) if part]
    joined = "and" in text or "&" in text
    by_and = [part.strip(" ,") for part in _AND.split(text) if part.strip(" ,")] if joined else []
    if len(by_and) >= 2 and all(part.count(",") == 1 and not are_two(part) for part in by_and):
        return by_and
    only_commas = not joined and _OTHER_COMMA.search(text) is None
    parts = text.split(",") if only_commas else _COMMA_OR_AND.split(text)
    vancouver = [part for part in (part.strip(" .") for part in parts) if part]
    shaped = [part for part in vancouver if part[-1].isupper() and _VANCOUVER.fullmatch(part)]
    if len(vancouver) > 1 and len(shaped) * 3 >= len(vancouver) * 2:
        return [_VANCOUVER.sub(r"\1, \2", part) for part in vancouver]
    apa = _APA.findall(text) if _APA_SIGN.search(text) else []
    parts = parts if only_commas else _BETWEEN_PEOPLE.split(text)
    commas = [part for part in map(str.strip, parts) if part]
    if apa and len(apa) * 2 >= len(commas):
        return [f"{re.sub(r'^(?:and|&) +', '', family.strip(' ,'))}, {given}" for family, given in apa]
    inverted = (
        len(commas) >= 2
        and " " not in _without_particles(commas[0])
        and (_GIVEN.fullmatch(commas[1]) or (len(commas) > 2 and len(commas[1].split()) == 2 and commas[0].isalpha()))
        and (len(commas) == 2 or all(" " in part for part in commas[2:]))
        and "," in text
    )
    # MLA and Chicago invert the first author only; "Last, First" alone is one author.
    if inverted and not (len(commas) == 2 and re.search(r"\band\b|&", text)):
        return [f"{commas[0]}, {commas[1]}", *commas[2:]]
    if (
        all(" " not in part for part in commas)
        and len(commas) >= 4
        and len(commas) % 2 == 0
        and _initials_every_second(commas)
    ):
        return [f"{commas[at]}, {commas[at + 1]}" for at in range(0, len(commas), 2)]
    if len(commas) >= 6 and len(commas) % 2 == 0:
        pairs = list(zip(commas[::2], commas[1::2], strict=True))
        if all(" " not in _without_particles(family) and _GIVEN.fullmatch(given) for family, given in pairs):
            return [f"{family}, {given}" for family, given in pairs]
    return _joined_suffixes(commas)


def are_two(part: str) -> bool:
    """Whether "Daniel Glasner, Shai Bagon" is two persons rather than one whose family name comes first."""
    family, _, given = part.partition(",")
    return " " in _without_particles(family.strip()) and " " in given.strip() and not re.search(r"\b[A-Z]\b", given)


# "Shoham Y", "Lee Y C": a family name with bare initials behind it.
_VANCOUVER = re.compile(
    r"([A-Z][^\W\d_]*[a-z][\w'’-]*(?:[ -][A-Z][a-z][\w'’-]*)?) ([A-Z]{1,3}|[A-Z](?:[ -][A-Z]){1,2})"
)

# A given name that stands alone: one word, perhaps with initials after it.
_GIVEN = re.compile(r"[^\s.]+(?:\s+[A-Z]\.?)*|(?:[A-Z]\.?[\s-]?)+")


_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?")


def _joined_suffixes(parts: list[str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if out and _SUFFIX.fullmatch(part):
            out[-1] = f"{out[-1]}, {part}"
        else:
            out.append(part)
    return out


def _initials_every_second(parts: list[str]) -> bool:
    return all(names.are_initials(part) for part in parts[1::2])


def _without_particles(text: str) -> str:
    return " ".join(word for word in text.split() if word.lower() not in _PARTICLE)


def _are_names(people: list[str], title_words: Collection[str], *, et_al: bool) -> bool:
    if not all(map(_is_name_shaped, people)):
        return False
    clean = sum(is_name(one, title_words) for one in people) / len(people)
    if len(people) == 1:
        return clean == 1 and (et_al or " " in people[0])
    return clean >= (0.5 if et_al or len(people) > 3 else 0.7)


# The commonest Chinese family names, simplified and traditional (some nine of ten people bear one of them).
_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙周吴吳徐孙孫朱马馬胡郭林何高梁郑鄭罗羅宋谢謝唐韩韓曹许許邓鄧萧蕭冯馮曾程蔡彭潘袁于余董苏蘇叶葉吕呂魏蒋蔣"
    "田杜丁沈姜范範江傅钟鍾卢盧汪戴崔任陆陸廖姚方金邱夏谭譚韦韋贾賈邹鄒石熊孟秦阎閻薛侯雷白龙龍段郝孔邵史毛常万萬顾顧赖賴武康贺賀严嚴尹钱錢施牛洪龚龔"
)


@lru_cache(maxsize=8192)  # people of one field write more than one paper of it
def _is_name_shaped(text: str) -> bool:
    words = text.replace(",", " ").split()
    if not 1 <= len(words) <= 6 or len(text) > 60:
        return False
    if names.is_cjk(text):
        return 2 <= len(text) <= 4 and text[0] in _SURNAMES
    for word in words:
        if not _WORD.match(word) or (word[0].islower() and word.lower() not in _PARTICLE and "'" not in word):
            return False
    return True


def is_name(text: str, title_words: Collection[str]) -> bool:
    """Whether `text` is shaped like one person's name and holds no word of titles."""
    if not _is_name_shaped(text):
        return False
    words = text.split()
    if len(words) < 3 and all(len(word) > 2 and word.isalpha() and word.isupper() for word in words):
        return False  # "AUROC": an acronym
    plain = [word.strip(".,") for word in words]
    return not any(len(word) > 1 and word.lower() in title_words for word in plain)
