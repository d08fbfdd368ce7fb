"""What can be set for the reviewers' pages."""

from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from services.review.identity import EVERY_TENANT
from services.review.settings import ReviewSettings

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class WebSettings(ReviewSettings):
    """Those of the queue, and those of signing in and of the pages."""

    review_url: str | None = Field(
        default=None,
        description="Address by which browsers reach the pages, such as https://review.example. "
        "Not set: that of `review_host` and `review_port`, without TLS.",
    )
    review_sign_in: Literal["oidc", "local"] | None = Field(
        default=None,
        description="How reviewers sign in: `oidc`, at an OpenID provider; `local`, by a one-time "
        "link that the service prints, on a loopback address only. Not set: nobody can.",
    )
    review_oidc_issuer: str | None = Field(
        default=None,
        description="OpenID provider: the address under which its "
        "`/.well-known/openid-configuration` is.",
    )
    review_oidc_client_id: str | None = Field(
        default=None, description="Name under which that provider knows this service."
    )
    review_oidc_client_secret: SecretStr | None = Field(
        default=None, description="Secret that goes with it. Not set: PKCE alone."
    )
    review_oidc_scope: str = Field(
        default="openid profile", description="Scopes that are asked of the provider."
    )
    review_oidc_name_claim: str = Field(
        default="sub",
        description="Claim of the ID token that names a person, the same for ever and no other's; "
        "it stands in every decision.",
    )
    review_oidc_roles_claim: str = Field(
        default="roles",
        description="Claim that lists a person's roles, of reviewer, lead, auditor, operator.",
    )
    review_oidc_tenants_claim: str = Field(
        default="tenants",
        description="Claim that lists the tenants whose items a person may see; `*` is all.",
    )
    review_oidc_skills_claim: str = Field(
        default="skills", description="Claim that lists a person's skills."
    )
    review_local_tenants: tuple[str, ...] = Field(
        default=(EVERY_TENANT,),
        description="Tenants whose items are seen by who signs in locally. JSON list.",
    )
    review_session_hours: float = Field(
        default=8.0, gt=0, description="Time after which everybody must sign in again, hours."
    )
    review_session_idle_minutes: float = Field(
        default=30.0, gt=0, description="Time without a request that ends a session, minutes."
    )
    review_requests_per_minute: int = Field(
        default=600, ge=1, description="Requests that one address may make in a minute."
    )
    review_sign_ins_per_minute: int = Field(
        default=20, ge=1, description="Steps of signing in that one address may make in a minute."
    )
    review_max_body_bytes: int = Field(
        default=256 * 1024, ge=1024, description="Largest body of a request that is read, bytes."
    )
    review_status_page: bool = Field(
        default=False,
        description="Serve `/status`, where anybody who knows a request's source and id reads "
        "whether it waits, without signing in.",
    )

    @property
    def hosts(self) -> list[str]:
        """Names by which browsers may call us; any other is refused (DNS rebinding)."""
        if self.review_url:
            return [urlsplit(self.review_url).hostname or "", *LOOPBACK]
        if self.review_host in LOOPBACK:
            return [*LOOPBACK, "[::1]"]
        return [self.review_host] if self.review_host not in {"0.0.0.0", "::"} else ["*"]  # noqa: S104 - a comparison

    @model_validator(mode="after")
    def _must_be_safe(self) -> Self:
        if self.review_sign_in == "local" and self.review_host not in LOOPBACK:
            raise ValueError(
                f"GLIDESLOPE_REVIEW_SIGN_IN=local works on a loopback address alone, not on "
                f"{self.review_host}: leave GLIDESLOPE_REVIEW_HOST at 127.0.0.1, or sign in by oidc"
            )
        if self.review_sign_in == "oidc":
            for name in ("review_oidc_issuer", "review_oidc_client_id", "review_url"):
                if not getattr(self, name):
                    raise ValueError(
                        f"GLIDESLOPE_REVIEW_SIGN_IN=oidc also needs GLIDESLOPE_{name.upper()}"
                    )
        return self
