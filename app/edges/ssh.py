"""An SSH connection to exactly one host: its key is pinned, our key is held in memory, nothing else is looked for.

Paramiko's own defaults are unsafe or slow for this: unknown hosts, agents and key files must be turned off by name,
and without TCP_NODELAY each call costs 40 ms. So does the first one where the host's news are not acknowledged at once.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import paramiko

from app.edges.machine import Completed
from app.errors import Failed, Transient
from app.settings import DevVMSettings

logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_CONNECT_SECONDS = 10
_LOOPBACK = "127.0.0.1"
# Linux has it.
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


def connect(settings: DevVMSettings, private_key: str) -> paramiko.SSHClient:
    """Open a connection with a key held in memory to the one host whose key is pinned.

    Raises Transient when the host cannot be reached, Failed when its name is none, when its key is another, when it
    refuses ours, or when either key cannot be read. Neither error holds key material, and neither leaves a connection.
    """
    doing = f"connecting to DevVM {settings.name} ({settings.user}@{settings.host}:{settings.port})"
    key = _private_key(private_key, doing)
    pinned = _host_key(settings, doing)
    client = paramiko.SSHClient()
    known_as = settings.host if settings.port == 22 else f"[{settings.host}]:{settings.port}"
    client.get_host_keys().add(known_as, pinned.get_name(), pinned)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        _open(client, settings, key)
    except paramiko.BadHostKeyException as error:
        found = f"the host showed {error.key.get_name()} {error.key.fingerprint}, pinned is {pinned.fingerprint}"
        message = f"{doing}: {found}; find out why before you change devvm.host_key"
        raise Failed("devvm-host-key-changed", message) from None
    except paramiko.AuthenticationException:
        message = f"{doing}: the key from Vault was refused; add its public half to the user's authorized_keys"
        raise Failed("devvm-key-refused", message) from None
    except UnicodeError:
        # A label that is empty or longer than 63 characters cannot be asked of any name server.
        raise Failed("devvm-host-invalid", f"{doing}: this is no host name; correct devvm.host") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Transient("devvm-unreachable", f"{doing}: {error or type(error).__name__}") from None
    return client


class _Acknowledging(socket.socket):
    """A socket that says at once what it has read: sshd waits for that with its next answer, and Linux for 40 ms."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if data and _QUICKACK is not None:
            # Of a connection that was just reset, what was read still counts.
            with suppress(OSError):
                self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


def _open(client: paramiko.SSHClient, settings: DevVMSettings, key: paramiko.PKey) -> None:
    sock = _Acknowledging(fileno=socket.create_connection((settings.host, settings.port), _CONNECT_SECONDS).detach())
    try:
        sock.settimeout(_CONNECT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(
            settings.host,
            port=settings.port,
            username=settings.user,
            pkey=key,
            sock=sock,
            allow_agent=False,
            look_for_keys=False,
            timeout=_CONNECT_SECONDS,
            banner_timeout=_CONNECT_SECONDS,
            auth_timeout=_CONNECT_SECONDS,
        )
        _forget_key(client)
    except BaseException:
        # Without it paramiko's thread, and the socket under it, live on beside the error.
        client.close()
        sock.close()
        raise


def _forget_key(client: paramiko.SSHClient) -> None:
    """Let go of our key: it has signed what it was to sign, and paramiko would hold it for as long as it is connected.

    Connections are left to later steps (pipelines/left.py), keys are not.
    """
    handler = _transport(client).auth_handler
    if handler is not None:
        handler.private_key = None


def _host_key(settings: DevVMSettings, doing: str) -> paramiko.PKey:
    words = settings.host_key.split()
    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"pinned {words[0]} {words[1]}")
    except (paramiko.hostkeys.InvalidHostKey, paramiko.SSHException, IndexError, ValueError):
        entry = None
    if entry is None or entry.key is None:
        message = (
            f"{doing}: devvm.host_key is not a public key; take the line that ssh-keyscan prints, without the host"
        )
        raise Failed("devvm-host-key-unreadable", message)
    return entry.key


