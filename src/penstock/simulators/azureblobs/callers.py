"""Who asks: requests that are signed with the key of the account, and addresses that are signed for everybody."""

import hmac

from penstock.formats.azuresigning import service_sas_text, shared_key_text, signature
from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.cloud.operations import Call, Refusal

_SAS_FIELDS = frozenset({"se", "sp", "sv", "sr", "sig", "st", "spr", "sip"})


class Callers:
    """Checks signatures."""

    def __init__(self, account: str, key: bytes, clock: SimulatorClock) -> None:
        self._account = account
        self._key = key
        self._clock = clock

    def check(self, call: Call) -> None:
        """See that the request is signed.

        Raises:
            Refusal: it is not, or not rightly.
        """
        if call.path.get("account", self._account) != self._account:
            raise Refusal(404, "ResourceNotFound", "The specified resource does not exist.")
        scheme, _, told = call.request.headers.get("Authorization", "").partition(" ")
        if scheme == "SharedKey":
            account, _, given = told.partition(":")
            if account == self._account and hmac.compare_digest(given, self._expected(call)):
                return
            message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly."
            raise Refusal(403, "AuthenticationFailed", message)
        if "sig" in call.query and call.request.method in ("GET", "HEAD") and call.path.get("blob"):
            self.check_sas(call.path["container"], call.path["blob"], dict(call.query))
            return
        raise Refusal(403, "NoAuthenticationInformation", "Server failed to authenticate the request.")

    def check_sas(self, container: str, blob: str, query: dict[str, str]) -> None:
        """See that an address may be read with this query.

        Raises:
            Refusal: it may not, or not any more.
        """
        told = {name: value for name, value in query.items() if name in _SAS_FIELDS}
        given = told.pop("sig", "")
        text = service_sas_text(self._account, f"/{container}/{blob}", told)
        right = hmac.compare_digest(given, signature(self._key, text))
        if not right or told.get("se", "") <= moment_text(self._clock.now) or told.get("sr") != "b":
            raise Refusal(403, "AuthenticationFailed", "Signature did not match, or it has expired.")
        if "r" not in told.get("sp", ""):
            message = "This request is not authorized to perform this operation using this permission."
            raise Refusal(403, "AuthorizationPermissionMismatch", message)

    def _expected(self, call: Call) -> str:
        request = call.request
        text = shared_key_text(
            request.method, self._account, request.rel_url.raw_path, list(request.query.items()), dict(request.headers.items())
        )
        return signature(self._key, text)
