"""Who signs in, by which way, and who does not."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from services.review.web.settings import WebSettings
from shared import web
from tests.unit.services.review.web.office import Office, token_in
from tests.unit.services.review.web.provider import CLIENT, SECRET, Provider


@pytest.fixture(scope="module")
def keys() -> tuple[RSAKey, RSAKey]:
    """The provider's key, and a forger's."""
    return RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})


@pytest.fixture
async def provider(keys: tuple[RSAKey, RSAKey]) -> AsyncIterator[Provider]:
    provider = Provider(keys[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with web.serving(provider.app(), listener) as url:
            provider.issuer = url
            yield provider


@pytest.fixture
def changed(provider: Provider) -> dict[str, Any]:
    return {
        "review_oidc_issuer": provider.issuer,
        "review_oidc_client_id": CLIENT,
        "review_oidc_client_secret": SECRET,
    }


async def sign_in(browser: httpx2.AsyncClient) -> httpx2.Response:
    """Go to the provider and back."""
    out = await browser.get("/sign-in/start")
    return await browser.get(await _back(out))


async def _back(out: httpx2.Response) -> str:
    async with httpx2.AsyncClient(timeout=60) as elsewhere:
        return str((await elsewhere.get(out.headers["location"])).headers["location"])


ADA = {"sub": "ada", "name": "Ada Lovelace", "roles": ["reviewer"], "tenants": ["acme"]}


async def test_a_person_signs_in_at_the_provider_and_sees_the_queue(
    office: Office, provider: Provider
) -> None:
    provider.person = ADA
    browser = await office.browser()
    assert (await sign_in(browser)).headers["location"] == "/queue"
    page = await browser.get("/queue")
    assert page.status_code == 200
    assert "Ada Lovelace" in page.text
    (entry,) = await office.accesses()
    assert (entry.action, entry.who, entry.roles) == ("signed_in", "ada", ("reviewer",))


async def test_who_is_not_signed_in_is_sent_to_do_so_and_then_where_they_wanted(
    office: Office, provider: Provider
) -> None:
    browser = await office.browser()
    sent = await browser.get("/items/1")
    assert sent.headers["location"] == "/sign-in?next=/items/1"
    provider.person = {"sub": "ada", "roles": ["lead"], "tenants": ["acme"]}
    page = await browser.get(sent.headers["location"])
    assert "/sign-in/start?next=/items/1" in page.text
    out = await browser.get("/sign-in/start?next=/items/1")
    there = await browser.get(await _back(out))
    assert there.headers["location"] == "/items/1"


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_leads_to_no_other_site(office: Office, onward: str) -> None:
    browser = await office.browser()
    page = await browser.get("/sign-in", params={"next": onward})
    assert "evil" not in page.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": "another"}, "bad_answer"),
        ({"iss": "https://evil.example"}, "bad_answer"),
        ({"aud": "another-client"}, "bad_answer"),
        ({"exp": 1}, "bad_answer"),
        ({"roles": []}, "no_role"),
        ({"roles": ["admin"]}, "no_role"),
        ({"tenants": []}, "no_role"),
    ],
)
async def test_an_id_token_that_is_not_for_us_signs_nobody_in(
    office: Office, provider: Provider, changes: dict[str, Any], code: str
) -> None:
    provider.person = {"sub": "ada", "roles": ["reviewer"], "tenants": ["acme"]}
    provider.changes = changes
    browser = await office.browser()
    answer = await sign_in(browser)
    assert answer.status_code == 403
    assert await office.refusals() == [code]
    assert (await browser.get("/queue")).status_code == 303


async def test_a_role_that_another_key_has_signed_is_forged(
    office: Office, provider: Provider, keys: tuple[RSAKey, RSAKey]
) -> None:
    provider.person = {"sub": "eve", "roles": ["lead"], "tenants": ["*"]}
    provider.signs_with = keys[1]
    answer = await sign_in(await office.browser())
    assert answer.status_code == 403
    assert await office.refusals() == ["bad_answer"]


async def test_an_answer_of_the_provider_works_once_and_in_its_own_browser(
    office: Office, provider: Provider
) -> None:
    provider.person = {"sub": "ada", "roles": ["reviewer"], "tenants": ["acme"]}
    browser, other = await office.browser(), await office.browser()
    out = await browser.get("/sign-in/start")
    back = await _back(out)
    await other.get("/sign-in/start")
    assert (await other.get(back)).status_code == 403
    assert (await browser.get(back)).status_code == 303
    assert (await browser.get(back)).status_code == 403


async def test_signing_in_gives_a_new_session_and_signing_out_ends_it(
    office: Office, provider: Provider
) -> None:
    provider.person = ADA
    browser = await office.browser()
    out = await browser.get("/sign-in/start")
    before = browser.cookies["glideslope"]
    await browser.get(await _back(out))
    cookie = browser.cookies["glideslope"]
    assert cookie != before
    page = await browser.get("/queue")
    await browser.post("/sign-out", data={"csrf": token_in(page)})
    browser = await office.browser()
    browser.cookies.set("glideslope", cookie)
    assert (await browser.get("/queue")).status_code == 303
    assert "session_over" in await office.refusals()


async def test_a_program_asks_with_an_access_token_of_the_provider(
    office: Office, provider: Provider
) -> None:
    provider.person = {"sub": "robot", "roles": ["reviewer"], "tenants": ["acme"]}
    browser = await office.browser()
    for token, status in (
        (provider.access_token(), 200),
        (provider.access_token(aud="another"), 401),
        (provider.access_token(exp=1), 401),
        ("junk", 401),
    ):
        headers = {"authorization": f"Bearer {token}"}
        assert (await browser.get("/api/v1/counts", headers=headers)).status_code == status
    assert await office.refusals() == ["bad_token"] * 3


@pytest.mark.parametrize("changed", [{"review_sign_in": "local", "review_url": None}])
async def test_a_link_of_the_laptop_works_once(office: Office) -> None:
    assert office.site.local is not None
    office.site.local.offer("http://127.0.0.1:8095")
    (link,) = office.links
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await (await office.browser()).get("/sign-in/offer", headers=elsewhere)).is_error
    assert office.links == [link]
    browser, late = await office.browser(), await office.browser()
    assert (await browser.get(link)).status_code == 303
    assert (await browser.get("/queue")).status_code == 200
    assert (await late.get(link)).status_code == 403
    assert await office.refusals() == ["csrf", "used_link"]


@pytest.mark.parametrize("changed", [{"review_sign_in": "local", "review_url": None}])
async def test_the_command_line_reads_its_token_where_only_its_user_can(office: Office) -> None:
    file = office.site._settings.review_folder / "token"
    assert file.stat().st_mode & 0o077 == 0
    browser = await office.browser()
    headers = {"authorization": f"Bearer {file.read_text()}"}
    assert (await browser.get("/api/v1/counts", headers=headers)).status_code == 200


@pytest.mark.parametrize("changed", [{"review_sign_in": None}])
async def test_without_a_way_to_sign_in_nobody_can_and_the_page_says_what_to_set(
    office: Office,
) -> None:
    browser = await office.browser()
    assert "GLIDESLOPE_REVIEW_SIGN_IN" in (await browser.get("/sign-in")).text
    assert (await browser.get("/api/v1/counts")).status_code == 401


def test_the_laptops_way_is_refused_on_an_address_that_others_reach() -> None:
    with pytest.raises(ValidationError, match="loopback"):
        WebSettings(review_sign_in="local", review_host="0.0.0.0")  # noqa: S104 - refused
