"""Room is asked for before anything begins: a disk that becomes full in the middle leaves half of something."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from app.edges import room
from app.edges.room import Room
from app.errors import Failed
from pipelines.bench import Bench, settings

_MIB = 1024 * 1024
# Files of a checkout are many and small: a disk can be full of them with most of its bytes free.
_LEAST_INODES = 10


def must_be_here() -> None:
    """Raises Failed("disk-nearly-full") when database or mirrors have too little room left."""
    folders = [settings().server.data]
    database = make_url(settings().database.url)
    if database.get_backend_name() == "sqlite" and database.database:
        folders.append(Path(database.database).parent)
    for folder in folders:
        problem = too_little(room.here(folder), settings().server.least_free_mib)
        if problem:
            raise Failed("disk-nearly-full", _said(f"{folder.absolute()} here", problem, "server.least_free_mib"))


def must_be_there(bench: Bench) -> None:
    """Raises Failed("devvm-disk-nearly-full") when the DevVM's workspace has too little room left."""
    problem = too_little(room.on(bench.machine, bench.devvm.workspace), bench.devvm.least_free_mib)
    if problem:
        where = f"{bench.devvm.workspace} on {bench.devvm.name}"
        raise Failed("devvm-disk-nearly-full", _said(where, problem, "devvm.least_free_mib"))


def too_little(found: Room, least_mib: int) -> str:
    """What is short, in words; empty when nothing is. `least_mib` 0 asks for nothing."""
    if least_mib and found.free < least_mib * _MIB:
        return f"{found.free // _MIB} MiB are free, {least_mib} are asked for"
    if least_mib and found.inodes and found.inodes_free * 100 < found.inodes * _LEAST_INODES:
        return f"{found.inodes_free} of {found.inodes} inodes are free, {_LEAST_INODES} % are asked for"
    return ""


def _said(where: str, problem: str, setting: str) -> str:
    return f"beginning: the disk of {where} is nearly full: {problem}; make room, or lower {setting}"
