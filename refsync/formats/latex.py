"""Knows LaTeX in a bibliography: text as LaTeX in UTF-8, and LaTeX as text. The one door of pylatexenc.

Which spelling of a character is written was measured over eight readers and pdflatex (November 2026): accented letters,
dashes and quotation marks as they are, the specials of TeX with a backslash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from refsync.references import line

# Also the first of two marks that TeX would join into another: `--`, ``, '', ?` and !`.
SPECIAL = re.compile(r"[&%#_$~^\\{}]|-(?=-)|`(?=`)|'(?=')|[?!](?=`)")
_ESCAPES = {
    **{mark: f"\\{mark}" for mark in "&%#_${}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
    **{mark: f"{mark}{{}}" for mark in "-`'?!"},
}
_NAMED_BRACES = {**_ESCAPES, "{": "\\textbraceleft{}", "}": "\\textbraceright{}"}
# As pandoc has it, lest "$5 and $100" be a formula: no space inside the dollars, no digit after.
_FORMULA = re.compile(r"\$(?![\s$])((?:\\[A-Za-z,;:!{}]|[^$\\%#&~])*?)(?<!\s)\$(?!\d)")
_BRACE = re.compile(r"[{}]")
_PLAIN_ADDRESS = re.compile(r"[\w!-$&-\[\]^`|~]*", re.ASCII)
_UNSAFE = re.compile(r"[{}\\ ]|%(?![0-9A-Fa-f]{2})")


def escaped(text: str) -> str:
    """`text` as one line of LaTeX. Formulas in dollars stay as they are."""
    text = line(text)
    if SPECIAL.search(text) is None:
        return text
    return "".join(escape(part, text) if formula is None else formula for part, formula in split(text))


def escape(part: str, whole: str) -> str:
    """A `part` of the value `whole`. bibtex counts braces, escaped ones too: they are spelt out unless they balance."""
    escapes = _ESCAPES if balanced(whole) else _NAMED_BRACES
    return SPECIAL.sub(lambda mark: escapes[mark[0]], part)


def split(text: str) -> list[tuple[str, str | None]]:
    """`text` as parts: (text, None), or ("", formula) with the braces that keep its capitals from being lowered.

    A formula stands in dollars and has a command in it, or no space.
    """
    out: list[tuple[str, str | None]] = []
    at = 0
    for found in _FORMULA.finditer(text) if text.count("$") > 1 and balanced(text) else ():
        inner = found[1]
        if ("\\" in inner or " " not in inner) and balanced(inner):
            formula = f"{{{found[0]}}}" if any(map(str.isupper, inner)) else found[0]
            out += [(text[at : found.start()], None), ("", formula)]
            at = found.end()
    out.append((text[at:], None))
    return out


def balanced(text: str) -> bool:
    """Whether every brace of `text` has its partner."""
    if "{" not in text and "}" not in text:
        return True
    depth = 0
    for mark in _BRACE.findall(text):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def verbatim(value: str) -> str:
    """An address or identifier as it is; only what would end the value is percent-encoded."""
    if _PLAIN_ADDRESS.fullmatch(value):
        return value
    return _UNSAFE.sub(lambda mark: f"%{ord(mark[0]):02X}", line(value))


# ------------------------------------------------------------------------------------------------------------------
# Text -> LaTeX in ASCII

# Where pylatexenc's spelling is one that readers lose (measured): the ligatures of TeX instead.
_IN_ASCII = {
    "–": "--", "—": "---", "“": "``", "”": "\'\'", "‘": "{\\textquoteleft}", "’": "{\\textquoteright}", "…": "{\\ldots}",
    "\u00a0": "~", "→": "{\\textrightarrow}", "←": "{\\textleftarrow}", "×": "{\\texttimes}", "€": "{\\texteuro}",
    "−": "{\\textminus}",
}  # fmt: skip
# What has no spelling but that of other characters, which print the same.
ALIKE = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "‐": "{-}", "‑": "{-}"}
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()", strict=True))
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾", "0123456789+-=()", strict=True))
_ACCENTS = {
    "\u0300": "`", "\u0301": "\'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": ".",
    "\u0308": '"', "\u0309": "h ", "\u030a": "r ", "\u030b": "H ", "\u030c": "v ", "\u0323": "d ", "\u0327": "c ",
    "\u0328": "k ", "\u0331": "b ",
}  # fmt: skip
_BEYOND = re.compile(r"[^\x00-\x7f]")


def ascii_of(value: str, is_address: bool = False) -> str:
    """A value of a .bib file with every character that has a spelling in ASCII spelt so; others stay."""
    if value.isascii():
        return value
    if is_address:
        return _BEYOND.sub(lambda mark: "".join(f"%{byte:02X}" for byte in mark[0].encode("utf-8")), value)
    return _BEYOND.sub(lambda mark: _ascii_mark(mark[0]), value)


@cache
def _ascii_mark(mark: str) -> str:
    """The spelling of a character; the character itself when it has none that is read back as it."""
    if mark in ALIKE:
        return ALIKE[mark]
    return next((one for one in _spellings(mark) if one.isascii() and text_of(one) == mark), mark)


def _spellings(mark: str) -> Iterator[str]:
    if mark in _IN_ASCII:
        yield _IN_ASCII[mark]
    for command, marks in (("subscript", _LOWERED), ("superscript", _RAISED)):
        if mark in marks:
            yield f"{{\\text{command}{{{marks[mark]}}}}}"
    yield _encoder().unicode_to_latex(mark)
    # Accents upon accents, as in Vietnamese: one macro around the other.
    base, *accents = list(unicodedata.normalize("NFD", mark))
    if accents and base.isascii() and all(one in _ACCENTS for one in accents):
        for one in accents:
            base = f"\\{_ACCENTS[one]}{{{base}}}"
        yield f"{{{base}}}"


@cache
def _encoder() -> Any:
    from pylatexenc import latexencode

    return latexencode.UnicodeToLatexEncoder(
        non_ascii_only=True,
        replacement_latex_protection="braces-all",
        unknown_char_policy="keep",
        unknown_char_warning=False,
    )


# ------------------------------------------------------------------------------------------------------------------
# LaTeX -> text

_LATEX = re.compile(r"[\\$~]|--|``|''|[?!]`")
# LaTeX that needs no parser: escaped marks, dashes and quotes. All else is pylatexenc's.
_ODD = re.compile(r"\\(?![&%_#]).?|[$~]|[?!]`|'''|```|----")
_SIMPLE = re.compile(r"\\([&%_#])|---|--|``|''|[{}]")
_SIGNS = {"---": "—", "--": "–", "``": "“", "''": "”", "{": "", "}": ""}
_BARE = re.compile(r"(?<!\\)([%&])")
# What a file of BibTeX's own example spells so is there to sort by, never to be printed (btxdoc, section 4).
_UNSEEN = re.compile(r"\\(?:[nN]oop[sS]ort|[sS]ort[nN]oop)\s*(?:\{[^{}]*\}|\w)")
_COMMAND = re.compile(r"\\(?:url|path|nolinkurl)\s*\{([^{}]*)\}|\\href\s*\{[^{}]*\}\s*\{([^{}]*)\}")


@lru_cache(maxsize=16384)
def text_of(value: str) -> str:
    """The text that a value of a .bib file prints; formulas stay in their dollars."""
    if _LATEX.search(value) is None:
        return " ".join(value.replace("{", "").replace("}", "").split())
    if _ODD.search(value) is None:
        return line(_SIMPLE.sub(lambda mark: mark[1] or _SIGNS[mark[0]], value))
    value = _COMMAND.sub(lambda found: escape(found[1] or found[2] or "", ""), _UNSEEN.sub("", value))
    value = _CHAR.sub(lambda found: escape(chr(int(found[1])), ""), _SCRIPT.sub(_scripted, value))
    converter, known = _converter()
    try:
        text: str = converter.latex_to_text(_BARE.sub(r"\\\1", value), latex_context=known)
    except (ValueError, IndexError, RecursionError):
        # LaTeX that does not parse is kept as it was typed.
        text = value
    return line(text)


_SCRIPT = re.compile(r"\\text(sub|super)script\s*\{([0-9+=()-]+)\}")
_SCRIPTS = {
    "sub": {ord(plain): mark for mark, plain in _LOWERED.items()},
    "super": {ord(plain): mark for mark, plain in _RAISED.items()},
}


_CHAR = re.compile(r"\\char([1-9]\d{1,3})(?!\d)\s?")


def _scripted(found: re.Match[str]) -> str:
    return found[2].translate(_SCRIPTS[found[1]])


_ADDRESS = re.compile(
    r"\\(?:url|path|nolinkurl)\s*\{([^{}]*)\}|\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}|(https?://[^\s{}]+)"
)
_OF_ADDRESSES = frozenset(
    ["available", "online", "at", "from", "url", "and", "see", "web", "website", "link", "doi", "on"]
)


def addresses_in(value: str) -> tuple[tuple[str, ...], str]:
    """The addresses in a value of a .bib file, and the LaTeX that says something beside them, "" when nothing does."""
    found = tuple(verbatim_of(next(filter(None, (one[1], one[2], one[4])), "")) for one in _ADDRESS.finditer(value))
    rest = _ADDRESS.sub(lambda one: one[3] or "", value).strip(" ,;:.")
    words = re.findall(r"\w+", text_of(rest))
    return tuple(filter(None, found)), rest if any(word.lower() not in _OF_ADDRESSES for word in words) else ""


def linked_in(value: str) -> tuple[str, ...]:
    """The addresses that a value has behind its text, where they are not seen."""
    return tuple(verbatim_of(one) for one in re.findall(r"\\href\s*\{([^{}]*)\}", value)) if "\\href" in value else ()


_MARKED = re.compile(r"[\\{}<>$]|^\s|\s$")


def verbatim_of(value: str) -> str:
    """An address or identifier without the markup that programs put around and into it."""
    if _MARKED.search(value) is None:
        return line(value)
    value = _COMMAND.sub(lambda found: found[1] or found[2] or "", value.strip())
    value = re.sub(r"\\textasciitilde(?:\{\})?|\\~\{\}|\$\\sim\$", "~", value)
    return line(re.sub(r"\\([_%&#~$])", r"\1", value).strip("{}<> "))


@cache
def _converter() -> tuple[Any, Any]:
    """What turns LaTeX into text, and the macros that its parser knows: made once, which takes longer than most values."""
    from pylatexenc import latex2text, latexwalker

    # What pylatexenc spells otherwise than it was meant, or drops.
    marks = {"textasciicircum": "^", "textbraceleft": "{", "textbraceright": "}", "LaTeX": "LaTeX", "TeX": "TeX"}
    marks |= {
        "BibTeX": "BibTeX",
        "slash": "/",
        "textbar": "|",
        "textunderscore": "_",
        "textless": "<",
        "textgreater": ">",
        "textminus": "−",
        "textquoteleft": "‘",
        "textquoteright": "’",
    }
    known = latex2text.get_default_latex_context_db()
    macros = [latex2text.MacroTextSpec(name, mark) for name, mark in marks.items()]
    known.add_context_category("refsync", macros=macros, prepend=True)
    converter = latex2text.LatexNodes2Text(latex_context=known, math_mode="verbatim", keep_comments=True)
    return converter, latexwalker.get_default_latex_context_db()
