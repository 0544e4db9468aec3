"""docs/commands.md and docs/parameters.md, from the command line and from the models of params.yaml.

`python docs/generate/reference.py` writes both; a test fails while one of them is not what the code says.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from simaudit.cli import simaudit
from simaudit.plan.schema import schema
from simaudit.vocabulary.knobs import Knobs

DOCS = Path(__file__).parents[1]
SECTIONS = {
    "datasets": "Images, by name. `source` says where they come from; see [datasets and splits](data.md).",
    "splits": "Who is a member, who is held out, and which fold each belongs to.",
    "targets": "How weights come to be. `kind` is a family; `like`, `seeds` and `over`: [the workflow](workflow.md).",
    "audits": "Which attacks and figures a target gets; without an entry, everything that applies.",
    "attacks": "An entry is of the kind of its own name, or of the one that `kind` names: [the attacks](attacks.md).",
    "scoring": "",
    "quality": "",
    "evaluation": "What these mean: [the evaluation](evaluation.md).",
    "figures": "Which figures are drawn, and how; see [the figures](figures.md).",
    "theory": "",
}
"""The sections of params.yaml, in the order in which it has them, and what to read beside."""


def commands() -> str:
    """Return the page of all subcommands, in the sections of `simaudit --help`."""
    page = [
        "# All subcommands",
        "",
        "This page is made from the program itself; `simaudit COMMAND --help` prints the same.",
        "",
    ]
    with click.Context(simaudit, info_name="simaudit") as top:
        for title, names in simaudit.sections.items():
            page += [f"## {title}", ""]
            for name in names:
                page += _command(simaudit.commands[name], top)
    return _ended(page)


def _command(command: click.Command, top: click.Context) -> Iterator[str]:
    with click.Context(command, info_name=command.name, parent=top) as context:
        yield from (f"### simaudit {command.name}", "", "```text")
        yield " ".join(["simaudit", str(command.name), *command.collect_usage_pieces(context)])
        yield from ("```", "", _escaped(inspect.cleandoc(command.help or "").replace("\b\n", "")), "")
        options = [option.get_help_record(context) for option in command.get_params(context)]
        if rows := [record for record in options if record and record[1] and "--help" not in record[0]]:
            yield from ("| option | meaning |", "| --- | --- |")
            yield from (f"| `{_cell(names)}` | {_escaped(_cell(meaning))} |" for names, meaning in rows)
            yield ""


def parameters() -> str:
    """Return the page of all parameters, section by section, then the parts that several entries share."""
    whole = schema()
    page = Parameters(whole["$defs"])
    lines = [
        "# All parameters",
        "",
        "This page is made from the models that check `params.yaml`. A key without a default must be given, or comes",
        "from the entry that `like` names. *Here* stands before what `params.yaml` says in the default run, and why.",
        "",
    ]
    for section, more in SECTIONS.items():
        lines += [
            f"## {section}",
            "",
            *([more, ""] if more else []),
            *page.section(section, whole["properties"][section]),
        ]
    return _ended([*lines, "## Parts of entries", "", *page.parts()])


class Parameters:
    """The models of the schema by name: each is shown once, and linked from wherever else it stands."""

    def __init__(self, models: dict[str, Any]) -> None:
        self.models = models
        self.comments = {kind.__name__: _comments(kind) for kind in _kinds(Knobs)}
        self.reasons = _reasons((DOCS.parent / "params.yaml").read_text(encoding="utf-8"))
        self.at = ""
        self.linked: dict[str, str] = {}  # each model with the section that links it

    def section(self, name: str, schema: dict[str, Any]) -> Iterator[str]:
        """Yield the lines of one section: of its model, of each kind of its entries, or of each key."""
        self.at = name
        if "patternProperties" in schema:
            (entries,) = schema["patternProperties"].values()
            for kind in entries["anyOf"]:
                if model := self._of(kind):
                    yield from self._model(model, self._name(model))
            return
        model = self._of(schema)
        keys = self.models[model]["properties"]
        if all("anyOf" in key and self._of(key["anyOf"][0]) for key in keys.values()):
            for name, key in keys.items():
                yield from self._model(str(self._of(key["anyOf"][0])), f"`{name}`")
        else:
            yield from self._model(str(model), None)

    def parts(self) -> Iterator[str]:
        """Yield what was linked, and what that links."""
        shown: set[str] = set()
        while rest := [model for model in self.linked if model not in shown]:
            for model in rest:
                self.at = self.linked[model]
                yield from self._model(model, _words(model))
                shown.add(model)

    def _model(self, name: str, title: str | None) -> Iterator[str]:
        model = self.models[name]
        if title:
            yield from (f"### {title}", "")
        yield from (_escaped(model.get("description", "")), "")
        keys = {key: each for key, each in model.get("properties", {}).items() if key not in ("kind", "like")}
        if keys:
            yield from ("| key | value | default | meaning |", "| --- | --- | --- | --- |")
        for key, each in keys.items():
            default = (
                f"`{_cell(_plain(each['default']))}`" if "default" in each and not self._of(each) else ""
            )
            told = [
                self.comments.get(name, {}).get(key),
                "const" not in each and self.reasons.get((self.at, key)),
            ]
            meaning = _escaped(
                _cell(" ".join(text if text.endswith(".") else f"{text}." for text in told if text))
            )
            yield f"| `{key}` | {_cell(self._value(each))} | {default} | {meaning} |"
        if keys:
            yield ""

    def _name(self, model: str) -> str:
        """What an entry of this model says in `kind` or `source`; the name of the section's only model otherwise."""
        keys = self.models[model]["properties"]
        told = [keys[key]["const"] for key in ("kind", "source") if "const" in keys.get(key, {})]
        return f"`{told[0]}`" if told else "An entry"

    def _of(self, schema: dict[str, Any]) -> str | None:
        return schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else None

    def _value(self, schema: dict[str, Any]) -> str:
        if model := self._of(schema):
            if "properties" not in self.models[model]:
                return _words(model).lower()
            self.linked.setdefault(model, self.at)
            return f"[{_words(model).lower()}](#{_words(model).lower().replace(' ', '-')})"
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(map(self._value, schema["anyOf"])))
        if "const" in schema or "enum" in schema:
            return ", ".join(f"`{_plain(value)}`" for value in schema.get("enum", [schema.get("const")]))
        kind = schema.get("type")
        if kind == "array":
            items = schema.get("items") or {"anyOf": schema.get("prefixItems", [])}
            return f"a list of: {self._value(items)}"
        if kind in ("integer", "number"):
            least = schema.get("minimum", schema.get("exclusiveMinimum"))
            most = schema.get("maximum", schema.get("exclusiveMaximum"))
            limits = [
                f"{word} {_plain(limit)}"
                for word, limit in (("from", least), ("to", most))
                if limit is not None
            ]
            return " ".join(["a whole number" if kind == "integer" else "a number", *limits])
        if kind == "object":
            inner = [*schema.get("patternProperties", {}).values()] or [schema.get("additionalProperties")]
            return f"entries, each {self._value(inner[0])}" if isinstance(inner[0], dict) else "a mapping"
        return {"string": "a text", "boolean": "`true`, `false`", "null": "`null`"}.get(
            str(kind), "any value"
        )


