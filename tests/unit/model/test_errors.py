"""The error tree and its exit codes, which callers outside rely on."""

import copy
import pickle

import pytest

from penstock.model import errors
from penstock.model.errors import DigestMismatch, ExitCode, PenstockError

_TREE = {
    "PenstockError": 1,
    "InputError": 2,
    "NotFoundError": 1,
    "OperationError": 1,
    "VerificationError": 3,
    "DigestMismatch": 3,
    "TransientError": 4,
    "PartialError": 5,
}
_CLASSES = {name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, PenstockError)}


def test_every_error_has_the_exit_code_of_the_contract() -> None:
    assert {name: int(error.exit_code) for name, error in _CLASSES.items()} == _TREE


def test_the_exit_codes_are_the_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "MISMATCH": 3,
        "TRY_AGAIN": 4,
        "PARTLY": 5,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("name", sorted(_CLASSES.keys() - {"DigestMismatch"}))
def test_an_error_says_what_happened_to_which_object_and_what_to_do(name: str) -> None:
    error = _CLASSES[name]("it broke", subject="quay.io/a:b", hint="mend it")
    assert str(error) == "quay.io/a:b: it broke"
    assert (error.message, error.subject, error.hint) == ("it broke", "quay.io/a:b", "mend it")
    assert str(_CLASSES[name]("it broke")) == "it broke"


def test_a_digest_mismatch_names_both_digests() -> None:
    error = DigestMismatch("layer 3", expected="sha256:aa", found="sha256:bb", hint="fetch it again")
    assert str(error) == "layer 3: expected sha256:aa, found sha256:bb"
    assert (error.expected, error.found, error.hint) == ("sha256:aa", "sha256:bb", "fetch it again")


def test_errors_survive_a_way_through_another_process() -> None:
    error = DigestMismatch("layer 3", expected="sha256:aa", found="sha256:bb", hint="fetch it again")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is DigestMismatch
        assert (str(twin), twin.expected, twin.found, twin.hint) == (str(error), error.expected, error.found, error.hint)
