# The base has CPython 3.11 or newer with pip, and a shell, which CI systems need.
ARG BASE=docker.io/library/python:3.12-slim

FROM ${BASE} AS build
# Seconds since 1970: the time of every file that is made here, so that the same sources give the same wheel.
ARG SOURCE_DATE_EPOCH=1767225600
WORKDIR /src
COPY . .
# A clone's permissions are those of whoever cloned; a wheel keeps them.
RUN chmod -R u=rwX,go=rX . \
 && python -m pip wheel --disable-pip-version-check --no-cache-dir --wheel-dir /wheels . \
 && python -m pip install --disable-pip-version-check --root-user-action=ignore --no-index --find-links /wheels \
    --ignore-installed --no-compile --no-warn-script-location --prefix /image/usr/local manifest-tool
# Bytecode that is never looked at again: nobody could write it anew in the image. It tells no time.
RUN python -m compileall -q --invalidation-mode unchecked-hash -s /image -p / /image/usr/local \
 && mkdir -p /image/etc /image/work /home/manifest-tool \
 && cp /etc/passwd /etc/group /image/etc \
 && echo 'manifest-tool:x:65532:65532:manifest-tool:/home/manifest-tool:/bin/sh' >> /image/etc/passwd \
 && echo 'manifest-tool:x:65532:' >> /image/etc/group \
 && find /image -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} +

# Nothing is run from here on, so the layers hold what is copied and nothing else.
FROM ${BASE}
ARG BASE
ARG REVISION=""
LABEL org.opencontainers.image.title="manifest-tool" \
      org.opencontainers.image.description="Publish one reference over container images built for many platforms: a Docker manifest list or an OCI image index." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
# Whoever the user is; one whom the image does not know would have none.
ENV HOME=/home/manifest-tool
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /home /home
# A number, as Kubernetes can tell by it that this is not root.
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["manifest-tool"]
CMD ["--help"]
