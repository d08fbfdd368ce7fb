"""The queue of reviews as the command line meets it where its service is: over HTTP."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self

import httpx

from glideslope.terminal import CommandError, Exit
from shared.settings import Settings

URL: Final = "GLIDESLOPE_REVIEW_URL"
TOKEN: Final = "GLIDESLOPE_REVIEW_TOKEN"  # noqa: S105 - the variable's name
_SECONDS: Final = 30.0
_PAGE: Final = 200
_STEP_SECONDS: Final = 0.1


class Desk:
    """A session with the service at `GLIDESLOPE_REVIEW_URL`.

    Every method raises `CommandError` with what the service says.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, settings: Settings) -> AsyncIterator[Self]:
        """Open a session. The token is `GLIDESLOPE_REVIEW_TOKEN`, or the one in the home folder.

        A service on this machine that signs people in locally leaves it there.
        """
        token = os.environ.get(TOKEN) or _left_in(settings.home / "review" / "token")
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        base = f"{url.rstrip('/')}/api/v1"
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=_SECONDS) as client:
            yield cls(client)

    async def waiting(self) -> list[Mapping[str, Any]]:
        """Return every item that is open, the longest waiting first."""
        found: list[Mapping[str, Any]] = []
        while True:
            page = await self._ask(
                "GET", "/items", params={"order": "age", "offset": len(found), "limit": _PAGE}
            )
            found += page["items"]
            if not page["items"] or len(found) >= page["total"]:
                return found

    async def find(self, request_id: str, source: str | None) -> str:
        """Return the id of the item of a request, by its source where several have its id."""
        page = await self._ask(
            "GET", "/items", params={"text": request_id, "every_status": True, "limit": _PAGE}
        )
        found = [
            each
            for each in page["items"]
            if each["request_id"] == request_id and source in {None, each["request_source"]}
        ]
        if not found:
            raise CommandError(
                f"no request {request_id!r} waits for a person: see `glideslope review list`"
            )
        if len(found) > 1:
            sources = ", ".join(sorted(each["request_source"] for each in found))
            raise CommandError(
                f"several requests have the id {request_id!r}: say which with --source, "
                f"one of {sources}"
            )
        return str(found[0]["id"])

    async def await_item(self, request_id: str, source: str, seconds: float) -> str:
        """Return the id of the item of a request that is on its way to the queue."""
        give_up = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                return await self.find(request_id, source)
            except CommandError:
                if asyncio.get_running_loop().time() > give_up:
                    raise
            await asyncio.sleep(_STEP_SECONDS)

    async def item(self, item_id: str) -> Mapping[str, Any]:
        """Return an item whole."""
        found: Mapping[str, Any] = await self._ask("GET", f"/items/{item_id}")
        return found

    async def claim_next(self) -> Mapping[str, Any] | None:
        """Claim the most urgent item that is free; None if there is none."""
        found: Mapping[str, Any] | None = await self._ask("POST", "/claims")
        return found

    async def claim(self, item_id: str) -> Mapping[str, Any]:
        """Claim an item, or renew one's own claim."""
        found: Mapping[str, Any] = await self._ask("POST", f"/items/{item_id}/claim")
        return found

    async def release(self, item_id: str) -> None:
        """Give an item back."""
        await self._ask("POST", f"/items/{item_id}/release", json=await self._under(item_id))

    async def snooze(self, item_id: str, until: datetime, note: str) -> None:
        """Put an item off, and give it back."""
        later = {**await self._under(item_id), "until": until.isoformat(), "note": note}
        await self._ask("POST", f"/items/{item_id}/snooze", json=later)

    async def hand_over(self, item_id: str, to: str, note: str) -> None:
        """Give an item to another person."""
        given = {**await self._under(item_id), "to": to, "note": note}
        await self._ask("POST", f"/items/{item_id}/hand-over", json=given)

    async def history(self, item_id: str) -> list[Mapping[str, Any]]:
        """Return what happened to an item, the oldest first."""
        found: list[Mapping[str, Any]] = await self._ask("GET", f"/items/{item_id}/history")
        return found

    async def undo(self, item_id: str) -> Mapping[str, Any]:
        """Take the last decision on an item back."""
        opinions = await self._ask("GET", f"/items/{item_id}/opinions")
        if not opinions:
            raise CommandError("nobody has decided on it: nothing to undo")
        last = opinions[-1]["id"]
        found: Mapping[str, Any] = await self._ask("DELETE", f"/items/{item_id}/decisions/{last}")
        return found

    async def decide(
        self, item_id: str, choice: Mapping[str, Any], *, text: str | None = None
    ) -> Mapping[str, Any]:
        """Claim an item, decide what was read of it now, and give it back if that is refused.

        With a `text` that is put before the checks first, and let out if it passes.
        """
        item = await self.item(item_id)
        claim = await self._ask("POST", f"/items/{item_id}/claim")
        under = {"token": claim["token"]}
        try:
            if text is not None:
                choice = {**choice, "proposal": await self._checked(item_id, under, text)}
            decision: Mapping[str, Any] = await self._ask(
                "POST",
                f"/items/{item_id}/decisions",
                json={**choice, **under, "payload": item["payload"]},
            )
        except CommandError:
            await self._ask("POST", f"/items/{item_id}/release", json=under)
            raise
        return decision

    async def _under(self, item_id: str) -> Mapping[str, Any]:
        claim = (await self.item(item_id))["summary"]["claim"]
        return {"token": 0 if claim is None else claim["token"]}

    async def _checked(self, item_id: str, under: Mapping[str, Any], text: str) -> str:
        proposals = f"/items/{item_id}/proposals"
        edit = await self._ask("POST", proposals, json={**under, "text": text})
        seen = await self._ask("GET", f"{proposals}/{edit['id']}", params={"wait": _SECONDS / 2})
        if seen["checks"] is None:
            raise CommandError(
                "the checks have not answered: see that the validator runs, then try again",
                Exit.TIMEOUT,
            )
        return str(edit["id"])

    async def _ask(self, method: str, path: str, **sent: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **sent)
        except httpx.HTTPError as error:
            raise CommandError(
                f"the review service does not answer at {self._client.base_url} "
                f"({type(error).__name__}): see that it runs, and what {URL} says"
            ) from error
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise CommandError(
                f"the review service does not know you: set {TOKEN}; on this machine start it "
                "with GLIDESLOPE_REVIEW_SIGN_IN=local glideslope up, and the token is found",
                Exit.REFUSED,
            )
        if answer.is_error:
            raise CommandError(_message(answer), Exit.REFUSED)
        return answer.json() if answer.content else None


def address() -> str | None:
    """Return where the service is, if it is to be used."""
    return os.environ.get(URL) or None


def required_address(settings: Settings) -> str:
    """Return where the service is: where it is said, else where one runs on this home.

    Raises `CommandError` where neither is so.
    """
    url = address() or _left_in(settings.home / "review" / "url")
    if url is None:
        raise CommandError(
            f"this goes through the review service, and none runs on {settings.home}: start it "
            "there with GLIDESLOPE_REVIEW_SIGN_IN=local glideslope up, or set "
            f"{URL} to the address of one"
        )
    return url


def _left_in(file: Path) -> str | None:
    try:
        return file.read_text().strip() or None
    except OSError:
        return None


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"the review service says {answer.status_code}"
