"""The import contracts bite: each forbidden import, written into a copy of the package, is reported by its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

AGAINST_THE_CURRENT = [
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
]
OUTSIDE_ITS_LAYER = [
    ("model", "click"),
    ("formats", "aiohttp"),
    ("payload", "msgspec"),
    ("flow", "sqlalchemy"),
    ("simulators", "stamina"),
    ("demo", "rich"),
    ("model", "structlog"),
]
UNLISTED = "requests"


def _intruders() -> dict[str, str]:
    """Every forbidden import in a module of its own: source by path below the package.  What is visited imports nothing itself."""
    modules = {"adapters/unlisted_intruder.py": f"import {UNLISTED}\n"}
    for importer, imported in AGAINST_THE_CURRENT:
        modules[f"{importer}/{imported}_intruder.py"] = f"import penstock.{imported}.visited\n"
        modules[f"{imported}/visited.py"] = ""
    for layer, name in OUTSIDE_ITS_LAYER:
        modules[f"{layer}/{name}_intruder.py"] = f"def late() -> None:\n    import {name}\n"
    return modules


def _judge(root: Path, tree: Path, modules: dict[str, str]) -> str:
    """What import-linter says of a copy with these modules; it must not be content."""
    for folder in ("src", "tools"):
        shutil.copytree(root / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tree)
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


@pytest.fixture(scope="module")
def verdict(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of all intruders at once: each one has a line of its own."""
    return _judge(root, tmp_path_factory.mktemp("tree"), _intruders())


@pytest.mark.parametrize(("importer", "imported"), AGAINST_THE_CURRENT)
def test_import_against_the_current_is_reported(importer: str, imported: str, verdict: str) -> None:
    assert "Imports run one way BROKEN" in verdict
    assert f"penstock.{importer}.{imported}_intruder -> penstock.{imported}.visited" in verdict


@pytest.mark.parametrize(("layer", "name"), OUTSIDE_ITS_LAYER)
def test_third_party_name_outside_its_layer_is_reported(layer: str, name: str, verdict: str) -> None:
    assert f"penstock.{layer}.{name}_intruder (l.2) imports {name}: allowed in" in verdict


def test_third_party_name_without_a_layer_is_reported(verdict: str) -> None:
    assert f"penstock.adapters.unlisted_intruder (l.1) imports {UNLISTED}: not listed" in verdict


def test_package_without_a_layer_is_reported(root: Path, tmp_path: Path) -> None:
    assert "penstock.afterthought" in _judge(root, tmp_path, {"afterthought/thing.py": ""})
