"""Knows what hangs on an entry beside its title: links, brackets, identifiers, venue and year, authors, prose.

Everything is classified by what it is, not by where it stands. A Draft takes the text apart: what has been understood
is blanked out, so that what is left at the end is what nobody understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from refsync import identifiers, venues
from refsync.formats.survey import authors, badges
from refsync.formats.survey.text import Span, Text
from refsync.formats.survey.words import Words
from refsync.model import Person
from refsync.venues import dated, shaped

GONE = "\x1f"  # stands for a character that has been understood
_EDGE = " \t\n,.;:|-–—·•/" + GONE
URL = re.compile(r"https?://[^\s<>\"'，。）)\]]+(?:\([^\s<>()]*\)[^\s<>\"'，。）)\]]*)*", re.IGNORECASE)
BRACKETS = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)|【([^【】]*)】|（([^（）]*)）")
_STARS = re.compile(r"^[\s~]*\d+(?:\.\d+)?\s*[kK]?\+?\s*(?::[a-z_]+:|⭐️?|★|🔥|stars?|citations?)*\s*$")
# The characters that may begin a match stand first, so that the others are passed over at once.
SEPARATOR = re.compile(
    rf"[{GONE}\n|;.,:@\s，。；：](?:(?<=[{GONE}\n|;])[{GONE}\n|;]*|(?<=\.)(?=\s|$|[A-Za-z]{{2,}}\s*['’]?\d{{2}})"
    r"|(?<=,)(?:(?!\d)|(?=(?:19|20)\d\d(?!\d)))|(?<=\s)[-–—·•:]\s|(?<=[，。；：])|(?<=[?!]\s)|(?<=:)\s|(?<=\s)/\s|(?<=\s@))"
)
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


def draft(text: Text, words: Words) -> Draft:
    """An empty draft of `text`."""
    return Draft(text=text, words=words, left=text.plain)


def addresses(text: str) -> tuple[re.Match[str], ...]:
    """The bare addresses in a text, in order."""
    return tuple(URL.finditer(text)) if "://" in text else ()


# Which link is the paper: the lower the rank the better.
RANK_TITLE, RANK_PAPER, RANK_VENUE, RANK_BARE = 0, 1, 2, 3
_NO_PAPER = re.compile(
    r"^https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|youtu\.be|youtube\.com|bilibili\.com|zhihu\.com|"
    r"colab\.research\.google\.com|huggingface\.co/(?!papers/)|img\.shields\.io|twitter\.com|x\.com|medium\.com|pan\.baidu\.com)",
    re.IGNORECASE,
)


_PAPER_FILE = re.compile(r"\.(?:pdf|ps)(?:\.gz)?(?:$|[?#])", re.IGNORECASE)


def is_paper_link(href: str) -> bool:
    """Whether a link may lead to a paper: not within the page, not to code, video or talk about it."""
    if _PAPER_FILE.search(href):
        return True
    return bool(href) and not href.startswith(("#", "mailto:")) and not _NO_PAPER.match(href)


def take_link(out: Draft, href: str, rank: int, label: str = "paper") -> None:
    """Keeps a link under its label, and as the paper's own when none better is known; its identifier with it."""
    href = href.strip()
    if not href or href.startswith("#"):
        return
    if rank < out.url_rank and (rank == RANK_TITLE or is_paper_link(href)):
        out.url, out.url_rank = href, rank
    elif rank == RANK_TITLE or label == "paper":
        out.links.setdefault(_free(out.links, label), href)
    if rank <= RANK_BARE and (found := identifiers.of_url(href)):
        out.ids.setdefault(*found)


def _free(taken: dict[str, str], label: str) -> str:
    name, count = label, 1
    while name in taken:
        count += 1
        name = f"{label} {count}"
    return name


_MOST_LINKS = 100  # of one entry; the rest stays text
_SITE = re.compile(r"(?:www\.)?[\w-]+(?:\.[\w-]+)+/")
_FORGE = re.compile(r"git(?:hub|lab)\.com")
_EMPTIED = re.compile(rf"[\[(【（][\s{GONE}|,/]*[\])】）]")


