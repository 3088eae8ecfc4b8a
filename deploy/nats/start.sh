#!/bin/sh
# Starts NATS of the compose stack. A volume made before there were accounts has its streams in the global account's folder:
# they are moved to where the services' account looks for them, once.
set -eu

store="${1:-/data}/jetstream"
config="${2:-/etc/nats/nats.conf}"
before="$store/\$G"
now="$store/DRISHTI"

holds_streams() {
  [ -n "$(ls -A "$1/streams" 2>/dev/null)" ]
}

if holds_streams "$before"; then
  if holds_streams "$now"; then
    echo "both $before and $now hold streams: an older version ran on this volume after a newer one. Only one of them can be used: move the other one away" >&2
    exit 1
  fi
  rm -rf "$now"
  mv "$before" "$now"
  echo "moved $before to $now"
fi

exec nats-server --config "$config"
