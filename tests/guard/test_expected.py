"""Which addresses an edit can change: itself, and what is made from it."""

from __future__ import annotations

import pytest

from app.guard.edits.expected import expected_addresses
from tests.guard.edits import Files, edits

STACK = """
locals {
  limit = 5
  twice = local.limit * 2
  rules = templatefile("${path.module}/rules.yaml.tpl", { limit = local.twice })
}
variable "image" {
  default = "a"
}
resource "x_config" "rules" {
  data = local.rules
}
resource "x_server" "reader" {
  checksum = sha1(x_config.rules.data)
}
resource "x_server" "other" {
  image = var.image
}
module "inner" {
  source = "./inner"
}
resource "x_files" "all" {
  for_each = fileset(path.module, "dashboards/*.json")
}
"""
BASE: Files = {
    "stacks/web/main.tf": STACK,
    "stacks/web/rules.yaml.tpl": "a: 1\n",
    "stacks/web/dashboards/one.json": "{}\n",
    "stacks/web/inner/main.tf": 'resource "x_server" "deep" {\n}\n',
}


@pytest.mark.parametrize(
    ("path", "old", "new", "wanted"),
    [
        ("main.tf", "limit = 5", "limit = 6", ("x_config.rules", "x_server.reader")),
        ("rules.yaml.tpl", "1", "2", ("x_config.rules", "x_server.reader")),
        ("main.tf", 'default = "a"', 'default = "b"', ("x_server.other",)),
        ("main.tf", "data = local.rules", "data = 1", ("x_config.rules", "x_server.reader")),
        ("main.tf", "image = var.image", "image = 1", ("x_server.other",)),
        ("dashboards/one.json", "{}", "[]", ("x_files.all",)),
        ("inner/main.tf", '"deep" {', '"deep" {\n  size = 1', ("module.inner", "x_server.deep")),
        ("main.tf", "\nlocals", "\n# said\nlocals", ()),
    ],
)
def test_what_an_edit_reaches(path: str, old: str, new: str, wanted: tuple[str, ...]) -> None:
    file = f"stacks/web/{path}"
    head = {**BASE, file: str(BASE[file]).replace(old, new, 1)}
    assert head != BASE
    assert expected_addresses(edits(BASE, head)) == wanted


def test_what_cannot_be_read_is_not_guessed() -> None:
    assert expected_addresses(edits(BASE, {**BASE, "stacks/web/main.tf": "resource {{{"})) is None
