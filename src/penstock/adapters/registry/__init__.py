"""Images in registries and OCI layouts: the adapter behind :class:`penstock.ports.Registry`.

::

    async with Images(RegistryOptions()) as images:
        manifest = await images.fetch_manifest(parse_reference("registry.example.com/team/app:v1"))

Inside, from the outer to the inner: ``routing`` (which kind of place) > ``client``, ``layout`` > ``upload``, ``blob`` > ``session``
(one request with everything around it) > ``tokens``, ``sites`` > ``credentials``, ``wire`` > ``challenges``, ``failures``,
``manifests``, ``options`` (pure).  Below them all stands :mod:`penstock.adapters.http`.
"""

from penstock.adapters.http.options import Retries, Timeouts
from penstock.adapters.registry.client import RegistryClient
from penstock.adapters.registry.layout import Layouts
from penstock.adapters.registry.mirror_files import read_mirror_files
from penstock.adapters.registry.options import RegistryOptions
from penstock.adapters.registry.routing import Images

__all__ = ["Images", "Layouts", "RegistryClient", "RegistryOptions", "Retries", "Timeouts", "read_mirror_files"]
