"""READ THIS FIRST: how a pushed post-mortem becomes landed changes.

    push ─► follow_push: which post-mortems did it change? ─► a run each
    run  ─► follow_through
              read the open TODOs; where a machine may do none, tell people and end
              part them into lanes: what may touch the same stack goes one after the other, P0 first,
              the lanes go side by side             app/agent/lanes.py
              follow_todo, for each TODO, in a worktree of our own on the DevVM
                1. an agent edits a copy; it has file tools and no shell     ┐
                2. judge its edits                  app/guard/change.py      │
                   hold their stacks: no other TODO plans or applies them    │ two tries: the second
                   ask promtool and Prometheus about its alerts              │ gets the findings
                3. plan each changed stack, judge   app/guard/plan.py        ┘ of the first
                4. commit, and keep the commit on a branch of its own
                   what is legitimate but large waits here for a person ─► follow_approval
                5. apply exactly the judged plan, at most once; bring new monitors to Uptime Kuma
                6. verify: the next plan must be empty
                   see that it works: the alert is loaded, the monitor's heart beats, the operator's check passes
                7. push to the branch, never by force, with what was seen in the commit's message
              write the results into the post-mortem, push
              tell Slack, leave nothing behind on the DevVM            pipelines/ending.py

What stops a TODO is Refused (a rule said no), Failed (we broke) or Unknown (an apply may have happened in part; then
nothing more begins in the run). What was landed and not seen to work goes to a person. Each step runs at least once and
its result is kept: a run that is cut short goes on where it was. What may happen once only is written down before it
begins. No step returns a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from app.agent.events import AgentResult
from app.checks import Check
from app.errors import Failed, FollowthroughError
from app.guard.model import Finding, Verdict
from app.ledger.runs import Todo
from pipelines import agent_work, alerts, approval, closing, holding, intake, landing, monitors, results, verification
from pipelines.bench import Bench, arriving_step, bench_step, leading_step, ledger
from pipelines.documents import keep_after_push
from pipelines.durable import patiently, side_by_side, start, step, workflow
from pipelines.ending import end_run, end_todo
from pipelines.values import AgentChange, Approved, BroughtMonitor, Kept, StackPlan, Work

TRIES = (1, 2)
# A try that ends so was ended by its DevVM: it is over, and the next one begins with a fresh copy.
LOST = ("agent-lost", "workspace-lost")


@workflow
def follow_push(delivery: str) -> None:
    """One accepted delivery, `ID` or `ID TIME`: a run for each post-mortem that it added or changed."""
    delivery_id = delivery.split(" ")[0]
    try:
        found = find_post_mortems(delivery_id)
    except FollowthroughError as error:
        record_failure(delivery_id, error.reason, str(error))
        return
    for repository, run_id in found:
        start(follow_through, run_id, lane=repository)
    keep_after_push(delivery_id)


@workflow
def follow_through(run_id: str) -> None:
    """One run, from its TODOs to Slack and cleaning up, whatever happens in between."""
    end_run(run_id, partial(follow_todos, run_id))


@workflow
def follow_approval(waiting: str) -> None:
    """What a person has decided on, `RUN TODO`: landed when they said yes, with the same end as a run."""
    run_id, todo_id = waiting.split(" ")
    end_run(run_id, partial(follow_decision, run_id, todo_id))


def follow_todos(run_id: str) -> None:
    """The TODOs of a run, lane beside lane, and their results into the post-mortem."""
    work = read_todos(run_id)
    if not work.todos and not work.owed:
        return
    side_by_side(follow_lane, [" ".join([run_id, *lane]) for lane in open_workspace(run_id, work.todos)], run_id)
    write_back(run_id)


@workflow
def follow_lane(lane: str) -> None:
    """The TODOs of a lane, `RUN TODO TODO ...`, one after the other, until nobody knows how one ended."""
    run_id, *todo_ids = lane.split(" ")
    for todo_id in todo_ids:
        todo = patiently(ledger().runs.todo, run_id, todo_id)
        if end_todo(partial(follow_todo, run_id, todo), partial(finish_todo, run_id, todo_id)) == "unknown":
            break


def follow_todo(run_id: str, todo: Todo) -> str:
    """One TODO, from the agent to the pushed commit. Returns its outcome; what stopped it is recorded."""
    findings: tuple[Finding, ...] = ()
    try:
        base_tree = export_tree(run_id, todo)
        for attempt in TRIES:
            try:
                change, plans = try_change(run_id, todo, base_tree, attempt, findings)
            except Failed as error:
                if error.reason not in LOST or attempt == TRIES[-1]:
                    raise
                base_tree = export_tree(run_id, todo)
                continue
            findings = change.findings + tuple(f for plan in plans for f in plan.findings)
            if Verdict(findings).word != "block":
                break
            if change.outdated:
                base_tree = export_tree(run_id, todo)
        else:
            raise closing.refusal(change, plans)
        kept = commit_change(run_id, todo, change)
        if findings:
            return ask_person(run_id, todo.id, kept, plans, findings)
        seen = land(run_id, todo, kept, plans)
    except FollowthroughError as error:
        return finish_todo(run_id, todo.id, type(error).__name__, error.reason, str(error), findings)
    return finish_landed(run_id, todo.id, plans, seen)


def try_change(
    run_id: str, todo: Todo, base_tree: str, attempt: int, findings: Sequence[Finding]
) -> tuple[AgentChange, list[StackPlan]]:
    """One try: the agent's edits, judged; and only when no rule blocks, the plans of their stacks, judged."""
    budget = reserve_money(run_id, todo.id, attempt)
    result = run_agent(run_id, todo, attempt, budget, findings)
    change = hold_stacks(run_id, todo, judge_edits(run_id, todo, attempt, base_tree, result))
    if Verdict(change.findings).word != "block":
        change = ask_about_alerts(run_id, todo, change)
    if Verdict(change.findings).word == "block":
        return change, []
    return change, [plan_stack(run_id, todo, attempt, stack, change) for stack in change.stacks]


