#!/bin/sh
# Collects what a cluster shows into a folder, and changes nothing: kubectl get, describe nodes, top and logs, HTTP GET, git log.
# Usage: sh collect.sh FOLDER [NAMESPACE...]   logs are taken of the namespaces that are named
# SINCE (default 6h) is how far back logs go; ALERTMANAGER_URL and PROMETHEUS_URL are asked when they are set.
set -u
umask 077

if [ $# -lt 1 ]; then
    echo "usage: sh collect.sh FOLDER [NAMESPACE...]" >&2
    exit 2
fi
folder=$1
shift
for namespace in "$@"; do
    case $namespace in
    '' | -* | *[!a-z0-9-]*)
        echo "collect.sh: '$namespace' is not the name of a namespace" >&2
        exit 2
        ;;
    esac
done
if ! command -v kubectl >/dev/null 2>&1; then
    echo "collect.sh: there is no kubectl here" >&2
    exit 1
fi
if ! mkdir -- "$folder"; then
    echo "collect.sh: give a folder that is not there yet: evidence is never mixed" >&2
    exit 2
fi
# Logs say things that belong in no repository.
echo '*' >"$folder/.gitignore"

# look FILE COMMAND...: the command's output into the file, the command, time and exit code into the index
look() {
    file=$folder/$1
    shift
    mkdir -p -- "$(dirname -- "$file")"
    at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    "$@" >"$file" 2>&1 </dev/null
    printf '%s exit %s %s: %s\n' "$at" $? "${file#"$folder"/}" "$*" >>"$folder/index.txt"
}
cluster() {
    file_of_look=$1
    shift
    look "$file_of_look" kubectl --request-timeout=30s "$@"
}

state='POD:.metadata.name,NAMESPACE:.metadata.namespace,NODE:.spec.nodeName,PHASE:.status.phase'
state=$state',RESTARTS:.status.containerStatuses[*].restartCount,WAITING:.status.containerStatuses[*].state.waiting.reason'
state=$state',ENDED:.status.containerStatuses[*].lastState.terminated.reason'
state=$state',CODE:.status.containerStatuses[*].lastState.terminated.exitCode'
state=$state',AT:.status.containerStatuses[*].lastState.terminated.finishedAt'
rollout='NAMESPACE:.metadata.namespace,NAME:.metadata.name,MADE:.metadata.creationTimestamp,WANTED:.spec.replicas'
rollout=$rollout',READY:.status.readyReplicas,IMAGES:.spec.template.spec.containers[*].image'

cluster nodes.txt get nodes -o wide
cluster nodes-described.txt describe nodes
cluster pods.txt get pods -A -o wide
cluster containers.txt get pods -A -o "custom-columns=$state"
cluster events.txt get events -A --sort-by=.lastTimestamp
cluster workloads.txt get deployments,statefulsets,daemonsets,jobs -A -o wide
cluster rollouts.txt get replicasets -A --sort-by=.metadata.creationTimestamp -o "custom-columns=$rollout"
cluster disruption.txt get poddisruptionbudgets,horizontalpodautoscalers -A
cluster volumes.txt get pvc,pv,storageclasses -A -o wide
cluster network.txt get services,endpointslices,ingresses,networkpolicies -A -o wide
cluster certificates.txt get certificates.cert-manager.io -A -o wide
cluster postgresql.txt get clusters.postgresql.cnpg.io -A -o wide
cluster mysql.txt get innodbclusters.mysql.oracle.com -A -o wide
cluster top-nodes.txt top nodes
cluster top-pods.txt top pods -A --containers

for namespace in "$@"; do
    kubectl --request-timeout=30s get pods -n "$namespace" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' \
        2>/dev/null </dev/null | while IFS= read -r pod; do
        case $pod in '' | -* | *[!a-z0-9.-]*) continue ;; esac
        set -- -n "$namespace" "$pod" --all-containers --timestamps --tail=2000
        cluster "logs/$namespace/$pod.log" logs "$@" "--since=${SINCE:-6h}"
        cluster "logs/$namespace/$pod.previous.log" logs "$@" --previous
    done
done

[ -z "${ALERTMANAGER_URL:-}" ] || look alerts.json curl -fsS -m 30 "$ALERTMANAGER_URL/api/v2/alerts"
[ -z "${PROMETHEUS_URL:-}" ] || look rules.json curl -fsS -m 30 "$PROMETHEUS_URL/api/v1/rules"
TZ=UTC look changes.txt git --no-pager log --since=3.days --stat --date=iso-local --format='%n%ad %h %s'

grep -c ' exit 0 ' "$folder/index.txt" | sed "s|.*|& commands gave something; all of them and their exit codes: $folder/index.txt|"
if ! grep -q ' exit 0 .*: kubectl ' "$folder/index.txt"; then
    echo "collect.sh: the cluster answered nothing" >&2
    exit 1
fi
