"""Which workflows a push has, and which of its steps can be left out."""

import pytest

from penstock.cli.publish.push_arguments import (
    CommunityArguments,
    DeleteArguments,
    PushArguments,
    PushCommand,
    WorkflowChoice,
    phases_to_skip,
    split_words,
    workflows_of,
)
from penstock.model.errors import InputError
from penstock.publish.actions import Phase

DOCUMENTED = {"upload", "import", "register", "share", "rhsm", "public", "pre-publish", "publish", "restrict"}


def test_steps_are_skipped_by_lists_with_commas_and_several_of_them() -> None:
    assert phases_to_skip(["rhsm,public", " share ", ""], PushCommand.COMMUNITY) == {Phase.RHSM, Phase.PUBLIC, Phase.SHARE}


@pytest.mark.parametrize("command", PushCommand)
@pytest.mark.parametrize("word", ["load", "map", "check-metadata", "collect"])
def test_what_every_push_needs_is_not_skipped(word: str, command: PushCommand) -> None:
    with pytest.raises(InputError, match="cannot be left out"):
        phases_to_skip([f"share,{word}"], command)


def test_a_step_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(InputError, match="'polish' is no step of a community push") as caught:
        phases_to_skip(["polish"], PushCommand.COMMUNITY)
    assert "upload, import, register" in caught.value.hint


def test_the_combined_push_has_every_documented_step() -> None:
    assert {each.value for each in phases_to_skip([",".join(DOCUMENTED)], PushCommand.COMBINED)} == DOCUMENTED


@pytest.mark.parametrize(("command", "word"), [(PushCommand.MARKETPLACE, "rhsm"), (PushCommand.COMMUNITY, "pre-publish")])
def test_a_step_of_another_push_is_none_of_this_one(command: PushCommand, word: str) -> None:
    with pytest.raises(InputError, match=f"'{word}' is no step of a"):
        phases_to_skip([word], command)


@pytest.mark.parametrize(
    ("command", "choice", "community", "marketplace"),
    [
        (PushCommand.COMMUNITY, WorkflowChoice.ALL, True, False),
        (PushCommand.MARKETPLACE, WorkflowChoice.ALL, False, True),
        (PushCommand.COMBINED, WorkflowChoice.ALL, True, True),
        (PushCommand.COMBINED, WorkflowChoice.COMMUNITY, True, False),
        (PushCommand.COMBINED, WorkflowChoice.MARKETPLACE, False, True),
    ],
)
def test_a_command_has_its_workflows(command: PushCommand, choice: WorkflowChoice, *, community: bool, marketplace: bool) -> None:
    told = CommunityArguments()
    assert workflows_of(command, choice, told) == (told if community else None, marketplace)


def test_words_of_lists_are_told_once_and_in_order() -> None:
    assert split_words(["b,a", " a ,,c"]) == ("b", "a", "c")


def test_credentials_are_not_shown() -> None:
    assert "hunter2" not in repr(PushArguments(command=PushCommand.COMMUNITY, sources=("staged:x",), credentials="hunter2"))
    assert "hunter2" not in repr(DeleteArguments(sources=("pub:x",), builds=frozenset(), credentials="hunter2"))