def take_links(out: Draft) -> None:
    """Understands every link that is not in the title, by its text."""
    take_labelled(out)
    for span in out.text.marked("link")[:_MOST_LINKS]:
        if out.left[span.start : span.end].strip(GONE + " ") == "" and span.end > span.start:
            continue
        start, end = _with_brackets(out.left, span)
        label = out.text.plain[span.start : span.end].strip() or _pictured(out, span)
        kind = out.words.label(label.strip("[]() "))
        if kind and not out.left[:start].strip(_EDGE + "[(") and out.words.venues.short(label.strip("[]() ")):
            kind = None  # before the title a word such as "arXiv" is the venue, after it a label
        mentioned = None if kind else out.words.mention(label.strip("[]() "))
        if kind == "paper":
            take_link(out, span.href, RANK_PAPER)
        elif kind == "citation":
            pass
        elif kind:
            out.links.setdefault(_free(out.links, kind), span.href)
            out.has_code = out.has_code or kind == "code"
        elif mentioned and (mentioned.known or mentioned.year):
            take_mention(out, label)
            take_link(out, span.href, RANK_VENUE)
        elif URL.fullmatch(label) or _SITE.match(label):
            take_link(out, span.href, RANK_BARE, label="link")
        elif _FORGE.search(span.href) and len(label.split()) <= 3:
            out.links.setdefault(_free(out.links, "code"), span.href)
            out.has_code = True
        elif identifiers.of_url(span.href) and len(label.split()) <= 4:
            take_link(out, span.href, RANK_BARE)
        elif len(label.split()) <= 4:
            out.links.setdefault(_free(out.links, label.strip("[]() ").lower() or "link"), span.href)
        else:
            out.links.setdefault(_free(out.links, "link"), span.href)
            continue
        out.blank(start, end)
    if GONE in out.left:
        out.left = _EMPTIED.sub(lambda m: GONE * len(m[0]), out.left)


def _pictured(out: Draft, link: Span) -> str:
    """What the badge that is all of a link says of what it leads to: its first word that is a label, else all."""
    for span in out.text.marked("image"):
        if link.start <= span.start <= link.end and (text := badges.shown(span.href)):
            return next((word for word in text.split() if out.words.label(word)), text)
    return ""


def take_badges(out: Draft) -> None:
    """Understands badges that say the venue, the year or the arXiv number: "Conference | NeurIPS'24"."""
    for span in out.text.marked("image"):
        words = badges.shown(span.href).split()
        for text in dict.fromkeys([" ".join(words), " ".join(words[1:])]):
            if text and not out.words.label(text) and (take_identifier(out, text) or _take_badge(out, text)):
                break


def _take_badge(out: Draft, text: str) -> bool:
    found = out.words.mention(text)
    return found is not None and (found.known or found.year is not None) and take_mention(out, text)


def _with_brackets(plain: str, span: Span) -> tuple[int, int]:
    """The link and the brackets that hold nothing else."""
    start, end = span.start, span.end
    pairs = {"[": "]", "(": ")", "【": "】", "（": "）", "<": ">"}
    while start > 0 and end < len(plain) and pairs.get(plain[start - 1]) == plain[end]:
        start, end = start - 1, end + 1
    return start, end


def inside(bracket: re.Match[str]) -> str:
    """The text between the brackets that BRACKETS found."""
    return next(group for group in bracket.groups() if group is not None)


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


_YEAR_FIRST = re.compile(r"^((?:19|20)\d\d)(?:[./](1[0-2]|0?[1-9]))?[\s:,-]+(?=[^\W\d])")
_RANK = re.compile(r"(?i)^(?:ccf|core|sci|ei|jcr|q)[\s-]*[a-d1-4*]*\*?$|^(?:none|n/?a|-)$")


_STATUS_FIRST = re.compile(r"^(?:preprint|in press|to appear|accepted)\W+", re.IGNORECASE)
_PARTS = re.compile(r"\s*[,;|]\s*")


