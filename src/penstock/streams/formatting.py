"""One canonical form for stream documents, so that a diff shows what changed and nothing else.

Canonical is what the upstream library would write: its key order, sorted maps, its escapes; then unknown keys as found.  The indentation
and the last newline are the file's own, because the two generators disagree about them.
Update metadata is written by no library: there the order of the keys is the file's own, too.
"""

from penstock.formats.stream import parse_stream_document, write_stream_document
from penstock.streams.change import FileChange


def plan_format(content: bytes, *, subject: str) -> FileChange:
    """The canonical form of a stream document, a marketplace file or update metadata; formatting twice is formatting once.

    Raises:
        InputError: it is none of them; the message holds the line and the path.
    """
    document = parse_stream_document(content, subject=subject)
    return FileChange(subject, content, write_stream_document(document, like=content))
