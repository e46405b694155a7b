"""Knows how people write YAML files, and says where and what when one of them is not as it should be.

The one door of PyYAML and msgspec. YAML is read by the rules of version 1.2 that people expect: `on`, `no` and dates
stay the text that was typed, and the same key twice is an error, not a silent loss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import yaml

from refsync.model import Failure, Problem

Struct = msgspec.Struct
field = msgspec.field
T = TypeVar("T")

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


_CORE = {
    "tag:yaml.org,2002:bool": re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
    "tag:yaml.org,2002:int": re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"),
    "tag:yaml.org,2002:float": re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"),
}
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_EXPONENT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$")


class _Loader(_LOADER):  # type: ignore[misc]  # the C class when it is there
    yaml_implicit_resolvers = {  # PyYAML's own way to set them
        first: [(tag, _CORE.get(tag, pattern)) for tag, pattern in rules if tag != _TIMESTAMP]
        for first, rules in _LOADER.yaml_implicit_resolvers.items()
    }


class _Dumper(_DUMPER):  # type: ignore[misc]
    # What a reader of YAML 1.1 or of 1.2 would take for something else than text is quoted: both sets of rules count.
    yaml_implicit_resolvers = {
        first: [*rules, ("tag:yaml.org,2002:float", _EXPONENT)]
        for first, rules in _DUMPER.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class FlowList(list[Any]):
    """A list that is written on one line."""


class _Repeated(yaml.YAMLError):
    def __init__(self, key: Any, line: int, first: int) -> None:
        super().__init__(f"the key {key!r} stands here and in line {first}")
        self.line = line


def _constructed(loader: Any, node: Any) -> Any:
    """The value of a node. PyYAML's own constructors fail in many ways on a value that its tag does not fit."""
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise yaml.MarkedYAMLError(
            problem=f"the value {str(node.value)[:40]!r} does not fit its tag", problem_mark=node.start_mark
        ) from None


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    lines: dict[Any, int] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if isinstance(key, list | dict):
            raise _Repeated(key, line, line)
        value = _constructed(loader, value_node)
        if key in found:
            # Lines that refsync tells a person to paste may be pasted twice: lists of pairs are joined.
            if isinstance(found[key], list) and isinstance(value, list):
                value = found[key] + value
            else:
                raise _Repeated(key, line, lines[key])
        found[key] = value
        lines[key] = line
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Dumper.add_representer(Flow, lambda d, v: d.represent_mapping("tag:yaml.org,2002:map", v.items(), flow_style=True))
_Dumper.add_representer(FlowList, lambda d, v: d.represent_sequence("tag:yaml.org,2002:seq", v, flow_style=True))


def parsed(text: str, where: str) -> Any:
    """The value that YAML `text` holds. Raises Failure with `where:line` when it is not YAML."""
    try:
        return yaml.load(text, Loader=_Loader)
    except _Repeated as error:
        raise Failure(Problem(where=f"{where}:{error.line}", what=str(error), hint="Keep one of them.")) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        if "nesting depth" in why:  # libyaml's own limit, which newer versions reach before Python's
            why = "nested too deeply"
        raise Failure(Problem(where=f"{where}{line}", what=f"not valid YAML: {why}.", hint="Mend it there.")) from None
    except RecursionError:
        raise Failure(Problem(where=where, what="not valid YAML: nested too deeply.", hint="Mend it there.")) from None


def composed(text: str, where: str) -> Any:
    """The nodes of YAML `text`, which has no byte order mark: they know where they stand (`start_mark.index`, in characters).

    Raises Failure when it is not YAML.
    """
    parsed(text, where)
    return yaml.compose(text, Loader=_LOADER)


class Place(Struct, frozen=True):
    """Where a value stands in the text of a YAML file, from `start` to before `end` (characters); the members of a mapping,
    each with the place of its key. `is_flow`: in braces or brackets; `is_block`: text of several lines after | or >."""

    start: int
    end: int
    column: int
    is_flow: bool = False
    is_block: bool = False
    is_mapping: bool = False
    members: dict[str, tuple[Place, Place]] = {}


def places(text: str) -> Place | None:
    """Where the values of a YAML text stand, that `parsed` takes; None where it holds none."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return _place(node) if node is not None else None


def _place(node: Any) -> Place:
    start, end, flow = node.start_mark.index, node.end_mark.index, bool(getattr(node, "flow_style", False))
    members: dict[str, tuple[Place, Place]] = {}
    if isinstance(node, yaml.MappingNode):
        members = {str(key.value): (_place(key), _place(value)) for key, value in node.value}
    inner = [one[1] for one in members.values()] or ([_place(one) for one in node.value] if _is_list(node) else [])
    if inner and not flow:  # a block ends where the next thing begins: what stands between is not its own
        end = max(one.end for one in inner)
    return Place(
        start=start, end=end, column=node.start_mark.column, is_flow=flow, members=members,
        is_block=getattr(node, "style", None) in {"|", ">"}, is_mapping=isinstance(node, yaml.MappingNode),
    )  # fmt: skip


def _is_list(node: Any) -> bool:
    return isinstance(node, yaml.SequenceNode)


def written(value: Any) -> str:
    """YAML text of a value: block style, one line a scalar, keys in the order given, LF."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=2**31 - 1,
        default_flow_style=False,
        line_break="\n",
    )
    return text


