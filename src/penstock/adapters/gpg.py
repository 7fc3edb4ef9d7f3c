"""Detached OpenPGP signatures, checked by GnuPG against a given keyring and nothing else.

``gpgv`` is made for this: every key of its keyring is trusted, and no web of trust, configuration or agent has a say; ``gpg`` does the same
where it is told to.  Either runs in an empty home of its own, so that the user's keys cannot vouch for anything.  What is believed is the
machine-readable status (GnuPG, doc/DETAILS), and only where the exit code agrees.
"""

import asyncio
import base64
import binascii
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from penstock.adapters.files.failures import file_error
from penstock.adapters.files.reading import read_document
from penstock.model.errors import InputError, OperationError, VerificationError

_ARMOUR = re.compile(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[^\n]*\n(.*?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
_ARMOUR_HEADER = re.compile(rb"[A-Za-z]+: ")
_LONGEST_KEYRING_BYTES = 16 << 20
_STATUS = "[GNUPG:] "
_BAD = {
    "BADSIG": "the signature is not of these bytes",
    "ERRSIG": "the signature cannot be checked",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the key that made the signature has expired",
    "REVKEYSIG": "the key that made the signature was revoked",
    "NODATA": "this is no OpenPGP signature",
}


class Keyring:
    """``ports.SignatureCheck`` with the keys of one file."""

    def __init__(self, command: Sequence[str], keys: bytes, name: str) -> None:
        """See :meth:`open`."""
        self._command = command
        self._keys = keys
        self._name = name

    @classmethod
    def open(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Read the keys and find the program.

        Args:
            path: OpenPGP public keys, binary or armoured, or a keybox.
            environment: asked for ``PATH``.

        Raises:
            InputError: the file holds no keys.
            NotFoundError: there is no such file.
            OperationError: GnuPG is not installed, or the file cannot be read.
        """
        keys = _binary(read_document(path, limit_bytes=_LONGEST_KEYRING_BYTES), str(path))
        search = environment.get("PATH", os.defpath)
        if gpgv := shutil.which("gpgv", path=search):
            return cls([gpgv], keys, str(path))
        if gpg := shutil.which("gpg", path=search):
            return cls([gpg, "--batch", "--no-options", "--no-default-keyring", "--trust-model", "always"], keys, str(path))
        raise OperationError(
            "signatures cannot be checked: neither gpgv nor gpg is installed",
            subject=str(path),
            hint="install gpgv (Debian: gpgv, Fedora: gnupg2), or leave out --keyring",
        )

    async def check(self, path: str, signature: bytes, *, subject: str) -> str:
        """See ``ports.SignatureCheck``."""
        with tempfile.TemporaryDirectory(prefix="penstock-") as home:
            code, status = await self._run(Path(home), path, signature)
        words = [line.removeprefix(_STATUS).split() for line in status.decode(errors="replace").splitlines() if line.startswith(_STATUS)]
        said = {line[0]: line[1:] for line in words if line}
        valid = said.get("VALIDSIG", [])
        if code == 0 and valid and "GOODSIG" in said and not said.keys() & _BAD.keys():
            return valid[-1]  # the primary key's, where a subkey signed
        if "NO_PUBKEY" in said:
            key = said["NO_PUBKEY"][0]
            raise VerificationError(f"the key {key} that made the signature is not in {self._name}", subject=subject, hint=_NEXT)
        for keyword, meaning in _BAD.items():
            if keyword in said:
                raise VerificationError(meaning, subject=subject, hint=_NEXT)
        raise OperationError(
            f"{Path(self._command[0]).name} could not check the signature (exit code {code})",
            subject=subject,
            hint=f"see that {self._name} holds OpenPGP public keys",
        )

    async def _run(self, home: Path, path: str, signature: bytes) -> tuple[int, bytes]:
        """The exit code of GnuPG, and its status lines."""
        keys, detached = home / "keys.gpg", home / "detached.sig"
        try:
            keys.write_bytes(self._keys)
            detached.write_bytes(signature)
            verify = [] if Path(self._command[0]).name == "gpgv" else ["--verify"]
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *("--homedir", str(home), "--status-fd", "1", "--keyring", str(keys)),
                *verify,
                *("--", str(detached), path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"LC_ALL": "C", "GNUPGHOME": str(home), "PATH": os.environ.get("PATH", os.defpath)},
            )
        except OSError as error:
            raise file_error(error, self._command[0]) from error
        try:
            status, _ = await process.communicate()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode or 0, status


_NEXT = "the file or the signature was changed, or the keyring is not the publisher's; the file does not take its name"


_EXPORT = "give the file that gpg --export wrote"
_PUBLIC_KEY = frozenset({0x98, 0x99, 0x9A, 0x9B, 0xC6})
"""How a public key packet begins (RFC 9580 4.2): the old form with each kind of length, the new form."""

_KEYBOX = b"KBXf"


def _binary(content: bytes, subject: str) -> bytes:
    """The keys without armour, which gpgv does not read.

    Raises:
        InputError: there are none.
    """
    if not content.strip():
        raise InputError("the keyring is empty", subject=subject)
    if b"-----BEGIN" not in content[:4096]:
        if content[0] not in _PUBLIC_KEY and content[8:12] != _KEYBOX:
            raise InputError("the keyring holds no public keys", subject=subject, hint=_EXPORT)
        return content
    blocks = []
    for found in _ARMOUR.finditer(content.replace(b"\r\n", b"\n")):
        lines = [line.strip() for line in found[1].splitlines()]
        # Between the headers and the data stands an empty line; the last line, behind an equals sign, is a checksum.
        body = [line for line in lines if line and not line.startswith(b"=") and not _ARMOUR_HEADER.match(line)]
        try:
            blocks.append(base64.b64decode(b"".join(body), validate=True))
        except binascii.Error:
            raise InputError("the armour of the keys is broken", subject=subject) from None
    if not blocks:
        raise InputError("the keyring holds no public keys", subject=subject, hint=_EXPORT)
    return b"".join(blocks)
