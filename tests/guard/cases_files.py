"""FILE rules: what trips each, what passes it."""

from __future__ import annotations

from tests.guard.edits import MAIN, Case

OLD, NEW = "# old\n", "# new\n"


def at(path: str, expected: object = "block") -> Case:
    return Case(path.encode("unicode_escape").decode(), {path: OLD}, {path: NEW}, expected)  # type: ignore[arg-type]


def git(name: str, expected: object = "block", **facts: object) -> Case:
    return Case(name, {MAIN: OLD}, {MAIN: NEW}, expected, change=facts)  # type: ignore[arg-type]


def lines(count: int, word: str = "x") -> str:
    return "".join(f"# {word}{n}\n" for n in range(count))


def added(name: str, text: str, expected: object = "block") -> Case:
    return Case(name, {MAIN: "# a\n"}, {MAIN: "# a\n" + text}, expected)  # type: ignore[arg-type]


STRANGE_PLACES = (
    "scripts/tg", "stacks/Monitoring/x.tf", "stacks/MONITORING/x.tf", "STACKS/web/main.tf", "stacks/web/a.sh",
    "stacks/web/main.TF", "stacks/web/zw\u200b.tf", "stacks/web/main.tf\n", "stacks/web/main.tf ",
    "stacks/web/main.tf.", "stacks/web./main.tf", "stacks/web/a./b.tf", "stacks/web/../vault/main.tf",
    "stacks/web/a..b/x.tf", "stacks//web/main.tf", "stacks/web//main.tf", "/stacks/web/main.tf",
    "./stacks/web/main.tf", "stacks/web/-rf.tf", "stacks/-web/main.tf", "stacks/web/-x/main.tf", "stacks/main.tf",
    "stacks/brandnew/main.tf", "other/stacks/web/main.tf", "stacks\\web\\main.tf", "stacks/web/mаin.tf",
    "stacks/ｗeb/main.tf", "stacks/web/main.tf\u202e", "stacks/web/a b.tf", "stacks/web/$(id).tf", "stacks/web/;id.tf",
    "stacks/web/main.hcl", "stacks/web/.hidden/a.yaml",
)  # fmt: skip
STEERING_NAMES = (
    "stacks/web/terragrunt.hcl", "stacks/web/terragrunt.hcl.json", "stacks/web/root.hcl", "stacks/web/override.tf",
    "stacks/web/x_override.tf", "stacks/web/X_OVERRIDE.TF", "stacks/web/x.tf.json", "stacks/web/x.tofu",
    "stacks/web/x.tofu.json", "stacks/web/x.tftest.hcl", "stacks/web/terraform.tfvars",
    "stacks/web/x.auto.tfvars.json", "stacks/web/.terraform/modules/modules.json", "stacks/web/.terraform.lock.hcl",
    "stacks/web/.terraformrc", "stacks/web/terraform.d/plugins/a.json", "stacks/web/terraform.tfstate",
    "stacks/web/x.tfstate.backup", ".gitattributes", "stacks/web/.gitmodules", ".GIT/hooks/pre-commit",
    ".g\u200cit/config", "stacks/web/.claude/settings.json", ".claude.json", "stacks/web/.mcp.json",
    "stacks/web/CLAUDE.md", "Agents.md", "GEMINI.md", ".cursor/rules", ".envrc", ".env.prod",
    "stacks/web/secrets/a.yaml", "secrets/tls.key", "stacks/web/Secrets./a.yaml", "stacks/web/ｏverride.tf",
)  # fmt: skip
ODD = (
    "\x00\x01\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\xa0\xad\u034f\u061c\u115f\u1680\u180e\u200b\u200d\u200e\u2028\u2029\u202a\u202e"
    "\u2060\u2066\u2069\u2800\u3000\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\ue000\U000e0001\U000e0041\U000e0100\U000f0000"
)


