"""refsync: a survey list becomes a catalog, a bibliography and a Zotero library."""

__version__ = "0.1.0"
