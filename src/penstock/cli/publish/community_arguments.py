"""What both shells of a community push are asked: the same values, whichever of them read the words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.model.errors import InputError
from penstock.publish.actions import Phase
from penstock.wiring.publish import FilePatience, RhsmSettings, StarmapSettings

CONTAINER_PREFIX: Final = "redhat-cloudimg"
_FIXED_STEPS: Final = ("load", "map", "check-metadata", "collect")
"""Steps that have names, and without which nothing can be pushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityArguments:
    """A community push, as the user asked for it.

    Attributes:
        sources: ``staged:/dir``.
        credentials: paths or base64, apart by commas; secret.
        starmap: where mappings come from.
        rhsm: how RHSM is reached.
        skip: phases that are left out.
        pre_push: nothing is made available.
        beta: every release is a beta.
        container_prefix: of buckets.
        ebs_direct: snapshots are written block by block.
        replicate_copy: snapshots are imported once and copied.
        snapshot_per_type: each billing type has its own.
        state: of journals; None for the usual place.
        emit_stream: where the stream's part is written, or None.
        stream_name: of that stream; None for the build's name.
        ledger: where receipts are recorded; None for the usual place.
    """

    sources: tuple[str, ...]
    credentials: str = field(default="", repr=False)
    starmap: StarmapSettings = field(default_factory=StarmapSettings)
    rhsm: RhsmSettings = field(default_factory=RhsmSettings)
    skip: frozenset[Phase] = frozenset()
    pre_push: bool = False
    beta: bool = False
    container_prefix: str = CONTAINER_PREFIX
    ebs_direct: bool = False
    replicate_copy: bool = False
    snapshot_per_type: bool = False
    state: Path | None = None
    emit_stream: Path | None = None
    stream_name: str | None = None
    ledger: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What only the environment says.

    Attributes:
        steps: how many are done at a time (``COMMUNITY_PUSH_PROCESS_THREADS``).
        require_billing_codes: ``COMMUNITY_PUSH_REQUIRE_BILLING_CODES``.
        patience: with files (``PUSHSOURCE_SRC_POLL_TIMEOUT``, ``PUSHSOURCE_SRC_POLL_RATE``).
    """

    steps: int = 10
    require_billing_codes: bool = True
    patience: FilePatience = field(default_factory=FilePatience)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Knobs":
        """Those of an environment; an empty variable counts as unset.

        Raises:
            InputError: a number is none, or too small.
        """
        usual = FilePatience()
        return cls(
            steps=int(_number(environ, "COMMUNITY_PUSH_PROCESS_THREADS", 10, least=1)),
            # Whatever is not "true" was "false" until now, so it stays.
            require_billing_codes=(environ.get("COMMUNITY_PUSH_REQUIRE_BILLING_CODES") or "true").lower() == "true",
            patience=FilePatience(
                timeout_s=_number(environ, "PUSHSOURCE_SRC_POLL_TIMEOUT", usual.timeout_s, least=0),
                rate_s=_number(environ, "PUSHSOURCE_SRC_POLL_RATE", usual.rate_s, least=0),
            ),
        )


def _number(environ: Mapping[str, str], name: str, usual: float, *, least: int) -> float:
    text = environ.get(name) or str(usual)
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number", subject=name) from None
    if not least <= value < float("inf"):
        raise InputError(f"{text} is too small or too large", subject=name, hint=f"{least} is the least")
    return value


def phases_to_skip(values: Iterable[str]) -> frozenset[Phase]:
    """The phases that ``--skip`` names: lists with commas, any number of them.

    Raises:
        InputError: a word is no step, or one that cannot be left out.
    """
    words = [word.strip() for value in values for word in value.split(",")]
    return frozenset(_phase(word) for word in words if word)


def _phase(word: str) -> Phase:
    if word in _FIXED_STEPS:
        raise InputError(f"{word!r} cannot be left out: nothing could be pushed", subject="--skip")
    try:
        return Phase(word)
    except ValueError:
        raise InputError(f"{word!r} is no step of a community push", subject="--skip", hint=f"steps: {', '.join(Phase)}") from None
