"""Knows Zotero's types of items: their fields in order, the base fields these stand for, and their creators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from refsync import documents
from refsync.mapping import table_value

FILED = ("imported_file", "imported_url", "embedded_image")  # attachments whose file Zotero keeps
LINK_MODES = (*FILED, "linked_file", "linked_url")


class ItemType(documents.Struct, forbid_unknown_fields=True, frozen=True):
    """One type. `base` says which general field a field of it stands for; the first of `creators` is the primary."""

    name: str
    fields: tuple[str, ...]
    creators: tuple[str, ...]
    base: Mapping[str, str] = {}

    def field_for(self, name: str, of: ItemType) -> str | None:
        """What this type calls the field `name` of another type, None when it has none."""
        if name in self.fields:
            return name
        general = of.base.get(name, name)
        return next((one for one in self.fields if self.base.get(one, one) == general), None)

    def creator_for(self, name: str, of: ItemType) -> str:
        """What this type calls a creator of another type."""
        if name in self.creators:
            return name
        primary = name == of.creators[0] or "contributor" not in self.creators
        return self.creators[0] if primary else "contributor"


class ItemTypes(documents.Struct, forbid_unknown_fields=True, frozen=True):
    """The table. `fields` and `creators` say what each is called in English; `dates` are the fields that hold one."""

    version: int
    types: Mapping[str, ItemType]
    dates: tuple[str, ...]
    fields: Mapping[str, str]
    creators: Mapping[str, str]

    def date_of(self, kind: str, data: Mapping[str, str]) -> str:
        """The date that an item of this type bears, empty when none."""
        row = self.types[kind]
        return next((data.get(one, "") for one in row.fields if row.base.get(one, one) == "date"), "")


@cache
def item_types() -> ItemTypes:
    """The table mappings/itemtypes.yaml, read once."""
    value, where = table_value("itemtypes.yaml")
    return documents.checked(value, ItemTypes, where)
