from __future__ import annotations

import hmac
import random

from subscribers.keyed import keyed_hash


def test_a_keyed_hash_is_the_hmac_of_the_standard_library() -> None:
    dice = random.Random(2104)
    for length in (1, 16, 32, 63, 64, 65, 200):
        key = dice.randbytes(length)
        for text in (b"", b"message 1 2", dice.randbytes(500)):
            assert keyed_hash(key, text) == hmac.digest(key, text, "sha256"), length
