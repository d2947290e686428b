"""sha256 of short texts, by Python's own code: to load OpenSSL takes 3 ms, as long as to hash a
megabyte so. What hashes whole files takes `hashlib`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256 as _sha256
else:
    try:
        from _sha2 import sha256 as _sha256
    except ImportError:  # before Python 3.12, or another Python
        try:
            from _sha256 import sha256 as _sha256
        except ImportError:
            from hashlib import sha256 as _sha256


def sha256(text: str) -> str:
    """In hexadecimal."""
    return _sha256(text.encode()).hexdigest()
