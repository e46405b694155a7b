"""Writes mappings/itemtypes.yaml from Zotero's schema.json: which fields and creators each type of item has.

    python tools/item_types.py schema.json > mappings/itemtypes.yaml

The file is https://api.zotero.org/schema, kept at https://github.com/zotero/zotero-schema. Names of types, fields and
creators are taken from it, and what they are called in English; its translations and its tables of CSL are not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HEAD = """\
# Types of items in Zotero: the fields of each in order, which of them stand for a base field when an item changes its
# type, and its creators, the primary first. Names in English. Source: zotero-schema, version {version}.
# Made by: python tools/item_types.py schema.json > mappings/itemtypes.yaml
"""


def main(path: str) -> None:
    """Prints the table that the schema at `path` holds."""
    schema = json.loads(Path(path).read_text(encoding="utf-8"))
    english = schema["locales"]["en-US"]
    print(HEAD.format(version=schema["version"]), end="")
    print(f"version: {schema['version']}\ntypes:")
    for one in sorted(schema["itemTypes"], key=lambda one: str(one["itemType"])):
        print(f"  {one['itemType']}: {{name: {_quoted(english['itemTypes'][one['itemType']])}, {_row(one, english)}}}")
    dates = [name for name, meta in schema["meta"]["fields"].items() if meta["type"] == "date"]
    print(f"dates: [{', '.join(dates)}]")
    used = {field["field"] for one in schema["itemTypes"] for field in one["fields"]}
    used |= {field["baseField"] for one in schema["itemTypes"] for field in one["fields"] if "baseField" in field}
    _names("fields", english["fields"], used)
    _names("creators", english["creatorTypes"], english["creatorTypes"])


def _row(one: dict[str, Any], english: dict[str, dict[str, str]]) -> str:
    called = english["creatorTypes"]
    creators = sorted(one["creatorTypes"], key=lambda role: (not role.get("primary"), called[role["creatorType"]]))
    base = ", ".join(f"{field['field']}: {field['baseField']}" for field in one["fields"] if "baseField" in field)
    parts = [f"fields: [{', '.join(field['field'] for field in one['fields'])}]"]
    parts += [f"base: {{{base}}}"] if base else []
    return ", ".join([*parts, f"creators: [{', '.join(creator['creatorType'] for creator in creators)}]"])


def _names(head: str, names: dict[str, str], used: Iterable[str]) -> None:
    print(f"{head}:")
    for name in sorted(used):
        print(f"  {name}: {_quoted(names[name])}")


def _quoted(text: str) -> str:
    return text if text.replace(" ", "").replace("/", "").isalnum() else json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python tools/item_types.py schema.json > mappings/itemtypes.yaml")
    main(sys.argv[1])
