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

# After its disk was full NATS stores nothing more until it is started again. It is ended once there is room, and Docker starts it.
restart_after_full_disk() {
  full=""
  while sleep 1 && kill -0 "$2" 2>/dev/null; do
    free_kb="$(df -Pk "$1" | awk 'NR == 2 { print $4 }')"
    if [ "${free_kb:-0}" -lt 4096 ]; then
      full=yes
    elif [ -n "$full" ] && [ "$free_kb" -gt 32768 ]; then
      echo "the disk was full and has room again ($((free_kb / 1024)) MiB): NATS is started again" >&2
      kill -TERM "$2"
      return
    fi
  done
}

restart_after_full_disk "${1:-/data}" "$$" &
exec nats-server --config "$config"
