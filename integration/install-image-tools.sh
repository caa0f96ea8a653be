#!/bin/sh
# Install what the test of the container image uses beside buildah and podman: runc, which runs it on more machines
# than crun does, and debootstrap, which makes a base image where none can be pulled.
set -u
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
command -v buildah >/dev/null 2>&1 && command -v podman >/dev/null 2>&1 || exit 0
command -v runc >/dev/null 2>&1 && command -v debootstrap >/dev/null 2>&1 && exit 0
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends runc debootstrap >/dev/null 2>&1; }
install || { apt-get update -qq >/dev/null 2>&1 && install; } || echo "WARNING: runc and debootstrap cannot be installed" >&2
