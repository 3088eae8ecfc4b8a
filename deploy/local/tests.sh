#!/usr/bin/env bash
# Runs the tests with the environment $1 in three parts at once: those that compute, those of analytics and of the product as a
# whole, and the others, which mostly wait for servers. With further arguments, pytest gets them, and all tests run one after the other.
# Job control gives each part in the background its own process group, in which an interrupt works as in a terminal.
set -muo pipefail
venv=$1
shift
if [ $# -gt 0 ]; then
    exec "$venv/bin/python" -m pytest "$@"
fi

analytics=(tests/integration/analytics tests/integration/across_services)
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
"$venv/bin/python" -m pytest -p no:cacheprovider tests/unit >"$said/tests that compute" 2>&1 &
computing=$!
"$venv/bin/python" -m pytest -p no:cacheprovider "${analytics[@]}" tests/e2e >"$said/tests of analytics and e2e" 2>&1 &
storing=$!
trap 'kill $computing $storing 2>/dev/null; rm -rf "$said"; exit 130' INT TERM
"$venv/bin/python" -m pytest tests/contract tests/integration "${analytics[@]/#/--ignore=}"
worst=$?
for part in "$computing tests that compute" "$storing tests of analytics and e2e"; do
    wait "${part%% *}"
    outcome=$?
    echo "== ${part#* } (ran beside the others)"
    cat "$said/${part#* }"
    worst=$((outcome > worst ? outcome : worst))
done
exit $worst
