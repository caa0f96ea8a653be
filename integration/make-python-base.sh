#!/bin/sh
# make-python-base.sh ARCHIVE: an image laid out like docker.io/library/python, for machines that cannot pull that one.
# Debian comes from debootstrap, and CPython from this machine. Needs root, Debian, debootstrap and buildah; a minute.
set -eu
archive=$1
prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$prefix" = /usr ]; then
    echo "Debian's own CPython is laid out in another way; one of its own prefix is needed" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=$folder/root
libraries=libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libnsl2,libreadline8,libsqlite3-0,libssl3,libtirpc3,libuuid1,zlib1g
debootstrap --variant=minbase --include="ca-certificates,netbase,tzdata,$libraries" bookworm "$root" >"$folder/log" 2>&1 || {
    tail -n 20 "$folder/log" >&2
    exit 1
}
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
mkdir -p "$root/usr/local/lib/python$version/site-packages"
cp -a "$prefix/bin/python$version" "$root/usr/local/bin/"
ln -s "python$version" "$root/usr/local/bin/python3"
ln -s "python$version" "$root/usr/local/bin/python"
find "$prefix/lib" -maxdepth 1 -name "libpython$version.so*" -exec cp -a {} "$root/usr/local/lib/" \;
tar -C "$prefix/lib" --exclude=site-packages --exclude=test --exclude=tkinter --exclude=idlelib --exclude=__pycache__ \
    --exclude='config-*' -cf - "python$version" | tar -C "$root/usr/local/lib" -xf -

buildah() { command buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver vfs "$@"; }
container=$(buildah from scratch)
buildah add --quiet "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8 \
    --cmd python3 "$container"
buildah run --isolation chroot "$container" -- sh -c 'ldconfig && python -m ensurepip >/dev/null && ln -s pip3 /usr/local/bin/pip'
buildah commit --quiet --rm "$container" "oci-archive:$archive.part:python:slim" >/dev/null
mv "$archive.part" "$archive"
