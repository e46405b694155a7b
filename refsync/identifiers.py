"""Knows identifiers: a link or a string to ("arxiv", "1503.02531"), and back to a link."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

_ARXIV_NEW = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_ARXIV_OLD = r"[a-z][a-z-]{1,9}(?:\.[A-Z]{2})?/\d{7}"
_ARXIV_URL = re.compile(
    rf"^/(?:(?:abs|pdf|html|format|e-print|ps|src)/|ftp/arxiv/papers/\d{{4}}/)(?:cs\.[A-Z]{{2}}/)?({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?:\.pdf)?/?$",
    re.IGNORECASE,
)
# In running text an id needs its name before it: a DOI such as 10.1145/3461615.3491109 holds "1615.34911".
ARXIV_TEXT = re.compile(
    rf"(?<![\w./])(?:arxiv|arxv|corr)\s*(?:preprint)?\s*(?:arxiv|corr)?\s*[:\s,(\[]*(?:abs/)?(?:cs\.[A-Z]{{2}}/)?"
    rf"({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d+)?(?!\d)(?:\s*\[[a-z-]+\.[A-Z]{{2}}\])?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[./]\d{4}")
DOI_TEXT = re.compile(r"\b10\.\d{4,9}/[^\s\"<>|{}]+", re.IGNORECASE)
# By itself a DOI may hold what ends it in running text: 10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O.
_WHOLE_DOI = re.compile(
    r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/[^\s\"|{}]+<[^\s\"|{}]+)", re.IGNORECASE
)
_DOI_HOST = re.compile(r"^(?:dx\.|www\.)?doi\.org$", re.IGNORECASE)
# Publishers whose addresses hold the DOI itself.
_DOI_PATH = re.compile(
    r"/(?:doi|article|chapter|book|content|abs|full)?/?(?:abs/|pdf/|epdf/|full/|fullHtml/|epub/|book/|pdfdirect/)?"
    r"(10\.\d{4,9}/[^\s?#]+)$",
    re.IGNORECASE,
)
_DOI_HOSTS = re.compile(
    r"(?:^|\.)(?:acm\.org|wiley\.com|tandfonline\.com|springer\.com|sagepub\.com|pnas\.org|science\.org|"
    r"sciencemag\.org|royalsocietypublishing\.org|informs\.org|siam\.org|aps\.org|acs\.org|biorxiv\.org|medrxiv\.org|"
    r"frontiersin\.org|asmedigitalcollection\.asme\.org|worldscientific\.com|emerald\.com|liebertpub\.com|mitpressjournals\.org|"
    r"direct\.mit\.edu|annualreviews\.org|nowpublishers\.com|spiedigitallibrary\.org|cambridge\.org|degruyter\.com)$",
    re.IGNORECASE,
)
_ACL_NEW = re.compile(r"^/((?:\d{4}\.[a-z0-9_-]+-[a-z0-9_]+\.\d+)|(?:[A-Z]\d{2}-\d{4}))(?:v\d+)?(?:\.pdf|\.bib)?/?$")
_OPENREVIEW_HOST = re.compile(r"(?:^|\.)openreview\.net$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def of_url(url: str) -> tuple[str, str] | None:
    """(scheme, value) that a link names, schemes `arxiv`, `doi`, `acl`, `openreview`; None when it names none."""
    parts = _parts(url.strip())
    if parts is None:
        return None
    host, path, query = parts
    host, raw = host.removeprefix("www."), path
    path = unquote(raw)
    if "arxiv.org/" in path:
        path = path[path.index("arxiv.org/") + len("arxiv.org") :]  # a mirror
        host = "arxiv.org"
    if host.endswith(("arxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org")):
        found = _ARXIV_URL.match(path)
        return ("arxiv", _arxiv(found[1])) if found else None
    if host.endswith(("aclanthology.org", "aclanthology.info", "aclweb.org", "acl-anthology.org")):
        found = _ACL_NEW.match(re.sub(r"^/(?:anthology/)?(?:papers/)?(?:[A-Z]/[A-Z]\d\d/)?", "/", path))
        return ("acl", found[1]) if found else None
    if _OPENREVIEW_HOST.search(host):
        note = re.search(r"(?:^|&)id=([\w-]{6,})", query)
        return ("openreview", note[1]) if note and raw in {"/forum", "/pdf", "/attachment"} else None
    if host == "alphaxiv.org" or (host in {"huggingface.co", "paperswithcode.com"} and "/papers/" in path):
        found = re.search(rf"/({_ARXIV_NEW})(?:v\d+)?$", path)
        return ("arxiv", found[1]) if found else None
    if _DOI_HOST.match(host):
        return of_doi(path.removeprefix("/").removeprefix("doi:"))
    if _DOI_HOSTS.search(host):
        found = _DOI_PATH.search(path)
        return of_doi(re.sub(r"(?:\.pdf|/full|/abstract|/pdf|/meta|\.full)$", "", found[1])) if found else None
    return None


_PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)(/[\w./~-]*)?", re.ASCII)


def _parts(url: str) -> tuple[str, str, str] | None:
    """Host, path and query of a link, None when it is none; most are plain and need no parser."""
    if plain := _PLAIN_URL.fullmatch(url):
        return plain[1], plain[2] or "", ""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path, parts.query
    except ValueError:
        return None


def arxiv_texts(text: str) -> tuple[re.Match[str], ...]:
    """The arXiv ids that running text names, in order; a text without a dot or slash before digits holds none."""
    return tuple(ARXIV_TEXT.finditer(text)) if _NUMBER.search(text) else ()


def _arxiv(value: str) -> str:
    return value if value[0].isdigit() else value.lower()


def doi(text: str) -> str | None:
    """The bare DOI in a string ("doi: 10.1145/1", "https://doi.org/..."), lower case, None when there is none."""
    if whole := _WHOLE_DOI.fullmatch(text.strip()):
        return tidy_doi(whole[1])
    found = DOI_TEXT.search(text)
    return tidy_doi(found[0]) if found else None


def tidy_doi(value: str) -> str:
    """A DOI in lower case, without the punctuation of the sentence around it."""
    value = value.rstrip(".,;:'\"*_`")
    while value.endswith((")", "]")) and value.count(value[-1]) > value.count({")": "(", "]": "["}[value[-1]]):
        value = value[:-1].rstrip(".,;:")
    return value.lower()


def of_doi(text: str) -> tuple[str, str] | None:
    """What a DOI names: ("doi", it), or ("arxiv", the number) for one that arXiv gave; None when there is none."""
    value = doi(text)
    if value is None:
        return None
    preprint = re.fullmatch(rf"10\.48550/arxiv\.({_ARXIV_NEW}|{_ARXIV_OLD.lower()})(?:v\d+)?", value)
    return ("arxiv", preprint[1]) if preprint else ("doi", value)


def arxiv_date(value: str) -> tuple[int, int] | None:
    """(year, month) of submission that an arXiv id holds: 1503.02531 is March 2015, cs/9901002 January 1999."""
    digits = value.rsplit("/", 1)[-1]
    year, month = int(digits[:2]), int(digits[2:4])
    if not 1 <= month <= 12:
        return None
    return (1900 if year > 90 else 2000) + year, month


_LINKS = {
    "arxiv": "https://arxiv.org/abs/{}",
    "doi": "https://doi.org/{}",
    "acl": "https://aclanthology.org/{}",
    "openreview": "https://openreview.net/forum?id={}",
}
SCHEMES = tuple(_LINKS)  # those whose identifiers name one work, and have an address


def link(scheme: str, value: str) -> str | None:
    """The address of an identifier, None for a scheme without one."""
    form = _LINKS.get(scheme)
    return form.format(value) if form else None
