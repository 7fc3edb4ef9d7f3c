from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from penstock.cli.cloud_options import aws_options, gcp_options, regions_option
from penstock.wiring import AwsSettings, GcpSettings


@pytest.fixture
def shown() -> click.Command:
    """A command that prints what its options came to."""

    @click.command()
    @aws_options
    @regions_option
    @gcp_options
    def show(*, aws: AwsSettings, regions: tuple[str, ...], gcp: GcpSettings) -> None:
        click.echo(repr((aws, regions, gcp)))

    return show


@pytest.mark.parametrize(
    ("words", "aws", "regions", "gcp"),
    [
        ([], AwsSettings(), (), GcpSettings()),
        (["--aws-profile", "images", "--aws-parallel", "3"], AwsSettings(profile="images", parallel=3), (), GcpSettings()),
        (["--aws-endpoint", "http://127.0.0.1:1"], AwsSettings(endpoint="http://127.0.0.1:1"), (), GcpSettings()),
        (["--region", "us-east-1", "--region", "eu-west-1"], AwsSettings(), ("us-east-1", "eu-west-1"), GcpSettings()),
        (["--gcp-endpoint", "http://127.0.0.1:1"], AwsSettings(), (), GcpSettings(endpoint="http://127.0.0.1:1")),
        (["--gcp-credentials-file", "key.json"], AwsSettings(), (), GcpSettings(credentials_file=Path("key.json"))),
    ],
)
def test_options_become_settings(
    words: list[str], aws: AwsSettings, regions: tuple[str, ...], gcp: GcpSettings, shown: click.Command
) -> None:
    result = CliRunner(env={"AWS_ENDPOINT_URL_EC2": None}).invoke(shown, words)
    assert result.output.strip() == repr((aws, regions, gcp))


def test_the_endpoint_of_aws_is_that_of_the_environment_as_for_its_own_tools(shown: click.Command) -> None:
    result = CliRunner(env={"AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:2"}).invoke(shown, [])
    assert "endpoint='http://127.0.0.1:2'" in result.output


def test_a_number_of_questions_that_is_none_is_refused(shown: click.Command) -> None:
    assert CliRunner().invoke(shown, ["--aws-parallel", "0"]).exit_code == 2
