"""Who publishes, and where they are told: the file of ``--owners``."""

from collections.abc import Mapping

from penstock.formats.codec import decode_json, decode_yaml, looks_like_json
from penstock.model.errors import InputError
from penstock.model.record import Record


class JiraPlace(Record, frozen=True, kw_only=True):
    """Where issues go."""

    project: str
    """The key: ``ARO``."""
    issue_type: str = "Task"
    component: str = ""
    labels: tuple[str, ...] = ()


class Owner(Record, frozen=True, kw_only=True):
    """A team that publishes images."""

    name: str = ""
    contact: str = ""
    """An address, for people."""
    slack_channel: str = ""
    """The channel that messages go to: a name or an id."""
    jira: JiraPlace | None = None


Owners = Mapping[str, Owner]
"""Publisher, without regard to case, to its owner."""


def parse_owners(content: bytes, *, subject: str) -> Owners:
    """Read a file that maps publishers (``azureopenshift``, ``redhat``, ``redhat-limited``, …) to their owners, YAML or JSON.

    Raises:
        InputError: it is none, holds a key that nobody reads, or names a publisher twice.
    """
    read = decode_json if looks_like_json(content) else decode_yaml
    owners: dict[str, Owner] = {}
    for publisher, owner in read(content, dict[str, Owner], subject=subject).items():
        unknown = [*owner.extra, *(f"jira.{key}" for key in (owner.jira.extra if owner.jira else ()))]
        if unknown:
            hint = "use name, contact, slack_channel and jira (project, issue_type, component, labels)"
            raise InputError(f"the key {unknown[0]!r} of {publisher!r} is not known", subject=subject, hint=hint)
        if publisher.casefold() in owners:
            raise InputError(f"the publisher {publisher!r} stands twice", subject=subject, hint="case makes no difference")
        owners[publisher.casefold()] = owner
    return owners


def owner_of(owners: Owners, publisher: str) -> Owner | None:
    """The owner of what ``publisher`` publishes, or None."""
    return owners.get(publisher.casefold())
