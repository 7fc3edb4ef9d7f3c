"""The lists of images, read; ``serve`` reads those in files again when they change."""

from pathlib import Path

from penstock.adapters.files.reading import read_document
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.imageservice.lists import parse_local, parse_os_images, parse_release_images
from penstock.model.errors import InputError
from penstock.model.osimage import FileOrigin, Wanted
from penstock.wiring.imageservice import ImageLists

_NOTHING = "name images with --os-images, --release-images (or their variables OS_IMAGES, RELEASE_IMAGES) or --iso"


def must_be_given(lists: ImageLists) -> None:
    """Refuse lists that are not there at all.

    Raises:
        InputError: they are not.
    """
    if not (lists.os_images or lists.release_images or lists.files or lists.isos):
        raise InputError("there is nothing to serve", hint=_NOTHING)


def must_be_there(lists: ImageLists) -> None:
    """Refuse files that are to be served from where they stand and do not stand there; blocking.

    Of images by their address each may fail by itself; a path is in the hands of whoever starts the program.

    Raises:
        InputError: a file is not there, or ``--iso`` is written wrongly.
    """
    for text in lists.isos:
        origin = parse_local(text).origin
        if isinstance(origin, FileOrigin) and not Path(origin.path).is_file():
            raise InputError("there is no such file", subject=origin.path, hint="give --iso VERSION:ARCH=PATH with the path of an ISO")


def read_lists(lists: ImageLists) -> tuple[Wanted, ...]:
    """The entries of all lists, in their order; blocking.

    Raises:
        InputError: a list is wrong.
        NotFoundError: a file is not there.
        OperationError: it cannot be read.
    """
    entries: list[Wanted] = []
    if lists.os_images:
        entries += parse_os_images(lists.os_images, subject="OS_IMAGES")
    if lists.os_images_file is not None:
        entries += parse_os_images(_text(lists.os_images_file), subject=str(lists.os_images_file))
    if lists.release_images:
        entries += parse_release_images(lists.release_images, subject="RELEASE_IMAGES")
    if lists.release_images_file is not None:
        entries += parse_release_images(_text(lists.release_images_file), subject=str(lists.release_images_file))
    entries += map(parse_local, lists.isos)
    return tuple(entries)


def _text(path: Path) -> str:
    content = read_document(path, limit_bytes=DEFAULT_LIMIT_BYTES)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InputError("the list is no UTF-8 text", subject=str(path), hint="write it as JSON in UTF-8") from None
