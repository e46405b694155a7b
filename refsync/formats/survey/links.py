"""Knows the links of an entry: which leads to the paper, what the others lead to, and the identifiers in them or bare."""

from __future__ import annotations

import re

from refsync import identifiers
from refsync.formats.survey import badges
from refsync.formats.survey.drafts import EDGE, GONE, URL, Draft, addresses
from refsync.formats.survey.published import take_mention
from refsync.formats.survey.text import Span

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
        if kind and not out.left[:start].strip(EDGE + "[(") and out.words.venues.short(label.strip("[]() ")):
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