def take_compound(out: Draft, inner: str) -> bool:
    """Understands "2022-EMNLP, CCF-B", "VLDB 2021 from Tim Kraska", "2023 Biophysics Reviews": venue and date with words."""
    text, year, month = inner, None, None
    if first := _YEAR_FIRST.match(inner):
        text, year, month = inner[first.end() :], int(first[1]), int(first[2]) if first[2] else None
    parts = [part for part in _PARTS.split(text) if part and not _RANK.match(part)]
    probe = Draft(text=out.text, words=out.words, left="")
    unknown: list[str] = []
    bare = False
    for part in parts:
        if only := only_date(_STATUS_FIRST.sub("", part)):
            probe.year, probe.month = only
            bare = True
        elif not (take_mention(probe, part) or _take_leading(probe, part)) and out.words.label(part) is None:
            unknown.append(part)
    year = probe.year or year
    if probe.venue is None and len(unknown) == 1:
        left, told, told_month = dated(unknown[0])
        year, month = year or told, month or told_month
        rest = " ".join(left.split()).strip(_EDGE + "()[]")
        if not year:
            return False
        if out.words.is_group(rest) and "@" not in rest:
            return False
        if rest.casefold() in out.words.title_words:
            return False
        if rest[:1].isupper() and 1 <= len(rest.split()) <= 7 and not re.search(r"[.!?]\s", rest):
            probe.venue = rest
            unknown = []
    if bare and not unknown and probe.venue is None and out.year is None:
        out.year, out.month = year, probe.month or month
        return True
    if probe.venue is None or (year is None and not probe.venue_known) or len(unknown) > 1:
        return False
    if unknown and (len(unknown[0].split()) > 4 or (year is None and len(unknown[0].split()) > 2)):
        return False
    if out.venue is None or (probe.venue_known and not out.venue_known):
        out.venue, out.venue_known = probe.venue, probe.venue_known
    if out.year is None:
        out.year, out.month = year, probe.month or month
    out.ratings += probe.ratings
    return True


def _take_leading(out: Draft, text: str) -> bool:
    """Understands a known venue with words behind it: "NAACL 2022 Technical Track"."""
    words = text.split()
    for count in range(min(len(words) - 1, 8), 0, -1):
        found = out.words.mention(" ".join(words[:count]))
        if found is not None and found.known and found.sure:
            return take_mention(out, " ".join(words[:count]))
    return False


def _is_tag(text: str) -> bool:
    plain = text.strip("*_` ")
    return (
        len(plain.split()) <= 3 and len(plain) <= 30 and not plain.endswith(":") and bool(re.match(r"[\w+#-]", plain))
    )


def take_identifier(out: Draft, text: str) -> bool:
    """Understands an arXiv id or a DOI that is all of `text`."""
    if found := identifiers.ARXIV_TEXT.fullmatch(text.strip()):
        out.ids.setdefault("arxiv", found[1])
        out.preprint = True
        return True
    value = identifiers.doi(text)
    if value and re.fullmatch(
        r"(?i)(?:doi\s*[:=]?\s*)?(?:https?://(?:dx\.)?doi\.org/)?" + re.escape(value) + r"\W*", text.strip()
    ):
        out.ids.setdefault("doi", value)
        return True
    return False


_LABELLED = re.compile(r"\W*([^\W\d_][\w ./&()-]{1,24}?)\s*[:：]?\s*$")
_BRACKETED = re.compile(r"\(.*?\)")


def take_labelled(out: Draft) -> None:
    """Understands lines such as "Paper: https://..." and "Code: [link](...)", where the label stands before the link."""
    bare = [Span(at.start(), at.end(), "link", at[0]) for at in addresses(out.left)]
    for span in (*out.text.marked("link")[:_MOST_LINKS], *bare):
        line = max(out.left.rfind("\n", 0, span.start), out.left.rfind(GONE, 0, span.start)) + 1
        label = _LABELLED.match(out.left, line, span.start) if span.start - line < 40 else None
        kind = out.words.label(_BRACKETED.sub("", label[1])) if label else None
        if (
            label
            and kind is None
            and label[0].rstrip().endswith((":", "："))
            and len(label[1].split()) == 1
            and "\n" in out.left
        ):
            kind = label[1].lower()
        if label is None or kind is None or out.left[span.start : span.end].strip(GONE) == "":
            continue
        if kind == "paper":
            take_link(out, span.href.rstrip(".,;"), RANK_PAPER)
        else:
            out.links.setdefault(_free(out.links, kind), span.href.rstrip(".,;"))
            out.has_code = out.has_code or kind == "code"
        out.blank(label.start(1), span.end)


_DOI = re.compile(rf"(?:\bdoi\s*[:=]?\s*)?\b10\.\d{{4,9}}/[^\s{GONE}]+", re.IGNORECASE)


