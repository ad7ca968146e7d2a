"""The unit of the ingest: raw checks of Ed25519 signatures through PyNaCl, without anything around them."""

import multiprocessing
import os
import timeit
from typing import Final

from nacl import bindings

from evidence.keys import SigningKey

COUNT: Final = 5_000
MESSAGE: Final = bytes(range(200))  # as large as an unchanged report


def verifications(turns: int = 5) -> float:
    """A second on one core; the best of some turns, whoever else is at work."""
    key = SigningKey(bytes(32))
    signed = key.sign(MESSAGE) + MESSAGE
    return COUNT / min(
        timeit.repeat(lambda: bindings.crypto_sign_open(signed, key.public.data), number=COUNT, repeat=turns)
    )


def verifications_of_all() -> float:
    """A second on all cores at once."""
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(verifications, [1] * cores, chunksize=1)  # all of them are there
        return sum(pool.map(verifications, [5] * cores, chunksize=1))
