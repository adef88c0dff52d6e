"""What makes a new value doubtful by its name or its text, alike in a file (TPL-02) and in a plan (PLAN-16).

Names are words in snake_case. What a chart or provider does with a word that nobody listed is not known here: these are
the words and shapes of texts that the common ones run, obey, or send something to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for line in patterns for p in line.split()))


# Beside what each rule lists itself: what runs, as whom, in whose namespaces, and where alerts and data go.
_POWER = _words(
    ".+_(args|arguments|command|commands|containers?) cmd_?line .*command_line.* .+_cmd runcmd bootcmd write_files",
    "(.+_)?scripts? shell flags run on_(start|stop|create|boot|init)",
    "(pre|post)_(install|upgrade|delete|start|stop|run|sync|rollback)",
    "init_?db.* startup .*startup_(command|script)s? postrender.* binary_path .*snippets? java_?opts jvm_?opts .+_opts",
    "handler layers? s3_key ci_?custom ssh_keys? authorized_keys .*inject.* value_from .*admin_api.*",
    "share_process_namespace (.*_)?seccomp.* .*app_?armor.* se_linux.* selinux.* proc_mount pod_security.* fs_group.*",
    "devices cap_(add|drop) pid ipc pid_mode ipc_mode network_mode security_opts? runtime_class.*",
    "rbac (.*_)?roles?(_.*)? admins? admin_users? users? oidc.* oauth.* sso ldap.* saml.* auto_assign_org.*",
    "dns_(config|policy|servers?) name_?servers node_name tolerations? affinity (.*_)?selectors?(_.*)?",
    "additional_(?!prometheus_rules?|labels?$|annotations?$).* external_(?!id$).* existing_.* .*_override(s)?",
    "(.+_)?remote_(write|read)(_.*)? .+_alert_?managers?(_.*)? .*relabel.* .*scrape_configs? .*load_?balancer.*",
    ".*_expose storage_class(_name)? (.+_)?domains? node_port",
    "(default|file|dir|directory)_mode",
)
# Ordinary to change, not ordinary to set for the first time: the chart's own default was sane.
_FIRST_TIME = _words("(global_)?(scrape|evaluation)_interval volumes? volume_mounts? mounts?")
# Of a watcher that is there: it then finds fault with less.
_WEAKENS = _words(
    "upside_down ignore_.* accepted_(status|codes).* expected_(status|codes?).* conditions? type keyword method"
)
_OFF_ABOVE = _words("disabled? silenced? muted? ignored? suspended? paused?")
_WATCHERS = _words("(default_)?rules alerts? alerting monitors?")
_MEANT_OFF = _words(
    "disabled? disable_.* suspend.* paused? skip_.* insecure.* .*anonymous.* allow.* public.* debug verbose",
    "ignore.* mute.* force.* delete.* prune.* dry_run privileged host_.* telemetry .*_telemetry",
    "analytics.* usage_stats.*",
)
_TIGHT = _words(
    ".*interval.* (evaluation_)?periods? memory cpu (max_)?retries max_?retries (failure|unhealthy)_threshold"
)
_TIGHT_TIMES = 10.0
_STOP_WORDS = frozenset({
    "disable", "disabled", "off", "none", "null", "unconfined", "suspended", "paused", "inactive", "muted", "silenced",
})  # fmt: skip
_OPEN_SERVICES = frozenset({"LoadBalancer", "NodePort", "ExternalName"})
_READING = frozenset({"get", "head", "options"})
_IDENTITIES = frozenset({"uid", "gid", "user_id", "group_id", "user", "group"})
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|[smhdwy])?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_A_DAY = 86400
_SQL_KEY = _words("(.+_)?(database|db|sql)_?query sql")
_TELLS = re.compile(r"arn:aws[a-z-]*:sns:")
_SHARE_WORDS = 3
_NAMING = frozenset({"name", "key", "id", "title", "alias"})
_LOOSE_MOUNTS = frozenset({"suid", "dev", "exec", "sec=none", "no_root_squash", "allow_other"})

_STEERING = re.compile(
    r"PATH|HOME|SHELL|ENV|IFS|BASH_\w+|(LD|DYLD|PYTHON|PERL|RUBY|NODE|JDK|GIT|SSH|AWS|KUBE|VAULT|TF)_\w+|GCONV_PATH|PYTHON\w+"
    r"|PERL5\w+|RUBY(OPT|LIB)|KUBECONFIG|_?JAVA_\w*OPT(ION)?S|CATALINA_OPTS|(HTTPS?|ALL|NO|FTP)_PROXY|SSL_CERT_\w+"
    r"|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|OTEL_\w+_ENDPOINT|PHP_INI\w*|PROMPT_COMMAND"
)
_PROGRAM = re.compile(
    r"#!|\$\(|`|&&|\|\||\|\s*(?:ba|z|da)?sh\b|\b(?:ba|z|da)?sh\s+-c\b|\b(?:curl|wget|nc|ncat|socat)\s|\bpython3?\s+-c"
    r"|\bos\.system|\bsubprocess\b|\beval\s*\(|<script|javascript:",
    re.IGNORECASE,
)
_FLAG = re.compile(r"--?[A-Za-z][\w.-]*(?:[=:\s].*)?")
# One line that a reader of YAML takes for a key with a value, or for a key alone.
_ONE_LINE = re.compile(r"(?:\"[^\"]{1,200}\"|'[^']{1,200}'|[\w./-]{1,200})[ \t]*:(?:[ \t]|$)|\?[ \t]")
_DOCUMENTS = frozenset({"values", "yaml_body", "manifest"})
_HOST_PATH = re.compile(
    r"(?:/var)?/run/(?:docker|containerd|crio|k3s)\b|/var/lib/(?:kubelet|docker|etcd)\b|/etc/kubernetes\b|/dev/\w*mem\b"
    r"|/proc(?:/|$)|/root(?:/|$)"
)
_PROGRAM_FILE = re.compile(r"\.(?:sh|bash|py|rb|pl|js|lua|sql)$", re.IGNORECASE)
_AT = re.compile(
    r"\b([a-z][a-z0-9+.-]{0,20})://(?:[^/\s\"'@?#]{0,200}@)?(\[[0-9a-fA-F:.]+\]|[^/\s\"'?#:,\\<>|]*)", re.IGNORECASE
)
_BARE = re.compile(r"((?:[a-z0-9_-]{1,63}\.)+[a-z]{2,24}|\d{1,3}(?:\.\d{1,3}){3})\.?(?::\d{1,5})?(?:/.*)?")
_A_FILE = re.compile(r"\.(?:ya?ml|json|conf|cfg|ini|toml|txt|log|db|sock|tpl|tf|md|html?|xml|csv|properties|rules|io)$")
_INSIDE = re.compile(r"[a-z0-9_-]*|.+\.(?:svc|cluster\.local|local|lan|home\.arpa)")
_ODD_SCHEMES = frozenset({"file", "gopher", "dict", "javascript", "data", "jar", "phar", "netdoc"})
_METADATA = re.compile(
    r"169\.254\..*|metadata\.google\.internal|fd00:ec2:.*|100\.100\.100\.200|metadata", re.IGNORECASE
)
_ITSELF = re.compile(r"localhost|127\..*|0(?:\..*)?|\d+|0x.*|::1?|.*\.localhost", re.IGNORECASE)
_LONGEST = 4096
_SHORT_LABEL = 3  # co.uk is nobody's own


def snake(key: str) -> list[str]:
    """The words of a key in snake_case; a dotted one, such as helm's server.replicas, is several."""
    return [re.sub(r"[^a-z0-9]+", "_", _CAMEL.sub("_", word).lower()).strip("_") for word in key.split(".")]


