"""What a value of the configuration has to look like."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.documents.vocabulary import vocabulary_with


def command(text: str) -> str:
    """A command line of at least one word. Raises ValueError."""
    if not shlex.split(text):
        raise ValueError("the command is empty")
    return text


def relative_folder(text: str) -> str:
    """A folder inside the repository. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", text):
        raise ValueError("must be a folder inside the repository, such as stacks")
    return text


# A repository may hand its wrapper more variables (KUBECONFIG, VAULT_ADDR), but none that changes what terraform
# does with the plan that we judge (SECURITY.md ENV-01).
_FORBIDDEN_VARIABLES = re.compile(r"(TF_.*|TG_.*|TERRAGRUNT_.*|LD_.*|BASH_ENV|ENV|GIT_.*|PATH|HOME)")


def environment(values: dict[str, str]) -> dict[str, str]:
    """Variables for the wrapper, none of which changes what a judged plan does. Raises ValueError."""
    for name in values:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or _FORBIDDEN_VARIABLES.fullmatch(name):
            raise ValueError(f"{name} may not be set here: it could change what a judged plan does")
    return values


def reason(text: str) -> str:
    """Words that say why. Raises ValueError."""
    if not text.strip():
        raise ValueError("a rule is turned off with a reason")
    return text


def synonyms(values: dict[str, list[str]]) -> dict[str, list[str]]:
    """Words that documents may use, none with two meanings. Raises ValueError."""
    vocabulary_with(values)
    return values


def workspace(text: str) -> str:
    """A folder for us on the DevVM that agents may read. Raises ValueError."""
    if not re.fullmatch(r"/[A-Za-z0-9._/ -]+", text) or text.startswith(("/home/", "/root/")):
        raise ValueError("must be an absolute folder of plain characters, not below /home or /root")
    return text.rstrip("/")


def mirror(text: str) -> str:
    """A folder on the DevVM, or nothing. Raises ValueError."""
    if text and not re.fullmatch(r"/[A-Za-z0-9._/-]+", text):
        raise ValueError("must be an absolute folder of plain characters on the DevVM")
    return text


def maybe_command(text: str) -> str:
    """A command line, or nothing. Raises ValueError."""
    return command(text) if text else text


def relative_file(text: str) -> str:
    """A file inside the repository, or nothing. Raises ValueError."""
    return relative_folder(text) if text else text


def inventory(text: str) -> str:
    """A YAML file inside the repository, or nothing. Raises ValueError."""
    if text and not text.endswith((".yaml", ".yml")):
        raise ValueError("must be a .yaml or .yml file inside the repository, such as monitors.yaml")
    return relative_file(text)


def web_address(text: str) -> str:
    """An http or https address without credentials, or nothing. Raises ValueError."""
    if text and not re.fullmatch(r"https?://[^\s@?#]+", text):
        raise ValueError("must be an http or https address without credentials, such as http://prometheus:9090")
    return text.rstrip("/")


Command = Annotated[str, AfterValidator(command)]
Folder = Annotated[str, AfterValidator(relative_folder)]
StackName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Section(BaseModel):
    """One table of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
