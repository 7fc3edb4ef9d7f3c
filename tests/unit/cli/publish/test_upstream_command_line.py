"""Under its upstream name a community push has argparse's contract, to the letter of the documented usage."""

import argparse
import base64
from pathlib import Path

import pytest

from penstock.cli.publish.upstream import parser, run_upstream

DOCUMENTED = """\
usage: pubtools-marketplacesvm-community-push [-h] [--debug]
                                              [--rhsm-url RHSM_URL]
                                              [--rhsm-cert RHSM_CERT]
                                              [--rhsm-key RHSM_KEY]
                                              [--starmap-url STARMAP_URL]
                                              [--repo REPO]
                                              [--repo-file REPO_FILE]
                                              [--offline]
                                              [--credentials CREDENTIALS]
                                              [--azure-allow-draft-push]
                                              [--skip SKIP] [--pre-push]
                                              [--beta]
                                              [--container-prefix CONTAINER_PREFIX]
                                              source [source ...]
"""


def read(*words: str, **environ: str) -> argparse.Namespace:
    return parser(environ).parse_args([*words, "staged:stage"])


def test_the_usage_line_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert parser({}).format_usage() == DOCUMENTED


def test_help_has_the_documented_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    heads = [line for line in parser({}).format_help().splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["positional arguments:", "options:", "RHSM service:", "StArMap Service:", "Cloud Service:"]


def test_defaults_are_the_documented_ones() -> None:
    given = read()
    assert (given.starmap_url, given.container_prefix) == ("https://starmap.engineering.redhat.com", "redhat-cloudimg")
    assert (given.debug, given.skip, given.credentials, given.rhsm_url) == (0, [], "", None)


def test_long_options_may_be_cut_short_and_debug_counts() -> None:
    given = read("--pre", "--container", "x", "--off", "-d", "-d", "-d")
    assert (given.pre_push, given.container_prefix, given.offline, given.debug) == (True, "x", True, 3)


def test_a_cut_that_fits_two_options_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read("--rhsm", "x")
    assert "ambiguous option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "option"),
    [("RHSM_URL", "rhsm_url"), ("RHSM_CERT", "rhsm_cert"), ("RHSM_KEY", "rhsm_key"), ("CLOUD_CREDENTIALS", "credentials")],
)
def test_the_environment_fills_in_and_the_option_wins(variable: str, option: str) -> None:
    assert vars(read(**{variable: "from-environment"}))[option] == "from-environment"
    assert vars(read(f"--{option.replace('_', '-')}", "given", **{variable: "from-environment"}))[option] == "given"


def test_a_source_with_commas_stays_one() -> None:
    assert parser({}).parse_args(["koji:https://hub.example?vmi_build=a,b", "staged:x"]).source == [
        "koji:https://hub.example?vmi_build=a,b",
        "staged:x",
    ]


WRONG = [
    (["--offline"], 'Cannot use "--offline" without defining "--repo" mappings.'),
    (["--offline", "--repo", "[]"], "Cannot use"),
    (["--repo", "{"], "--repo"),
    (["--repo", '{"name": "x"}'], "--repo"),
    (["--repo-file", "gone.yaml"], r"gone.yaml"),
    (["--skip", "load"], "cannot be left out"),
    (["--skip", "upload,polish"], "'polish' is no step"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_wrong_words_are_told_with_the_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run_upstream([*words, "staged:stage"])
    said = capsys.readouterr().err
    assert said.startswith("usage: pubtools-marketplacesvm-community-push")
    assert message in said


def test_credentials_that_are_none_end_with_1_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PENSTOCK_LEDGER", str(tmp_path / "ledger.sqlite"))
    secret = base64.b64encode(b'{"marketplace_account": "aws-us-storage", "auth": {"AWS_IMAGE_SECRET_ACCESS": "hunter2"}}').decode()
    assert run_upstream(["--credentials", secret, f"staged:{tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert "AWS_IMAGE_ACCESS_KEY" in said
    assert "hunter2" not in said
    assert secret not in said
