"""The examples in the docstrings of `penstock.model` are true."""

import doctest
import importlib
import pkgutil

import pytest

import penstock.model

_MODULES = [found.name for found in pkgutil.walk_packages(penstock.model.__path__, "penstock.model.")]
_WITH_EXAMPLES = {"penstock.model.evr", "penstock.model.nevra", "penstock.model.versions.coreos", "penstock.model.versions.semver"}


@pytest.mark.parametrize("name", _MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0
    assert outcome.attempted > 0 or name not in _WITH_EXAMPLES
