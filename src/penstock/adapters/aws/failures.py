"""What boto3 and the EC2 API refuse, in the words of the error tree.

Neither the credentials nor what a credential helper printed come into a message.
"""

from http import HTTPStatus

from botocore import exceptions as refusals
from botocore.parsers import ResponseParserError

from penstock.adapters.http.failures import TRY_LATER, is_transient_status, retry_after_s, throttled
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError

_TRY_AGAIN = frozenset(
    {
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    }
)
_NOT_KNOWN = frozenset(
    {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NO_CREDENTIALS = (
    refusals.NoCredentialsError,
    refusals.PartialCredentialsError,
    refusals.CredentialRetrievalError,
    refusals.TokenRetrievalError,
    refusals.SSOError,
)
_CUT = (refusals.HTTPClientError, refusals.ConnectionError, refusals.IncompleteReadError)
_SHOW_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --aws-profile"


def explain(error: Exception, subject: str) -> PenstockError:
    """The error of the tree for what botocore raised."""
    match error:
        case refusals.ClientError():
            return _refused(error, subject)
        case refusals.ProfileNotFound():
            hint = "see `aws configure list-profiles`"
            return InputError("the AWS configuration has no such profile", subject=str(error.kwargs.get("profile", subject)), hint=hint)
        case refusals.InvalidRegionError() | refusals.NoRegionError():
            return InputError("this is no name of a region", subject=subject, hint="write it like us-east-1")
        case _ if isinstance(error, _NO_CREDENTIALS):
            return OperationError("no usable credentials for AWS were found", subject=subject, hint=_SHOW_CREDENTIALS)
        case refusals.SSLError():
            hint = "AWS_CA_BUNDLE names other authorities"
            return OperationError("the certificate of the EC2 endpoint is not trusted", subject=subject, hint=hint)
        case ResponseParserError():
            return TransientError("the EC2 endpoint sent an answer that ends too early or is none", subject=subject, hint=TRY_LATER)
        case refusals.ReadTimeoutError() | refusals.ConnectTimeoutError():
            return TransientError("the EC2 endpoint did not answer in time", subject=subject, hint=TRY_LATER)
        case _ if isinstance(error, _CUT):
            return TransientError("there is no connection to the EC2 endpoint, or it was cut", subject=subject, hint=TRY_LATER)
        case _:
            hint = "check the AWS configuration, and --aws-endpoint where it is set"
            return OperationError(f"boto3 could not ask: {type(error).__name__}", subject=subject, hint=hint)


def _refused(error: refusals.ClientError, subject: str) -> PenstockError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    if code in _TRY_AGAIN or is_transient_status(status):
        said = f"EC2 answered {code or status}"
        return throttled(said, subject, retry_after_s(metadata.get("HTTPHeaders", {}).get("retry-after")))
    if code in _EXPIRED:
        return OperationError(f"the credentials for AWS have run out ({code})", subject=subject, hint="log in again: `aws sso login`")
    if code in _NOT_KNOWN:
        hint = f"{_SHOW_CREDENTIALS}; regions of other partitions (us-gov-…, cn-…) need credentials of their own"
        return OperationError(f"AWS does not know these credentials ({code})", subject=subject, hint=hint)
    if code == "OptInRequired":
        return OperationError("the account does not use this region", subject=subject, hint="enable the region, or leave it out")
    if code in _FORBIDDEN or status == HTTPStatus.FORBIDDEN:
        hint = "the role needs ec2:DescribeImages and ec2:DescribeRegions"
        return OperationError(f"these credentials may not ask this ({code})", subject=subject, hint=hint)
    if code.endswith(".NotFound"):
        return NotFoundError(f"AWS does not have it ({code})", subject=subject)
    return OperationError(f"EC2 refused the request: {code or status}", subject=subject, hint="check --aws-endpoint where it is set")
