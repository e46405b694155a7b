"""Knows how a catalog and a Zotero library are made to agree, and the library that lives on this machine."""
