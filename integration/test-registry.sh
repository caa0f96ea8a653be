#!/bin/sh
# test-registry.sh HOST[:PORT]/NAMESPACE [OPTION]...: test whether a registry does what manifest-tool needs. It needs
# neither Docker nor images from a hub: they are made in memory, and removed afterwards. See docs/conformance.md.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${here%/*}

usage() {
    cat <<EOF
Usage: ${0##*/} HOST[:PORT]/NAMESPACE [OPTION]...
       ${0##*/} --read-only HOST[:PORT]/NAME[:TAG] [OPTION]...

Test whether a registry does what manifest-tool needs: uploads, mounts, every
kind of index, tags, deletes. Exits with 0 if all that manifest-tool needs
works, else with 6. It is the same as manifest-tool registry test, and takes the
same options, such as --format, --junit, --html, --keep and --only, and the
global ones, such as --username, --password-stdin, --insecure and --timeout.
EOF
}

case ${1-} in
'')
    usage >&2
    exit 2
    ;;
-h | -help | --help)
    usage
    exit 0
    ;;
esac

# There is another program by the name of manifest-tool, which knows no such command.
path=$root${PYTHONPATH:+:$PYTHONPATH}
if [ -x "$root/.venv/bin/manifest-tool" ]; then
    exec "$root/.venv/bin/manifest-tool" registry test "$@"
elif manifest-tool registry test --help >/dev/null 2>&1; then
    exec manifest-tool registry test "$@"
elif PYTHONPATH=$path python3 -c 'import manifest_tool.cli.app' >/dev/null 2>&1; then
    PYTHONPATH=$path
    export PYTHONPATH
    exec python3 -m manifest_tool registry test "$@"
fi
echo "error: manifest-tool is not installed" >&2
echo "hint: this installs it: cd '$root' && python3 -m venv .venv && .venv/bin/pip install ." >&2
exit 1
