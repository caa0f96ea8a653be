#!/bin/sh
# Install Debian's docker-registry where that is possible; the tests that need it are skipped where it is not.
set -u
command -v docker-registry >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    install() { apt-get install -y -qq --no-install-recommends docker-registry >/dev/null 2>&1; }
    install || { apt-get update -qq >/dev/null 2>&1 && install; }
fi
if ! command -v docker-registry >/dev/null 2>&1; then
    echo "WARNING: docker-registry is not installed and cannot be; the tests that need it are skipped" >&2
    if [ "${CI:-}" = true ]; then
        echo "ERROR: CI=true, so its absence is a failure" >&2
        exit 1
    fi
fi
