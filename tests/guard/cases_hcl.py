"""HCL-00 to HCL-07: what trips each, in many spellings, and what passes it."""

from __future__ import annotations

from tests.guard.edits import MAIN, Case, tf

DEPLOYMENT = """\
resource "kubernetes_deployment" "web" {
  metadata {
    name = "web"
  }
  spec {
    replicas = 2
    template {
      spec {
        container {
          name  = "web"
          image = "registry.example.org/web:4.1.0"
        }
      }
    }
  }
}
"""
NULL = 'resource "null_resource" "old" {\n  provisioner "local-exec" {\n    command = local.command\n  }\n}\n'


def new(name: str, head: str, expected: object = "block", **policy: object) -> Case:
    """Something added after a resource that stays."""
    return tf(name, DEPLOYMENT, DEPLOYMENT + head, expected, **policy)  # type: ignore[arg-type]


def inside(name: str, text: str, expected: object = "block", **policy: object) -> Case:
    """Something added within a resource that is there."""
    head = DEPLOYMENT.replace("  spec {\n    replicas", f"{text}  spec {{\n    replicas")
    return tf(name, DEPLOYMENT, head, expected, **policy)  # type: ignore[arg-type]


UNREADABLE: list[Case] = [
    new("more braces", 'resource "a" {{{\n'),
    new("no end", "locals {\n  a = 1\n"),
    new("open string", 'locals {\n  a = "x\n}\n'),
    new("string over two lines", 'locals {\n  a = "x\n  y"\n}\n'),
    new("two on one line", "locals {\n  a = 1 b = 2\n}\n"),
    new("two blocks on one line", "locals {}locals {}\n"),
    new("line ends after =", "locals {\n  a =\n  1\n}\n"),
    new("line ends in an operation", "locals {\n  a = 1\n  + 1\n}\n"),
    new("call on the next line", "locals {\n  a = upper\n  (1)\n}\n"),
    new("brace on the next line", "locals\n{\n  a = 1\n}\n"),
    new("comment with a line end is none", "locals {\n  a = 1 /* x\n  */ b = 2\n}\n"),
    new("twice", "locals {\n  a = 1\n  a = 2\n}\n"),
    new("unknown escape", 'locals {\n  a = "\\x41"\n}\n'),
    new("escaped code", 'locals {\n  a = "\\${file(1)}"\n}\n'),
    new("heredoc may end early", "locals {\n  a = <<EOT\nx\nEOT\u00a0\nb = 1\nEOT\n}\n"),
    new("heredoc ends in a directive", "locals {\n  a = <<EOT\n%{ if true }\nEOT\u2003\nx\n%{ endif }\nEOT\n}\n"),
    new("heredoc word with more", "locals {\n  a = <<EOT x\nEOT\n}\n"),
    new("open heredoc", "locals {\n  a = <<EOT\nx\n}\n"),
    new("json", '{"resource": {}}\n'),
    new("semicolons", "locals { a = 1; b = 2 }\n"),
    new("quoted argument", 'locals {\n  "a" = 1\n}\n'),
    new("vertical tab", "locals {\n  a\x0b= 1\n}\n"),
    new("form feed", "locals {\x0c\n}\n"),
    new("no-break space", "locals {\n  a\u00a0= 1\n}\n"),
    new("lone carriage return", "# a\rlocals {\r}\r"),
    new("NUL", "# \x00\n"),
    new("markup", "<?xml?>\n"),
    new("label with code", 'resource "${"a"}" "b" {\n}\n'),
    Case("byte order mark", {MAIN: DEPLOYMENT}, {MAIN: "\ufeff" + DEPLOYMENT}),
    Case("UTF-16", {MAIN: DEPLOYMENT}, {MAIN: DEPLOYMENT.encode("utf-16")}),
    Case("not UTF-8", {MAIN: DEPLOYMENT}, {MAIN: DEPLOYMENT.encode() + b"# \xe9\n"}),
    Case(
        "latin-1 in a string",
        {MAIN: DEPLOYMENT},
        {MAIN: DEPLOYMENT.encode() + 'locals {\n  a = "é"\n}\n'.encode("latin-1")},
    ),
    Case("too large", {MAIN: DEPLOYMENT}, {MAIN: DEPLOYMENT + "# x\n" * 150_000}),
    Case("base cannot be read", {MAIN: "locals {{\n"}, {MAIN: DEPLOYMENT}),
    new("deep brackets", f"locals {{\n  a = {'[' * 300}1{']' * 300}\n}}\n"),
    new("deeper brackets", f"locals {{\n  a = {'[' * 60_000}1{']' * 60_000}\n}}\n"),
    new("deep blocks", "a {\n" * 3_000 + "}\n" * 3_000),
    new("deep templates", "locals {\n  a = " + '"${' * 400 + "1" + '}"' * 400 + "\n}\n"),
    new("deep negation", f"locals {{\n  a = {'!' * 5_000}true\n}}\n"),
]

