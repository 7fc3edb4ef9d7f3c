"""The pins under requirements/ answer pyproject.toml, on every Python that we promise."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")


def _read_pins(path: Path) -> list[tuple[Requirement, int]]:
    """Each pin of a compiled file with the number of its hashes."""
    joined = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(Requirement(line.split("--hash")[0].strip()), len(re.findall(r"--hash=sha256:[0-9a-f]{64}", line))) for line in lines]


def _choose(pins: list[tuple[Requirement, int]], python: str, machine: str) -> dict[str, str]:
    """Name to version on one kind of machine."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
        "extra": "",
    }
    chosen: dict[str, str] = {}
    for pin, _ in pins:
        if pin.marker is None or pin.marker.evaluate(environment):
            name = canonicalize_name(pin.name)
            assert name not in chosen, f"{name} is pinned twice for Python {python}"
            (specifier,) = pin.specifier
            assert specifier.operator == "=="
            chosen[name] = specifier.version
    return chosen


RUN_EXTRAS = ("aws", "azure", "gcp", "images", "rollout", "simulate")
"""Not ``koji``: its libraries want Kerberos headers to install."""


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, list[str]]:
    """What pyproject.toml asks for, by the file that answers it."""
    document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = document["project"]
    extras = asked["optional-dependencies"]
    run = [*asked["dependencies"], *(package for name in RUN_EXTRAS for package in extras[name])]
    return {
        "run": run,
        "dev": [*run, *(one for one in extras["dev"] if Requirement(one).name != asked["name"])],
        "build": document["build-system"]["requires"],
        "koji": [*asked["dependencies"], *extras["koji"]],
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["run", "dev", "build", "koji"])
def test_pins_satisfy_what_the_project_asks(name: str, machine: str, python: str, project: dict[str, list[str]], root: Path) -> None:
    chosen = _choose(_read_pins(root / "requirements" / f"{name}.txt"), python, machine)
    unmet = [
        asked for asked in map(Requirement, project[name]) if not asked.specifier.contains(chosen.get(canonicalize_name(asked.name), "0"))
    ]
    assert unmet == []


@pytest.mark.parametrize("name", ["run", "dev", "build", "koji"])
def test_every_pin_has_hashes(name: str, root: Path) -> None:
    pins = _read_pins(root / "requirements" / f"{name}.txt")
    assert pins
    assert [str(pin) for pin, hashes in pins if hashes == 0] == []


@pytest.mark.parametrize("name", ["run", "build", "koji"])
def test_sets_agree_with_the_development_set(name: str, root: Path) -> None:
    """They are installed into one environment, one after the other."""
    dev = _choose(_read_pins(root / "requirements" / "dev.txt"), "3.11", "x86_64")
    mine = _choose(_read_pins(root / "requirements" / f"{name}.txt"), "3.11", "x86_64")
    of_others = {package for package in mine if name == "koji" and package not in dev}
    assert {package: (mine[package], dev.get(package)) for package in mine.keys() - of_others if dev.get(package) != mine[package]} == {}


def test_build_backend_is_asked_for_once(root: Path, project: dict[str, list[str]]) -> None:
    """``requirements/build.in`` is what is compiled; pyproject.toml is what build front ends read."""
    assert (root / "requirements" / "build.in").read_text(encoding="utf-8").split("\n") == [*project["build"], ""]
