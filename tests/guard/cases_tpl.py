"""TPL rules: what trips each, in many spellings, and what passes it."""

from __future__ import annotations

from tests.guard.edits import Case, values

TPL = "stacks/monitoring/rules.yaml.tpl"
RULES = """\
groups:
  - name: nodes
    rules:
      - alert: DiskFull
        expr: disk_used_percent{job="node"} > ${disk_full_percent}
        for: 15m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.instance }} is full, $${not_code}"
      - alert: MemoryFull
        expr: memory_used_percent > 90
        for: 10m
        labels:
          severity: warning
"""
ADDED = """\
      - alert: NfsSlow
        expr: rate(nfs_latency_seconds_sum[5m]) > 0.5
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.instance }} answers slowly"
"""
CHART = """\
alertmanager:
  config:
    receivers:
      - name: slack
        slack_configs:
          - api_url: ${alertmanager_slack_api_url}
            channel: "#alerts"
    route:
      receiver: slack
server:
  image:
    tag: v3.5.0
  retention: 15d
  replicas: 2
  resources:
    limits:
      memory: 2Gi
  extraFlags:
    - web.enable-lifecycle
serverFiles:
  alerting_rules.yml:
    groups:
      - name: nodes
        rules:
          - alert: DiskFull
            expr: disk_used_percent > 85
            for: 15m
"""
MONITORS = "monitors:\n  - name: wiki\n    url: https://wiki.example.org/\n    interval: 60\n  - name: git\n    url: https://git.example.org/\n"


def template(name: str, base: str, head: str, expected: object = "block", **policy: object) -> Case:
    """A case of one .tpl file, for a TODO of type Alert unless it says otherwise."""
    policy = {"todo_type": "Alert", **policy}
    return Case(name, {TPL: base} if base else {}, {TPL: head}, expected, policy)  # type: ignore[arg-type]


def summary(name: str, text: str, expected: object = "block") -> Case:
    """A text in the annotations of an added rule."""
    return template(name, RULES, RULES + ADDED.replace("answers slowly", text), expected)


def chart(name: str, old: str, new: str, expected: object = "block", kind: str = "Alert") -> Case:
    """A change in a chart's values."""
    assert old in CHART
    return template(name, CHART, CHART.replace(old, new), expected, todo_type=kind)


def rules(name: str, old: str, new: str, expected: object = "needs-approval", kind: str = "Alert") -> Case:
    """A change in a file of alert rules."""
    assert old in RULES
    return template(name, RULES, RULES.replace(old, new), expected, todo_type=kind)


def config(name: str, old: str, new: str, expected: object = "needs-approval", kind: str | None = "Config") -> Case:
    """One value added or changed in a YAML file, for a TODO of type Config."""
    return values(name, f"a: 1\n{old}", f"a: 1\n{new}", expected, todo_type=kind)  # type: ignore[arg-type]


FIRST_RULE = RULES[RULES.index("      - alert: DiskFull") : RULES.index("      - alert: MemoryFull")]
MANIFEST = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: x\nspec:\n" + "".join(
    f"  {line}\n" for line in RULES.replace("${disk_full_percent}", "85").replace("$${not_code}", "").splitlines()
)

