#!/usr/bin/env bash
# Runs the tests with the environment $1 in two halves at once: those that compute, and those that mostly wait for servers.
# With further arguments, pytest gets them, and all tests run one after the other.
# Job control gives the half in the background its own process group, in which an interrupt works as in a terminal.
set -muo pipefail
venv=$1
shift
if [ $# -gt 0 ]; then
    exec "$venv/bin/python" -m pytest "$@"
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$venv/bin/python" -m pytest -p no:cacheprovider tests/unit >"$said" 2>&1 &
computing=$!
trap 'kill $computing 2>/dev/null; rm -f "$said"; exit 130' INT TERM
"$venv/bin/python" -m pytest tests/contract tests/integration tests/e2e
waited=$?
echo "== tests that compute (ran beside the others)"
wait $computing
computed=$?
cat "$said"
exit $((waited > computed ? waited : computed))
