"""Ed25519 keys (RFC 8032) and their ids. Bytes in, bytes out: files belong to who owns them.

A key id is the first 8 bytes of the key's COSE thumbprint (RFC 9679): SHA-256 over the deterministic encoding of the
required members of its COSE_Key (RFC 9053 section 7.2): `{1: 1 (OKP), -1: 6 (Ed25519), -2: x}`.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from nacl import bindings
from nacl.exceptions import CryptoError

from evidence import cbor
from evidence.errors import MalformedError, SignatureError

KEY_ID_BYTES = 8
PUBLIC_KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64
_COSE_KEY = cbor.encode({1: 1, -1: 6, -2: bytes(PUBLIC_KEY_BYTES)})[:-PUBLIC_KEY_BYTES]  # up to its x, which is last


@dataclass(frozen=True)
class PublicKey:
    """A verification key; `data` is its 32 bytes x."""

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != PUBLIC_KEY_BYTES:
            raise MalformedError(f"a public key has {PUBLIC_KEY_BYTES} bytes, this has {len(self.data)}")

    @cached_property
    def id(self) -> bytes:
        """The 8 bytes that name this key in a protected header."""
        return hashlib.sha256(_COSE_KEY + self.data).digest()[:KEY_ID_BYTES]

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check a signature over a message.

        Raises:
            SignatureError: The signature is not this key's over these bytes, or not 64 bytes.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(f"a signature has {SIGNATURE_BYTES} bytes, this has {len(signature)}")
        try:
            bindings.crypto_sign_open(signature + message, self.data)
        except CryptoError as error:
            raise SignatureError("the signature does not fit the key and the bytes") from error


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private key; `seed` is its 32 secret bytes. It never shows them in a repr."""

    seed: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise MalformedError(f"a private key has {SEED_BYTES} bytes, this has {len(self.seed)}")

    def __repr__(self) -> str:
        """The key's id, never its seed."""
        return f"SigningKey(id={self.public.id.hex()})"

    @cached_property
    def _pair(self) -> tuple[bytes, bytes]:
        public, secret = bindings.crypto_sign_seed_keypair(self.seed)
        return public, secret

    @cached_property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self._pair[0])

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of signature over a message."""
        return bindings.crypto_sign(message, self._pair[1])[:SIGNATURE_BYTES]
