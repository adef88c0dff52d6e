"""What a push that nobody told of comes to, and what the same push told of twice does not: real git, a real ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.edges.devgit import AUTHOR
from app.errors import Transient
from app.ledger import Ledger, open_ledger
from app.ledger.deliveries import Delivery
from app.ledger.tips import Tip
from app.messages import follow_up_commit
from app.settings import RepositorySettings, ServerSettings, Settings
from pipelines import bench, intake, looked, reconcile
from tests.world.forge import BRANCH, NO_COMMIT, REPOSITORY, Forge

PATH = "docs/post-mortems/2026-04-14-nfs.md"
OTHER = "docs/post-mortems/2026-05-01-dns.md"
TEXT = (
    "# Post-Mortem: A test\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
    "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
    "| P1 | Let the mounts give up | Config | as said | TODO |\n"
)


@dataclass
class Place:
    """A forge with one commit, a ledger, and what the service does between them."""

    forge: Forge
    ledger: Ledger
    settings: Settings

    @property
    def repository(self) -> RepositorySettings:
        return self.settings.repository[0]

    def push(self, path: str = PATH, text: str = TEXT) -> tuple[str, str]:
        self.forge.commit({path: text}, "docs: somebody's")
        return self.forge.push()

    def push_own(self, path: str = PATH) -> tuple[str, str]:
        """What a run pushes when it writes its results back."""
        target = self.forge.checkout / path
        target.write_text(target.read_text() + "\nDone.\n")
        self.forge.run("add", path, at=self.forge.checkout)
        words = ("-c", f"user.name={AUTHOR[0]}", "-c", f"user.email={AUTHOR[1]}")
        author = f"--author={AUTHOR[0]} <{AUTHOR[1]}>"
        message = follow_up_commit("PM-2026-04-14", "a-run")
        self.forge.run(*words, "commit", "--quiet", author, "--message", message, at=self.forge.checkout)
        return self.forge.push()

    def rewind(self, commit: str) -> None:
        self.forge.run("reset", "--quiet", "--hard", commit, at=self.forge.checkout)
        self.forge.run("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{BRANCH}", at=self.forge.checkout)

    def webhook(self, name: str, commits: tuple[str, str]) -> list[str]:
        """A stored delivery, looked into. Returns documents of its runs with the commit."""
        facts = (REPOSITORY, f"refs/heads/{BRANCH}", *commits, "me")
        self.ledger.deliveries.store(Delivery(name, "github", "push", *facts, "accepted", "", ""))
        return self.follow(name)

    def follow(self, subject: str) -> list[str]:
        runs = [self.ledger.runs.get(run) for _, run in intake.runs_of(subject.split(" ")[0])]
        return sorted(f"{run.post_mortem} {run.commit[:7]}" for run in runs)

    def reconcile(self, everything: bool = False) -> list[str]:
        """A look, and its finds looked into, as the workflow does it."""
        return [run for s in reconcile.look(self.repository, everything).subjects for run in self.follow(s)]

    def runs(self) -> list[str]:
        return sorted(f"{row['post_mortem']} {row['commit'][:7]}" for row in self.ledger.runs.newest())

    def reasons(self) -> dict[str, str]:
        return {row["id"].split("-")[0]: row["reason"] for row in self.ledger.deliveries.newest()}

    @property
    def tip(self) -> Tip | None:
        return looked.find(self.repository)


def made(folder: Path, **more: Any) -> Place:
    forge = Forge(folder / "forge.git", folder / "checkout")
    forge.commit({"README.md": "x\n"}, "begin")
    forge.push()
    repository = RepositorySettings(name=REPOSITORY, clone_url=str(forge.url), branch=BRANCH, **more)
    settings = Settings(server=ServerSettings(data=folder / "data"), repository=[repository])
    ledger = open_ledger(f"sqlite:///{folder}/l.db")
    bench.use(settings, ledger)
    return Place(forge, ledger, settings)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = made(tmp_path)
    yield found
    found.ledger.engine.dispose()


def at(path: str, commit: str) -> str:
    return f"{path} {commit[:7]}"


def test_a_push_that_no_webhook_told_of_is_found_once_and_its_webhook_starts_nothing(place: Place) -> None:
    assert place.reconcile() == [], "the first look starts nothing"
    first, second = place.push(), place.push(OTHER)
    assert place.reconcile() == [at(PATH, second[1]), at(OTHER, second[1])]
    assert place.reconcile() == []
    assert place.webhook("late1", first) == []
    assert place.webhook("late2", second) == []
    assert place.reasons() == {"reconcile": "runs-started", "late1": "already-followed", "late2": "already-followed"}
    assert len(place.runs()) == 2


def test_what_the_first_look_found_there_is_followed_when_its_webhook_comes(place: Place) -> None:
    """It was on its way when the service looked for the first time."""
    commits = place.push()
    assert place.reconcile() == []
    assert place.webhook("w", commits) == [at(PATH, commits[1])]
    assert place.webhook("again", commits) == [at(PATH, commits[1])], "the same run"
    assert len(place.runs()) == 1


def test_all_of_a_branch_is_looked_into_when_a_person_asks(place: Place) -> None:
    _, commit = place.push()
    assert place.reconcile() == []
    assert place.reconcile(everything=True) == [at(PATH, commit)]
    assert place.reconcile(everything=True) == [], "the same find is one delivery"
    assert place.tip == Tip(commit, "")


def test_a_lost_push_between_two_that_were_told_of_is_found(place: Place) -> None:
    place.webhook("w1", place.push("README.md", "y\n"))
    place.push()
    later = place.push(OTHER)
    assert place.webhook("w3", later) == [at(OTHER, later[1])]
    tip = place.tip
    assert tip is not None
    assert tip.commit != later[1], "what came before it was left out"
    assert place.reconcile() == [at(PATH, later[1]), at(OTHER, later[1])]
    assert place.runs() == [at(PATH, later[1]), at(OTHER, later[1])], "one run each"
    assert place.reconcile() == []


def test_our_own_commits_start_nothing_and_are_stepped_over(place: Place) -> None:
    place.webhook("w", place.push())
    _, own = place.push_own()
    assert place.reconcile() == []
    assert set(place.reasons()) == {"w"}
    assert place.tip is not None
    assert place.tip.commit == own


def test_a_document_that_only_we_changed_gets_no_run_beside_somebody_else_s(place: Place) -> None:
    place.webhook("w", place.push())
    place.push_own()
    _, theirs = place.push(OTHER)
    assert place.reconcile() == [at(OTHER, theirs)]


def test_a_webhook_after_our_own_commits_leaves_nothing_out(place: Place) -> None:
    place.webhook("w1", place.push())
    place.push_own()
    later = place.push(OTHER)
    place.webhook("w2", later)
    assert place.reconcile() == []
    assert place.tip is not None
    assert place.tip.commit == later[1]


def test_a_rewound_branch_is_looked_into_as_a_force_push_is(place: Place) -> None:
    begin = place.forge.head()
    place.webhook("w1", place.push("README.md", "y\n"))
    place.rewind(begin)
    assert place.reconcile() == [], "there is nothing new on it"
    assert place.tip is not None
    assert place.tip.commit != begin, "never backward"
    _, other = place.push()
    assert place.reconcile() == [at(PATH, other)]
    assert place.tip.commit == other
    assert place.reconcile() == []


def test_a_push_on_a_rewound_branch_is_followed_by_its_webhook_alone(place: Place) -> None:
    begin = place.forge.head()
    place.webhook("w1", place.push("README.md", "y\n"))
    place.rewind(begin)
    commits = place.push()
    assert place.webhook("w2", commits) == [at(PATH, commits[1])]
    assert place.reconcile() == []
    assert place.tip is not None
    assert place.tip.commit == commits[1]


def test_a_delivery_that_the_forge_s_absence_ended_is_taken_up_again(place: Place) -> None:
    place.reconcile()
    commits = place.push()
    away = place.forge.url.with_name("away.git")
    place.forge.url.rename(away)
    with pytest.raises(Transient):
        place.webhook("w", commits)
    place.ledger.deliveries.conclude("w", "fetch-failed", "after a while")
    with pytest.raises(Transient):
        reconcile.look(place.repository)
    away.rename(place.forge.url)
    assert place.reconcile() == [at(PATH, commits[1])]
    assert place.reasons() == {"w": "runs-started"}, "it tells of the tip: no other delivery is needed"


def test_a_delivery_that_a_lost_database_or_a_full_disk_ended_is_taken_up_again(place: Place) -> None:
    """The step that looks into it has given up (`durable`); when that can be recorded, the database is back."""
    place.reconcile()
    commits = place.push()
    facts = (REPOSITORY, f"refs/heads/{BRANCH}", *commits, "me", "accepted", "database-unreachable", "")
    place.ledger.deliveries.store(Delivery("w", "github", "push", *facts))
    assert place.ledger.deliveries.subject("w").startswith("w 20"), "a redelivery tries it once more"
    assert place.reconcile() == [at(PATH, commits[1])]
    assert place.reasons() == {"w": "runs-started"}, "and so does the next look, with who pushed it"


def test_a_find_leaves_out_what_a_delivery_before_it_told_of(place: Place) -> None:
    place.reconcile()
    first = place.push()
    facts = (REPOSITORY, f"refs/heads/{BRANCH}", *first, "me", "accepted", "fetch-failed", "")
    place.ledger.deliveries.store(Delivery("w", "github", "push", *facts))
    _, second = place.push(OTHER)
    assert place.reconcile() == [at(PATH, first[1]), at(OTHER, second)]


def test_a_webhook_that_was_overtaken_by_the_first_one_is_followed(place: Place) -> None:
    early, late = place.push(), place.push(OTHER)
    assert place.webhook("w2", late) == [at(OTHER, late[1])]
    assert place.webhook("w1", early) == [at(PATH, early[1])]


def test_a_find_that_came_to_nothing_is_tried_by_the_next_look(place: Place) -> None:
    place.reconcile()
    _, commit = place.push()
    (found,) = reconcile.look(place.repository).subjects
    place.ledger.deliveries.conclude(found, "fetch-failed", "")
    (again,) = reconcile.look(place.repository).subjects
    assert again.startswith(f"{found} 20"), "under a name of its own, or nothing would start"
    assert place.follow(again) == [at(PATH, commit)]


def test_a_step_that_is_run_again_after_its_delivery_was_concluded_gives_the_same(place: Place) -> None:
    place.reconcile()
    commits = place.push()
    first = place.webhook("w", commits)
    assert first == place.follow("w") == [at(PATH, commits[1])]
    assert place.reasons() == {"w": "runs-started"}


def test_where_not_everybody_may_start_runs_a_person_has_to_vouch_for_a_find(tmp_path: Path) -> None:
    place = made(tmp_path, allowed_pushers=["me"])
    place.reconcile()
    _, commit = place.push()
    assert place.reconcile() == place.runs() == []
    (held,) = place.ledger.deliveries.newest()
    assert (held["decision"], held["reason"]) == ("ignored", "pusher-unknown")
    assert held["id"] in held["message"], "it says what a person can do"
    assert place.reconcile() == []
    later = place.push(OTHER)
    assert place.webhook("w", later) == [at(OTHER, later[1])], "what is held back holds up nothing"
    assert place.reconcile() == []
    assert len(place.ledger.deliveries.newest()) == 2, "and is told once"
    place.ledger.deliveries.vouch(held["id"], "somebody")
    assert place.reconcile() == [at(PATH, commit)]
    assert place.ledger.deliveries.get(held["id"]).pusher == "somebody"
    place.ledger.engine.dispose()


def test_a_webhook_of_somebody_who_may_comes_late_for_what_was_held_back(tmp_path: Path) -> None:
    place = made(tmp_path, allowed_pushers=["me"])
    place.reconcile()
    commits = place.push()
    assert place.reconcile() == []
    assert place.webhook("w", commits) == [at(PATH, commits[1])]
    place.ledger.engine.dispose()


def test_a_forge_that_is_away_is_said_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    missing = place.repository.model_copy(update={"clone_url": str(place.forge.url.with_name("none.git"))})
    bench.use(place.settings.model_copy(update={"repository": [missing]}), place.ledger)
    for slot in ("one", "two"):
        assert reconcile.look_at_branch.__wrapped__(slot, REPOSITORY).subjects == []  # type: ignore[attr-defined]
    assert sum("cannot be seen" in record.message for record in caplog.records) == 1
    bench.use(place.settings, place.ledger)
    assert "first look" in reconcile.look_at_branch.__wrapped__("three", REPOSITORY).said  # type: ignore[attr-defined]


def test_a_tip_is_moved_by_one_of_two_at_once(place: Place) -> None:
    tips, last = place.ledger.tips, Tip("a" * 40, "")
    assert tips.move("o/r", "master", None, last)
    assert not tips.move("o/r", "master", None, Tip("b" * 40, ""))
    assert tips.move("o/r", "master", last, Tip("c" * 40, ""))
    assert not tips.move("o/r", "master", last, Tip("d" * 40, ""))
    assert tips.find("o/r", "master") == Tip("c" * 40, "")
    assert tips.find("o/r", "main") is None


def test_a_first_push_is_never_less_than_all_of_it(place: Place) -> None:
    """The forge's webhook for a new branch has no commit before it."""
    commits = place.push()
    place.webhook("w", (NO_COMMIT, commits[1]))
    assert place.webhook("again", (NO_COMMIT, commits[1])) == [at(PATH, commits[1])]
    assert len(place.runs()) == 1