def land(run_id: str, todo: Todo, kept: Kept, plans: Sequence[StackPlan]) -> list[Check]:
    """Apply what was judged, see that it holds and works, push it. Returns what was seen."""
    stacks = [plan.stack for plan in plans]
    for plan in plans:
        apply_plan(run_id, todo.id, plan)
    brought = bring_monitors(run_id, todo, kept)
    for stack in stacks:
        verify_stack(run_id, todo.id, stack)
    seen = see_it_work(run_id, todo, kept, stacks, brought)
    push_commit(run_id, todo, stacks, kept, seen)
    return seen


def follow_decision(run_id: str, todo_id: str) -> None:
    """Land an approved change as it was judged; what was declined, or is not the same any more, is dropped."""
    try:
        approved = take_up_approval(run_id, todo_id)
        seen = land(run_id, approved.todo, approved.kept, approved.plans)
    except FollowthroughError as error:
        finish_todo(run_id, todo_id, type(error).__name__, error.reason, str(error), ())
    else:
        finish_landed(run_id, todo_id, approved.plans, seen)
    write_back(run_id)


# The steps, in the order in which a run takes them.


@step
def find_post_mortems(delivery_id: str) -> list[tuple[str, str]]:
    """Ask git, not the payload, which post-mortems the push changed; our own commits cause nothing."""
    return intake.runs_of(delivery_id)


@step
def read_todos(run_id: str) -> Work:
    """Parse the post-mortem at the pushed commit; leave to people what was not declared safe or is settled already."""
    return intake.todos_of(run_id)


@leading_step
def open_workspace(bench: Bench, todos: Sequence[Todo]) -> list[list[str]]:
    """Vault, SSH key, DevVM: our own clone there. Returns the ids of the TODOs in lanes."""
    return agent_work.open_tree(bench, todos)


@leading_step
def export_tree(bench: Bench, todo: Todo) -> str:
    """The branch's tip, and the agent's copy: no .git, no protected stack, nothing that steers it. Returns its tree."""
    return agent_work.export(bench, todo)


@step
def reserve_money(run_id: str, todo_id: str, attempt: int) -> float:
    """Set money aside within the limits of TODO, run and day. Refused when too little is left."""
    return agent_work.budget_of(run_id, todo_id, attempt)


@arriving_step
def run_agent(bench: Bench, todo: Todo, attempt: int, budget: float, findings: Sequence[Finding]) -> AgentResult:
    """The agent, detached on the DevVM: started if absent, followed to its end, its cost settled."""
    return agent_work.session(bench, todo, attempt, budget, findings)


