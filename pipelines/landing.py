"""From a judged change to the branch: plan, apply, verify, commit, push, and the post-mortem's own update."""

from __future__ import annotations

from app.documents.edit import fill_follow_up, mark_done
from app.documents.model import FollowUpRow
from app.errors import Failed, Refused, Unknown
from app.guard.model import Finding
from app.guard.plan import judge_plan, read_plan, summarise
from app.ledger.runs import Todo
from app.messages import follow_up_commit, todo_commit
from pipelines.bench import Bench, ledger
from pipelines.values import AgentChange, StackPlan

_PUSHES = 5


def plan(bench: Bench, todo_id: str, attempt: int, stack: str, change: AgentChange) -> StackPlan:
    """Plan one stack with the judged change in a clean worktree, and judge the plan.

    The stack without the change must plan empty first: what is pending there would ride along (ENV-06).
    """
    bench.workspace.reset()
    baseline = bench.terraform.plan(stack, bench.workspace.job(todo_id, "baseline", stack), lambda _: None)
    if baseline.exit_code != 0:
        why = "has changes pending before the edit" if baseline.exit_code == 2 else "cannot be planned before the edit"
        found = (
            Finding("ENV-06", stack, f"the stack {why}; a person settles that first {bench.hide(baseline.error)}"),
        )
        return _told(bench, todo_id, StackPlan(stack, "", "", (), found))
    bench.workspace.place(change.entries)
    job = bench.workspace.job(todo_id, f"plan{attempt}", stack)
    planned = bench.terraform.plan(stack, job, lambda _: None)
    if planned.exit_code == 1:
        found = (Finding("PLAN-01", stack, f"the plan failed: {bench.hide(planned.error)[-2000:]}"),)
        return _told(bench, todo_id, StackPlan(stack, job, "", (), found))
    verdict = judge_plan(planned.shown, planned.exit_code, stack)
    does = () if verdict.findings else tuple(f"{stack}: {line}" for line in summarise(read_plan(planned.shown)))
    return _told(bench, todo_id, StackPlan(stack, job, planned.sha256, does, verdict.findings))


def apply(bench: Bench, todo_id: str, judged: StackPlan) -> None:
    """Apply the judged plan file, at most once: that it begins is written down first.

    Raises Unknown when it may have happened in part, or when a run that was cut short had begun it and left no trace.
    """
    first = ledger().runs.begin_effect(bench.run.id, f"apply {bench.run.id} {todo_id} {judged.stack} {judged.sha256}")
    bench.say("apply", f"{judged.stack}, plan {judged.sha256[:12]}", todo_id)
    job = bench.workspace.job(todo_id, "apply", judged.stack)
    bench.terraform.apply(judged.stack, judged.job, judged.sha256, job, first, lambda _: None)


def verify(bench: Bench, todo_id: str, stack: str) -> None:
    """The stack must plan empty now (APP-05). Raises Unknown when it does not: more or less was done than planned."""
    after = bench.terraform.plan(stack, bench.workspace.job(todo_id, "verify", stack), lambda _: None)
    if after.exit_code != 0:
        found = "is not empty" if after.exit_code == 2 else f"fails: {bench.hide(after.error)[-500:]}"
        raise Unknown(
            "not-converged", f"verifying {stack}: it was applied, and the next plan {found}; look at the stack"
        )
    bench.say("verify", f"{stack} plans empty", todo_id)


def commit(bench: Bench, todo: Todo, change: AgentChange) -> None:
    """Commit exactly the judged files in the run's worktree."""
    message = todo_commit(todo.action, incident_of(bench), bench.run.id, todo.id)
    bench.workspace.commit({entry.path: entry.head_blob for entry in change.entries}, message)


def push(bench: Bench, todo: Todo) -> None:
    """Push the worktree's commits; when somebody was faster, put them on top and try again.

    Raises Failed on a conflict, with the work kept on a branch of its own.
    """
    for _ in range(_PUSHES):
        if bench.workspace.push():
            commit_id = bench.workspace.head()
            ledger().runs.set_commit(bench.run.id, todo.id, commit_id)
            bench.say("push", f"{commit_id[:7]} is on {bench.repository.branch}", todo.id)
            return
        if not bench.workspace.rebase():
            break
    aside = f"followthrough/{bench.run.id}"
    bench.workspace.push_aside(aside)
    bench.workspace.to_tip()
    raise Failed(
        "push-conflict", f"pushing: {bench.repository.branch} moved in conflict; the applied commit is on {aside}"
    )


def write_back(bench: Bench) -> None:
    """Put the results into the post-mortem at the branch's tip and push it. Nothing to change: nothing is committed."""
    for _ in range(_PUSHES):
        bench.workspace.to_tip()
        before = bench.workspace.file(bench.run.post_mortem)
        after = _with_results(bench, before)
        if after == before:
            return
        blob = bench.workspace.put_blob(after)
        message = follow_up_commit(incident_of(bench), bench.run.id)
        commit_id = bench.workspace.commit({bench.run.post_mortem: blob}, message)
        if bench.workspace.push():
            bench.say("write-back", f"{bench.run.post_mortem} updated in {commit_id[:7]}")
            return
    raise Failed("write-back-lost", f"updating {bench.run.post_mortem}: the branch moved {_PUSHES} times in a row")


def incident_of(bench: Bench) -> str:
    """PM-YYYY-MM-DD, the incident in commit messages."""
    return f"PM-{ledger().runs.row(bench.run.id)['incident_date']}"


def _with_results(bench: Bench, data: bytes) -> bytes:
    rows = []
    for todo in ledger().runs.todos(bench.run.id):
        if todo["reason"].startswith("already-"):
            continue
        done = todo["outcome"] == "done"
        if done:
            try:
                data = mark_done(data, todo["id"])
            except Refused as error:
                bench.say("write-back", str(error), todo["id"])
        facts = (todo["action"], todo["priority"], todo["type"], done)
        landed = (todo["finished_at"][:10], todo["commit"], bench.commit_url(todo["commit"])) if done else ("", "", "")
        rows.append(FollowUpRow(todo["id"], *facts, *landed))
    return fill_follow_up(data, rows)


def _told(bench: Bench, todo_id: str, planned: StackPlan) -> StackPlan:
    for finding in planned.findings:
        bench.say("plan", f"{finding.rule} {finding.where}: {finding.why}", todo_id)
    if not planned.findings:
        bench.say("plan", "; ".join(planned.does), todo_id)
    return planned
