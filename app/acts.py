"""What people do through any face: written down with who did it, done, and what came of it written down.

The one home of approve, decline, cancel, retry, replay, start, pause and resume. What it raises is for whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from app.errors import BadInput, Refused
from app.guard.push import is_post_mortem
from app.ledger import Ledger
from app.ledger.actions import Action, Said
from app.ledger.controls import PAUSE
from app.ledger.deliveries import HELD_BACK
from app.ledger.runs import Run
from app.redact import redact
from app.settings import RepositorySettings, Settings
from app.web.acts import Timed
from pipelines import approval, bench, durable, intake, reconcile, recorded
from pipelines.postmortem_todos import follow_approval, follow_push, follow_through

Begin = Callable[[Callable[[str], None], str, str], None]
_LONGEST_WHY = 2000


class Doing:
    """Acts over the ledger and the pipelines. `begin(flow, subject, lane)` has a flow begin wherever runs are executed;
    None: it is handed over by way of the database. `has_git` False: mirrors and forge are out of reach, as on the web
    side of several workers; what they would be asked is then left to whoever executes the run.
    """

    def __init__(self, settings: Settings, ledger: Ledger, begin: Begin | None = None, has_git: bool = True) -> None:
        self._settings, self._ledger, self._has_git = settings, ledger, has_git
        self._begin = begin or self._hand_over

    def decide(self, run_id: str, todo_id: str, decision: str, by: str, why: str, commit: str = "") -> None:
        """`approved` or `declined`: what waits for a person, as it was when they saw `commit`.

        Raises BadInput("no-such-run"), and Refused when nothing waits there, another commit does, it was decided
        before or its time is over.
        """
        if decision not in ("approved", "declined"):
            raise BadInput("bad-decision", f"deciding on {todo_id} of {run_id}: {decision} is neither yes nor no")
        word = "approve" if decision == "approved" else "decline"
        with self._noted(Action(by, word, run_id, todo_id, commit, why)):
            lane = self._run(run_id, "deciding on").repository
            asked = self._ledger.approvals.find(run_id, todo_id)
            if commit and asked is not None and asked["commit"] != commit:
                message = f"what you saw of {todo_id} of {run_id} is commit {commit[:12]}, and another one waits by now"
                raise Refused("approval-void", f"{message}; look at it again")
            self._ledger.approvals.decide(run_id, todo_id, decision, by, self._hidden(why))
            self._begin(follow_approval, f"{run_id} {todo_id}", lane)

    def cancel(self, run_id: str, by: str, why: str) -> bool:
        """Stop a run; False when somebody had said so before. Raises BadInput when there is none or it is over."""
        with self._noted(Action(by, "cancel", run_id, why=why)) as said:
            self._run(run_id, "cancelling")
            row = self._ledger.runs.row(run_id)
            if row["finished_at"]:
                message = f"cancelling {run_id}: it is over ({row['outcome']}, {row['finished_at']})"
                raise Refused("run-is-over", message)
            return _whether(said, self._ledger.controls.set(run_id, by, self._hidden(why)))

    def retry(self, run_id: str, by: str) -> str:
        """A new run for the commit and the document of an earlier one; returns its id.

        Raises Refused when nothing of it can be tried again, or it goes on still; BadInput when there is none.
        """
        with self._noted(Action(by, "retry", run_id)):
            run = self._run(run_id, "retrying")
            if self._ledger.runs.row(run_id)["finished_at"] is None:
                raise Refused("run-goes-on", f"retrying {run_id}: it goes on still")
            repository = self._repository(run.repository, f"retrying {run_id}")
            self._must_do_things(repository, f"retrying {run_id}")
            source = run.source
            if self._has_git:
                source = _source(run)
                _must_have_work(replace(run, source=source), repository, "nothing-to-retry", f"retrying {run_id}")
            return self._asked_for(repository, run.commit, run.post_mortem, source)

    def replay(self, delivery_id: str, by: str) -> str:
        """Take a delivery up again. Returns in words what happens now."""
        if self.take_up(delivery_id, by):
            return f"{delivery_id} is handed over; the running service goes on with it, or the next one that starts"
        known = self._ledger.deliveries.get(delivery_id)
        came = f"{delivery_id} came to {known.reason}: {known.message}"
        return f"{came}; nothing is started twice, retrying a run tries it again"

    def take_up(self, delivery_id: str, by: str) -> str:
        """Take a delivery up again. Returns the name under which it is handed over, empty when it has had its effect.

        What was held back since nobody knew who pushed it is vouched for by whoever asks. Raises Refused for any other
        that was ignored, BadInput when there is none.
        """
        with self._noted(Action(by, "replay", subject=delivery_id)) as said:
            try:
                known = self._ledger.deliveries.get(delivery_id)
            except KeyError:
                raise BadInput("no-such-delivery", f"replaying {delivery_id}: there is no such delivery") from None
            if known.reason == HELD_BACK:
                self._ledger.deliveries.vouch(delivery_id, by)
            elif known.decision != "accepted":
                message = f"replaying {delivery_id}: it was ignored ({known.reason}: {known.message})"
                raise Refused(
                    "delivery-ignored", f"{message}; followthrough run or reconcile looks at the branch itself"
                )
            subject = self._ledger.deliveries.subject(delivery_id)
            if _whether(said, bool(subject)):
                self._begin(follow_push, subject, reconcile.lane_of(known.repository))
            return subject

    def start(self, repository: str, post_mortem: str, by: str) -> str:
        """A run for a post-mortem as it is on the configured branch; returns its id, that of one that goes on for the
        same commit too.

        Raises BadInput when there is no such repository or post-mortem, Refused when a machine may do nothing in it,
        Transient when the forge does not answer.
        """
        doing = f"starting a run for {post_mortem} of {repository}"
        with self._noted(Action(by, "start", subject=f"{repository} {post_mortem}")):
            found = self._repository(repository, doing)
            if not is_post_mortem(post_mortem, found.post_mortems):
                message = f"{doing}: it does not match repository.post_mortems ({found.post_mortems})"
                raise BadInput("not-a-post-mortem", message)
            self._must_do_things(found, doing)
            if not self._has_git:
                return self._asked_for(found, self._last_seen(found, doing), post_mortem, "")
            ours = bench.mirror(found.name)
            commit = ours.sync(found.clone_url, found.branch)
            if post_mortem not in ours.files(commit):
                raise BadInput("no-such-post-mortem", f"{doing}: {found.branch} ({commit[:7]}) has no such file")
            new = Run("", found.name, post_mortem, commit)
            # One whose result the document lacks is worth a run too.
            _must_have_work(new, found, "nothing-to-do", doing, intake.DONE_BEFORE)
            return self._asked_for(found, commit, post_mortem, "")

    def pause(self, by: str, why: str) -> bool:
        """Let nothing begin; False when it is paused already."""
        with self._noted(Action(by, "pause", why=why)) as said:
            return _whether(said, self._ledger.controls.set(PAUSE, by, self._hidden(why)))

    def resume(self, by: str) -> bool:
        """Go on after a pause; False when it was not paused."""
        with self._noted(Action(by, "resume")) as said:
            return _whether(said, self._ledger.controls.lift(PAUSE))

    def steps(self, run_id: str) -> Sequence[Timed]:
        """The steps of a run with their times, in the order in which they began; none when they are kept no more.

        The engine keeps a step when it has ended. Raises BadInput("no-such-run").
        """
        self._run(run_id, "looking for the steps of")
        decided = [f"{run_id} {todo['id']}" for todo in self._ledger.runs.todos(run_id)]
        found = recorded.steps(self._settings.database.url, run_id, decided)
        return [Timed(one.name, one.todo_id, one.began, one.ended, one.failure) for one in found]

    def _noted(self, action: Action) -> AbstractContextManager[Said]:
        clean = {name: self._hidden(getattr(action, name)) for name in Action.__dataclass_fields__}
        return self._ledger.actions.noted(Action(**clean))

    def _run(self, run_id: str, doing: str) -> Run:
        try:
            return self._ledger.runs.get(run_id)
        except KeyError:
            message = f"{doing} {run_id}: there is no such run; see followthrough runs"
            raise BadInput("no-such-run", message) from None

    def _repository(self, name: str, doing: str) -> RepositorySettings:
        found = self._settings.repository_named(name)
        if found is None:
            raise BadInput("no-such-repository", f"{doing}: {name} is not in the configuration")
        return found

    def _must_do_things(self, repository: RepositorySettings, doing: str) -> None:
        if repository.mode == "dry-run":
            raise Refused("dry-run", f"{doing}: {repository.name} is in dry-run mode, nothing would be done")

    def _last_seen(self, repository: RepositorySettings, doing: str) -> str:
        tip = self._ledger.tips.find(repository.name, repository.branch)
        if tip is None:
            raise Refused(
                "branch-not-seen", f"{doing}: no worker has looked at {repository.branch} yet; try again later"
            )
        return tip.commit

    def _asked_for(self, repository: RepositorySettings, commit: str, path: str, source: str) -> str:
        run = intake.asked_for(repository.name, commit, path, source)
        self._begin(follow_through, run.id, repository.name)
        return run.id

    def _hand_over(self, flow: Callable[[str], None], subject: str, lane: str) -> None:
        durable.hand_over(self._settings.database.url, flow.__name__, subject, lane)

    def _hidden(self, text: str) -> str:
        return redact(text, self._settings.secrets())[:_LONGEST_WHY]


def _whether(said: Said, changed: bool) -> bool:
    said.outcome = "done" if changed else "nothing"
    return changed


def _source(run: Run) -> str:
    """Where the run's commit is, as a run has it: the checkout that it was started from, empty for our mirror."""
    for source in dict.fromkeys((run.source, "")):
        there = bench.source_of(replace(run, source=source))
        if there.path.is_dir() and there.has(run.commit):
            return source
    message = f"retrying {run.id}: its commit {run.commit[:12]} is not here any more"
    raise Refused("commit-gone", f"{message}; push the post-mortem again")


def _must_have_work(run: Run, repository: RepositorySettings, code: str, doing: str, also: str = "") -> None:
    """Raises Refused(code) with each TODO's reason when a new run would leave all of them to people."""
    approval.expire()
    todos = intake.look_at(repository, bench.source_of(run), run.commit, run.post_mortem)
    if any(todo.safe or (also and todo.reason == also) for todo in todos):
        return
    why = "; ".join(f"{todo.action}: {todo.reason}" for todo in todos) or "it has no open TODO"
    raise Refused(code, f"{doing}: nothing of it is for a machine to do now ({why})")
