"""What is missing where an optional part of the program was not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.model.errors import OperationError


@contextmanager
def extra(name: str, *packages: str) -> Iterator[None]:
    """Import, inside, what needs the extra ``name`` of this distribution; a missing package becomes an error with the next step.

    Args:
        name: as in ``pip install 'penstock[aws]'``.
        packages: the top names that the extra brings; any other missing module is a defect and is raised as it is.

    Raises:
        OperationError: one of ``packages`` is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in packages:
            raise
        raise OperationError(
            f"the Python package {missing} is not installed", hint=f"install the extra: pip install 'penstock[{name}]'"
        ) from error
