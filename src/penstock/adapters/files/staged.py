"""Staging areas on this machine as sources of a push (pushsource: ``_impl/backend/staged/staged_source.py``).

::

    STAGE/
      staged.yaml                           for AWS_IMAGES; also staged.yml, staged.json, pub-mapfile.json
      DESTINATION/CLOUD_IMAGES/BUILD/       resources.yaml and images
      DESTINATION/AWS_IMAGES/               images
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from penstock.adapters.files.arrival import AT_ONCE, Patience
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.reading import read_document
from penstock.formats.staged import AWS_IMAGES, CLOUD_IMAGES, StagedMetadata, parse_metadata, parse_resources
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.items import Dropped, PushItem, SourceListing

METADATA_NAMES = ("staged.yaml", "staged.yml", "staged.json", "pub-mapfile.json")
"""The first of these that is there counts."""

RESOURCES_NAME = "resources.yaml"
_NO_DESTINATION = "logs"

T = TypeVar("T")


class StagedSource:
    """``ports.publish.PushSource``: ``staged:/dir,/dir2``."""

    def __init__(self, folders: Sequence[Path], *, patience: Patience = AT_ONCE) -> None:
        """Nothing is read yet.

        Args:
            folders: staging areas, in the order of their items.
            patience: how long each of them is waited for.
        """
        self._folders = tuple(folders)
        self._patience = patience

    async def load(self) -> SourceListing:
        """All that they hold: destinations by name, below them folders and files by name, images as their document lists them.

        Raises:
            InputError: a folder is no staging area, or documents say nonsense: of all folders at once.
            NotFoundError: there is no such folder.
            OperationError: something cannot be read.
        """
        for folder in self._folders:
            await self._patience.until_there(folder)
        return await asyncio.to_thread(self._load)

    def _load(self) -> SourceListing:
        areas = [_Area(folder) for folder in self._folders]
        for area in areas:
            area.read()
        _raise_all([error for area in areas for error in area.errors])
        items = tuple(item for area in areas for item in area.items)
        return SourceListing(items, tuple(each for area in areas for each in area.dropped))


class _Area:
    """One staging area while it is read; blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.items: list[PushItem] = []
        self.dropped: list[Dropped] = []
        self.errors: list[InputError] = []

    def read(self) -> None:
        """Fill the lists."""
        names = sorted(_children(self._folder), key=lambda child: child.name)
        destinations = [child for child in names if child.is_dir() and child.name != _NO_DESTINATION]
        metadata_path = next((self._folder / name for name in METADATA_NAMES if (self._folder / name).is_file()), None)
        if not destinations and metadata_path is None:
            raise InputError(
                "this is no staging area: it has no folder of a destination",
                subject=str(self._folder),
                hint="images lie in DESTINATION/CLOUD_IMAGES/BUILD, beside a resources.yaml",
            )
        metadata = self._metadata(metadata_path) if metadata_path is not None else None
        for destination in destinations:
            for kind in sorted(_children(destination), key=lambda child: child.name):
                if kind.name == CLOUD_IMAGES and kind.is_dir():
                    self._cloud_images(kind, destination.name)
                elif kind.name == AWS_IMAGES and kind.is_dir():
                    self._aws_images(kind, destination.name, metadata, metadata_path)
                elif kind.is_dir():
                    self._drop(kind, "content of this type is no image of a machine")

    def _metadata(self, path: Path) -> StagedMetadata | None:
        content = read_document(path, limit_bytes=DEFAULT_LIMIT_BYTES)
        return self._tried(lambda: parse_metadata(content, subject=str(path), folder=str(self._folder)))

    def _cloud_images(self, folder: Path, destination: str) -> None:
        for build in sorted(_children(folder), key=lambda child: child.name):
            document = build / RESOURCES_NAME
            if not build.is_dir():
                self._drop(build, f"images lie in folders below {CLOUD_IMAGES}")
            elif not document.exists():
                self._drop(build, f"there is no {RESOURCES_NAME}")
            else:
                self._resources(document, build, destination)

    def _resources(self, document: Path, build: Path, destination: str) -> None:
        content = read_document(document, limit_bytes=DEFAULT_LIMIT_BYTES)
        listing = self._tried(lambda: parse_resources(content, subject=str(document), folder=str(build), destination=destination))
        if listing is not None:
            self.items += listing.items
            self.dropped += listing.dropped

    def _aws_images(self, folder: Path, destination: str, metadata: StagedMetadata | None, metadata_path: Path | None) -> None:
        for file in sorted(_children(folder), key=lambda child: child.name):
            item = metadata.items.get(f"{destination}/{AWS_IMAGES}/{file.name}") if metadata is not None else None
            if not file.is_file():
                self._drop(file, "this is no file")
            elif item is not None:
                self.items.append(item)
            elif metadata_path is None:
                self.errors.append(InputError("nothing tells what this image is", subject=str(file), hint="describe it in a staged.yaml"))
            elif metadata is not None:  # else the document is wrong, and that is told
                self.errors.append(InputError(f"{metadata.subject} does not tell what this image is", subject=str(file)))

    def _tried(self, parse: Callable[[], T]) -> T | None:
        try:
            return parse()
        except InputError as error:
            self.errors.append(error)
            return None

    def _drop(self, path: Path, reason: str) -> None:
        self.dropped.append(Dropped(str(path), reason))


def _children(folder: Path) -> Iterator[Path]:
    """What is in a folder, but for hidden names."""
    try:
        yield from [child for child in folder.iterdir() if not child.name.startswith(".")]
    except NotADirectoryError:
        raise InputError("this is a file, a folder is wanted", subject=str(folder)) from None
    except FileNotFoundError:
        raise NotFoundError("there is no such folder", subject=str(folder)) from None
    except OSError as error:
        raise file_error(error, str(folder)) from error


def _raise_all(errors: Sequence[InputError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputError(f"{len(errors)} things of the source are wrong:" + "".join(f"\n{each}" for each in errors), hint=errors[0].hint)
