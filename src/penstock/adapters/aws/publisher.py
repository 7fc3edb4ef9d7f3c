"""One account as images are made in it."""

from penstock.adapters.aws.ebsdirect import BlockCalls
from penstock.adapters.aws.objects import ObjectCalls
from penstock.adapters.aws.registering import ImageCalls


class AccountPublisher(ObjectCalls, BlockCalls, ImageCalls):
    """:class:`penstock.ports.publish.AwsPublisher` on boto3: S3, EC2, EBS direct and STS with the same keys."""