def take_identifiers(out: Draft) -> None:
    """Understands identifiers and bare addresses in the text that is left."""
    for found in addresses(out.left):
        href = found[0].rstrip(".,;")
        take_link(out, href, RANK_BARE, label="link")
        if _FORGE.search(href):
            out.links.setdefault(_free(out.links, "code"), href)
            out.has_code = True
        out.blank(found.start(), found.end())
    for found in identifiers.arxiv_texts(out.left):
        out.ids.setdefault("arxiv", found[1])
        out.preprint = True
        out.blank(found.start(), found.end())
    for found in list(_DOI.finditer(out.left)) if "10." in out.left else ():
        if value := identifiers.doi(found[0]):
            out.ids.setdefault("doi", value)
            out.blank(found.start(), found.end())


def take_mention(out: Draft, text: str, *, expected: bool = False) -> bool:
    """Understands `text` as venue and date. An unknown acronym counts only with a year or where one is `expected`."""
    found = out.words.mention(text)
    if found is None or not (found.known or found.year or expected):
        if expected and (dated := only_date(text)):
            out.year, out.month = out.year or dated[0], out.month or dated[1]
            return True
        return False
    if not found.known and not expected and not found.year:
        return False
    if not found.known and expected and not found.year and text != text.upper():
        return False
    if out.venue is None or (found.known and not out.venue_known):
        out.venue, out.venue_known = found.short, found.known
    elif found.short not in {out.venue, "arXiv"} and out.venue == "arXiv":
        out.venue = found.short  # published beats preprint
    if found.year and (out.year is None or found.short == out.venue):
        out.year, out.month = found.year, found.month
    if found.award:
        out.ratings.append(found.award)
    return True


def only_date(text: str) -> tuple[int, int | None] | None:
    """(year, month) of a text that is a date and nothing else."""
    rest, year, month = dated(text)
    return (year, month) if year and not rest.strip(_EDGE + "[]()'’") else None


def take_venue(out: Draft) -> None:
    """Understands the venue and year that stand between separators in the text that is left."""
    parts = _segments(out.left)
    while found := next(_mentions(out, parts), None):
        start, end = found
        if not take_mention(out, out.left[start:end]):
            break
        out.blank(start, end)
        parts = _segments(out.left)
    for start, end in parts:
        piece = out.left[start:end]
        if piece.casefold() in out.words.status and len(piece) > 4:
            out.blank(start, end)  # "Preprint", "In press": how far it has come, not where
            continue
        if out.venue is None and out.title and len(piece) > 3 and (named := out.words.mention(piece)) and named.known:
            take_mention(out, piece)
            out.blank(start, end)
            continue
        if out.venue is None and out.title and shaped(piece) and not piece.isupper():
            out.venue = piece
            out.blank(start, end)
            continue
        if first := _YEAR_IN_CHINESE.match(piece):
            out.year = out.year or int(first[1])
            out.blank(start, start + first.end())
            continue
        if dated := only_date(out.left[start:end]):
            out.year, out.month = out.year or dated[0], out.month or dated[1]
            out.blank(start, end)


_YEAR_IN_CHINESE = re.compile(r"((?:19|20)\d\d)\s*(?=[\u4e00-\u9fff])")


