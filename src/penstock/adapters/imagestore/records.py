"""The records of a local store, one document for each key, in a folder.

A folder that cannot be written to still serves: what could not be written down is remembered for the run.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from penstock.adapters.files.atomic import write_atomic
from penstock.adapters.files.reading import read_document
from penstock.formats.imagerecord import LONGEST_BYTES, KeptImage, KeyRecord, decode_record, encode_record
from penstock.model.downloads import DestinationError
from penstock.model.errors import InputError, NotFoundError, PenstockError

_SUFFIX = ".json"


def name_of(key: str) -> str:
    """A key as a part of file names."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Named:
    """A kept image, and the key whose record holds it."""

    key: str
    kept: KeptImage


class Records:
    """Reads and writes records; blocking.  Who changes several at a time holds the store's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: dict[str, KeyRecord] = {}
        self._told: set[str] = set()

    def read(self, key: str) -> KeyRecord | None:
        """The record of ``key``, or None; a broken one is told of and counts as none."""
        name = f"{name_of(key)}{_SUFFIX}"
        return self._unwritten.get(name) or self._read(self._folder / name)

    def all(self) -> list[KeyRecord]:
        """Every record, in an order that stays the same."""
        names = {path.name for path in self._paths()} | self._unwritten.keys()
        found = [self._unwritten.get(name) or self._read(self._folder / name) for name in sorted(names)]
        return [record for record in found if record is not None]

    def images(self) -> list[Named]:
        """The images of every record."""
        return [Named(record.key, kept) for record in self.all() for kept in record.images]

    def write(self, record: KeyRecord, *, must: bool) -> None:
        """Put down a record; one without images is removed.

        Args:
            record: what is known.
            must: whether the work has failed where it cannot be written; else it is told of, and remembered.

        Raises:
            DestinationError: it cannot, and must be.
        """
        name = f"{name_of(record.key)}{_SUFFIX}"
        try:
            if record.images:
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomic(self._folder / name, encode_record(record))
            else:
                with suppress(FileNotFoundError):
                    (self._folder / name).unlink()
            self._unwritten.pop(name, None)
        except (OSError, PenstockError) as error:
            told = error if isinstance(error, PenstockError) else PenstockError(str(error.strerror), subject=str(self._folder))
            if must:
                raise DestinationError(told.message, subject=told.subject, hint=told.hint) from error
            self._unwritten[name] = record
            structlog.get_logger("penstock.images").warning(
                "what is known of an image cannot be written down; it is looked at again at the next start", error=str(told)
            )

    def _paths(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if path.suffix == _SUFFIX and not path.name.startswith(".")]
        except OSError:
            return []

    def _read(self, path: Path) -> KeyRecord | None:
        try:
            return decode_record(read_document(path, limit_bytes=LONGEST_BYTES), subject=path.name)
        except NotFoundError:
            return None
        except InputError as error:
            if path.name not in self._told:
                structlog.get_logger("penstock.images").warning("a record in the store is broken and passed over", error=str(error))
            self._told.add(path.name)
            return None
