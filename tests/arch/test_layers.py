"""The import contracts bite: each forbidden import, written into a copy of the package, is reported by its name."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Judge = Callable[[dict[str, str]], str]


@pytest.fixture(scope="module")
def pristine(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what import-linter reads."""
    copy = tmp_path_factory.mktemp("pristine")
    for folder in ("src", "tools"):
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", copy)
    return copy


@pytest.fixture
def judge(pristine: Path, tmp_path: Path) -> Judge:
    """Call it with new modules (path below the package, source) for what import-linter says; it must not be content."""

    def run(modules: dict[str, str]) -> str:
        tree = tmp_path / "tree"
        shutil.copytree(pristine, tree)
        for name, source in modules.items():
            path = tree / "src" / "penstock" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(source, encoding="utf-8")
        done = subprocess.run(
            [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout
        return done.stdout

    return run


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("model", "formats"),
        ("formats", "ports"),
        ("publish", "cli"),
        ("payload", "streams"),
        ("streams", "payload"),
        ("lineage", "payload"),
        ("payload", "adapters"),
        ("flow", "adapters"),
        ("adapters", "simulators"),
        ("simulators", "adapters"),
        ("web", "servers"),
        ("servers", "demo"),
    ],
)
def test_import_against_the_current_is_reported(importer: str, imported: str, judge: Judge) -> None:
    said = judge({f"{importer}/intruder.py": f"import penstock.{imported}.visited\n", f"{imported}/visited.py": ""})
    assert "Imports run one way BROKEN" in said
    assert f"penstock.{importer}.intruder -> penstock.{imported}.visited" in said


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("model", "click"),
        ("formats", "aiohttp"),
        ("payload", "msgspec"),
        ("flow", "sqlalchemy"),
        ("simulators", "stamina"),
        ("demo", "rich"),
        ("model", "structlog"),
    ],
)
def test_third_party_name_outside_its_layer_is_reported(layer: str, name: str, judge: Judge) -> None:
    said = judge({f"{layer}/intruder.py": f"def late() -> None:\n    import {name}\n"})
    assert f"penstock.{layer}.intruder (l.2) imports {name}: allowed in" in said


def test_third_party_name_without_a_layer_is_reported(judge: Judge) -> None:
    assert "penstock.adapters.intruder (l.1) imports requests: not listed" in judge({"adapters/intruder.py": "import requests\n"})


def test_package_without_a_layer_is_reported(judge: Judge) -> None:
    assert "penstock.afterthought" in judge({"afterthought/thing.py": ""})