READABLE = """\
# tabs, comments in odd places, every notation
locals { one_line = 1 }
locals {
\ta = /* first */ 1 // one
\tb = [
\t\t1, # two
\t\t2,
\t]
  c = { x = 1, "y z" = 2, (upper("k")) = 3 }
  d = <<-EOT
    text "quoted" $${not_code} %%{not} \\ back ${upper("in ${lower("X")}")}
    %{~ for n in [1, 2] ~}
    - ${n}
    %{~ endfor ~}
  EOT
  e = "a \\"quoted\\" \\u00e9 $${x} $ { % { ${1 + 1} \\\\"
  f = true ? [for k, v in { a = 1 } : "${k}=${v}" if v > 0] : []
  g = upper(
    "x",
  )
  h = (
    1
    + 2
  )
  größe = 1
  i = { for k in ["a"] :
    k
    => k...
  }
  j = <<A
A
}
resource terraform_data "x" {}
"""
BLOCKS: dict[str, list[Case]] = {
    "HCL-00": [
        *UNREADABLE,
        tf("every notation", "", READABLE, None),
        tf("carriage returns", DEPLOYMENT, DEPLOYMENT.replace("\n", "\r\n"), None),
        tf("no line end", "", "locals {\n}", None),
        tf("empty", DEPLOYMENT, "", None),
    ],
    "HCL-01": [
        new("external", 'data "external" "x" {\n  program = ["sh", "-c", "id"]\n}\n'),
        new("one line", 'data "external" "x" { program = ["id"] }\n'),
        new("bare labels", "data external x {\n}\n"),
        new("escaped label", 'data "extern\\u0061l" "x" {\n}\n'),
        new("comments", 'data /* a */ "http" /* b */ "x" { # c\n  url = "http://example.org"\n}\n'),
        new("remote state", 'data "terraform_remote_state" "x" {\n  backend = "local"\n}\n'),
        new("vault", 'data "vault_kv_secret_v2" "x" {\n}\n'),
        new("kubernetes secret", 'data "kubernetes_secret_v1" "x" {\n}\n'),
        new("file", 'data "local_file" "x" {\n  filename = "x"\n}\n'),
        new("in a check", 'check "x" {\n  data "http" "y" {\n    url = "http://example.org"\n  }\n}\n'),
        new("harmless kind", 'data "aws_ami" "x" {\n}\n', "needs-approval"),
        tf("changed", 'data "external" "x" {\n  program = ["a"]\n}\n', 'data "external" "x" {\n  program = ["b"]\n}\n'),
        tf(
            "changed harmless",
            'data "aws_ami" "x" {\n}\n',
            'data "aws_ami" "x" {\n  owners = ["self"]\n}\n',
            "needs-approval",
        ),
        tf("second of the name", 'data "http" "x" {\n}\n', 'data "http" "x" {\n}\ndata "http" "x" {\n  url = "u"\n}\n'),
        tf(
            "commented",
            'data "http" "x" {\n}\n',
            '# data "a" "b" {}\ndata "http" "x" {\n}\n/* data "c" "d" {} */\n',
            None,
        ),
        new("in a string", 'locals {\n  a = <<EOT\ndata "external" "x" {}\nEOT\n}\n', None),
        Case(
            "moved to another file",
            {MAIN: DEPLOYMENT + 'data "http" "x" {\n}\n'},
            {MAIN: DEPLOYMENT, "stacks/web/data.tf": '# moved\n\ndata "http" "x" {\n\n}\n'},
            None,
        ),
        Case(
            "moved to another folder",
            {MAIN: DEPLOYMENT + 'data "http" "x" {\n}\n'},
            {MAIN: DEPLOYMENT, "stacks/web/sub/data.tf": 'data "http" "x" {\n}\n'},
        ),
    ],
    "HCL-02": [
        inside("local-exec", '  provisioner "local-exec" {\n    command = "id"\n  }\n'),
        inside("one line", '  provisioner "local-exec" { command = "id" }\n'),
        inside("bare label", "  provisioner local-exec {\n  }\n"),
        inside("connection", '  connection {\n    host = "x"\n  }\n'),
        inside("dynamic", '  dynamic "provisioner" {\n    for_each = [1]\n    content {\n    }\n  }\n'),
        inside("comments", '  provisioner /* x */ "local-exec" /* y */ { # z\n    command = "id"\n  }\n'),
        inside("carriage returns", '  provisioner "file" {\r\n    source = "a"\r\n  }\r\n'),
        new("null_resource", 'resource "null_resource" "x" {\n}\n'),
        new("null_data_source", 'data "null_data_source" "x" {\n}\n'),
        new(
            "in removed",
            'removed {\n  from = a.b\n  lifecycle {\n    destroy = false\n  }\n  provisioner "local-exec" {\n  }\n}\n',
        ),
        new(
            "new resource",
            'resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "id"\n  }\n}\n',
        ),
        tf("changed", NULL, NULL.replace("local.command", '"id"')),
        tf("fed by a local", 'locals {\n  command = "a"\n}\n' + NULL, 'locals {\n  command = "b"\n}\n' + NULL),
        tf(
            "fed by two locals",
            'locals {\n  command = "x ${local.b}"\n  b = "a"\n}\n' + NULL,
            'locals {\n  command = "x ${local.b}"\n  b = "b"\n}\n' + NULL,
        ),
        Case(
            "fed around",
            {MAIN: 'locals {\n  command = "a"\n}\n', "stacks/web/null.tf": NULL},
            {MAIN: 'locals {\n  command = "b"\n}\n', "stacks/web/null.tf": NULL},
        ),
        Case(
            "a file it names",
            {MAIN: NULL.replace("local.command", '"${path.module}/job.yaml"'), "stacks/web/job.yaml": "a: 1\n"},
            {MAIN: NULL.replace("local.command", '"${path.module}/job.yaml"'), "stacks/web/job.yaml": "a: 2\n"},
        ),
        tf("was there", NULL + "locals {\n  a = 1\n}\n", NULL + "locals {\n  a = 2\n}\n", None),
        inside("other block", '  timeouts {\n    create = "5m"\n  }\n', None),
    ],
    "HCL-03": [
        new("exec", 'provider "kubernetes" {\n  exec {\n    command = "sh"\n  }\n}\n'),
        new("one line", 'provider "aws" { region = "x" }\n'),
        new("bare", "provider aws {}\n"),
        new("alias", 'provider "aws" {\n  alias = "other"\n}\n'),
        new("comments", 'provider /**/ "aws" /**/ {\n}\n'),
        tf("changed", 'provider "a" {\n  b = 1\n}\n', 'provider "a" {\n  b = 2\n}\n'),
        tf("nested", 'provider "a" {\n  b {\n  }\n}\n', 'provider "a" {\n  b {\n    exec {\n    }\n  }\n}\n'),
        tf("removed", 'provider "a" {\n}\n' + DEPLOYMENT, DEPLOYMENT),
        tf("layout", 'provider "a" {\n  b = 1\n}\n', '# same\nprovider "a" {\n  b   =   1 # one\n}\n', None),
        inside("argument of the name", '  provider_config = "x"\n', None),
    ],
    "HCL-04": [
        new("backend", 'terraform {\n  backend "http" {\n    address = "http://x"\n  }\n}\n'),
        new("providers", 'terraform {\n  required_providers {\n    a = { source = "evil/foo" }\n  }\n}\n'),
        new("cloud", "terraform {\n  cloud {\n  }\n}\n"),
        new("one line", "terraform { experiments = [x] }\n"),
        new("comments", "terraform /* a */ { # b\n}\n"),
        new("encryption", "terraform {\n  encryption {\n  }\n}\n"),
        tf("changed", 'terraform {\n  required_version = ">= 1"\n}\n', 'terraform {\n  required_version = ">= 2"\n}\n'),
        tf("second", "terraform {\n}\n", "terraform {\n}\nterraform {\n}\n"),
        tf("removed", "terraform {\n}\n" + DEPLOYMENT, DEPLOYMENT),
        new("a value of it", "locals {\n  a = terraform.workspace\n}\n", None),
    ],
    "HCL-05": [
        new("git", 'module "x" {\n  source = "git::https://x"\n}\n'),
        new("outside", 'module "x" {\n  source = "../../../tmp/x"\n}\n'),
        new("local", 'module "x" {\n  source = "./x"\n}\n'),
        new("bare", 'module x { source = "./x" }\n'),
        new("registry", 'module "x" {\n  source  = "a/b/c"\n  version = "1.0.0"\n}\n'),
        tf("source", 'module "x" {\n  source = "./x"\n}\n', 'module "x" {\n  source = "./y"\n}\n'),
        tf("version", 'module "x" {\n  version = "1"\n}\n', 'module "x" {\n  version = "2"\n}\n'),
        tf("source put together", 'module "x" {\n  source = "./x"\n}\n', 'module "x" {\n  source = "./${"x"}"\n}\n'),
        tf("providers", 'module "x" {\n}\n', 'module "x" {\n  providers = { a = a.b }\n}\n'),
        tf("version taken away", 'module "x" {\n  version = "1"\n}\n', 'module "x" {\n}\n'),
        tf(
            "argument",
            'module "x" {\n  source = "./x"\n  size = 1\n}\n',
            'module "x" {\n  source = "./x"\n  size = 2\n}\n',
            None,
        ),
        tf(
            "new argument",
            'module "x" {\n  source = "./x"\n}\n',
            'module "x" {\n  source = "./x"\n  size = 2\n}\n',
            None,
        ),
    ],
    "HCL-06": [
        new("removed", "removed {\n  from = a.b\n  lifecycle {\n    destroy = false\n  }\n}\n"),
        new("moved", "moved {\n  from = a.b\n  to = a.c\n}\n"),
        new("import", 'import {\n  to = a.b\n  id = "x"\n}\n'),
        new("import for each", 'import {\n  for_each = { a = 1 }\n  to = a.b\n  id = "x"\n}\n'),
        new("comments", "moved /* x */ { # y\n  from = a.b // z\n  to = a.c\n}\n"),
        new("tabs", "moved\t{\n\tfrom\t=\ta.b\n\tto\t=\ta.c\n}\n"),
        tf("changed", "moved {\n  from = a.b\n  to = a.c\n}\n", "moved {\n  from = a.b\n  to = a.d\n}\n"),
        tf("second", "moved {\n  from = a.b\n  to = a.c\n}\n", "moved {\n  from = a.b\n  to = a.c\n}\n" * 2),
        tf("taken away", "moved {\n  from = a.b\n  to = a.c\n}\n" + DEPLOYMENT, DEPLOYMENT),
        new("words", 'locals {\n  moved = "removed"\n  import = { removed = 1 }\n}\n', None),
        tf(
            "kept",
            "moved {\n  from = a.b\n  to = a.c\n}\n",
            DEPLOYMENT + "moved {\n  to = a.c\n  from = a.b\n}\n",
            None,
        ),
    ],
    "HCL-07": [
        inside("ignore all", "  lifecycle {\n    ignore_changes = all\n  }\n"),
        inside("ignore some", "  lifecycle {\n    ignore_changes = [spec]\n  }\n"),
        inside("one line", "  lifecycle { create_before_destroy = true }\n"),
        inside("comments", "  lifecycle /* a */ { # b\n    replace_triggered_by = [local.a]\n  }\n"),
        inside("dynamic", '  dynamic "lifecycle" {\n    for_each = [1]\n    content {}\n  }\n'),
        new("new resource", 'resource "terraform_data" "x" {\n  lifecycle {\n    ignore_changes = all\n  }\n}\n'),
        tf(
            "prevent_destroy dropped",
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
            'resource "a" "b" {\n  lifecycle {\n  }\n}\n',
        ),
        tf(
            "prevent_destroy off",
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = false\n  }\n}\n',
        ),
        tf(
            "block dropped",
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
            'resource "a" "b" {\n  /* lifecycle {\n    prevent_destroy = true\n  } */\n}\n',
        ),
        tf(
            "postcondition dropped",
            'resource "a" "b" {\n  lifecycle {\n    postcondition {\n      condition = true\n    }\n  }\n}\n',
            'resource "a" "b" {\n  lifecycle {\n  }\n}\n',
        ),
        tf(
            "second of the name",
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n  lifecycle {\n  }\n}\n',
        ),
        tf(
            "kept",
            'resource "a" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
            'resource "a" "b" {\n  size = 2\n  lifecycle { # protected\n    prevent_destroy = true\n  }\n}\n',
            None,
        ),
    ],
}
