"""All origins as one: each image is asked for where its entry says."""

from penstock.model.osimage import Brought, FileOrigin, PayloadOrigin, UrlOrigin, Wanted
from penstock.ports import ImageOrigins, ProgressSink


class AnyOrigin:
    """``ports.ImageOrigins`` over one for each kind of origin."""

    def __init__(self, *, web: ImageOrigins, payloads: ImageOrigins, standing: ImageOrigins) -> None:
        """Ask these."""
        self._web = web
        self._payloads = payloads
        self._standing = standing

    async def key(self, wanted: Wanted) -> str:
        """See ``ports.ImageOrigins``."""
        return await self._of(wanted).key(wanted)

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        """See ``ports.ImageOrigins``."""
        return await self._of(wanted).bring(wanted, folder, progress)

    def _of(self, wanted: Wanted) -> ImageOrigins:
        match wanted.origin:
            case UrlOrigin():
                return self._web
            case PayloadOrigin():
                return self._payloads
            case FileOrigin():
                return self._standing
