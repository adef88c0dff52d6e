"""promtool and amtool on the DevVM: what they say of a rule file, and whom an alert would reach."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.edges.machine import TIMED_OUT, Completed, Machine
from app.errors import Failed, Refused

_NOT_THERE = (126, 127)
_SECONDS = 60
_OUTPUT_LIMIT = 4 * 1024 * 1024
_SAID_LIMIT = 2000
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_LABELS, _LONGEST_VALUE = 64, 1024
# promtool opens its input by name: what sshd hands to a command may be a socket, which cannot be opened, a pipe can.
# The shell also tells by a number what was ended by a signal.
_FROM_PIPE = 'cat | "$@"'


def rules_problem(machine: Machine, promtool: str, text: str, path: str) -> str | None:
    """What promtool has against a rule file with this text; None when it takes it.

    `promtool` is a command or an absolute path on the machine, `path` the PATH to look it up in. The text is handed
    over on standard input, and no file is written. Raises Failed when promtool is not there or does not end.
    """
    argv = _command(machine, promtool, path, ["check", "rules", "/dev/stdin"])
    done = _run(machine, argv, text.encode("utf-8", "replace"))
    doing = f"checking rules with {promtool} on {machine.name}"
    if done.code in _NOT_THERE:
        how = (
            "install Debian's prometheus there (its service need not run), set repository.verify.promtool to its path, "
            "or to nothing to do without"
        )
        raise Failed("promtool-missing", f"{doing}: it is not there; {how}")
    if done.code == 0:
        return None
    if done.code != 1:
        raise Failed("promtool-failed", f"{doing}: {_ending(done)}")
    return _words(done, "Checking ", "FAILED:").replace("/dev/stdin: ", "") or "it refuses the file without a word"


def receivers(machine: Machine, amtool: str, config_file: str, labels: Mapping[str, str], path: str) -> tuple[str, ...]:
    """The receivers that an alert with these labels reaches, in the order of Alertmanager's routes.

    `config_file` is a path on the machine. Raises Refused for labels that no alert can have, Failed with amtool's words
    when the configuration is broken, and when amtool is not there or does not end.
    """
    pairs = [f'{name}="{_quoted(value)}"' for name, value in _checked(labels).items()]
    words = ["config", "routes", "test", f"--config.file={config_file}", "--", *pairs]
    done = _run(machine, _command(machine, amtool, path, words), b"")
    doing = f"asking {amtool} on {machine.name} whom an alert reaches"
    if done.code in _NOT_THERE:
        how = (
            "install Debian's prometheus-alertmanager there (its service need not run), set repository.verify.amtool "
            "to its path, or repository.verify.alertmanager_config to nothing to do without"
        )
        raise Failed("amtool-missing", f"{doing}: it is not there; {how}")
    if done.code not in (0, 1):
        raise Failed("amtool-failed", f"{doing}: {_ending(done)}")
    if done.code == 1:
        said = _words(done, "Warning:") or "it said nothing"
        raise Failed("alertmanager-config-broken", f"{doing}: {said}; mend repository.verify.alertmanager_config")
    return tuple(name for name in done.text.strip().split(",") if name)


def _command(machine: Machine, program: str, path: str, words: Sequence[str]) -> list[str]:
    """The program with an environment of nothing but the operator's PATH."""
    if program.startswith("~/"):
        program = machine.home + program[1:]
    return ["env", "-i", f"PATH={path}", "LANG=C.UTF-8", program, *words]


def _run(machine: Machine, argv: Sequence[str], stdin: bytes) -> Completed:
    argv = ["sh", "-c", _FROM_PIPE, "sh", *argv]
    return machine.run(argv, stdin=stdin, timeout=_SECONDS, codes=range(256), limit=_OUTPUT_LIMIT)


def _ending(done: Completed) -> str:
    if done.code == TIMED_OUT:
        return f"stopped after {_SECONDS} seconds"
    return f"exit code {done.code}: {_words(done) or 'it said nothing'}"


def _words(done: Completed, *dropped: str) -> str:
    """The lines that it printed, without those that begin with words of its own, cut."""
    lines = [line.strip() for line in f"{done.text}\n{done.err}".split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(dropped or "\0"))[:_SAID_LIMIT]


def _checked(labels: Mapping[str, str]) -> Mapping[str, str]:
    if len(labels) > _MOST_LABELS:
        raise Refused("labels-refused", f"an alert with {len(labels)} labels: there may be {_MOST_LABELS}")
    for name, value in labels.items():
        if not _LABEL.fullmatch(name):
            raise Refused("labels-refused", f"an alert with the label {name[:100]!r}: that is no name of a label")
        if len(value) > _LONGEST_VALUE or any(not c.isprintable() and c != "\n" for c in value):
            why = f"its value is longer than {_LONGEST_VALUE} characters or holds some that are not printed"
            raise Refused("labels-refused", f"an alert with the label {name[:100]}: {why}")
    return labels


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