CASES: dict[str, list[Case]] = {
    "FILE-01": [
        *(
            at(path, None)
            for path in (MAIN, "stacks/monitoring/a/b_c/values.prod.yml", "stacks/web/x.json", "stacks/web/a.tpl")
        ),
        *map(at, STRANGE_PLACES),
        Case("case twin", {MAIN: OLD}, {MAIN: OLD, "stacks/web/Main.tf": NEW}),
    ],
    "FILE-02": [
        at("stacks/web/overrides.tf", None),
        at("stacks/web/secrets.tf", None),
        *map(at, STEERING_NAMES),
    ],
    "FILE-03": [
        at(MAIN, None),
        at("stacks/vaults/main.tf", None),
        *map(at, ("stacks/vault/main.tf", "stacks/VAULT/main.tf", "stacks/Vault/a/b.yaml", "stacks/vault./main.tf")),
        at("stacks/ｖault/main.tf"),
        at("stacks/va\u200bult/main.tf"),
    ],
    "FILE-04": [
        git("edited", None),
        Case("new", {}, {MAIN: NEW}, None),
        Case("deleted", {MAIN: OLD}, {}),
        git("renamed", status="R"),
        git("copied", status="C"),
        git("retyped", status="T", head_mode="120000"),
        git("link", head_mode="120000"),
        git("submodule", head_mode="160000"),
        git("executable", head_mode="100755"),
        git("no longer executable", base_mode="100755"),
        git("tree", head_mode="040000"),
        git("unknown status", status="X"),
        git("unmerged", status="U"),
        git("nothing at head", head=None),
        git("said to be new", status="A", base_mode="000000"),
        Case("new link", {}, {MAIN: "../vault"}, change={"head_mode": "120000"}),
    ],
    "FILE-05": [
        git("plain", None),
        *(git(name, filter=name) for name in ("git-crypt", "lfs", "set", "unset", "", "UNSPECIFIED")),
    ],
    "FILE-06": [
        Case("five files", {}, {f"stacks/web/{n}.tf": NEW for n in range(5)}, None),
        Case("six files", {}, {f"stacks/web/{n}.tf": NEW for n in range(6)}, "needs-approval"),
        Case("200 lines", {MAIN: ""}, {MAIN: lines(200)}, None),
        Case("201 lines", {MAIN: ""}, {MAIN: lines(201)}, "needs-approval"),
        Case(
            "201 in two files",
            {MAIN: "", "stacks/web/b.tf": ""},
            {MAIN: lines(101), "stacks/web/b.tf": lines(100)},
            "needs-approval",
        ),
        Case("20 gone", {MAIN: lines(20) + OLD}, {MAIN: OLD}, None),
        Case("21 gone", {MAIN: lines(21) + OLD}, {MAIN: OLD}, "needs-approval"),
        Case("21 changed", {MAIN: lines(21)}, {MAIN: lines(21, "y")}, "needs-approval"),
        Case("own limit", {MAIN: OLD}, {MAIN: OLD + lines(3)}, "needs-approval", {"most_added_lines": 2}),
        Case(
            "alert: one changed", {MAIN: lines(9)}, {MAIN: lines(9).replace("x5", "y5")}, None, {"todo_type": "Alert"}
        ),
        Case(
            "alert: one gone",
            {MAIN: lines(9)},
            {MAIN: lines(9).replace("# x5\n", "")},
            "needs-approval",
            {"todo_type": "Alert"},
        ),
        Case("monitor: one gone", {MAIN: lines(9)}, {MAIN: lines(8)}, "needs-approval", {"todo_type": "Monitor"}),
        Case(
            "alert: gone here, added there",
            {MAIN: lines(9)},
            {MAIN: lines(9).replace("# x2\n", "") + "# z\n"},
            "needs-approval",
            {"todo_type": "Alert"},
        ),
    ],
    "FILE-07": [
        added("words", "# Grüße — ✓ ⚠️ 日本\tend\n", None),
        added("crlf", "# a\r\n", None),
        added("a place of a secret", '# ref: path="secret/ci" token_reviewer sk- hvs.\n', None),
        added("password from a variable", "# postgres://app:${var.password}@db/x\n", None),
        Case("it was there", {MAIN: "# \u202e\n# a\n"}, {MAIN: "# \u202e\n# b\n"}, None),
        Case("a secret moved", {MAIN: "# hvs.CAESIJabcdef\n# a\n"}, {MAIN: "# a\n# hvs.CAESIJabcdef\n"}, None),
        *(added(f"U+{ord(odd):04X}", f"# a{odd}b\n") for odd in ODD),
        added("lone carriage return", "# a\rb\n"),
        Case("not UTF-8", {MAIN: OLD}, {MAIN: b"# \xff\n"}),
        Case("UTF-16", {MAIN: OLD}, {MAIN: "# a\n".encode("utf-16")}),
        Case("binary", {MAIN: OLD}, {MAIN: b"\x7fELF\x00\x01"}),
        added("vault", "# summary: hvs.CAESIJzz\n"),
        added("vault batch", "# hvb.AAAAAQ\n"),
        added("key", "# -----BEGIN RSA PRIVATE KEY-----\n# MIIE\n"),
        added("openssh", "# -----BEGIN OPENSSH PRIVATE KEY-----\n"),
        added("aws", '# key = "AKIAIOSFODNN7EXAMPLE"\n'),
        added("slack", "# xoxb-1234567890-abc\n"),
        added("slack hook", "# https://hooks.slack.com/services/T000/B000/XXXX\n"),
        added("github", "# ghp_abcdefghijklmnopqrstuvwxyz0123456789\n"),
        added("jwt", "# eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl\n"),
        added("url", "# https://user:hunter2secret@example.org/\n"),
        added("anthropic", "# sk-ant-api03-abcdefghijkl\n"),
        added("one more of the same", "# hvs.CAESIJabcdef\n# hvs.CAESIJabcdef\n"),
        added("conflict", "<<<<<<< HEAD\n"),
        added("conflict end", ">>>>>>> theirs\n"),
        added("conflict middle", "=======\n"),
        Case("lfs", {}, {"stacks/web/a.json": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"}),
    ],
}