@bench_step
def judge_edits(bench: Bench, todo: Todo, attempt: int, base_tree: str, result: AgentResult) -> AgentChange:
    """Every changed path, by every rule. Refused when there is no change at all."""
    return agent_work.judge(bench, todo, attempt, base_tree, result)


@bench_step
def hold_stacks(bench: Bench, todo: Todo, change: AgentChange) -> AgentChange:
    """Wait its turn for the stacks, then stand on what landed meanwhile; outdated when the change would undo it."""
    return holding.hold(bench, todo, change)


@bench_step
def ask_about_alerts(bench: Bench, todo: Todo, change: AgentChange) -> AgentChange:
    """The same change, with what promtool and Prometheus say against the alerts that it adds."""
    return alerts.ask_about(bench, todo, change)


@bench_step
def plan_stack(bench: Bench, todo: Todo, attempt: int, stack: str, change: AgentChange) -> StackPlan:
    """A plan to a file in a clean worktree with the judged edits, its JSON judged. Destroys are never let through."""
    return landing.plan(bench, todo, attempt, stack, change)


@bench_step
def commit_change(bench: Bench, todo: Todo, change: AgentChange) -> Kept:
    """One commit of exactly the judged files, with the run and the TODO in its trailers, kept on its own branch."""
    return landing.commit(bench, todo, change)


@step
def ask_person(run_id: str, todo_id: str, kept: Kept, plans: Sequence[StackPlan], findings: Sequence[Finding]) -> str:
    """What is legitimate but larger waits; an approval is for this commit and these plan files alone."""
    return closing.park(run_id, todo_id, kept, plans, findings)


@bench_step
def take_up_approval(bench: Bench, todo_id: str) -> Approved:
    """The worktree on the approved commit again. Refused when it was declined, or is not the same any more."""
    return approval.take_up(bench, todo_id)


@bench_step
def apply_plan(bench: Bench, todo_id: str, plan: StackPlan) -> None:
    """That plan file, by its hash, at most once. Unknown when it may have happened in part."""
    landing.apply(bench, todo_id, plan)


@bench_step
def bring_monitors(bench: Bench, todo: Todo, kept: Kept) -> list[BroughtMonitor]:
    """What the commit adds to the inventory, to Uptime Kuma: what is there already is taken as it is."""
    return monitors.bring(bench, todo, kept)


@bench_step
def verify_stack(bench: Bench, todo_id: str, stack: str) -> None:
    """The next plan of the stack is empty, else Unknown."""
    landing.verify(bench, todo_id, stack)


@bench_step
def see_it_work(
    bench: Bench, todo: Todo, kept: Kept, stacks: Sequence[str], brought: Sequence[BroughtMonitor]
) -> list[Check]:
    """What the running system says of the change, each answer recorded. Waits for it, and raises nothing of it."""
    return verification.see(bench, todo, kept, stacks, brought)


@bench_step
def push_commit(bench: Bench, todo: Todo, stacks: Sequence[str], kept: Kept, seen: Sequence[Check]) -> str:
    """To the branch, rebased when somebody was faster. Failed on a conflict; the commit is kept on its own branch."""
    with holding.pushing(bench, todo):
        return landing.push(bench, todo, stacks, kept, seen)


@step
def finish_todo(run_id: str, todo_id: str, kind: str, reason: str, message: str, findings: Sequence[Finding]) -> str:
    """Record what stopped a TODO: unknown when that came after an apply had begun."""
    return closing.finish(run_id, todo_id, kind, reason, message, findings)


@step
def finish_landed(run_id: str, todo_id: str, plans: Sequence[StackPlan], seen: Sequence[Check]) -> str:
    """Record what came of a TODO that is on the branch: done when it was seen to work, else a person's."""
    return closing.finish_landed(run_id, todo_id, plans, seen)


@bench_step
def write_back(bench: Bench) -> None:
    """TODO becomes Done in place, the Follow-up Implementation table is filled, committed with [ci skip], pushed."""
    results.write_back(bench)


@step
def record_failure(delivery_id: str, reason: str, message: str) -> None:
    """Why a delivery could not be looked into."""
    ledger().deliveries.conclude(delivery_id, reason, message)
