"""Authorization headers: Basic, or a Bearer token from the server that the registry names.

The distribution project's token specification (``GET realm?service=…&scope=…``) and its OAuth2 form (``POST`` with a refresh token).
Tokens are kept for each (realm, service, scopes, credential) until shortly before they expire, and asked for once however many wait.
"""

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from yarl import URL

from penstock.adapters.http.hops import is_loopback, place_of
from penstock.adapters.http.transport import Request, Transport
from penstock.adapters.registry.challenges import Challenge, choose_challenge, parse_challenges
from penstock.adapters.registry.credentials import Credential, CredentialStore
from penstock.adapters.registry.failures import answer_error, told_reason
from penstock.adapters.registry.sites import Site
from penstock.formats.jsontext import parse_json
from penstock.model.errors import OperationError, PenstockError

DEFAULT_LIFE_S = 60
"""How long a token lives that does not say (token specification, ``expires_in``)."""

_CLIENT_ID = "penstock"
_OK = 200
_REFUSALS = frozenset({400, 401, 403})

TokenKey = tuple[str, str, tuple[str, ...], str, str]


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    header: str = field(default="", repr=False)
    good_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a request needs the right to.

    Attributes:
        path: the repository whose credentials are used.
        wanted: for example ``repository:team/app:pull,push``.
    """

    path: str
    wanted: tuple[str, ...]

    @classmethod
    def pull(cls, path: str) -> "Scopes":
        """The right to read one repository."""
        return cls(path, (f"repository:{path}:pull",))

    @classmethod
    def push(cls, path: str, *also_pull: str) -> "Scopes":
        """The right to write one repository, and to read others (for mounting from them)."""
        return cls(path, (f"repository:{path}:pull,push", *(f"repository:{other}:pull" for other in also_pull if other != path)))


class CredentialsRefused(OperationError):
    """What there was to show was not enough."""


class Authorizer:
    """Gives the Authorization header for a request."""

    def __init__(self, transport: Transport, credentials: CredentialStore) -> None:
        self._transport = transport
        self._credentials = credentials
        self._slots: dict[TokenKey, _Slot] = {}

    async def header(self, site: Site, scopes: Scopes, subject: str) -> str | None:
        """The header to begin with, by what the registry asked for before; None where it asked for nothing or there is nothing to show."""
        return await self._meet(site, scopes, subject, rejected=None) if site.challenge else None

    async def renew(self, site: Site, scopes: Scopes, subject: str, *, rejected: str | None, challenges: Sequence[str]) -> str:
        """A new header after a 401.

        Args:
            site: who answered 401.
            scopes: what the request needs.
            subject: the reference, for messages.
            rejected: the header that was not accepted, or None where none was sent.
            challenges: all ``WWW-Authenticate`` values of the answer.

        Raises:
            OperationError: there is nothing (else) to show.
        """
        challenge = choose_challenge(parse_challenges(challenges))
        if challenge is not None:
            # What this answer names beyond our own scopes is asked for too, but not remembered for other repositories.
            extra = tuple(scope for scope in challenge.scopes if scope not in scopes.wanted)
            scopes = Scopes(scopes.path, scopes.wanted + extra)
            site.challenge = challenge
        header = await self._meet(site, scopes, subject, rejected=rejected) if site.challenge else None
        if header is None or header == rejected:
            raise await self.refused(site, scopes.path, subject)
        return header

    async def refused(self, site: Site, path: str, subject: str, reason: str = "") -> CredentialsRefused:
        """The error for credentials that were not enough; names the file, never the secret."""
        credential = await self._credentials.find(site.registry, path)
        told = f" ({reason})" if reason else ""
        if credential is None:
            return CredentialsRefused(
                f"{site.registry} wants credentials{told}, and none for it are in {self._credentials.searched()}",
                subject=subject,
                hint=self._credentials.hint("log in to the registry, or name an auth file with --registry-config"),
            )
        return CredentialsRefused(
            f"{site.registry} refused the credentials of {credential.key!r} in {credential.source}{told}",
            subject=subject,
            hint=self._credentials.hint("log in again; if the name is right, ask for rights on this repository"),
        )

    async def _meet(self, site: Site, scopes: Scopes, subject: str, *, rejected: str | None) -> str | None:
        """What meets the challenge, another than ``rejected`` if there is one; newer credentials are asked for where those at hand fail."""
        credential = await self._credentials.find(site.registry, scopes.path)
        refusal: CredentialsRefused | None = None
        header = rejected
        try:
            header = await self._show(site, scopes, subject, credential, rejected=rejected)
        except CredentialsRefused as error:
            refusal = error
        if refusal is None and header is not None and header != rejected:
            return header
        if await self._credentials.renewed(site.registry, scopes.path, credential):
            credential = await self._credentials.find(site.registry, scopes.path)
            return await self._show(site, scopes, subject, credential, rejected=rejected)
        if refusal is not None:
            raise refusal
        return header

    async def _show(self, site: Site, scopes: Scopes, subject: str, credential: Credential | None, *, rejected: str | None) -> str | None:
        """The header that shows ``credential``."""
        challenge = site.challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return basic_header(credential) if credential and credential.username else None
        if credential and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        owner = (credential.source, credential.key) if credential else ("", "")
        key = (challenge.parameters.get("realm", ""), challenge.parameters.get("service", ""), scopes.wanted, *owner)
        slot = self._slots.setdefault(key, _Slot())
        async with slot.lock:
            if slot.header == rejected or time.monotonic() >= slot.good_until_s:
                asked_s = time.monotonic()
                token, life_s = await self._fetch_token(site, challenge, scopes, credential, subject)
                slot.header = f"Bearer {token}"
                slot.good_until_s = asked_s + life_s - min(10.0, life_s / 10)
            return slot.header

    async def _fetch_token(
        self, site: Site, challenge: Challenge, scopes: Scopes, credential: Credential | None, subject: str
    ) -> tuple[str, float]:
        realm = _realm(site, challenge, subject)
        if credential and realm.scheme == "http" and site.base.scheme == "https" and not (site.insecure or is_loopback(realm.host or "")):
            raise OperationError(f"{site.registry} wants the credentials sent to {place_of(realm)} in the clear", subject=subject)
        request, url, authorization = _token_request(realm, challenge.parameters.get("service", ""), scopes, credential, subject)
        answer = await self._transport.exchange(request, url, authorization=authorization, insecure=site.insecure)
        if answer.status in _REFUSALS:
            raise await self.refused(site, scopes.path, subject, told_reason(answer.body))
        if answer.status != _OK:
            place = f"the token server {place_of(realm)}"
            raise answer_error(answer.status, answer.body, retry_after=answer.headers.get("Retry-After"), subject=subject, place=place)
        return _token_of(answer.body, f"the token server {place_of(realm)}")


def _token_request(
    realm: URL, service: str, scopes: Scopes, credential: Credential | None, subject: str
) -> tuple[Request, URL, str | None]:
    """The request for a token, its URL and its Authorization header."""
    if credential and credential.identity_token:
        fields = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": _CLIENT_ID,
            "scope": " ".join(scopes.wanted),
            "refresh_token": credential.identity_token,
        }
        form = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(form))}
        return Request("POST", subject, headers, lambda: form), realm, None
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes.wanted]
    if credential and credential.username:
        query.append(("account", credential.username))
        return Request("GET", subject, {}), realm.extend_query(query), basic_header(credential)
    return Request("GET", subject, {}), realm.extend_query(query), None


def basic_header(credential: Credential) -> str:
    """``Basic …`` (RFC 7617, UTF-8)."""
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _realm(site: Site, challenge: Challenge, subject: str) -> URL:
    try:
        realm = site.base.join(URL(challenge.parameters.get("realm", "")))
        usable = realm.scheme in ("http", "https") and bool(realm.host) and bool(challenge.parameters.get("realm"))
    except ValueError:
        usable, realm = False, site.base
    if not usable:
        raise OperationError(f"{site.registry} names no usable token server", subject=subject)
    return realm.with_user(None)


def _token_of(body: bytes, place: str) -> tuple[str, float]:
    """The token and its life in seconds.

    Raises:
        OperationError: there is none.
    """
    try:
        tree = parse_json(body, subject=place)
    except PenstockError:
        tree = None  # the cause is dropped: it may quote the token
    answer = tree if isinstance(tree, Mapping) else {}
    token = answer.get("token") or answer.get("access_token")
    life_s = answer.get("expires_in")
    # A header is one line of visible characters; anything else would be a request of the token server's making.
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise OperationError("the answer holds no token", subject=place)
    return token, float(life_s) if isinstance(life_s, int | float) and life_s > 0 else float(DEFAULT_LIFE_S)
