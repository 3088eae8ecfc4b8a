#!/usr/bin/env bash
# Runs the tests with the environment $1 in five parts at once. Two compute, and leave the processor to the three others, which mostly
# wait for servers. CHECKS names a command that runs beside them. With further arguments, pytest gets them, and all tests run one after
# the other. Job control gives each part in the background its own process group, in which an interrupt works as in a terminal.
set -muo pipefail
venv=$1
shift
if [ $# -gt 0 ]; then
    exec "$venv/bin/python" -m pytest "$@"
fi

output=$(mktemp -d)
names=()
processes=()
trap 'rm -rf "$output"' EXIT
trap 'for process in "${processes[@]}"; do kill -TERM -- "-$process" 2>/dev/null; done; exit 130' INT TERM

beside() { # NAME COMMAND...: runs the command in the background; what it prints is shown when it has ended
    local name=$1
    shift
    "$@" >"$output/$name" 2>&1 &
    names+=("$name")
    processes+=($!)
}

analytics=(tests/integration/analytics tests/integration/across_services)
pytest=("$venv/bin/python" -m pytest -p no:cacheprovider)
beside "end-to-end tests" "${pytest[@]}" tests/e2e
beside "tests of analytics" "${pytest[@]}" "${analytics[@]}"
beside "tests that compute" nice -n 5 "${pytest[@]}" tests/unit --ignore=tests/unit/predictor
beside "tests of models" nice -n 5 "${pytest[@]}" tests/unit/predictor
if [ -n "${CHECKS:-}" ]; then
    # shellcheck disable=SC2086 # a command and its arguments
    beside "checks" $CHECKS
fi
"$venv/bin/python" -m pytest tests/contract tests/integration "${analytics[@]/#/--ignore=}"
worst=$?
for ((i = ${#names[@]} - 1; i >= 0; i--)); do
    wait "${processes[i]}"
    outcome=$?
    printf '\n== %s (ran beside the others)\n' "${names[i]}"
    cat "$output/${names[i]}"
    worst=$((outcome > worst ? outcome : worst))
done
exit $worst
