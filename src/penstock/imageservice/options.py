"""What is set on the image service's use cases: how requests are answered, and how images are brought."""

from dataclasses import dataclass, field

from penstock.imageservice.prepare import Floors


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How the service answers.

    Attributes:
        base_url: ``IMAGE_SERVICE_BASE_URL``: by which hosts reach this service, without a slash at its end, or ``""``.
        validity_s: how long what the backend said counts before it is asked again, for a request from the first byte.
        session_idle_s: how long after its last read a client that reads ranges still gets the same snapshot.
        session_limit_s: how old such a snapshot may become.
        cache_bytes: how many literal bytes the snapshots in memory may hold.
    """

    base_url: str = ""
    validity_s: float = 60.0
    session_idle_s: float = 600.0
    session_limit_s: float = 14_400.0
    cache_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """How images are brought.

    Attributes:
        base_url: by which hosts reach this service, without a slash at its end; without it there are no minimal ISOs.
        parallel: how many images are brought at a time.
        retry_s: how long after an answer that did not come it is asked for again; twice as long every further time.
        retry_limit_s: the longest such time.
        tries: how many answers may fail to come before the image counts as failed; it is tried again all the same.
        ends: whether the run ends once everything has settled, so that of what has failed by then no next try is told.
        slow_retry_s: how long after any other failure it is tried again: somebody may mend what is wrong outside.
        recheck_s: how often a payload that is named by a tag is looked up again: the tag may lead to another one by now.
        progress_s: how often the progress of one image is told at most.
        floors: what an image must hold at least, so that one that was cut is not served.
        checks_signatures: whether there are keys to check the signatures that lists name; without any they do not count.
    """

    base_url: str = ""
    parallel: int = 4
    retry_s: float = 2.0
    retry_limit_s: float = 60.0
    tries: int = 5
    ends: bool = False
    slow_retry_s: float = 300.0
    recheck_s: float = 3600.0
    progress_s: float = 0.5
    floors: Floors = field(default_factory=Floors)
    checks_signatures: bool = True
