"""`followthrough skills install`: the skills and agents of this program, copied into a repository's .claude."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from app.errors import BadInput
from app.redact import redact

FOLDER = ".claude"
# A file of this name that is larger is not an edited one of ours, and comparing it line by line would take minutes.
_DIFF_LIMIT = 256 * 1024


@dataclass(frozen=True)
class Copy:
    """One file: its path below the target, what it shall hold, and what it holds now (None where there is none)."""

    path: Path
    wanted: bytes
    present: bytes | None

    @property
    def name(self) -> str:
        """The path for people."""
        return self.path.as_posix()


def shipped() -> dict[str, bytes]:
    """Every file that is installed, by its path below .claude."""
    return dict(_walk(files("app") / "claude", ""))


def install(target: Path, yes: bool) -> int:
    """Copy into `target/.claude`, with a diff and a question before a file is replaced. Returns the exit code.

    Files that are not ours are not looked at. Raises BadInput before anything is written: `not-a-folder`,
    `link-outside` for a symbolic link that leads out of `target`, `not-a-file` for something else in a file's place.
    """
    try:
        root = target.resolve(strict=True)
        next(root.iterdir(), None)
        copies = [_look(root, Path(FOLDER, name), wanted) for name, wanted in sorted(shipped().items())]
    except (OSError, RuntimeError) as error:  # Python 3.11 and 3.12 tell a circle of links as a RuntimeError
        said = getattr(error, "strerror", None) or "its links lead in a circle"
        raise BadInput("not-a-folder", f"installing into {target}: {said}; nothing was written") from None
    counts = dict.fromkeys(("new", "same", "replaced", "kept"), 0)
    for copy in copies:
        done = _place(root, copy, yes)
        counts[done] += 1
        print(f"{done:<9}{copy.name}")  # noqa: T201
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    print(f"{redact(str(root / FOLDER))}: {told}; nothing else was touched")  # noqa: T201
    return 0


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        found += _walk(entry, name + "/") if entry.is_dir() else [(name, entry.read_bytes())]
    return found


def _look(root: Path, path: Path, wanted: bytes) -> Copy:
    """What stands in a file's place. Every step on the way to it is checked, whether it exists yet or not."""
    for step in [*reversed(path.parents), path]:
        here = root / step
        if not here.resolve().is_relative_to(root):
            raise BadInput("link-outside", f"installing {path}: {here} leads outside of {root}; nothing was written")
        fits = here.is_file() and not here.is_symlink() if step == path else here.is_dir()
        if (here.exists() or here.is_symlink()) and not fits:
            kind = "file" if step == path else "folder"
            raise BadInput("not-a-file", f"installing {path}: {here} is not a plain {kind}; nothing was written")
    return Copy(path, wanted, (root / path).read_bytes() if (root / path).exists() else None)


def _place(root: Path, copy: Copy, yes: bool) -> str:
    if copy.present == copy.wanted:
        return "same"
    if copy.present is not None:
        print(_diff(copy))  # noqa: T201
        if not yes and not _agreed(copy.name):
            return "kept"
    destination = root / copy.path
    fresh = destination.with_name(f".{destination.name}.followthrough-new")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("xb") as file:
            file.write(copy.wanted)
        fresh.replace(destination)
    except OSError as error:
        raise BadInput("not-writable", f"writing {error.filename or destination}: {error.strerror}") from None
    return "new" if copy.present is None else "replaced"


def _diff(copy: Copy) -> str:
    """The unified diff, safe for a terminal: the present file is somebody else's text."""
    present = copy.present or b""
    if len(present) > _DIFF_LIMIT:
        return f"{copy.name}: {len(present)} bytes that are not ours, too many to show"
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (present, copy.wanted))
    lines = difflib.unified_diff(old, new, f"{copy.name} (yours)", f"{copy.name} (ours)", lineterm="")
    return redact("\n".join(lines)) or f"{copy.name}: differs in line ends only"


def _agreed(name: str) -> bool:
    """The answer to the question; no answer is a no."""
    try:
        return input(f"Replace {name}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("no answer: kept; --yes replaces without asking")  # noqa: T201
        return False
