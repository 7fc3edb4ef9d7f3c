"""The files of a populate run: read before, written after, each whole or not at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.streams.documents import name_of, read_file
from penstock.model.errors import NotFoundError
from penstock.streams.populate.provenance import WrittenDocument, sidecar

if TYPE_CHECKING:
    from penstock.model.marketplace import MarketplaceFile
    from penstock.model.stream import Stream
    from penstock.streams.populate.plan import PopulatePlan

_NEW_MARKETPLACE = b'{\n    "": {}\n}\n'
"""The layout of a new file, as the installer's are."""


@dataclass(frozen=True, slots=True)
class PopulateFiles:
    """The documents as they stand, with where they stand.

    Attributes:
        stream_path: of the stream; ``-`` for stdin.
        stream_before: its bytes.
        stream: read.
        marketplace_path: of the marketplace file.
        marketplace_before: its bytes, or None where there is none yet.
        marketplace: read; empty where there is none yet.
    """

    stream_path: Path
    stream_before: bytes
    stream: "Stream"
    marketplace_path: Path
    marketplace_before: bytes | None
    marketplace: "MarketplaceFile"

    @property
    def stream_name(self) -> str:
        """What the stream is called in messages."""
        return name_of(self.stream_path)

    @property
    def marketplace_name(self) -> str:
        """What the marketplace file is called in messages."""
        return str(self.marketplace_path)

    @classmethod
    def read(cls, stream_path: Path, marketplace_path: Path) -> "PopulateFiles":
        """Read both; the marketplace file may be missing.

        Raises:
            InputError: one of them is not what it must be.
            NotFoundError: there is no stream.
            OperationError: one of them cannot be read.
        """
        from penstock.formats.stream import parse_stream

        content = read_file(stream_path)
        stream = parse_stream(content, subject=name_of(stream_path))
        before = read_if_there(marketplace_path)
        return cls(stream_path, content, stream, marketplace_path, before, read_marketplace(before, marketplace_path))

    def after(self, plan: "PopulatePlan") -> tuple[WrittenDocument, WrittenDocument]:
        """The marketplace file and the stream as they are to be, byte for byte; what does not change keeps its bytes."""
        from penstock.formats.stream import write_stream_document

        marketplace = self.marketplace_before
        if marketplace is None or plan.changes_marketplace:
            marketplace = write_stream_document(plan.marketplace, like=marketplace or _NEW_MARKETPLACE)
        stream = write_stream_document(plan.stream, like=self.stream_before) if plan.changes_stream else self.stream_before
        return WrittenDocument(self.marketplace_path.name, marketplace), WrittenDocument(self.stream_path.name, stream)

    def write(self, plan: "PopulatePlan", *, provenance: Path | None, summary: Path | None) -> list[str]:
        """Write what changes; everything is made before the first file is touched.

        Args:
            plan: what the documents are to be.
            provenance: the sidecar, or None.
            summary: the Markdown of a pull request, or None.

        Returns:
            The names of the documents that were written; the other two are not among them.

        Raises:
            InputError: what stands in the place of the sidecar is none.
            PenstockError: a file could not be written; it is as it was.
        """
        from penstock.adapters.files.atomic import write_atomic
        from penstock.streams.populate.report import summary_markdown

        marketplace, stream = self.after(plan)
        beside: dict[Path, bytes] = {}
        if provenance is not None:
            beside[provenance] = sidecar(plan, marketplace, stream, before=read_if_there(provenance), subject=str(provenance))
        if summary is not None:
            beside[summary] = summary_markdown(plan, stream=self.stream_name, marketplace=self.marketplace_name).encode()
        written = []
        if plan.changes_marketplace and marketplace.content != self.marketplace_before:
            write_atomic(self.marketplace_path, marketplace.content)
            written.append(self.marketplace_name)
        if stream.content != self.stream_before:
            write_atomic(self.stream_path, stream.content)
            written.append(self.stream_name)
        for path, content in beside.items():
            if content != read_if_there(path):
                write_atomic(path, content)
        return written


def read_if_there(path: Path) -> bytes | None:
    """The whole document, or None where there is none.

    Raises:
        InputError: it is too long.
        OperationError: it cannot be read.
    """
    try:
        return read_file(path)
    except NotFoundError:
        return None


def read_marketplace(content: bytes | None, path: Path) -> "MarketplaceFile":
    """A marketplace file whose booleans, where it has any, agree with their plans; empty for None.

    Raises:
        InputError: it is none.
    """
    from penstock.formats.stream import parse_marketplace
    from penstock.streams.plan_booleans import check_purchase_plans

    if content is None:
        return {}
    document = parse_marketplace(content, subject=str(path))
    check_purchase_plans(document, subject=str(path))
    return document
