"""Where adapters meet stages: the only module that knows both.

Everything is imported when it is asked for, so that the commands which need no network do not pay for it.
"""

import importlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.adapters.sql.ledger import SqlLedger
    from penstock.ports import Ledger, Outlet, Registry


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries are reached, as the user says.

    Attributes:
        registry_config: the file with credentials; None for ``REGISTRY_AUTH_FILE``, then the usual places.
        certificate_authority: the CA certificates to trust in place of the system's.
        insecure: accept any certificate, and plain HTTP.
        idms_file: an ``ImageDigestMirrorSet``.
        itms_file: an ``ImageTagMirrorSet``.
        icsp_file: an ``ImageContentSourcePolicy``; never together with ``idms_file``.
        registries_conf: a ``registries.conf`` in place of the system's.
    """

    registry_config: Path | None = None
    certificate_authority: Path | None = None
    insecure: bool = False
    idms_file: Path | None = None
    itms_file: Path | None = None
    icsp_file: Path | None = None
    registries_conf: Path | None = None

    @property
    def mirror_files(self) -> tuple[Path, ...]:
        """The files that tell of mirrors, those given on the command line first."""
        given = (self.idms_file, self.itms_file, self.icsp_file, self.registries_conf)
        return tuple(path for path in given if path is not None)


@asynccontextmanager
async def open_images(settings: RegistrySettings) -> "AsyncIterator[Registry]":
    """Images in registries and OCI layouts.

    Raises:
        InputError: a file of mirrors or credentials is broken.
    """
    from penstock.adapters.registry import Images, RegistryOptions, read_mirror_files

    options = RegistryOptions(
        auth_file=settings.registry_config,
        mirrors=read_mirror_files(settings.mirror_files or _system_registries_conf()),
        ca_file=settings.certificate_authority,
        insecure=settings.insecure,
    )
    async with Images(options) as images:
        yield images


def _system_registries_conf() -> tuple[Path, ...]:
    """The system's own mirror configuration, where it has one (containers-registries.conf(5))."""
    named = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in [Path(named)] if named else [config_home / "containers/registries.conf", Path("/etc/containers/registries.conf")]:
        if path.is_file():
            return (path,)
    return ()


def local_folders() -> "Outlet":
    """Folders of the local file system, as destinations."""
    from penstock.adapters.files.staging import Folders

    return Folders()


def open_ledger(location: str | None) -> "SqlLedger":
    """The ledger to ask questions of; ``None`` is the place that the environment tells.

    Raises:
        OperationError: it cannot be opened.
    """
    from penstock.adapters.sql.ledger import SqlLedger
    from penstock.lineage.location import ledger_location

    return SqlLedger.open(ledger_location(location, os.environ))


@asynccontextmanager
async def recording_ledger(location: str | None) -> "AsyncIterator[Ledger]":
    """The ledger to record in: one that cannot be written is one warning, never a failed job."""
    from penstock.lineage.guarded import GuardedLedger

    # What a job makes is recorded at its end.  Until then it mostly waits for bytes, so that is when the database's packages are imported.
    threading.Thread(target=importlib.import_module, args=("penstock.adapters.sql.ledger",), daemon=True).start()
    ledger = GuardedLedger(lambda: open_ledger(location))
    try:
        yield ledger
    finally:
        await ledger.close()
