"""Knows the sandbox: a library that speaks Zotero's Web API (version 3) on this machine, for trying out and for tests.

It answers as api.zotero.org does where refsync asks: versions, preconditions, partly failed writes, what is stored
otherwise than sent. It can also play Zotero's desktop, whose local API differs (desktop.py). Files, full text, saved searches and settings have no place in it, and it sets no pace.
"""

from refsync.sync.sandbox.app import Sandbox
from refsync.sync.sandbox.database import NoShelf
from refsync.sync.sandbox.desktop import Desktop
from refsync.sync.sandbox.serving import Server, serving

__all__ = ["Desktop", "NoShelf", "Sandbox", "Server", "serving"]
