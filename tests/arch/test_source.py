"""Rules of the house that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 70
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}
SHELLS = {"cli", "servers"}
LOOPS_IN_THREADS = {"simulators/thread.py"}  # a simulator for callers that have no loop of their own


def _layer(path: Path, root: Path) -> str:
    return path.relative_to(root / "src" / "penstock").parts[0].removesuffix(".py")


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_module_has_a_name_that_explains_nothing(source_files: list[Path]) -> None:
    assert [path for path in source_files if VAGUE_NAMES & {path.stem, path.parent.name}] == []


def test_no_module_is_so_long_that_it_asks_to_be_split(source_files: list[Path], root: Path) -> None:
    lengths = {str(path.relative_to(root)): len(path.read_bytes().splitlines()) for path in source_files}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_so_long_that_it_asks_to_be_split(source_files: list[Path], root: Path) -> None:
    long = [
        f"{path.relative_to(root)}:{function.lineno} {function.name}"
        for path in source_files
        for function in _functions(path)
        if (function.end_lineno or 0) - function.lineno >= MAX_FUNCTION_LINES
    ]
    assert long == []


def test_event_loops_start_in_the_shells_only(source_files: list[Path], root: Path) -> None:
    starters = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in source_files
        if _layer(path, root) not in SHELLS and path.relative_to(root / "src" / "penstock").as_posix() not in LOOPS_IN_THREADS
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("asyncio", "run"), ("asyncio", "Runner"), ("asyncio", "new_event_loop")}
    ]
    assert starters == []


def test_the_process_ends_in_the_shells_only(source_files: list[Path], root: Path) -> None:
    enders = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in source_files
        if _layer(path, root) not in SHELLS | {"__main__"}
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("sys", "exit"), ("os", "_exit")}
    ]
    assert enders == []


def test_every_package_says_what_it_is_for(source_files: list[Path], root: Path) -> None:
    silent = [
        str(path.relative_to(root))
        for path in source_files
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_bytes()))
    ]
    assert silent == []


def test_every_folder_of_modules_is_a_package(source_files: list[Path], root: Path) -> None:
    """A folder without ``__init__.py`` is invisible to the import contracts; database revisions are loaded by path."""
    folders = {path.parent for path in source_files if "migrations" not in path.parts}
    assert [str(folder.relative_to(root)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