def power(names: Sequence[str], *, first: bool) -> str | None:
    """The first word that decides what runs or where something goes; `first` when nothing stood there before."""
    return next((n for n in names if _POWER.fullmatch(n) or (first and _FIRST_TIME.fullmatch(n))), None)


def weakens(names: Sequence[str]) -> str | None:
    """The last word when it decides what a watcher that is there still finds fault with."""
    return names[-1] if _WEAKENS.fullmatch(names[-1]) else None


def steering(names: Sequence[str], text: str = "") -> str | None:
    """The environment variable among the names as they are written, or named by the text, that steers programs."""
    return next((name for name in (*names, text) if _STEERING.fullmatch(name)), None)


def switched(names: Sequence[str], on: bool, *, alone: bool) -> str | None:
    """What a new switch says. `alone`: it is set by itself, and not a part of something that is new as a whole."""
    if on:
        return f"it stands below {names[-2]}" if len(names) > 1 and _OFF_ABOVE.fullmatch(names[-2]) else None
    watched = any(_WATCHERS.fullmatch(name) for name in names[:-1])
    if (alone or watched) and not _MEANT_OFF.fullmatch(names[-1]):
        return "a default may be switched off by it"
    return None


def too_far(names: Sequence[str], before: float, after: float) -> bool:
    """Whether a number moved more than tenfold where that means never, or nothing left to live on."""
    if not _TIGHT.fullmatch(names[-1]) or before <= 0:
        return False
    return after <= 0 or not 1 / _TIGHT_TIMES <= after / before <= _TIGHT_TIMES


