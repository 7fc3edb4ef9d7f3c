"""EC2's catalogue of images on loopback: ``DescribeImages`` and ``DescribeRegions`` of the Query API, all regions at one address.

::

    with AwsThread(catalogue) as aws:
        boto3.client("ec2", region_name="us-east-1", endpoint_url=aws.url, aws_access_key_id="any", aws_secret_access_key="any")

The region is that of the request's signature, which must be there and is not verified.

:mod:`penstock.simulators.aws.writable` is the same, and an account in which images are made; it needs moto.

Left out on purpose: everything else of EC2, presigned requests.
"""

from penstock.simulators.aws.server import AwsSimulator, AwsThread

__all__ = ["AwsSimulator", "AwsThread"]