def _kinds(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield from (each, *_kinds(each))


def _comments(kind: type[Any]) -> dict[str, str]:
    """Return the docstrings below the fields of a model and of those that it extends."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if (
            issubclass(each, Knobs)
            and each.__module__.startswith("simaudit")
            and "<" not in each.__qualname__
        ):
            try:
                (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
            except (OSError, TypeError):  # made while the schema is
                continue
            for field, below in zip(tree.body, tree.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and _is_text(below)
                ):
                    found[field.target.id] = inspect.cleandoc(below.value.value)
    return found


def _reasons(text: str) -> dict[tuple[str, str], str]:
    """Return what a comment of params.yaml says of a key's value, by section and key; of several the first."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in text.splitlines():
        if written := re.match(r"( *)([a-z_]+):(?: (.+?))?(?: +# (.+))?$", line):
            indent, key, value, comment = written.groups()
            section = section if indent else key
            if comment and indent:
                found.setdefault((section, key), f"Here `{value}`: {comment}" if value else comment)
    return found


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _words(model: str) -> str:
    """A model's name as words: `TimestepRange` is Timestep range."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.removesuffix("Knobs"))
    return words[0] + words[1:].lower()


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return the text with what is no Markdown outside of its code: underscores, stars and angles."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([_*])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def _ended(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"commands.md": commands, "parameters.md": parameters}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
