"""Pseudonyms for identifiers; the masks of `masks.py` are offered here as well.

Standard library only at import time: the command line masks its messages with it before anything
heavy is loaded.
"""

import base64
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.errors import ConfigError
from pipelines.core.masks import (
    is_valid_identity_number,
    mask_identity_numbers,
    mask_text,
    mask_value,
    verhoeff_digit,
)

try:  # CPython's own SHA-256 starts faster than OpenSSL's; for 12 bytes the start is the cost
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = [
    "Tokeniser",
    "is_valid_identity_number",
    "key_from_env",
    "mask_identity_numbers",
    "mask_text",
    "mask_value",
    "verhoeff_digit",
]

PUBLIC_KEY, PUBLIC_KEY_ID = b"sangam-public-demo", 0
"""Key of bundled and synthetic data, whose results must be equal on every machine."""

TOKEN_CHARS = 26
"""Base32 characters of a token: 130 of the 256 bits of the HMAC."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE32_BLOCK, _TOKEN_BYTES = 32, 20
"""Base32 is decoded in groups of 8 characters, 5 bytes: a token padded, and its bytes."""

_DIGEST_BYTES = 32
_BLOCK_BYTES = 64
_MIN_KEY_CHARS = 16


@dataclass(frozen=True)
class Tokeniser:
    """Keyed, one-way pseudonyms (HMAC-SHA-256, RFC 2104; base32, RFC 4648).

    A token of the same key is its own token, with the node id of what it stands for: so a job
    finds the same records in a raw topic and in its tokenised table.

    Attributes:
        key: secret bytes; never shown by `repr`.
        key_id: small number that names the key inside each token.
    """

    key: bytes = field(repr=False)
    key_id: int

    def token(self, identifier: str) -> str:
        """Token of one identifier, `t<key id>_` and 26 characters."""
        digest = self._digest(identifier)
        return f"{self._prefix}{base64.b32encode(digest[:_TOKEN_BYTES])[:TOKEN_CHARS].decode()}"

    def node_id(self, identifier: str) -> int:
        """First 63 bits of the same HMAC, so it fits a signed long."""
        return int.from_bytes(self._digest(identifier)[:8], "big") >> 1

    def token_columns(
        self, identifiers: "pa.Array | pa.ChunkedArray"
    ) -> tuple["pa.Array", "pa.Array"]:
        """Tokens and node ids of a whole column.

        Args:
            identifiers: n strings (other types are cast to string); null stays null.

        Returns:
            Two arrays of length n: tokens (string) and node ids (int64).
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(identifiers, pa.ChunkedArray):
            identifiers = identifiers.combine_chunks()
        texts = pc.cast(identifiers, pa.string()).fill_null("")
        digests = self._digests(texts.cast(pa.binary()).to_numpy(zero_copy_only=False))
        if pc.any(made := pc.match_substring_regex(texts, self._pattern)).as_py():
            known = "".join(map(self._base32, texts.filter(made).to_pylist()))
            digests[made.to_numpy(zero_copy_only=False), :_TOKEN_BYTES] = _decode_tokens(known)
        tokens = _encode_tokens(digests, self._prefix.encode())
        nodes = pa.array((digests[:, :8].copy().view(">u8").ravel() >> 1).astype("int64"))
        if not identifiers.null_count:
            return tokens, nodes
        known = pc.is_valid(identifiers)
        return (
            pc.if_else(known, tokens, pa.scalar(None, pa.string())),
            pc.if_else(known, nodes, pa.scalar(None, pa.int64())),
        )

    def _digests(self, texts: Iterable[bytes]) -> "npt.NDArray[np.uint8]":
        """HMACs as rows of 32 bytes; the states after the two key blocks are computed once."""
        import numpy as np

        key = self.key if len(self.key) <= _BLOCK_BYTES else sha256(self.key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        inner = sha256(bytes(byte ^ 0x36 for byte in block)).copy
        outer = sha256(bytes(byte ^ 0x5C for byte in block)).copy
        digests = bytearray()
        for text in texts:
            first, second = inner(), outer()
            first.update(text)
            second.update(first.digest())
            digests += second.digest()
        return np.frombuffer(digests, dtype=np.uint8).reshape(-1, _DIGEST_BYTES)

    @property
    def _prefix(self) -> str:
        return f"t{self.key_id}_"

    @property
    def _pattern(self) -> str:
        return rf"^{self._prefix}[A-Z2-7]{{{TOKEN_CHARS}}}$"

    def _digest(self, identifier: str) -> bytes:
        """HMAC of an identifier, or as much of it as a token of this key tells."""
        if re.fullmatch(self._pattern, identifier):
            return base64.b32decode(self._base32(identifier))
        return hmac.digest(self.key, identifier.encode(), "sha256")

    def _base32(self, token: str) -> str:
        return token[len(self._prefix) :].ljust(_BASE32_BLOCK, "A")


def _decode_tokens(base32: str) -> "npt.NDArray[np.uint8]":
    """The first 130 bits of the HMACs that padded tokens stand for, one a row."""
    import numpy as np

    return np.frombuffer(base64.b32decode(base32), dtype=np.uint8).reshape(-1, _TOKEN_BYTES)


def _encode_tokens(digests: "npt.NDArray[np.uint8]", prefix: bytes) -> "pa.Array":
    """Base32 of the first 130 bits of each row, written into one Arrow buffer."""
    import numpy as np
    import pyarrow as pa

    rows, width = len(digests), len(prefix) + TOKEN_CHARS
    alphabet = np.frombuffer(_ALPHABET, dtype=np.uint8)
    text = np.empty((rows, width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    for k in range(TOKEN_CHARS):
        byte, shift = divmod(5 * k, 8)
        pair = digests[:, byte].astype(np.uint16) << 8 | digests[:, byte + 1]
        text[:, len(prefix) + k] = alphabet[(pair >> (11 - shift)) & 31]
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))


def key_from_env(
    is_public_data: bool, env: Mapping[str, str] = os.environ, key_file: Path | None = None
) -> Tokeniser:
    """Choose the key of a run.

    Bundled and synthetic data use the public key. Other input takes `SANGAM_TOKEN_KEY` and
    `SANGAM_TOKEN_KEY_ID`; with neither set, a random key is kept in an ignored file.

    Args:
        is_public_data: true for bundled and synthetic input.
        env: environment to read.
        key_file: where the random key lives; `.sangam/token.key` of the checkout when None.

    Raises:
        ConfigError: one variable without the other, a short or public key, a bad key id, or a key
            file that others may read.
    """
    if is_public_data:
        return Tokeniser(PUBLIC_KEY, PUBLIC_KEY_ID)
    key, key_id = env.get("SANGAM_TOKEN_KEY", ""), env.get("SANGAM_TOKEN_KEY_ID", "")
    if not key and not key_id:
        file = key_file or Path(__file__).parents[2] / ".sangam" / "token.key"
        return Tokeniser(_stored_key(file), 1)
    missing = [n for n, v in (("SANGAM_TOKEN_KEY", key), ("SANGAM_TOKEN_KEY_ID", key_id)) if not v]
    if missing:
        raise ConfigError(f"{missing[0]} is not set: set both variables of the key, or neither.")
    if len(key) < _MIN_KEY_CHARS or key.encode() == PUBLIC_KEY:
        raise ConfigError(
            f"SANGAM_TOKEN_KEY is refused: at least {_MIN_KEY_CHARS} characters, and not the"
            " public demo key. Make one with `openssl rand -hex 32`."
        )
    if not (key_id.isascii() and key_id.isdigit() and int(key_id) > 0):
        raise ConfigError(
            f"SANGAM_TOKEN_KEY_ID={key_id!r} is refused: give a whole number from 1"
            " (0 is the public key)."
        )
    return Tokeniser(key.encode(), int(key_id))


def _stored_key(file: Path) -> bytes:
    """Random key of the embedded mode, made on first use; linked in place so two runs agree."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_hex(32))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    if file.stat().st_mode & 0o077:
        raise ConfigError(f"Others may read the token key {file}: run `chmod 600` on it.")
    key = file.read_text().strip()
    if len(key) < _MIN_KEY_CHARS:
        raise ConfigError(
            f"The token key {file} is too short: put the old key back, or remove the"
            " file to get a new one (tokens of earlier runs will then differ)."
        )
    return key.encode()
