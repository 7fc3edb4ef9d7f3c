"""The options of access to Azure, AWS and Google Cloud, and of the places that are looked at there."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from penstock.wiring import AwsSettings, AzureSettings, GcpSettings

F = TypeVar("F", bound=Callable[..., Any])

AZURE_CLOUDS: Final = ("AzureCloud", "AzureUSGovernment", "AzureChinaCloud")
_AZURE_OPTIONS: Final = (
    click.option(
        "--azure-subscription",
        envvar="AZURE_SUBSCRIPTION_ID",
        show_envvar=True,
        metavar="ID",
        help="Ask Azure in the name of this subscription; any will do.",
    ),
    click.option(
        "--azure-cloud",
        type=click.Choice(AZURE_CLOUDS),
        default=AZURE_CLOUDS[0],
        show_default=True,
        help="Ask this one of Azure's clouds.",
    ),
    click.option("--azure-location", metavar="REGION", help="Read the catalogue of this region (default: centralus, or the cloud's own)."),
    click.option("--azure-endpoint", metavar="URL", help="Ask this resource manager (default: that of the cloud)."),
    click.option(
        "--azure-authority",
        envvar="AZURE_AUTHORITY_HOST",
        show_envvar=True,
        metavar="URL",
        help="Get tokens from this authority (default: that of the cloud).",
    ),
    click.option("--azure-api-version", metavar="VERSION", help="Ask for images in this version of the API (default: 2024-03-01)."),
    click.option(
        "--azure-token-file",
        envvar="AZURE_ACCESS_TOKEN_FILE",
        show_envvar=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Show the token in this file, as `az account get-access-token` prints it (default: what azure-identity finds).",
    ),
)
_AWS_OPTIONS: Final = (
    click.option(
        "--aws-endpoint",
        envvar="AWS_ENDPOINT_URL_EC2",
        show_envvar=True,
        metavar="URL",
        help="Ask this EC2; {region} in it is replaced (default: that of AWS).",
    ),
    click.option(
        "--aws-profile", metavar="NAME", help="Use this profile of the AWS configuration (default: what boto3 finds, as the AWS tools do)."
    ),
    click.option(
        "--aws-parallel",
        type=click.IntRange(1, 64),
        default=AwsSettings.__dataclass_fields__["parallel"].default,
        show_default=True,
        metavar="N",
        help="Ask AWS so many questions at a time.",
    ),
)
_GCP_OPTIONS: Final = (
    click.option(
        "--gcp-endpoint", metavar="URL", help="Ask this Compute Engine API (default: Google's; http on loopback: no credentials)."
    ),
    click.option(
        "--gcp-credentials-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Show the account in this file (default: what google-auth finds, GOOGLE_APPLICATION_CREDENTIALS first).",
    ),
)


def azure_options(command: F) -> F:
    """The options of access to Azure, passed as ``azure: AzureSettings``."""
    return _collected(command, "azure", AzureSettings, _AZURE_OPTIONS)


def aws_options(command: F) -> F:
    """The options of access to AWS, passed as ``aws: AwsSettings``."""
    return _collected(command, "aws", AwsSettings, _AWS_OPTIONS)


def gcp_options(command: F) -> F:
    """The options of access to Google Cloud, passed as ``gcp: GcpSettings``."""
    return _collected(command, "gcp", GcpSettings, _GCP_OPTIONS)


def _collected(
    command: F, name: str, settings: type[AzureSettings | AwsSettings | GcpSettings], options: tuple[Callable[[F], F], ...]
) -> F:
    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        values[name] = settings(**{field: values.pop(f"{name}_{field}") for field in settings.__dataclass_fields__})
        return command(**values)

    decorated: Any = collect
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def regions_option(command: F) -> F:
    """``--region``, any number of times, passed as ``regions: tuple[str, ...]``."""
    return click.option(
        "--region",
        "regions",
        metavar="REGION",
        multiple=True,
        help="Look in this region of AWS; may be repeated (default: where the stream has AMIs).",
    )(command)
