"""Amazon Web Services: the AMIs of each region, through boto3."""

from penstock.adapters.aws.options import AwsOptions
from penstock.adapters.extras import extra

with extra("aws", "boto3", "botocore"):
    from penstock.adapters.aws.catalogue import Ec2Catalogue

__all__ = ["AwsOptions", "Ec2Catalogue"]
