"""A span for each flow and step goes to `telemetry.traces_url`; where the exporter is not installed the log says so."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.world.loopback import Answer, Loopback, Request
from tests.world.processes import ROOT

PROGRAM = """
import logging, sys
from pipelines import durable

@durable.step
def trace_me(run_id: str) -> str:
    return "what a step returned"

@durable.workflow
def follow(subject: str) -> None:
    trace_me(subject)

logging.basicConfig()
durable.launch(sys.argv[1], 1, lambda *_: None, sys.argv[2])
durable.start(follow, "what-it-was-given", lane="one")
while not durable.is_over(sys.argv[1], "follow", "what-it-was-given"):
    pass
durable.stop()
from opentelemetry import trace
getattr(trace.get_tracer_provider(), "shutdown", int)()
"""


def test_spans_are_sent_or_it_is_said_why_not(tmp_path: Path) -> None:
    got: list[Request] = []

    def collect(request: Request) -> Answer:
        got.append(request)
        return Answer(200, b"", "application/x-protobuf")

    collector = Loopback(collect)
    collector.start()
    argv = [sys.executable, "-c", PROGRAM, f"sqlite:///{tmp_path}/l.db", f"{collector.url}/v1/traces"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=ROOT)
    collector.close()
    assert done.returncode == 0, done.stderr
    bodies = b"".join(request.body for request in got)
    if find_spec("opentelemetry.exporter") is None:
        assert "pip install 'dbos[otel]'" in done.stderr
        assert got == []
    else:
        assert {request.path for request in got} == {"/v1/traces"}
        assert b"trace_me" in bodies
        assert b"follow" in bodies
    assert b"what a step returned" not in bodies
