#!/bin/sh
# The action items of one post-mortem, as JSON: parse-postmortem-todos.sh FILE
#
# Exit 0 with the JSON of `followthrough parse` on standard output: file, todos (open, for a machine), skipped (open,
# for a person), total_todos_in_doc, safe_todos, skipped_todos and more. Exit 1 with a JSON error on standard error when
# there is no such file, 2 without an argument or when the file cannot be read, 127 without a followthrough to call.
#
# FOLLOWTHROUGH  the program to call; by default followthrough on PATH, else the one in .venv beside this folder
set -eu

if [ -z "${1:-}" ]; then
    printf 'usage: %s FILE\n' "${0##*/}" >&2
    exit 2
fi
if [ ! -f "$1" ]; then
    printf '{"file": "", "todos": [], "error": "File not found"}\n' >&2
    exit 1
fi

program=${FOLLOWTHROUGH:-followthrough}
if [ -z "${FOLLOWTHROUGH:-}" ] && ! command -v followthrough >/dev/null; then
    program=$(dirname -- "$0")/../.venv/bin/followthrough
fi
exec "$program" parse --format json -- "$1"
