"""Knows personal names: "Aäron van den Oord" and its parts, in the orders in which people write them.

Parts follow BibTeX (Patashnik, "BibTeXing", section 4; Markey, "Tame the BeaST", section 11) and CSL 1.0.2 "Name
particles": given, particle ("van den"), family, suffix ("Jr.").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from refsync.model import Person

# Lower-case words that stand before a family name and belong to it.
_PARTICLES = frozenset(
    [
        "af",
        "al",
        "am",
        "an",
        "auf",
        "aus",
        "av",
        "bin",
        "ben",
        "da",
        "dal",
        "dalla",
        "das",
        "de",
        "degli",
        "dei",
        "del",
        "dela",
        "dell",
        "della",
        "den",
        "der",
        "des",
        "di",
        "do",
        "dos",
        "du",
        "e",
        "el",
        "el-",
        "het",
        "ibn",
        "im",
        "in",
        "la",
        "las",
        "le",
        "les",
        "lo",
        "los",
        "op",
        "san",
        "st",
        "ten",
        "ter",
        "van",
        "vande",
        "vanden",
        "vander",
        "vom",
        "von",
        "vor",
        "y",
        "zu",
        "zum",
        "zur",
        "'t",
    ]
)
_SUFFIX = re.compile(r"^(?:Jr|Sr|II|III|IV|V|VI)\.?$")
_ET_AL = re.compile(
    r"(?:,|;|\band\b|&)?\s*(?:\bet\.?\s*al\b\.?|\bet\s*alia\b|\band\s+others\b|\bothers\b)\W*$", re.IGNORECASE
)
# Characters of scripts whose names are written family first, without a space.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_INITIALS = re.compile(r"^(?:[A-Z]\.?-?){1,4}$")


@lru_cache(maxsize=8192)  # people of one field write more than one paper of it
def person(text: str) -> Person:
    """One name as a Person: "Given von Family", "von Family, Given", "Family, Jr., Given" or a single word.

    A name in one script without spaces stays whole in `family`.
    """
    name = " ".join(text.replace("\u00a0", " ").split()).strip(" ,;")
    parts = [part.strip() for part in name.split(",") if part.strip()]
    if len(parts) >= 2:
        suffix = None
        if len(parts) >= 3 and _SUFFIX.match(parts[1]):
            suffix, given = parts[1], " ".join(parts[2:])
        elif _SUFFIX.match(parts[-1]) and (len(parts) > 2 or parts[-1].rstrip(".") != "V"):
            # "Smith, V." has an initial; "Henry, V" too, more often than a fifth of his name.
            suffix, given = parts[-1], " ".join(parts[1:-1])
            if not given:
                return _natural(parts[0].split(), suffix)
        else:
            given = " ".join(parts[1:])
        particle, family = _split_particle(parts[0].split())
        return Person(family=family, given=given, particle=particle, suffix=suffix)
    return _natural(name.split(), None)


def _natural(words: list[str], suffix: str | None) -> Person:
    if len(words) > 1 and _SUFFIX.match(words[-1]) and (words[-1].rstrip(".") in {"Jr", "Sr"} or len(words) > 2):
        suffix = words.pop()
    if not words:
        return Person(literal=suffix or "")
    if len(words) == 1:
        return Person(family=words[0], suffix=suffix)
    start = len(words) - 1
    for at in range(1, len(words) - 1):
        if words[at].lower() in _PARTICLES and words[at][0].islower():
            start = at
            break
    particle, family = _split_particle(words[start:])
    return Person(family=family, given=" ".join(words[:start]), particle=particle, suffix=suffix)


def _split_particle(words: list[str]) -> tuple[str | None, str]:
    """Particle and family of the words of a family name: the lower-case words at its head, never all of them."""
    at = 0
    while at < len(words) - 1 and words[at].lower() in _PARTICLES and words[at][:1].islower():
        at += 1
    return (" ".join(words[:at]) or None), " ".join(words[at:])


def natural(one: Person) -> str:
    """The name in reading order: "Aäron van den Oord", "Martin Luther King, Jr."."""
    if one.literal is not None:
        return one.literal
    name = " ".join(part for part in (one.given, one.particle, one.family) if part)
    return f"{name}, {one.suffix}" if one.suffix else name


def inverted(one: Person) -> str:
    """The name in sorting order: "van den Oord, Aäron", "King, Jr., Martin Luther"."""
    if one.literal is not None:
        return one.literal
    family = " ".join(part for part in (one.particle, one.family) if part)
    return ", ".join(part for part in (family, one.suffix, one.given) if part)


def surname(one: Person) -> str:
    """Comparison form of the family name: accents, case, particles and marks gone."""
    return folded(one.family or one.literal or "")


def folded(text: str) -> str:
    """Letters and digits of `text` without accents and case; letters that have no accent to lose are spelt out."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "", letters.translate(LETTERS).casefold())


# Letters that NFKD leaves whole (Unicode has no decomposition for them), with their usual spelling in ASCII.
LETTERS = str.maketrans(
    {
        "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "n",
        "α": "alpha", "β": "beta", "γ": "gamma", "π": "pi", "μ": "mu", "λ": "lambda", "σ": "sigma", "ε": "epsilon",
    }
)  # fmt: skip


def ascii_word(text: str) -> str:
    """`text` as lower-case ASCII letters and digits: "Müller-Żak" gives "mullerzak"; "" for a script without Latin."""
    return "".join(c for c in folded(text) if c.isascii())


def without_et_al(text: str) -> tuple[str, bool]:
    """`text` without a closing "et al." (also glued to the name before it), and whether there was one."""
    if not _last_word(text).casefold().endswith(("al", "alia", "others")):
        return text.rstrip(" ,;&"), False
    cut = _ET_AL.sub("", text)
    if cut == text:
        cut = _GLUED.sub("", text)
    return cut.rstrip(" ,;&"), cut != text


_GLUED = re.compile(r"(?<=[a-z])et\.?\s+al\b\.?\W*$")


def _last_word(text: str) -> str:
    """The last letters of a text, at most six of its last word."""
    end = len(text)
    while end and not (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    return text[max(0, end - 6) : end]


def is_cjk(text: str) -> bool:
    """Whether a name is written in Chinese, Japanese or Korean characters."""
    return bool(_CJK.search(text))


def are_initials(text: str) -> bool:
    """Whether `text` is one to four initials: "J.", "J. K.", "JK", "J.-P."."""
    return bool(text) and all(_INITIALS.match(word) for word in text.split()) and len(text.replace(" ", "")) <= 8
