"""assisted-service on loopback, as far as an image service asks it: Ignition configs, ramdisks, kernel arguments, and who may have them.

::

    async with AssistedSimulator({HOST: InfraEnv(b'{"ignition": {"version": "3.4.0"}}')}, auth=[CredentialKind.API_KEY]) as assisted:
        ...  # ask assisted.url, with api_key=assisted.make_token(HOST)
        assisted.infra_envs[HOST] = InfraEnv(config, ramdisk=archive, kernel_arguments=kernel_arguments_text(["console=ttyS0"]))
        [request.api for request in assisted.requests]

    with AssistedThread() as assisted:
        ...  # the same, from synchronous code

Left out on purpose: everything that makes or changes infra-envs over the real API, and how a config comes about.
"""

from penstock.simulators.assisted.infraenvs import InfraEnv, kernel_arguments_text
from penstock.simulators.assisted.server import AssistedSimulator, AssistedThread
from penstock.simulators.assisted.tokens import CLAIM_LOCAL, CLAIM_SAAS

__all__ = ["CLAIM_LOCAL", "CLAIM_SAAS", "AssistedSimulator", "AssistedThread", "InfraEnv", "kernel_arguments_text"]
