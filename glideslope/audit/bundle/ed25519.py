"""Verification of Ed25519 signatures in plain Python, as RFC 8032, section 5.1.7, has it.

Slow (some milliseconds) and of no use for signing: it handles public values alone.
"""

import hashlib

Point = tuple[int, int, int, int]

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the key made this signature of the message."""
    key, start = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or start is None or len(signature) != 64 or s >= ORDER:  # noqa: PLR2004 - R and s
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    h = int.from_bytes(digest, "little") % ORDER
    return same(times(s, BASE), plus(start, times(h, key)))


def point(raw: bytes) -> Point | None:
    """Return the point in extended coordinates that 32 bytes stand for, None where they do not."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and raw[31] >> 7):
        return None
    x = P - x if x & 1 != raw[31] >> 7 else x
    return x, y, 1, x * y % P


def plus(a: Point, b: Point) -> Point:
    """Add two points."""
    m = (a[1] - a[0]) * (b[1] - b[0]) % P
    n = (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, a: Point) -> Point:
    """Multiply a point."""
    total = (0, 1, 1, 0)
    while number:
        total = plus(total, a) if number & 1 else total
        a, number = plus(a, a), number >> 1
    return total


def same(a: Point, b: Point) -> bool:
    """Compare two points."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)
