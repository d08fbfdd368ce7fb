"""Signing in at an OpenID provider: authorization code with PKCE, state and nonce (authlib).

The same provider's access tokens, where they are JWTs for us (RFC 9068), are bearer tokens of the
API. What is not signed by the provider's keys is nobody's.
"""

from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request
from starlette.responses import Response

from services.review.identity import Identity
from services.review.web.claims import Names, NoRoleError, called

_ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
"""Those of a public key: neither `none`, nor one whose key would be the client's secret."""


_TIMEOUT_SECONDS: Final = 15


class SignInError(Exception):
    """The provider's answer proves nobody. `code` says why on the record."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Provider:
    """The OpenID provider under `issuer`."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, scope: str, names: Names
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._names = names
        self._client: Any = OAuth().register(
            name="provider",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": scope,
                "timeout": _TIMEOUT_SECONDS,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": (
                    "client_secret_basic" if client_secret is not None else "none"
                ),
            },
        )

    async def ask(self, request: Request, back: str) -> Response:
        """Send the browser to the provider, which sends it `back`."""
        response: Response = await self._client.authorize_redirect(request, back)
        return response

    async def answer(self, request: Request) -> tuple[Identity, str]:
        """Return who has signed in, and how they are called. Raises `SignInError`."""
        try:
            token = await self._client.authorize_access_token(
                request, claims_options={"iss": {"essential": True, "value": await self._named()}}
            )
        except (OAuthError, JoseError, ValueError) as error:
            raise SignInError(
                "bad_answer", "the provider's answer is not valid here: sign in again"
            ) from error
        claims = token.get("userinfo")
        if not claims:
            raise SignInError("no_id_token", "the provider sent no ID token: ask for `openid`")
        try:
            identity = self._names.identity(claims)
        except NoRoleError as error:
            raise SignInError("no_role", str(error)) from error
        return identity, called(claims, identity)

    async def bearer(self, token: str) -> Identity | None:
        """Return whose access token this is."""
        try:
            claims = await self._claims(token)
            jwt.JWTClaimsRegistry(
                leeway=30,
                iss={"essential": True, "value": await self._named()},
                aud={"essential": True, "value": self._client_id},
                exp={"essential": True},
            ).validate(claims)
            return self._names.identity(claims)
        except (JoseError, ValueError, NoRoleError):
            return None

    async def _claims(self, token: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(await self._client.fetch_jwk_set())
        try:
            return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        except InvalidKeyIdError:
            keys = KeySet.import_key_set(await self._client.fetch_jwk_set(force=True))
            return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims

    async def _named(self) -> str:
        """Return the issuer as the provider spells it; it must be ours but for a last slash."""
        metadata = await self._client.load_server_metadata()
        named = str(metadata.get("issuer", ""))
        if named.rstrip("/") != self._issuer:
            raise ValueError(f"{self._issuer} calls itself {named!r}: correct the issuer's address")
        return named
