"""The benches of the service: the generator measures what it says, each part gives numbers, the file keeps them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench import service
from bench.load import offer
from tests.world.loopback import Answer, Loopback, Request

ASKED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"


def port(server: Loopback) -> int:
    return int(server.url.rpartition(":")[2])


def test_every_request_is_sent_and_answered_and_another_status_is_an_error() -> None:
    bodies: list[bytes] = []

    def answer(request: Request) -> Answer:
        bodies.append(request.body)
        return Answer(500 if len(bodies) % 10 == 0 else 202, b"{}")

    with Loopback(answer) as server:
        found = offer(port(server), [ASKED] * 50, 500.0, b"202")
    assert bodies == [b"ok"] * 50
    assert (len(found.latencies), found.errors) == (45, ["500"] * 5)
    assert 0 < found.quantile(0.5) <= found.quantile(0.99) <= found.quantile(1)


def test_a_server_that_stops_is_charged_for_all_that_was_due_meanwhile() -> None:
    seen: list[bytes] = []

    def answer(request: Request) -> Answer:
        seen.append(request.body)
        if len(seen) == 1:
            time.sleep(0.5)
        return Answer(202)

    with Loopback(answer) as server:
        found = offer(port(server), [ASKED] * 20, 200.0, b"202", connections=1, most=1)
    assert len(found.latencies) == 20
    # The last one was due a tenth of a second after the first: had its time begun when it was sent, it would be short.
    assert found.quantile(0) > 350


def test_nothing_answered_is_no_number_that_looks_good() -> None:
    with Loopback(lambda _: Answer(503)) as server:
        found = offer(port(server), [ASKED] * 3, 100.0, b"202")
    assert found.quantile(0.99) == float("inf")


def test_a_part_run_again_replaces_its_own_numbers(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    for name, ratio in (("memory", 2), ("ack", 1), ("memory", 1)):
        service.keep(file, name, {"ratio": ratio}, {"cores": 2})
    found = json.loads(file.read_text())
    assert list(found) == ["ack", "memory"]
    assert (found["memory"]["ratio"], found["memory"]["on"]) == (1, {"cores": 2})
    assert found["memory"]["date"][:2] == "20"


def test_a_part_that_does_not_exist_is_said() -> None:
    with pytest.raises(SystemExit):
        service.main(["no-such-part"])


@pytest.mark.thorough
@pytest.mark.parametrize("part", sorted(service.PARTS))
def test_each_part_gives_numbers(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.json"
    assert service.main([part, "--quick", "--json", str(file)]) == 0, capsys.readouterr().out
    found = json.loads(file.read_text())[part]
    numbers = [value for value in found.values() if isinstance(value, int | float)]
    assert numbers
    assert all(value >= 0 for value in numbers)
    if part == "ack":
        assert (found["lost"], found["ours"]["errors"], found["webhook"]["errors"]) == (0, 0, 0)
    if part == "resume":
        assert found["agents_started_twice"] == 0
    if part == "side-by-side":
        assert found["outcomes"] == {"1": {"done": 1}, "2": {"done": 2}}
