#!/usr/bin/env bash
# Makes the virtual environment $1 with every package of the checkout, editable, at the versions of constraints.txt.
set -euo pipefail
venv=$1
began=$SECONDS

if [ -z "${PYTHON:-}" ]; then
    echo "Python 3.11 or newer is needed and was not found; set PYTHON to one" >&2
    exit 1
fi

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "making $venv with $("$PYTHON" --version)"
    rm -rf "$venv"
    # Debian ships venv without pip; there a pip outside the environment can install into it.
    if ! "$PYTHON" -m venv "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        if ! { "$PYTHON" -m venv --without-pip "$venv" && "$PYTHON" -m pip --python "$venv/bin/python" install -q pip; }; then
            echo "$PYTHON cannot make a virtual environment with pip; on Debian: apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi

pip() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore "$venv/bin/python" -m pip "$@"
}

echo "installing the packages and their dependencies (one to three minutes the first time)"
pip install -q -c constraints.txt setuptools
# The pinned setuptools builds our packages: isolated builds would fetch another.
pip install -q -c constraints.txt --no-build-isolation -r requirements-dev.txt \
    -e 'shared[service,grpc,parquet]' -e services/gateway -e services/analytics -e 'services/predictor[plot]' -e services/dashboard-stream \
    -e deploy/local -e examples/wisdom
echo "installed in $((SECONDS - began)) s"
