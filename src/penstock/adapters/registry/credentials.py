"""Whose credentials go to which registry: the auth files of podman and Docker, and credential helpers.

containers-auth.json(5) for the places and their order; Docker's credential helper protocol.  A file that is named (by option or by
``REGISTRY_AUTH_FILE``) is the only one looked at, and must be there; the usual places may be absent.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from penstock.adapters.registry.options import RegistryOptions
from penstock.formats.authfile import DOCKER_HUB, DOCKER_HUB_KEY, AuthFile, parse_authfile
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, PenstockError

_HELPER_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_TOKEN_USER = "<token>"  # noqa: S105 - the user name by which a helper says that its secret is a refresh token
_NOT_FOUND = b"credentials not found"


@dataclass(frozen=True, slots=True)
class Credential:
    """What may be shown to one registry, and where it was found.

    Attributes:
        source: the file or helper, for messages.
        key: the entry in it; ``source`` and ``key`` identify the credential.
        username: for Basic authentication and for asking a token.
        password: beside it.
        identity_token: an OAuth2 refresh token, or ``""``.
        registry_token: a bearer token for the registry itself, or ``""``.
    """

    source: str
    key: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


class CredentialStore:
    """Finds credentials; files are read once, helpers are asked once for each key."""

    def __init__(self, options: RegistryOptions) -> None:
        self._options = options
        self._files: list[tuple[str, AuthFile]] | None = None
        self._helped: dict[tuple[str, str], Credential | None] = {}
        self._lock = asyncio.Lock()

    async def find(self, registry: str, path: str) -> Credential | None:
        """The most specific credential for a repository, or None.

        Raises:
            InputError: an auth file is missing or wrong.
            OperationError: a credential helper failed.
            PenstockError: the source of credentials cannot be read.
        """
        given = self._options.credentials
        if given is not None:
            return _found_in(await given.current(), given.name, registry, path)
        async with self._lock:
            for source, content in self.load():
                helper = content.helper(registry, path)
                credential = None if helper else _found_in(content, source, registry, path)
                if credential is not None:
                    return credential
                helper = helper or content.store
                credential = await self._ask_helper(helper, registry, source) if helper else None
                if credential is not None:
                    return credential
            return None

    async def renewed(self, registry: str, path: str, refused: Credential | None) -> bool:
        """Whether there is another credential for a repository than the one that was refused; a source that can is asked for newer ones.

        Raises:
            PenstockError: the source cannot be read.
        """
        given = self._options.credentials
        if given is None:
            return False
        held = await given.current()
        if _found_in(held, given.name, registry, path) != refused:
            return True
        return _found_in(await given.renew(held), given.name, registry, path) != refused

    def load(self) -> list[tuple[str, AuthFile]]:
        """The files that are there; read at the first call, so that a wrong one is told before any registry is asked.

        Raises:
            InputError: a named file is missing, or a file is wrong.
        """
        if self._files is None:
            # A source may be slow, or away while no registry wants credentials: it is asked when one does.
            self._files = self._read_files() if self._options.credentials is None else []
        return self._files

    def searched(self) -> str:
        """Where credentials are looked for, for messages."""
        if self._options.credentials is not None:
            return self._options.credentials.name
        places, _ = auth_places(self._options)
        return ", ".join(str(place) for place in places)

    def hint(self, usual: str) -> str:
        """The next step of somebody whose credentials were refused: ``usual``, where files are looked at."""
        return usual if self._options.credentials is None else "see that the pull secret is of an account with rights on this repository"

    def _read_files(self) -> list[tuple[str, AuthFile]]:
        places, explicit = auth_places(self._options)
        files = []
        for place in places:
            try:
                content = place.read_bytes()
            except (FileNotFoundError, NotADirectoryError) as error:
                if explicit:
                    raise InputError(
                        "the auth file does not exist", subject=str(place), hint="log in first, or name another file"
                    ) from error
            except OSError as error:
                raise InputError(f"the auth file cannot be read: {error.strerror}", subject=str(place)) from error
            else:
                # podman's logout may leave an empty file; an empty file that was asked for is a mistake.
                if content.strip() or explicit:
                    files.append((str(place), parse_authfile(content, subject=str(place))))
        return files

    async def _ask_helper(self, name: str, registry: str, source: str) -> Credential | None:
        asked = (name, registry)
        if asked not in self._helped:
            self._helped[asked] = await run_helper(name, registry, source, self._options.environment, self._options.timeouts.helper_s)
        return self._helped[asked]


def _found_in(content: AuthFile, source: str, registry: str, path: str) -> Credential | None:
    """What a file says by itself; programs that it names are not run."""
    found = content.find(registry, path)
    if found is None:
        return None
    key, entry = found
    return Credential(source, key, entry.username, entry.password, entry.identity_token, entry.registry_token)


def auth_places(options: RegistryOptions) -> tuple[list[Path], bool]:
    """The auth files to look at, in order, and whether the caller named one."""
    environment = options.environment
    if options.auth_file is not None:
        return [options.auth_file], True
    if environment.get("REGISTRY_AUTH_FILE"):
        return [Path(environment["REGISTRY_AUTH_FILE"])], True
    home = Path(environment.get("HOME") or "/")
    places = []
    if environment.get("XDG_RUNTIME_DIR"):
        places.append(Path(environment["XDG_RUNTIME_DIR"]) / "containers/auth.json")
    places.append(Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers/auth.json")
    places.append(Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json")
    places.append(home / ".dockercfg")
    return places, False


async def run_helper(name: str, registry: str, source: str, environment: Mapping[str, str], timeout_s: float) -> Credential | None:
    """Ask ``docker-credential-NAME get``; None where it knows nothing of the registry.

    Raises:
        OperationError: the program is missing, fails, or does not answer in time.
    """
    program = f"docker-credential-{name}"
    if _HELPER_NAME.fullmatch(name) is None:
        raise InputError(f"{name!r} is not the name of a credential helper", subject=source)
    server = DOCKER_HUB_KEY if registry == DOCKER_HUB else registry
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError as error:
        hint = "install it, or take it out of the auth file"
        raise OperationError(f"the credential helper {program} cannot be run: {error.strerror}", subject=source, hint=hint) from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(server.encode()), timeout_s)
    except TimeoutError as error:
        raise OperationError(f"the credential helper {program} gave no answer in {timeout_s:g} s", subject=source) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        if _NOT_FOUND in output:
            return None
        raise OperationError(f"the credential helper {program} failed for {registry} (exit {process.returncode})", subject=source)
    return _of_helper(output, f"{source} ({program})", registry)


def _of_helper(output: bytes, source: str, registry: str) -> Credential:
    try:
        answer = parse_json(output, subject=source)
    except PenstockError:
        answer = None
    if not isinstance(answer, Mapping):
        raise OperationError("the credential helper's answer is no JSON object", subject=source)
    username, secret = answer.get("Username"), answer.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise OperationError("the credential helper's answer lacks Username or Secret", subject=source)
    if username == _TOKEN_USER:
        return Credential(source, registry, identity_token=secret)
    return Credential(source, registry, username, secret)
