"""What boto3 and S3 refuse, in the words of the error tree; no credentials come into a message."""

from http import HTTPStatus

from botocore import exceptions as refusals
from botocore.parsers import ResponseParserError

from penstock.adapters.http.failures import TRY_LATER, is_transient_status
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError

NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})
PRECONDITION = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
"""Another was faster."""

_TRY_AGAIN = frozenset({"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException"})
_NOT_KNOWN = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_NO_CREDENTIALS = (
    refusals.NoCredentialsError,
    refusals.PartialCredentialsError,
    refusals.CredentialRetrievalError,
    refusals.TokenRetrievalError,
    refusals.SSOError,
)
_CUT = (refusals.HTTPClientError, refusals.ConnectionError, refusals.IncompleteReadError, refusals.ResponseStreamingError)
_SHOW_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role that boto3 finds by itself"


def code_of(error: refusals.ClientError) -> str:
    """The code that S3 gave, or ``""``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def explain(error: Exception, subject: str) -> PenstockError:
    """The error of the tree for what boto3 raised; ``subject`` is the object that was asked for."""
    match error:
        case refusals.ClientError():
            return _refused(error, subject)
        case refusals.ProfileNotFound():
            return InputError("the AWS configuration has no such profile", subject=subject)
        case refusals.ParamValidationError() | refusals.InvalidRegionError() | refusals.NoRegionError():
            return InputError("the bucket or its region cannot be called so", subject=subject, hint="check both")
        case _ if isinstance(error, _NO_CREDENTIALS):
            return OperationError("no usable credentials for S3 were found", subject=subject, hint=_SHOW_CREDENTIALS)
        case refusals.SSLError():
            return OperationError("the certificate of S3 is not trusted", subject=subject, hint="AWS_CA_BUNDLE names other authorities")
        case ResponseParserError():
            return TransientError("S3 sent an answer that ends too early or is none", subject=subject, hint=TRY_LATER)
        case refusals.ReadTimeoutError() | refusals.ConnectTimeoutError():
            return TransientError("S3 did not answer in time", subject=subject, hint=TRY_LATER)
        case _ if isinstance(error, _CUT):
            return TransientError("there is no connection to S3, or it was cut", subject=subject, hint=TRY_LATER)
        case _:
            return OperationError(
                f"boto3 could not ask S3: {type(error).__name__}", subject=subject, hint="check the settings of the store"
            )


def _refused(error: refusals.ClientError, subject: str) -> PenstockError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _TRY_AGAIN or is_transient_status(status):
        return TransientError(f"S3 answered {code or status}", subject=subject, hint=TRY_LATER)
    if code == "NoSuchBucket":
        return OperationError("there is no such bucket", subject=subject, hint="make it, or check its name, the region and the endpoint")
    if code in NOT_THERE:
        return NotFoundError("it is not in the bucket", subject=subject)
    if code in _EXPIRED:
        return OperationError(f"the credentials for S3 have run out ({code})", subject=subject, hint="renew them")
    if code in _NOT_KNOWN:
        return OperationError(f"S3 does not know these credentials ({code})", subject=subject, hint=_SHOW_CREDENTIALS)
    if status == HTTPStatus.FORBIDDEN:
        hint = "they need s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket and s3:AbortMultipartUpload"
        return OperationError(f"these credentials may not do this ({code})", subject=subject, hint=hint)
    return OperationError(f"S3 refused the request: {code or status}", subject=subject, hint="check the settings of the store")
