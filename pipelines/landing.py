"""From a judged change to the branch: plan, commit, apply, verify, push."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from app.checks import Check
from app.errors import Failed, FollowthroughError, Refused, Unknown
from app.guard.change import stack_of
from app.guard.model import Finding, Policy
from app.guard.plan import judge_plan, read_plan, summarise
from app.guard.plans.shown import render
from app.guard.shown import shown_plan
from app.ledger.evidence import Evidence
from app.ledger.runs import Todo
from app.messages import run_of, todo_commit, trailers, was_verified
from pipelines.bench import Bench, is_run_of, ledger
from pipelines.controls import effect, heed, must_go_on
from pipelines.values import AgentChange, Kept, StackPlan

_PUSHES = 5


def plan(bench: Bench, todo: Todo, attempt: int, stack: str, change: AgentChange) -> StackPlan:
    """Plan one stack with the judged change in a clean worktree, and judge the plan.

    The stack without the change must plan empty first: what is pending there would ride along (ENV-06). Raises
    Refused when something is, Failed when it cannot be planned: no other try of the agent would mend either.
    """
    heed(bench.run.id, f"planning {stack}", todo.id)
    look = partial(must_go_on, bench.run.id, f"planning {stack}")
    bench.must_be_whole(f"planning {stack}")
    before, job = (bench.workspace.job(todo.id, name, stack) for name in ("baseline", f"plan{attempt}"))
    # Where this step is done again, a plan that it started may go on and still read the files.
    started = {*bench.terraform.jobs_of(before), *bench.terraform.jobs_of(job)}
    for begun in started & set(bench.workspace.jobs()):
        bench.machine.follow(begun, lambda _: None, look)
    bench.workspace.reset()
    if steering := bench.workspace.steering(stack):
        why = f"{steering[0]} is committed: it would decide which programs the plan runs (ENV-02); remove it"
        raise Refused("environment-unsafe", f"planning {stack}: {why}")
    baseline = bench.terraform.plan(stack, before, look)
    if baseline.exit_code == 2:
        why = f"the stack {stack} has changes pending before the edit; a person settles that first (ENV-06)"
        raise Refused("changes-pending", why)
    if baseline.exit_code != 0:
        said = bench.hide(baseline.error)[-1500:]
        raise Failed("plan-failed", f"planning {stack} before the edit: exit code {baseline.exit_code}: {said}")
    bench.workspace.place(change.entries)
    planned = bench.terraform.plan(stack, job, look)
    policy = bench.policy(todo.type)
    made = Evidence("plan", attempt, stack, planned.sha256, planned.exit_code, policy.version)
    if planned.exit_code not in (0, 2):
        _keep(bench, todo.id, replace(made, verdict="block"))
        found = (Finding("PLAN-01", stack, f"the plan failed: {bench.hide(planned.error)[-2000:]}"),)
        return _told(bench, todo.id, StackPlan(stack, job, "", (), found))
    verdict = judge_plan(planned.shown, planned.exit_code, stack, policy, baseline.shown, change.expected)
    _keep(bench, todo.id, replace(made, verdict=verdict.word))
    bench.say("plan", f"{stack}: {verdict.word} by policy {policy.version}", todo.id)
    with suppress(ValueError):
        ledger().changes.keep_plan(
            bench.run.id, todo.id, attempt, stack, shown_plan(read_plan(planned.shown), bench.hide)
        )
    if verdict.word == "block":
        return _told(bench, todo.id, StackPlan(stack, job, planned.sha256, (), verdict.findings))
    known = read_plan(planned.shown)
    does = tuple(f"{stack}: {line}" for line in summarise(known))
    shown = tuple(bench.hide(line) for line in render(known))
    return _told(bench, todo.id, StackPlan(stack, job, planned.sha256, does, verdict.findings, shown))


def must_be_new(bench: Bench, todo: Todo) -> None:
    """Raises Refused when the branch holds a commit of this TODO that this ledger knows nothing of.

    The database was lost, or an older one was put back: what is on the branch is not done again (SECURITY.md).
    """
    for commit, message in bench.branch.ours_with(trailers("", todo.id)[1]):
        if (run_id := run_of(message)) != bench.run.id and not is_run_of(run_id, bench.run.post_mortem):
            continue
        ledger().runs.set_commit(bench.run.id, todo.id, commit)
        told = f"run {run_id} has landed it in {commit[:12]}, of which this database knows nothing: was it restored?"
        if was_verified(message):
            raise Refused("landed-before", told)
        raise Refused("landed-unverified", f"{told} It was not seen to work then")


def commit(bench: Bench, todo: Todo, change: AgentChange) -> Kept:
    """Commit exactly the judged files, and keep the commit on a branch of its own before anything is applied.

    Whatever goes wrong from here on, what was applied can be read there (GIT-02).
    """
    message = todo_commit(todo.action, incident_of(bench), bench.run.id, todo.id)
    made = bench.branch.commit({entry.path: entry.head_blob for entry in change.entries}, message)
    branch = branch_of(bench.run.id, todo.id)
    ledger().runs.begin_effect(bench.run.id, f"keep {branch}")
    bench.branch.keep(branch)
    bench.say("commit", f"{made[:7]} is kept on {branch}", todo.id)
    kept = Kept(made, bench.branch.tree_of(made), bench.branch.base(), branch)
    _keep(bench, todo.id, Evidence("commit", 0, "", kept.tree))
    return kept


def branch_of(run_id: str, todo_id: str) -> str:
    """The branch that keeps the commit of a TODO until it has landed."""
    return f"followthrough/{run_id}/{todo_id}"


def apply(bench: Bench, todo_id: str, judged: StackPlan) -> None:
    """Apply the judged plan file, at most once: that it begins is written down first.

    Raises Unknown when it may have happened in part, or when a run that was cut short had begun it and left no trace.
    """
    heed(bench.run.id, f"applying the plan of {judged.stack}", todo_id)
    first = ledger().runs.begin_effect(bench.run.id, f"{effect(bench.run.id, todo_id)}{judged.stack} {judged.sha256}")
    bench.say("apply", f"{judged.stack}, plan {judged.sha256[:12]}", todo_id)
    job = bench.workspace.job(todo_id, "apply", judged.stack)
    applied = Evidence("apply", 0, judged.stack, judged.sha256)
    _keep(bench, todo_id, applied)

    def ended(code: int) -> None:
        _keep(bench, todo_id, replace(applied, exit_code=code))

    bench.terraform.apply(judged.stack, judged.job, judged.sha256, job, first, ended)


def verify(bench: Bench, todo_id: str, stack: str, job: str = "verify") -> None:
    """The stack must plan empty now (APP-05). Raises Unknown when it does not: more or less was done than planned."""
    after = bench.terraform.plan(stack, bench.workspace.job(todo_id, job, stack), lambda: None)
    _keep(bench, todo_id, Evidence("verify", 0, stack, after.sha256, after.exit_code))
    if after.exit_code != 0:
        found = "is not empty" if after.exit_code == 2 else f"fails: {bench.hide(after.error)[-500:]}"
        raise Unknown(
            "not-converged", f"verifying {stack}: it was applied, and the next plan {found}; look at the stack"
        )
    bench.say("verify", f"{stack} plans empty", todo_id)


def push(bench: Bench, todo: Todo, stacks: Sequence[str], kept: Kept, seen: Sequence[Check]) -> str:
    """Push the commit; when somebody was faster, put it on top of theirs and try again. Returns the pushed commit.

    What was `seen` of it goes into its message. Raises Failed on a conflict, when the branch was rewound or the forge
    says no; the commit is kept on its branch.
    """
    message = todo_commit(todo.action, incident_of(bench), bench.run.id, todo.id, seen)
    bench.branch.reword(bench.branch.landed(*trailers(bench.run.id, todo.id)), message)
    for _ in range(_PUSHES):
        _verify_with_theirs(bench, todo, stacks, kept)
        if bench.branch.push():
            landed = bench.branch.landed(*trailers(bench.run.id, todo.id))
            ledger().runs.set_commit(bench.run.id, todo.id, landed)
            bench.say("push", f"{landed[:7]} is on {bench.repository.branch}", todo.id)
            forget(bench, kept.branch, todo.id)
            return landed
        if not bench.branch.rebase():
            break
    told = f"the applied commit {kept.commit[:7]} is on {kept.branch}"
    raise Failed("push-conflict", f"pushing: {bench.repository.branch} moved in conflict; {told}")


def _verify_with_theirs(bench: Bench, todo: Todo, stacks: Sequence[str], kept: Kept) -> None:
    """Where others changed what a stack is made of, ours has to plan empty again together with theirs.

    Asked before every push and not after every rebase: a push that is cut short and tried again asks once more.
    """
    parent = bench.branch.parent()
    moved = bench.branch.changed(kept.base, parent)
    for stack in [s for s in stacks if touched(bench, moved, s)]:
        verify(bench, todo.id, stack, f"again-{parent[:12]}")


def touched(bench: Bench, paths: Sequence[str], stack: str) -> bool:
    """Whether changed paths can change what a stack plans.

    Those are its own files, and all outside of stacks but documents and the inventory of monitors.
    """
    policy = Policy(bench.repository.stacks, frozenset(), frozenset())
    found = [(stack_of(path, policy), path) for path in paths if path != bench.repository.monitors]
    return any(owner == stack or (owner is None and not path.endswith(".md")) for owner, path in found)


def incident_of(bench: Bench) -> str:
    """PM-YYYY-MM-DD, the incident in commit messages."""
    return f"PM-{ledger().runs.row(bench.run.id)['incident_date']}"


def forget(bench: Bench, branch: str, todo_id: str = "") -> None:
    """Remove a branch that kept a commit. That it cannot be is said, and neither waited for nor a failure."""
    try:
        bench.branch.forget(branch)
    except FollowthroughError as error:
        bench.say("push", f"{branch} is not needed any more and could not be removed: {error}", todo_id)


def _keep(bench: Bench, todo_id: str, found: Evidence) -> None:
    ledger().evidence.keep(bench.run.id, todo_id, found)


def _told(bench: Bench, todo_id: str, planned: StackPlan) -> StackPlan:
    for finding in planned.findings:
        bench.say("plan", f"{finding.rule} {finding.where}: {finding.why}", todo_id)
    if planned.does:
        bench.say("plan", "; ".join(planned.does), todo_id)
        bench.say("plan", "\n".join(planned.shown), todo_id)
    return planned
