"""How much anybody may send. The webhook has a limit of its own, since what the forge sends is larger."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 65_536
_OWN = "/webhooks/"


class _TooLarge(Exception):
    """More came than may."""


class Bounded:
    """Answers 413 to a body of more than LARGEST bytes, before or while it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET" or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        came, answered = 0, False

        async def bounded() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > LARGEST:
                raise _TooLarge
            return message

        async def sending(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            if not declared.isdigit() or int(declared[:12]) > LARGEST:
                raise _TooLarge
            await self._app(scope, bounded, sending)
        except _TooLarge:
            if not answered:
                told = {"error": "body-too-large", "message": f"at most {LARGEST} bytes may be sent here"}
                await JSONResponse(told, 413, {"Connection": "close"})(scope, receive, send)
