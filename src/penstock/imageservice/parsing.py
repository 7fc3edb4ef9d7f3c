"""The pieces of a URL as requests: what is asked for, or the refusal that OpenShift's image service words.

Sources: assisted-image-service ``internal/handlers/{long,short,initrd,initrd_addrsize,boot_artifacts,assisted_service_client}.go``.
A query is a mapping of the first value of each key; an empty value counts as none.
"""

import base64
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias

from penstock.formats.jsontext import parse_json
from penstock.imageservice.asks import Artifact, ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.hosts import CredentialKind, Credentials
from penstock.model.osimage import ImageType

Query: TypeAlias = Mapping[str, str]
IsKnown: TypeAlias = Callable[[str, Arch | None], bool]

HOST_PATTERN: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""A regular expression for the UUID of an infra-env in a path; only lower case is one."""

_DEFAULT_ARCH: Final = "x86_64"
_ARCHES: Final = {"x86_64": Arch.X86_64, "arm64": Arch.AARCH64, "aarch64": Arch.AARCH64, "ppc64le": Arch.PPC64LE, "s390x": Arch.S390X}
_FILE_NAMES: Final = {"full.iso": ImageType.FULL, "minimal.iso": ImageType.MINIMAL, "disconnected.iso": ImageType.DISCONNECTED}
_JWT: Final = re.compile(r".+\.(?P<payload>.+)\..+")
_TOKEN_HOST: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
_SHA512: Final = re.compile(r"[0-9a-f]{128}")
_NOBODY: Final = Credentials()
_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def parse_arch(text: str) -> Arch | None:
    """The architecture that a URL names, spelled as image lists spell it, or ``aarch64``; None for any other text."""
    return _ARCHES.get(text)


def credentials_of(query: Query, authorization: str, *, api_key: str = "", token: str = "") -> Credentials:
    """What a request shows: the first of these that is there, and never two.

    Args:
        query: of the URL.
        authorization: the header, or ``""``.
        api_key: the segment of ``/byapikey``.
        token: the segment of ``/bytoken``.
    """
    if not (query or authorization or api_key or token):  # each small range of a BMC comes this way
        return _NOBODY
    shown = (
        (CredentialKind.API_KEY, api_key),
        (CredentialKind.API_KEY, query.get("api_key", "")),
        (CredentialKind.IMAGE_TOKEN, token),
        (CredentialKind.IMAGE_TOKEN, query.get("image_token", "")),
        (CredentialKind.AUTHORIZATION, authorization),
    )
    return next((Credentials(kind, value) for kind, value in shown if value), _NOBODY)


def host_of_token(token: str) -> str:
    """The infra-env that a JWT speaks of: its claim ``sub``, else ``infra_env_id``.

    The signature is not looked at: the token is passed on, and whoever gives the config judges it.  Both alphabets of base64 are read.

    Raises:
        Refused: 404; it is no JWT, or it names no infra-env that can stand in a URL.
    """
    match = _JWT.match(token)
    if match is None:
        raise Refused(HTTPStatus.NOT_FOUND, "failed to parse JWT from URL")
    claims = _claims(match["payload"])
    for name in ("sub", "infra_env_id"):
        host = "" if claims.get(name) is None else claims[name]
        if not isinstance(host, str):
            raise Refused(HTTPStatus.NOT_FOUND, f"the claim {name} of the token is no text")
        if host:
            if _TOKEN_HOST.fullmatch(host) is None:
                break
            return host
    raise Refused(HTTPStatus.NOT_FOUND, "InfraEnv ID not found in token")


def short_iso(host: str, version: str, arch: str, file_name: str, credentials: Credentials) -> IsoAsk:
    """The ISO of a short URL, ``…/{version}/{arch}/{file name}``.

    Raises:
        Refused: 404; no ISO has this file name.
    """
    if file_name not in _FILE_NAMES:
        raise Refused(HTTPStatus.NOT_FOUND, f"unrecognized file name {file_name}")
    return IsoAsk(host, version, parse_arch(arch), _FILE_NAMES[file_name], credentials)


def long_iso(host: str, query: Query, credentials: Credentials) -> IsoAsk:
    """The ISO of a long URL, ``/images/{host}?version=…&arch=…&type=…``.

    Raises:
        Refused: 400; a parameter is missing or wrong.
    """
    version = query.get("version", "")
    if not version:
        raise Refused(HTTPStatus.BAD_REQUEST, "'version' parameter required")
    kind = query.get("type", "")
    if not kind:
        raise Refused(HTTPStatus.BAD_REQUEST, "'type' parameter required")
    try:
        image_type = ImageType(kind)
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, f"invalid value '{kind}' for parameter 'type'") from None
    return IsoAsk(host, version, parse_arch(_arch_text(query)), image_type, credentials)


def config_hash(query: Query) -> str:
    """The ``sha512`` of the config that is asked for, 128 hex digits, or ``""`` where it is not said.

    Raises:
        Refused: 400; it is none.
    """
    text = query.get("sha512", "")
    if text and _SHA512.fullmatch(text) is None:
        raise Refused.by_helper(HTTPStatus.BAD_REQUEST, "'sha512' is no hash of a config: 128 hex digits in lower case")
    return text


def initrd(host: str, query: Query, credentials: Credentials, *, arch: Arch | None = None) -> InitrdAsk:
    """An initramfs; ``arch`` is given where the route says it, whatever the query says.

    Raises:
        Refused: 400; there is no version.
    """
    version = query.get("version", "")
    if not version:
        raise Refused.by_helper(HTTPStatus.BAD_REQUEST, "'version' parameter required for initrd download")
    text = _arch_text(query) if arch is None else arch.value
    return InitrdAsk(host, version, parse_arch(text), text, credentials)


def boot_artifact(name: str, query: Query, *, is_known: IsKnown) -> ArtifactAsk:
    """A boot artifact, ``/boot-artifacts/{name}?version=…&arch=…``.

    Args:
        name: of the artifact.
        query: of the URL.
        is_known: whether there is an image of a version and an architecture; that comes before the name is looked at.

    Raises:
        Refused: 400 or 404.
    """
    version, text = query.get("version", ""), _arch_text(query)
    if not version:
        raise Refused.by_helper(HTTPStatus.BAD_REQUEST, "Failed to parse query parameters: 'version' parameter required")
    arch = parse_arch(text)
    if not is_known(version, arch):
        raise Refused.by_helper(HTTPStatus.BAD_REQUEST, f"Failed to parse query parameters: version for {version} {text}, not found")
    try:
        artifact = Artifact(name)
    except ValueError:
        message = f"Failed to parse artifact: malformed download path: /boot-artifacts/{name}"
        raise Refused.by_helper(HTTPStatus.NOT_FOUND, message) from None
    if artifact is Artifact.INS_FILE and arch is not Arch.S390X:
        message = f"Failed to parse artifact: ins-file is only available for the s390x architecture. Current arch: {text}"
        raise Refused.by_helper(HTTPStatus.NOT_FOUND, message)
    return ArtifactAsk(artifact, version, arch, text)


def _arch_text(query: Query) -> str:
    return query.get("arch") or _DEFAULT_ARCH


def _claims(payload: str) -> dict[str, object]:
    text = payload.translate(_URL_SAFE)
    bad = next((index for index, character in enumerate(text) if character not in _BASE64), None)
    if bad is None and len(text) % 4 == 1:
        bad = len(text) - 1
    if bad is not None:
        raise Refused(HTTPStatus.NOT_FOUND, f"illegal base64 data at input byte {bad}")
    try:
        claims = parse_json(base64.b64decode(text + "=" * (-len(text) % 4)), subject="the token")
    except InputError:
        claims = None
    if not isinstance(claims, dict):
        raise Refused(HTTPStatus.NOT_FOUND, "the payload of the token is no JSON object") from None
    return {**claims}
