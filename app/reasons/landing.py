"""From plan to push: what stops a change, and what a person has to look at."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "change-refused": (
        "A rule said no to the edit, twice.",
        "Read the findings: each names the rule and how to get through it honestly.",
    ),
    "plan-refused": (
        "A rule said no to the plan.",
        "Read the findings: each names the rule and how to get through it honestly.",
    ),
    "plan-failed": ("The plan failed.", "Read what terraform said. The next push tries again."),
    "plan-timeout": (
        "The plan was stopped at its time limit.",
        "Find out what it waits for, or raise `repository.plan_minutes`.",
    ),
    "plan-lost": ("The plan's command was lost several times.", "Find out why the DevVM ends processes or reboots."),
    "plan-stale": (
        "Terraform's state moved between plan and apply; terraform did nothing.",
        "Push the post-mortem again: it is planned anew.",
    ),
    "plan-file-changed": (
        "The plan file is not the one that was judged; nothing was applied.",
        "Find out who changes files in the workspace on the DevVM.",
    ),
    "changes-pending": (
        "The stack has changes that are on the branch and not applied.",
        "Apply or revert them, then push or retry.",
    ),
    "environment-unsafe": (
        "A file in the stack's folder would decide which programs a plan runs.",
        "Remove it from the repository.",
    ),
    "state-locked": (
        "Somebody holds the lock on the stack's state, longer than is waited for.",
        "Let them finish, or release a lock that nobody holds; then push or retry.",
    ),
    "stack-moved": (
        "Others landed in the same stack while the TODO was worked on, on every try.",
        "Push or retry: it begins on what is there now.",
    ),
    "approval-needed": (
        "The change is legitimate and large, so it waits for a person.",
        "Look at the diff and the plan; approve or decline within 24 hours.",
    ),
    "approval-expired": ("Nobody approved it within 24 hours.", "Push the post-mortem again: it is planned anew."),
    "approval-declined": ("A person said no.", "Nothing; reword the TODO to have it tried another way."),
    "approval-void": (
        "What was approved is not what would happen now: too old, or the stack, its state or its branch moved.",
        "Push the post-mortem again: it is planned anew.",
    ),
    "already-decided": ("Somebody has decided on it before.", "Nothing; the run says who and what."),
    "no-such-approval": ("Nothing of that name waits for a person.", "See what waits: `followthrough approvals`."),
    "apply-failed": (
        "The apply failed; parts of it may have happened.",
        "Look at the stack and its state. Nothing repeats it; the commit is on its own branch.",
    ),
    "apply-unknown": (
        "The apply was begun and nothing tells how it ended.",
        "Look at the stack and its state. Nothing repeats it; the commit is on its own branch.",
    ),
    "apply-connection-lost": (
        "The connection was lost while an apply ran; it is followed again.",
        "Nothing yet; the run says how it went on.",
    ),
    "not-converged": (
        "It was applied, and the next plan is not empty: more or less was done than planned.",
        "Look at the stack. Nothing repeats it; the commit is on its own branch.",
    ),
    "commit-differs": (
        "The commit did not hold exactly the judged files, so it was not kept.",
        "Find out who changes files in the workspace on the DevVM.",
    ),
    "commit-lost": (
        "The pushed commit was not found on the branch again.",
        "Look at the branch and at the run's own branch.",
    ),
    "push-conflict": (
        "The branch moved in conflict with an applied change.",
        "Merge the branch that the message names, by hand.",
    ),
    "push-refused": (
        "The forge does not let the DevVM's user push.",
        "Let it push to the branch and to followthrough/*; merge the branch that the message names.",
    ),
    "push-raced": ("Somebody else pushes at the same moment; it is tried again.", "Nothing."),
    "push-failed": (
        "The forge did not take the push; it is tried again for a while.",
        "Look whether the forge can be reached from the DevVM.",
    ),
    "branch-rewound": (
        "The branch does not contain what the work stands on: somebody has rewound it.",
        "See that this was meant; then push the post-mortem again.",
    ),
}
