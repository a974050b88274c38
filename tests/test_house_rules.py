"""The rules of the house that can be read off the source."""

from __future__ import annotations

import ast
import functools
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PARTS = ("config", "providers", "components", "lab", "toolchain", "bench")
SOURCES = sorted(path for part in PARTS for path in (REPOSITORY / part).rglob("*.py"))
MOST_LINES_OF_MODULE = 300
MOST_LINES_OF_FUNCTION = 40
MEDIAN_LINES_OF_FUNCTION = 10
NOT_THINGS = {"thing.py", "kinds.py"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the rules ask of one source file, of which the syntax tree is not kept."""

    functions: dict[str, int]
    """The lines of each function's code, its signature and docstring left out."""
    imports: frozenset[str]
    silent: list[str]
    """Public names without a docstring."""


@functools.cache
def source(path: Path) -> Source:
    """One source file, parsed once."""
    module = ast.parse(path.read_text())
    nodes = list(ast.walk(module))
    return Source(
        functions={
            f"{path.name}:{one.lineno}:{one.name}": lines(one)
            for one in nodes
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        },
        imports=frozenset(name for one in nodes for name in imported(one)),
        silent=[f"{path.name}:{one}" for one in silent(module)],
    )


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's code, its signature and docstring left out."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def silent(module: ast.Module) -> Iterator[str]:
    """The module itself and its public classes and functions, where they have no docstring."""
    if not ast.get_docstring(module):
        yield "(module)"
    for one in module.body:
        if (
            isinstance(one, ast.ClassDef | ast.FunctionDef)
            and one.name[0] != "_"
            and not ast.get_docstring(one)
        ):
            yield one.name


def importers(module: str) -> list[str]:
    """The sources that import a module, or something below it."""
    return [
        str(path.relative_to(REPOSITORY))
        for path in SOURCES
        if any(name == module or name.startswith(module + ".") for name in source(path).imports)
    ]


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    """No module has more than 300 lines."""
    sizes = {str(path.relative_to(REPOSITORY)): len(path.read_text().splitlines()) for path in SOURCES}
    assert [name for name, size in sizes.items() if size > MOST_LINES_OF_MODULE] == []


def test_no_function_is_longer_than_one_screen() -> None:
    """No function has more than 40 lines; half of all have at most 10."""
    sizes = {name: size for path in SOURCES for name, size in source(path).functions.items()}
    assert [name for name, size in sizes.items() if size > MOST_LINES_OF_FUNCTION] == []
    assert statistics.median(sizes.values()) <= MEDIAN_LINES_OF_FUNCTION


def test_every_public_name_says_what_it_is() -> None:
    """Modules, public classes and public functions have a docstring."""
    assert [name for path in SOURCES for name in source(path).silent] == []


def test_one_module_knows_pulumi_dynamic() -> None:
    """The classes in the state are loaded from one module that never moves (the benchmark's do nothing)."""
    assert importers("pulumi.dynamic") == ["bench/floor/noop.py", "providers/adapter.py"]


def test_one_module_opens_connections() -> None:
    """One place calls asyncssh.connect (the stand-in for pulumi-command is a program of its own)."""
    openers = [path for path in SOURCES if "asyncssh.connect(" in path.read_text()]
    ours = [str(path.relative_to(REPOSITORY)) for path in openers if "plugins" not in path.parts]
    assert ours == ["providers/ssh/dial.py"]


def test_one_module_reads_the_configuration() -> None:
    """pulumi.Config is read in one place."""
    readers = [path.name for path in SOURCES if "pulumi.Config(" in path.read_text()]
    assert readers == ["configuration.py"]


def test_nothing_on_a_real_rack_knows_the_lab() -> None:
    """The program treats simulated boards as boards."""
    assert [
        path for path in importers("lab") if path.split("/")[0] in ("components", "providers", "config")
    ] == []


def test_each_thing_shares_its_name_with_its_module_and_scenarios() -> None:
    """One managed thing per module; class, property, module and scenarios agree."""
    from providers.kinds import KINDS

    for kind in KINDS.values():
        for thing in kind.things:
            module = type(thing).__module__.rpartition(".")[2]
            assert module == thing.name and module.replace("_", "") == type(thing).__name__.lower()
            assert (REPOSITORY / "tests" / "scenarios" / module).is_dir(), module


def test_commands_are_lists_not_lines() -> None:
    """No shell line is formatted from values: they are arguments (`shell=True` and os.system are out)."""
    for path in SOURCES:
        text = path.read_text()
        assert "shell=True" not in text, path
        assert "os.system" not in text, path


def test_what_describes_loads_nothing_of_what_works_on_machines() -> None:
    """The program and the provider's process begin one after the other: the first does without the second's modules."""
    heavy = ("asyncssh", "cryptography", "providers.kinds", "providers.session", "kubernetes")
    loaded = f"""
import sys, components.addons, components.authority, components.cluster, components.configuration
import components.etcd, components.kubernetes, components.load_balancer, components.network, components.node
import components.preflight, components.readiness, components.sources
print([one for one in {heavy!r} if one in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
