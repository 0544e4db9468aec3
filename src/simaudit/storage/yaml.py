"""Reading YAML files that people write: whatever is wrong with one is a line with its place and a remedy."""

import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

from simaudit.vocabulary.errors import SimauditError

LARGEST_FILE = 256 * 1024  # bytes; a hundred experiments fit
DEEPEST = 40  # values inside one another
MOST_VALUES = 20_000  # after every alias is written out
LONGEST_INTEGER = 30  # characters; no knob needs more, and Python refuses to print a few thousand digits

INTEGER, FLOAT, DATE = (f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))
WITH_EXPONENT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
"""1e-3 is a number in YAML 1.2 and in JSON, and a text in YAML 1.1, which PyYAML reads."""


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; an empty file has no keys.

    Raises SimauditError when the file is missing, is no file, is too large or is not UTF-8, and as `parse_yaml` does.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise SimauditError(f"{path}: missing; run in the folder that holds it") from None
    except PermissionError:
        raise SimauditError(f"{path}: must not be read; change its permissions") from None
    except IsADirectoryError:
        raise SimauditError(f"{path}: is a folder; name a file") from None
    except OSError as error:
        raise SimauditError(f"{path}: cannot be read ({error.strerror}); name a file that can") from None
    if len(data) > LARGEST_FILE:
        raise SimauditError(f"{path}: has more than {LARGEST_FILE} bytes; name a file of parameters")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = data[: error.start].count(b"\n") + 1, data[error.start]
        raise SimauditError(
            f"{path}: line {line}: not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8"
        ) from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Any:
    """Return the content of YAML text, as `yaml.safe_load` does; `path` is what a mistake is named by.

    Raises SimauditError, naming the line, when it is not valid YAML, or has what no file of parameters needs: a key
    twice, a tag, an integer that is too long, values too deep inside one another or, by aliases, too many.
    """
    loader = None
    try:
        loader = _Loader(text)
        content = loader.get_single_data()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SimauditError(
            f"{path}: line {line}: not valid YAML: the character U+{error.character:04X} is not allowed; remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise SimauditError(f"{path}: {place}{_reason(error)}") from None
    except (ValueError, OverflowError) as error:  # of a number such as 0x_
        raise SimauditError(f"{path}: not valid YAML: {error}; correct it") from None
    finally:
        if loader:
            loader.dispose()
    return {} if content is None else content


def _reason(error: yaml.MarkedYAMLError) -> str:
    if isinstance(error, _Refusal):
        return str(error.problem)
    parts = (" ".join(part.split()) for part in (error.context, error.problem) if part)
    return f"not valid YAML: {', '.join(parts)[:200]}; correct it"


class _Refusal(yaml.MarkedYAMLError):
    """What is valid YAML and refused all the same."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which counts what it composes, before anything is built of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth, self.values = 0, 0
        self.sizes: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a value. Count it, and what it holds; an alias counts as what it stands for."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.values += self._size(event)
        elif event.tag:
            _refuse(event, f"has the tag {event.tag[:60]}; write a plain value")
        before, self.values, self.depth = self.values, self.values + 1, self.depth + 1
        if self.depth > DEEPEST:
            _refuse(event, f"has more than {DEEPEST} values inside one another; write it flatter")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if self.values > MOST_VALUES:
            _refuse(event, f"stands for more than {MOST_VALUES} values; write fewer, or use fewer aliases")
        if not isinstance(event, yaml.AliasEvent) and event.anchor:
            self.sizes[event.anchor] = self.values - before
        return node

    def _size(self, alias: yaml.AliasEvent) -> int:
        anchor = str(alias.anchor)
        if anchor in self.anchors and anchor not in self.sizes:
            _refuse(alias, f"*{anchor} stands inside itself; remove it")
        return self.sizes.get(anchor, 0)

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """Compose a number or a text."""
        node = super().compose_scalar_node(anchor)
        if node.tag == INTEGER and len(node.value) > LONGEST_INTEGER:
            _refuse(node, f"an integer of {len(node.value)} digits; write at most {LONGEST_INTEGER}")
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping, of whose values YAML itself would keep the last under each key."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse(key, "a list or a mapping is no key; write a name")
            if key.value in lines:
                _refuse(key, f"{key.value[:60]!r} is a key already in line {lines[key.value]}; leave one out")
            lines[key.value] = key.start_mark.line + 1
        return node


def _refuse(where: Any, why: str) -> NoReturn:
    """Refuse an event or a node."""
    raise _Refusal(problem=why, problem_mark=where.start_mark)


# Dates stay texts. The table is copied, since that of the parent serves every reader of YAML in this process.
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != DATE]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(FLOAT, WITH_EXPONENT, list("-+.0123456789"))
