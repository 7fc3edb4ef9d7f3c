"""XML-RPC as koji and the errata tool speak it: null and numbers of 64 bits besides the standard."""

import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

_LONG: Final = 2**31
_STARRED: Final = "__starstar"


class _Marshaller(xmlrpc.client.Marshaller):
    """Writes what the standard has no word for as koji does."""

    def dump_whole(self, value: int, write: Any) -> None:  # noqa: ANN401  # as the base class has it
        kind = "int" if -_LONG <= value < _LONG else "i8"
        write(f"<value><{kind}>{value}</{kind}></value>\n")

    dispatch = {**xmlrpc.client.Marshaller.dispatch, int: dump_whole}  # type: ignore[dict-item]  # noqa: RUF012  # of the base class


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A call of a method.

    Attributes:
        method: its name.
        args: by position.
        named: by name: koji's clients send them as a last argument that says so itself.
    """

    method: str
    args: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)

    def argument(self, place: int, name: str, default: Any = None) -> Any:  # noqa: ANN401  # whatever the caller sent
        """One argument, however it was given."""
        return self.args[place] if place < len(self.args) else self.named.get(name, default)


class MethodFault(Exception):
    """Ends a call with a fault.

    Attributes:
        code: ``faultCode``.
        text: ``faultString``.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def read_call(body: bytes) -> MethodCall:
    """The call that a request holds.

    Raises:
        MethodFault: it holds none.
    """
    try:
        params, method = xmlrpc.client.loads(body, use_builtin_types=True)
    except Exception as error:  # expat, base64 and the unmarshaller each have errors of their own
        raise MethodFault(1, f"this is no call: {type(error).__name__}") from error
    if method is None:
        raise MethodFault(1, "this is an answer, and no call")
    return unstarred(method, params)


def unstarred(method: str, params: tuple[Any, ...] | list[Any]) -> MethodCall:
    """The call of ``method``, with the named arguments taken out of the last one."""
    args = tuple(params)
    if args and isinstance(args[-1], dict) and args[-1].get(_STARRED):
        return MethodCall(method, args[:-1], {key: value for key, value in args[-1].items() if key != _STARRED})
    return MethodCall(method, args)


def result_answer(value: Any, *, zipped: bool) -> web.Response:  # noqa: ANN401  # plain data
    """The answer with a result.

    Args:
        value: plain data.
        zipped: whether the client understands gzip.
    """
    return _answer(_Marshaller("utf-8", allow_none=True).dumps((value,)), zipped=zipped)


def fault_answer(fault: MethodFault) -> web.Response:
    """The answer with a fault; its status is 200, as XML-RPC wants it."""
    return _answer(_Marshaller("utf-8", allow_none=True).dumps(xmlrpc.client.Fault(fault.code, fault.text)), zipped=False)


def _answer(inner: str, *, zipped: bool) -> web.Response:
    text = f"<?xml version='1.0'?>\n<methodResponse>\n{inner}</methodResponse>\n"
    answer = web.Response(body=text.encode(), content_type="text/xml", charset="utf-8")
    if zipped:
        answer.enable_compression(web.ContentCoding.gzip)
    return answer
