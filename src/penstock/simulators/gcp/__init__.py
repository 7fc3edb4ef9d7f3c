"""Google Cloud's images on loopback (Compute Engine API, v1), and the endpoint that gives out tokens.

::

    with GcpThread(catalogue) as gcp:
        ...  # gcp.url + "/compute/v1/projects/rhcos-cloud/global/images"
        gcp.issue_token()  # an access token without the endpoint
        gcp.service_account(private_key)  # a key document for google-auth

With ``writable`` images are brought there too: objects in resumable uploads, images that are inserted, shared, put into families and
deprecated, operations that go on by the clock, request ids::

    with GcpThread(writable=True, anonymous=True, buckets=["images"]) as gcp:
        ...  # POST gcp.url + "/compute/v1/projects/any-project/global/images?requestId=…"
        gcp.making.images["any-project", "rhel"].content  # of the disk that it was made of

Left out on purpose: permissions of projects and buckets, CRC32C of objects, other uploads than resumable ones, the metadata server.
"""

from penstock.simulators.gcp.latencies import GcpLatencies
from penstock.simulators.gcp.server import GcpSimulator, GcpThread

__all__ = ["GcpLatencies", "GcpSimulator", "GcpThread"]
