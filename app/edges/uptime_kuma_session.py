"""A session with Uptime Kuma: connected, logged in, every call limited in time.

The library blocks, reconnects without logging in again, and can hang. Here a session that is over is begun again
once, and whatever comes back is taken for somebody's text. The password is in no error, log line or repr.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Self, TypeVar

from app.edges.uptime_kuma_data import Beat, beat_of, whole
from app.errors import Failed, Transient

T = TypeVar("T")
SETTLE_SECONDS = 0.1
_GOODBYE_SECONDS = 2.0
_TOO_OFTEN = "too frequently"
_LONGEST = 300
_MOST_BEATS = 100
_LOGGED_OUT = "not logged in"


class Lost(Exception):
    """The session is over: logged out, or the connection is gone."""


class Session:
    """Logged in between `with` and its end. `timeout` is the limit of one call, in seconds.

    `api` is the library's client, None while there is no session. `beats` are the heartbeats that the server told of
    since, by monitor and time; `told` are the monitors whose earlier ones have come. Entering raises
    Transient("uptime-kuma-unreachable") or ("uptime-kuma-busy"), Failed("uptime-kuma-login-refused").
    """

    def __init__(self, url: str, user: str, password: str, timeout: float = 10) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        self._user, self._password = user, password
        self.api: Any = None
        self.beats: dict[int, dict[str, Beat]] = {}
        self.told: set[int] = set()

    def __repr__(self) -> str:
        return f"Session({self.url!r})"

    def __enter__(self) -> Self:
        self.log_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def again(self, do: Callable[[], T]) -> T:
        """Do something that may be done twice; once more, logged in anew, when the session turns out to be over."""
        try:
            return self.understood(do)
        except Lost:
            self.log_in()
        try:
            return self.understood(do)
        except Lost:
            raise self.unreachable("the session was lost again") from None

    def understood(self, do: Callable[[], T]) -> T:
        """What `do` makes of an answer. Raises Failed("uptime-kuma-unreadable") where it makes nothing of it."""
        try:
            return do()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.unreadable(f"an answer has another form than it should have ({type(error).__name__})") from None

    def call(self, event: str, data: Any = None) -> dict[str, Any]:
        """One question to the server. Raises Lost, Failed("uptime-kuma-refused")."""
        from socketio.exceptions import SocketIOError

        if self.api is None:
            raise Lost
        try:
            answer = self.api.sio.call(event, data, timeout=self.timeout)
        except SocketIOError:
            raise Lost from None
        if not isinstance(answer, Mapping):
            raise self.unreadable(f"{event} was answered with no table")
        if answer.get("ok") is True:
            return dict(answer)
        said = str(answer.get("msg") or "no reason given")
        if isinstance(data, Mapping) and (token := data.get("pushToken")):
            said = said.replace(str(token), "[redacted]")
        said = self._without_password(said)[:_LONGEST]
        if _LOGGED_OUT in said.lower():
            raise Lost
        raise Failed("uptime-kuma-refused", f"asking {self.url} for {event}: it refused: {said}")

    def library(self, name: str) -> Any:
        """What a method of the library's client returns. Raises Lost."""
        if self.api is None:
            raise Lost
        return self.limited(getattr(self.api, name))

    def log_in(self) -> None:
        """Begin the session, or begin it again."""
        self._leave()
        self.beats, self.told = {}, set()
        self._connect()
        try:
            self._let_in()
        except BaseException:
            self._leave()
            raise

    def _let_in(self) -> None:
        from socketio.exceptions import SocketIOError

        # The library takes a question for the second factor for a login, so the server is asked without it.
        sent = {"username": self._user, "password": self._password, "token": ""}
        try:
            answer = self.api.sio.call("login", sent, timeout=self.timeout)
        except SocketIOError:
            raise self.unreachable("it did not answer the login") from None
        if not isinstance(answer, Mapping):
            raise self.unreadable("the login was answered with no table")
        if answer.get("ok") is True:
            return
        if _TOO_OFTEN in str(answer.get("msg", "")).lower():
            why = "it lets in 20 logins a minute and has had them; wait a minute"
            raise Transient("uptime-kuma-busy", f"logging in to {self.url}: {why}")
        why = "it asks for a second factor" if answer.get("tokenRequired") else "the user or the password is wrong"
        raise Failed(
            "uptime-kuma-login-refused",
            f"logging in to {self.url}: {why}; correct the fields of the secret that vault.uptime_kuma_user_field and "
            "vault.uptime_kuma_password_field name, and keep that user without a second factor",
        )

    def _connect(self) -> None:
        for name in ("socketio.client", "engineio.client"):
            # They log what is sent, the password with it.
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        from uptime_kuma_api import UptimeKumaApi, UptimeKumaException

        late = threading.Event()

        def connect() -> Any:
            api = UptimeKumaApi(self.url, timeout=self.timeout, wait_events=SETTLE_SECONDS)
            # Its own reconnection would go on without a login.
            api.sio.reconnection = False
            # The library puts a list into a list where a heartbeat comes before the earlier ones.
            api.sio.on("heartbeat", self._beat)
            api.sio.on("heartbeatList", self._earlier_beats)
            if late.is_set():
                api.disconnect()
            return api

        try:
            self.api = self.limited(connect)
        except (UptimeKumaException, Lost):
            late.set()
            raise self.unreachable("it does not answer, or not as Uptime Kuma does") from None

    def _beat(self, raw: Any) -> None:
        with suppress(KeyError, TypeError, ValueError):
            self._keep(whole(raw["monitorID"]), [self._beat_of(raw)])

    def _earlier_beats(self, number: Any, rows: Any, *_: Any) -> None:
        # The number comes as text, being a key of a table of theirs.
        with suppress(KeyError, TypeError, ValueError):
            monitor = int(number)
            self._keep(monitor, [self._beat_of(row) for row in rows])
            self.told.add(monitor)

    def _beat_of(self, raw: Any) -> Beat:
        """A heartbeat; its message is cut, so that what a server knows is taken out of it first."""
        told = {**raw}
        if isinstance(said := told.get("msg"), str):
            told["msg"] = self._without_password(said)
        return beat_of(told)

    def _without_password(self, text: str) -> str:
        return text.replace(self._password, "[redacted]") if self._password else text

    def _keep(self, monitor: int, found: Sequence[Beat]) -> None:
        kept = {**self.beats.get(monitor, {}), **{beat.at: beat for beat in found}}
        self.beats[monitor] = dict(sorted(kept.items())[-_MOST_BEATS:])

    def _leave(self) -> None:
        from socketio.exceptions import SocketIOError

        api, self.api = self.api, None
        if api is not None:
            # A server that hangs would keep a polite goodbye waiting for half a minute.
            with suppress(TimeoutError, OSError, SocketIOError):
                _in_time(api.disconnect, _GOODBYE_SECONDS)

    def limited(self, do: Callable[[], T]) -> T:
        """What a call of the library returns or raises. Raises Lost when it takes too long."""
        from uptime_kuma_api import Timeout

        try:
            return _in_time(do, self.timeout + 1)
        except (Timeout, TimeoutError):
            raise Lost from None

    def unreachable(self, what: str) -> Transient:
        """The error for a server that does not answer."""
        return Transient("uptime-kuma-unreachable", f"talking to Uptime Kuma at {self.url}: {what}")

    def unreadable(self, what: str) -> Failed:
        """The error for an answer that makes no sense."""
        why = f"talking to Uptime Kuma at {self.url}: {what}; see that this version of it is supported"
        return Failed("uptime-kuma-unreadable", why)


def _in_time(do: Callable[[], T], seconds: float) -> T:
    """What `do` returns or raises. Raises TimeoutError when it has not ended by then; it is left to itself."""
    done: Future[T] = Future()

    def work() -> None:
        try:
            done.set_result(do())
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            done.set_exception(error)

    threading.Thread(target=work, daemon=True, name="uptime-kuma").start()
    return done.result(seconds)
