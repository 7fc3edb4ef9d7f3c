"""AMIs: ``DescribeImages`` over the catalogue and over what was registered."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from aiohttp import web

from penstock.simulators.aws.query import Xml, filters_of, keep_filtered, listed, page_of, xml_answer
from penstock.simulators.aws.shown import IMAGE_FILTERS, ShownImage, image_item, shown_ami
from penstock.simulators.cloud.catalogue import Ami
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Refusal

_AMI_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")


class Images:
    """The AMIs of all regions.

    Args:
        clock: by which those of the catalogue appear, are deprecated and go.
    """

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock
        self._regions: dict[str, list[Ami]] = {}
        self._registered: dict[str, dict[str, ShownImage]] = {}
        self._adopted: set[tuple[str, str]] = set()

    def stock(self, images: Iterable[Ami]) -> None:
        """Serve ``images`` from now on, beside what was registered."""
        regions: dict[str, list[Ami]] = {}
        for ami in images:
            regions.setdefault(ami.region, []).append(ami)
        self._regions = regions

    def put(self, region: str, image: ShownImage) -> None:
        """Have an image that was registered, or another state of it."""
        self._registered.setdefault(region, {})[image.id] = image

    def remove(self, region: str, image_id: str) -> None:
        """Have it no more."""
        del self._registered[region][image_id]

    def registered(self, region: str) -> tuple[ShownImage, ...]:
        """What was registered, pending or not, known or not yet."""
        return tuple(self._registered.get(region, {}).values())

    def named(self, region: str, owner: str, name: str) -> bool:
        """Whether an image of this account has the name."""
        of_catalogue = any((ami.owner, ami.name) == (owner, name) for ami in self._in_catalogue(region))
        return of_catalogue or any((image.owner, image.name) == (owner, name) for image in self.registered(region))

    def find(self, region: str, image_id: str) -> ShownImage | None:
        """An image of whatever owner, or None."""
        return next((each for each in (*self._of_catalogue(region, self._clock.now), *self._known(region)) if each.id == image_id), None)

    def own(self, region: str, account: str, image_id: str) -> ShownImage:
        """An image of the account, to be changed; one of the catalogue is as if it had been registered from then on.

        Raises:
            Refusal: there is none, or it belongs to another account.
        """
        for ami in [each for each in self._in_catalogue(region) if (each.id, each.owner) == (image_id, account)]:
            self._adopted.add((region, ami.id))
            self.put(region, shown_ami(ami))
        return next(image for image in _by_id([each for each in self._known(region) if each.owner == account], [image_id]))

    def describe(self, call: Call, form: Mapping[str, str], region: str, account: str) -> web.Response:
        """Answer ``DescribeImages``; an account sees its own private and deprecated images."""
        now = self._clock.now
        seen = [*self._of_catalogue(region, now), *self._known(region)]
        seen = [image for image in seen if image.may_be_used_by(account)]
        ids, owners = listed(form, "ImageId"), listed(form, "Owner")
        if ids:
            if "MaxResults" in form:
                message = "The parameter imageIds cannot be used with the parameter maxResults"
                raise Refusal(400, "InvalidParameterCombination", message)
            seen = _by_id(seen, ids)
        elif form.get("IncludeDeprecated", "").lower() != "true":
            # Whoever names an image by its id sees it in any case, and so does its owner.
            seen = [image for image in seen if image.owner == account or image.deprecated_at is None or image.deprecated_at > now]
        if owners:
            wanted = {account if owner == "self" else owner for owner in owners}
            seen = [image for image in seen if image.owner in wanted or image.owner_alias in wanted]
        found = keep_filtered(seen, filters_of(form), IMAGE_FILTERS, lambda image: image.tags)
        page, token = page_of(without_some(found, call.strikes), form, lambda image: image.id)
        items: list[Xml] = [image_item(image) for image in page]
        return xml_answer("DescribeImages", {"imagesSet": items, "nextToken": token})

    def _of_catalogue(self, region: str, now: datetime) -> Iterable[ShownImage]:
        return (shown_ami(ami) for ami in self._in_catalogue(region) if ami.is_listed(now))

    def _in_catalogue(self, region: str) -> list[Ami]:
        return [ami for ami in self._regions.get(region, []) if (region, ami.id) not in self._adopted]

    def _known(self, region: str) -> Iterable[ShownImage]:
        now_s = time.monotonic()
        for image in self.registered(region):
            if image.known_from_s <= now_s:
                yield image if image.ready_from_s <= now_s else replace(image, state="pending")


def _by_id(seen: list[ShownImage], ids: list[str]) -> list[ShownImage]:
    for one in ids:
        if _AMI_ID.fullmatch(one) is None:
            raise Refusal(400, "InvalidAMIID.Malformed", f'Invalid id: "{one}" (expecting "ami-...")')
    there = {image.id: image for image in seen}
    missing = [one for one in ids if one not in there]
    if missing:
        what = "id" if len(missing) == 1 else "ids"
        does = "does" if len(missing) == 1 else "do"
        raise Refusal(400, "InvalidAMIID.NotFound", f"The image {what} '[{', '.join(missing)}]' {does} not exist")
    return [there[one] for one in dict.fromkeys(ids)]
