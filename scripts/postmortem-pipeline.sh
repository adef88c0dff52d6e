#!/bin/sh
# Follows the pending TODOs of all post-mortems through: postmortem-pipeline.sh, in the root of the infra repository.
#
# Looks for pending TODOs in docs/post-mortems/*.md; when a machine may do some, hands over to
# `followthrough run --repo . --wait`, which does everything else: Vault, DevVM, agent, plan, apply, commits, Slack.
#
# Exit 0, with one of these lines when there is nothing to hand over:
#     No post-mortem with pending TODOs found
#     No auto-implementable TODOs — skipping
# Exit 0 when the run is done. Exit 0, too, when it did what it may and people have to do the rest (code 4 of
# `followthrough run`), with a line that says how many: an agent that did its part is no broken pipeline, and a red one
# would hide the day on which it really breaks. Exit 1 on everything else.
#
# FOLLOWTHROUGH  the program to call; by default followthrough on PATH, else the one in .venv beside this folder
set -eu

program=${FOLLOWTHROUGH:-followthrough}
if [ -z "${FOLLOWTHROUGH:-}" ] && ! command -v followthrough >/dev/null; then
    program=$(dirname -- "$0")/../.venv/bin/followthrough
fi

# A symbolic link is no document: it would be read wherever it points.
set --
for file in docs/post-mortems/*.md; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        set -- "$@" "$file"
    fi
done
if [ $# -eq 0 ]; then
    echo 'No post-mortem with pending TODOs found'
    exit 0
fi

json=$("$program" parse --format json -- "$@") || {
    echo 'reading the post-mortems: see above; nothing was started' >&2
    exit 1
}

# sum KEY: the sum of this number over all documents. Text cannot be taken for a key: a quote inside a JSON string has
# a backslash before it.
sum() {
    # shellcheck disable=SC2020 # three characters, each becoming a line's end
    printf '%s' "$json" | tr '{,}' '\n\n\n' |
        sed -n 's/^[[:space:]]*"'"$1"'":[[:space:]]*\([0-9][0-9]*\).*/\1/p' |
        awk '{ total += $1 } END { print total + 0 }'
}
safe=$(sum safe_todos)
human=$(sum skipped_todos)

if [ "$((safe + human))" -eq 0 ]; then
    echo 'No post-mortem with pending TODOs found'
    exit 0
fi
if [ "$safe" -eq 0 ]; then
    echo 'No auto-implementable TODOs — skipping'
    echo "$human pending TODOs need a person"
    exit 0
fi

echo "$safe pending TODOs for the agent, $human for people"
code=0
"$program" run --repo . --wait || code=$?
case $code in
0) ;;
4)
    echo "The run did what a machine may: $human pending TODOs need a person from the start, and so does each of the" \
        "$safe for the agent that is not done above"
    ;;
*)
    echo "followthrough run ended with code $code" >&2
    exit 1
    ;;
esac