def text_problem(names: Sequence[str], text: str) -> str | None:
    """What is doubtful in a text that is new, whatever it is called."""
    key, word = names[-1], text.strip()
    if len(word) > _LONGEST:
        return "it is too long to be an ordinary value"
    if _PROGRAM.search(word) or _FLAG.fullmatch(word):
        return "it looks like a program, or an argument of one"
    if (word[:1] in ("{", "[") and word[-1] in ("}", "]")) or _one_line(key, word):
        return "it is YAML or JSON within a text of one line"
    if word.lower() in _STOP_WORDS:
        return "it switches something off"
    if key == "type" and word in _OPEN_SERVICES:
        return "it opens a service"
    if what := acts(names, word):
        return what
    if key in _IDENTITIES and word in ("0", "root"):
        return "it makes it root"
    if key.endswith("interval") and (seldom := _SPAN.fullmatch(word)):
        span = float(seldom[1]) * _SECONDS[seldom[2] or "s"]
        return "it comes so seldom, or never, that it is as good as off" if not 0 < span <= _A_DAY else None
    if "mount_options" in names and word in _LOOSE_MOUNTS:
        return "it takes a protection from what is mounted"
    if key == "record" and ":" not in word:
        return "a recorded series without a colon in its name may stand in for a real one"
    return "it leads into the machine" if _HOST_PATH.match(word) else None


def _one_line(key: str, word: str) -> bool:
    flow = word[-1:] in ("}", "]")
    return (flow or key in _DOCUMENTS) and _ONE_LINE.match(word) is not None


def acts(names: Sequence[str], text: str) -> str | None:
    """Why an alert or a monitor would do more than look and tell: it asks for a change, or its alarm acts."""
    key, word = names[-1], text.strip()
    if key.endswith("method") and word.isupper() and word.lower() not in _READING:
        return "it asks a server to change something"
    if _SQL_KEY.fullmatch(key) and not re.match(r"select\b[^;]*;?$", word, re.IGNORECASE):
        return "it runs SQL that may do more than read"
    if any(name.endswith("_actions") for name in names) and not _TELLS.match(word):
        return "it does more than tell somebody"
    return None


def share_of_resources(names: Sequence[str]) -> bool:
    """Whether it is the limit or request of memory or CPU of whatever stands around it."""
    return (
        len(names) >= _SHARE_WORDS
        and names[-3] == "resources"
        and names[-2] in ("limits", "requests")
        and names[-1] in ("memory", "cpu", "ephemeral_storage")
    )


def program_file(key: str) -> bool:
    """Whether a key is the name of a file that holds a program."""
    return _PROGRAM_FILE.search(key) is not None


