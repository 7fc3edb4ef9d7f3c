"""Amazon Web Services through boto3: the AMIs of each region, and the accounts in which images are made."""

from penstock.adapters.aws.options import AwsOptions
from penstock.adapters.extras import extra

with extra("aws", "boto3", "botocore"):
    from penstock.adapters.aws.accounts import PUSH_OPTIONS, AwsPushAccounts
    from penstock.adapters.aws.catalogue import Ec2Catalogue

__all__ = ["PUSH_OPTIONS", "AwsOptions", "AwsPushAccounts", "Ec2Catalogue"]
