"""Under their upstream names pushes and deletions have argparse's contract, to the letter of the documented usage."""

import argparse
import base64
from pathlib import Path

import pytest

from penstock.cli.publish.upstream import run_upstream
from penstock.cli.publish.upstream_parsers import COMBINED, COMMUNITY, DELETE, MARKETPLACE, PROGRAMS, Program, parser_of

_HELP = Path(__file__).parent / "help"
DOCUMENTED = {
    "pubtools-marketplacesvm-push": """\
usage: pubtools-marketplacesvm-push [-h] [--debug] [--rhsm-url RHSM_URL]
                                    [--rhsm-cert RHSM_CERT]
                                    [--rhsm-key RHSM_KEY]
                                    [--starmap-url STARMAP_URL] [--repo REPO]
                                    [--repo-file REPO_FILE] [--offline]
                                    [--credentials CREDENTIALS]
                                    [--azure-allow-draft-push] [--skip SKIP]
                                    [--pre-push] [--beta]
                                    [--container-prefix CONTAINER_PREFIX]
                                    [--workflow {marketplace,community,all}]
                                    source [source ...]
""",
    "pubtools-marketplacesvm-marketplace-push": """\
usage: pubtools-marketplacesvm-marketplace-push [-h] [--debug]
                                                [--starmap-url STARMAP_URL]
                                                [--repo REPO]
                                                [--repo-file REPO_FILE]
                                                [--offline]
                                                [--credentials CREDENTIALS]
                                                [--azure-allow-draft-push]
                                                [--skip SKIP] [--pre-push]
                                                source [source ...]
""",
    "pubtools-marketplacesvm-community-push": """\
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
""",
    "pubtools-marketplacesvm-delete": """\
usage: pubtools-marketplacesvm-delete [-h] [--debug] [--rhsm-url RHSM_URL]
                                      [--rhsm-cert RHSM_CERT]
                                      [--rhsm-key RHSM_KEY]
                                      [--credentials CREDENTIALS]
                                      [--azure-allow-draft-push]
                                      [--builds BUILDS] [--dry-run]
                                      [--keep-snapshot] [--limit LIMIT]
                                      source [source ...]
""",
}
GROUPS = {
    "pubtools-marketplacesvm-push": [
        "RHSM service",
        "StArMap Service",
        "Cloud Service",
        "Marketplace Push Options",
        "Community Push options",
        "Workflow options",
    ],
    "pubtools-marketplacesvm-marketplace-push": ["StArMap Service", "Cloud Service"],
    "pubtools-marketplacesvm-community-push": ["RHSM service", "StArMap Service", "Cloud Service"],
    "pubtools-marketplacesvm-delete": ["RHSM service", "Cloud Service"],
}


def read(*words: str, program: Program = COMMUNITY, **environ: str) -> argparse.Namespace:
    return parser_of(program, environ).parse_args([*words, "staged:stage"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_usage_line_is_the_documented_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert parser_of(PROGRAMS[name], {}).format_usage() == DOCUMENTED[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_has_the_documented_groups(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = parser_of(PROGRAMS[name], {}).format_help().splitlines()
    heads = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    usual = ["options"] if PROGRAMS[name] is COMBINED else ["positional arguments", "options"]
    assert heads == [*usual, *GROUPS[name]]


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_is_what_was_agreed_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert parser_of(PROGRAMS[name], {}).format_help() == (_HELP / f"{name}.txt").read_text()


def test_both_workflows_are_pushed_unless_one_is_chosen() -> None:
    assert read(program=COMBINED).workflow == "all"
    assert read("-w", "marketplace", program=COMBINED).workflow == "marketplace"
    with pytest.raises(SystemExit, match="2"):
        read("-w", "both", program=COMBINED)


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_drafts_are_pushed_where_flag_or_environment_say_so(program: Program) -> None:
    assert read(program=program).azure_allow_draft_push is False
    assert read("--azure-allow-draft-push", program=program).azure_allow_draft_push is True
    assert read(program=program, AZURE_ALLOW_DRAFT_PUSH="true").azure_allow_draft_push is True
    assert read(program=program, AZURE_ALLOW_DRAFT_PUSH="1").azure_allow_draft_push is False


def test_a_marketplace_push_knows_nothing_of_rhsm() -> None:
    with pytest.raises(SystemExit, match="2"):
        read("--rhsm-url", "x", program=MARKETPLACE)


def test_a_deletion_names_builds_and_limits_in_lists_with_commas() -> None:
    given = read("--builds", "a,b", "--builds", "c", "--limit", "ami-1,x.vhd", "--keep", "--dry", program=DELETE)
    assert (given.builds, given.limit, given.keep_snapshot, given.dry_run) == (["a,b", "c"], ["ami-1,x.vhd"], True, True)


def test_a_deletion_without_builds_is_told_so_and_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run_upstream(DELETE, ["pub:https://pub.example?task_id=1"])
    assert "required: --builds" in capsys.readouterr().err


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
    environ = {variable: "from-environment"}
    assert vars(parser_of(COMMUNITY, environ).parse_args(["staged:stage"]))[option] == "from-environment"
    words = [f"--{option.replace('_', '-')}", "given", "staged:stage"]
    assert vars(parser_of(COMMUNITY, environ).parse_args(words))[option] == "given"


def test_a_source_with_commas_stays_one() -> None:
    assert parser_of(COMMUNITY, {}).parse_args(["koji:https://hub.example?vmi_build=a,b", "staged:x"]).source == [
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
        run_upstream(COMMUNITY, [*words, "staged:stage"])
    said = capsys.readouterr().err
    assert said.startswith("usage: pubtools-marketplacesvm-community-push")
    assert message in said


def test_credentials_that_are_none_end_with_1_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PENSTOCK_LEDGER", str(tmp_path / "ledger.sqlite"))
    secret = base64.b64encode(b'{"marketplace_account": "aws-us-storage", "auth": {"AWS_IMAGE_SECRET_ACCESS": "hunter2"}}').decode()
    assert run_upstream(COMMUNITY, ["--credentials", secret, f"staged:{tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert "AWS_IMAGE_ACCESS_KEY" in said
    assert "hunter2" not in said
    assert secret not in said
