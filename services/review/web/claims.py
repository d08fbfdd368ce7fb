"""What an OpenID provider says of a person, as who they are here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.review.identity import Identity, Role


class NoRoleError(Exception):
    """The provider knows this person, and gives them no role or tenant here."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is signed in and has no role here: ask who runs the provider to give you "
            f"one of {', '.join(Role)}, and a tenant"
        )


@dataclass(frozen=True, slots=True)
class Names:
    """Under which claims a provider says what; see the settings of these names."""

    name: str = "sub"
    roles: str = "roles"
    tenants: str = "tenants"
    skills: str = "skills"

    def identity(self, claims: Mapping[str, Any]) -> Identity:
        """Return who the claims are of. Raises `NoRoleError`.

        A role that is none of ours says nothing: providers list those of other applications, too.
        """
        name = str(claims.get(self.name) or "")
        known = {role.value for role in Role}
        roles = frozenset(Role(each) for each in _listed(claims, self.roles) if each in known)
        tenants = frozenset(_listed(claims, self.tenants))
        if not name or not roles or not tenants:
            raise NoRoleError(name or "somebody without a name")
        return Identity(name, roles, tenants, frozenset(_listed(claims, self.skills)))


def called(claims: Mapping[str, Any], identity: Identity) -> str:
    """Return how to address a person (OpenID Connect Core 1.0, 5.1)."""
    return str(claims.get("name") or claims.get("preferred_username") or identity.name)


def _listed(claims: Mapping[str, Any], name: str) -> list[str]:
    """Return a claim's values; `a.b` is b inside of a, as in Keycloak's `realm_access.roles`."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return found.split()
    return [each for each in found or () if isinstance(each, str)]
