"""Who may do what: nobody is asked, HTTP Basic, or the Docker token flow.

Token flow (distribution, ``spec/auth/token.md``; RFC 6750 section 3): a request without a token is challenged with a realm, a service and a
scope; the client asks the realm with Basic credentials; the token that it gets carries the part of the scope that the user has.
"""

import base64
import binascii
import hmac
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from penstock.simulators.registry.refusal import ErrorCode, Refusal

_MIN_LIFETIME_S = 60
_PULL = frozenset({"pull"})
_PUSH = frozenset({"pull", "push"})
_ALL = frozenset({"pull", "push", "delete", "*"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request needs, or a token grants: ``type:name:action,action``."""

    type: str
    name: str
    actions: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "Scope | None":
        """Read one scope; None where it is none (it grants nothing, which is no error in this protocol)."""
        kind, _, rest = text.partition(":")
        name, colon, actions = rest.rpartition(":")
        return cls(kind, name, frozenset(actions.split(","))) if colon and name else None

    def __str__(self) -> str:
        """The wire form, with the actions in the order that docker-registry writes them."""
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions, key='pull push delete *'.find))}"


def scopes_of(request: web.Request) -> tuple[Scope, ...]:
    """What ``request`` needs, as docker-registry sees it."""
    if request.path == "/v2/_catalog":
        return (Scope("registry", "catalog", frozenset({"*"})),)
    name = request.match_info.get("name")
    if name is None:
        return ()
    if request.method in {"GET", "HEAD"} and "session" not in request.match_info:
        return (Scope("repository", name, _PULL),)
    if request.method == "DELETE" and "session" not in request.match_info:
        return (Scope("repository", name, frozenset({"delete"})),)
    source = request.query.get("from")
    mount = (Scope("repository", source, _PULL),) if source and "mount" in request.query else ()
    return (Scope("repository", name, _PUSH), *mount)


class Auth(ABC):
    """Decides whether a request may go on."""

    def routes(self) -> list[web.RouteDef]:
        """Endpoints of its own; they are not checked."""
        return []

    @abstractmethod
    def check(self, request: web.Request) -> None:
        """Raise a :class:`Refusal` with a challenge where ``request`` may not go on."""


class BasicAuth(Auth):
    """HTTP Basic (RFC 7617) on every request; each user may do everything.

    Args:
        users: passwords by name.
        realm: shown to people.
    """

    def __init__(self, users: Mapping[str, str], *, realm: str = "penstock") -> None:
        self._users = dict(users)
        self._realm = realm

    def change_users(self, users: Mapping[str, str]) -> None:
        """Let these in from now on, by these passwords."""
        self._users = dict(users)

    def check(self, request: web.Request) -> None:
        """See :class:`Auth`."""
        if _basic_user(request, self._users) is None:
            challenge = {"WWW-Authenticate": f'Basic realm="{self._realm}"'}
            raise Refusal(401, ErrorCode.UNAUTHORIZED, "authentication required", headers=challenge)


@dataclass(frozen=True, slots=True)
class _Grant:
    scopes: tuple[Scope, ...]
    ends_at_s: float

    def covers(self, need: Scope) -> bool:
        return any(
            (scope.type, scope.name) == (need.type, need.name) and (need.actions <= scope.actions or "*" in scope.actions)
            for scope in self.scopes
        )


class TokenAuth(Auth):
    """Bearer tokens, given out at ``/token`` of the same server.

    Args:
        users: passwords by name; each user may do everything.
        readers: the names of users who may only pull.
        anonymous_pull: whether tokens to pull are given to those who name no user.
        service: the name that the token endpoint expects.
        lifetime_s: how long a token is good for; the endpoint never promises less than 60 s, as clients may rely on that.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        *,
        readers: frozenset[str] = frozenset(),
        anonymous_pull: bool = False,
        service: str = "penstock-simulator",
        lifetime_s: float = 300,
    ) -> None:
        self._users = dict(users)
        self._readers = readers
        self._anonymous_pull = anonymous_pull
        self._service = service
        self._lifetime_s = lifetime_s
        self._grants: dict[str, _Grant] = {}

    def routes(self) -> list[web.RouteDef]:
        """See :class:`Auth`."""
        return [web.get("/token", self._give_for_query), web.post("/token", self._give_for_form)]

    def change_users(self, users: Mapping[str, str]) -> None:
        """Let these in from now on, by these passwords; tokens that were given out stay good."""
        self._users = dict(users)

    def revoke_tokens(self) -> None:
        """Make every token that was given out invalid, as if its time had passed."""
        self._grants = {}

    def check(self, request: web.Request) -> None:
        """See :class:`Auth`."""
        needs = scopes_of(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise self._challenge(request, needs)
        grant = self._grants.get(token.strip()) if scheme.lower() == "bearer" else None
        if grant is None or grant.ends_at_s < time.monotonic():
            raise self._challenge(request, needs, "invalid_token")
        if not all(grant.covers(need) for need in needs):
            raise self._challenge(request, needs, "insufficient_scope")

    def _challenge(self, request: web.Request, needs: tuple[Scope, ...], error: str = "") -> Refusal:
        fields = {"realm": f"{request.scheme}://{request.host}/token", "service": self._service}
        if needs:
            fields["scope"] = " ".join(map(str, needs))
        if error:
            fields["error"] = error
        challenge = "Bearer " + ",".join(f'{key}="{value}"' for key, value in fields.items())
        return Refusal(401, ErrorCode.UNAUTHORIZED, "authentication required", headers={"WWW-Authenticate": challenge})

    async def _give_for_query(self, request: web.Request) -> web.Response:
        """``GET /token?service=…&scope=…`` with Basic credentials, or with none."""
        user = _basic_user(request, self._users)
        if user is None and "Authorization" in request.headers:
            raise Refusal(401, ErrorCode.UNAUTHORIZED, "wrong user name or password")
        return self._give(user, request.query.get("service", ""), request.query.getall("scope", []))

    async def _give_for_form(self, request: web.Request) -> web.Response:
        """The OAuth2 form (``spec/auth/oauth.md``), for its password grant."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        if form.get("grant_type") != "password":
            raise Refusal(400, ErrorCode.UNSUPPORTED, "only the password grant is supported")
        if not _knows(self._users, form.get("username", ""), form.get("password", "")):
            raise Refusal(401, ErrorCode.UNAUTHORIZED, "wrong user name or password")
        return self._give(form["username"], form.get("service", ""), form.get("scope", "").split())

    def _give(self, user: str | None, service: str, wanted: list[str]) -> web.Response:
        if service != self._service:
            raise Refusal(400, ErrorCode.DENIED, "this token endpoint does not serve that service", detail={"service": service})
        if user is None and not self._anonymous_pull:
            raise Refusal(401, ErrorCode.UNAUTHORIZED, "authentication required")
        allowed = _PULL if user is None or user in self._readers else _ALL
        asked = [scope for text in wanted for part in text.split() if (scope := Scope.parse(part))]
        scopes = tuple(Scope(scope.type, scope.name, scope.actions & allowed) for scope in asked if scope.actions & allowed)
        token = secrets.token_urlsafe(32)
        self._grants[token] = _Grant(scopes, time.monotonic() + self._lifetime_s)
        document = {
            "token": token,
            "access_token": token,
            "expires_in": max(int(self._lifetime_s), _MIN_LIFETIME_S),
            "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return web.json_response(document, headers={"Cache-Control": "no-store"})


def _basic_user(request: web.Request, users: Mapping[str, str]) -> str | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name if colon and _knows(users, name, password) else None


def _knows(users: Mapping[str, str], name: str, password: str) -> bool:
    return hmac.compare_digest(users.get(name, "").encode(), password.encode()) and name in users
