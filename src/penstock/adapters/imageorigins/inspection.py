"""A look at an ISO that nobody gave a digest for: is it one of CoreOS, and is it whole?"""

import asyncio
from pathlib import Path

from penstock.adapters.files.failures import file_error
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.overlay import Source
from penstock.imageservice.prepare import Floors, check_complete, prepare, version_of_volume_id
from penstock.model.errors import InputError, VerificationError
from penstock.model.osimage import ImageType


class Inspection:
    """Reads what an ISO says of itself, and compares."""

    def __init__(self, floors: Floors) -> None:
        """Refuse ISOs whose boot files are smaller than ``floors``."""
        self._floors = floors

    async def build_of(self, path: str, image_type: ImageType, *, subject: str) -> str:
        """The build of CoreOS that a whole ISO says, from its volume id; reads little of it, in a worker thread.

        Raises:
            NotFoundError: there is no such file.
            OperationError: it cannot be read.
            VerificationError: it is no ISO of CoreOS, or was cut.
        """
        return await asyncio.to_thread(self._build_of, Path(path), image_type, subject)

    def _build_of(self, path: Path, image_type: ImageType, subject: str) -> str:
        try:
            with path.open("rb") as file:
                iso = IsoImage(file, name=subject)
                prepared = prepare(iso, Source.by_stat(subject, iso.image.size_bytes, mtime_ns=0, inode=0), image_type)
        except OSError as error:
            raise file_error(error, subject) from error
        except InputError as error:
            # Nobody's input, but what a server sent in the place of an ISO: a page for a log-in, a half.
            raise VerificationError(error.message, subject=error.subject, hint=error.hint) from error
        check_complete(prepared, floors=self._floors)
        return version_of_volume_id(prepared.volume_id, subject=subject)
