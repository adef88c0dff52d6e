"""How a try of the agent ends, money, people who stop a run, and what becomes of a TODO that was there before."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "agent-timeout": (
        "The agent was stopped at its time limit.",
        "Make the TODO smaller, or raise `agent.todo_minutes`.",
    ),
    "agent-no-result": ("The agent ended without saying how.", "Look at the run's lines; the next push tries again."),
    "agent-over-budget": (
        "The agent was stopped at its budget.",
        "Make the TODO smaller, or raise `agent.todo_budget_usd`.",
    ),
    "agent-too-many-turns": (
        "The agent was stopped at its limit of turns.",
        "Make the TODO smaller, or raise `agent.max_turns`.",
    ),
    "agent-error": (
        "The agent's command ended with an error.",
        "Read the sentence behind it; often the model is overloaded or its login is over. The next push tries again.",
    ),
    "agent-no-turns": (
        "The agent ended without doing anything.",
        "Run `followthrough doctor`; the next push tries again.",
    ),
    "agent-lost": (
        "The agent's process was lost, with its DevVM or on it.",
        "Nothing, when it was rebooted: the next push tries again.",
    ),
    "agent-made-no-change": (
        "The agent changed nothing.",
        "Read what it said; word the TODO so that a change in the stacks can do it.",
    ),
    "agent-out-of-scope": (
        "The agent only tried what it may not.",
        "Word the TODO so that it asks for a change in the stacks.",
    ),
    "agent-unusable": (
        "The agent's command does not run, or could not be tried.",
        "Install Claude Code on the DevVM, or correct `devvm.claude`; then run `followthrough doctor`.",
    ),
    "cage-broken": (
        "The agent's cage does not hold on this DevVM: something got out. No agent is started there.",
        "Install the version of Claude Code that held, then run `followthrough doctor`.",
    ),
    "cage-untested": (
        "The agent's cage could not be tried, so no agent is started.",
        "Let sshd forward to the loopback as deploy/devvm/setup.sh does, then run `followthrough doctor`.",
    ),
    "todo-budget-spent": ("The TODO has cost what one may cost.", "Raise `agent.todo_budget_usd`, then push or retry."),
    "run-budget-spent": ("The run has cost what one may cost.", "Raise `agent.budget_usd`, then push or retry."),
    "day-budget-spent": (
        "Today's money for agents is spent or set aside.",
        "Wait for midnight UTC, or raise `agent.day_budget_usd`.",
    ),
    "cancelled": ("Somebody cancelled the run.", "Retry it when the reason is gone."),
    "stopped-after-unknown": (
        "An apply before it in the same run may have happened in part, so nothing more was begun.",
        "Settle that one first, then push or retry.",
    ),
    "todo-withdrawn": ("The TODO was removed or reworded before anything was done.", "Nothing."),
    "commit-gone": ("The commit is not on the branch any more.", "Push the post-mortem again."),
    "internal-error": ("An error that nobody foresaw.", "Read the service's log at that time and report it."),
    "flow-changed": (
        "A new version has other steps and could not go on with what the old one had begun.",
        "Retry the run; look at the stack first where it says unknown.",
    ),
    "not-concluded": ("The run ended before its outcome could be recorded.", "Read the run's lines; then retry it."),
    "landed-before": (
        "An earlier run has landed it, of which this database knows nothing.",
        "Nothing; mark it as done in the document if it is not.",
    ),
    "landed-unverified": (
        "An earlier run has landed it and did not see it work; this database knows nothing of it.",
        "Look whether it works, then mark it as done.",
    ),
}
