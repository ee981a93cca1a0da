"""What the docstrings below the attributes of a class say, which Python itself forgets."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute or property of a class."""

    annotation: str
    """Its type, as the source has it; empty for a member of an enumeration."""
    docstring: str
    """What is said of it; empty: nothing."""


def attributes_of(kind: type) -> dict[str, Attribute]:
    """The attributes and properties of a class by name, in the order of its source."""
    (body,) = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, Attribute] = {}
    for node, following in zip(body.body, [*body.body[1:], None], strict=True):
        said = _text_of(following)
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                found[name] = Attribute(ast.unparse(annotation), said)
            case ast.Assign(targets=[ast.Name(id=name)]):
                found[name] = Attribute("", said)
            case ast.FunctionDef(name=name, returns=ast.expr() as returned) if _is_property(node):
                found[name] = Attribute(ast.unparse(returned), ast.get_docstring(node) or "")
    return found


def _is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list)


def _text_of(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
    return ""
