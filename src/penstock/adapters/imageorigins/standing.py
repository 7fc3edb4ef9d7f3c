"""ISOs of this machine that are served from where they stand."""

from pathlib import Path

from penstock.adapters.imageorigins.inspection import Inspection
from penstock.adapters.imagestore.openfile import digest_of
from penstock.imageservice.lists import names_of
from penstock.model.errors import InputError
from penstock.model.osimage import Brought, FileOrigin, ImageRecord, Wanted
from penstock.model.progress import Progress
from penstock.ports import ProgressSink


class StandingImages:
    """The part of ``ports.ImageOrigins`` that is for files; nothing is copied, and nothing is written."""

    def __init__(self, inspection: Inspection) -> None:
        """Look at files with ``inspection``."""
        self._inspection = inspection

    async def key(self, wanted: Wanted) -> str:
        """``file PATH``, absolute; see ``ports.ImageOrigins``."""
        return f"file {_path_of(wanted)}"

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        """Look at the file and read it, for its digest; ``folder`` is not used.

        Raises:
            NotFoundError: there is no such file.
            VerificationError: it is no whole ISO of CoreOS.
            OperationError: it cannot be read.
        """
        del folder
        path = _path_of(wanted)
        build = await self._inspection.build_of(path, wanted.type, subject=path)
        progress(Progress("read", path))
        digest, state = await digest_of(path)
        progress(Progress("read", path, state.size_bytes, state.size_bytes, finished=True))
        record = ImageRecord(
            openshift_version=wanted.openshift_version,
            version=wanted.version or build,
            arch=wanted.arch,
            type=wanted.type,
            key=await self.key(wanted),
            names=names_of(wanted),
        )
        return (Brought(path, digest, state.size_bytes, record),)


def _path_of(wanted: Wanted) -> str:
    if not isinstance(wanted.origin, FileOrigin):
        raise InputError("this is no file of this machine", subject=wanted.name)
    return str(Path(wanted.origin.path).absolute())
