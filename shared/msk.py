"""Who we are, for Amazon MSK with IAM: a signed token in place of a password.

The signing is the AWS library's; it takes credentials where every AWS client does (pod identity,
instance profile, environment). It is installed with the extra `msk`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from aiokafka.abc import AbstractTokenProvider

_MARGIN_SECONDS: Final = 60.0

Sign = Callable[[str], tuple[str, int]]
"""Returns a token for an AWS region, and when it runs out, in ms since 1970. May block."""


class SignerMissingError(Exception):
    """The library that signs is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs aws-msk-iam-sasl-signer-python: install the "
            "extra `msk`, or build the image with it (make images EXTRAS=msk)"
        )


class MskTokens(AbstractTokenProvider):  # type: ignore[misc] # aiokafka has no types
    """Gives a connection its token; one serves until shortly before it runs out."""

    def __init__(self, region: str, sign: Sign | None = None) -> None:
        self._region = region
        self._sign = sign or signer()
        self._token, self._ends = "", 0.0

    async def token(self) -> str:
        """Return a token that is good for another minute at least."""
        if time.time() > self._ends - _MARGIN_SECONDS:
            self._token, ends = await asyncio.to_thread(self._sign, self._region)
            self._ends = ends / 1000
        return self._token


def signer() -> Sign:
    """Return what AWS's library signs with. Raises `SignerMissingError`."""
    try:
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SignerMissingError from error
    sign: Sign = MSKAuthTokenProvider.generate_auth_token
    return sign
