"""The objects of one bucket below one prefix, through boto3; blocking, and safe in several threads."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from penstock import __version__
from penstock.adapters.extras import extra
from penstock.adapters.files.failures import file_error
from penstock.adapters.imagestore.s3options import S3Options

with extra("aws", "boto3", "botocore"):
    import boto3
    from boto3.exceptions import Boto3Error, S3UploadFailedError
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    from penstock.adapters.imagestore.s3failures import NOT_THERE, PRECONDITION, code_of, explain
from penstock.model.errors import TransientError, VerificationError

_REHEARSAL_KEY = "rehearsal"
_PART_BYTES = 64 << 20
_UPLOAD_THREADS = 4


@dataclass(frozen=True, slots=True)
class Held:
    """A small object.

    Attributes:
        content: all of it.
        tag: changes with it.
    """

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a list.

    Attributes:
        name: below the prefix.
        size_bytes: of it.
        changed_at: when it was written, by the clock of the service.
    """

    name: str
    size_bytes: int
    changed_at: datetime


class Bucket:
    """Names are relative to the prefix.

    All methods raise ``TransientError`` where the service does not answer, and ``OperationError`` where it refuses.
    """

    def __init__(self, options: S3Options) -> None:
        """Ask nothing yet."""
        self._options = options
        self._prefix = f"{options.prefix.strip('/')}/".lstrip("/")
        self._lock = threading.Lock()
        self._made: Any = None

    def get(self, name: str, *, limit_bytes: int) -> Held | None:
        """A small object, or None where there is none.

        Raises:
            VerificationError: it has more than ``limit_bytes``.
        """
        answer = self._unless(NOT_THERE, name, lambda client, place: client.get_object(**place))
        if answer is None:
            return None
        if int(answer["ContentLength"]) > limit_bytes:
            answer["Body"].close()
            raise VerificationError(f"the object has more than {limit_bytes} bytes", subject=self._subject(name))
        return Held(self._body(answer, name), str(answer["ETag"]))

    def put(self, name: str, content: bytes) -> None:
        """Write a small object."""
        with self._explained(name):
            self._client().put_object(**self._place(name), Body=content)

    def put_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        """Write a small object if it has this tag, or, with None, if there is none; its new tag, or None where another was faster."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        answer = self._unless(PRECONDITION | NOT_THERE, name, lambda client, place: client.put_object(**place, Body=content, **condition))
        return None if answer is None else str(answer["ETag"])

    def size_of(self, name: str) -> int | None:
        """The size of an object in bytes, or None where there is none."""
        answer = self._unless(NOT_THERE, name, lambda client, place: client.head_object(**place))
        return None if answer is None else int(answer["ContentLength"])

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A range of an object.

        Raises:
            NotFoundError: there is no such object.
            TransientError: it did not come whole.
        """
        with self._explained(name):
            answer = self._client().get_object(**self._place(name), Range=f"bytes={offset}-{offset + length - 1}")
        offered = int(answer["ContentLength"])
        if offered != length:
            answer["Body"].close()  # a service that knows no ranges sends all of an image, which is not for the memory
            raise TransientError(f"{offered} bytes came, and {length} were asked for", subject=self._subject(name))
        return self._body(answer, name)

    def upload(self, name: str, path: Path) -> None:
        """Write a large object, in parts; it appears when it is whole."""
        config = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=_UPLOAD_THREADS)
        with self._explained(name):
            place = self._place(name)
            try:
                self._client().upload_file(str(path), place["Bucket"], place["Key"], Config=config)
            except OSError as error:
                raise file_error(error, str(path)) from error
            except S3UploadFailedError as error:
                # boto3 wraps what S3 said, with the path of the file in front.
                raise error.__context__ if isinstance(error.__context__, ClientError) else error from None

    def names(self, folder: str) -> Iterator[Listed]:
        """All objects whose names start with ``folder`` and a slash."""
        prefix = f"{self._prefix}{folder}/"
        with self._explained(folder):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._options.bucket, Prefix=prefix)
            for page in pages:
                for said in page.get("Contents", ()):
                    yield Listed(str(said["Key"]).removeprefix(self._prefix), int(said["Size"]), said["LastModified"])

    def remove(self, name: str) -> None:
        """Take an object away; no error where it is not there."""
        with self._explained(name):
            self._client().delete_object(**self._place(name))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _unless(
        self, passed_over: frozenset[str], name: str, call: Callable[[Any, dict[str, str]], dict[str, Any]]
    ) -> dict[str, Any] | None:
        """What ``call`` answers, or None where it is refused with one of these codes."""
        with self._explained(name):
            try:
                return call(self._client(), self._place(name))
            except ClientError as error:
                if code_of(error) in passed_over:
                    return None
                raise

    def _body(self, answer: dict[str, Any], name: str) -> bytes:
        with self._explained(name), answer["Body"] as body:
            content: bytes = body.read()
        return content

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self._options.bucket, "Key": f"{self._prefix}{name}"}

    def _subject(self, name: str) -> str:
        return f"s3://{self._options.bucket}/{self._prefix}{name}"

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error, ResponseParserError, ValueError) as error:
            raise explain(error, self._subject(name)) from error

    def _client(self) -> Any:  # noqa: ANN401  # boto3 makes its classes at run time
        with self._lock:
            if self._made is None:
                session = _session(self._options)
                self._made = session.client("s3", endpoint_url=self._options.endpoint, config=_config(self._options))
            return self._made


def _session(options: S3Options) -> boto3.Session:
    """The user's session; for an emulator on this machine one with made-up credentials, unless the user gives some."""
    region = options.region or ("us-east-1" if options.endpoint else None)
    if options.profile is None and options.emulated and not os.environ.get("AWS_ACCESS_KEY_ID"):
        return boto3.Session(aws_access_key_id=_REHEARSAL_KEY, aws_secret_access_key=_REHEARSAL_KEY, region_name=region)
    return boto3.Session(profile_name=options.profile, region_name=region)


def _config(options: S3Options) -> Config:
    return Config(
        connect_timeout=options.timeouts.connect_s,
        read_timeout=options.timeouts.stall_s,
        max_pool_connections=options.parallel + _UPLOAD_THREADS,
        retries={"total_max_attempts": options.attempts, "mode": "standard"},
        s3={"addressing_style": "path" if options.path_style else "auto"},
        # Checksums of its own, which not every service knows; ours are compared in any case.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent_extra=f"penstock/{__version__}",
    )
