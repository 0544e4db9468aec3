"""Python as syntax trees: what a statement mentions, what it binds, and its text without comments and layout."""

import ast
import re
from collections.abc import Iterator
from typing import Any

SCOPES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
"""What binds names that are not seen outside."""

DOCUMENTATION = "__doc__"
"""What code mentions that reads docstrings."""


def statements(text: str) -> list[ast.stmt]:
    """Return the statements of a module, without annotations of functions and without blocks for type checkers."""
    module: ast.Module = _Executed().visit(ast.parse(text))
    return module.body


def is_text(statement: object) -> bool:
    """Return whether a statement is a text alone, such as a docstring."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def mentioned(node: ast.AST) -> set[str]:
    """Return the names that code mentions and does not bind in a scope of its own; DOCUMENTATION if it reads that."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Name):
            names.update((part.id, DOCUMENTATION) if part.id == "getdoc" else (part.id,))
        elif isinstance(part, SCOPES):
            inside = set[str]().union(*map(mentioned, _children(part)))
            names.update(inside - bound(part), *map(mentioned, _outside(part)))
        else:
            if isinstance(part, ast.Attribute) and part.attr in (DOCUMENTATION, "getdoc"):
                names.add(DOCUMENTATION)
            if isinstance(part, ast.AnnAssign):  # pydantic looks up what an annotation names in quotes
                names.update(*(re.findall(r"\w+", text) for text in _texts(part.annotation)))
            waiting.extend(_children(part))
    return names


def bound(node: ast.AST) -> set[str]:
    """Return the names that a statement, function or comprehension binds, apart from those inside scopes in it."""
    names: set[str] = set()
    shared: set[str] = set()
    waiting = _children(node)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            names.add(part.id)
        elif isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
            names.update([part.name] if part.name else [])
        elif isinstance(part, ast.Global | ast.Nonlocal):
            shared.update(part.names)
        if not isinstance(part, (*SCOPES, ast.ClassDef)):
            waiting.extend(_children(part))
    return names - shared


def inner_statements(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement and what stands in it outside expressions: the statements inside it, among others."""
    parts: list[ast.AST] = [statement]
    for part in parts:  # which grows
        yield part
        parts.extend(child for child in _children(part) if not isinstance(child, ast.expr))


def normal(node: ast.AST, docstrings: bool) -> str:
    """Return a syntax tree as a text that is the same in every version of Python.

    Docstrings are left out, except those of classes where `docstrings` asks for them.
    """
    pieces: list[str] = []
    _write(node, docstrings, pieces)
    return "".join(pieces)


def _write(node: object, docstrings: bool, pieces: list[str]) -> None:
    if isinstance(node, ast.AST):
        pieces.append(f"({type(node).__name__}")
        for key in node._fields:
            value = getattr(node, key, None)
            if isinstance(value, list) and not (docstrings and isinstance(node, ast.ClassDef)):
                value = [part for part in value if not is_text(part)]
            if key not in ("ctx", "type_comment", "kind") and value is not None and value != []:
                pieces.append(f" {key}=")
                _write(value, docstrings, pieces)
        pieces.append(")")
    elif isinstance(node, list):
        pieces.append("[")
        for part in node:
            _write(part, docstrings, pieces)
        pieces.append("]")
    else:
        pieces.append(repr(node))


def _children(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a syntax tree, without the marks that say whether a name is read or written."""
    found: list[ast.AST] = []
    for key in node._fields:
        value = getattr(node, key, None)
        if isinstance(value, list):
            found.extend(part for part in value if isinstance(part, ast.AST))
        elif isinstance(value, ast.AST) and key != "ctx":
            found.append(value)
    return found


def _outside(scope: Any) -> Iterator[ast.AST]:
    """Yield what stands in a scope and is evaluated outside it: decorators, default values, the first iterable."""
    yield from getattr(scope, "decorator_list", ())
    if hasattr(scope, "args"):
        yield from scope.args.defaults
        yield from filter(None, scope.args.kw_defaults)
    if hasattr(scope, "generators"):
        yield scope.generators[0].iter


def _texts(node: ast.AST) -> Iterator[str]:
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return (value for value in constants if isinstance(value, str))


class _Executed(ast.NodeTransformer):
    """Removes what is never executed, docstrings apart."""

    _in_function = False

    def visit(self, node: ast.AST) -> Any:
        """Return a node without what is never executed; there is nothing of the kind in an expression."""
        return node if isinstance(node, ast.expr) else super().visit(node)

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.returns = None
        return self._inside(node, is_function=True)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node, is_function=False)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if not self._in_function:
            return self.generic_visit(node)
        return ast.Assign([node.target], self.visit(node.value)) if node.value else None

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_for_typing = not node.orelse and ast.unparse(node.test) in (
            "TYPE_CHECKING",
            "typing.TYPE_CHECKING",
        )
        return None if is_for_typing else self.generic_visit(node)

    def _inside(self, node: ast.AST, is_function: bool) -> ast.AST:
        outer, self._in_function = self._in_function, is_function
        self.generic_visit(node)
        self._in_function = outer
        return node
