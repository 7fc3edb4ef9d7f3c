"""Where the ledger is when nobody says so."""

from collections.abc import Mapping
from pathlib import Path

from penstock.model.errors import OperationError


def ledger_location(option: str | None, environ: Mapping[str, str]) -> str:
    """The value of ``--ledger``, else ``PENSTOCK_LEDGER``, else a file in the XDG state directory.

    XDG Base Directory Specification: an empty variable counts as unset, a relative path in ``XDG_STATE_HOME`` is ignored.

    Args:
        option: what ``--ledger`` says, or None.
        environ: the environment.

    Raises:
        OperationError: neither says where, and there is no home directory.
    """
    named = option or environ.get("PENSTOCK_LEDGER")
    if named:
        return named
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            raise OperationError("there is no home directory to keep the ledger in", hint="set PENSTOCK_LEDGER, or give --ledger")
        state = f"{home}/.local/state"
    return str(Path(state, "penstock", "ledger.sqlite"))
