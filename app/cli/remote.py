"""One service afar, asked over its JSON API with a token. What it says is data, and is not believed to be ours.

The token goes to this one address and nowhere else: a redirect is an error. Certificates are verified, by those that
SSL_CERT_FILE or SSL_CERT_DIR name where one is set. Proxies of the environment are used, but not to reach this machine.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from app.cli.address import checked, is_loopback
from app.cli.sse import Event, Reader
from app.errors import BadInput, Failed, FollowthroughError, Refused, Transient, Unknown
from app.redact import redact

_CONNECT_SECONDS = 10.0
# One answer, from its first byte to its last.
_ANSWER_SECONDS = 60.0
# A stream without a byte for so long is dead: the service sends one more often than this.
_SILENCE_SECONDS = 60.0
_BODY_LIMIT = 32 * 1024 * 1024
_SAID_LIMIT = 2000
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Remote:
    """A client of one service; close it, or use it in a `with`.

    Each method raises what the service says: BadInput (no such thing, a wrong argument, no token), Refused, Failed, and
    Transient when it does not answer. An answer to a change that got lost is Unknown: it may have been done.
    """

    def __init__(self, address: str, token: str, insecure_http: bool = False) -> None:
        self._address = checked(address, insecure_http)
        self.hidden = [token] if token else []
        # Unpacking what a stranger packed may take any amount of memory.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "followthrough"}
        if token:
            if not (token.isascii() and token.isprintable() and " " not in token):
                raise BadInput("bad-token", "reading FOLLOWTHROUGH_TOKEN: it holds characters that no token has")
            headers["Authorization"] = f"Bearer {token}"
        parts = urlsplit(self._address)
        try:
            # One that trusts nobody is made faster, where nothing is to be verified.
            tls = parts.scheme == "https"
            verify = httpx.create_ssl_context() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._client = httpx.Client(
                headers=headers,
                verify=verify,
                trust_env=not is_loopback(parts.hostname or ""),
                timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
                follow_redirects=False,
            )
        except (OSError, ValueError, httpx.InvalidURL, ImportError) as error:
            message = f"speaking to {self._address}: the environment's proxy or certificates cannot be used: {error}"
            raise BadInput("environment-unfit", redact(message)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, *path: str, **query: str | int) -> Any:
        """What is there, as plain data with every text redacted. Empty values of `query` are left out."""
        return self._answer("GET", path, query, None)

    def post(self, *path: str, **body: str) -> Any:
        """Have something done, once: it is not sent again by itself. Returns what the service answers."""
        return self._answer("POST", path, {}, body)

    def stream(self, *path: str, last_id: str) -> Iterator[Event]:
        """The server-sent events after the one with this id, until the stream ends."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        limits = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        reader = Reader(last_id)
        request = self._request("GET", path, headers=headers, timeout=limits)
        with self._sent(request) as response:
            if response.status_code != 200:
                raise self._error(response, _body(response))
            for data in response.iter_raw():
                yield from reader.feed(data)

    def _answer(self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: Any) -> Any:
        params = {name: value for name, value in query.items() if value != ""}
        request = self._request(method, path, params=params, json=body)
        with self._sent(request) as response:
            data = _body(response)
            if response.status_code not in (200, 201, 202):
                raise self._error(response, data)
        try:
            return hidden(plain(data), self.hidden)
        except (ValueError, RecursionError):
            raise self._strange("its answer is no JSON") from None

    def _request(self, method: str, path: tuple[str, ...], **more: Any) -> httpx.Request:
        if any(part in ("", ".", "..") for part in path):
            raise BadInput("bad-name", f"asking {self._address}: {'/'.join(path)!r} is the name of nothing")
        url = "/".join((self._address, "api", *(quote(part, safe="", errors="replace") for part in path)))
        try:
            return self._client.build_request(method, url, **more)
        except httpx.InvalidURL as error:
            raise BadInput("bad-name", redact(f"asking {self._address}: {error}")[:_SAID_LIMIT]) from None

    @contextmanager
    def _sent(self, request: httpx.Request) -> Iterator[httpx.Response]:
        """The answer while it is open; what goes wrong on the way becomes ours."""
        try:
            response = self._client.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise self._lost(request.method, error) from None

    def _lost(self, method: str, error: Exception) -> FollowthroughError:
        said = redact(str(error) or type(error).__name__, self.hidden)[:_SAID_LIMIT]
        where = f"speaking to {self._address}"
        if "CERTIFICATE_VERIFY_FAILED" in said:
            message = f"{where}: its certificate is not one that is trusted here ({said}); SSL_CERT_FILE names others"
            return Failed("certificate-not-trusted", message)
        if method == "GET" or isinstance(error, _NOT_SENT):
            return Transient("service-unreachable", f"{where}: it does not answer ({said}); is --server right?")
        message = f"{where}: the answer was lost ({said}); it may have been done, see followthrough runs and approvals"
        return Unknown("answer-lost", message)

    def _error(self, response: httpx.Response, body: bytes) -> FollowthroughError:
        status, where = response.status_code, f"speaking to {self._address}"
        reason, said = _told(body, self.hidden)
        if 300 <= status < 400:
            place = redact(response.headers.get("location", "elsewhere"), self.hidden)[:_SAID_LIMIT]
            return Failed(
                "redirected", f"{where}: it sends us to {place}, where the token does not go; give its own address"
            )
        if status == 401:
            hint = "look at FOLLOWTHROUGH_TOKEN" if self.hidden else "set FOLLOWTHROUGH_TOKEN"
            return BadInput(reason or "no-token", f"{where}: {said or 'it lets nobody in'}; {hint}")
        if status in (429, 503) or (status in (502, 504) and response.request.method == "GET"):
            return Transient(reason or "service-unavailable", said or f"{where}: it answers {status}; try again later")
        if status in (502, 504):
            message = f"{where}: something in between answers {status}; it may have been done, see followthrough runs"
            return Unknown("answer-lost", message)
        if not reason:
            return self._strange(f"it answers {status}")
        kinds = {400: BadInput, 404: BadInput, 422: BadInput, 403: Refused, 409: Refused}
        return kinds.get(status, Failed)(reason, said)

    def _strange(self, found: str) -> Failed:
        message = f"speaking to {self._address}: {found}; is this address a Followthrough of this version?"
        return Failed("not-followthrough", message)


def _body(response: httpx.Response) -> bytes:
    """All of an answer. Raises what httpx raises for one that is cut short, too long or too slow."""
    deadline, data = time.monotonic() + _ANSWER_SECONDS, bytearray()
    for part in response.iter_raw():
        data += part
        if len(data) > _BODY_LIMIT:
            raise httpx.ReadError(f"the answer is longer than {_BODY_LIMIT} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer takes too long")
    return bytes(data)


def _told(body: bytes, known: list[str]) -> tuple[str, str]:
    """Reason and message of an error in the API's own form, empty for any other."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in ("error", "message")):
        return "", ""
    return redact(said["error"], known)[:100], redact(said["message"], known)[:_SAID_LIMIT]


def plain(data: bytes | str) -> Any:
    """What JSON says. Raises ValueError for what is none, NaN and infinities among them, and RecursionError."""
    return json.loads(data, parse_constant=_refused)


def _refused(word: str) -> None:
    raise ValueError(word)


def hidden(value: Any, known: list[str]) -> Any:
    """Plain data with every text redacted, names included."""
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, dict):
        return {redact(str(name), known): hidden(inner, known) for name, inner in value.items()}
    return [hidden(inner, known) for inner in value] if isinstance(value, list) else value