TEMPLATES: dict[str, list[Case]] = {
    "TPL-01": [
        summary("file", "${file('/etc/passwd')}"),
        summary("quoted", '${file(\\"/etc/passwd\\")}'),
        summary("a variable of the template", "${alertmanager_slack_api_url}"),
        summary("a variable that is used elsewhere", "${disk_full_percent}"),
        summary("directive", "%{ if true }x%{ endif }"),
        summary("trimmed", "${~ x ~}"),
        summary("spaces", "${   x   }"),
        summary("three signs", "$$${x}"),
        summary("open", "${x"),
        summary("braces", "${ {a = 1}.a }"),
        summary("in a string", '${"}"}'),
        template("over several lines", RULES, RULES + ADDED.replace("answers slowly", "${\n  x\n  }")),
        rules("in a threshold", "> 90", "> ${memory}", "block"),
        rules("another expression", "${disk_full_percent}", "${disk_full_percent + 1}", "block"),
        rules("unescaped", "$${not_code}", "${not_code}", "block"),
        rules(
            "a second time in the line", "${disk_full_percent}", "${disk_full_percent} + ${disk_full_percent}", "block"
        ),
        template("in a new file", "", "a: ${x}\n"),
        template("not YAML", "#!/bin/sh\nid: {\n", "#!/bin/sh\nid: {\n${x}\n"),
        values("in YAML", "a: 1\n", "a: ${x}\n"),
        Case("in JSON", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": "${x}"}'}),
        Case("in .yml", {}, {"stacks/web/a.yml": "a: '%{ for x in y }'\n"}),
        summary("escaped", "$${x} %%{if}", None),
        summary("go template", "{{ $labels.x }} {{ $value }} 100% $5 { } $ {x}", None),
        rules("kept in a changed line", "> ${disk_full_percent}", ">= ${disk_full_percent}", None),
        rules("other layout", "> ${disk_full_percent}", "> ${ disk_full_percent }", "block"),
        rules("around", "for: 10m", "for: 20m", None),
    ],
    "TPL-02": [
        # TODOs of type Alert
        template("removed", RULES, RULES.replace(FIRST_RULE, ""), "needs-approval"),
        rules("renamed", "DiskFull", "DiskFuller"),
        rules("severity", "severity: warning\n        annotations", "severity: info\n        annotations"),
        rules("another expression", "memory_used_percent > 90", "vector(0)"),
        rules("another metric", "memory_used_percent", "memory_free_percent"),
        rules("turned around", "> 90", "< 90"),
        rules("absurd", "> 90", "> 99999"),
        rules("to zero", "> 90", "> 0"),
        rules("very long", "for: 10m", "for: 40d"),
        rules("a digit in a selector", 'job="node"', 'job="node2"'),
        rules("for taken away", "        for: 10m\n", ""),
        rules("for added", "        for: 10m\n", "        for: 10m\n        keep_firing_for: 10m\n"),
        rules("summary", "is full", "is fine"),
        rules("silenced by and", "> 90", "> 90 and on() vector(0)"),
        template("two thresholds", RULES, RULES.replace("> 90", "> 95").replace("15m", "20m"), "needs-approval"),
        template("added with odd keys", RULES, RULES + ADDED.replace("        for: 5m\n", "        command: id\n")),
        template("added without expression", RULES, RULES + "      - alert: X\n"),
        template("odd group", RULES, RULES + "  - name: x\n    source_tenants: [a]\n    rules: []\n"),
        template("groups emptied", RULES, "groups: []\n", "needs-approval"),
        template("groups gone", RULES, "other: 1\n"),
        template("hidden by a second key", RULES, RULES + "groups2: []\n"),
        chart("receiver", "#alerts", "#nobody"),
        chart("receiver's address", "${alertmanager_slack_api_url}", "https://evil.example/"),
        chart("one more receiver", "    route:", "      - name: other\n    route:"),
        chart("route", "receiver: slack", "receiver: nobody"),
        chart("remote_write", "server:\n", "server:\n  remoteWrite:\n    - url: https://evil.example/\n"),
        chart("scrape configuration", "serverFiles:\n", "extraScrapeConfigs: []\nserverFiles:\n"),
        chart("sidecar", "server:\n", "server:\n  sidecarContainers:\n    x:\n      image: x\n"),
        chart("flags", "web.enable-lifecycle", "web.enable-admin-api"),
        chart("image", "v3.5.0", "v3.5.1"),
        chart("replicas", "replicas: 2", "replicas: 0"),
        chart("limit", "memory: 2Gi", "memory: 4Gi"),
        chart("recorded elsewhere", "serverFiles:\n", "extra:\n  groups: []\nserverFiles:\n"),
        # TODOs of type Config and Monitor
        *(
            chart(f"config: {name}", old, new, decision, "Config")
            for name, old, new, decision in (
                ("receiver", "#alerts", "#nobody", "block"),
                ("remote_write", "server:\n", "server:\n  remote_write:\n    - url: https://evil.example/\n", "block"),
                ("image", "v3.5.0", "v3.5.1", "block"),
                ("flags", "web.enable-lifecycle", "web.enable-admin-api", "block"),
                ("replicas", "replicas: 2", "replicas: 0", "needs-approval"),
                ("retention", "15d", "1d", "needs-approval"),
                ("retention in another unit", "15d", "24h", "needs-approval"),
                ("no number", "15d", "none", "needs-approval"),
                ("route", "    route:\n      receiver: slack\n", "    route:\n      receiver: x\n", "block"),
                ("key taken away", "  replicas: 2\n", "", "needs-approval"),
                ("alert", "> 85", "> 0 * 85", "needs-approval"),
            )
        ),
        *(
            config(text, "", text, decision)
            for text, decision in (
                ("privileged: true\n", "block"),
                ("Privileged: true\n", "block"),
                ("securityContext:\n  runAsUser: 0\n", "block"),
                ("volumes:\n  - name: x\n    hostPath:\n      path: /\n", "block"),
                ("hostNetwork: true\n", "block"),
                ("host_network: true\n", "block"),
                ("serviceAccountName: admin\n", "block"),
                ("serviceAccount:\n  name: admin\n", "block"),
                ("rbac:\n  create: true\n", "block"),
                ("command: [sh]\n", "block"),
                ("command:\n  - sh\n", "block"),
                ("'command': [sh]\n", "block"),
                ("{command: [sh]}: 1\n", None),
                ("image: evil/x\n", "block"),
                ("image: {repository: evil/x}\n", "block"),
                ("sidecars:\n  - name: x\n", "block"),
                ("initContainers:\n  - name: x\n", "block"),
                ("adminPassword: hunter2\n", "block"),
                ("existingSecret: x\n", "block"),
                ("api_token: x\n", "block"),
                ("env:\n  - name: LD_PRELOAD\n    value: /x\n", "block"),
                ("env:\n  HTTPS_PROXY: http://evil.example\n", "block"),
                ("env:\n  - name: DB_PASSWORD\n    value: x\n", "block"),
                ("env:\n  - name: A\n    valueFrom:\n      secretKeyRef:\n        name: x\n", "block"),
                ("livenessProbe:\n  exec:\n    command: [id]\n", "block"),
                ("webhook_url: https://evil.example/\n", "block"),
                ("webhook:\n  url: https://evil.example/\n", "block"),
                ("extraManifests: [x]\n", "block"),
                ("kind: ClusterRole\n", "block"),
                ("objects:\n  - kind: Secret\n", "block"),
                ("annotations:\n  nginx.ingress.kubernetes.io/server-snippet: x\n", "block"),
                ("service:\n  type: LoadBalancer\n", "needs-approval"),
                ("auth.anonymous:\n  enabled: true\n", "needs-approval"),
                ("reclaimPolicy: Delete\n", "needs-approval"),
                ("args: [--debug]\n", "needs-approval"),
                ("silences:\n  - matchers: []\n", "needs-approval"),
                ("inhibit_rules: [x]\n", "needs-approval"),
                ("mute_time_intervals: [x]\n", "needs-approval"),
                ("alerting:\n  enabled: false\n", "needs-approval"),
                ("alerting:\n  enabled: no\n", "needs-approval"),
                ("alerting:\n  enabled: 'off'\n", "needs-approval"),
                ("suspend: true\n", "needs-approval"),
                ("minReplicas: 0\n", "needs-approval"),
                ("expr: vector(0)\n", "needs-approval"),
                ("start.sh: |\n  id\n", "needs-approval"),
                ("data:\n  run: |\n    a\n    b\n", "needs-approval"),
                ("run: '#!/bin/sh'\n", "needs-approval"),
            )
            if decision
        ),
        config("turned off", "x:\n  enabled: true\n", "x:\n  enabled: false\n"),
        config("paused", "x:\n  paused: false\n", "x:\n  paused: yes\n"),
        config("entry taken away", "x: [a, b]\n", "x: [a]\n"),
        config("named entry taken away", "x:\n  - name: a\n  - name: b\n", "x:\n  - name: b\n"),
        config("order", "x:\n  - name: a\n  - name: b\n", "x:\n  - name: b\n  - name: a\n"),
        config("list emptied", "x: [a]\n", "x: []\n"),
        config("list becomes a word", "x: [a]\n", "x: a\n"),
        config("another host", "x: https://a.example.org/\n", "x: https://b.example.org/\n"),
        config("size", "size: 10Gi\n", "size: 10Mi\n"),
        config("option taken away", "mountOptions: [hard, timeo=600]\n", "mountOptions: [timeo=600]\n"),
        config("no type of TODO", "", "image: x\n", "block", None),
        config("type Monitor", "", "image: x\n", "block", "Monitor"),
        values(
            "monitor taken away",
            MONITORS,
            MONITORS[: MONITORS.index("  - name: git")],
            "needs-approval",
            todo_type="Monitor",
        ),
        values(
            "monitor leads elsewhere",
            MONITORS,
            MONITORS.replace("git.example.org", "evil.example"),
            "needs-approval",
            todo_type="Monitor",
        ),
        Case("JSON", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": 1, "command": ["id"]}'}),
        Case("rules in a text", {}, {"stacks/web/a.yaml": "data:\n  x.yaml: |\n    command: [id]\n"}),
        values(
            "deep text in text",
            "a: 1\n",
            "a: 1\n" + "".join(f"{' ' * n}x.yaml: |\n" for n in range(190)) + " " * 190 + "y: 1\n",
            "needs-approval",
        ),
        Case(
            "a script",
            {"stacks/web/a.tpl": "#!/bin/sh\nset -e\n"},
            {"stacks/web/a.tpl": "#!/bin/sh\nset -e\nid\n"},
            "needs-approval",
        ),
        Case("a new script", {}, {"stacks/web/a.tpl": "echo: {\n"}, "needs-approval"),
        Case("one word", {"stacks/web/a.tpl": "id"}, {"stacks/web/a.tpl": "id -u"}, "needs-approval"),
        Case(
            "a chart's template",
            {"stacks/web/a.yaml": "{{- if x }}\na: 1\n{{- end }}\n"},
            {"stacks/web/a.yaml": "{{- if x }}\na: 2\n{{- end }}\n"},
            "needs-approval",
        ),
        template("added", RULES, RULES + ADDED, None),
        template("added before others", RULES, RULES.replace("    rules:\n", "    rules:\n" + ADDED), None),
        template("added group", RULES, RULES + "  - name: nfs\n    interval: 1m\n    rules:\n" + ADDED, None),
        template("first rules", "groups: []\n", RULES.replace("${disk_full_percent}", "85"), None),
        Case("new manifest", {}, {"stacks/web/rule.yaml": MANIFEST}, None, {"todo_type": "Alert"}),
        Case(
            "added to a manifest",
            {"stacks/web/rule.yaml": MANIFEST},
            {"stacks/web/rule.yaml": MANIFEST + "".join(f"  {line}\n" for line in ADDED.splitlines())},
            None,
            {"todo_type": "Alert"},
        ),
        rules("threshold", "> 90", "> 92.5", None),
        rules("both numbers of one", "> 90\n        for: 10m", "> 80\n        for: 1h30m", None),
        rules("comment and layout", "for: 10m", "for:    10m # a while", None),
        template(
            "moved to another group",
            RULES + "  - name: other\n    rules: []\n",
            RULES.replace(FIRST_RULE, "") + "  - name: other\n    rules:\n" + FIRST_RULE,
            None,
        ),
        chart(
            "chart: added",
            "            for: 15m\n",
            "            for: 15m\n" + "".join(f"    {line}\n" for line in ADDED.splitlines()),
            None,
        ),
        chart("chart: limit", "memory: 2Gi", "memory: 4Gi", None, "Config"),
        chart("chart: retention", "15d", "4w", None, "Config"),
        chart("chart: alert in a TODO of type Config", "> 85", "> 80", None, "Config"),
        config(
            "probe", "", "readinessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080\n  periodSeconds: 10\n", None
        ),
        config("option", "mountOptions: [hard, timeo=600]\n", "mountOptions: [hard, timeo=900, retrans=5]\n", None),
        config(
            "environment",
            "env:\n  - name: A\n    value: x\n",
            "env:\n  - name: A\n    value: x\n  - name: LOG_LEVEL\n    value: debug\n",
            None,
        ),
        config("schedule", 'schedule: "0 3 * * *"\n', 'schedule: "0 */6 * * *"\n', None),
        values(
            "monitor",
            MONITORS,
            MONITORS + "  - name: status\n    url: https://status.example.org/\n",
            None,
            todo_type="Monitor",
        ),
    ],
    "TPL-03": [
        values("key twice", "a: 1\n", "a: 1\na: 2\n"),
        values("key twice, quoted", "a: 1\n", 'a: 1\n"a": 2\n'),
        values("key twice below", "a:\n  b: 1\n", "a:\n  b: 1\n  c: 2\n  b: 3\n"),
        values("key twice in one line", "a: {}\n", "a: {b: 1, b: 2}\n"),
        values("anchor", "a: 1\n", "a: &x 1\nb: *x\n"),
        values("unused anchor", "a: 1\n", "a: &x 1\n"),
        values("one more alias", "a: &x [1]\nb: *x\n", "a: &x [1]\nb: *x\nc: *x\n"),
        values("merge", "a: 1\n", "a: 1\n<<: {b: 2}\n"),
        values("tag", "a: 1\n", "a: !!python/object/apply:os.system [id]\n"),
        values("own tag", "a: 1\n", "a: !x 1\n"),
        values("plain tag", "a: 1\n", "a: !!str 1\n"),
        values("binary", "a: 1\n", "a: !!binary aWQ=\n"),
        values("directive", "a: 1\n", "%YAML 1.1\n---\na: 1\n"),
        values("documents", "a: 1\n", "a: 1\n---\nb: 2\n"),
        values("documents in a new file", "", "a: 1\n---\nb: 2\n"),
        values("no longer YAML", "a: 1\n", "a: 1\n b: [\n"),
        values("tabs", "a:\n  b: 1\n", "a:\n\tb: 1\n"),
        values("new and no YAML", "", "a: [\n"),
        values("deep", "a: 1\n", "a: " + "[" * 500 + "]" * 500 + "\n"),
        values("deeper", "a: 1\n", "[" * 100_000),
        values(
            "bomb",
            "a: 1\n",
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{n}: &{n} [{','.join([f'*{o}'] * 9)}]\n" for o, n in zip("abcdefgh", "bcdefghi", strict=True)),
        ),
        values("alias of itself", "a: 1\n", "a: &a [*a]\n"),
        values("key that is a list", "a: 1\n", "? [a]\n: 1\n"),
        values("key that is a mapping", "a: 1\n", "{command: [sh]}: 1\n"),
        values("twice in rules as text", "x.yaml: |\n  a: 1\n", "x.yaml: |\n  a: 1\n  a: 2\n"),
        template("template no longer YAML", RULES, RULES + " broken: [\n"),
        template("template: key twice", RULES, RULES + "groups: []\n"),
        Case("JSON: key twice", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": 1, "\\u0061": 2}'}),
        Case("JSON: no number", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": NaN}'}),
        Case("JSON: comma", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": 1,}'}),
        Case("JSON: comment", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": 1} // x'}),
        Case("JSON: deep", {"stacks/web/a.json": "{}"}, {"stacks/web/a.json": "[" * 100_000 + "]" * 100_000}),
        Case("JSON: half a character", {"stacks/web/a.json": '{"a": 1}'}, {"stacks/web/a.json": '{"a": "\\ud800"}'}),
        values("plain", "a: 1\n", "a: 2\nb: {c: [1, '2', \"3\"]}\nd: |\n  text\n", None),
        values("it was there", "a: 1\na: 2\nb: &x 1\nc: *x\n", "a: 1\na: 3\nb: &x 1\nc: *x\n", None),
        values("documents that were there", "a: 1\n---\nb: 2\n", "a: 1\n---\nb: 3\n", None),
        template("never was YAML", "a: {\n", "a: {\nb\n", None),
        template("code in it", RULES, RULES.replace("10m", "${x}m"), None),
    ],
}