def _private_key(pem: str, doing: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.RSAKey, paramiko.ECDSAKey):
        try:
            return kind.from_private_key(io.StringIO(pem.strip() + "\n"))
        except paramiko.PasswordRequiredException:
            raise Failed(
                "devvm-key-encrypted", f"{doing}: the key in Vault has a passphrase; store one without"
            ) from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    message = f"{doing}: the field in Vault is not an OpenSSH or PEM private key (Ed25519, RSA or ECDSA)"
    raise Failed("devvm-key-unreadable", message)


def exchange(client: paramiko.SSHClient, line: str, stdin: bytes, timeout: int, limit: int) -> Completed:
    """Run one command line to its end and return what it printed.

    `timeout` is the longest silence in seconds, `limit` the most bytes of either stream; a command that prints more
    loses its channel at once. Raises paramiko's errors, OSError or EOFError when the connection is lost: then nothing
    is known about the command.
    """
    channel = _transport(client).open_session(timeout=_CONNECT_SECONDS)
    channel.settimeout(timeout)
    with ThreadPoolExecutor(2) as pool:
        # The pool waits for its threads, and they wait for the channel: it is closed before the pool is left.
        try:
            channel.exec_command(line)
            errors = pool.submit(_read, channel, channel.recv_stderr, limit)
            pool.submit(_feed, channel, stdin)
            out = _read(channel, channel.recv, limit)
            err = errors.result()
            if not channel.status_event.wait(_CONNECT_SECONDS) or channel.exit_status == -1:
                raise EOFError
            return Completed(channel.exit_status, out, err.decode("utf-8", "replace"))
        finally:
            channel.close()


@contextmanager
def listen(client: paramiko.SSHClient, serve: Callable[[paramiko.Channel], None]) -> Iterator[int]:
    """A port on the loopback of the host while the block lasts; each connection to it is served by a thread here.

    Yields the port that the host chose. Raises Failed("devvm-no-forwarding") when its sshd, or the key's line in
    authorized_keys, does not allow it.
    """
    transport = _transport(client)
    served: list[tuple[paramiko.Channel, threading.Thread]] = []

    def take(channel: paramiko.Channel, *_: object) -> None:
        thread = threading.Thread(target=_serve, args=(serve, channel), daemon=True)
        served.append((channel, thread))
        thread.start()

    try:
        port = transport.request_port_forward(_LOOPBACK, 0, take)
    except paramiko.SSHException:
        if not transport.is_active():
            raise EOFError from None
        message = "its sshd does not let us listen there (AllowTcpForwarding, PermitListen, or the options of our key)"
        raise Failed("devvm-no-forwarding", message) from None
    try:
        yield port
    finally:
        # What is served still wants an answer that nobody waits for any more.
        with suppress(paramiko.SSHException, OSError, EOFError):
            transport.cancel_port_forward(_LOOPBACK, port)
        for channel, thread in served:
            channel.close()
            thread.join(_CONNECT_SECONDS)


def _serve(serve: Callable[[paramiko.Channel], None], channel: paramiko.Channel) -> None:
    # Who is served may hang up at any time; that is no news.
    with channel, suppress(OSError, EOFError):
        serve(channel)


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    if transport is None:
        raise EOFError
    return transport


def _read(channel: paramiko.Channel, receive: Callable[[int], bytes], limit: int) -> bytes:
    data = bytearray()
    while piece := receive(65536):
        data += piece
        if len(data) > limit:
            channel.close()
            raise Failed("devvm-output-too-large", f"reading from the DevVM: more than {limit} bytes came; refused")
    return bytes(data)


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    # A command that ends without reading its input closes the channel; its exit code says what happened.
    with suppress(OSError):
        channel.sendall(data)
        channel.shutdown_write()
