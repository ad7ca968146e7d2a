"""The append-only Merkle log (RFC 9162) of everything that was accepted."""