def test_a_gap_that_a_late_webhook_closes_is_none_and_what_came_before_its_turn_starts_nothing_twice(
    place: Place,
) -> None:
    place.reconcile()
    first, second, third = place.push(), place.push(OTHER), place.push(PATH, TEXT + "\nMore.\n")
    assert place.webhook("w2", second) == [at(OTHER, second[1])]
    assert place.webhook("w3", third) == [at(PATH, third[1])]
    assert place.tip == Tip(first[0], first[0]), "nobody told of the first one"
    assert place.webhook("w1", first) == [at(PATH, first[1])]
    assert place.tip == Tip(third[1], first[0])
    assert place.reconcile() == []
    assert len(place.runs()) == 3


def test_a_repeat_is_known_without_the_forge(place: Place) -> None:
    place.reconcile()
    commits = place.push()
    place.webhook("w", commits)
    place.forge.url.rename(place.forge.url.with_name("away.git"))
    assert place.webhook("again", commits) == []
    assert place.reasons()["again"] == "already-followed"


def test_a_repeat_after_the_mirrors_were_lost_is_known_too(place: Place) -> None:
    place.reconcile()
    commits = place.push()
    place.webhook("w", commits)
    shutil.rmtree(place.settings.server.data)
    assert place.webhook("again", commits) == []
    assert place.reasons()["again"] == "already-followed"
