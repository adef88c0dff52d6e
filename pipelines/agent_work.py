"""The agent's part of a TODO: its copy of the tree, its session, and the judgement of its edits."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace

from app.agent import command, events
from app.agent.events import AgentResult
from app.agent.lanes import Wish, lanes
from app.agent.prompt import Task, user_prompt
from app.documents.parse import parse
from app.edges.machine import TIMED_OUT, Job
from app.edges.workspace import Entry
from app.errors import Failed, Refused, Transient
from app.guard.change import exportable, judge_change, outside_writes, stack_of
from app.guard.edits.expected import expected_addresses
from app.guard.model import Edits, Finding, Verdict
from app.guard.money import Limits, allowance
from app.guard.shown import shown_edits
from app.ledger.controls import PAUSE
from app.ledger.evidence import Evidence
from app.ledger.runs import Todo
from app.ledger.spend import Spent
from pipelines import cage, closing, landing, room
from pipelines.bench import Bench, ledger, settings
from pipelines.controls import heed, must_go_on
from pipelines.values import AgentChange

# Ends that a limit of ours brought about: the same try would end there again.
_LIMITS = ("agent-over-budget", "agent-too-many-turns")
_MOST_FILES = 50
_LOOK_SECONDS = 1.0
# How long a command that is up waits for its prompt: after that it ends, and is started anew when its turn comes.
_HELD_SECONDS = 60


def budget_of(run_id: str, todo_id: str, attempt: int) -> float:
    """What a try may cost in US dollars, set aside in the ledger. Raises Refused when too little is left.

    While TODOs beside it have set aside what they may not need, it waits for them to end.
    """
    spend = ledger().spend
    while True:
        was_open = spend.is_open(run_id, todo_id)
        try:
            return spend.set_aside(run_id, todo_id, attempt, _allowed)
        except Refused as error:
            # Asked before and after: in between, one may have ended, or begun.
            if error.reason == "todo-budget-spent" or not (was_open or spend.is_open(run_id, todo_id)):
                raise
        must_go_on(run_id, "waiting for money that TODOs beside this one have set aside", todo_id)
        time.sleep(_LOOK_SECONDS)


def get_ready(bench: Bench, todo: Todo) -> None:
    """Start the command of the TODO's first try and hold it, while its copy is made: it takes a while to be up.

    Only for a DevVM whose cage was shown to hold. It asks nothing of the model before `session` gives it its prompt.
    Where a look at what is known says that it would not be given one, nothing is started; where that is wrong,
    `session` ends it, or starts another in its place.
    """
    run_id, money = bench.run.id, ledger().spend
    if ledger().controls.find(PAUSE) or money.reserved(run_id, todo.id, 1) is not None:
        return
    try:
        budget = _allowed(money.so_far(run_id, todo.id))
    except Refused:
        return
    job, secrets = _job(bench, todo, 1, budget)
    bench.machine.hold(job, secrets)


def open_tree(bench: Bench, todos: Sequence[Todo]) -> list[list[str]]:
    """Our clone, at the branch's tip; returns the ids of the TODOs in lanes that may go side by side.

    Raises Refused("commit-gone") when the branch does not contain the run's commit: it was never pushed, or somebody
    took it back.
    """
    with ThreadPoolExecutor(1) as beside:
        shown = beside.submit(cage.was_shown, bench)
        room.must_be_there(bench)
    bench.workspace.prepare()
    if todos and shown.result():
        get_ready(bench, todos[0])
    tip = bench.workspace.fetch()
    bench.say("workspace", f"{bench.devvm.name} has {bench.repository.branch} at {tip[:7]}")
    closing.sweep(bench)
    if not bench.branch.contains(bench.run.commit):
        where = f"{bench.repository.branch} of {bench.repository.name}"
        raise Refused("commit-gone", f"following {bench.run.commit[:12]}: it is not on {where}; push it first")
    wishes = [Wish(todo.id, todo.type, f"{todo.action} {todo.details}") for todo in todos]
    return lanes(wishes, bench.workspace.known_stacks(tip), settings().agent.side_by_side)


def export(bench: Bench, todo: Todo) -> str:
    """Make the agent's copy of the branch's tip; returns the git tree id of what it holds.

    Raises Refused("todo-withdrawn") when the post-mortem at the tip does not ask for it any more.
    """
    ledger().runs.begin_todo(bench.run.id, todo.id)
    heed(bench.run.id, "an agent", todo.id)
    if not _end_leftovers(bench, todo) and cage.was_shown(bench):
        get_ready(bench, todo)
    bench.branch.copy_of(bench.workspace.open())
    path = bench.run.post_mortem
    document = parse(bench.workspace.file(path), path, settings().documents.vocabulary)
    if todo.id not in {item.id for item in document.todos}:
        why = (
            f"{path} on {bench.repository.branch} does not ask for it any more: its row was closed, changed or removed"
        )
        raise Refused("todo-withdrawn", why)
    landing.must_be_new(bench, todo)
    policy = bench.policy()
    return bench.workspace.export(todo.id, lambda path, mode: exportable(path, mode, policy))


def session(bench: Bench, todo: Todo, attempt: int, budget: float, findings: Sequence[Finding]) -> AgentResult:
    """Run one session to its end and settle what it cost. Raises Refused or Failed unless it succeeded.

    A session that is there already, because this step was cut short, is followed and not started again. Raises
    Failed("agent-lost") when nothing tells how it ended, or the copy that it was to work on is gone.
    """
    job, secrets = _job(bench, todo, attempt, budget)
    folder = job.folder
    if bench.machine.run(["test", "-d", job.cwd], codes=(0, 1)).code:
        raise _lost(bench, todo, attempt, None, f"its copy of the tree is gone from {bench.devvm.name}")
    prompt = user_prompt(_task(bench, todo, job.cwd, findings))
    state = bench.machine.poll(folder, 0, 0).state
    if state in ("absent", "held"):
        _may_begin(bench, todo, attempt)
    bench.say("agent", f"try {attempt} with {settings().agent.model}, at most ${budget:.2f}", todo.id)
    bench.machine.start(replace(job, input=command.message(prompt)), secrets)
    stream = bytearray()
    progress = bench.progress("agent", todo.id)

    def news(piece: bytes) -> None:
        stream.extend(piece)
        progress(piece)

    try:
        ended = bench.machine.follow(folder, news, lambda: must_go_on(bench.run.id, "the agent"))
    except Refused:
        # Cancelled: what the session has cost so far is not known, so all of it counts.
        bench.machine.kill(folder)
        ledger().spend.settle(bench.run.id, todo.id, attempt, None)
        raise
    result = events.read_result(stream.decode("utf-8", "replace"), ended.code, ended.code == TIMED_OUT)
    code = ended.code if ended.state == "exited" else None
    ledger().evidence.keep(bench.run.id, todo.id, Evidence("agent", attempt, exit_code=code))
    if ended.state != "exited":
        bench.machine.kill(folder)
        why = f"its job on {bench.devvm.name} is {ended.state}: the machine was restarted, or somebody ended it there"
        raise _lost(bench, todo, attempt, result.cost_usd, why)
    cost = ledger().spend.settle(bench.run.id, todo.id, attempt, result.cost_usd)
    bench.say("agent", f"ended after {result.turns} turns, ${cost:.4f}: {result.message}", todo.id)
    if result.ok:
        return replace(result, message=bench.hide(result.message), cost_usd=cost)
    problem = f"running the agent: {bench.hide(result.message)}"
    if not stream:
        problem += f"; it said {bench.hide(bench.machine.tail(f'{folder}/err', 500))!r}"
    raise (Refused if result.reason in _LIMITS else Failed)(result.reason, problem)


def judge(bench: Bench, todo: Todo, attempt: int, base_tree: str, result: AgentResult) -> AgentChange:
    """What the agent changed against its copy, judged by every rule over git facts and contents.

    Raises Refused("agent-made-no-change") when it changed nothing and tried nothing else: it says itself why. Raises
    Failed("workspace-lost") when the DevVM has lost its files since.
    """
    bench.must_be_whole("judging the agent's edits")
    entries = bench.workspace.changes(todo.id, base_tree)
    policy = bench.policy(todo.type)
    tree = bench.workspace.agent_tree(todo.id) + "/"
    outside = outside_writes([w.removeprefix(tree) for w in result.writes], policy) or list(result.denials)
    stacks = sorted({stack for entry in entries if (stack := stack_of(entry.path, policy))})
    expected = None
    if not entries and not outside:
        raise Refused("agent-made-no-change", f"the agent changed nothing: {result.message}")
    if not entries:
        why = "the agent tried to work outside of what it may edit, was not let, and changed nothing else"
        found = tuple(Finding("AGENT-01", where.replace(tree, ""), why) for where in dict.fromkeys(outside))
    elif len(entries) > _MOST_FILES:
        found = (Finding("FILE-06", policy.stacks, f"{len(entries)} files changed, more than are even read"),)
    else:
        edits = _edits(bench, entries, stacks)
        found, expected = judge_change(edits, policy).findings, expected_addresses(edits)
        ledger().changes.keep_diff(bench.run.id, todo.id, attempt, shown_edits(edits, bench.hide))
    diff = hashlib.sha256(json.dumps([astuple(entry) for entry in entries]).encode()).hexdigest()
    judged = Evidence("edits", attempt, "", diff, None, policy.version, Verdict(found).word)
    ledger().evidence.keep(bench.run.id, todo.id, judged)
    for finding in found:
        bench.say("diff", f"{finding.rule} {finding.where}: {finding.why}", todo.id)
    if not found:
        bench.say("diff", "changed " + ", ".join(entry.path for entry in entries), todo.id)
    return AgentChange(tuple(entries), tuple(stacks), found, expected)


def _edits(bench: Bench, entries: Sequence[Entry], stacks: Sequence[str]) -> Edits:
    around = bench.workspace.around(stacks, {entry.path for entry in entries})
    return Edits(tuple(bench.workspace.read(entries)), around)


def _lost(bench: Bench, todo: Todo, attempt: int, cost: float | None, why: str) -> Failed:
    """The failure of a try that is over and told nothing: it is not started again, and what it cost counts."""
    counted = ledger().spend.settle(bench.run.id, todo.id, attempt, cost, lost=True)
    bench.say("agent", f"try {attempt} is lost, ${counted:.4f} counts for it: {why}", todo.id)
    return Failed("agent-lost", f"running the agent: {why}")


def _may_begin(bench: Bench, todo: Todo, attempt: int) -> None:
    """Raises what `heed` and `cage.require_cage` raise. Then nothing of what was set aside is spent."""
    try:
        heed(bench.run.id, "an agent", todo.id)
        cage.require_cage(bench)
    except Transient:
        raise
    except (Failed, Refused):
        ledger().spend.settle(bench.run.id, todo.id, attempt, 0.0)
        raise


def _end_leftovers(bench: Bench, todo: Todo) -> bool:
    """An agent or a plan that could not be followed to its end must not go on beside another try of the same TODO.

    Returns whether an agent is there that waits for its prompt.
    """
    is_held = False
    for folder in bench.workspace.jobs():
        name = folder.rpartition("/")[2]
        if name.startswith(f"{todo.id}~") and "~apply~" not in name:
            state = bench.machine.poll(folder, 0, 0).state
            is_held = is_held or state == "held"
            if state == "running":
                bench.machine.kill(folder)
    return is_held


def _allowed(so_far: Spent) -> float:
    """The budget of the next try, in US dollars. Raises Refused when too little is left."""
    agent = settings().agent
    limits = Limits(agent.todo_budget_usd, agent.budget_usd, agent.day_budget_usd)
    return allowance(limits, Limits(so_far.todo, so_far.run, so_far.day))


def _job(bench: Bench, todo: Todo, attempt: int, budget: float) -> tuple[Job, dict[str, str]]:
    """The command of a try without its prompt, and the secret part of its environment."""
    folder, tree = bench.workspace.job(todo.id, f"agent{attempt}"), bench.workspace.agent_tree(todo.id)
    home = f"{folder}/home"
    environment, secrets = bench.agent_environment(home)
    argv = command.command_line(_cage(bench, todo, budget))
    limit = settings().agent.todo_minutes * 60
    return Job(folder, argv, tree, limit, environment, makes=(home, tree), wait=_HELD_SECONDS), secrets


def _task(bench: Bench, todo: Todo, tree: str, findings: Sequence[Finding]) -> Task:
    repository = bench.repository
    stacks = sorted(bench.workspace.known_stacks() - set(repository.protected_stacks))
    words = (todo.action, todo.type, todo.priority, todo.details)
    return Task(tree, repository.stacks, stacks, *words, findings=findings, inventory=_only(bench, todo))


def _cage(bench: Bench, todo: Todo, budget: float) -> command.Cage:
    agent, repository = settings().agent, bench.repository
    claude = bench.machine.path(bench.devvm.claude)
    limits = (repository.stacks, repository.protected_stacks, agent.max_turns, budget, _only(bench, todo))
    return command.Cage(claude, agent.model, *limits)


def _only(bench: Bench, todo: Todo) -> str:
    """The one file that a Monitor TODO may edit, where monitors are kept in an inventory."""
    return bench.repository.monitors if todo.type == "Monitor" else ""
