"""What a Terraform plan may do: `terraform show -json` of the saved plan, against a table of rules.

The text that a plan prints decides nothing: it leaves out forgets, moves, imports and drift (SECURITY.md, Terraform).
Anything that is not known here, a verb, a key, a format, blocks: a newer terraform must be read before it is trusted.
"""

from __future__ import annotations

from collections.abc import Collection

from app.guard.model import Finding, Policy, Rule, Verdict, judge
from app.guard.plans import actions, scope, updates
from app.guard.plans.read import Plan, PlanFacts, address_of, changes, read_plan, verbs
from app.redact import redact

__all__ = ["RULES", "Plan", "PlanFacts", "judge_plan", "read_plan", "summarise"]

RULES: tuple[Rule[PlanFacts], ...] = (
    Rule(
        "PLAN-01",
        "exit code, format, flags, top-level keys",
        "block",
        "a plan that is not whole says nothing about what apply does",
        "Plan the whole stack again with a terraform that is known here, with changes and without -target",
        actions.whole,
    ),
    Rule(
        "PLAN-02",
        "actions",
        "block",
        "nothing is destroyed or replaced by machine",
        "Change the resource in place, or let a person destroy it",
        actions.destroys,
    ),
    Rule(
        "PLAN-03",
        "actions",
        "block",
        "what is forgotten runs on without anybody's care",
        "Keep the resource in the configuration, or let a person take it out",
        actions.forgets,
    ),
    Rule(
        "PLAN-04",
        "actions, modes and keys everywhere",
        "block",
        "what this version does not know, it does not allow",
        "Use a terraform that this version knows, and pass its output unchanged",
        actions.unknown,
    ),
    Rule(
        "PLAN-05",
        "previous_address, importing, generated_config",
        "block",
        "moves, imports and generated configuration rewrite the state",
        "Let a person move or import it, in a change of its own",
        actions.moves,
    ),
    Rule(
        "PLAN-06",
        "deferred_changes, action_invocations",
        "block",
        "what is deferred or invoked later cannot be judged now",
        "Split the change, so that everything is known when it is planned",
        actions.deferred,
    ),
    Rule(
        "PLAN-07",
        "action_reason, replace_paths",
        "block",
        "terraform itself says that it is more than a change in place",
        "Change only what can be changed in place",
        actions.reasons,
    ),
    Rule(
        "PLAN-08",
        "data sources",
        "needs-approval",
        "what is read during apply was judged by nobody",
        "Do not make a data source depend on what the same plan changes",
        actions.reads,
    ),
    Rule(
        "PLAN-09",
        "addresses and types of creates and updates",
        "needs-approval",
        "a TODO changes what its edit touches, in types that a machine may handle",
        "Edit only what the TODO is about; rights, secrets and access are changed by a person",
        scope.scope,
    ),
    Rule(
        "PLAN-10",
        "number of creates and updates",
        "needs-approval",
        "a TODO that reaches far is looked at by a person",
        "Split it into smaller TODOs, or raise the limit in [policy]",
        scope.limits,
    ),
    Rule(
        "PLAN-11",
        "resource_drift",
        "needs-approval",
        "what somebody did by hand is not undone by machine",
        "Bring what was changed by hand into the configuration first, or undo it",
        scope.drifted,
    ),
    Rule(
        "PLAN-12",
        "output_changes",
        "needs-approval",
        "outputs are read by other stacks, and hold values in clear",
        "Leave the outputs as they are, or let a person see who reads them",
        scope.output_changes,
    ),
    Rule(
        "PLAN-13",
        "checks",
        "block",
        "terraform applies although a check of the configuration fails",
        "Make the check hold",
        scope.checks,
    ),
    Rule(
        "PLAN-14",
        "provisioners, providers, module calls",
        "block",
        "whatever runs programs or is fetched from elsewhere stays what it was",
        "Let a person change provisioners, providers and module sources",
        scope.programs,
    ),
    Rule(
        "PLAN-15",
        "data sources of the prior state",
        "block",
        "a data source acts while it is planned, before anybody judges",
        "Use values that are in the configuration already",
        scope.sources,
    ),
    Rule(
        "PLAN-16",
        "every changed leaf of an update; the addresses and actions of what is created",
        "needs-approval",
        "an update can switch off, shrink or redirect what it does not destroy",
        "Add, or change numbers in bounds; what goes or redirects waits for a person",
        updates.updates,
    ),
    Rule(
        "PLAN-17",
        "the text that the plan printed, where it is at hand",
        "block",
        "text and JSON that disagree are not of the same plan",
        "Plan again, and pass both outputs of the same plan unchanged",
        scope.counts,
    ),
)


def judge_plan(
    shown: str,
    exit_code: int | None,
    stack: str,
    policy: Policy,
    baseline: str | None = None,
    expected: Collection[str] | None = None,
    text: str | None = None,
) -> Verdict:
    """Judge what the wrapper printed for `show -json` of the saved plan of one stack.

    `exit_code` is that of `plan -detailed-exitcode`; None when it is not known: then a plan without changes passes.
    Where it is known, such a plan is blocked: the TODO asked for an effect, and an edit without one is wrong or not
    finished. `baseline` is the same output for the base commit, `expected` are the addresses that the judged diff
    touches (an address of a module covers everything in it), `text` is what the plan printed; None where not at hand:
    then the rules that need them ask less. Never raises: what cannot be read is blocked by PLAN-01.
    """
    try:
        facts = PlanFacts(
            read_plan(shown),
            exit_code,
            None if baseline is None else _read_baseline(baseline),
            None if expected is None else frozenset(expected),
            text,
        )
    except ValueError as error:
        why = f"the plan cannot be read: {error}; {RULES[0].why}. {RULES[0].through}"
        return Verdict((Finding("PLAN-01", stack, why),))
    found = judge(RULES, facts, policy).findings
    return Verdict(tuple(Finding(f.rule, _line(f"{stack}: {f.where}"), _line(f.why), f.decision) for f in found))


def summarise(plan: Plan) -> list[str]:
    """The plan for people: `create terraform_data.x` for everything that is not a no-op. Values are left out."""
    done = [(address_of(row), verbs(row)) for row in changes(plan)]
    return [_line(f"{' and '.join(actions)} {address}") for address, actions in done if actions != ["no-op"]]


def _line(text: str) -> str:
    """One line for people: addresses hold keys that others chose."""
    return redact(text).replace("\n", "\\n")


def _read_baseline(shown: str) -> Plan:
    try:
        return read_plan(shown)
    except ValueError as error:
        raise ValueError(f"that of the base commit: {error}") from None