def checked(value: Any, kind: type[T], where: str) -> T:
    """`value` as `kind`, a Struct. Raises Failure that names file, path and what is wrong, with the nearest field name."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise Failure(explained(error, value, kind, where)) from None


def explained(error: msgspec.ValidationError, value: Any, kind: Any, where: str) -> Problem:
    """The Problem that a validation error is, with the value at fault and a suggestion for a misspelt field."""
    what, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").lstrip(".")
    hint = "Mend it there."
    wrong = re.search(r"unknown field `([^`]*)`", what)
    if wrong:
        near = get_close_matches(wrong[1], sorted(field_names(kind)), n=1, cutoff=0.6)
        hint = f"Did you mean `{near[0]}`?" if near else "Remove it, or put it under a field that exists."
    elif "Expected" in what and (at := _value_at(value, path)) is not None:
        what = f"{what} (it is {str(at)[:60]!r})"
    return Problem(where=where, what=f"{what[:1].lower()}{what[1:]}" + (f" - at `{path}`" if path else ""), hint=hint)


def _value_at(value: Any, path: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", path):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return None if isinstance(value, dict | list) else value


@cache
def field_names(kind: Any) -> frozenset[str]:
    """Every field name that may be written anywhere inside a Struct type."""
    found: set[str] = set()
    seen: set[Any] = set()

    def visit(node: Any) -> None:
        if node in seen:
            return
        seen.add(node)
        if isinstance(node, type) and issubclass(node, msgspec.Struct):
            for one in msgspec.structs.fields(node):
                found.add(one.encode_name)
                visit(one.type)
        for inner in getattr(node, "__args__", ()):
            visit(inner)

    visit(kind)
    return frozenset(found)


def json_of(text: str) -> Any:
    """The value of a JSON text. Raises ValueError for what is none."""
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def rows_of(path: Path) -> list[tuple[int, Any]]:
    """(line, value) of each line of a file of JSON lines, blank ones aside; None for a line that is none: a sudden end
    cuts lines off, in the middle of a letter too. Raises Failure where the file cannot be read."""
    lines = bytes_of(path, str(path)).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [(at, _row(line)) for at, line in enumerate(lines, 1) if line.strip()]


def _row(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return None


def fitting(value: Any, kind: type[T]) -> T | None:
    """`value` as `kind`, a Struct; None for a value that is none of it."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError:
        return None


def json_reader(kind: type[T]) -> Callable[[str | bytes], T]:
    """A function from JSON text to a value of that kind, a Struct, and nothing else. It raises ValueError otherwise."""
    decode = msgspec.json.Decoder(kind).decode

    def read(text: str | bytes) -> T:
        try:
            return decode(text)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from None

    return read


def packed(value: Any) -> bytes:
    """A frozen value as bytes (MessagePack), for caches."""
    return msgspec.msgpack.encode(value)


class Damaged(Exception):
    """Bytes in a cache that `packed` did not make, or not of such a value."""


def unpacked(data: bytes, kind: type[T]) -> T:
    """The value that `packed` made bytes of. Raises Damaged when it did not."""
    try:
        return cast(T, _decoder(kind).decode(data))  # type: ignore[arg-type]
    except (msgspec.MsgspecError, TypeError, ValueError):
        raise Damaged from None


@cache
def _decoder(kind: Hashable) -> Any:
    return msgspec.msgpack.Decoder(kind)


def schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a Struct type."""
    return msgspec.json.schema(kind)


def text_of(path: Path, where: str | None = None) -> str:
    """Text of a file: UTF-8, BOM dropped, line ends LF. Raises Failure in one clear line when it is no such file."""
    where = where or str(path)
    return decoded(bytes_of(path, where), where)


def bytes_of(path: Path, where: str) -> bytes:
    """The bytes of a file. Raises Failure in one clear line when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Failure(Problem(where=where, what="no such file.", hint="Check the path.")) from None
    except IsADirectoryError:
        raise Failure(Problem(where=where, what="is a folder, not a file.", hint="Name a file in it.")) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(Problem(where=where, what=f"cannot be read: {why}.", hint="Check its permissions.")) from None


def decoded(data: bytes, where: str) -> str:
    """`data` as UTF-8 text with LF line ends. Raises Failure for binary data and for other encodings, with the line."""
    if b"\0" in data[:8192] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Failure(Problem(where=where, what="is a binary file, not text.", hint="Name a text file in UTF-8."))
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start] if error.start < len(data) else 0:02x}"
        raise Failure(
            Problem(where=f"{where}:{line}", what=f"is not valid UTF-8 (byte {byte}).", hint="Save the file as UTF-8.")
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def records_of(path: Path, where: str) -> tuple[str, list[Problem]]:
    """Text of a file of records, whole or not in UTF-8: lines that are not are read as Windows-1252, each a Problem.

    Raises Failure when there is no such file, or when it is no text at all.
    """
    return records_in(bytes_of(path, where), where)


def records_in(data: bytes, where: str) -> tuple[str, list[Problem]]:
    """The same of `data`."""
    try:
        return decoded(data, where), []
    except Failure as failure:
        if "not valid UTF-8" not in failure.problem.what:
            raise
    problems: list[Problem] = []
    lines: list[str] = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError:
            lines.append(line.decode("cp1252", "replace"))
            what = "is not valid UTF-8: read as Windows-1252."
            problems.append(Problem(where=f"{where}:{number}", what=what, hint="Save the file as UTF-8."))
    return "\n".join([*lines, ""]), problems
