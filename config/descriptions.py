"""What the fields of the configuration mean: the docstrings that follow them in the source.

pydantic can read them too (use_attribute_docstrings), but does so in each process that loads the models,
which is a third of what they cost; here only errors and the JSON Schema have them read.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


@cache
def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """By field, those inherited included."""
    above = model.__mro__[: model.__mro__.index(BaseModel)]
    return {name: text for one in reversed(above) for name, text in _docstrings(one).items()}


def _docstrings(model: type) -> dict[str, str]:
    (definition,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(str(text.value.value))
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
