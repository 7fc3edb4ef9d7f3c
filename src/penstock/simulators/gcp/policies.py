"""Who may use an image: IAM policies of Google Cloud, which are read and written whole."""

import re
from base64 import b64encode
from collections.abc import Mapping

from penstock.simulators.cloud.operations import Refusal

_MEMBER = re.compile(
    r"(?:user|group|serviceAccount|domain|principal|principalSet|project(?:Owner|Editor|Viewer)):\S+|allAuthenticatedUsers"
)


class ImagePolicy:
    """The policy of one image; its etag changes with every change."""

    def __init__(self) -> None:
        self.bindings: list[dict[str, object]] = []
        self._changes = 0

    @property
    def etag(self) -> str:
        """Of the policy as it is now."""
        return b64encode(self._changes.to_bytes(8, "big")).decode()

    def members(self, role: str = "roles/compute.imageUser") -> set[str]:
        """Who has a role."""
        found: set[str] = set()
        for binding in self.bindings:
            members = binding["members"]
            if binding["role"] == role and isinstance(members, list):
                found |= set(members)
        return found

    def document(self) -> dict[str, object]:
        """As ``getIamPolicy`` tells it; without bindings there is no key for them."""
        told: dict[str, object] = {"version": 1, "etag": self.etag}
        return {**told, "bindings": self.bindings} if self.bindings else told

    def replace(self, wanted: Mapping[str, object], *, domains: frozenset[str] = frozenset()) -> None:
        """What ``setIamPolicy`` does.

        Raises:
            Refusal: 409, it was changed since it was read; 400, a member is none; 412, the organisation's policy forbids one.
        """
        if wanted.get("etag", self.etag) != self.etag:
            raise Refusal(409, "conditionNotMet", "There were concurrent policy changes. Please retry the whole read-modify-write.")
        bindings = wanted.get("bindings", [])
        made: list[dict[str, object]] = []
        for binding in bindings if isinstance(bindings, list) else []:
            role, members = binding.get("role"), binding.get("members")
            if not isinstance(role, str) or not isinstance(members, list):
                raise Refusal(400, "invalid", "Invalid value for field 'policy.bindings'.")
            for member in members:
                if not _MEMBER.fullmatch(str(member)):
                    raise Refusal(400, "badRequest", f"Invalid principal {member}.")
                if domains and not any(str(member).endswith(f"@{domain}") or member == f"domain:{domain}" for domain in domains):
                    message = "One or more users named in the policy do not belong to a permitted customer."
                    raise Refusal(412, "conditionNotMet", message)
            made.append({**binding, "members": list(dict.fromkeys(members))})
        self.bindings = made
        self._changes += 1
