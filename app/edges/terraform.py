"""Terraform on the DevVM through the repository's own wrapper: plan to a file, show it as JSON, apply that file."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from app.edges.machine import TIMED_OUT, Job, JobState, Machine
from app.errors import Failed, Refused, Transient, Unknown
from app.settings import RepositorySettings

# Terraform's own words when the state moved on after the plan: it checks that before it does anything.
_STALE = "Error: Saved plan is stale"
# And when somebody else is at the state, and still is when -lock-timeout is over: nothing was done either.
_LOCKED = "Error acquiring the state lock"
# Providers come from the operator's mirror alone, whatever lies in the checkout or in the user's home (ENV-03).
_ONLY_FROM = "provider_installation {{\n  filesystem_mirror {{\n    path = {}\n  }}\n}}\n"
_SHOWN_LIMIT = 64 * 1024 * 1024
# How often a plan is started that is lost each time.
_STARTS = 3


@dataclass(frozen=True)
class Planned:
    """A finished plan. `shown` is what the wrapper printed for its JSON: secrets in clear, never to be stored.

    `exit_code` is that of -detailed-exitcode: 0 nothing to do, 2 changes, 1 an error, told in `error`. `sha256` names
    the plan file.
    """

    exit_code: int
    shown: str
    sha256: str
    error: str


class Terraform:
    """Plans and applies in one worktree. `data` is a folder outside of it for providers, modules and plan files."""

    def __init__(self, machine: Machine, repository: RepositorySettings, tree: str, data: str, path: str) -> None:
        self._machine, self._repository = machine, repository
        self._tree, self._data, self._path = tree, data, path

    def plan(self, stack: str, job: str, look: Callable[[], None]) -> Planned:
        """Plan one stack to a file. A job of that name that is there already is followed, not started again.

        `look` is called every few seconds; when it raises, the plan is ended. Somebody else's lock on the state is
        waited for (`repository.lock_minutes`) and never broken; then Failed("state-locked") is raised.
        """
        self._machine.run(["mkdir", "-p", "-m", "700", self._data])
        if mirror := self._repository.provider_mirror:
            self._machine.write(self._cli_config, _ONLY_FROM.format(json.dumps(mirror)).encode())
        if self._repository.init:
            done, folder = self._follow(f"{job}~init", stack, self._argv(self._repository.init), look)
            if done.code != 0:
                return Planned(1, "", "", self._error(folder))
        file = self._plan_file(job)
        flags = ["-input=false", f"-out={file}", "-detailed-exitcode", self._lock_timeout]
        done, folder = self._follow(job, stack, [*self._argv(self._repository.plan), *flags], look)
        if done.code == TIMED_OUT:
            raise Failed("plan-timeout", f"planning {stack}: stopped after {self._repository.plan_minutes} minutes")
        if done.code not in (0, 2):
            said = self._error(folder)
            self._must_not_be_locked(said, f"planning {stack}")
            return Planned(done.code, "", "", said)
        return Planned(done.code, self._show(stack, file), self._sha256(file), "")

    def holds(self, plan_job: str) -> bool:
        """Whether the plan file of a job is there."""
        return self._machine.run(["test", "-e", self._plan_file(plan_job)], codes=(0, 1)).code == 0

    def jobs_of(self, job: str) -> list[str]:
        """The folders of everything that `plan` starts under the name of this job."""
        return [*_names(f"{job}~init"), *_names(job)]

    def apply(
        self, stack: str, plan_job: str, sha256: str, job: str, first: bool, ended: Callable[[int], None]
    ) -> None:
        """Apply the plan file of `plan_job`, at most once.

        `sha256` is that of the file when it was judged; another content is refused. `first` says that nobody has
        begun this apply. The job's folder is the gate: one that was begun is followed, one that never came to start
        is started. `ended` hears its exit code, where one is known. Raises Unknown when it may have happened in part:
        such an apply must not be repeated.
        """
        doing = f"applying the judged plan of {stack}"
        file = self._plan_file(plan_job)
        if self._machine.poll(job, 0, 0).state == "absent":
            if not self.holds(plan_job) and not first:
                raise Unknown(
                    "apply-unknown", f"{doing}: it was begun before and its traces are gone; look at the stack"
                )
            if not self.holds(plan_job):
                raise Failed("plan-file-changed", f"{doing}: the plan file that was judged is gone (APP-01)")
            if self._sha256(file) != sha256:
                raise Failed("plan-file-changed", f"{doing}: the plan file is not the one that was judged (APP-01)")
            self._start(job, stack, [*self._argv(self._repository.apply), self._lock_timeout, file])
        try:
            done = self._machine.follow(job, lambda _: None)
        except Transient as error:
            raise Transient("apply-connection-lost", f"{doing}: {error}") from None
        if done.state != "exited":
            raise Unknown("apply-unknown", f"{doing}: it was started and nothing tells how it ended; look at the stack")
        ended(done.code)
        if done.code != 0:
            said = self._error(job)
            if _STALE in said:
                raise Failed("plan-stale", f"{doing}: the state has changed since; terraform refused and did nothing")
            self._must_not_be_locked(said, doing)
            message = f"{doing}: exit code {done.code}: {said}; parts of it may have been applied"
            raise Unknown("apply-failed", message)

    def check(self, stack: str, job: str) -> tuple[int | None, str]:
        """Run the operator's own check of a stack at the repository's root (`repository.verify.config`).

        Returns its exit code, None when nothing tells it, and the end of what it printed. 124 is its time limit.
        """
        verify = self._repository.verify
        argv = [word.replace("{stack}", stack) for word in self._argv(verify.config)]
        self._machine.start(Job(job, argv, self._tree, verify.config_minutes * 60, self._environment(stack)), {})
        done = self._machine.follow(job, lambda _: None)
        return done.code if done.state == "exited" else None, self._error(job)

    def _follow(self, job: str, stack: str, argv: list[str], look: Callable[[], None]) -> tuple[JobState, str]:
        """How it ended, and its folder: one that is lost is ended whole and started again under another name."""
        for folder in _names(job):
            self._start(folder, stack, argv)
            try:
                done = self._machine.follow(folder, lambda _: None, look)
            except Refused:
                self._machine.kill(folder)
                raise
            if done.state == "exited":
                return done, folder
            self._machine.kill(folder)
        raise Failed(
            "plan-lost",
            f"planning {stack}: its command was gone without an exit code {_STARTS} times; does the DevVM reboot?",
        )

    def _start(self, job: str, stack: str, argv: list[str]) -> None:
        limit = int(self._repository.plan_minutes * 60)
        cwd = f"{self._tree}/{self._repository.stacks}/{stack}"
        self._machine.start(Job(job, argv, cwd, limit, self._environment(stack)), {})

    @property
    def _lock_timeout(self) -> str:
        limits = (self._repository.lock_minutes, self._repository.plan_minutes / 2)
        return f"-lock-timeout={int(min(limits) * 60)}s"

    def _must_not_be_locked(self, said: str, doing: str) -> None:
        if _LOCKED not in said:
            return
        facts = (line.strip() for line in said.splitlines())
        holder = ", ".join(
            " ".join(f.split()) for f in facts if f.startswith(("ID:", "Operation:", "Who:", "Created:"))
        )
        waited = f"waited {self._lock_timeout.partition('=')[2]} for the lock on the state; {holder or 'it is held'}"
        message = f"{doing}: {waited}; nothing was done. Let that end; a lock is never broken from here"
        raise Failed("state-locked", message)

    def _show(self, stack: str, file: str) -> str:
        exports = [f"{k}={v}" for k, v in self._environment(stack).items()]
        argv = ["env", "-i", *exports, *self._argv(self._repository.show), file]
        cwd = f"{self._tree}/{self._repository.stacks}/{stack}"
        inside = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd, *argv]
        return self._machine.run(inside, timeout=300, limit=_SHOWN_LIMIT).out.decode("utf-8", "replace")

    def _environment(self, stack: str) -> dict[str, str]:
        """Everything that the wrapper sees (ENV-01): a fixed list, and what the operator's configuration adds."""
        return {
            "PATH": self._path,
            "HOME": self._machine.home,
            "LANG": "C.UTF-8",
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "",
            "CHECKPOINT_DISABLE": "1",
            "TF_DATA_DIR": f"{self._data}/{stack}",
            "TG_LOG_DISABLE": "true",
            "TG_TF_FORWARD_STDOUT": "true",
            "TG_NO_COLOR": "true",
            "NO_COLOR": "1",
            **({"TF_CLI_CONFIG_FILE": self._cli_config} if self._repository.provider_mirror else {}),
            **self._repository.environment,
        }

    @property
    def _cli_config(self) -> str:
        return f"{self._data}/cli.tfrc"

    def _argv(self, command: str) -> list[str]:
        """A configured command; a first word with a slash is a file of the repository."""
        first, *rest = shlex.split(command)
        return [f"{self._tree}/{first}" if "/" in first and not first.startswith("/") else first, *rest]

    def _plan_file(self, job: str) -> str:
        return f"{self._data}/{hashlib.sha256(job.encode()).hexdigest()[:16]}.plan"

    def _sha256(self, file: str) -> str:
        self._machine.run(["chmod", "600", file])
        return self._machine.run(["sha256sum", file]).text.split()[0].removeprefix("\\")

    def _error(self, job: str) -> str:
        """What people and the agent get to see of a failed command: the end of what it printed on both streams."""
        return "\n".join(
            t for t in (self._machine.tail(f"{job}/out", 2000), self._machine.tail(f"{job}/err", 3000)) if t
        )


def _names(job: str) -> list[str]:
    """The folders of a plan's job, each for when the one before it was lost."""
    return [job, *(f"{job}~{number}" for number in range(2, _STARTS + 1))]
