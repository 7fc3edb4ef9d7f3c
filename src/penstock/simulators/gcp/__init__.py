"""Google Cloud's images on loopback (Compute Engine API, v1), and the endpoint that gives out tokens.

::

    with GcpThread(catalogue) as gcp:
        ...  # gcp.url + "/compute/v1/projects/rhcos-cloud/global/images"
        gcp.issue_token()  # an access token without the endpoint
        gcp.service_account(private_key)  # a key document for google-auth

Left out on purpose: everything that writes, other projects' permissions, the metadata server.
"""

from penstock.simulators.gcp.server import GcpSimulator, GcpThread

__all__ = ["GcpSimulator", "GcpThread"]