def _mentions(out: Draft, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of up to three neighbouring parts of the text that is left that name a venue, the longest first."""
    all_parts = len(parts) <= 24
    if not all_parts:
        parts = [*parts[:16], *parts[-8:]]  # between them is prose
    # In prose about a work an acronym with a year is a benchmark as often as a venue.
    in_prose = len(out.left.replace(GONE, "")) > 150
    signs = [venues.signs(out.left[start:end], out.words.beside) for start, end in parts] if all_parts else []
    for width in (2, 1) if in_prose else (3, 2, 1):
        for at in range(len(parts) - width + 1):
            if signs and venues.are_other(signs[at : at + width]):
                continue
            start, end = parts[at][0], parts[at + width - 1][1]
            piece = out.left[start:end]
            if end - start <= 160 and GONE not in piece.strip(GONE) and is_mention(out.words, piece):
                mention = out.words.mention(piece)
                if mention is not None and (mention.known or not in_prose):
                    yield start, end


def is_mention(words: Words, text: str) -> bool:
    """Whether running text is, as a whole, a venue: one the table knows, or an acronym with a year."""
    found = words.mention(text)
    return found is not None and ((found.known and found.sure) or (not found.known and found.year is not None))


def _segments(left: str) -> list[tuple[int, int]]:
    """[start, end) of the parts of a text between its separators."""
    parts: list[tuple[int, int]] = []
    start = 0
    for stop, after in [*map(re.Match.span, SEPARATOR.finditer(left)), (len(left), len(left))]:
        if start < stop and (piece := left[start:stop].rstrip(_EDGE)):
            end = start + len(piece)
            parts.append((end - len(piece.lstrip(_EDGE)), end))
        start = after
    return parts


_RUN = re.compile(rf"[^{GONE}\n]+")
_YEAR_LAST = re.compile(r"[\s,]\(?((?:19|20)\d\d)\)?$")


def take_authors(out: Draft) -> None:
    """Understands the run of text that is a list of names."""
    for found in _RUN.finditer(out.left):
        piece = found[0].strip(" \t,;:|-–—·*_/()").lstrip(".")
        if not piece or out.authors:
            continue
        if year := _YEAR_LAST.search(piece):
            piece = piece[: year.start()].strip(" ,;(")
        if _is_group(out, piece):
            out.group = out.group or piece
            out.blank(found.start(), found.end())
            continue
        read = authors.read(piece, out.words.title_words)
        if read:
            out.authors, out.et_al = read
            out.year = out.year or (int(year[1]) if year else None)
            out.blank(found.start(), found.end())
            continue
        for start, end in _named_parts(found[0]):
            if read := authors.read(found[0][start:end], out.words.title_words):
                out.authors, out.et_al = read
                out.blank(found.start() + start, found.start() + end)
                break


_PARTED = re.compile(r"[\s。；e.](?:(?<=\s)[|｜]\s|(?<=[。；])|(?<=\be)t\.? ?al\b\.?,?|(?<=[a-z]{3}\.)\s)")


def _named_parts(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of the parts of a text that clear separators cut off, "et al." with what stands before it."""
    start = 0
    for found in _PARTED.finditer(text):
        end = found.end() if "al" in found[0] else found.start()
        if text[start:end].strip():
            yield start, end
        start = found.end()
    if start and text[start:].strip():
        yield start, len(text)


_BY = re.compile(r"(?:^|[\s,(;.-])[bB]y\s+((?:[A-Z]|\S+ [A-Z])[^.;:()]*?)[\s.)]*$")


def take_authors_named(out: Draft) -> None:
    """Understands "..., by Yuichi Niwa, Keisuke Ohashi" at the end of a remark."""
    for found in _RUN.finditer(out.left):
        named = _BY.search(found[0]) if not out.authors and "by" in found[0].casefold() else None
        read = authors.read(named[1], out.words.title_words) if named else None
        if named and read:
            out.authors, out.et_al = read
            out.blank(found.start() + named.start(), found.start() + named.end(1))


def _is_group(out: Draft, piece: str) -> bool:
    """Whether a run of text is all companies, universities or laboratories, as in "Tsinghua, Huawei Noah's Ark Lab"."""
    if not piece[:1].isupper() or not out.words.holds_organization(piece):
        return False
    parts = [part for part in _BETWEEN_GROUPS.split(piece) if part]
    groups = [out.words.is_group(part) for part in parts]
    return any(groups) and all(group or part.isupper() for group, part in zip(groups, parts, strict=True))


_BETWEEN_GROUPS = re.compile(r"\s*(?:,|&|/|\+|;|\band\b)\s*")


def take_emoji(out: Draft) -> None:
    """Understands emoji and their shortcodes: decoration."""
    for found in EMOJI.finditer(out.left):
        out.blank(found.start(), found.end())


def not_understood(left: str) -> str:
    """What nobody has understood of a text, as words."""
    return " ".join(left.replace(GONE, " ").split()).strip(_EDGE + "()[]*_`'\"“”")


def code_word(text: str) -> re.Match[str] | None:
    """The word for code that closes a text."""
    return _CODE_WORD.search(text) if "code" in text.casefold() else None


_GONE_RUN = re.compile(rf"{GONE}+")


def take_rest(out: Draft) -> None:
    """What is left: a word for code, emoji, or prose, which is kept as the comment."""
    take_emoji(out)
    if found := code_word(out.left.rstrip(_EDGE)):
        out.has_code = True
        out.blank(found.start(), found.end())
    prose = " ".join(part.strip(_EDGE) for part in _GONE_RUN.split(out.left) if part.strip(_EDGE + "()[]*_`'\"“”"))
    out.comment = " ".join(prose.split()) or None
