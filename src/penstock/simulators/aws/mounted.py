"""moto, the simulator of AWS of the Python world, mounted in ours: S3 and STS are its, called in threads without another server.

moto keeps one state for a process; it is emptied when a simulator begins, and when it ends.
"""

import asyncio
import io
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote_to_bytes

from aiohttp import web

from penstock.model.errors import OperationError
from penstock.simulators.cloud.operations import Refusal

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from moto.s3.models import s3_backends

        from penstock.simulators.aws.uploads import PartFiles, join
except ModuleNotFoundError as missing:
    package = (missing.name or "").partition(".")[0]
    if package not in {"moto", "flask", "flask_cors", "werkzeug", "boto3", "botocore"}:
        raise
    raise OperationError(
        f"the Python package {package} is not installed", hint="install the extra: pip install 'penstock[simulate]'"
    ) from missing

_NOT_PASSED_ON: Final = frozenset({"content-length", "content-type", "transfer-encoding", "connection", "expect"})
_NO_LENGTHS: Final = frozenset({"connection", "transfer-encoding", "server", "date"})
_RESET: Final = "/moto-api/reset"
_WsgiApp = Callable[[dict[str, Any], Callable[..., None]], Iterable[bytes]]
_MOTO: Final[_WsgiApp] = DomainDispatcherApplication(create_backend_app)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of S3; ``owner`` is the number of the account of its bucket."""

    owner: str
    region: str
    bucket: str
    key: str
    size_bytes: int


class MountedMoto:
    """moto while the context is open; one at a time in a process."""

    _taken: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        """Nothing is taken yet."""
        self._app: _WsgiApp | None = None
        self._files = PartFiles()

    def open(self) -> None:
        """Take moto, and empty it; blocking.

        Raises:
            OperationError: another simulator of this process has it.
        """
        if not self._taken.acquire(blocking=False):
            raise OperationError("another simulator of this process has moto already", subject="the simulator of AWS", hint="end it first")
        self._app = _MOTO
        self._reset()
        self._files.open()

    def close(self) -> None:
        """Empty it, and let go of it; safe to call twice."""
        if self._app is not None:
            self._reset()
            self._files.close()
            self._app = None
            self._taken.release()

    async def answer(self, request: web.Request, body: bytes, account: str, finish: Callable[[int], None] = lambda _: None) -> web.Response:
        """What moto answers to a request of this account; ``finish`` is called with its status, in the same thread."""
        headers = {**request.headers, "x-moto-account-id": account}
        path, _, query = request.raw_path.partition("?")

        def call() -> tuple[int, list[tuple[str, str]], bytes]:
            answer = self._call(request.method, path, query, headers, body)
            finish(answer[0])
            return answer

        status, told, content = await asyncio.to_thread(call)
        head = {name: value for name, value in told if name.lower() not in _NO_LENGTHS}
        return web.Response(status=status, headers=head, body=None if request.method == "HEAD" else content)

    async def take_part(self, request: web.Request, body: bytes, bucket: str) -> web.Response:
        """Keep a part of an upload, of which moto gets all but the bytes.

        Raises:
            Refusal: there is no such upload, or the part is not what its checksum says.
        """
        upload = _uploads(bucket).get(request.query["uploadId"])
        if upload is None:
            raise _no_such_upload()
        return await asyncio.to_thread(self._files.put, upload, int(request.query["partNumber"]), body, request.headers)

    async def complete(self, request: web.Request, body: bytes, account: str, bucket: str) -> web.Response:
        """Put the parts of an upload together; one that has become its object already is answered so again, as S3 does.

        Raises:
            Refusal: there is no such upload.
        """
        upload = _uploads(bucket).get(request.query["uploadId"])
        if upload is None:
            if not _has_become_an_object(bucket, request.query["uploadId"]):
                raise _no_such_upload()
            return await self.answer(request, body, account)

        def finish(status: int) -> None:
            if status == HTTPStatus.OK:
                join(_bucket(bucket).keys[upload.key_name], upload)

        return await self.answer(request, body, account, finish)

    async def size_of(self, account: str, region: str, bucket: str, key: str) -> int | None:
        """The size of an object in bytes; None where it is not there."""
        headers = {"Authorization": _signature(region), "Host": "localhost", "x-moto-account-id": account}
        status, told, _ = await asyncio.to_thread(self._call, "HEAD", f"/{bucket}/{quote(key)}", "", headers, b"")
        sizes = [int(value) for name, value in told if name.lower() == "content-length"]
        return sizes[0] if status == 200 and sizes else None

    def owner_of(self, bucket: str) -> str | None:
        """The number of the account that a bucket belongs to; None where there is no such bucket."""
        found = s3_backends.bucket_accounts.get(bucket)
        return None if found is None else str(found[1])

    def objects(self) -> tuple[StoredObject, ...]:
        """All objects of all accounts, in the order of their buckets and keys."""
        found = []
        for bucket in sorted(s3_backends.bucket_accounts):
            held, owner = _bucket(bucket), self.owner_of(bucket)
            found += [StoredObject(str(owner), held.region_name, bucket, key, held.keys[key].size) for key in sorted(held.keys)]
        return tuple(found)

    def _reset(self) -> None:
        self._call("POST", _RESET, "", {"Host": "localhost"}, b"")

    def _call(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """One request by PEP 3333."""
        if self._app is None:
            raise OperationError("the simulator has ended", subject="moto")
        environment: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": f"{path}?{query}" if query else path,
            "REQUEST_URI": f"{path}?{query}" if query else path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            if name.lower() == "content-type":
                environment["CONTENT_TYPE"] = value
            if name.lower() not in _NOT_PASSED_ON:
                environment[f"HTTP_{name.upper().replace('-', '_')}"] = value
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, told: list[tuple[str, str]], *_: object) -> None:
            begun.append((status, told))

        content = b"".join(self._app(environment, start_response))
        status, told = begun[-1]
        return int(status.partition(" ")[0]), told, content


def _bucket(name: str) -> Any:  # noqa: ANN401  # moto's
    partition, owner = s3_backends.bucket_accounts[name]
    return s3_backends[owner][partition].buckets[name]


def _uploads(bucket: str) -> Mapping[str, Any]:
    """The uploads to a bucket that have not ended, by their ids."""
    return _bucket(bucket).multiparts if bucket in s3_backends.bucket_accounts else {}


def _has_become_an_object(bucket: str, upload_id: str) -> bool:
    if bucket not in s3_backends.bucket_accounts:
        return False
    ended = (getattr(key.multipart, "id", None) for key in _bucket(bucket).keys.values())
    return upload_id in ended


def _no_such_upload() -> Refusal:
    return Refusal(404, "NoSuchUpload", "The specified upload does not exist.")


def _signature(region: str) -> str:
    """By which moto knows that S3 is meant."""
    return f"AWS4-HMAC-SHA256 Credential=simulator/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature={'0' * 64}"
