"""What the errors of pushsource and of its clients mean to the user.

The libraries' own texts may hold whole addresses; what is said here never does.
"""

import re
import ssl
import xmlrpc.client
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final
from xml.parsers.expat import ExpatError

from penstock.adapters.extras import extra
from penstock.adapters.files.failures import file_error
from penstock.adapters.pushsource.grammar import UpstreamAddress, without_secrets
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError

with extra("koji", "koji"):
    import koji

_NO_BUILD: Final = re.compile(r"build not found in koji: (?P<build>\S+)")
_NO_IMAGES: Final = re.compile(r"[Bb]uild (?P<build>\S+) (?:is for container images|not recognized as a virtual machine image build)")
_SERVERS: Final = {"koji": "the hub", "errata": "the errata tool"}
_KERBEROS: Final = ("klist", "kinit")
_TICKETS: Final = (
    "with keytab_path and principal the errata tool is asked with a Kerberos ticket; without them its XML-RPC lets everybody read"
)
_AUTHORITIES: Final = "name the authority in REQUESTS_CA_BUNDLE (koji) and SSL_CERT_FILE (errata tool)"


def error_of(error: Exception, address: UpstreamAddress) -> PenstockError:
    """The error of the tree for what went wrong while the source at ``address`` was read."""
    chain = list(_chain(error))
    return next((made for each in chain if (made := _of_server(each, address)) is not None), None) or _of_content(chain[0], address)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """It, and what it was raised because of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _of_server(error: BaseException, address: UpstreamAddress) -> PenstockError | None:
    """Where a server, or the way to it, is at fault."""
    place, server = address.place, _SERVERS[address.scheme]
    status = _status(error)
    if status is not None:
        return _of_status(status, server, place)
    if _caused_by(error, ssl.SSLCertVerificationError):
        return OperationError(f"the certificate of {server} is not trusted", subject=place, hint=_AUTHORITIES)
    if isinstance(error, koji.ServerOffline | koji.RetryError):
        return TransientError(f"{server} is offline", subject=place, hint="try again later")
    if isinstance(error, koji.GenericError | koji.Fault | xmlrpc.client.Fault):
        text = getattr(error, "faultString", "") or str(error)
        return OperationError(f"{server} refuses: {_one_line(text)}", subject=place)
    if isinstance(error, ExpatError | xmlrpc.client.ResponseError):
        return OperationError(f"{server} answers something that is no XML-RPC", subject=place, hint="is the address that of its API?")
    if isinstance(error, FileNotFoundError) and error.filename in _KERBEROS:
        return OperationError(f"the program {error.filename} is not installed", subject=place, hint=_TICKETS)
    if type(error).__module__.partition(".")[0] == "gssapi":
        return OperationError("Kerberos gives no ticket for the principal", subject=place, hint=_TICKETS)
    if isinstance(error, OSError) and error.filename is not None:
        known = file_error(error, str(error.filename))
        known.hint = known.hint or "koji's files are read from basedir (default: /mnt/koji)"
        return known
    if isinstance(error, TimeoutError):
        return TransientError(f"{server} did not answer in time", subject=place, hint="try again later")
    if isinstance(error, OSError):
        return TransientError(f"{server} cannot be reached ({type(error).__name__})", subject=place, hint="try again later")
    return None


def _status(error: BaseException) -> int | None:
    """Of an answer of HTTP that was refused."""
    if isinstance(error, xmlrpc.client.ProtocolError):
        return error.errcode
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _of_status(status: int, server: str, place: str) -> PenstockError:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(f"{server} answers HTTP {status}", subject=place, hint="try again later")
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(
            f"{server} does not have it (HTTP 404)", subject=place, hint="see the path of the address, as /kojihub of a hub"
        )
    return OperationError(f"{server} refuses (HTTP {status})", subject=place)


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(each, kind) for each in _chain(error))


def _of_content(error: BaseException, address: UpstreamAddress) -> PenstockError:
    """Where the server answered, and nothing can be made of what it said."""
    missed = error.args[0] if isinstance(error, KeyError) and error.args else None
    if isinstance(missed, int) or missed in address.subjects:
        # The library stops waiting for a hub after its timeout, and then looks for the answer that did not come.
        return TransientError("the hub did not answer within the source's timeout", subject=address.place, hint="try again later")
    text = f"there is no {error}" if isinstance(error, KeyError) else _one_line(str(error.args[0] if error.args else ""))
    missing, other = _NO_BUILD.search(text), _NO_IMAGES.search(text)
    if missing:
        hint = "a build is named by NAME-VERSION-RELEASE, or by its number"
        return NotFoundError(f"the hub has no build {missing['build']}", subject=address.place, hint=hint)
    if other:
        return InputError(f"the build {other['build']} is none of images of machines", subject=address.place)
    return InputError(
        f"what it says of {', '.join(address.subjects)} cannot be read: {text or type(error).__name__}", subject=address.place
    )


def _one_line(text: str) -> str:
    return " ".join(without_secrets(text).split())
