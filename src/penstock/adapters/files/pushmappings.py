"""``--repo`` and ``--repo-file``: mappings that are given to a run beside, or in the place of, those of StArMap's server."""

from pathlib import Path

from penstock.adapters.files.reading import read_document
from penstock.formats.starmap import parse_mappings_json, parse_mappings_yaml
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.starmap import StarmapEntity


def read_mappings(repo: str | None, repo_file: Path | None) -> tuple[StarmapEntity, ...]:
    """The local mappings of a run, in the order of the document.

    Args:
        repo: the text of ``--repo``, a list in JSON; None or an empty text where it was not given.
        repo_file: the path of ``--repo-file``, a list in YAML; only read where ``repo`` says nothing, as upstream.

    Raises:
        InputError: what is read is no document of its kind.
        DocumentFaults: all that is wrong with the mappings.
        NotFoundError: there is no such file.
        OperationError: it cannot be read.
    """
    given = parse_mappings_json(repo.encode(errors="surrogateescape"), subject="--repo") if repo and repo.strip() else ()
    if given or repo_file is None:
        return given
    return parse_mappings_yaml(read_document(repo_file, limit_bytes=DEFAULT_LIMIT_BYTES), subject=str(repo_file))
