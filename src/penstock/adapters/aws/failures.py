"""What boto3 and the EC2 API refuse, in the words of the error tree.

Neither the credentials nor what a credential helper printed come into a message.
"""

from dataclasses import dataclass
from http import HTTPStatus

from botocore import exceptions as refusals
from botocore.parsers import ResponseParserError

from penstock.adapters.http.failures import TRY_LATER, is_transient_status, retry_after_s, throttled
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.push.aws import NameTaken, SnapshotInUse

_TRY_AGAIN = frozenset(
    {
        "BadDigest",  # a part that was damaged on its way
        "ConcurrentLimitExceededException",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "InternalServerException",
        "OperationAborted",  # another request about the same bucket is under way
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "ResourceCountLimitExceeded",  # as many imports at a time as the account may have
        "ServiceUnavailable",
        "SlowDown",
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
_NOT_THERE = frozenset(
    {"404", "InvalidAMIID.Unavailable", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NotFound", "ResourceNotFoundException"}
)
_NAME_TAKEN = "InvalidAMIName.Duplicate"
_IN_USE = "InvalidSnapshot.InUse"
_NO_CREDENTIALS = (
    refusals.NoCredentialsError,
    refusals.PartialCredentialsError,
    refusals.CredentialRetrievalError,
    refusals.TokenRetrievalError,
    refusals.SSOError,
)
_CUT = (refusals.HTTPClientError, refusals.ConnectionError, refusals.IncompleteReadError)
_SHOW_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --aws-profile"
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who was asked by whom, for messages and hints.

    Attributes:
        service: for example ``EC2``.
        credentials: what to do where there are none, or where they are wrong.
        needs: what whoever asks must be allowed.
        endpoint: what to check where the answer is none of AWS.
        tell_reason: whether the service's own words are repeated: they may name users and roles, and are the only ones that say which
            parameter is wrong.
    """

    service: str = "EC2"
    credentials: str = _SHOW_CREDENTIALS
    needs: str = "the role needs ec2:DescribeImages and ec2:DescribeRegions"
    endpoint: str = "check --aws-endpoint where it is set"
    tell_reason: bool = False


_CATALOGUE = Asked()


def code_of(error: Exception) -> str:
    """The code of a refusal, for example ``NoSuchUpload``; ``""`` where a service did not refuse."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, refusals.ClientError) else ""


def explain(error: Exception, subject: str, asked: Asked = _CATALOGUE) -> PenstockError:
    """The error of the tree for what botocore raised."""
    match error:
        case refusals.ClientError():
            return _refused(error, subject, asked)
        case refusals.ProfileNotFound():
            hint = "see `aws configure list-profiles`"
            return InputError("the AWS configuration has no such profile", subject=str(error.kwargs.get("profile", subject)), hint=hint)
        case refusals.InvalidRegionError() | refusals.NoRegionError():
            return InputError("this is no name of a region", subject=subject, hint="write it like us-east-1")
        case _ if isinstance(error, _NO_CREDENTIALS):
            return OperationError("no usable credentials for AWS were found", subject=subject, hint=asked.credentials)
        case refusals.SSLError():
            hint = "AWS_CA_BUNDLE names other authorities"
            return OperationError(f"the certificate of the {asked.service} endpoint is not trusted", subject=subject, hint=hint)
        case ResponseParserError():
            return TransientError(
                f"the {asked.service} endpoint sent an answer that ends too early or is none", subject=subject, hint=TRY_LATER
            )
        case refusals.ReadTimeoutError() | refusals.ConnectTimeoutError():
            return TransientError(f"the {asked.service} endpoint did not answer in time", subject=subject, hint=TRY_LATER)
        case _ if isinstance(error, _CUT):
            return TransientError(f"there is no connection to the {asked.service} endpoint, or it was cut", subject=subject, hint=TRY_LATER)
        case _:
            hint = f"check the AWS configuration; {asked.endpoint}"
            return OperationError(f"boto3 could not ask: {type(error).__name__}", subject=subject, hint=hint)


def _refused(error: refusals.ClientError, subject: str, asked: Asked) -> PenstockError:
    code = code_of(error)
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    if code in _TRY_AGAIN or is_transient_status(status):
        said = f"{asked.service} answered {code or status}"
        return throttled(said, subject, retry_after_s(metadata.get("HTTPHeaders", {}).get("retry-after")))
    if code in _EXPIRED:
        return OperationError(f"the credentials for AWS have run out ({code})", subject=subject, hint="log in again: `aws sso login`")
    if code in _NOT_KNOWN:
        hint = f"{asked.credentials}; regions of other partitions (us-gov-…, cn-…) need credentials of their own"
        return OperationError(f"AWS does not know these credentials ({code})", subject=subject, hint=hint)
    if code == "OptInRequired":
        return OperationError("the account does not use this region", subject=subject, hint="enable the region, or leave it out")
    if code in _FORBIDDEN or status == HTTPStatus.FORBIDDEN:
        return OperationError(f"these credentials may not ask this ({code})", subject=subject, hint=asked.needs)
    if code == _NAME_TAKEN:
        return NameTaken("an image of the account has this name already", subject=subject)
    if code == _IN_USE:
        return SnapshotInUse("an image has it as a disk", subject=subject, hint="deregister the image first")
    if code in _NOT_THERE or code.endswith(".NotFound"):
        return NotFoundError(f"AWS does not have it ({code})", subject=subject)
    reason = str(error.response.get("Error", {}).get("Message", ""))[:_LONGEST_REASON] if asked.tell_reason else ""
    said = f"{asked.service} refused the request: {code or status}" + (f": {reason}" if reason else "")
    return OperationError(said, subject=subject, hint=asked.endpoint)
