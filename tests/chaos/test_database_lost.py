"""The database is lost, or an older one is put back: what is on the branch is not done again."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.e2e.conftest import CONFIG, FIX, PATH, command, deliver, eventually, finished, hook, log, post_mortem, push
from tests.e2e.test_landing import RETRY
from tests.world.world import World


def lose(world: World, instead: Path | None = None) -> None:
    """The service is killed and its database is gone; `instead` is what somebody puts in its place."""
    assert world.service is not None
    world.service.kill()
    for file in world.folder.glob(f"{world.database.name}*"):
        file.unlink()
    if instead:
        instead.rename(world.database)


def test_what_is_on_the_branch_is_not_done_again(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    refusing = hook(fresh, 'git log -1 --format=%s "$3" | grep -q "^docs: update" && exit 1; exit 0')
    gate = fresh.model.gates[CONFIG] = threading.Event()
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    backup = fresh.folder / "backup.db"
    assert command(fresh, "backup", str(backup)).returncode == 0, "of a moment at which the agent works"
    gate.set()
    assert finished(fresh)["todos"][0]["outcome"] == "done"
    sessions = len(fresh.model.tasks())
    assert (log(fresh, commits[1]), len(fresh.slack.messages)) == ([FIX], 1), "done, and not written back"

    lose(fresh, instead=backup)
    fresh.serve()
    (todo,) = finished(fresh)["todos"]
    assert (todo["outcome"], todo["reason"]) == ("done", "landed-before"), "its agent is lost, and it is on the branch"
    assert (log(fresh, commits[1]), len(fresh.model.tasks())) == ([FIX], sessions)

    lose(fresh)
    refusing.unlink()
    fresh.serve()
    deliver(fresh, push(fresh, {PATH: post_mortem() + RETRY}, "docs: once more"))
    ended = finished(fresh)
    (todo,) = ended["todos"]
    assert (todo["outcome"], todo["reason"]) == ("done", "landed-before")
    assert f"| P1 | {CONFIG} | Config | as said | Done |" in fresh.forge.file(PATH).decode(), "it is made up for"

    lose(fresh)
    fresh.serve()
    deliver(fresh, commits)
    (todo,) = finished(fresh)["todos"]
    assert (todo["outcome"], todo["reason"]) == ("cancelled", "todo-withdrawn")
    assert log(fresh, commits[1]).count(FIX) == 1
    assert len(fresh.model.tasks()) == sessions