def hosts_in(text: str) -> Iterator[tuple[str, str]]:
    """(scheme, host) of each address in a text; of a text that is nothing but hosts without a scheme."""
    found = [(scheme.lower(), host.lower().strip("[]")) for scheme, host in _AT.findall(text[:_LONGEST])]
    yield from found
    for piece in () if found else text[:_LONGEST].split(","):
        bare = _BARE.fullmatch(piece.strip())
        if bare and not _A_FILE.search(bare[1]):
            yield "", bare[1]


def domains_in(text: str) -> frozenset[str]:
    """The domains that a text names, for `leads_away`."""
    found = [host for _, host in _AT.findall(text)]
    found += re.findall(r"(?<![\w.@/-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w.-])", text)
    found += re.findall(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])", text)
    return frozenset(_domain(host.lower()) for host in found)


def leads_away(names: Sequence[str], text: str, known: frozenset[str], *, watches: bool) -> str | None:
    """Why an address in a new text is doubtful. `known` are domains that stand there already; a monitor `watches`: any
    server out there may be asked, only not the one that asks."""
    for scheme, host in hosts_in(text):
        if not scheme and names[-1] in _NAMING:
            continue
        if scheme in _ODD_SCHEMES:
            return f"{scheme}: is no address of a server"
        if _METADATA.fullmatch(host):
            return "it asks the machine's own cloud"
        if watches and (_ITSELF.fullmatch(host) or not host):
            return "it asks the very machine that watches"
        if not (watches or _INSIDE.fullmatch(host) or _private(host) or _domain(host) in known):
            return "it leads to a host that is new here"
    return None


def _domain(host: str) -> str:
    labels = host.rstrip(".").split(".")
    if host.replace(".", "").isdigit():
        return host
    return ".".join(labels[-3:] if all(len(label) <= _SHORT_LABEL for label in labels[-2:]) else labels[-2:])


def _private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


_SCHEDULE_WORD = re.compile(r"@(?:hourly|daily|midnight|weekly|monthly)|@every\s+\S+|(?:rate|every)\b.*", re.IGNORECASE)
_SCHEDULE_FIELD = re.compile(r"[\dA-Za-z*/,?#-]+")
_CRON_FIELDS = (5, 6)


def schedule_problem(schedule: str) -> str | None:
    """Why a schedule may hardly ever come, or may be none, or None."""
    text = schedule.strip()
    if _SCHEDULE_WORD.fullmatch(text):
        return None
    call = re.fullmatch(r"cron\((.*)\)", text)
    fields = (call[1] if call else text).split()
    if fields and re.fullmatch(r"(?:CRON_)?TZ=\S+", fields[0]):
        fields = fields[1:]
    if len(fields) not in _CRON_FIELDS or not all(_SCHEDULE_FIELD.fullmatch(field) for field in fields):
        return "nobody can tell when it runs"
    month = fields[3] if call or len(fields) == _CRON_FIELDS[0] else fields[4]
    return None if month in ("*", "?") else "it would never run, or in some months only"


_BRACKETS = {")": "(", "]": "[", "}": "{"}
_TOKENS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*|[()\[\]{}\"'`]")
_UNFINISHED = re.compile(r"(?:[-+*/%^=<>!~,]|\b(?:and|or|unless|by|without|on|ignoring|offset))\s*$", re.IGNORECASE)


def expression_problem(expression: str) -> str | None:
    """Why an expression in a plan cannot be read, whichever language of queries it is in, by its brackets and its end.

    In files of alert rules the language is known, and `app/guard/alerts/promql.py` reads it.
    """
    waiting: list[str] = []
    for token in _TOKENS.findall(expression):
        if token in ("(", "[", "{"):
            waiting.append(token)
        elif token in _BRACKETS:
            if not waiting or waiting.pop() != _BRACKETS[token]:
                return "a bracket closes that was not opened"
        elif token in ('"', "'", "`"):
            return "a quote is not closed"
    if waiting:
        return "a bracket is not closed"
    text = re.sub(r"#[^\n]*", "", expression).strip() if '"' not in expression else expression.strip()
    return "it ends in the middle" if not text or _UNFINISHED.search(text) else None
