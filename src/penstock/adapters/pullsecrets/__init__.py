"""Pull secrets of a program that runs for long: :class:`penstock.adapters.registry.options.CredentialSource` of several kinds.

::

    RegistryOptions(credentials=GivenPullSecret(b'{"auths": …}', name="PULL_SECRET"))
    RegistryOptions(credentials=PullSecretFile(Path("/run/secrets/pull-secret.json")))
    async with FetchedPullSecret("the pull secret of OCM", ocm.pull_secret) as source:
        RegistryOptions(credentials=source)

What they hold stays in memory.
"""

from penstock.adapters.pullsecrets.fetched import FetchedPullSecret
from penstock.adapters.pullsecrets.local import GivenPullSecret, PullSecretFile

__all__ = ["FetchedPullSecret", "GivenPullSecret", "PullSecretFile"]
