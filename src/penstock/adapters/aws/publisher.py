"""One account as images are made in it."""

from penstock.adapters.aws.ebsdirect import BlockCalls
from penstock.adapters.aws.objects import ObjectCalls
from penstock.adapters.aws.registering import ImageCalls


class AccountPublisher(ObjectCalls, BlockCalls, ImageCalls):
    """:class:`penstock.ports.publish.AwsPublisher` and ``ports.removal.AwsRemover`` on boto3: S3, EC2, EBS direct, STS; the same keys."""
