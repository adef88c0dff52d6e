"""The hosts that the sample's post-mortem names, as far as Uptime Kuma looks at them: ports of this machine.

A monitor of a loopback address is refused, and a name of example.org leads nowhere. So each name gets a loopback
address of its own, where its port is open, and the `node` that Uptime Kuma is run by looks these names up here. Nothing
else of the machine knows them.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.world.processes import WorldError

_OPEN = (("nfs.example.org", 2049),)
_LOOK_UP = """const dns = require("dns");
const names = %s;
const lookup = dns.lookup;
dns.lookup = function (host, options, callback) {
    const address = names[host];
    if (!address) return lookup.apply(dns, arguments);
    const done = callback || options;
    const all = typeof options === "object" && options && options.all;
    process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)));
};
"""


class SampleHosts:
    """Between `with` and its end the ports are open. `names` maps each host to its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self.names: dict[str, str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for name, port in _OPEN:
                server = opening.enter_context(_listen(port))
                self.names[name] = str(server.server_address[0])
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                opening.callback(server.shutdown)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @contextmanager
    def known_to_node(self) -> Iterator[None]:
        """While this lasts, `node` on our PATH is one that knows the names; what it starts goes on knowing them."""
        node, path = shutil.which("node"), os.environ.get("PATH", os.defpath)
        if node is None:
            raise WorldError("there is no node on PATH; install it, or run scripts/env, which says which")
        self._folder.mkdir()
        preload, command = self._folder / "names.js", self._folder / "node"
        preload.write_text(_LOOK_UP % json.dumps(self.names))
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(node)} --require={shlex.quote(str(preload))} "$@"\n')
        command.chmod(0o755)
        os.environ["PATH"] = f"{self._folder}{os.pathsep}{path}"
        try:
            yield
        finally:
            os.environ["PATH"] = path


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _listen(port: int) -> _Server:
    """A server of that port on a loopback address that nobody else has it on. It takes connections and says nothing."""
    for _ in range(20):
        address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
        try:
            return _Server((address, port), socketserver.BaseRequestHandler)
        except OSError:
            continue
    raise WorldError(f"port {port} cannot be opened on any loopback address; is it another program's on all of them?")
